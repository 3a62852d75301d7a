"""What every judgement is given besides the answer, and how its parts become one finding."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from pytest_deploycheck.model.finding import Finding
from pytest_deploycheck.model.measure import Measure, worst
from pytest_deploycheck.model.outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

SHOWN = 10
"""How many offenders a finding shows; the rest is counted."""


class Asked(msgspec.Struct, frozen=True):
    """The question behind an answer, as a finding repeats it.

    Attributes:
        asked: what was asked, in the system's own words (a PromQL expression, a method and path).
        system: of whom it was asked, as `name URL`.
        evidence: ids of the exchanges that are judged.
        next_steps: where to look next: links or commands.
    """

    asked: str
    system: str
    evidence: tuple[str, ...] = ()
    next_steps: tuple[str, ...] = ()


class Judgement(msgspec.Struct):
    """A finding in the making: what is bad outweighs what is doubtful, which outweighs what is good.

    Attributes:
        asked: the question.
        expected: what had to hold, in one line.
        columns: the heads of the table of offenders.
    """

    asked: Asked
    expected: str
    columns: tuple[str, ...] = ()
    _bad: list[str] = msgspec.field(default_factory=list)
    _doubtful: list[str] = msgspec.field(default_factory=list)
    _bad_rows: list[tuple[str, ...]] = msgspec.field(default_factory=list)
    _doubtful_rows: list[tuple[str, ...]] = msgspec.field(default_factory=list)
    _notes: list[tuple[str, ...]] = msgspec.field(default_factory=list)
    _omitted: int = 0
    _measures: list[Measure] = msgspec.field(default_factory=list)

    @property
    def outcome(self) -> Outcome:
        """What it comes to so far."""
        if self._bad:
            return Outcome.FAILED
        return Outcome.INCONCLUSIVE if self._doubtful else Outcome.PASSED

    def bad(self, remark: str, rows: Iterable[Sequence[str]] = (), *, omitted: int = 0) -> None:
        """Note something that was measured and is bad.

        Args:
            remark: one clause for the observed line.
            rows: the offenders, worst first.
            omitted: how many offenders are not among the rows.
        """
        self._bad.append(remark)
        self._bad_rows += [tuple(row) for row in rows]
        self._omitted += omitted

    def doubtful(self, remark: str, rows: Iterable[Sequence[str]] = (), *, omitted: int = 0) -> None:
        """Note something that does not tell good from bad; arguments as for `bad`."""
        self._doubtful.append(remark)
        self._doubtful_rows += [tuple(row) for row in rows]
        self._omitted += omitted

    def add_doubtful_rows(self, rows: Iterable[Sequence[str]], omitted: int = 0) -> None:
        """Add rows to what was called doubtful already."""
        self._doubtful_rows += [tuple(row) for row in rows]
        self._omitted += omitted

    def note(self, rows: Iterable[Sequence[str]]) -> None:
        """Add rows that are shown whatever the outcome is, after the offenders, and never cut."""
        self._notes += [tuple(row) for row in rows]

    def measured(self, name: str, values: Iterable[float], *, greatest: bool = True, unit: str = "") -> None:
        """Note the worst of the numbers that are judged, whatever the outcome is.

        Args:
            name: what it is, in words that do not change with the values.
            values: in base units; what is not finite is no number to compare.
            greatest: whether the greatest is the worst, or the least.
            unit: of the values.
        """
        self._measures += worst(name, values, greatest=greatest, unit=unit, of=self.asked.asked)

    def finding(self, good: str, *, sample_time: float | None = None, age: float | None = None) -> Finding:
        """Return the finding.

        Args:
            good: the observed line for the case that nothing bad or doubtful was noted.
            sample_time: of the newest sample, Unix seconds.
            age: of the newest sample, seconds.
        """
        offenders = self._bad_rows + self._doubtful_rows
        rows = (*offenders[:SHOWN], *self._notes)
        return Finding(
            outcome=self.outcome,
            asked=self.asked.asked,
            system=self.asked.system,
            expected=self.expected,
            observed="; ".join(self._bad + self._doubtful) or good,
            columns=self.columns if rows else (),
            rows=rows,
            omitted=self._omitted + max(0, len(offenders) - SHOWN),
            sample_time=sample_time,
            age=age,
            evidence=self.asked.evidence,
            next_steps=self.asked.next_steps,
            measures=tuple(self._measures),
        )
