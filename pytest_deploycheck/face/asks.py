"""What checks are going to ask, told before they ask it: the marker `asks` calls its function with an `Asks`.

Each method is named and called as that of the fixture, asks nothing, and returns the requests that the fixture's method
begins with. What depends on an answer is not among them: the check asks that itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_deploycheck.clients.prometheus.envelope import API
from pytest_deploycheck.clients.prometheus.queries import fits_a_url
from pytest_deploycheck.model.read import Read

if TYPE_CHECKING:
    from pytest_deploycheck.settings.checks import EndpointCheck, VersionCheck

__tracebackhide__ = True

Reads = tuple[Read, ...]

_PROMETHEUS = "prometheus"
_ALERTMANAGER = "alertmanager"
_API_V2 = "/api/v2"
_RULE_TYPES = {"alerting": "alert", "recording": "record"}


class AsksPrometheus:
    """The questions of the fixture `prometheus`."""

    def __call__(self, expr: str) -> Reads:
        """Return the question of an instant query."""
        pairs = (("query", expr),)
        path = f"{API}/query"
        if fits_a_url(pairs):
            return (Read(system=_PROMETHEUS, path=path, params=pairs),)
        return (Read(system=_PROMETHEUS, path=path, form=pairs),)

    def age(self, selector: str) -> Reads:
        """Return the questions of `prometheus.age`."""
        return self.fresh(selector)

    def fresh(
        self,
        selector: str,
        *,
        per_instance: bool = False,
        heartbeat: str | None = None,
        moving: object | None = None,
        **_: object,
    ) -> Reads:
        """Return the questions of `prometheus.fresh`, for a series that no rule records.

        Of one that is recorded the check asks the sources itself, and all that follows.
        """
        from pytest_deploycheck.clients.promql import bare_selector
        from pytest_deploycheck.face.fresh import ages_expr, moving_expr, push_ages_expr, targets_expr
        from pytest_deploycheck.face.judged import seconds_of

        bare = bare_selector(selector)
        found = self(ages_expr(bare))
        if bare.metric:
            found += self.rules(kind="recording")[:1]
        found += self(push_ages_expr(bare))
        if per_instance:
            found += self(targets_expr(bare))
        if heartbeat is not None:
            found += self(bare_selector(heartbeat).series)
        if moving is not None:
            found += self(moving_expr(bare, seconds_of(moving, "moving")))
        return found

    def targets(self, job: str | None = None) -> Reads:
        """Return the questions of `prometheus.targets`."""
        from pytest_deploycheck.face.chain import samples_expr

        active = Read(system=_PROMETHEUS, path=f"{API}/targets", params=(("state", "active"),))
        return (active, *self(samples_expr(job)), *self("time()"), *self._runtime())

    def rules(self, *, kind: str | None = None) -> Reads:
        """Return the questions of `prometheus.rules`."""
        params = (("type", _RULE_TYPES[kind]),) if kind is not None else ()
        return (Read(system=_PROMETHEUS, path=f"{API}/rules", params=params), *self("time()"))

    def alerts(self, state: str | None = None) -> Reads:
        """Return the questions of `prometheus.alerts`."""
        del state  # Prometheus is asked for all of them
        return self.rules(kind="alerting")

    def alertmanagers(self) -> Reads:
        """Return the questions of `prometheus.alertmanagers`."""
        return (Read(system=_PROMETHEUS, path=f"{API}/alertmanagers"), *self("time()"), *self._runtime())

    def ready(self) -> Reads:
        """Return the questions of `prometheus.ready`."""
        build = Read(system=_PROMETHEUS, path=f"{API}/status/buildinfo")
        return (Read(system=_PROMETHEUS, path="/-/ready"), *self("vector(1)"), *self._runtime(), build)

    def runs_version(self, entry: VersionCheck) -> Reads:
        """Return the question of `prometheus.runs_version`."""
        return self(entry.metric or "")

    def _runtime(self) -> Reads:
        return (Read(system=_PROMETHEUS, path=f"{API}/status/runtimeinfo"),)


class AsksAlertmanager:
    """The questions of the fixture `alertmanager`."""

    def ready(self) -> Reads:
        """Return the questions of `alertmanager.ready`."""
        return (self._get("/-/ready"), *self.status(), self._get("/metrics"))

    def status(self) -> Reads:
        """Return the question of `alertmanager.status`."""
        return (self._get(f"{_API_V2}/status"),)

    def receivers(self) -> Reads:
        """Return the question of `alertmanager.receivers`."""
        return (self._get(f"{_API_V2}/receivers"),)

    def alerts(self, state: str | None = None) -> Reads:
        """Return the question of `alertmanager.alerts` without a receiver and filters."""
        del state  # Alertmanager is asked for all of them
        return (self._get(f"{_API_V2}/alerts"),)

    def silences(self) -> Reads:
        """Return the question of `alertmanager.silences`."""
        return (self._get(f"{_API_V2}/silences"),)

    def route(self, labels: object = None) -> Reads:
        """Return the question of `alertmanager.route`: the routing is worked out here."""
        del labels
        return self.status()

    def notifications(self) -> Reads:
        """Return the first question of `alertmanager.notifications`; those to Prometheus are the check's to ask."""
        return (self._get("/metrics"),)

    def _get(self, path: str) -> Read:
        return Read(system=_ALERTMANAGER, path=path)


class AsksService:
    """The questions of one service, `health("mcp")`.

    Args:
        name: the service's.
    """

    def __init__(self, name: str) -> None:
        """Keep the name."""
        self._system = f"service {name}"

    def get(self, path: str) -> Reads:
        """Return the question of `health(name).get(path)`; not for checks that judge how long it takes."""
        return (Read(system=self._system, path=path),)

    def meets(self, entry: EndpointCheck) -> Reads | None:
        """Return the question of `health(name).meets(entry)`; None if it judges how long the answer takes.

        That is measured in peace: with nothing else under way.
        """
        return None if entry.max_latency is not None else self.get(entry.path)

    def runs_version(self, entry: VersionCheck) -> Reads:
        """Return the question of `health(name).runs_version(entry, …)`."""
        return self.get(entry.path)


class Asks:
    """The systems by their fixtures' names.

    Attributes:
        prometheus: its questions.
        alertmanager: its questions.
    """

    def __init__(self) -> None:
        """Know no settings: whether a system is configured shows when it is asked."""
        self.prometheus = AsksPrometheus()
        self.alertmanager = AsksAlertmanager()

    def health(self, name: str) -> AsksService:
        """Return the questions of a service."""
        return AsksService(name)
