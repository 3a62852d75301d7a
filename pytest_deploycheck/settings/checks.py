"""What is expected of an environment: the tables that `suites/post_deploy` turns into one test per entry."""

from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from pytest_deploycheck.settings.entries import Count, Entry
from pytest_deploycheck.settings.promql import PromQL, Selector
from pytest_deploycheck.settings.texts import LabelName, Regex, RequestPath
from pytest_deploycheck.settings.values import (
    Day,
    Duration,
    Flag,
    Frozen,
    Name,
    Number,
    PositiveDuration,
    Scalar,
    Whole,
    Wrong,
    parse_duration,
)

Status = Annotated[Whole, Field(ge=100, le=599)]
"""An HTTP status."""

Statuses = Annotated[tuple[Status, ...], Field(min_length=1)]
"""Accepted statuses."""

JsonValues = dict[Name, Scalar]
"""Dotted path in a JSON body → the value it must have."""


class Dependencies(Frozen):
    """Where an endpoint reports what it depends on, and what counts as healthy."""

    at: Name = "dependencies"
    """Dotted path in the JSON body to a list of objects, or to an object by name."""
    name_key: Name = "name"
    """In a list: the key of the dependency's name."""
    status_key: Name = "status"
    """The key of its status; an object's plain value (string or boolean) is taken as the status itself."""
    healthy: Annotated[tuple[Scalar, ...], Field(min_length=1)] = (
        "ok",
        "healthy",
        "up",
        "pass",
        "connected",
        "available",
        True,
    )
    """Statuses that count as healthy; strings are compared without regard to case."""
    expected: tuple[Name, ...] = ()
    """Names that must be reported. An empty report is never healthy."""


class EndpointCheck(Entry):
    """SM1, SM2: a health or functional endpoint."""

    service: Name
    """The name of a service of the environment."""
    path: RequestPath = "/health"
    """The path, a query included."""
    status: Statuses = (200,)
    """Accepted statuses."""
    json_values: JsonValues = Field(default_factory=dict, alias="json")
    """Dotted path in the JSON body → the value it must have."""
    contains: Name | None = None
    """Text the body must contain."""
    content_type: Name | None = None
    """The media type it must have, such as `application/json`."""
    max_latency: PositiveDuration | None = None
    """The longest it may take, connecting included."""
    dependencies: Dependencies | None = None
    """Dependencies it must report as healthy."""
    functional: Flag = False
    """Whether it belongs to SM2 (functional) instead of SM1 (health)."""

    def _natural_id(self) -> str:
        return f"{self.service}:{self.path}"


class VersionCheck(Entry):
    """SM3: the version that answers is the version that was deployed. One of `service`, or `metric`."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": ["service"]}, {"required": ["metric"]}]})

    service: Name | None = None
    """The service to ask."""
    path: RequestPath = "/health"
    """The endpoint that tells its version."""
    key: Name = "version"
    """Dotted path to the version in its JSON body."""
    metric: Selector | None = None
    """A selector of an info metric, such as `app_build_info{job="app"}`; asked of Prometheus instead."""
    label: LabelName = "version"
    """The label that carries the version (or the image digest)."""
    replicas: Count | None = None
    """How many series (replicas) there must be."""
    expected: Name | None = None
    """What must be found; the deployment's version if it is not given."""

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if (self.service is None) == (self.metric is None):
            raise Wrong(
                "has both" if self.service else "has neither service nor metric", "exactly one of service and metric"
            )
        if self.metric is None and self.replicas is not None:
            raise Wrong("has replicas with service", "replicas only with metric: an endpoint is one of them at a time")
        return self

    def _natural_id(self) -> str:
        return f"{self.service}:{self.path}:{self.key}" if self.service else f"{self.metric}:{self.label}"


class ExpositionCheck(Entry):
    """SM4: a metrics endpoint, asked directly."""

    service: Name
    """The name of a service of the environment."""
    path: RequestPath = "/metrics"
    """The path."""
    prefix: str = ""
    """Only families whose name begins with it are counted."""
    min_families: Count = 1
    """How many families with the prefix there must be."""
    required: tuple[Name, ...] = ()
    """Families or sample names that must be there, by whole name."""
    max_latency: PositiveDuration | None = parse_duration("100ms")
    """The longest it may take."""

    def _natural_id(self) -> str:
        return f"{self.service}:{self.path}"


class TransactionCheck(Entry):
    """SM6: a synthetic command or transaction. Any method but GET is a write and needs the system's opt-in."""

    service: Name
    """The name of a service of the environment."""
    path: RequestPath
    """The path."""
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = "GET"
    """The HTTP method."""
    body: dict[str, Any] | None = None
    """A JSON body to send."""
    status: Statuses = (200, 201, 202, 204)
    """Accepted statuses."""
    json_values: JsonValues = Field(default_factory=dict, alias="json")
    """Dotted path in the JSON answer → the value it must have."""
    max_latency: PositiveDuration | None = None
    """The longest it may take."""

    def _natural_id(self) -> str:
        return f"{self.service}:{self.method}:{self.path}"


class ScrapeTargetCheck(Entry):
    """MF1: the scrape targets of a job."""

    job: Name
    """The job."""
    count: Count | None = None
    """How many targets there must be, exactly; at least one if it is not given."""
    min_samples: Count = 1
    """How many samples each scrape must bring (an empty body still gives `up` 1)."""

    def _natural_id(self) -> str:
        return self.job


class MetricCheck(Entry):
    """MF2, MF3, MF4: one required metric."""

    metric: Selector
    """A metric name or a bare selector, such as `app_sessions_total{job="app"}`."""
    max_age: PositiveDuration = parse_duration("60s")
    """The greatest age of each series' newest sample."""
    series: Count | None = None
    """How many series there must be, exactly."""
    per_instance: Flag = True
    """Whether every up target of the series' jobs must carry it."""
    heartbeat: Selector | None = None
    """A selector of a gauge that holds the Unix time of the app's last work; its value's age counts as well."""
    moving: PositiveDuration | None = None
    """A counter that must have increased within this window."""
    min: Number | None = None
    """The least value of each series."""
    max: Number | None = None
    """The greatest value of each series."""
    initialised: Flag = False
    """A counter that must exist from the start, at 0 or more."""
    labels: dict[LabelName, Regex] = Field(default_factory=dict)
    """Label name → regular expression that its value must match as a whole."""

    @model_validator(mode="after")
    def _can_be_kept(self) -> Self:
        if self.min is not None and self.max is not None and self.min > self.max:
            raise Wrong("has min above max", "a range that a value can lie in")
        return self

    def _natural_id(self) -> str:
        return self.metric


class SloCheck(Entry):
    """SL1: a threshold that every series of an expression must keep."""

    model_config = ConfigDict(
        json_schema_extra={"anyOf": [{"required": [name]} for name in ("below", "above", "at_most", "at_least")]}
    )

    expr: PromQL
    """A PromQL expression; its plain value, without a comparison."""
    below: Number | None = None
    """Every series must be below it."""
    above: Number | None = None
    """Every series must be above it."""
    at_most: Number | None = None
    """Every series must be at most it."""
    at_least: Number | None = None
    """Every series must be at least it."""
    series: Count | None = None
    """How many series there must be, exactly; at least one if it is not given."""
    traffic: PromQL | None = None
    """An expression of the traffic behind the ratio; below `min_traffic` the result is inconclusive."""
    min_traffic: Annotated[Number, Field(ge=0)] = 0.0
    """The floor for every series of `traffic`; an empty or NaN one is below any floor."""

    @model_validator(mode="after")
    def _has_a_bound(self) -> Self:
        if not self.bounds():
            raise Wrong("has no bound", "at least one of below, above, at_most, at_least")
        highest = min((bound for operator, bound in self.bounds() if "<" in operator), default=None)
        lowest = max((bound for operator, bound in self.bounds() if ">" in operator), default=None)
        if highest is not None and lowest is not None and lowest > highest:
            raise Wrong("has bounds that no value can keep", "a lower bound that is not above the upper one")
        if self.min_traffic and self.traffic is None:
            raise Wrong("has min_traffic without traffic", "the expression of the traffic")
        return self

    def bounds(self) -> tuple[tuple[Literal["<", ">", "<=", ">="], float], ...]:
        """Return the bounds as (operator, number) pairs."""
        pairs: tuple[tuple[Literal["<", ">", "<=", ">="], float | None], ...] = (
            ("<", self.below),
            (">", self.above),
            ("<=", self.at_most),
            (">=", self.at_least),
        )
        return tuple((operator, bound) for operator, bound in pairs if bound is not None)

    def _natural_id(self) -> str:
        return self.expr


class RuleCheck(Entry):
    """AL1: a rule that must be loaded."""

    name: Name
    """The alert's name, or the recorded series'."""
    kind: Literal["alerting", "recording"] = "alerting"
    """The kind of rule."""
    group: Name | None = None
    """The group it must be in."""

    def _natural_id(self) -> str:
        return self.name


class RulePolicy(Frozen):
    """AL1: what holds for every loaded rule."""

    min_groups: Count = 1
    """How many groups there must be."""
    known_absent: tuple[Name, ...] = ()
    """Metric names that rules may refer to although no series exists."""
    series_window: PositiveDuration = parse_duration("1d")
    """How far back a rule's metrics must have been seen."""


class KnownAlert(Frozen):
    """AL2: an alert that is expected to fire, with somebody who answers for it, until a date."""

    alertname: Name
    """The alert's name."""
    labels: dict[LabelName, str] = Field(default_factory=dict)
    """Labels it must carry."""
    owner: Name
    """Who answers for it."""
    reason: Name
    """Why it may fire."""
    expires: Day
    """The last day on which it is accepted (UTC)."""


class AlertPolicy(Frozen):
    """AL2, AL3: alerts, their way to Alertmanager, and silences."""

    known: tuple[KnownAlert, ...] = ()
    """Alerts that may fire; a `Watchdog` belongs here too."""
    storm: Count = 10
    """More firing alerts than this are a storm."""
    alertmanagers: Count = 1
    """How many Alertmanagers Prometheus must be connected to."""
    window: PositiveDuration = parse_duration("10m")
    """The window in which nothing may be dropped and no notification may fail; cut at the deployment's finish."""
    max_silence: Duration = parse_duration("1h")
    """The longest that an active silence may last."""


class SoakPolicy(Frozen):
    """SL2, AL6: what the soak suite looks back on at each checkpoint."""

    settle: Duration = parse_duration("5m")
    """How long after the deployment's finish nothing counts yet."""
    window: PositiveDuration | None = None
    """How far back it looks at most; all the time since the deployment has settled if it is not given."""
    coverage: Annotated[Number, Field(gt=0, le=1)] = 0.9
    """The share of the window that every series must cover."""


class RouteCheck(Entry):
    """AL4: where an alert goes by the loaded configuration."""

    labels: dict[LabelName, str] = Field(min_length=1)
    """The alert's labels."""
    receivers: tuple[Name, ...] = Field(min_length=1)
    """The receivers it must reach, exactly, in any order."""
    integration: Name | None = None
    """A kind of integration each of them must have, such as `slack` or `pagerduty`."""
    heard: Flag = True
    """Whether such an alert must be neither silenced nor inhibited now."""
    amtool: Flag = False
    """Whether `amtool`, on the machine that runs the checks, must come to the same receivers."""

    def _natural_id(self) -> str:
        return ",".join(f"{key}={value}" for key, value in sorted(self.labels.items()))


class Checks(Frozen):
    """All tables of expectations, at the top of the file (for every environment) or in one environment."""

    endpoints: tuple[EndpointCheck, ...] = ()
    """SM1, SM2."""
    versions: tuple[VersionCheck, ...] = ()
    """SM3."""
    expositions: tuple[ExpositionCheck, ...] = ()
    """SM4."""
    transactions: tuple[TransactionCheck, ...] = ()
    """SM6."""
    scrape_targets: tuple[ScrapeTargetCheck, ...] = ()
    """MF1."""
    metrics: tuple[MetricCheck, ...] = ()
    """MF2, MF3, MF4."""
    slos: tuple[SloCheck, ...] = ()
    """SL1."""
    rules: tuple[RuleCheck, ...] = ()
    """AL1, by rule."""
    rule_policy: RulePolicy | None = None
    """AL1, for all rules."""
    alerts: AlertPolicy | None = None
    """AL2, AL3."""
    routes: tuple[RouteCheck, ...] = ()
    """AL4."""
    soak: SoakPolicy | None = None
    """SL2, AL6, in the soak suite."""
