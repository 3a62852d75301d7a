"""What the verdict says of clusters and regions, rule by rule, as docs/targets.md states them."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_deploycheck.gate.decide import decide
from pytest_deploycheck.model.decision import Decision, Waiver, Waivers
from pytest_deploycheck.model.declaration import CheckResult, Declaration
from pytest_deploycheck.model.outcome import Level, Outcome, Verdict
from pytest_deploycheck.model.run import RunFacts

NOW = 1_795_261_500.0
BOTH = ("eu", "apac")


def blocker(nodeid: str, *targets: str, level: Level = Level.BLOCKER) -> Declaration:
    return Declaration(nodeid=nodeid, level=level, targets=targets)


def decided(expected: list[Declaration], waived: tuple[str, ...] = (), **more: Any) -> Decision:
    """What is decided where everything that was selected passed, but for `outcomes`."""
    outcomes: dict[str, Outcome] = more.pop("outcomes", {})
    outside: frozenset[str] = more.pop("outside", frozenset())
    selected = more.pop("selected", frozenset(it.nodeid for it in expected) - outside)
    results = {
        nodeid: CheckResult(nodeid=nodeid, outcome=outcomes.get(nodeid, Outcome.PASSED), summary="why")
        for nodeid in selected
    }
    facts = RunFacts(
        expected=tuple(expected),
        selected=selected,
        results=results,
        targets=more.pop("targets", BOTH),
        outside=outside,
        deselected_by=dict.fromkeys(outside, "--deploycheck-target eu"),
        **more,
    )
    entries = tuple(
        Waiver(check=it, reason="r", owner="o", ticket="t", expires=NOW + 1, expires_text="x") for it in waived
    )
    return decide(facts, Waivers(entries=entries), clock_now=NOW)


EACH = [blocker("t[eu]", "eu"), blocker("t[apac]", "apac")]


def test_a_go_for_all_needs_no_words() -> None:
    decision = decided(EACH)
    assert (decision.line, decision.declared, decision.why) == ("GO", None, "2 of 2 blockers passed")
    assert [str(it) for it in decision.targets] == ["eu: 1 of 1 blocker passed", "apac: 1 of 1 blocker passed"]


def test_a_failure_says_where() -> None:
    decision = decided([*EACH, blocker("u[apac]", "apac")], outcomes={"t[apac]": Outcome.FAILED})
    assert decision.why == "1 blocker failed in apac: t[apac]"
    assert [str(it) for it in decision.targets] == [
        "eu: 1 of 1 blocker passed",
        "apac: 1 of 2 blockers passed, 1 failed",
    ]
    failed = dict.fromkeys(("t[apac]", "u[apac]", "t[eu]"), Outcome.FAILED)
    assert decided([*EACH, blocker("u[apac]", "apac")], outcomes=failed).why == (
        "3 blockers failed (apac 2, eu 1): t[apac] and 2 more"
    )
    both = decided([*EACH, blocker("c", *BOTH)], outcomes={"c": Outcome.FAILED, "t[eu]": Outcome.FAILED})
    assert both.why == "2 blockers failed (eu 1): c and 1 more"


def test_a_narrowed_run_is_go_for_its_target() -> None:
    decision = decided(EACH, only=("eu",), outside=frozenset({"t[apac]"}))
    assert decision.line == "GO for target eu (not looked at: apac with 1 blocker)"
    assert (decision.declared, decision.scope) == ("target eu", None)
    assert decision.why == "1 of 1 blocker in scope passed; 1 out of scope"
    assert decision.recommendation_reasons == (
        "every blocker that counts passed or is waived, in eu alone",
        "nothing is known of apac",
    )
    assert [str(it) for it in decision.targets] == ["eu: 1 of 1 blocker passed", "apac: not looked at (1 blocker)"]


def test_narrowing_declares_only_the_other_targets_out_of_scope() -> None:
    expected = [*EACH, blocker("u[eu]", "eu")]
    decision = decided(expected, only=("eu",), outside=frozenset({"t[apac]"}), selected=frozenset({"t[eu]"}))
    assert (decision.verdict, decision.why) == (Verdict.HOLD, "no blocker failed, but 1 blocker did not run in eu")
    assert decision.out_of_scope == ("t[apac]",)


def test_a_target_that_is_out_of_a_declared_scope_is_named() -> None:
    decision = decided(EACH, selected=frozenset({"t[eu]"}), scope="mine")
    assert decision.line == 'GO (scope "mine"; not looked at: apac with 1 blocker)'
    expected = [*EACH, blocker("x")]
    narrowed = decided(
        expected, only=("eu",), outside=frozenset({"t[apac]"}), selected=frozenset({"x"}), scope="x alone"
    )
    assert narrowed.verdict is Verdict.HOLD
    assert narrowed.why == "no blocker failed, but the declared scope leaves out all blockers of target eu"


@pytest.mark.parametrize(("only", "others"), [((), "eu,apac"), (("eu", "us"), "eu")])
def test_a_target_without_a_blocker_was_forgotten(only: tuple[str, ...], others: str) -> None:
    outside = frozenset({"t[apac]"}) if only else frozenset()
    warned = blocker("w[us]", "us", level=Level.WARNING)
    decision = decided([*EACH, warned], targets=("eu", "apac", "us"), only=only, outside=outside)
    assert decision.verdict is Verdict.HOLD
    [reason] = decision.reasons
    assert reason.text == (
        "no blocker is about target us: nothing was verified there; "
        f"--deploycheck-target {others} looks at the others alone"
    )


def test_a_run_about_no_target_names_all_of_them() -> None:
    assert decided([blocker("t")]).line == "GO (not looked at: eu, apac)"
    decision = decided([blocker("t")], only=("eu",))
    assert decision.why == "no blocker failed, but no blocker is about target eu: nothing was verified there"


def test_a_target_whose_blockers_are_all_waived_was_not_measured() -> None:
    decision = decided(EACH, waived=("t[apac]",), outcomes={"t[apac]": Outcome.FAILED})
    assert decision.why == "no blocker failed, but no blocker of target apac passed: all of them are waived"
