"""The verdict, rule by rule, as docs/verdict.md states them."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_deploycheck.gate.decide import decide
from pytest_deploycheck.model.decision import Reason, Waiver, Waivers, Warned
from pytest_deploycheck.model.declaration import CheckResult, Declaration, Tier
from pytest_deploycheck.model.outcome import Level, Outcome, Recommendation, Verdict
from pytest_deploycheck.model.run import RunFacts

NOW = 1_795_261_500.0  # 2026-11-21T11:45:00Z
NONE = Waivers()


def blocker(nodeid: str, *, tier: Tier | None = None) -> Declaration:
    return Declaration(nodeid=nodeid, level=Level.BLOCKER, tier=tier)


def warning(nodeid: str) -> Declaration:
    return Declaration(nodeid=nodeid, level=Level.WARNING)


def result(nodeid: str, outcome: Outcome = Outcome.PASSED, summary: str = "", **more: Any) -> CheckResult:
    return CheckResult(nodeid=nodeid, outcome=outcome, summary=summary, **more)


def facts(expected: list[Declaration], results: list[CheckResult], **more: Any) -> RunFacts:
    more.setdefault("selected", frozenset(it.nodeid for it in expected))
    return RunFacts(expected=tuple(expected), results={it.nodeid: it for it in results}, **more)


def waivers(*checks: str, expires: float = NOW + 1) -> Waivers:
    return Waivers(
        entries=tuple(
            Waiver(
                check=check,
                reason="known defect",
                owner="sre",
                ticket="CHG-7",
                expires=expires,
                expires_text="2026-11-21",
                where="waivers.toml:1",
            )
            for check in checks
        ),
        source="waivers.toml",
    )


def test_all_blockers_passed_is_go() -> None:
    decision = decide(facts([blocker("t::a"), blocker("t::b")], [result("t::a"), result("t::b")]), NONE, clock_now=NOW)
    assert decision.verdict is Verdict.GO
    assert decision.exit_code == 0
    assert decision.line == "GO"
    assert decision.why == "2 of 2 blockers passed"
    assert decision.reasons == ()
    assert decision.recommendation is Recommendation.PROMOTE
    assert decision.recommendation_reasons == ("every blocker that counts passed or is waived",)
    assert decision.counts["blocker"] == {"passed": 2, "failed": 0, "inconclusive": 0, "error": 0, "not run": 0}


def test_one_failed_blocker_is_no_go_with_the_worst_first() -> None:
    outcomes = {
        "t::a": (Outcome.NOT_RUN, "skipped: later"),
        "t::b": (Outcome.INCONCLUSIVE, "no data"),
        "t::c": (Outcome.ERROR, "refused"),
        "t::d": (Outcome.FAILED, "0.5 is not < 0.01"),
        "t::e": (Outcome.PASSED, ""),
    }
    expected = [blocker(nodeid) for nodeid in outcomes]
    decision = decide(
        facts(expected, [result(nodeid, *rest) for nodeid, rest in outcomes.items()]), NONE, clock_now=NOW
    )
    assert decision.verdict is Verdict.NO_GO
    assert decision.exit_code == 1
    assert decision.why == "1 blocker failed: t::d"
    assert decision.reasons == (
        Reason(nodeid="t::d", outcome=Outcome.FAILED, text="0.5 is not < 0.01"),
        Reason(nodeid="t::c", outcome=Outcome.ERROR, text="refused"),
        Reason(nodeid="t::b", outcome=Outcome.INCONCLUSIVE, text="no data"),
        Reason(nodeid="t::a", outcome=Outcome.NOT_RUN, text="skipped: later"),
    )
    assert str(decision.coverage) == "1 of 5 blockers passed"


@pytest.mark.parametrize(
    ("outcome", "why"),
    [
        (Outcome.ERROR, "no blocker failed, but 1 blocker could not be measured"),
        (Outcome.INCONCLUSIVE, "no blocker failed, but 1 blocker inconclusive"),
        (Outcome.NOT_RUN, "no blocker failed, but 1 blocker did not run"),
    ],
)
def test_a_blocker_that_did_not_tell_is_hold(outcome: Outcome, why: str) -> None:
    run = facts([blocker("t::a"), blocker("t::b")], [result("t::a"), result("t::b", outcome, "why")])
    decision = decide(run, NONE, clock_now=NOW)
    assert (decision.verdict, decision.exit_code, decision.why) == (Verdict.HOLD, 6, why)
    assert decision.recommendation is Recommendation.HOLD
    assert decision.recommendation_reasons == ("nothing was measured as bad, but not enough was measured to promote",)


def test_a_selected_blocker_that_never_reported_is_hold() -> None:
    decision = decide(facts([blocker("t::a"), blocker("t::b")], [result("t::a")]), NONE, clock_now=NOW)
    assert decision.verdict is Verdict.HOLD
    assert decision.reasons == (
        Reason(nodeid="t::b", outcome=Outcome.NOT_RUN, text="was selected, but no result was reported"),
    )


def test_a_result_without_a_summary_still_has_a_reason() -> None:
    decision = decide(facts([blocker("t::a")], [result("t::a", Outcome.FAILED)]), NONE, clock_now=NOW)
    assert decision.reasons[0].text == "failed, and gave no reason"


@pytest.mark.parametrize(
    ("asked", "expected", "text"),
    [
        (True, [], "nothing was collected, although a sign-off was asked for"),
        (False, [], "no blocker was expected: the suite collected none"),
        (True, [warning("t::w")], "no blocker was expected: the suite collected none"),
    ],
)
def test_no_blocker_expected_is_hold(asked: bool, expected: list[Declaration], text: str) -> None:
    run = facts(expected, [result(it.nodeid) for it in expected], signoff_asked=asked)
    decision = decide(run, NONE, clock_now=NOW)
    assert decision.verdict is Verdict.HOLD
    assert decision.reasons == (Reason(nodeid="", outcome=Outcome.NOT_RUN, text=text),)


def test_a_strict_run_of_passing_warnings_alone_is_hold() -> None:
    decision = decide(facts([warning("t::w")], [result("t::w")], strict=True), NONE, clock_now=NOW)
    assert decision.verdict is Verdict.HOLD


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        (
            {"collection_errors": (("t.py", "SyntaxError: invalid syntax"),)},
            Reason(nodeid="", outcome=Outcome.ERROR, text="t.py could not be collected: SyntaxError: invalid syntax"),
        ),
        (
            {"interrupted": "Ctrl-C"},
            Reason(nodeid="", outcome=Outcome.NOT_RUN, text="the run ended early: Ctrl-C"),
        ),
        (
            {"narrowed": ("--lf", "--ignore x.py")},
            Reason(
                nodeid="",
                outcome=Outcome.NOT_RUN,
                text="the collection was narrowed by --lf, --ignore x.py, and no scope was declared",
            ),
        ),
        (
            {"lost": (("", "gw1 was killed"),)},
            Reason(nodeid="", outcome=Outcome.NOT_RUN, text="a worker was lost: gw1 was killed"),
        ),
        (
            {"lost": (("t::a", "gw0 was killed"),)},
            Reason(nodeid="t::a", outcome=Outcome.NOT_RUN, text="lost: gw0 was killed"),
        ),
        (
            {"lost": (("t::unknown", "gw0 was killed"),)},
            Reason(nodeid="t::unknown", outcome=Outcome.NOT_RUN, text="lost: gw0 was killed"),
        ),
    ],
)
def test_a_run_that_saw_less_than_the_suite_is_hold(more: dict[str, Any], reason: Reason) -> None:
    run = facts([blocker("t::a"), blocker("t::b")], [result("t::a"), result("t::b")], **more)
    decision = decide(run, NONE, clock_now=NOW)
    assert decision.verdict is Verdict.HOLD
    assert reason in decision.reasons


def test_a_lost_warning_counts_as_a_blocker() -> None:
    run = facts([blocker("t::a"), warning("t::w")], [result("t::a")], lost=(("t::w", "gw0 was killed"),))
    decision = decide(run, NONE, clock_now=NOW)
    assert decision.verdict is Verdict.HOLD
    assert decision.reasons == (Reason(nodeid="t::w", outcome=Outcome.NOT_RUN, text="lost: gw0 was killed"),)


def test_a_result_of_phase_lost_is_lost() -> None:
    lost = result("t::a", Outcome.PASSED, "worker gw0 crashed", phase="lost")
    decision = decide(facts([blocker("t::a"), blocker("t::b")], [lost, result("t::b")]), NONE, clock_now=NOW)
    assert decision.verdict is Verdict.HOLD
    assert decision.reasons[0].text == "lost: worker gw0 crashed"


def test_a_failure_measured_before_the_worker_died_stays_no_go() -> None:
    run = facts([blocker("t::a")], [result("t::a", Outcome.FAILED, "bad")], lost=(("t::a", "gw0 was killed"),))
    decision = decide(run, NONE, clock_now=NOW)
    assert decision.verdict is Verdict.NO_GO
    assert decision.reasons[0].text == "bad; afterwards lost: gw0 was killed"


def test_a_waiver_of_a_failure_does_not_cover_the_loss_of_its_worker() -> None:
    run = facts(
        [blocker("t::a"), blocker("t::b")],
        [result("t::a", Outcome.FAILED, "bad"), result("t::b")],
        lost=(("t::a", "gw0 was killed"),),
    )
    decision = decide(run, waivers("t::a"), clock_now=NOW)
    assert decision.verdict is Verdict.HOLD
    assert decision.waivers[0].state == "refused"


def test_a_result_that_nobody_collected_counts_as_a_blocker() -> None:
    run = facts([blocker("t::a")], [result("t::a"), result("t::x", Outcome.ERROR, "boom")])
    decision = decide(run, NONE, clock_now=NOW)
    assert decision.verdict is Verdict.HOLD
    assert decision.notes == ("reported without having been collected, counted as blockers: t::x",)


def test_a_deselected_blocker_without_scope_is_hold() -> None:
    run = facts(
        [blocker("t::a"), blocker("t::b")],
        [result("t::a")],
        selected=frozenset({"t::a"}),
        deselected_by={"t::b": '-k "smoke"'},
    )
    decision = decide(run, NONE, clock_now=NOW)
    assert decision.verdict is Verdict.HOLD
    assert decision.reasons == (Reason(nodeid="t::b", outcome=Outcome.NOT_RUN, text='deselected by -k "smoke"'),)
    assert decision.out_of_scope == ()


def test_a_declared_scope_leaves_deselected_blockers_out_and_is_part_of_the_verdict() -> None:
    run = facts(
        [blocker("t::a"), blocker("t::b")],
        [result("t::a")],
        selected=frozenset({"t::a"}),
        narrowed=("--ignore x.py",),
        scope="smoke",
    )
    decision = decide(run, NONE, clock_now=NOW)
    assert decision.verdict is Verdict.GO
    assert decision.line == 'GO (scope "smoke")'
    assert decision.why == "1 of 1 blocker in scope passed; 1 out of scope"
    assert decision.out_of_scope == ("t::b",)
    assert decision.notes == ('the collection was narrowed by --ignore x.py under the declared scope "smoke"',)


def test_a_blank_scope_declares_nothing() -> None:
    run = facts([blocker("t::a"), blocker("t::b")], [result("t::a")], selected=frozenset({"t::a"}), scope="  ")
    decision = decide(run, NONE, clock_now=NOW)
    assert (decision.verdict, decision.scope) == (Verdict.HOLD, None)


def test_a_scope_that_leaves_out_every_blocker_is_hold() -> None:
    run = facts([blocker("t::a")], [], selected=frozenset(), scope="nothing")
    decision = decide(run, NONE, clock_now=NOW)
    assert decision.verdict is Verdict.HOLD
    assert decision.reasons[0].text == "no blocker passed: the declared scope leaves out all 1"


def test_a_deselected_blocker_that_failed_all_the_same_is_no_go() -> None:
    run = facts([blocker("t::a")], [result("t::a", Outcome.FAILED, "bad")], selected=frozenset(), scope="smoke")
    assert decide(run, NONE, clock_now=NOW).verdict is Verdict.NO_GO


def test_deselecting_warnings_needs_no_scope() -> None:
    run = facts(
        [blocker("t::a"), warning("t::w")],
        [result("t::a")],
        selected=frozenset({"t::a"}),
        deselected_by={"t::w": '-m "blocker"'},
    )
    decision = decide(run, NONE, clock_now=NOW)
    assert decision.verdict is Verdict.GO
    assert decision.warned == ()
    assert decision.notes == ("1 warning check deselected",)


def test_a_warning_that_failed_is_listed_and_does_not_gate() -> None:
    run = facts([blocker("t::a"), warning("t::w")], [result("t::a"), result("t::w", Outcome.FAILED, "slow")])
    decision = decide(run, NONE, clock_now=NOW)
    assert decision.verdict is Verdict.GO
    assert decision.why == "1 of 1 blocker passed; 1 warning did not pass"
    assert decision.warned == (Warned(nodeid="t::w", outcome=Outcome.FAILED, text="slow"),)


@pytest.mark.parametrize(
    ("outcome", "verdict"), [(Outcome.FAILED, Verdict.NO_GO), (Outcome.INCONCLUSIVE, Verdict.HOLD)]
)
def test_strict_counts_warnings_like_blockers(outcome: Outcome, verdict: Verdict) -> None:
    run = facts([blocker("t::a"), warning("t::w")], [result("t::a"), result("t::w", outcome, "slow")], strict=True)
    decision = decide(run, NONE, clock_now=NOW)
    assert decision.verdict is verdict
    assert decision.reasons == (Reason(nodeid="t::w", outcome=outcome, text="slow (a warning; strict counts it)"),)
    assert decision.warned == ()


def test_a_waived_blocker_lets_the_others_say_go_and_stays_visible() -> None:
    run = facts([blocker("t::a"), blocker("t::b")], [result("t::a"), result("t::b", Outcome.FAILED, "bad")])
    decision = decide(run, waivers("t::b"), clock_now=NOW)
    assert decision.verdict is Verdict.GO
    assert decision.why == "1 of 2 blockers passed, 1 waived"
    assert decision.reasons == (Reason(nodeid="t::b", outcome=Outcome.FAILED, text="bad", waived=True),)
    assert decision.waived == ("t::b",)
    assert decision.counts["blocker"]["failed"] == 1
    assert [(use.state, use.text) for use in decision.waivers] == [
        ("applied", "t::b is failed and waived until 2026-11-21T11:45:01Z by sre, CHG-7: known defect")
    ]


def test_a_run_in_which_every_blocker_is_waived_is_hold() -> None:
    run = facts([blocker("t::a")], [result("t::a", Outcome.FAILED, "bad")])
    decision = decide(run, waivers("t::a"), clock_now=NOW)
    assert decision.verdict is Verdict.HOLD
    assert decision.why == "no blocker failed, but no blocker passed: the only one is waived"


def test_an_expired_waiver_does_not_apply_and_is_reported() -> None:
    run = facts([blocker("t::a")], [result("t::a", Outcome.FAILED, "bad")])
    decision = decide(run, waivers("t::a", expires=NOW), clock_now=NOW)
    assert decision.verdict is Verdict.NO_GO
    assert decision.notes == (
        (
            "waiver CHG-7 (waivers.toml:1) for t::a expired at 2026-11-21T11:45:00Z and does not apply; "
            "the check is failed"
        ),
    )


def test_unused_and_refused_waivers_are_reported() -> None:
    run = facts(
        [blocker("t::a"), blocker("t::b"), blocker("t::c")],
        [result("t::a")],
        selected=frozenset({"t::a", "t::c"}),
        deselected_by={"t::b": "-k x"},
        narrowed=("--lf",),
    )
    decision = decide(run, waivers("t::a", "t::b", "t::c", "t::d"), clock_now=NOW)
    assert decision.verdict is Verdict.HOLD
    assert [use.state for use in decision.waivers] == ["unused", "refused", "refused", "unused"]
    assert decision.notes == (
        "waiver CHG-7 (waivers.toml:1) is unused: t::a passed; remove it",
        (
            "waiver CHG-7 (waivers.toml:1) does not apply to t::b: it was deselected, "
            "and a waiver accepts only a reported result"
        ),
        (
            "waiver CHG-7 (waivers.toml:1) does not apply to t::c: it reported no result, "
            "and a waiver accepts only a reported result"
        ),
        "waiver CHG-7 (waivers.toml:1) is unused: no check named t::d was collected (the collection was narrowed)",
    )


def test_strict_leaves_warnings_alone_that_were_not_selected() -> None:
    run = facts([blocker("t::a"), warning("t::w")], [result("t::a")], strict=True, selected=frozenset({"t::a"}))
    assert decide(run, NONE, clock_now=NOW).verdict is Verdict.GO


def test_a_node_id_collected_twice_counts_as_the_stricter() -> None:
    run = facts([warning("t::a"), blocker("t::a"), warning("t::a")], [result("t::a", Outcome.FAILED, "bad")])
    assert decide(run, NONE, clock_now=NOW).verdict is Verdict.NO_GO


def test_flaky_checks_and_failures_of_other_tests_are_notes() -> None:
    run = facts([blocker("t::a")], [result("t::a", flaky=True, attempts=2)], others_failed=3)
    decision = decide(run, NONE, clock_now=NOW)
    assert decision.verdict is Verdict.GO
    assert decision.notes == (
        "passed only after an earlier attempt had not: t::a",
        "3 other tests failed: no deployment check, no part of the verdict",
    )


FINISHED = NOW - 600


@pytest.mark.parametrize(
    ("tier", "finished", "recommendation", "text"),
    [
        (Tier(kind="immediate"), None, Recommendation.ROLLBACK, "its tier is immediate"),
        (
            Tier(kind="investigate"),
            FINISHED,
            Recommendation.HOLD,
            "somebody must look into it first (its tier is investigate)",
        ),
        (
            Tier(kind="after", seconds=600),
            FINISHED,
            Recommendation.ROLLBACK,
            'its tier is after("600s"), and that time ended at 2026-11-21T11:45:00Z',
        ),
        (
            Tier(kind="after", seconds=601),
            FINISHED,
            Recommendation.HOLD,
            'its tier is after("601s"): roll back if it still fails at 2026-11-21T11:45:01Z',
        ),
        (
            Tier(kind="after", seconds=600),
            None,
            Recommendation.HOLD,
            'its tier is after("600s"), but when the deployment finished is unknown',
        ),
        (
            Tier(kind="after", seconds=600),
            float("nan"),
            Recommendation.HOLD,
            'its tier is after("600s"), but when the deployment finished is unknown',
        ),
        (None, FINISHED, Recommendation.HOLD, "somebody must look into it first (its tier is investigate)"),
    ],
)
def test_tiers(tier: Tier | None, finished: float | None, recommendation: Recommendation, text: str) -> None:
    run = facts([blocker("t::a", tier=tier)], [result("t::a", Outcome.FAILED, "bad")], deployment_finished_at=finished)
    decision = decide(run, NONE, clock_now=NOW)
    assert decision.recommendation is recommendation
    assert decision.recommendation_reasons == (f"t::a: {text}",)


def test_one_rollback_outweighs_any_number_of_holds() -> None:
    expected = [blocker("t::a"), blocker("t::b", tier=Tier(kind="immediate"))]
    run = facts(expected, [result(it.nodeid, Outcome.FAILED, "bad") for it in expected])
    decision = decide(run, NONE, clock_now=NOW)
    assert decision.recommendation is Recommendation.ROLLBACK
    assert decision.recommendation_reasons == ("t::b: its tier is immediate",)
    assert decision.why == "2 blockers failed: t::b and 1 more", "what asks for a rollback is named first"
    assert [reason.nodeid for reason in decision.reasons] == ["t::b", "t::a"]


def test_a_waived_failure_recommends_no_rollback() -> None:
    expected = [blocker("t::a", tier=Tier(kind="immediate")), blocker("t::b")]
    run = facts(expected, [result("t::a", Outcome.FAILED, "bad"), result("t::b", Outcome.ERROR, "refused")])
    decision = decide(run, waivers("t::a"), clock_now=NOW)
    assert (decision.verdict, decision.recommendation) == (Verdict.HOLD, Recommendation.HOLD)


@pytest.mark.parametrize(("early", "verdict"), [(-3600.0, Verdict.GO), (60.0, Verdict.GO), (7200.0, Verdict.HOLD)])
def test_what_was_measured_before_the_deployment_had_finished_is_no_go(early: float, verdict: Verdict) -> None:
    a = blocker("a")
    decision = decide(facts([a], [result("a")], began=NOW, deployment_finished_at=NOW + early), NONE, clock_now=NOW + 9)
    assert decision.verdict is verdict
    assert [it.text for it in decision.reasons] == [
        "the run began 2h before the deployment's finish at 2026-11-21T13:45:00Z: a wrong clock or time zone?"
    ] * (verdict is Verdict.HOLD)
