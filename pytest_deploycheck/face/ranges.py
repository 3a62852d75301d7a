"""How often the series are sampled over which rules take ranges."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_deploycheck.clients.promql import Selector, selectors
from pytest_deploycheck.errors import QueryFailed
from pytest_deploycheck.face.references import named
from pytest_deploycheck.model.prometheus import RangeUse

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pytest_deploycheck.clients.prometheus.client import PrometheusClient
    from pytest_deploycheck.model.prometheus import Rule

__tracebackhide__ = True

_TOGETHER = 20
"""How many selectors are asked for in one query."""


def range_uses(api: PrometheusClient, rules: Sequence[Rule]) -> tuple[list[RangeUse], dict[str, str]]:
    """Return every range of every rule with the longest interval of what it selects, and the rules nobody can read.

    The interval is the scrape interval of the targets that the series are of; that of the group for what a rule
    records; None where nothing tells: no series just now, or series that came another way.

    Args:
        api: of the server.
        rules: as loaded.
    """
    recorded = {rule.name: rule.interval for rule in rules if rule.kind == "recording"}
    by_rule: dict[str, list[Selector]] = {}
    unread: dict[str, str] = {}
    for name, rule in named(rules):
        try:
            ranged = [one for one in selectors(rule.query) if one.range is not None]
        except QueryFailed as error:
            unread[name] = error.headline
        else:
            by_rule[name] = ranged
    scraped = list(
        dict.fromkeys(one.series for found in by_rule.values() for one in found if one.metric not in recorded)
    )
    intervals = _intervals(api, scraped) if scraped else {}
    uses = [
        RangeUse(rule=rule, selector=one.text, range=one.range or 0.0, interval=_interval(one, recorded, intervals))
        for rule, found in by_rule.items()
        for one in dict.fromkeys(found)
    ]
    return uses, unread


def _interval(one: Selector, recorded: Mapping[str, float], intervals: Mapping[str, float]) -> float | None:
    return recorded[one.metric] if one.metric in recorded else intervals.get(one.series)


def _intervals(api: PrometheusClient, series: Sequence[str]) -> dict[str, float]:
    """Return the longest scrape interval of the targets behind each selector."""
    exact: dict[tuple[str, str], float] = {}
    by_job: dict[str, float] = {}
    for target in api.targets():
        if target.scrape_interval is not None:
            exact[(target.job, target.labels.get("instance", ""))] = target.scrape_interval
            by_job[target.job] = max(target.scrape_interval, by_job.get(target.job, 0.0))
    longest: dict[str, float] = {}
    for text, job, instance in _owners(api, series):
        known = exact.get((job, instance), by_job.get(job))
        if known is not None:
            longest[text] = max(known, longest.get(text, 0.0))
    return longest


def _owners(api: PrometheusClient, series: Sequence[str]) -> Iterator[tuple[str, str, str]]:
    """Yield (selector, job, instance) of what each selector selects, several asked for at once."""
    for start in range(0, len(series), _TOGETHER):
        texts = series[start : start + _TOGETHER]
        parts = [
            f'label_replace(count by (job, instance) ({text}), "selector", "{number}", "", "")'
            for number, text in enumerate(texts)
        ]
        for one in api.query(" or ".join(parts)):
            yield texts[int(one.labels["selector"])], one.labels.get("job", ""), one.labels.get("instance", "")
