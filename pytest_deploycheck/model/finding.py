"""What a judgement found, in the order in which a person reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from pytest_deploycheck.model.outcome import Outcome

if TYPE_CHECKING:
    from pytest_deploycheck.model.measure import Measure


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """The result of one judgement.

    Attributes:
        outcome: PASSED, FAILED or INCONCLUSIVE.
        asked: what was asked, in the system's own words (a PromQL expression, a method and path).
        system: of whom it was asked, as `name URL`.
        expected: what had to hold, in one line.
        observed: what was seen instead, in one line.
        columns: the heads of the table of offenders.
        rows: the offenders, worst first; each as long as `columns`.
        omitted: how many offenders are not in `rows`.
        sample_time: when the newest sample that was judged was taken, in Unix seconds; None if there is no such time.
        age: how old it was when it was judged, in seconds, on the measured system's own clock.
        evidence: ids of the exchanges that were judged.
        next_steps: where to look next: links or commands.
        measures: the numbers it was about, good or bad: what a later run can compare.
    """

    outcome: Outcome
    asked: str
    system: str
    expected: str
    observed: str
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    omitted: int = 0
    sample_time: float | None = None
    age: float | None = None
    evidence: tuple[str, ...] = ()
    next_steps: tuple[str, ...] = msgspec.field(default=())
    measures: tuple[Measure, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether what was expected was measured."""
        return self.outcome is Outcome.PASSED
