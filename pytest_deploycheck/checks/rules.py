"""Rules as loaded: present, healthy, evaluated lately and fast enough, and about metrics that exist."""

from __future__ import annotations

import difflib
import math
from typing import TYPE_CHECKING

from pytest_deploycheck.checks.asked import Asked, Judgement
from pytest_deploycheck.checks.comparison import require_number
from pytest_deploycheck.checks.wording import count, head, names, seconds, share

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from pytest_deploycheck.model.finding import Finding
    from pytest_deploycheck.model.prometheus import RangeUse, Rule, RuleGroup

STALE_INTERVALS = 2
TWICE = 2
"""Samples that a rate needs."""
MARGIN = 1.0
"""Seconds for the way of the answer, and for the jitter of evaluations."""
_COLUMNS = ("rule", "group", "health", "problem")

_Problem = tuple[bool, str, str]
"""Whether it is bad, its kind, and its text."""


def expected_rule(
    groups: Sequence[RuleGroup],
    asked: Asked,
    *,
    name: str,
    now: float,
    kind: str = "alerting",
    group: str | None = None,
) -> Finding:
    """Judge whether a rule is loaded and healthy; if several have the name, all of them are judged.

    Not loaded is FAILED: the list of loaded rules is complete, also when it is empty.

    Args:
        groups: as loaded.
        asked: the question.
        name: of the alert or of the recorded series, whole.
        now: the server's time, Unix seconds.
        kind: `alerting` or `recording`.
        group: the group it must be in, or None for any.

    Raises:
        AuthorMistake: if the server's time is not a number.
    """
    require_number("the server's time", now, finite=True)
    where = f" in group {group}" if group is not None else ""
    judgement = Judgement(asked, f"{kind} rule {name} loaded{where}, healthy and evaluated lately", _COLUMNS)
    everything = [rule for one in groups for rule in one.rules]
    namesakes = [rule for rule in everything if rule.name == name]
    found = [rule for rule in namesakes if rule.kind == kind and group in {None, rule.group}]
    if not found:
        judgement.bad(_not_found(name, namesakes, everything), [_row(rule, "not the rule meant") for rule in namesakes])
        return judgement.finding("")
    _judge_rules(judgement, found, now)
    return judgement.finding(_good(found), sample_time=_newest(found), age=_age(found, now))


def _not_found(name: str, namesakes: Sequence[Rule], everything: Sequence[Rule]) -> str:
    if namesakes:
        return f"no such rule; {count(len(namesakes), 'rule')} of that name of another kind or in another group"
    close = difflib.get_close_matches(name, sorted({rule.name for rule in everything}), n=3)
    hint = f"; similar names: {', '.join(close)}" if close else ""
    return f"not loaded: no such name among {count(len(everything), 'rule')}{hint}"


def all_rules(groups: Sequence[RuleGroup], asked: Asked, *, now: float, min_groups: int = 1) -> Finding:
    """Judge every loaded rule.

    FAILED: fewer groups with rules than expected, an evaluation error, an evaluation more than two intervals ago, or
    one that takes as long as the interval. INCONCLUSIVE: never evaluated or of unknown
    health; a group without rules.

    Args:
        groups: as loaded.
        asked: the question.
        now: the server's time, Unix seconds.
        min_groups: how many groups with rules there must be, at least 1.

    Raises:
        AuthorMistake: if no group is expected, or the server's time is not a number.
    """
    require_number("the least number of groups", min_groups, least=1)
    require_number("the server's time", now, finite=True)
    judgement = Judgement(
        asked, f"at least {count(min_groups, 'rule group')} loaded, each rule healthy and evaluated lately", _COLUMNS
    )
    filled = [group for group in groups if group.rules]
    if len(filled) < min_groups:
        judgement.bad(f"{count(len(filled), 'group')} with rules loaded")
    slow = [
        ("", group.name, "", _too_slow(group.evaluation_time, group.interval))
        for group in sorted(filled, key=lambda group: (group.file, group.name))
        if group.interval > 0 and group.evaluation_time >= group.interval
    ]
    if slow:
        judgement.bad(f"{share(len(slow), len(filled), 'group')} slower than its interval", slow)
    rules = [rule for group in filled for rule in group.rules]
    _judge_rules(judgement, rules, now)
    if hollow := sorted(group.name for group in groups if not group.rules):
        judgement.doubtful(
            f"{share(len(hollow), len(groups), 'group')} without rules", [("", name, "", "no rules") for name in hollow]
        )
    return judgement.finding(
        f"{_good(rules)} in {count(len(filled), 'group')}", sample_time=_newest(rules), age=_age(rules, now)
    )


def _judge_rules(judgement: Judgement, rules: Sequence[Rule], now: float) -> None:
    by_kind: dict[tuple[bool, str], list[tuple[str, str, str, str]]] = {}
    for rule in sorted(rules, key=lambda rule: (rule.file, rule.group, rule.name, rule.query)):
        for bad, kind, problem in _problems(rule, now):
            by_kind.setdefault((bad, kind), []).append(_row(rule, problem))
    for (bad, kind), rows in by_kind.items():
        (judgement.bad if bad else judgement.doubtful)(f"{share(len(rows), len(rules), 'rule')} {kind}", rows)


def _problems(rule: Rule, now: float) -> list[_Problem]:
    if rule.health == "err":
        return [(True, "failing", head(rule.last_error) or "the evaluation failed, without an error text")]
    last = rule.last_evaluation
    found: list[_Problem] = []
    if rule.health != "ok":
        found.append(
            (False, "of unknown health", "not evaluated yet" if rule.health == "unknown" else "unknown health")
        )
    if last is None or not math.isfinite(last) or last <= 0:
        return found or [(False, "without an evaluation", "never evaluated")]
    if not rule.interval > 0 or not math.isfinite(rule.interval):
        return [*found, (False, "of unknown interval", "the evaluation interval is not known")]
    allowed = STALE_INTERVALS * rule.interval + MARGIN
    if now - last > allowed:
        text = f"last evaluated {seconds(now - last)} ago, at most {seconds(allowed)} allowed"
        found.append((True, "stale", text))
    elif last > now + MARGIN:
        found.append((False, "ahead of the server's clock", f"evaluated {seconds(last - now)} in the future"))
    if math.isnan(rule.evaluation_time):
        found.append((False, "of unknown evaluation time", "how long the evaluation took is not known"))
    elif rule.evaluation_time >= rule.interval:
        found.append((True, "slower than its interval", _too_slow(rule.evaluation_time, rule.interval)))
    return found


def _too_slow(took: float, interval: float) -> str:
    return f"the evaluation took {seconds(took)} of an interval of {seconds(interval)}"


def _row(rule: Rule, problem: str) -> tuple[str, str, str, str]:
    return (rule.name, rule.group, rule.health, problem)


def _good(rules: Sequence[Rule]) -> str:
    return f"{count(len(rules), 'rule')}, all ok"


def _newest(rules: Sequence[Rule]) -> float | None:
    return max(
        (rule.last_evaluation for rule in rules if rule.last_evaluation and rule.last_evaluation > 0), default=None
    )


def _age(rules: Sequence[Rule], now: float) -> float | None:
    newest = _newest(rules)
    return None if newest is None else now - newest


def references(
    missing: Mapping[str, Collection[str]],
    asked: Asked,
    *,
    known_absent: Collection[str] = (),
    unread: Mapping[str, str] | None = None,
) -> Finding:
    """Judge whether rules refer to metrics that exist: one about nothing is `ok` and `inactive` for ever.

    Args:
        missing: every rule that was looked at → the metric names it refers to that have no series; mostly none.
        asked: the question.
        known_absent: metric names that may be absent.
        unread: rules whose expression cannot be analysed here → why.
    """
    judgement = Judgement(asked, "every rule about metrics that have series", ("rule", "missing metric"))
    if not missing and not unread:
        judgement.doubtful("no rule was looked at")
        return judgement.finding("")
    _note_unread(judgement, unread or {}, len(missing) + len(unread or {}))
    accepted = set(known_absent)
    rows = sorted((rule, name) for rule, absent in missing.items() for name in set(absent) - accepted)
    if rows:
        judgement.bad(
            f"{share(len({rule for rule, _ in rows}), len(missing), 'rule')} about a metric without series", rows
        )
    tolerated = {name for absent in missing.values() for name in absent} & accepted
    tail = f"; known to be absent: {names(tolerated)}" if tolerated else ""
    return judgement.finding(f"{count(len(missing), 'rule')}, all about metrics with series{tail}")


def _note_unread(judgement: Judgement, unread: Mapping[str, str], total: int) -> None:
    if unread:
        rows = [(rule, head(why)) for rule, why in sorted(unread.items())]
        judgement.doubtful(f"{share(len(unread), total, 'rule')} not to be analysed here", rows)


def ranges(uses: Sequence[RangeUse], asked: Asked, *, unread: Mapping[str, str] | None = None) -> Finding:
    """Judge whether every range holds two samples: `rate` over less is empty, and its rule never fires.

    FAILED: a range shorter than twice the interval of what it selects. INCONCLUSIVE: rules that cannot be analysed;
    ranges of none of which anything tells the interval.

    Args:
        uses: every range of the rules.
        asked: the question.
        unread: rules whose expression cannot be analysed here → why.
    """
    expected = f"every range at least {TWICE} times as long as the interval of what it selects"
    judgement = Judgement(asked, expected, ("rule", "problem"))
    _note_unread(judgement, unread or {}, len({use.rule for use in uses}) + len(unread or {}))
    known = [(use, use.interval) for use in uses if use.interval is not None]
    short = [(use, interval) for use, interval in known if use.range < TWICE * interval]
    if short:
        rows = [
            (use.rule, f"{use.selector} over an interval of {seconds(interval)}")
            for use, interval in sorted(short, key=lambda pair: pair[0].range / pair[1])
        ]
        judgement.bad(f"{share(len(short), len(uses), 'range')} too short", rows)
    elif uses and not known:
        judgement.doubtful(f"no data: nothing tells how often what {count(len(uses), 'range')} select is sampled")
    if known:
        worst = [use.range / interval for use, interval in known if interval > 0]
        judgement.measured("intervals in a rule's range", worst, greatest=False)
    unknown = len(uses) - len(known)
    tail = f"; of {unknown:,} more nothing tells the interval" if unknown and known else ""
    return judgement.finding(f"{count(len(known), 'range')}, all long enough{tail}")
