"""The `alertmanager` fixture: status, alerts, silences, routing by the loaded configuration, notifications."""

from __future__ import annotations

import math
import uuid
from contextlib import contextmanager
from typing import TYPE_CHECKING

from msgspec.structs import replace

from pytest_deploycheck.checks import alerts as alert_checks
from pytest_deploycheck.checks import routing, silences, thresholds
from pytest_deploycheck.checks.active import no_alerts
from pytest_deploycheck.checks.combining import combine
from pytest_deploycheck.checks.suppression import heard
from pytest_deploycheck.clients.alertmanager.client import AlertmanagerClient
from pytest_deploycheck.clients.alertmanager.posting import NewAlert
from pytest_deploycheck.errors import AuthorMistake, NotReady
from pytest_deploycheck.face.judged import Answer, Judged, System, judge, seconds_of
from pytest_deploycheck.face.readiness import judge_ready
from pytest_deploycheck.model.outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Mapping, Sequence

    from pytest_deploycheck.checks.asked import Asked
    from pytest_deploycheck.clock import Clock
    from pytest_deploycheck.face.fire_drill import FireDrills
    from pytest_deploycheck.face.health import Service
    from pytest_deploycheck.face.ledger import Ledger
    from pytest_deploycheck.face.prometheus import Prometheus
    from pytest_deploycheck.model.alertmanager import AmAlert, Configuration, NotificationCounters, Silence, Status
    from pytest_deploycheck.model.finding import Finding
    from pytest_deploycheck.transport.listening import Listener
    from pytest_deploycheck.transport.wire import Wire

__tracebackhide__ = True

_STATES = ("active", "suppressed", "unprocessed")
_SHORTEST_COUNT = 60
_FAILURES = ("alertmanager_notification_requests_failed_total", "alertmanager_notifications_failed_total")
"""The first moves at the first failed request, the second only after some 10 s of retries (measured on 0.25)."""


class AmAlertsAnswer(Answer):
    """Alertmanager's alerts.

    Attributes:
        alerts: what came, in the state asked for.
    """

    def __init__(self, alerts: Sequence[AmAlert], ledger: Ledger, asked: Asked) -> None:
        """Note that somebody has to look at it."""
        super().__init__(ledger, asked)
        self.alerts = tuple(alerts)

    def none(self) -> Judged:
        """Judge that there is none."""
        return self._judge(no_alerts(self.alerts, self._asked))

    def __iter__(self) -> Iterator[AmAlert]:
        """Yield every alert."""
        self._read()
        return iter(self.alerts)

    def __len__(self) -> int:
        """Return the number of alerts."""
        self._read()
        return len(self.alerts)


class SilencesAnswer(Answer):
    """The silences, expired ones included until Alertmanager forgets them.

    Attributes:
        silences: what came.
    """

    def __init__(self, found: Sequence[Silence], ledger: Ledger, asked: Asked, *, now: float) -> None:
        """Note that somebody has to look at it."""
        super().__init__(ledger, asked)
        self.silences = tuple(found)
        self._now = now

    def sane(self, *, max_duration: object = "1h", comment_required: bool = True) -> Judged:
        """Judge that no silence hides everything, lasts too long, or goes unexplained."""
        return self._judge(
            silences.silences(
                self.silences,
                self._asked,
                now=self._now,
                max_duration=seconds_of(max_duration, "max_duration"),
                comment_required=comment_required,
            )
        )

    def __iter__(self) -> Iterator[Silence]:
        """Yield every silence."""
        self._read()
        return iter(self.silences)

    def __len__(self) -> int:
        """Return the number of silences."""
        self._read()
        return len(self.silences)


class RouteAnswer(Answer):
    """Where an alert with certain labels goes, by the configuration that is loaded.

    Attributes:
        receivers: the receivers' names, in order.
    """

    def __init__(
        self, text: str, configuration: Configuration, labels: Mapping[str, str], ledger: Ledger, asked: Asked,
        *, now: Callable[[], tuple[Sequence[Silence], Sequence[AmAlert], Asked]],
    ) -> None:  # fmt: skip
        """Note that somebody has to look at it."""
        super().__init__(ledger, asked)
        self._text = text
        self._configuration = configuration
        self._labels = dict(labels)
        self._now = now

    @property
    def receivers(self) -> tuple[str, ...]:
        """The receivers' names, in Alertmanager's order."""
        self._read()
        return routing.receivers(self._configuration, self._labels)

    def reaches(self, *receivers: str, integration: str | None = None) -> Judged:
        """Judge that the alert reaches exactly these receivers, and that they notify somebody.

        Args:
            receivers: names, in any order.
            integration: a kind that each must have, such as `slack`; `none` for black holes that are meant.
        """
        return self._judge(
            routing.routed(self._configuration, self._labels, receivers, self._asked, integration=integration)
        )

    def is_heard(self) -> Judged:
        """Judge that such an alert would neither be silenced nor inhibited now."""
        found, alerts, asked = self._now()
        return self._judge(heard(self._configuration, self._labels, found, alerts, asked))

    def as_amtool(self) -> Judged:
        """Judge that `amtool config routes test` comes to the same receivers, in the same order.

        Raises:
            NotSupported: if amtool is not on PATH.
            CannotMeasure: if it fails.
        """
        from pytest_deploycheck.clients.alertmanager.amtool import amtool_receivers

        theirs = amtool_receivers(self._text, self._labels)
        return self._judge(routing.same_as_amtool(self._configuration, self._labels, theirs, self._asked))


class NotificationsAnswer(Answer):
    """How Alertmanager's notifications fared within a window."""

    def __init__(self, ledger: Ledger, asked: Asked, findings: Callable[[], list[Finding]]) -> None:
        """Note that somebody has to look at it."""
        super().__init__(ledger, asked)
        self._findings = findings

    def delivered(self) -> Judged:
        """Judge that none failed. That none was attempted is no failure; the finding says how many were."""
        return self._judge(combine(self._findings()))


class Alertmanager(System):
    """One Alertmanager.

    Args:
        wire: the way to it.
        clock: the runner's.
        ledger: of the check that runs.
        observed: grows by the id of every exchange.
        external_url: where people open it.
        listen: listens on a host and port, for fire drills.
        service: gives a service of the environment, which may tell what it received.
    """

    def __init__(
        self,
        wire: Wire,
        *,
        clock: Clock,
        ledger: Ledger,
        observed: list[str],
        external_url: str,
        listen: Callable[[str, int], Listener],
        service: Callable[[str], Service],
    ) -> None:
        """Ask nothing yet."""
        self._listen, self._service = listen, service
        super().__init__(wire.endpoint.name, external_url, ledger, observed)
        self.wire = wire
        self.api = AlertmanagerClient(wire, clock)
        self._clock = clock
        self.known_version = ""

    def status(self) -> Status:
        """Return version, uptime, cluster and the loaded configuration."""
        status = self.api.status()
        self.known_version = status.version
        return status

    def receivers(self) -> tuple[str, ...]:
        """Return the names of the configured receivers."""
        return self.api.receivers()

    def ready(self) -> Judged:
        """Judge that it is ready, answers with the credentials in use, has its configuration loaded, and is settled."""
        with self._asking("ready, status answered, configuration loaded", f"status: {self._url}/#/status") as box:
            readiness = self.api.ready()
            if not readiness:
                raise NotReady(
                    f"{self._name} is not ready: {readiness.text}", where=self._url, evidence=readiness.evidence
                )
            status = self.status()
            loaded = self.api.metric("alertmanager_config_last_reload_successful") == 1
        return judge(
            judge_ready(box[0], answered=True, config_loaded=loaded, cluster=status.cluster, version=status.version),
            self._ledger,
        )

    def alerts(
        self, state: str | None = None, *, receiver: str | None = None, filters: Sequence[str] = ()
    ) -> AmAlertsAnswer:
        """Ask for the alerts it holds.

        Args:
            state: `active`, `suppressed` (silenced or inhibited) or `unprocessed`; all if it is None.
            receiver: only those for this receiver, which must exist.
            filters: matchers such as `severity="page"`.

        Raises:
            AuthorMistake: for another state; Prometheus's `firing` is not one of Alertmanager's.
        """
        if state is not None and state not in _STATES:
            raise AuthorMistake(
                f"Alertmanager has no alerts in state {state!r}", next_step=f"ask for one of {', '.join(_STATES)}"
            )
        with self._asking(f"{state or 'all'} alerts", f"alerts: {self._url}/#/alerts") as box:
            found = self.api.alerts(receiver=receiver, filters=filters)
        mine = [alert for alert in found if state is None or alert.state == state]
        return AmAlertsAnswer(mine, self._ledger, box[0])

    def silences(self) -> SilencesAnswer:
        """Ask for the silences."""
        with self._asking("silences", f"silences: {self._url}/#/silences") as box:
            found = self.api.silences()
        return SilencesAnswer(found, self._ledger, box[0], now=self._clock.now())

    def route(self, labels: Mapping[str, str]) -> RouteAnswer:
        """Ask where an alert with these labels goes, by the loaded configuration."""
        text = ", ".join(f'{name}="{value}"' for name, value in sorted(labels.items()))
        next_step = "try: amtool config routes test --config.file=<its file> " + " ".join(
            f"{name}={value}" for name, value in sorted(labels.items())
        )
        with self._asking(f"route of {{{text}}}", next_step) as box:
            written, configuration = self.api.written_configuration()

        def now() -> tuple[Sequence[Silence], Sequence[AmAlert], Asked]:
            with self._asking(f"{{{text}}} heard", f"silences: {self._url}/#/silences") as later:
                found, alerts = self.api.silences(), self.api.alerts()
            return found, alerts, replace(later[0], evidence=(*box[0].evidence, *later[0].evidence))

        return RouteAnswer(written, configuration, labels, self._ledger, box[0], now=now)

    def notifications(self, prometheus: Prometheus, *, window: object = "10m") -> NotificationsAnswer:
        """Ask whether notifications have failed lately.

        Alertmanager's counters run since its start, so that only Prometheus can tell *when* they moved. Where it does
        not scrape Alertmanager, counters that never moved still show that nothing failed; counters that moved do not
        tell when, which is inconclusive.

        Args:
            prometheus: the one that scrapes it.
            window: seconds, a `timedelta`, or a text such as `10m`; at least a minute.
        """
        seconds = max(_SHORTEST_COUNT, math.floor(seconds_of(window, "the window")))
        with self._asking(f"failed notifications within {seconds} s", f"status: {self._url}/#/status") as box:
            counters = self.api.notification_counters()

        def findings() -> list[Finding]:
            found = []
            for metric in _FAILURES:
                answer = prometheus(f"increase({metric}[{seconds}s])")
                if len(answer):
                    found.append(thresholds.compare(answer.vector, "<=", 0.0, answer.question, unit=""))
            return found or [_since_start(counters, box[0])]

        return NotificationsAnswer(self._ledger, box[0], findings)

    @contextmanager
    def fire_drills(self) -> Generator[FireDrills, None, None]:
        """Give fire drills; the alerts they send are ended with the block, whatever became of their checks.

        Yields:
            The drills: `drills.of(entry).delivered()`.
        """
        from pytest_deploycheck.face.fire_drill import FireDrills

        drills = FireDrills(
            self.api,
            asking=self._asking,
            listen=self._listen,
            service=self._service,
            clock=self._clock,
            ledger=self._ledger,
        )
        try:
            yield drills
        finally:
            drills.close()

    @contextmanager
    def synthetic_alert(
        self, labels: Mapping[str, str], *, annotations: Mapping[str, str] | None = None, lasts: object = "5m"
    ) -> Generator[AmAlert, None, None]:
        """Send a synthetic alert, and resolve it at the end: a write, which check and run must both allow.

        It carries a unique label `deploycheck_probe`, so that neither another alert nor an earlier probe is taken for
        it, and ends by itself even if this process dies.

        Args:
            labels: `alertname` is `DeploycheckProbe` if it is not among them.
            annotations: texts for people.
            lasts: after which it ends by itself.

        Yields:
            The alert as Alertmanager lists it. Its receivers are known then; delivery is not.

        Raises:
            WriteNotAllowed: without the opt-ins.
            NotReady: if Alertmanager accepted the alert and does not list it.
        """
        probe = uuid.uuid4().hex[:12]
        alert = NewAlert(
            labels={"alertname": "DeploycheckProbe", **labels, "deploycheck_probe": probe},
            annotations=annotations or {"summary": "synthetic alert of a post-deployment verification; ignore it"},
            ends_at=self._clock.now() + seconds_of(lasts, "lasts"),
        )
        self.api.post_alerts([alert])
        try:
            listed = self.api.alerts(filters=[f'deploycheck_probe="{probe}"'])
            if not listed:
                raise NotReady(
                    f"{self._name} accepted the synthetic alert and does not list it",
                    where=self._url,
                    next_step="compare the clocks: an alert that ends in Alertmanager's past is never listed",
                )
            yield listed[0]
        finally:
            self.api.resolve_alerts([alert])


def _since_start(counters: Sequence[NotificationCounters], asked: Asked) -> Finding:
    """Judge counters that nobody has watched: unmoved they are good, moved they do not tell when."""
    finding = alert_checks.notifications((), counters, asked)
    if finding.outcome is not Outcome.FAILED:
        return finding
    return replace(
        finding,
        outcome=Outcome.INCONCLUSIVE,
        observed=f"{finding.observed}, since its start: Prometheus does not scrape it, so nothing tells when",
        next_steps=(*finding.next_steps, "let Prometheus scrape Alertmanager's /metrics"),
    )
