"""What must hold of the gate for any run whatever."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import assume, event, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from pytest_deploycheck.gate.decide import decide
from pytest_deploycheck.model.decision import EXIT_CODES, Waiver, Waivers
from pytest_deploycheck.model.declaration import CheckResult, Declaration, Tier
from pytest_deploycheck.model.outcome import Level, Outcome, Recommendation, Verdict
from pytest_deploycheck.model.run import RunFacts

if TYPE_CHECKING:
    import random

NOW = 1_800_000_000.0
NAMES = [f"t::c{number}" for number in range(6)]

names = st.sampled_from(NAMES)
tiers = st.sampled_from([None, Tier(kind="immediate"), Tier(kind="investigate"), Tier(kind="after", seconds=60)])
# Passing must be likely enough for GO to occur among the examples.
outcomes = st.sampled_from([*[Outcome.PASSED] * 6, *Outcome])


@st.composite
def results(draw: st.DrawFn) -> dict[str, CheckResult]:
    chosen = draw(st.lists(names, unique=True, min_size=draw(st.sampled_from([0, 4]))))
    phases = st.sampled_from([*["call"] * 9, "setup", "lost"])
    return {it: CheckResult(nodeid=it, outcome=draw(outcomes), summary="s", phase=draw(phases)) for it in chosen}


@st.composite
def runs(draw: st.DrawFn) -> RunFacts:
    found = draw(results())
    expected = draw(st.sampled_from([sorted(found), NAMES[:3], []]))
    levels = st.sampled_from([Level.BLOCKER, Level.BLOCKER, Level.WARNING])
    targets = draw(st.sampled_from([(), (), ("eu", "apac")]))
    about = st.sampled_from([(), ("eu",), ("apac",), ("eu", "apac")] if targets else [()])
    declared = tuple(
        Declaration(nodeid=it, level=draw(levels), tier=draw(tiers), targets=draw(about)) for it in expected
    )
    only = draw(st.sampled_from([(), ("eu",)])) if targets else ()
    outside = frozenset(it.nodeid for it in declared if only and it.targets and it.targets != only)
    found = {nodeid: result for nodeid, result in found.items() if nodeid not in outside}
    rarely = st.integers(0, 5).map(lambda number: number == 0)
    return RunFacts(
        expected=declared,
        selected=frozenset(expected) - outside - (draw(st.frozensets(names)) if draw(rarely) else frozenset()),
        results=found,
        lost=tuple(draw(st.lists(st.tuples(st.sampled_from(["", *NAMES]), st.just("died")), max_size=1)))
        if draw(rarely)
        else (),
        collection_errors=(("x.py", "SyntaxError"),) if draw(rarely) else (),
        interrupted="Ctrl-C" if draw(rarely) else "",
        narrowed=("--lf",) if draw(rarely) else (),
        scope=draw(st.sampled_from([None, None, "smoke", " "])),
        strict=draw(st.booleans()),
        signoff_asked=draw(st.booleans()),
        deployment_finished_at=draw(st.sampled_from([None, NOW - 3600, NOW - 1, NOW + 1])),
        targets=targets,
        only=only,
        outside=outside,
    )


@st.composite
def waiver_files(draw: st.DrawFn) -> Waivers:
    checks = draw(st.lists(names, unique=True, max_size=3))
    return Waivers(
        entries=tuple(
            Waiver(
                check=check,
                reason="r",
                owner="o",
                ticket="t",
                expires=draw(st.sampled_from([NOW - 1, NOW, NOW + 1])),
                expires_text="d",
            )
            for check in checks
        )
    )


def in_force(waivers: Waivers) -> set[str]:
    return {waiver.check for waiver in waivers.entries if waiver.expires > NOW}


@given(runs(), waiver_files(), st.randoms(use_true_random=False))
def test_the_order_of_results_and_of_the_manifest_does_not_matter(
    facts: RunFacts, waivers: Waivers, order: random.Random
) -> None:
    shuffled = list(facts.results.items())
    order.shuffle(shuffled)
    expected = list(facts.expected)
    order.shuffle(expected)
    mixed = replace(facts, results=dict(shuffled), expected=tuple(expected))
    assert decide(mixed, waivers, clock_now=NOW) == decide(facts, waivers, clock_now=NOW)


@given(runs(), waiver_files())
def test_one_more_failed_blocker_is_always_no_go(facts: RunFacts, waivers: Waivers) -> None:
    more = replace(
        facts,
        expected=(*facts.expected, Declaration(nodeid="t::bad", level=Level.BLOCKER)),
        selected=facts.selected | {"t::bad"},
        results={**facts.results, "t::bad": CheckResult(nodeid="t::bad", outcome=Outcome.FAILED, summary="bad")},
    )
    assert decide(more, waivers, clock_now=NOW).verdict is Verdict.NO_GO


@given(runs(), waiver_files(), st.data())
def test_taking_a_result_away_never_makes_a_run_go(facts: RunFacts, waivers: Waivers, data: st.DataObject) -> None:
    # Only a report of what nobody collected, or of a dead worker, can vanish without a trace: the rest is expected.
    declared = {it.nodeid for it in facts.expected}
    known = sorted(it for it, result in facts.results.items() if it in declared and result.phase != "lost")
    assume(known)
    gone = data.draw(st.sampled_from(known))
    less = replace(facts, results={nodeid: result for nodeid, result in facts.results.items() if nodeid != gone})
    if decide(facts, waivers, clock_now=NOW).verdict is not Verdict.GO:
        assert decide(less, waivers, clock_now=NOW).verdict is not Verdict.GO


@settings(max_examples=300)
@given(runs(), waiver_files())
def test_go_means_that_everything_that_counts_passed_or_is_waived(facts: RunFacts, waivers: Waivers) -> None:
    decision = decide(facts, waivers, clock_now=NOW)
    event(decision.verdict.value)
    if decision.verdict is not Verdict.GO:
        return
    # `-m blocker` is a normal scope even where warnings gate: it leaves warnings out
    gating = [
        it
        for it in facts.expected
        if it.level is Level.BLOCKER or (facts.strict and (it.nodeid in facts.selected or it.nodeid in facts.results))
    ]
    for declaration in gating:
        if declaration.nodeid in facts.selected:
            result = facts.results[declaration.nodeid]
            assert result.outcome is Outcome.PASSED or declaration.nodeid in in_force(waivers)
        else:
            assert (facts.scope or "").strip() or declaration.nodeid in facts.outside
    blockers = {it.nodeid for it in facts.expected if it.level is Level.BLOCKER} | (
        set(facts.results) - {it.nodeid for it in facts.expected}
    )
    assert any(facts.results[it].outcome is Outcome.PASSED for it in blockers if it in facts.results)
    assert not facts.lost
    assert not facts.collection_errors
    assert not facts.interrupted
    assert not facts.narrowed or (facts.scope or "").strip()


@settings(max_examples=300)
@given(runs(), waiver_files())
def test_go_names_every_target_that_was_not_measured(facts: RunFacts, waivers: Waivers) -> None:
    decision = decide(facts, waivers, clock_now=NOW)
    if decision.verdict is not Verdict.GO:
        return
    event(f"{len(facts.targets)} targets, {len(facts.only)} chosen")
    passed = {nodeid for nodeid, result in facts.results.items() if result.outcome is Outcome.PASSED}
    measured = {
        name for it in facts.expected if it.nodeid in passed and it.level is Level.BLOCKER for name in it.targets
    }
    for name in facts.targets:
        if name not in measured or (facts.only and name not in facts.only):
            assert name in decision.line.partition("not looked at: ")[2]
    assert (decision.declared is None) == (not facts.only and not (facts.scope or "").strip())
    assert ("for target" in decision.line) == bool(facts.only)


@given(runs(), waiver_files())
def test_a_deselected_blocker_without_scope_is_never_go(facts: RunFacts, waivers: Waivers) -> None:
    more = replace(facts, expected=(*facts.expected, Declaration(nodeid="t::off", level=Level.BLOCKER)), scope=None)
    assert decide(more, waivers, clock_now=NOW).verdict is not Verdict.GO


@given(runs(), waiver_files())
def test_verdict_exit_code_and_recommendation_agree(facts: RunFacts, waivers: Waivers) -> None:
    decision = decide(facts, waivers, clock_now=NOW)
    assert decision.exit_code == EXIT_CODES[decision.verdict] == {"GO": 0, "NO-GO": 1, "HOLD": 6}[decision.verdict]
    assert (decision.recommendation is Recommendation.PROMOTE) == (decision.verdict is Verdict.GO)
    if decision.recommendation is Recommendation.ROLLBACK:
        assert decision.verdict is Verdict.NO_GO
    standing = [reason for reason in decision.reasons if not reason.waived]
    assert bool(standing) == (decision.verdict is not Verdict.GO)
    assert (decision.verdict is Verdict.NO_GO) == any(reason.outcome is Outcome.FAILED for reason in standing)


@given(runs(), waiver_files())
def test_waivers_change_no_result(facts: RunFacts, waivers: Waivers) -> None:
    before = dict(facts.results)
    decision = decide(facts, waivers, clock_now=NOW)
    assert facts.results == before
    plain = decide(facts, Waivers(), clock_now=NOW)
    touched = {nodeid for nodeid, _ in facts.lost} | {it for it in before if before[it].phase == "lost"}
    if not touched and facts.selected >= {it.nodeid for it in facts.expected}:
        assert decision.counts == plain.counts
    assert {use.waiver for use in decision.waivers} == set(waivers.entries)


@given(runs(), waiver_files())
def test_without_waivers_a_run_is_never_better(facts: RunFacts, waivers: Waivers) -> None:
    if decide(facts, Waivers(), clock_now=NOW).verdict is Verdict.GO:
        assert decide(facts, waivers, clock_now=NOW).verdict is Verdict.GO
