"""Which metrics the rules name that nobody has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from pytest_deploycheck.clients.promql import Selector, selectors
from pytest_deploycheck.errors import QueryFailed

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from pytest_deploycheck.clients.prometheus.client import PrometheusClient
    from pytest_deploycheck.model.prometheus import Rule

__tracebackhide__ = True

_OWN = frozenset({"ALERTS", "ALERTS_FOR_STATE"})
"""Series that Prometheus writes itself, and only while an alert is pending or firing."""
_TOGETHER = 20
"""How many selectors are asked for in one query: enough to save round trips, short enough to read in evidence."""


def missing_metrics(
    api: PrometheusClient, rules: Sequence[Rule], window: float, known_absent: Collection[str]
) -> tuple[dict[str, list[str]], dict[str, str]]:
    """Return, for every rule, what its expression names and nothing has had within the window.

    What stands in `absent()` is meant to be missing. Second come the rules that cannot be analysed, and why.

    That is a metric; or a label that no series of the metric has (`up{jbo="api"}`); or a job that none of them is of.
    Other label values may come and go (`reason="CrashLoopBackOff"` should have no series on a good day), and are not
    looked for.

    Args:
        api: of the server.
        rules: as loaded.
        window: seconds back.
        known_absent: metric names that are not looked for.
    """
    by_rule: dict[str, list[str]] = {}
    unread: dict[str, str] = {}
    for name, rule in named(rules):
        try:
            found = selectors(rule.query, absent=False)
        except QueryFailed as error:
            unread[name] = error.headline
            continue
        probes = by_rule[name] = []
        for selector in found:
            if selector.metric not in _OWN and selector.metric not in known_absent:
                probes.extend(_probes(selector))
    texts = list(dict.fromkeys(text for probes in by_rule.values() for text in probes))
    absent: set[str] = set()
    for start in range(0, len(texts), _TOGETHER):
        absent |= _absent(api, texts[start : start + _TOGETHER], window)
    return {rule: _first_missing(probes, absent) for rule, probes in by_rule.items()}, unread


def named(rules: Sequence[Rule]) -> Iterator[tuple[str, Rule]]:
    """Yield every rule with the name it is told by: `group/name`, numbered where several have the same."""
    seen: dict[str, int] = {}
    for rule in rules:
        name = f"{rule.group}/{rule.name}"
        seen[name] = number = seen.get(name, 0) + 1
        yield f"{name} ({number})" if number > 1 else name, rule


def _probes(selector: Selector) -> list[str]:
    """Return the selectors that must have series, the widest first."""
    metric = selector.metric
    if not metric:
        return [selector.series]
    plain = replace(selector, matchers=(), range=None, offset=0.0, at=None)
    found = [plain.series]
    for matcher in selector.matchers:
        if matcher.op in ("=", "=~") and matcher.value:
            wanted = matcher if matcher.name == "job" and matcher.op == "=" else replace(matcher, op="!=", value="")
            found.append(replace(plain, matchers=(wanted,)).series)
    return found


def _first_missing(probes: Sequence[str], absent: Collection[str]) -> list[str]:
    """Return the missing probes, without those that only repeat that their metric is missing."""
    missing = [text for text in dict.fromkeys(probes) if text in absent]
    whole = {text for text in missing if "{" not in text}
    return [text for text in missing if text in whole or text.split("{", 1)[0] not in whole]


def _absent(api: PrometheusClient, texts: Sequence[str], window: float) -> set[str]:
    """Ask for several selectors at once; each series of the answer carries the number of its selector."""
    seconds = max(1, round(window))
    # last_over_time keeps the metrics' names: series of several metrics would be duplicates without them
    parts = [
        f'label_replace(vector(0), "selector", "{number}", "", "") and on () '
        f"(count(last_over_time({text}[{seconds}s])) > 0)"
        for number, text in enumerate(texts)
    ]
    present = {one.labels.get("selector", "") for one in api.query(" or ".join(parts))}
    return {text for number, text in enumerate(texts) if str(number) not in present}
