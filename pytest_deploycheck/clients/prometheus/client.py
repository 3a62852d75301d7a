"""The one client of Prometheus's HTTP API."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from pytest_deploycheck.clients.prometheus import catalog, rules, status, targets
from pytest_deploycheck.clients.prometheus.queries import Queries
from pytest_deploycheck.clients.prometheus.skew import ClockSkew
from pytest_deploycheck.clients.readiness import Readiness, ask_readiness

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_deploycheck.clock import Clock
    from pytest_deploycheck.model.prometheus import (
        Alert,
        Alertmanagers,
        InstantVector,
        Metadata,
        RangeVector,
        RuleGroup,
        RuntimeInfo,
        Target,
    )
    from pytest_deploycheck.transport.wire import Wire


class PrometheusClient:
    """Asks one Prometheus. Thread-safe.

    Every method raises `CannotMeasure` (Unreachable, TimedOut, Malformed, QueryFailed, …) if there is no usable
    answer. The lists also raise `NotSupported` where the server has no such API, and `NotEnoughData` where it warns
    that the list may be incomplete; the vectors carry their warnings.

    Args:
        wire: the way to the server.
        clock: the runner's.
        external_url: where people reach it, for links; the wire's own address if empty.
    """

    def __init__(self, wire: Wire, clock: Clock, *, external_url: str = "") -> None:
        self.wire = wire
        self._clock = clock
        self._skew = ClockSkew()
        self._queries = Queries(wire, self._skew)
        self._external_url = (external_url or wire.endpoint.base_url).rstrip("/")

    def query(self, expr: str, *, time: float | None = None, timeout: float | None = None) -> InstantVector:
        """Ask an instant query. A scalar comes as a vector of one with `scalar` set.

        Args:
            expr: PromQL giving an instant vector or a scalar.
            time: evaluation time in Unix seconds on the server's clock; None = the server's now.
            timeout: how many seconds the server may evaluate; None = its own limit.

        Raises:
            QueryFailed: if the server refuses it, or it gives a range vector or a string.
        """
        return self._queries.instant(expr, time=time, timeout=timeout)

    def range(self, expr: str, start: float, end: float, step: float, *, timeout: float | None = None) -> RangeVector:
        """Ask a range query: evaluation times, not sample times.

        Args:
            expr: PromQL giving an instant vector or a scalar.
            start: Unix seconds on the server's clock.
            end: the same; not before `start`.
            step: seconds between points.
            timeout: how many seconds the server may evaluate.

        Raises:
            QueryFailed: before anything is asked if the window is none, or has more than 11,000 points.
        """
        return self._queries.range(expr, start, end, step, timeout=timeout)

    def samples(
        self, selector: str, window_s: float, *, time: float | None = None, timeout: float | None = None
    ) -> RangeVector:
        """Return the raw samples of a selector, with the timestamps they were stored with.

        Args:
            selector: a bare one: no function, range, offset or `@`.
            window_s: seconds back.
            time: end of the window on the server's clock; None = the server's now. The answer does not tell when that
                was: `start` and `end` of the vector are then the runner's, corrected by the measured skew.
            timeout: how many seconds the server may evaluate.

        Raises:
            QueryFailed: if it is no bare selector, or no window.
        """
        return self._queries.samples(selector, window_s, time=time, timeout=timeout)

    def skew(self) -> tuple[float, float] | None:
        """Return the bounds on "server's clock minus runner's" in seconds; None before the first answer that tells."""
        return self._skew.bounds()

    def server_now(self) -> float:
        """Return the server's time as estimated from the runner's and the measured skew, Unix seconds.

        For choosing windows; what is judged against a time asks the server for it, as `time()` does.
        """
        return self._clock.now() + self._skew.estimate()

    def targets(self, *, state: str = "active", scrape_pool: str | None = None) -> tuple[Target, ...]:
        """Return the active scrape targets: of all scrape pools, or of one.

        Right after a restart the list is empty or its targets `unknown`; that is for a check to notice.
        """
        targets.require_known_state(state)
        return targets.active_targets(self.wire, scrape_pool=scrape_pool)

    def dropped_targets(self) -> tuple[Mapping[str, str], ...]:
        """Return the discovered labels of the targets that relabelling dropped."""
        return targets.dropped_targets(self.wire)

    def alertmanagers(self) -> Alertmanagers:
        """Return the discovered Alertmanagers: a dead one stays among them."""
        return targets.alertmanagers(self.wire)

    def rules(self, *, kind: str | None = None) -> tuple[RuleGroup, ...]:
        """Return the loaded rule groups.

        Args:
            kind: only `alerting` or `recording` rules; None = all.
        """
        return rules.rule_groups(self.wire, kind=kind)

    def alerts(self) -> tuple[Alert, ...]:
        """Return the pending and firing alerts."""
        return rules.alerts(self.wire)

    def metadata(self, metric: str | None = None) -> tuple[Metadata, ...]:
        """Return what the targets say of one metric, or of all; targets that differ give several entries."""
        return catalog.metadata(self.wire, metric=metric)

    def series(
        self, matchers: Sequence[str], start: float, end: float, *, most: int = 100_000
    ) -> tuple[Mapping[str, str], ...]:
        """Return the label sets of all series that match any of the selectors and have samples in the window.

        Raises:
            TooLarge: if there are more than `most`.
        """
        return catalog.series(self.wire, matchers, start, end, most=most)

    def build_info(self) -> Mapping[str, str]:
        """Return `version`, `revision`, …; the version is always there."""
        return status.build_info(self.wire)

    def flags(self) -> Mapping[str, str]:
        """Return the command line's flags, defaults included."""
        return status.flags(self.wire)

    def runtime_info(self) -> RuntimeInfo:
        """Return when it started and whether its configuration was loaded."""
        return status.runtime_info(self.wire)

    def config_text(self) -> str:
        """Return the loaded configuration as YAML; secrets are hidden by the server."""
        return status.config_text(self.wire)

    def ready(self) -> Readiness:
        """Return whether it says that it is ready; false while it replays its write-ahead log."""
        return ask_readiness(self.wire, "/-/ready")

    def healthy(self) -> Readiness:
        """Return whether it says that it is healthy: true also while it cannot answer queries yet."""
        return ask_readiness(self.wire, "/-/healthy")

    def graph_url(self, expr: str) -> str:
        """Return the page on which a person sees the same query as a table."""
        return f"{self._external_url}/graph?g0.expr={quote(expr, safe='')}&g0.tab=1"
