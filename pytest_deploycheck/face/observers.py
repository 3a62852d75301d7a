"""Who sees that an alert has arrived: a listener of ours, the receiver's own log, or Alertmanager's counters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from pytest_deploycheck.checks.wording import count, names

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_deploycheck.clients.alertmanager.client import AlertmanagerClient
    from pytest_deploycheck.clock import Clock
    from pytest_deploycheck.model.alertmanager import NotificationCounters
    from pytest_deploycheck.transport.listening import Listener

__tracebackhide__ = True

PROBE = "deploycheck_probe"
"""The label that tells one drill from all other alerts."""
FIRING, RESOLVED = "firing", "resolved"


class Observer(Protocol):
    """Sees deliveries of the alert of one drill."""

    how: str
    problem: str
    doubt: str

    def seen(self, probe: str) -> dict[str, float]:
        """Return `firing` and `resolved`, as far as they were delivered, with the monotonic time of that."""
        ...

    def close(self) -> None:
        """Look no more."""
        ...


class ListenerObserver:
    """A port on which Alertmanager's webhook delivers.

    Args:
        listener: on that port.
        where: it is, for people.
    """

    problem = doubt = ""

    def __init__(self, listener: Listener, where: str) -> None:
        """Listen from now on."""
        self._listener = listener
        self.how = f"by a listener on {where}"

    def seen(self, probe: str) -> dict[str, float]:
        """Return the exact times of arrival."""
        found: dict[str, float] = {}
        for one in self._listener.deliveries():
            for status in statuses(one.body, probe):
                found.setdefault(status, one.at)
        return found

    def close(self) -> None:
        """Listen no more."""
        self._listener.close()


class LogObserver:
    """A URL at which the receiver tells what it got.

    Args:
        ask: returns what it tells.
        where: it is, for people.
        clock: times are those of the looks.
    """

    problem = doubt = ""

    def __init__(self, ask: Callable[[], bytes], where: str, clock: Clock) -> None:
        """Ask nothing yet."""
        self._ask = ask
        self._clock = clock
        self._found: dict[str, float] = {}
        self.how = f"in {where}"

    def seen(self, probe: str) -> dict[str, float]:
        """Look, and return when each was first seen."""
        if RESOLVED not in self._found:
            for status in statuses(self._ask(), probe):
                self._found.setdefault(status, self._clock.monotonic())
        return self._found

    def close(self) -> None:
        """Nothing is open."""


class CounterObserver:
    """Alertmanager's own counters of one kind of integration; they count all alerts, not this one alone.

    So they tell something only while no other alert notifies in the same way. A notification is counted when it is
    attempted; a request only when it was answered, and so it alone tells of a delivery.

    Args:
        api: of Alertmanager.
        receiver: that must have the integration.
        integration: such as `webhook`.
        clock: times are those of the looks.
    """

    def __init__(self, api: AlertmanagerClient, receiver: str, integration: str, clock: Clock) -> None:
        """Read the counters as they are before the drill."""
        self._api, self._integration, self._clock = api, integration, clock
        self._found: dict[str, float] = {}
        self._others: set[str] = set()
        kinds = {one.name: one.integrations for one in api.configuration().receivers}
        self._rivals = {name for name, found in kinds.items() if integration in found}
        self._unfit = ""
        if receiver not in kinds:
            self._unfit = f"there is no receiver {receiver}, only {names(kinds)}"
        elif receiver not in self._rivals:
            self._unfit = f"{receiver} has no integration {integration}, only {names(kinds[receiver])}"
        self._before = self._counters()
        self.problem, self.doubt = self._unfit, ""
        self.how = f"by the requests of {integration} that Alertmanager counts, of all alerts"

    def seen(self, probe: str) -> dict[str, float]:
        """Return the time at which a request that did not fail was first counted."""
        if self._found:
            return self._found
        self._others |= {
            one.labels.get("alertname", "(no name)")
            for one in self._api.alerts(silenced=False, inhibited=False)
            if one.labels.get(PROBE) != probe and self._rivals.intersection(one.receivers)
        }
        now, before = self._counters(), self._before
        failed = max(
            _moved(before.requests_failed, now.requests_failed),
            _moved(before.notifications_failed, now.notifications_failed),
        )
        self.problem = self._unfit
        if failed > 0:
            self.problem = f"requests of {self._integration} fail: {failed:g} since the alert was sent"
        elif _moved(before.requests, now.requests) > 0 and not self._unfit:
            self._found[FIRING] = self._clock.monotonic()
        if self._others:
            verb = "notifies" if len(self._others) == 1 else "notify"
            self.doubt = (
                f"{count(len(self._others), 'other alert')} {verb} by {self._integration} as well "
                f"({names(self._others)}): whose notification was counted, nobody can tell"
            )
        return self._found

    def close(self) -> None:
        """Nothing is open."""

    def _counters(self) -> NotificationCounters:
        from pytest_deploycheck.errors import NoData

        found = {one.integration: one for one in self._api.notification_counters()}
        if self._integration not in found:
            raise NoData(
                f"alertmanager counts no notifications of {self._integration!r}",
                next_step=f"it counts those of {', '.join(sorted(found))}",
            )
        return found[self._integration]


def _moved(before: float, now: float) -> float:
    """Return how far a counter has moved; one that fell was reset, and one that is not there has not moved."""
    return now if now < before else now - before if now == now and before == before else 0.0  # noqa: PLR0124 - NaN


def statuses(body: bytes, probe: str) -> set[str]:
    """Return the statuses in which a text tells of the alert of a drill.

    Alerts as Alertmanager's webhook sends them are understood wherever they stand in JSON; in any other text the
    probe's mere presence is `firing`.
    """
    if probe.encode() not in body:
        return set()
    try:
        found = set(_statuses(msgspec.json.decode(body), probe))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        found = set()
    return found or {FIRING}


def _statuses(node: Any, probe: str) -> Iterator[str]:
    if isinstance(node, dict):
        labels = node.get("labels")
        if isinstance(labels, dict) and labels.get(PROBE) == probe:
            yield RESOLVED if node.get("status") == RESOLVED else FIRING
        else:
            for child in node.values():
                yield from _statuses(child, probe)
    elif isinstance(node, list):
        for child in node:
            yield from _statuses(child, probe)
