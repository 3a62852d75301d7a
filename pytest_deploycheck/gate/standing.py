"""How each check stands when the run is over: one row a check, whatever became of it.

The rules are those of docs/verdict.md: absence is never success, so a check without a result still has a standing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from pytest_deploycheck.model.outcome import Level, Outcome

if TYPE_CHECKING:
    from pytest_deploycheck.model.decision import Waiver, Waivers
    from pytest_deploycheck.model.declaration import Declaration
    from pytest_deploycheck.model.run import RunFacts

SEVERITY: Final = {
    Outcome.FAILED: 0,
    Outcome.ERROR: 1,
    Outcome.INCONCLUSIVE: 2,
    Outcome.NOT_RUN: 3,
    Outcome.PASSED: 4,
}
"""Worst first."""

_NO_SUMMARY: Final = {
    Outcome.FAILED: "failed, and gave no reason",
    Outcome.ERROR: "could not measure, and gave no reason",
    Outcome.INCONCLUSIVE: "not enough to tell, and gave no reason",
    Outcome.NOT_RUN: "did not run, and gave no reason",
    Outcome.PASSED: "",
}


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """One check at the end of a run.

    Attributes:
        nodeid: pytest's name of it.
        declaration: None if the check was reported or lost without having been collected.
        level: BLOCKER too for what is lost or undeclared.
        outcome: what counts; NOT_RUN if there is no result.
        text: one line: why; empty for a pass.
        gates: whether it takes part in the verdict.
        ran: whether it reported a result that counts.
        out_of_scope: deselected under a declared scope, or about a target that the run is not about.
        unwaivable: why no waiver can apply; empty if one could.
        waiver: the waiver that applies, if any.
    """

    nodeid: str
    declaration: Declaration | None
    level: Level
    outcome: Outcome
    text: str
    gates: bool
    ran: bool
    out_of_scope: bool = False
    unwaivable: str = ""
    waiver: Waiver | None = None

    @property
    def blocks(self) -> bool:
        """Whether it keeps the run from GO."""
        return self.gates and self.outcome is not Outcome.PASSED and self.waiver is None


def declared_scope(facts: RunFacts) -> str | None:
    """Return the declared scope; a blank one declares nothing."""
    return (facts.scope or "").strip() or None


def standings(facts: RunFacts, waivers: Waivers, *, now: float) -> tuple[Standing, ...]:
    """Return how every check stands: expected, reported without having been expected, or lost.

    Args:
        facts: of the run.
        waivers: those in force and those that are not.
        now: Unix seconds, to tell expired waivers.

    Returns:
        One standing a node id, sorted by node id, so that the order of results never shows.
    """
    declarations: dict[str, Declaration] = {}
    for declaration in facts.expected:
        known = declarations.get(declaration.nodeid)
        # The same node id collected twice (--keep-duplicates): the stricter declaration counts.
        if known is None or (known.level is Level.WARNING and declaration.level is Level.BLOCKER):
            declarations[declaration.nodeid] = declaration
    lost: dict[str, str] = {}
    for nodeid, why in sorted(facts.lost):
        if nodeid:
            lost[nodeid] = f"{lost[nodeid]}; {why}" if nodeid in lost else why
    lost |= {
        nodeid: result.summary or "its worker died"
        for nodeid, result in facts.results.items()
        if result.phase == "lost" and nodeid not in lost
    }
    in_force = {waiver.check: waiver for waiver in waivers.entries if now < waiver.expires}
    return tuple(
        _standing(nodeid, declarations.get(nodeid), lost.get(nodeid), facts, in_force.get(nodeid))
        for nodeid in sorted({*declarations, *facts.results, *lost})
    )


def _standing(
    nodeid: str, declaration: Declaration | None, lost: str | None, facts: RunFacts, waiver: Waiver | None
) -> Standing:
    """Return how one check stands.

    A blocker's measured failure is kept whatever happened to it besides: a worker that died afterwards, or a
    deselection that evidently did not take effect, must not turn NO-GO into HOLD. A waived failure is not kept: the
    waiver would otherwise cover the loss as well.
    """
    result = facts.results.get(nodeid)
    blocker = declaration is None or declaration.level is Level.BLOCKER
    failed = blocker and waiver is None and result is not None and result.outcome is Outcome.FAILED
    deselected = declaration is not None and nodeid not in facts.selected
    out_of_scope = False
    unwaivable = ""
    if lost is not None and not failed:
        outcome, text, ran = Outcome.NOT_RUN, f"lost: {lost}", False
        unwaivable = "it was lost with its worker"
    elif deselected and not failed:
        outcome, text, ran = (
            Outcome.NOT_RUN,
            f"deselected by {facts.deselected_by.get(nodeid, 'an unknown cause')}",
            False,
        )
        out_of_scope = declared_scope(facts) is not None or nodeid in facts.outside
        unwaivable = "it was deselected"
    elif result is None:
        outcome, text, ran = Outcome.NOT_RUN, "was selected, but no result was reported", False
        unwaivable = "it reported no result"
    else:
        outcome, text = result.outcome, " ".join(result.summary.split()) or _NO_SUMMARY[result.outcome]
        ran = outcome is not Outcome.NOT_RUN
        if outcome is Outcome.PASSED:
            text = ""
        elif lost is not None:
            text = f"{text}; afterwards lost: {lost}"
    level = Level.BLOCKER if blocker or lost is not None else Level.WARNING
    return Standing(
        nodeid=nodeid,
        declaration=declaration,
        level=level,
        outcome=outcome,
        text=text,
        # With strict a warning gates as a blocker does, but `-m blocker` is still a normal scope that leaves it out.
        gates=(level is Level.BLOCKER or (facts.strict and not deselected)) and not out_of_scope,
        ran=ran,
        out_of_scope=out_of_scope,
        unwaivable=unwaivable,
        waiver=waiver if not unwaivable and outcome is not Outcome.PASSED else None,
    )
