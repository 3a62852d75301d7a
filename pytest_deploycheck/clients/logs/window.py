"""The time that is looked at, and where the reading of each writer's lines stands in it."""

from __future__ import annotations

import msgspec


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """The time that is looked at.

    It begins at the first line whose time lies in it; whatever follows stands in it, and a line there that claims to
    be older is an offender, not left out: a stopped clock must not hide what is written under it.

    Attributes:
        since: Unix time; None = from the first line on.
        until: Unix time: the first line that reaches it ends the reading; None = all lines.
        now: the runner's Unix time: later times are in the future.
        tolerance: seconds that clocks and writers may differ.
    """

    since: float | None
    until: float | None
    now: float
    tolerance: float


class Stream(msgspec.Struct):
    """Where the reading of one writer's lines stands.

    Attributes:
        started: whether its window has begun.
        ended: whether a line beyond the window was met.
        highest: the latest time so far, of those not in the future.
    """

    started: bool
    ended: bool = False
    highest: float | None = None
