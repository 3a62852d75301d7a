"""The `prometheus` fixture: questions in PromQL's own words, answers that cannot pass vacuously.

What only some questions need is imported when they are asked: every run waits for the rest before its first request.
"""

from __future__ import annotations

import math
from functools import cached_property
from typing import TYPE_CHECKING

from pytest_deploycheck.clients.prometheus.client import PrometheusClient
from pytest_deploycheck.clients.prometheus.status import shortest_interval, usual_scrape_interval
from pytest_deploycheck.errors import AuthorMistake, DeploycheckError, NotReady, NotSupported
from pytest_deploycheck.face.judged import Judged, System, judge, seconds_of
from pytest_deploycheck.face.vectors import AgeAnswer, RangeAnswer, VectorAnswer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from prometheus_api_client import PrometheusConnect

    from pytest_deploycheck.checks.asked import Asked
    from pytest_deploycheck.clock import Clock
    from pytest_deploycheck.face.chain import (
        AlertHistoryAnswer,
        AlertmanagersAnswer,
        AlertsAnswer,
        RulesAnswer,
        TargetsAnswer,
    )
    from pytest_deploycheck.face.ledger import Ledger
    from pytest_deploycheck.face.marking import Marking
    from pytest_deploycheck.model.prometheus import InstantVector, Metadata, RuntimeInfo
    from pytest_deploycheck.settings.checks import VersionCheck
    from pytest_deploycheck.settings.models import Deployment
    from pytest_deploycheck.transport.wire import Wire

__tracebackhide__ = True

_SHORTEST_STEP = 1.0
_SHORTEST_COUNT = 60
"""Seconds: `increase` needs two scrapes in its window, whatever moment the deployment ended."""


class Prometheus(System):
    """One Prometheus.

    Calling it asks an instant query; the answer compares with numbers, and a comparison means *every* series::

        assert prometheus('sum by (route) (rate(errors_total[5m]))') < 0.01

    Args:
        wire: the way to it.
        clock: the runner's.
        ledger: of the check that runs.
        observed: grows by the id of every exchange.
        deployment: what was deployed; windows begin after it.
        external_url: where people open it.
    """

    def __init__(
        self,
        wire: Wire,
        *,
        clock: Clock,
        ledger: Ledger,
        observed: list[str],
        deployment: Deployment,
        external_url: str,
    ) -> None:
        """Ask nothing yet."""
        super().__init__(wire.endpoint.name, external_url, ledger, observed)
        self.wire = wire
        self.api = PrometheusClient(wire, clock, external_url=external_url)
        self._clock = clock
        self._deployment = deployment
        self.known_version = ""
        self._rhythm: float | None = None
        self._rhythm_known = False
        self.scrape_interval: float | None = None

    @cached_property
    def client(self) -> PrometheusConnect:
        """A real `prometheus_api_client.PrometheusConnect`, through the same connections and onto the same tape."""
        from pytest_deploycheck.clients.bridge import prometheus_connect

        return prometheus_connect(self.wire)

    # --- queries ------------------------------------------------------------------------------------------------------

    def __call__(self, expr: str, *, time: float | None = None) -> VectorAnswer:
        """Ask an instant query.

        Args:
            expr: PromQL giving an instant vector or a scalar; its plain value, without a comparison (an empty
                `expr > X` cannot tell good from absent).
            time: evaluation time, Unix seconds on Prometheus's clock; now if it is None.

        Raises:
            CannotMeasure: if there is no usable answer (Unreachable, QueryFailed, Malformed, …).
        """
        window = self._ledger.window
        if window is not None and window.terms.sustained is not None and time is None:
            from pytest_deploycheck.face.held import over_window

            now = self._clock.monotonic()
            return over_window(self, expr, window.held_for(now), window.unseen_for(now), window.terms.sustained)
        with self._asking(expr, f"graph: {self.api.graph_url(expr)}") as box:
            vector = self.api.query(expr, time=time)
        return VectorAnswer(vector, self._ledger, box[0])

    def range(
        self,
        expr: str,
        window: object,
        *,
        step: object | None = None,
        coverage: float = 0.9,
        whole: bool = False,
    ) -> RangeAnswer:
        """Ask a range query over the elapsed part of a window that ends now.

        The window starts no earlier than the deployment's finish, if that is known: what was measured before says
        nothing of the new version.

        Args:
            expr: PromQL giving an instant vector or a scalar.
            window: seconds, a `timedelta`, or a text such as `30m`.
            step: between points; that of the scrapes or shorter, so that all of them are seen, if it is None.
            coverage: the share of points that every series must have; below it the result is inconclusive.
            whole: do not cut the window at the deployment's finish.
        """
        length = seconds_of(window, "the window")
        if length <= 0:
            raise AuthorMistake(f"a window of {length:g} s", next_step="give a positive one")
        from pytest_deploycheck.face.steps import observed_range

        with self._asking(expr, f"graph: {self.api.graph_url(expr)}") as box:
            now = self._now()
            length = length if whole else self._since_deployment(length, now)
            seconds = seconds_of(step, "the step") if step is not None else self._step_over(expr, length)
            vector = observed_range(self, expr, now - length, now, seconds)
        return RangeAnswer(vector, self._ledger, box[0], step=seconds, coverage=coverage)

    def age(self, selector: str) -> AgeAnswer:
        """Ask how old each series' newest *sample* is, in seconds on Prometheus's own clock.

        The age of a recorded series is that of the samples its rule reads (the recorded sample is stamped when the
        rule runs), and that of a pushed one the time since the push (the Pushgateway is scraped afresh for ever). A
        frozen gauge is scraped afresh too: only a heartbeat or a counter that moves shows a living application, see
        `fresh`.

        Args:
            selector: a bare selector such as `app_sessions_total{job="app"}`.
        """
        from pytest_deploycheck.face.fresh import age_vector

        with self._asking(f"age of {selector}", f"graph: {self.api.graph_url(selector)}") as box:
            vector = age_vector(self.api, selector)
        return AgeAnswer(vector, self._ledger, box[0])

    def fresh(
        self,
        selector: str,
        *,
        max_age: object = 60.0,
        series: int | None = None,
        per_instance: bool = False,
        heartbeat: str | None = None,
        moving: object | None = None,
    ) -> Judged:
        """Judge freshness in all the ways that facts ask for.

        Args:
            selector: a bare selector.
            max_age: the greatest age: seconds, a `timedelta`, or a text such as `60s`.
            series: how many series there must be, exactly.
            per_instance: whether every target of the series' jobs must carry it.
            heartbeat: a bare selector of a gauge that holds the Unix time of the application's last work.
            moving: a window within which the counter must have increased.
        """
        from pytest_deploycheck.face.fresh import fresh

        limit = seconds_of(max_age, "max_age")
        window = None if moving is None else seconds_of(moving, "moving")
        finding = fresh(
            self, selector, max_age=limit, series=series, per_instance=per_instance, heartbeat=heartbeat, moving=window
        )
        return judge(finding, self._ledger)

    def mark(self, selector: str) -> Marking:
        """Note a counter's values, to ask later how much it has increased since.

        Use it as a context around the action whose effect is awaited::

            with prometheus.mark("sessions_total") as before:
                app.post("/sessions")
            ...
            assert prometheus.increase(since=before) >= 1
        """
        from pytest_deploycheck.face.marking import Marking

        return Marking(self, selector)

    def increase(self, *, since: Marking) -> VectorAnswer:
        """Ask how much each series has increased since the mark: exact, from raw samples; after a reset nobody knows.

        Args:
            since: what `mark` gave.
        """
        from pytest_deploycheck.face.marking import increase_since

        return increase_since(self, since)

    # --- the chain ----------------------------------------------------------------------------------------------------

    def targets(self, job: str | None = None) -> TargetsAnswer:
        """Ask for the active scrape targets, of one job or of all, and how many samples each scrape brought."""
        from pytest_deploycheck.face.chain import TargetsAnswer, samples_expr

        asked = f'targets of job "{job}"' if job is not None else "targets of all jobs"
        with self._asking(asked, f"targets: {self._url}/targets") as box:
            found = self.api.targets()
            counts = self.api.query(samples_expr(job))
            now = self._now()
            started = self._started()
        samples = {(one.labels.get("job", ""), one.labels.get("instance", "")): one.last.value for one in counts}
        mine = [target for target in found if job is None or target.job == job]
        return TargetsAnswer(mine, self._ledger, box[0], now=now, samples=samples, started=started)

    def rules(self, *, kind: str | None = None) -> RulesAnswer:
        """Ask for the loaded rules: all, or only `alerting` or `recording` ones."""
        from pytest_deploycheck.face.chain import RulesAnswer

        with self._asking("loaded rules", f"rules: {self._url}/rules") as box:
            groups = self.api.rules(kind=kind)
            now = self._now()
        return RulesAnswer(groups, self._ledger, box[0], now=now, api=self.api, asking=self._asking)

    def alerts(self, state: str | None = None, *, over: object | None = None) -> AlertsAnswer:
        """Ask for the alerts that Prometheus holds: `pending`, `firing`, or both.

        Within a window that must hold, `.none()` also speaks of the alerts of its elapsed part, as Prometheus recorded
        them in `ALERTS`; so it does of a window that is asked for.

        Args:
            state: of the alerts; both if it is None.
            over: seconds, a `timedelta`, or a text such as `1h`: a window that ends now.

        Raises:
            AuthorMistake: for any other state; Alertmanager's `active` is not one of Prometheus's.
        """
        from pytest_deploycheck.clients.prometheus.history import past_alerts
        from pytest_deploycheck.face.chain import AlertsAnswer
        from pytest_deploycheck.face.steps import gap

        if state not in (None, "pending", "firing"):
            raise AuthorMistake(f"Prometheus has no alerts in state {state!r}", next_step="ask for pending or firing")
        states = ("pending", "firing") if state is None else (state,)
        window = self._ledger.window
        elapsed = window.held_for(self._clock.monotonic()) if window is not None else 0.0
        if over is not None:
            elapsed = seconds_of(over, "the window")
        looks_back = window is not None or over is not None
        with self._asking(f"alerts {' or '.join(states)}", f"alerts: {self._url}/alerts", looks_back=looks_back) as box:
            groups = self.api.rules(kind="alerting")
            now = self._now()
            past = past_alerts(self.api, states, elapsed, now) if elapsed >= _SHORTEST_STEP else ()
            sustained = window.terms.sustained if window is not None else None
            missing = gap(self, now - elapsed, now, sustained.coverage if sustained is not None else 0.9)
        rules = [rule for group in groups for rule in group.rules]
        alerts = [alert for rule in rules for alert in rule.alerts]
        return AlertsAnswer(
            alerts, self._ledger, box[0], states=states, rules=len(rules), now=now, past=past, missing=missing
        )

    def alert_history(self, window: object, *, state: str = "firing", coverage: float = 0.9) -> AlertHistoryAnswer:
        """Ask which alerts were active within a window that ends now, when and how long, as Prometheus recorded it.

        Args:
            window: seconds, a `timedelta`, or a text such as `48h`.
            state: `firing` or `pending`.
            coverage: the share of the window in which anything must have been scraped: no history is not "nothing".
        """
        from pytest_deploycheck.checks.wording import seconds as told
        from pytest_deploycheck.face.chain import AlertHistoryAnswer, read_history

        length = seconds_of(window, "the window")
        asked = f"alerts {state} in the last {told(length)}"
        with self._asking(asked, f"alerts: {self._url}/alerts", looks_back=True) as box:
            history, rules = read_history(self.api, state, length, self._now())
        return AlertHistoryAnswer(history, self._ledger, box[0], rules=rules, coverage=coverage)

    def alertmanagers(self) -> AlertmanagersAnswer:
        """Ask for the Alertmanagers that Prometheus has discovered."""
        from pytest_deploycheck.face.chain import AlertmanagersAnswer

        with self._asking("connected Alertmanagers", f"status: {self._url}/status") as box:
            found = self.api.alertmanagers()
            now = self._now()
            runtime = self._runtime()
        return AlertmanagersAnswer(
            found, self._ledger, box[0], now=now, runtime=runtime, failures=self._notification_failures
        )

    def metadata(self, metric: str) -> tuple[Metadata, ...]:
        """Return what the targets say of a metric: type, help, unit; several if they differ."""
        return self.api.metadata(metric)

    # --- the server itself --------------------------------------------------------------------------------------------

    def ready(self) -> Judged:
        """Judge that it is ready, answers queries with the credentials in use, and has loaded its configuration."""
        from pytest_deploycheck.face.readiness import judge_ready

        with self._asking("ready, queries answered, configuration loaded", f"status: {self._url}/status") as box:
            readiness = self.api.ready()
            if not readiness:
                raise NotReady(
                    f"{self._name} is not ready: {readiness.text}",
                    where=self._url,
                    evidence=readiness.evidence,
                    next_step="wait until it has replayed its write-ahead log",
                )
            vector = self.api.query("vector(1)")
            runtime = self._runtime()
            self._learn_version()
        loaded = None if runtime is None else runtime.reload_config_success
        return judge(judge_ready(box[0], answered=len(vector) == 1, config_loaded=loaded), self._ledger)

    def runs_version(self, entry: VersionCheck, deployment: Deployment) -> Judged:
        """Judge that every replica's info metric carries the expected version (SM3)."""
        from pytest_deploycheck.checks import versions

        metric = entry.metric or ""
        with self._asking(metric, f"graph: {self.api.graph_url(metric)}") as box:
            vector = self.api.query(metric)
        return judge(
            versions.version(
                versions.labelled([one.labels for one in vector], entry.label),
                box[0],
                expected=entry.expected or deployment.version,
                replicas=entry.replicas,
            ),
            self._ledger,
        )

    @property
    def flags(self) -> Mapping[str, str]:
        """The command line's flags, defaults included."""
        return self.api.flags()

    @property
    def build_info(self) -> Mapping[str, str]:
        """Version, revision, ….

        Raises:
            NotSupported: if the server does not tell.
        """
        info = self.api.build_info()
        self.known_version = info["version"]
        return info

    @property
    def clock_skew(self) -> float | None:
        """Prometheus's clock minus the runner's, in seconds, as the run's own queries bound it; None if none did."""
        bounds = self.api.skew()
        return None if bounds is None else (bounds[0] + bounds[1]) / 2

    # --- parts --------------------------------------------------------------------------------------------------------

    def rhythm(self) -> float | None:
        """Return the seconds between scrapes or rule evaluations by the loaded configuration; None if it is not told.

        Whichever is shorter: nothing that is asked of this Prometheus changes more often, targets with an interval of
        their own aside.
        """
        if not self._rhythm_known:
            self._rhythm_known = True
            sampled = self._ledger.sampled
            try:
                config = self.api.config_text()
                self._rhythm, self.scrape_interval = shortest_interval(config), usual_scrape_interval(config)
            except DeploycheckError:
                self._rhythm = None  # only the spacing of attempts depends on it
            self._ledger.sampled = sampled  # nothing is judged by it
        return self._rhythm

    def _now(self) -> float:
        """Return the time on Prometheus's own clock."""
        return self.api.query("time()").values[0]

    def _runtime(self) -> RuntimeInfo | None:
        try:
            return self.api.runtime_info()
        except NotSupported:
            return None

    def _step_over(self, expr: str, length: float) -> float:
        from pytest_deploycheck.face.steps import COARSE, SHORTEST, USUAL, step_over

        if length <= COARSE * SHORTEST:
            return SHORTEST
        wanted = min(self.rhythm() or USUAL, length / COARSE)
        series = len(self.api.query(expr)) if wanted * COARSE < length else 1
        return step_over(length, wanted, series=series)

    def _started(self) -> float | None:
        runtime = self._runtime()
        return None if runtime is None else runtime.start_time

    def _learn_version(self) -> None:
        try:
            self.known_version = self.api.build_info()["version"]
        except DeploycheckError:
            self.known_version = ""  # only told in the report; nothing is judged by it

    def _since_deployment(self, length: float, now: float) -> float:
        """Return the window's length, cut at the deployment's finish (a moment on the deployer's clock)."""
        finished = self._deployment.finished_at
        if finished is None:
            return length
        return min(length, max(_SHORTEST_STEP, now - finished.timestamp()))

    def _notification_failures(self, window: float) -> list[tuple[InstantVector, Asked]]:
        found = []
        seconds = max(_SHORTEST_COUNT, math.floor(self._since_deployment(window, self._now())))
        for metric in ("prometheus_notifications_errors_total", "prometheus_notifications_dropped_total"):
            expr = f"increase({metric}[{seconds}s])"
            with self._asking(expr, f"graph: {self.api.graph_url(expr)}") as box:
                vector = self.api.query(expr)
            found.append((vector, box[0]))
        return found
