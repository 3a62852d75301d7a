"""Freshness: which questions tell it, for scraped, recorded and pushed series.

Measured on Prometheus 2.42: the evaluation time of an instant query is always now, whatever the sample's; a bare
selector's `timestamp()` is the sample's own time; the sample of a recording rule is stamped when the rule runs, however
old its sources are; a Pushgateway is scraped afresh for ever, so that only `push_time_seconds` ages.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from pytest_deploycheck.checks import freshness
from pytest_deploycheck.checks.combining import combine
from pytest_deploycheck.clients.promql import Selector, bare_selector, selectors
from pytest_deploycheck.errors import NotSupported
from pytest_deploycheck.model.prometheus import InstantVector, Target

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_deploycheck.clients.prometheus.client import PrometheusClient
    from pytest_deploycheck.face.prometheus import Prometheus
    from pytest_deploycheck.model.finding import Finding

__tracebackhide__ = True

_DEEPEST = 5
"""Rules may record what other rules recorded; deeper than this nobody does it on purpose."""
_PUSH_GROUP = "job, instance, exported_job, exported_instance"


def age_vector(api: PrometheusClient, selector: str) -> InstantVector:
    """Return the ages in seconds of a selector's series, of the sources of recorded ones, and of pushes, as one vector.

    Raises:
        CannotMeasure: if there is no usable answer.
        NotSupported: if the server's `timestamp()` does not tell.
    """
    base = _ages(api, bare_selector(selector))
    parts = [base, *(vector for _, vector in _sources(api, bare_selector(selector)))]
    pushes = _push_ages(api, bare_selector(selector))
    if len(pushes):
        parts.append(pushes)
    return replace(
        base,
        values=[value for part in parts for value in part.values],
        raw_labels=[labels for part in parts for labels in part.raw_labels],
        warnings=tuple(dict.fromkeys(text for part in parts for text in part.warnings)),
    )


def fresh(
    prometheus: Prometheus,
    selector: str,
    *,
    max_age: float,
    series: int | None,
    per_instance: bool,
    heartbeat: str | None,
    moving: float | None,
) -> Finding:
    """Return the finding on all kinds of freshness that apply; times in seconds."""
    return combine(
        list(
            _findings(
                prometheus,
                bare_selector(selector),
                max_age=max_age,
                series=series,
                per_instance=per_instance,
                heartbeat=heartbeat,
                moving=moving,
            )
        )
    )


def ages_expr(selector: Selector) -> str:
    """Return the question how old each series' newest sample is."""
    return f"time() - timestamp({selector.series})"


def push_ages_expr(selector: Selector) -> str:
    """Return the question how long ago the groups were pushed that the series belong to."""
    return f"time() - (push_time_seconds and on ({_PUSH_GROUP}) {selector.series})"


def targets_expr(selector: Selector) -> str:
    """Return the question which targets the series' jobs have."""
    return f"up and on (job) {selector.series}"


def moving_expr(selector: Selector, window: float) -> str:
    """Return the question how much each series has increased within a window, in seconds."""
    return f"increase({selector.over(window)})"


def _findings(
    prometheus: Prometheus,
    selector: Selector,
    *,
    max_age: float,
    series: int | None,
    per_instance: bool,
    heartbeat: str | None,
    moving: float | None,
) -> Iterator[Finding]:
    api = prometheus.api
    link = f"graph: {api.graph_url(selector.series)}"
    with prometheus._asking(f"age of {selector.series}", link) as box:  # noqa: SLF001 - same room
        base = _ages(api, selector)
    yield freshness.ages(base, max_age, box[0], series=series)
    with prometheus._asking(f"sources of {selector.series}", link) as box:  # noqa: SLF001
        sources = _sources(api, selector)
    for source, vector in sources:
        asked = replace(box[0], asked=f"age of {source.series}, which {selector.metric} is recorded from")
        yield freshness.ages(vector, max_age, asked)
    with prometheus._asking(f"age of the push of {selector.series}", link) as box:  # noqa: SLF001
        pushes = _push_ages(api, selector)
    if len(pushes):
        yield freshness.ages(pushes, max_age, box[0])
    if per_instance and not sources and not len(pushes) and len(base):
        with prometheus._asking(f"instances of {selector.series}", link) as box:  # noqa: SLF001
            targets = _targets(api, selector)
        yield freshness.per_instance([base.labels(at) for at in range(len(base))], targets, box[0])
    if heartbeat is not None:
        beat = bare_selector(heartbeat).series
        with prometheus._asking(f"heartbeat {beat}", f"graph: {api.graph_url(beat)}") as box:  # noqa: SLF001
            vector = api.query(beat)
        yield freshness.heartbeat(vector, max_age, box[0])
    if moving is not None:
        expr = moving_expr(selector, moving)
        with prometheus._asking(expr, f"graph: {api.graph_url(expr)}") as box:  # noqa: SLF001
            vector = api.query(expr)
        yield freshness.compare(vector, ">", 0.0, box[0], unit="")


def _ages(api: PrometheusClient, selector: Selector) -> InstantVector:
    vector = api.query(ages_expr(selector))
    at = vector.evaluation_time
    if at is not None and at == int(at) and b"VictoriaMetrics" in api.wire.request("GET", "/-/healthy").body:
        # Its times are whole seconds, Prometheus's are not but once in a thousand answers.
        raise NotSupported(
            "the age of a sample cannot be told from VictoriaMetrics",
            where=api.wire.endpoint.base_url,
            details=["it evaluates 30 s in the past (its latency offset), so that every age looks small"],
            next_step="judge a heartbeat instead: a gauge with the Unix time of the application's last work",
        )
    if not selector.metric:
        return vector
    # `timestamp()` drops the name; without it a table of several metrics cannot be read.
    labels = [{"__name__": selector.metric, **vector.labels(index)} for index in range(len(vector))]
    return replace(vector, raw_labels=labels)


def _sources(api: PrometheusClient, selector: Selector) -> list[tuple[Selector, InstantVector]]:
    """Return what a recorded metric is recorded from, down to what is scraped, each with its ages.

    A source without series is left out if another has some (`a or b`); with none at all, all of them are returned, and
    their emptiness is judged.
    """
    if not selector.metric:
        return []
    try:
        rules = [rule for group in api.rules(kind="recording") for rule in group.rules]
    except NotSupported:
        return []
    queries: dict[str, list[str]] = {}
    for rule in rules:
        queries.setdefault(rule.name, []).append(rule.query)
    found: dict[Selector, None] = {}
    frontier = {selector.metric}
    seen: set[str] = set()
    for _ in range(_DEEPEST):
        seen |= frontier
        inner = [source for name in frontier for query in queries.get(name, ()) for source in selectors(query)]
        found.update(dict.fromkeys(source for source in inner if source.metric not in queries))
        frontier = {source.metric for source in inner if source.metric in queries} - seen
        if not frontier:
            break
    asked = [(source, _ages(api, replace(source, range=None, offset=0.0, at=None))) for source in found]
    return [pair for pair in asked if len(pair[1])] or asked


def _push_ages(api: PrometheusClient, selector: Selector) -> InstantVector:
    """Return how long ago the groups were pushed that the series belong to; empty for series that were not pushed."""
    vector = api.query(push_ages_expr(selector))
    labels = [{"__name__": "push_time_seconds", **vector.labels(index)} for index in range(len(vector))]
    return replace(vector, raw_labels=labels)


def _targets(api: PrometheusClient, selector: Selector) -> list[Target]:
    """Return the targets of the series' jobs, from `up`: one small answer, where `/targets` lists the whole fleet."""
    vector = api.query(targets_expr(selector))
    return [
        Target(
            labels=one.labels,
            scrape_pool="",
            scrape_url="",
            health="up" if one.last.value == 1 else "down",
        )
        for one in vector
    ]
