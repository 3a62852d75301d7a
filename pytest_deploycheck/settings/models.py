"""The file as a whole, and what is effective in one run."""

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from pytest_deploycheck.settings.checks import Checks
from pytest_deploycheck.settings.clusters import ClusterChecks
from pytest_deploycheck.settings.dashboards import DashboardChecks
from pytest_deploycheck.settings.drills import DrillChecks
from pytest_deploycheck.settings.entries import Entry
from pytest_deploycheck.settings.logs import LogChecks, LogSource
from pytest_deploycheck.settings.network import NetworkChecks
from pytest_deploycheck.settings.systems import (
    Alertmanager,
    Grafana,
    Kubernetes,
    Prometheus,
    Service,
)
from pytest_deploycheck.settings.texts import Digest, Key, Tier
from pytest_deploycheck.settings.values import FilePath, Flag, Frozen, Instant, Name, Whole, Wrong, kind_of

TABLES = (
    *("endpoints", "versions", "expositions", "transactions", "scrape_targets", "metrics", "slos", "rules", "routes"),
    *(
        "workloads",
        "secrets",
        "config_maps",
        "permissions",
        "log_checks",
        "certificates",
        "names",
        "ports",
        "fire_drills",
    ),
    *("dashboards", "datasources", "grafana_rules"),
)
"""The tables of entries, in suite order."""


Unmarked = Literal["blocker", "warning", "ignore"]
"""What an unmarked test counts as."""


class Deployment(Frozen):
    """What was deployed."""

    version: Name | None = None
    """The version that must answer."""
    image_digest: Digest | None = None
    """The digest of the image that must run."""
    started_at: Instant | None = None
    """When the deployment began."""
    finished_at: Instant | None = None
    """When the deployment ended; windows and restarts are counted from here."""
    change_ticket: Name | None = None
    """The change ticket, such as `CHG-2026-0121`."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.started_at and self.finished_at and self.finished_at < self.started_at:
            raise Wrong("finished_at lies before started_at", "the time when the deployment ended")
        return self


class Systems(Frozen):
    """Systems, at most one of a kind; of services and logs as many as there are, by name.

    A new kind is one field here: environments and targets both have it.
    """

    prometheus: Prometheus | None = None
    """Its Prometheus."""
    alertmanager: Alertmanager | None = None
    """Its Alertmanager."""
    grafana: Grafana | None = None
    """Its Grafana."""
    kubernetes: Kubernetes | None = None
    """Its cluster."""
    services: dict[Key, Service] = Field(default_factory=dict)
    """Deployed services by name."""
    logs: dict[Key, LogSource] = Field(default_factory=dict)
    """Log sources by name."""


class Target(Systems):
    """One cluster or region of an environment, by the systems of its own; the environment's others it shares."""

    @model_validator(mode="after")
    def _has_a_system(self) -> Self:
        if not any(getattr(self, kind) for kind in Systems.model_fields):
            raise Wrong("has no system of its own", "a table such as prometheus, kubernetes or services.NAME")
        return self


def _by_name(value: Any) -> Any:
    if isinstance(value, dict):
        return value
    expected = "tables by name, such as targets.eu.prometheus; what Prometheus scrapes is scrape_targets"
    raise Wrong(f"is {kind_of(value)}", expected)


class Environment(Systems, Checks, ClusterChecks, LogChecks, NetworkChecks, DrillChecks, DashboardChecks):
    """One environment: its systems, and what is expected of it beyond what the top of the file expects."""

    deployment: Deployment = Field(default_factory=Deployment.model_construct)
    """What was deployed here; wins over the top-level table."""
    targets: Annotated[dict[Key, Target], BeforeValidator(_by_name)] = Field(default_factory=dict)
    """Its clusters or regions by name, each with systems of its own; those above are shared by all of them."""


class Settings(Checks, ClusterChecks, LogChecks, NetworkChecks, DrillChecks, DashboardChecks):
    """`deploycheck.toml`."""

    default_environment: Name | None = None
    """The environment that is used without `--deploycheck-env`; the only one if there is just one."""
    reports: FilePath = Path("reports")
    """Where reports go, relative to the file."""
    waivers: FilePath | None = None
    """The waiver file, relative to the file."""
    waiver_max_days: Annotated[Whole, Field(ge=1, le=365)] = 90
    """How far ahead a waiver may expire."""
    unmarked: Unmarked = "blocker"
    """What an unmarked test of a verification run counts as."""
    strict: Flag = False
    """Whether warnings gate as blockers do."""
    default_tier: Tier = "investigate"
    """What a failed blocker without a tier means for the release."""
    deployment: Deployment = Field(default_factory=Deployment.model_construct)
    """What was deployed; environments, options and environment variables may override each value."""
    environments: dict[Key, Environment] = Field(default_factory=dict)
    """Environments by name."""


class Effective(Frozen):
    """What holds in one run: one environment, with the file's top and the overrides merged in."""

    source: Path | None
    """The configuration file; None if there is none."""
    environment_name: str
    """The environment's name."""
    environment: Environment
    """Its systems and every expectation, the top-level ones first."""
    only: tuple[str, ...] = ()
    """The targets that the run is narrowed to, in the file's order; empty if it is not narrowed."""
    deployment: Deployment
    """What was deployed."""
    reports: Path
    """Where reports go (absolute)."""
    waivers: Path | None = None
    """The waiver file (absolute)."""
    waiver_max_days: int = 90
    """How far ahead a waiver may expire."""
    unmarked: Unmarked = "blocker"
    """What an unmarked test counts as."""
    strict: Flag = False
    """Whether warnings gate."""
    default_tier: str = "investigate"
    """The tier of blockers without one."""
    provenance: dict[str, str] = Field(default_factory=dict)
    """Dotted key → where its value came from: `file:line`, an option, or an environment variable. A key that is not
    here has its default. Entries are counted as they are in `environment`: `environment.metrics[0].max_age`."""
    warnings: tuple[str, ...] = ()
    """What may be a mistake, one line each: PromQL that only another version of Prometheus takes."""

    def origin(self, key: str) -> str:
        """Return where the value of a dotted key came from, or `default`."""
        return self.provenance.get(key, "default")

    def entries(self, table: str) -> tuple[Entry, ...]:
        """Return the entries of one of `TABLES`.

        Raises:
            KeyError: if there is no such table.
        """
        if table not in TABLES:
            raise KeyError(table)
        found: tuple[Entry, ...] = getattr(self.environment, table)
        return found
