"""From the facts of a run to one verdict with reasons. The law is docs/verdict.md.

NO-GO if, and only if, a blocker that is not waived FAILED. GO only if every blocker in scope passed or is waived, at
least one passed, and nothing says that the run saw less than the suite. Everything else is HOLD.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from pytest_deploycheck.gate.recommend import recommend
from pytest_deploycheck.gate.standing import SEVERITY, Standing, declared_scope, standings
from pytest_deploycheck.gate.targets import coverage_of, in_targets, target_reasons, target_standings
from pytest_deploycheck.model.decision import Coverage, Decision, Reason, Waivers, WaiverUse, Warned
from pytest_deploycheck.model.duration import format_duration
from pytest_deploycheck.model.instant import rfc3339
from pytest_deploycheck.model.outcome import Level, Outcome, Verdict
from pytest_deploycheck.model.run import RunFacts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pytest_deploycheck.model.decision import Waiver
    from pytest_deploycheck.model.declaration import Tier, TierKind

__all__ = ["Decision", "Reason", "RunFacts", "Waivers", "decide"]

_CLOCKS = 60
"""Seconds by which the clocks of those who deploy and those who verify may differ."""

_TIERS: dict[TierKind, int] = {"immediate": 0, "after": 1, "investigate": 2}
"""Tier → how soon it asks for the release to be rolled back."""


def decide(facts: RunFacts, waivers: Waivers, *, clock_now: float) -> Decision:
    """Return the verdict of a run.

    Args:
        facts: what was expected and what became of it.
        waivers: all of the file, expired ones included.
        clock_now: Unix seconds: when the verdict is given.

    Returns:
        The decision. Whatever is missing or contradictory in the facts weighs against GO.
    """
    rows = standings(facts, waivers, now=clock_now)
    coverage = coverage_of(rows)
    targets = target_standings(rows, facts)
    tiers = {
        row.nodeid: (row.declaration.tier if row.declaration is not None else None) or facts.default_tier
        for row in rows
    }
    reasons = _sorted(
        [
            *_run_wide(facts, rows, coverage),
            *target_reasons(targets, rows, facts),
            *(
                Reason(nodeid=row.nodeid, outcome=row.outcome, text=_reason_text(row), waived=row.waiver is not None)
                for row in rows
                if row.gates and row.outcome is not Outcome.PASSED
            ),
        ],
        tiers,
    )
    standing_reasons = [reason for reason in reasons if not reason.waived]
    if any(row.blocks and row.outcome is Outcome.FAILED for row in rows):
        verdict = Verdict.NO_GO
    else:
        verdict = Verdict.HOLD if standing_reasons else Verdict.GO
    warned = tuple(
        Warned(nodeid=row.nodeid, outcome=row.outcome, text=row.text, waived=row.waiver is not None)
        for row in sorted(rows, key=lambda row: (row.waiver is not None, SEVERITY[row.outcome], row.nodeid))
        if row.level is Level.WARNING
        and not row.gates
        and row.outcome is not Outcome.PASSED
        and row.nodeid in facts.selected
    )
    uses = tuple(_use(waiver, rows, facts, clock_now) for waiver in waivers.entries)
    recommendation, recommendation_reasons = recommend(verdict, rows, facts, now=clock_now)
    return Decision(
        verdict=verdict,
        why=_why(verdict, standing_reasons, warned, coverage, rows),
        reasons=reasons,
        warned=warned,
        waivers=uses,
        out_of_scope=tuple(row.nodeid for row in rows if row.out_of_scope and row.level is Level.BLOCKER),
        counts=_counts(rows),
        coverage=coverage,
        recommendation=recommendation,
        recommendation_reasons=recommendation_reasons,
        notes=_notes(facts, rows, uses),
        scope=declared_scope(facts),
        only=facts.only,
        targets=targets,
    )


def _run_wide(facts: RunFacts, rows: tuple[Standing, ...], coverage: Coverage) -> Iterable[Reason]:
    """Yield the reasons that concern the run as a whole; none of them can be waived."""
    for where, text in facts.collection_errors:
        yield Reason(nodeid="", outcome=Outcome.ERROR, text=f"{where} could not be collected: {text}")
    for nodeid, why in facts.lost:
        if not nodeid:
            yield Reason(nodeid="", outcome=Outcome.NOT_RUN, text=f"a worker was lost: {why}")
    if facts.interrupted:
        yield Reason(nodeid="", outcome=Outcome.NOT_RUN, text=f"the run ended early: {facts.interrupted}")
    for text in (*_before_the_deployment(facts), *facts.unmeasured):
        yield Reason(nodeid="", outcome=Outcome.NOT_RUN, text=text)
    if facts.narrowed and declared_scope(facts) is None:
        text = f"the collection was narrowed by {', '.join(facts.narrowed)}, and no scope was declared"
        yield Reason(nodeid="", outcome=Outcome.NOT_RUN, text=text)
    if not any(row.level is Level.BLOCKER for row in rows):
        text = "no blocker was expected: the suite collected none"
        if facts.signoff_asked and not rows:
            text = "nothing was collected, although a sign-off was asked for"
        yield Reason(nodeid="", outcome=Outcome.NOT_RUN, text=text)
    elif not coverage.passed and not any(row.blocks and row.level is Level.BLOCKER for row in rows):
        # Blockers that did not pass are reasons by themselves; this is for what would look like none. Also when all are
        # waived: a waiver accepts one known defect, it is no measurement, and GO needs one.
        yield Reason(nodeid="", outcome=Outcome.NOT_RUN, text=_none_passed(coverage))


def _before_the_deployment(facts: RunFacts) -> Iterable[str]:
    """Yield how long before the deployment's finish it was measured, if it was."""
    if facts.began is None or facts.deployment_finished_at is None:
        return
    early = round(facts.deployment_finished_at - facts.began)
    if early > _CLOCKS:
        before = f"the run began {format_duration(early)} before the deployment's finish"
        yield f"{before} at {rfc3339(facts.deployment_finished_at)}: a wrong clock or time zone?"


def _none_passed(coverage: Coverage) -> str:
    """Return why there is nothing to say GO on."""
    in_scope = coverage.expected - coverage.out_of_scope
    if not in_scope:
        return f"no blocker passed: the declared scope leaves out all {coverage.expected}"
    if coverage.waived == in_scope:
        return f"no blocker passed: {'the only one is' if in_scope == 1 else f'all {in_scope} are'} waived"
    return "no blocker passed"


def _reason_text(row: Standing) -> str:
    """Return a reason's line; a warning among the reasons says why it is there."""
    return f"{row.text} (a warning; strict counts it)" if row.level is Level.WARNING else row.text


def _sorted(reasons: Iterable[Reason], tiers: Mapping[str, Tier]) -> tuple[Reason, ...]:
    """Return the reasons worst first: standing before waived, by outcome, those of the whole run first, by tier."""

    def key(it: Reason) -> tuple[bool, int, int, str, str]:
        tier = _TIERS[tiers[it.nodeid].kind] if it.nodeid else -1
        return it.waived, SEVERITY[it.outcome], tier, it.nodeid, it.text

    return tuple(sorted(reasons, key=key))


def _counts(rows: tuple[Standing, ...]) -> dict[str, dict[str, int]]:
    """Return the number of checks by level and outcome, zeros included; checks out of scope are not run."""
    counted = Counter((row.level, row.outcome) for row in rows)
    return {level.value: {outcome.value: counted[level, outcome] for outcome in Outcome} for level in Level}


def _use(waiver: Waiver, rows: tuple[Standing, ...], facts: RunFacts, now: float) -> WaiverUse:
    """Return what became of one waiver."""
    row = next((row for row in rows if row.nodeid == waiver.check), None)
    ticket = f"waiver {waiver.ticket} ({waiver.where})" if waiver.where else f"waiver {waiver.ticket}"
    if now >= waiver.expires:
        stands = f"the check is {row.outcome.value}" if row is not None else "there is no such check"
        text = f"{ticket} for {waiver.check} expired at {rfc3339(waiver.expires)} and does not apply; {stands}"
        return WaiverUse(waiver=waiver, state="expired", text=text)
    if row is None:
        narrowed = " (the collection was narrowed)" if facts.narrowed else ""
        text = f"{ticket} is unused: no check named {waiver.check} was collected{narrowed}"
        return WaiverUse(waiver=waiver, state="unused", text=text)
    if row.outcome is Outcome.PASSED:
        text = f"{ticket} is unused: {waiver.check} passed; remove it"
        return WaiverUse(waiver=waiver, state="unused", text=text)
    if row.out_of_scope:
        text = f"{ticket} is unused: {waiver.check} is out of the declared scope"
        return WaiverUse(waiver=waiver, state="unused", text=text)
    if row.unwaivable:
        text = (
            f"{ticket} does not apply to {waiver.check}: {row.unwaivable}, and a waiver accepts only a reported result"
        )
        return WaiverUse(waiver=waiver, state="refused", text=text)
    until = f"{waiver.check} is {row.outcome.value} and waived until {rfc3339(waiver.expires)}"
    text = f"{until} by {waiver.owner}, {waiver.ticket}: {waiver.reason}"
    return WaiverUse(waiver=waiver, state="applied", text=text)


def _notes(facts: RunFacts, rows: tuple[Standing, ...], uses: tuple[WaiverUse, ...]) -> tuple[str, ...]:
    """Return what a reader should know beside the reasons."""
    notes = [use.text for use in uses if use.state != "applied"]
    scope = declared_scope(facts)
    if scope and facts.narrowed:
        notes.append(f'the collection was narrowed by {", ".join(facts.narrowed)} under the declared scope "{scope}"')
    if skipped := sum(row.level is Level.WARNING and row.nodeid not in facts.selected for row in rows):
        notes.append(f"{_some(skipped, 'warning check')} deselected")
    if undeclared := [row.nodeid for row in rows if row.declaration is None]:
        notes.append(f"reported without having been collected, counted as blockers: {', '.join(undeclared)}")
    if flaky := sorted(nodeid for nodeid, result in facts.results.items() if result.flaky):
        notes.append(f"passed only after an earlier attempt had not: {', '.join(flaky)}")
    if facts.others_failed:
        others = _some(facts.others_failed, "other test")
        notes.append(f"{others} failed: no deployment check, no part of the verdict")
    return tuple(notes)


def _some(count: int, noun: str) -> str:
    """Return the number with the noun, such as `1 blocker` or `2 blockers`."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _why(
    verdict: Verdict,
    reasons: list[Reason],
    warned: tuple[Warned, ...],
    coverage: Coverage,
    rows: tuple[Standing, ...],
) -> str:
    """Return the verdict's reason in one sentence."""
    if verdict is Verdict.GO:
        return f"{coverage}; {_some(len(warned), 'warning')} did not pass" if warned else str(coverage)
    by_outcome = {outcome: [it for it in reasons if it.nodeid and it.outcome is outcome] for outcome in Outcome}
    if verdict is Verdict.NO_GO:
        failed = by_outcome[Outcome.FAILED]
        more = f" and {len(failed) - 1} more" if len(failed) > 1 else ""
        targets = in_targets((it.nodeid for it in failed), rows)
        return f"{_some(len(failed), 'blocker')} failed{targets}: {failed[0].nodeid}{more}"
    words = {
        Outcome.ERROR: "could not be measured",
        Outcome.INCONCLUSIVE: "inconclusive",
        Outcome.NOT_RUN: "did not run",
    }
    run_wide = [it.text for it in reasons if not it.nodeid]
    parts = [
        f"{_some(len(found), 'blocker')} {text}{in_targets((it.nodeid for it in found), rows)}"
        for outcome, text in words.items()
        if (found := by_outcome[outcome])
    ]
    return f"no blocker failed, but {'; '.join([*parts, *run_wide])}"
