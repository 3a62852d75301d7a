"""Fire drills: a synthetic alert is sent once, and looked for at its receiver, again and again while others run."""

from __future__ import annotations

import uuid
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING

from msgspec.structs import replace

from pytest_deploycheck.checks import routing
from pytest_deploycheck.checks.drill import drilled
from pytest_deploycheck.clients.alertmanager.posting import NewAlert
from pytest_deploycheck.errors import CannotMeasure
from pytest_deploycheck.face.judged import Answer, Judged
from pytest_deploycheck.face.observers import FIRING, PROBE, RESOLVED, CounterObserver, ListenerObserver, LogObserver
from pytest_deploycheck.model.drill import DrillState

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from contextlib import AbstractContextManager

    from pytest_deploycheck.checks.asked import Asked
    from pytest_deploycheck.clients.alertmanager.client import AlertmanagerClient
    from pytest_deploycheck.clock import Clock
    from pytest_deploycheck.face.health import Service
    from pytest_deploycheck.face.ledger import Ledger
    from pytest_deploycheck.face.observers import Observer
    from pytest_deploycheck.model.alertmanager import AmAlert
    from pytest_deploycheck.settings.drills import FireDrillCheck
    from pytest_deploycheck.transport.endpoint import Endpoint
    from pytest_deploycheck.transport.listening import Listener

__tracebackhide__ = True

_SUCCESS = range(200, 300)
_MARGIN = 60.0
"""Seconds that an alert lives longer than anybody looks for it, if this process should die."""


class DrillAnswer(Answer):
    """How far a drill has come.

    Attributes:
        state: as it was seen when it was asked for.
    """

    def __init__(self, state: DrillState, entry: FireDrillCheck, ledger: Ledger, asked: Asked) -> None:
        """Note that somebody has to look at it."""
        super().__init__(ledger, asked)
        self.state = state
        self._entry = entry

    def delivered(self) -> Judged:
        """Judge that the alert has reached its receiver in time, and has ended.

        What has not happened yet is a measured failure: give the check `within`, or ask again.
        """
        entry = self._entry
        return self._judge(
            drilled(
                self.state,
                self._asked,
                receiver=entry.receiver,
                max_latency=entry.max_latency.total_seconds(),
                end_within=None if entry.end_within is None else entry.end_within.total_seconds(),
            )
        )


class _Drill:
    """One alert that was sent.

    Args:
        api: of Alertmanager.
        entry: what is drilled.
        observer: sees the receiver.
        clock: the runner's.
    """

    def __init__(self, api: AlertmanagerClient, entry: FireDrillCheck, observer: Observer, clock: Clock) -> None:
        """Send it: a write, which check and run must both allow."""
        self._api, self._observer, self._clock = api, observer, clock
        self._probe = uuid.uuid4().hex[:12]
        self._ended: float | None = None
        self._receivers: tuple[str, ...] = ()
        labels = {"alertname": "DeploycheckFireDrill", **entry.labels, PROBE: self._probe}
        self._alert = NewAlert(
            labels=labels,
            annotations={"summary": "fire drill of a verification: nothing is wrong, and it ends by itself"},
            ends_at=clock.now() + entry.wait().total_seconds() + _MARGIN,
        )
        configuration = api.configuration()
        self._group_wait = max((way.group_wait for way in routing.route(configuration, labels)), default=0.0)
        self._sent = clock.monotonic()
        api.post_alerts([self._alert])

    def look(self) -> DrillState:
        """Return how far it has come; once it has arrived, it is ended."""
        seen = self._observer.seen(self._probe)
        listed = self._listed()
        if FIRING in seen and self._ended is None:
            self.end()
            listed = self._listed()
        now = self._clock.monotonic()
        arrived, told = seen.get(FIRING), seen.get(RESOLVED)
        return DrillState(
            receivers=self._receivers,
            listed=bool(listed),
            silenced_by=listed[0].silenced_by if listed else (),
            inhibited_by=listed[0].inhibited_by if listed else (),
            how=self._observer.how,
            group_wait=self._group_wait,
            elapsed=now - self._sent,
            delivered_after=None if arrived is None else arrived - self._sent,
            ended_after=None if told is None or self._ended is None else max(0.0, told - self._ended),
            ended_for=None if self._ended is None else now - self._ended,
            problem=self._observer.problem,
            doubt=self._observer.doubt,
        )

    def _listed(self) -> tuple[AmAlert, ...]:
        """Return the alert as Alertmanager lists it; where it went is known even after it is over."""
        found = self._api.alerts(filters=[f'{PROBE}="{self._probe}"'])
        if found:
            self._receivers = found[0].receivers
        return found

    def end(self) -> None:
        """End the alert, if it has not been ended. The consent to sending it covers this, whatever check runs now."""
        if self._ended is None:
            self._ended = self._clock.monotonic()
            with _consented(self._api):
                self._api.resolve_alerts([self._alert])

    def close(self) -> None:
        """End the alert and look no more."""
        try:
            with suppress(CannotMeasure):  # it ends by itself as well
                self.end()
        finally:
            self._observer.close()


class FireDrills:
    """The drills of a module: each entry's alert is sent once, at the first question, and ended at the end.

    Args:
        api: of Alertmanager.
        asking: gathers the evidence of a question.
        listen: listens on a host and port.
        service: gives a service of the environment, which tells what it received.
        clock: the runner's.
        ledger: of the check that runs.
    """

    def __init__(
        self,
        api: AlertmanagerClient,
        *,
        asking: Callable[[str], AbstractContextManager[list[Asked]]],
        listen: Callable[[str, int], Listener],
        service: Callable[[str], Service],
        clock: Clock,
        ledger: Ledger,
    ) -> None:
        """Send nothing yet."""
        self._api = api
        self._service = service
        self._asking = asking
        self._listen = listen
        self._clock = clock
        self._ledger = ledger
        self._drills: dict[str, tuple[_Drill, tuple[str, ...]]] = {}

    def of(self, entry: FireDrillCheck) -> DrillAnswer:
        """Send the alert of an entry if that was not done yet, and look where it is.

        Raises:
            WriteNotAllowed: without the opt-ins of check and run.
            CannotMeasure: if Alertmanager or the receiver's side cannot be asked.
        """
        key = entry.derived_id()
        text = ", ".join(f'{name}="{value}"' for name, value in sorted(entry.labels.items()))
        with self._asking(f"fire drill of {{{text}}}") as box:
            drill, before = self._drills.get(key) or (self._fire(entry), ())
            self._drills[key] = (drill, before)
            state = drill.look()
        asked = box[0]
        if not before:
            self._drills[key] = (drill, asked.evidence)
        return DrillAnswer(state, entry, self._ledger, replace(asked, evidence=(*before, *asked.evidence)))

    def close(self) -> None:
        """End every alert that has not been ended."""
        drills, self._drills = self._drills, {}
        for drill, _ in drills.values():
            drill.close()

    def _fire(self, entry: FireDrillCheck) -> _Drill:
        observer = self._observer(entry)
        try:
            return _Drill(self._api, entry, observer, self._clock)
        except BaseException:
            observer.close()
            raise

    def _observer(self, entry: FireDrillCheck) -> Observer:
        if entry.listen is not None:
            host, _, port = entry.listen.rpartition(":")
            return ListenerObserver(self._listen(host.strip("[]"), int(port)), entry.listen)
        if entry.service is not None:
            told = partial(_told, self._service(entry.service), entry.path)
            return LogObserver(told, f"what {entry.service} tells at {entry.path}", self._clock)
        return CounterObserver(self._api, entry.receiver, entry.integration or "", self._clock)


@contextmanager
def _consented(api: AlertmanagerClient) -> Generator[None, None, None]:
    guard = api.wire.write_guard

    def undoing(endpoint: Endpoint, method: str, path: str) -> None:
        del endpoint, method, path

    api.wire.write_guard = undoing
    try:
        yield
    finally:
        api.wire.write_guard = guard


def _told(service: Service, path: str) -> bytes:
    """Return what a service tells.

    Raises:
        CannotMeasure: if it refuses.
    """
    answer = service.get(path)
    if answer.status not in _SUCCESS:
        raise CannotMeasure(
            f"{service}: {path} answers {answer.status} instead of what it received",
            evidence=", ".join(answer.evidence),
        )
    return answer.answer.body
