"""How far a fire drill has come, as frozen data. Durations are seconds."""

from __future__ import annotations

import msgspec


class DrillState(msgspec.Struct, frozen=True, kw_only=True):
    """A synthetic alert on its way to a receiver.

    Attributes:
        receivers: that Alertmanager routes it to.
        listed: whether Alertmanager lists it.
        silenced_by: ids of silences.
        inhibited_by: fingerprints of alerts.
        how: it is observed, to follow `seen`.
        group_wait: how long its group waits before the first notification.
        elapsed: since it was sent.
        delivered_after: until the receiver was seen to have it; None = not yet.
        ended_after: from its end until the receiver was seen to know that; None = not yet.
        ended_for: since it was ended; None = not yet.
        problem: of the receiver's side, such as failed requests.
        doubt: why what was seen may have been something else.
    """

    receivers: tuple[str, ...]
    listed: bool
    silenced_by: tuple[str, ...] = ()
    inhibited_by: tuple[str, ...] = ()
    how: str
    group_wait: float
    elapsed: float
    delivered_after: float | None = None
    ended_after: float | None = None
    ended_for: float | None = None
    problem: str = ""
    doubt: str = ""
