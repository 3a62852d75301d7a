"""What a run says of each cluster or region: GO speaks for those that blockers were about, and names the others."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from pytest_deploycheck.model.decision import Coverage, Reason, TargetStanding
from pytest_deploycheck.model.outcome import Level, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pytest_deploycheck.gate.standing import Standing
    from pytest_deploycheck.model.run import RunFacts


def coverage_of(rows: Iterable[Standing]) -> Coverage:
    """Return how many of the expected blockers were covered."""
    blockers = [row for row in rows if row.level is Level.BLOCKER]
    return Coverage(
        expected=len(blockers),
        out_of_scope=sum(row.out_of_scope for row in blockers),
        ran=sum(row.ran for row in blockers),
        passed=sum(row.outcome is Outcome.PASSED for row in blockers),
        waived=sum(row.waiver is not None for row in blockers),
    )


def target_standings(rows: Iterable[Standing], facts: RunFacts) -> tuple[TargetStanding, ...]:
    """Return how each target of the environment stands, in the configuration's order."""
    rows = tuple(rows)
    found = []
    for name in facts.targets:
        mine = _about(name, rows)
        found.append(
            TargetStanding(
                name=name,
                chosen=not facts.only or name in facts.only,
                coverage=coverage_of(mine),
                failed=sum(row.blocks and row.outcome is Outcome.FAILED for row in mine),
            )
        )
    return tuple(found)


def target_reasons(
    standings: tuple[TargetStanding, ...], rows: Iterable[Standing], facts: RunFacts
) -> Iterator[Reason]:
    """Yield what keeps a run from GO because of a target of which it says nothing.

    A run in which some blockers are about targets promises to have looked at each: one without a blocker was forgotten,
    and one whose blockers are all waived was not measured. A run that is about none of them says so in its verdict.
    """
    rows = tuple(rows)
    if not (facts.only or any(it.coverage.expected for it in standings)):
        return
    covered = ",".join(it.name for it in standings if it.chosen and it.coverage.expected)
    for it in standings:
        coverage, text = it.coverage, ""
        if not it.chosen:
            continue
        if not coverage.expected:
            rest = f"; --deploycheck-target {covered} looks at the others alone" if covered else ""
            text = f"no blocker is about target {it.name}: nothing was verified there{rest}"
        elif coverage.out_of_scope == coverage.expected:
            text = f"the declared scope leaves out all blockers of target {it.name}" if it.name in facts.only else ""
        elif not coverage.passed and not any(row.blocks for row in _about(it.name, rows)):
            text = f"no blocker of target {it.name} passed: all of them are waived"
        if text:
            yield Reason(nodeid="", outcome=Outcome.NOT_RUN, text=text)


def in_targets(nodeids: Iterable[str], rows: Iterable[Standing]) -> str:
    """Return in which targets some checks are, such as ` in apac` or ` (eu 2, apac 1)`; empty if in none."""
    by_name = {row.nodeid: row.declaration.targets for row in rows if row.declaration is not None}
    each = [by_name.get(nodeid, ()) for nodeid in nodeids]
    counts = Counter(targets[0] for targets in each if len(targets) == 1)
    if not counts:
        return ""
    if len(counts) == 1 and sum(counts.values()) == len(each):
        return f" in {next(iter(counts))}"
    return f" ({', '.join(f'{name} {count}' for name, count in counts.items())})"


def _about(name: str, rows: Iterable[Standing]) -> list[Standing]:
    return [row for row in rows if row.declaration is not None and name in row.declaration.targets]
