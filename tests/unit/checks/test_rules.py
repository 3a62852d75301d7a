from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest

from pytest_deploycheck.checks.rules import all_rules, expected_rule, ranges, references
from pytest_deploycheck.errors import AuthorMistake
from pytest_deploycheck.model.outcome import Outcome
from pytest_deploycheck.model.prometheus import RangeUse, Rule, RuleGroup

if TYPE_CHECKING:
    from pytest_deploycheck.checks.asked import Asked

NOW = 1_800_000_000.0


def rule(name: str = "Down", **changed: Any) -> Rule:
    values: dict[str, Any] = {
        "kind": "alerting",
        "query": "up == 0",
        "group": "g",
        "file": "f",
        "interval": 30.0,
        "health": "ok",
        "last_evaluation": NOW - 10,
        "evaluation_time": 0.001,
    }
    return Rule(name=name, **(values | changed))


def group(*rules: Rule, name: str = "g", evaluation_time: float = 0.001) -> RuleGroup:
    return RuleGroup(name=name, file="f", interval=30.0, evaluation_time=evaluation_time, rules=rules)


def test_an_expected_rule_that_is_there(asked: Asked) -> None:
    finding = expected_rule([group(rule(), rule("Other"))], asked, name="Down", group="g", now=NOW)
    assert finding.outcome is Outcome.PASSED
    assert finding.expected == "alerting rule Down loaded in group g, healthy and evaluated lately"
    assert finding.observed == "1 rule, all ok"
    assert (finding.sample_time, finding.age) == (NOW - 10, 10.0)


def test_a_rule_that_is_not_loaded_fails_with_similar_names(asked: Asked) -> None:
    finding = expected_rule([group(rule("TargetDown"))], asked, name="TargetDwn", now=NOW)
    assert finding.outcome is Outcome.FAILED
    assert finding.observed == "not loaded: no such name among 1 rule; similar names: TargetDown"
    assert expected_rule([], asked, name="X", now=NOW).observed == "not loaded: no such name among 0 rules"


def test_a_rule_of_another_kind_or_in_another_group_is_not_the_rule(asked: Asked) -> None:
    finding = expected_rule([group(rule())], asked, name="Down", kind="recording", now=NOW)
    assert finding.outcome is Outcome.FAILED
    assert finding.observed == "no such rule; 1 rule of that name of another kind or in another group"
    assert finding.rows == (("Down", "g", "ok", "not the rule meant"),)
    assert expected_rule([group(rule())], asked, name="Down", group="h", now=NOW).outcome is Outcome.FAILED


def test_all_rules_of_the_name_are_judged(asked: Asked) -> None:
    found = [group(rule(), rule(health="err", last_error="many-to-many"))]
    finding = expected_rule(found, asked, name="Down", now=NOW)
    assert (finding.outcome, finding.observed) == (Outcome.FAILED, "1 of 2 rules is failing")
    assert finding.rows == (("Down", "g", "err", "many-to-many"),)


@pytest.mark.parametrize(
    ("changed", "outcome", "observed", "problem"),
    [
        ({"health": "err"}, Outcome.FAILED, "failing", "the evaluation failed, without an error text"),
        (
            {"health": "unknown", "last_evaluation": None},
            Outcome.INCONCLUSIVE,
            "of unknown health",
            "not evaluated yet",
        ),
        ({"health": "odd"}, Outcome.INCONCLUSIVE, "of unknown health", "unknown health"),
        ({"last_evaluation": None}, Outcome.INCONCLUSIVE, "without an evaluation", "never evaluated"),
        ({"last_evaluation": 0.0}, Outcome.INCONCLUSIVE, "without an evaluation", "never evaluated"),
        (
            {"last_evaluation": NOW - 62},
            Outcome.FAILED,
            "stale",
            "last evaluated 62 s ago, at most 61 s allowed",
        ),
        (
            {"last_evaluation": NOW + 62},
            Outcome.INCONCLUSIVE,
            "ahead of the server's clock",
            "evaluated 62 s in the future",
        ),
        (
            {"evaluation_time": 30.0},
            Outcome.FAILED,
            "slower than its interval",
            "the evaluation took 30 s of an interval of 30 s",
        ),
        (
            {"evaluation_time": math.nan},
            Outcome.INCONCLUSIVE,
            "of unknown evaluation time",
            "how long the evaluation took is not known",
        ),
        ({"interval": 0.0}, Outcome.INCONCLUSIVE, "of unknown interval", "the evaluation interval is not known"),
    ],
)
def test_one_sick_rule_of_two(
    asked: Asked, changed: dict[str, Any], outcome: Outcome, observed: str, problem: str
) -> None:
    finding = all_rules([group(rule("Good"), rule("Sick", **changed))], asked, now=NOW)
    assert finding.outcome is outcome
    assert finding.observed == f"1 of 2 rules is {observed}"
    assert finding.rows == (("Sick", "g", changed.get("health", "ok"), problem),)


def test_all_rules_well(asked: Asked) -> None:
    finding = all_rules([group(rule()), group(rule(), name="h")], asked, now=NOW, min_groups=2)
    assert (finding.outcome, finding.observed) == (Outcome.PASSED, "2 rules, all ok in 2 groups")
    assert finding.expected == "at least 2 rule groups loaded, each rule healthy and evaluated lately"


def test_fewer_groups_than_expected_fail_none_included(asked: Asked) -> None:
    assert all_rules([], asked, now=NOW).outcome is Outcome.FAILED
    assert all_rules([], asked, now=NOW).observed == "0 groups with rules loaded"
    finding = all_rules([group(rule()), group(name="hollow")], asked, now=NOW, min_groups=2)
    assert finding.outcome is Outcome.FAILED
    assert finding.observed == "1 group with rules loaded; 1 of 2 groups is without rules"


def test_a_hollow_group_is_inconclusive_and_a_slow_one_fails(asked: Asked) -> None:
    assert all_rules([group(rule()), group(name="hollow")], asked, now=NOW).outcome is Outcome.INCONCLUSIVE
    slow = all_rules([group(rule(), evaluation_time=31.0)], asked, now=NOW)
    assert (slow.outcome, slow.observed) == (Outcome.FAILED, "1 of 1 group is slower than its interval")


def test_expecting_no_group_is_a_mistake(asked: Asked) -> None:
    with pytest.raises(AuthorMistake, match="the least number of groups is 0, less than 1"):
        all_rules([], asked, now=NOW, min_groups=0)


def test_references(asked: Asked) -> None:
    good = references({"A": (), "B": ("old_total",)}, asked, known_absent=("old_total",))
    assert good.outcome is Outcome.PASSED
    assert good.observed == "2 rules, all about metrics with series; known to be absent: old_total"
    bad = references({"A": (), "B": {"y", "x"}}, asked)
    assert (bad.outcome, bad.observed) == (Outcome.FAILED, "1 of 2 rules is about a metric without series")
    assert bad.rows == (("B", "x"), ("B", "y"))
    nothing = references({}, asked)
    assert (nothing.outcome, nothing.observed) == (Outcome.INCONCLUSIVE, "no rule was looked at")


def use(selector: str = "x[1m]", span: float = 60.0, interval: float | None = 15.0, rule: str = "g/Slow") -> RangeUse:
    return RangeUse(rule=rule, selector=selector, range=span, interval=interval)


def test_ranges_that_hold_two_samples(asked: Asked) -> None:
    finding = ranges([use(), use(span=30.0), use(interval=None)], asked)
    assert finding.outcome is Outcome.PASSED
    assert finding.observed == "2 ranges, all long enough; of 1 more nothing tells the interval"
    assert ranges([], asked).outcome is Outcome.PASSED


def test_a_range_that_is_too_short(asked: Asked) -> None:
    finding = ranges([use(), use("y[1m]", 60.0, 60.0), use("z[30s]", 30.0, 60.0, "g/Other")], asked)
    assert finding.outcome is Outcome.FAILED
    assert finding.observed == "2 of 3 ranges are too short"
    assert finding.rows == (
        ("g/Other", "z[30s] over an interval of 60 s"),
        ("g/Slow", "y[1m] over an interval of 60 s"),
    )


def test_intervals_that_nobody_tells(asked: Asked) -> None:
    finding = ranges([use(interval=None)], asked)
    assert finding.outcome is Outcome.INCONCLUSIVE
    assert finding.observed == "no data: nothing tells how often what 1 range select is sampled"


def test_rules_that_cannot_be_analysed_are_told(asked: Asked) -> None:
    finding = ranges([use()], asked, unread={"g/Odd": "not PromQL: rollup"})
    assert finding.outcome is Outcome.INCONCLUSIVE
    assert finding.rows == (("g/Odd", "not PromQL: rollup"),)
    finding = references({"g/Good": []}, asked, unread={"g/Odd": "not PromQL: rollup"})
    assert finding.outcome is Outcome.INCONCLUSIVE
    assert finding.observed == "1 of 2 rules is not to be analysed here"
    assert references({"g/Bad": ["x"]}, asked, unread={"g/Odd": "y"}).outcome is Outcome.FAILED
