"""What Prometheus answers, as frozen data. Times are Unix seconds on Prometheus's clock, durations are seconds."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence


def format_labels(labels: Mapping[str, str]) -> str:
    """Return a label set as PromQL writes it, the metric's name first: `up{job="api"}`."""
    name = labels.get("__name__", "")
    inner = ", ".join(f'{key}="{value}"' for key, value in sorted(labels.items()) if key != "__name__")
    return f"{name}{{{inner}}}" if inner or not name else name


class Sample(msgspec.Struct, frozen=True):
    """One value of one series.

    Attributes:
        timestamp: Unix seconds. In an instant vector this is the evaluation time, not when the sample was scraped.
        value: a float; NaN and infinities included.
    """

    timestamp: float
    value: float


class Series(msgspec.Struct, frozen=True):
    """A label set with its samples, oldest first."""

    labels: Mapping[str, str]
    samples: tuple[Sample, ...]

    @property
    def last(self) -> Sample:
        """The newest sample."""
        return self.samples[-1]

    def __str__(self) -> str:
        """Return the labels as PromQL writes them."""
        return format_labels(self.labels)


class InstantVector(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to an instant query, by columns: 50,000 label sets are not decoded before somebody asks for one.

    Attributes:
        expr: the expression as it was asked.
        evaluation_time: the time at which Prometheus evaluated it; None for an empty vector asked without a time.
        values: one float a series, in answer order.
        raw_labels: one label set a series, in the same order: JSON as bytes, or a mapping.
        scalar: whether the expression was a scalar (one value, no labels).
        histograms: how many of the series are native histograms (their value is NaN here: compare a quantile instead).
        warnings: what Prometheus warned of; with any, the answer may be partial.
        infos: annotations that do not make the answer partial (since 2.54).
        evidence: the id of the exchange.
    """

    expr: str
    evaluation_time: float | None
    values: Sequence[float]
    raw_labels: Sequence[bytes | Mapping[str, str]]
    scalar: bool = False
    histograms: int = 0
    warnings: tuple[str, ...] = ()
    infos: tuple[str, ...] = ()
    evidence: str = ""

    def __len__(self) -> int:
        """Return the number of series."""
        return len(self.values)

    def labels(self, index: int) -> Mapping[str, str]:
        """Return the label set of the series at `index`."""
        raw = self.raw_labels[index]
        return json.loads(raw) if isinstance(raw, bytes) else raw

    def __iter__(self) -> Iterator[Series]:
        """Yield every series with its one sample."""
        at = self.evaluation_time if self.evaluation_time is not None else math.nan
        for index, value in enumerate(self.values):
            yield Series(self.labels(index), (Sample(at, value),))


class RangeVector(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to a range query, or to a raw range selector (then the timestamps are those of the samples).

    Attributes:
        expr: the expression as it was asked.
        start: of the window.
        end: of the window.
        step: seconds between points; None for a raw selector.
        series: in answer order.
        histograms: how many of the series are native histograms.
        warnings: with any, the answer may be partial.
        infos: annotations that do not make the answer partial.
        evidence: the id of the exchange.
    """

    expr: str
    start: float
    end: float
    step: float | None
    series: tuple[Series, ...]
    histograms: int = 0
    warnings: tuple[str, ...] = ()
    infos: tuple[str, ...] = ()
    evidence: str = ""

    def __len__(self) -> int:
        """Return the number of series."""
        return len(self.series)

    def __iter__(self) -> Iterator[Series]:
        """Yield every series."""
        return iter(self.series)


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """One active scrape target.

    Attributes:
        labels: after relabelling, `job` and `instance` among them.
        scrape_pool: the name of its scrape configuration.
        scrape_url: what is scraped.
        health: `up`, `down` or `unknown` (never scraped yet).
        last_error: of the last scrape, or empty.
        last_scrape: Unix seconds; None if it was never scraped.
        last_scrape_duration: seconds.
        scrape_interval: seconds; None where the server does not tell.
    """

    labels: Mapping[str, str]
    scrape_pool: str
    scrape_url: str
    health: str
    last_error: str = ""
    last_scrape: float | None = None
    last_scrape_duration: float = 0.0
    scrape_interval: float | None = None

    @property
    def job(self) -> str:
        """The `job` label."""
        return self.labels.get("job", "")

    @property
    def instance(self) -> str:
        """The `instance` label."""
        return self.labels.get("instance", "")


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """An alert of Prometheus (pending or firing), not of Alertmanager.

    Attributes:
        labels: `alertname` among them.
        annotations: as rendered.
        state: `pending` or `firing`.
        active_at: since when, Unix seconds.
        value: of the expression.
        keep_firing_since: set while only `keep_firing_for` holds it.
    """

    labels: Mapping[str, str]
    annotations: Mapping[str, str] = msgspec.field(default_factory=dict)
    state: str = "firing"
    active_at: float | None = None
    value: float = math.nan
    keep_firing_since: float | None = None

    @property
    def name(self) -> str:
        """The `alertname` label."""
        return self.labels.get("alertname", "")


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """One rule as loaded.

    Attributes:
        name: of the alert or of the recorded series.
        kind: `alerting` or `recording`.
        query: its expression.
        group: the group's name.
        file: the file it was loaded from, on the server.
        interval: the group's evaluation interval in seconds.
        health: `ok`, `err` or `unknown` (never evaluated yet).
        last_error: of the last evaluation, or empty.
        last_evaluation: Unix seconds; None if never.
        evaluation_time: how long the last evaluation took, in seconds.
        state: `inactive`, `pending` or `firing`; empty for recording rules.
        duration: the `for` of an alerting rule in seconds.
        labels: added by the rule.
        annotations: templates of the rule.
        alerts: its pending and firing alerts.
    """

    name: str
    kind: str
    query: str
    group: str
    file: str
    interval: float
    health: str
    last_error: str = ""
    last_evaluation: float | None = None
    evaluation_time: float = 0.0
    state: str = ""
    duration: float = 0.0
    labels: Mapping[str, str] = msgspec.field(default_factory=dict)
    annotations: Mapping[str, str] = msgspec.field(default_factory=dict)
    alerts: tuple[Alert, ...] = ()


class RuleGroup(msgspec.Struct, frozen=True, kw_only=True):
    """A rule group as loaded: `evaluation_time` and `interval` in seconds."""

    name: str
    file: str
    interval: float
    evaluation_time: float = 0.0
    last_evaluation: float | None = None
    rules: tuple[Rule, ...] = ()


class Episode(msgspec.Struct, frozen=True, kw_only=True):
    """One time in which an alert was in one state, as Prometheus recorded it.

    Attributes:
        labels: of the alert.
        state: `pending` or `firing`.
        begins: its first sample.
        ends: its last sample.
        since: when the alert became active, perhaps before the window; None if that was not recorded.
    """

    labels: Mapping[str, str]
    state: str
    begins: float
    ends: float
    since: float | None = None


class AlertHistory(msgspec.Struct, frozen=True, kw_only=True):
    """The alerts of a window that has passed.

    Attributes:
        start: of the window.
        end: of the window.
        states: that were asked for.
        episodes: in which an alert was in one of them.
        coverage: the share of the window in which anything was scraped.
        gaps: (from, to) of the times in which nothing was.
        resolution: seconds between the recorded samples, at most.
    """

    start: float
    end: float
    states: tuple[str, ...]
    episodes: tuple[Episode, ...]
    coverage: float
    gaps: tuple[tuple[float, float], ...] = ()
    resolution: float = 0.0


class RangeUse(msgspec.Struct, frozen=True, kw_only=True):
    """A range that a rule takes, and how often what it selects is sampled.

    Attributes:
        rule: `group/name`.
        selector: with its range.
        range: seconds.
        interval: seconds between samples, the longest of all that is selected; None where nothing tells.
    """

    rule: str
    selector: str
    range: float
    interval: float | None


class Alertmanagers(msgspec.Struct, frozen=True, kw_only=True):
    """The Alertmanagers that Prometheus has discovered: discovery, not health (a dead one stays listed)."""

    active: tuple[str, ...]
    dropped: tuple[str, ...] = ()


class Metadata(msgspec.Struct, frozen=True, kw_only=True):
    """What a target says of one metric."""

    metric: str
    type: str
    help: str = ""
    unit: str = ""


class RuntimeInfo(msgspec.Struct, frozen=True, kw_only=True):
    """`/api/v1/status/runtimeinfo`, as far as it is judged. Times are Unix seconds."""

    start_time: float | None
    reload_config_success: bool
    last_config_time: float | None
    storage_retention: str = ""


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """A counter's values at one moment, to be compared with later ones.

    Attributes:
        selector: what was marked.
        at: the evaluation time, Unix seconds on Prometheus's clock.
        values: by label set (sorted pairs).
        evidence: the id of the exchange.
    """

    selector: str
    at: float
    values: Mapping[tuple[tuple[str, str], ...], float]
    evidence: str = ""
