"""Answers to queries: a comparison speaks of every series, and what is no data is no answer."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from pytest_deploycheck.checks import freshness, labels, thresholds
from pytest_deploycheck.checks.combining import combine
from pytest_deploycheck.errors import Ambiguous, AuthorMistake, NoData
from pytest_deploycheck.face.judged import Answer, Judged
from pytest_deploycheck.model.prometheus import format_labels

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pytest_deploycheck.checks.asked import Asked
    from pytest_deploycheck.checks.comparison import Operator
    from pytest_deploycheck.face.ledger import Ledger
    from pytest_deploycheck.model.prometheus import InstantVector, RangeVector, Series

__tracebackhide__ = True

_SHOWN = 5


class Comparable(Answer):
    """An answer that `<`, `<=`, `>`, `>=`, `==` and `!=` judge against a number."""

    def _compare(self, op: Operator, bound: Any) -> Judged:
        raise NotImplementedError

    def __lt__(self, bound: Any) -> Judged:
        return self._compare("<", bound)

    def __le__(self, bound: Any) -> Judged:
        return self._compare("<=", bound)

    def __gt__(self, bound: Any) -> Judged:
        return self._compare(">", bound)

    def __ge__(self, bound: Any) -> Judged:
        return self._compare(">=", bound)

    def __eq__(self, bound: object) -> Judged:  # type: ignore[override]
        return self._compare("==", bound)

    def __ne__(self, bound: object) -> Judged:  # type: ignore[override]
        return self._compare("!=", bound)

    __hash__ = None  # type: ignore[assignment]


def number_of(bound: object) -> float:
    """Return the number that an answer is compared with.

    Raises:
        AuthorMistake: if it is none.
    """
    if isinstance(bound, timedelta):
        return bound.total_seconds()
    if isinstance(bound, int | float) and not isinstance(bound, bool):
        return float(bound)
    raise AuthorMistake(f"an answer is compared with a number, not with {bound!r}")


class VectorAnswer(Comparable):
    """The answer to an instant query.

    Attributes:
        vector: what came.
    """

    def __init__(self, vector: InstantVector, ledger: Ledger, asked: Asked) -> None:
        """Note that somebody has to look at it."""
        super().__init__(ledger, asked)
        self.vector = vector

    def _compare(self, op: Operator, bound: Any) -> Judged:
        if isinstance(bound, VectorAnswer):
            bound._read()  # noqa: SLF001 - another answer
            return self._judge(thresholds.vectors(self.vector, bound.vector, op, self._asked))
        return self._judge(thresholds.compare(self.vector, op, number_of(bound), self._asked))

    def keeps(self, *bounds: tuple[Operator, float], series: int | None = None) -> Judged:
        """Judge several bounds at once.

        Args:
            bounds: (operator, number) pairs; every series must satisfy all.
            series: how many series there must be, exactly.
        """
        if not bounds:
            raise AuthorMistake("keeps() without a bound", next_step='give pairs such as ("<", 0.01)')
        found = [thresholds.compare(self.vector, op, bound, self._asked, series=series) for op, bound in bounds]
        return self._judge(combine(found))

    def between(self, minimum: float | None, maximum: float | None, *, series: int | None = None) -> Judged:
        """Judge that every series lies in a range, its ends included; None leaves an end open."""
        return self._judge(
            thresholds.value_range(self.vector, self._asked, minimum=minimum, maximum=maximum, series=series)
        )

    def labelled(self, required: Mapping[str, str]) -> Judged:
        """Judge that every series carries labels whose whole values match regular expressions."""
        return self._judge(labels.labels([one.labels for one in self.vector], self._asked, required=required))

    def traffic(self, minimum: float) -> Judged:
        """Judge that there is enough traffic to judge a ratio by; too little is inconclusive, never a failure."""
        return self._judge(thresholds.traffic_floor(self.vector, minimum, self._asked))

    def increased(self, at_least: float) -> Judged:
        """Judge that every series, each an increase, is at least so much; more than 0."""
        return self._judge(freshness.increase(self.vector, at_least, self._asked))

    def value(self) -> float:
        """Return the value of the one series there must be.

        Raises:
            NoData: if there is none, or it is NaN.
            Ambiguous: if there are several.
        """
        self._read()
        where = self._asked.system
        if len(self.vector) > 1:
            shown = [str(one) for _, one in zip(range(_SHOWN), self.vector, strict=False)]
            more = len(self.vector) - len(shown)
            raise Ambiguous(
                f"{self._asked.asked}: {len(self.vector)} series where exactly one was meant",
                where=where,
                details=[*shown, *([f"… and {more} more"] if more else [])],
                evidence=", ".join(self.evidence),
                next_step="aggregate (`sum(…)`), narrow the selector, or compare every series: `prometheus(…) < n`",
            )
        if not len(self.vector) or self.vector.values[0] != self.vector.values[0]:
            what = "NaN, which is no data" if len(self.vector) else "no data: the answer has no series"
            raise NoData(
                f"{self._asked.asked}: {what}",
                where=where,
                evidence=", ".join(self.evidence),
                next_step="; ".join(self._asked.next_steps),
            )
        return self.vector.values[0]

    def __iter__(self) -> Iterator[Series]:
        """Yield every series.

        Raises:
            NoData: if there is none: `all(…)` over nothing would be true.
        """
        self._read()
        self._require_series()
        return iter(self.vector)

    def __len__(self) -> int:
        """Return the number of series."""
        self._read()
        return len(self.vector)

    def __getitem__(self, wanted: Mapping[str, str]) -> float:
        """Return the value of the one series with these labels: `answer[{"route": "/a"}]`."""
        self._read()
        found = [one for one in self.vector if all(one.labels.get(key) == text for key, text in wanted.items())]
        if len(found) != 1:
            kind = Ambiguous if found else NoData
            raise kind(
                f"{self._asked.asked}: {len(found)} series with {format_labels(wanted)}, not one",
                where=self._asked.system,
                evidence=", ".join(self.evidence),
            )
        return found[0].last.value

    def _require_series(self) -> None:
        if not len(self.vector):
            raise NoData(
                f"{self._asked.asked}: no data: the answer has no series",
                where=self._asked.system,
                evidence=", ".join(self.evidence),
                next_step="; ".join(self._asked.next_steps),
            )


class AgeAnswer(VectorAnswer):
    """Ages in seconds of each series' newest sample; `<` speaks of the worst, and the future is not young."""

    def _compare(self, op: Operator, bound: Any) -> Judged:
        if op in ("<", "<="):
            return self._judge(freshness.ages(self.vector, number_of(bound), self._asked))
        return self._judge(thresholds.compare(self.vector, op, number_of(bound), self._asked, unit="s"))


class RangeAnswer(Comparable):
    """The answer to a range query: a comparison speaks of every point of every series within the window.

    Attributes:
        vector: what came.
    """

    def __init__(self, vector: RangeVector, ledger: Ledger, asked: Asked, *, step: float, coverage: float) -> None:
        """Note that somebody has to look at it."""
        super().__init__(ledger, asked)
        self.vector = vector
        self._step = step
        self._coverage = coverage

    def _compare(self, op: Operator, bound: Any) -> Judged:
        return self._judge(
            thresholds.compare_range(
                self.vector, op, number_of(bound), self._asked, step=self._step, coverage=self._coverage
            )
        )

    def keeps(self, *bounds: tuple[Operator, float], series: int | None = None) -> Judged:
        """Judge several bounds at once, each at every point.

        Args:
            bounds: (operator, number) pairs; every series must satisfy all.
            series: how many series there must be, exactly.
        """
        if not bounds:
            raise AuthorMistake("keeps() without a bound", next_step='give pairs such as ("<", 0.01)')
        found = [
            thresholds.compare_range(
                self.vector, op, bound, self._asked, step=self._step, coverage=self._coverage, series=series
            )
            for op, bound in bounds
        ]
        return self._judge(combine(found))

    def __iter__(self) -> Iterator[Series]:
        """Yield every series.

        Raises:
            NoData: if there is none.
        """
        self._read()
        if not len(self.vector):
            raise NoData(
                f"{self._asked.asked}: no data: the answer has no series",
                where=self._asked.system,
                evidence=", ".join(self.evidence),
            )
        return iter(self.vector)

    def __len__(self) -> int:
        """Return the number of series."""
        self._read()
        return len(self.vector)
