"""From an answer to an `assert`: a judgement that is true, false, or refuses to be either."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from pytest_deploycheck.checks.asked import Asked
from pytest_deploycheck.errors import AuthorMistake, NoData, NotEnoughData
from pytest_deploycheck.model.outcome import Outcome
from pytest_deploycheck.report.failure import headline, lines

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence

    from pytest_deploycheck.face.ledger import Ledger
    from pytest_deploycheck.model.finding import Finding

__tracebackhide__ = True

T = TypeVar("T")

_ROWS_IN_ASSERT = 4


class Judged:
    """What a comparison of an answer gives: true if what was expected was measured.

    Attributes:
        finding: what was asked, expected and observed.
    """

    __slots__ = ("_ledger", "finding")

    def __init__(self, finding: Finding, ledger: Ledger) -> None:
        """Note that somebody has to look at it."""
        self.finding = finding
        self._ledger = ledger
        ledger.opened(self, headline(finding))

    def __bool__(self) -> bool:
        self._ledger.closed(self)
        if not self.finding.passed and self.finding not in self._ledger.bad:
            self._ledger.bad.append(self.finding)
        return self.finding.passed

    def __repr__(self) -> str:
        return f"<{self.finding.outcome.upper()}: {headline(self.finding)}>"


def judge(finding: Finding, ledger: Ledger, *answers: object) -> Judged:
    """Close the answers and return the judgement on them.

    Raises:
        NoData: if there was nothing to judge.
        NotEnoughData: if what there was does not tell good from bad.
    """
    for answer in answers:
        ledger.closed(answer)
    ledger.measures += finding.measures
    if finding.outcome is Outcome.INCONCLUSIVE:
        kind = NoData if finding.observed.startswith("no data") else NotEnoughData
        raise kind(
            headline(finding),
            details=[line for line in lines(finding) if not line.startswith(("asked:", "evidence:", "next:"))],
            evidence=", ".join(finding.evidence),
            next_step="; ".join(finding.next_steps),
        )
    return Judged(finding, ledger)


class System:
    """Base of the systems' faces: who is asked, and what was observed while asking.

    Args:
        name: such as `prometheus`.
        url: its address, as people open it.
        ledger: of the check that runs.
        observed: grows by the id of every exchange.
    """

    def __init__(self, name: str, url: str, ledger: Ledger, observed: list[str]) -> None:
        """Keep the parts."""
        self._name = name
        self._url = url.rstrip("/")
        self._ledger = ledger
        self._observed = observed

    @contextmanager
    def _asking(self, asked: str, *next_steps: str, looks_back: bool = False) -> Generator[list[Asked], None, None]:
        """Gather the evidence of everything that is asked inside; the list then holds the question.

        Unless it looks back over a window, the answer tells of this moment only.
        """
        before = len(self._observed)
        box: list[Asked] = []
        outside, self._ledger.looking_back = self._ledger.looking_back, looks_back
        try:
            self._ledger.asked()
            yield box
        finally:
            self._ledger.looking_back = outside
        evidence = tuple(self._observed[before:])
        box.append(Asked(asked, f"{self._name} {self._url}", evidence, next_steps))

    def __repr__(self) -> str:
        return f"<{self._name} {self._url}>"


class Answer:
    """Base of answers: noted as unjudged until somebody compares or reads them.

    Args:
        ledger: of the check that runs.
        asked: the question.
    """

    def __init__(self, ledger: Ledger, asked: Asked) -> None:
        """Note that somebody has to look at it."""
        self._ledger = ledger
        self._asked = asked
        self._last: Finding | None = None
        ledger.opened(self, asked.asked)

    @property
    def evidence(self) -> tuple[str, ...]:
        """Ids of the exchanges behind it."""
        return self._asked.evidence

    @property
    def question(self) -> Asked:
        """What was asked, of whom."""
        return self._asked

    def _judge(self, finding: Finding) -> Judged:
        self._last = finding
        return judge(finding, self._ledger, self)

    def _read(self) -> None:
        self._ledger.closed(self)

    def _each(self, found: Sequence[T], noun: str) -> Iterator[T]:
        """Return the parts of the answer, to be gone through.

        Raises:
            NoData: if there is none: `all(…)` over nothing would be true.
        """
        self._read()
        if not found:
            raise NoData(
                f"{self._asked.asked}: no data: there is no {noun}",
                where=self._asked.system,
                evidence=", ".join(self.evidence),
                next_step="; ".join((*self._asked.next_steps, "`len()` tells how many there are")),
            )
        return iter(found)

    def deploycheck_explain(self, op: str, other: object) -> list[str]:
        """Return how a failed comparison reads under `assert` (pytest cuts it; the section below has it all)."""
        del op, other
        if self._last is None or self._last.passed:
            return []
        finding = self._last
        rows = ["  " + "  ".join(row) for row in finding.rows[:_ROWS_IN_ASSERT]]
        hidden = len(finding.rows) - len(rows) + finding.omitted
        more = [f"  … and {hidden} more"] if hidden > 0 and rows else []
        return [headline(finding), *rows, *more]

    def __bool__(self) -> bool:
        raise AuthorMistake(
            f"{self._asked.asked}: an answer is neither true nor false by itself",
            next_step="compare it: `assert prometheus(expr) < 0.01`, or call one of its judgements such as `.none()`",
        )

    def __repr__(self) -> str:
        return f"<{self._asked.asked} of {self._asked.system}>"


def seconds_of(value: Any, what: str) -> float:
    """Return a duration in seconds, from a number, a `timedelta` or a text such as `10m`.

    Raises:
        AuthorMistake: if it is none of these.
    """
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, str):
        from pytest_deploycheck.settings.values import parse_duration

        try:
            return parse_duration(value).total_seconds()
        except ValueError as error:
            raise AuthorMistake(f"{what}: {error}") from None
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    raise AuthorMistake(
        f"{what} is {value!r}", next_step='give seconds as a number, a timedelta, or a text such as "10m"'
    )
