"""What one reading of a log found: numbers that compare, and judgements."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from pytest_deploycheck.checks import log_ids, log_times
from pytest_deploycheck.checks import logs as log_checks
from pytest_deploycheck.errors import AuthorMistake
from pytest_deploycheck.face.judged import Answer, Judged, judge, seconds_of
from pytest_deploycheck.face.vectors import Comparable, number_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from pytest_deploycheck.checks.asked import Asked
    from pytest_deploycheck.checks.comparison import Operator
    from pytest_deploycheck.checks.logs import Known
    from pytest_deploycheck.clock import Clock
    from pytest_deploycheck.face.ledger import Ledger
    from pytest_deploycheck.model.finding import Finding
    from pytest_deploycheck.model.logs import LogSummary

__tracebackhide__ = True


class Number(Comparable):
    """A number of a report, which compares with one.

    Args:
        ledger: of the check that runs.
        asked: the question.
        finding: from (operator, bound) to the judgement.
        report: is judged with it.
    """

    def __init__(
        self, ledger: Ledger, asked: Asked, finding: Callable[[Operator, float], Finding], report: LogReport
    ) -> None:
        """Note that somebody has to look at it."""
        super().__init__(ledger, asked)
        self._finding = finding
        self._report = report

    def _compare(self, op: Operator, bound: Any) -> Judged:
        self._report._read()  # noqa: SLF001 - its own report
        return self._judge(self._finding(op, number_of(bound)))


class LogReport(Answer):
    """What one reading of a log found.

    Attributes:
        summary: all of it, as plain data.
    """

    def __init__(self, summary: LogSummary, ledger: Ledger, asked: Asked, clock: Clock) -> None:
        """Note that somebody has to look at it."""
        super().__init__(ledger, asked)
        self.summary = summary
        self._today = datetime.fromtimestamp(clock.now(), UTC).date()

    def _number(self, what: str, finding: Callable[[Operator, float, Asked], Finding]) -> Number:
        self._read()
        asked = type(self._asked)(
            f"{what} of {self._asked.asked}", self._asked.system, self._asked.evidence, self._asked.next_steps
        )
        return Number(self._ledger, asked, lambda op, bound: finding(op, bound, asked), self)

    # --- numbers ------------------------------------------------------------------------------------------------------

    @property
    def lines(self) -> Number:
        """Lines within the window, blank ones not counted."""
        return self._number("lines", partial(log_checks.lines, self.summary))

    @property
    def parsed(self) -> Number:
        """Lines that are a JSON object."""
        return self._number(
            "parsed lines", lambda op, bound, asked: log_checks.lines(self.summary, op, bound, asked, parsed=True)
        )

    @property
    def invalid(self) -> Number:
        """Lines that are no JSON object, or do not match the schema."""
        return self._number(
            "invalid lines", lambda op, bound, asked: log_checks.invalid(self.summary, op, bound, asked)
        )

    @property
    def invalid_ratio(self) -> Number:
        """Their share of all lines."""
        return self._number(
            "share of invalid lines",
            lambda op, bound, asked: log_checks.invalid(self.summary, op, bound, asked, ratio=True),
        )

    def rate(self, level: str, *, known: Sequence[Known] = ()) -> Number:
        """The share of lines at a level or above it, of all lines with a level.

        Args:
            level: `TRACE`, `DEBUG`, `INFO`, `WARN`, `ERROR` or `FATAL`.
            known: errors that are not counted, each until its expiry.
        """
        return self._number(
            f"{level} rate",
            lambda op, bound, asked: log_checks.rate(
                self.summary, level, op, bound, asked, known=known, today=self._today
            ),
        )

    def per_minute(self, level: str = "ERROR") -> Number:
        """Lines at a level or above it in a minute; a comparison speaks of every minute."""
        return self._number(
            f"{level} per minute",
            lambda op, bound, asked: log_checks.per_minute(self.summary, level, op, bound, asked),
        )

    @property
    def age(self) -> Number:
        """Seconds since the newest line was written, on the runner's clock."""
        return self._number(
            "age of the newest line", lambda op, bound, asked: log_times.age(self.summary, op, bound, asked)
        )

    @property
    def gap(self) -> Number:
        """The longest time without a line, in seconds, the time since the last one included."""
        return self._number("longest gap", partial(log_times.gap, self.summary))

    # --- judgements ---------------------------------------------------------------------------------------------------

    def only_levels(self, *allowed: str) -> Judged:
        """Judge that only these levels are logged, and every level is one that is known."""
        return self._judge(log_checks.levels(self.summary, allowed, self._asked))

    def alive(self, max_age: object = "1m", *, services: Collection[str] = (), at_least: int | None = None) -> Judged:
        """Judge that every service (instance, pod) that logs here has logged lately.

        Args:
            max_age: seconds, a `timedelta`, or a text such as `1m`.
            services: names that must be among them.
            at_least: how many there must be, whatever their names are.
        """
        age = seconds_of(max_age, "max_age")
        return self._judge(log_times.alive(self.summary, age, self._asked, services=services, at_least=at_least))

    def ordered(self) -> Judged:
        """Judge that no line is older than one before it, by more than the source's tolerance."""
        return self._judge(log_times.ordered(self.summary, self._asked))

    def in_window(self) -> Judged:
        """Judge that no line claims a time before the window, or in the future."""
        return self._judge(log_times.in_window(self.summary, self._asked))

    def carries(self, kind: str, share: float = 1.0) -> Judged:
        """Judge that lines carry a well-formed id.

        Args:
            kind: `trace` or `correlation`.
            share: of the lines that must carry one.
        """
        return self._judge(log_ids.carries(self.summary, kind, share, self._asked))

    def shares(self, kind: str, at_least: int = 1) -> Judged:
        """Judge that ids turn up in the lines of several services: that they are passed on."""
        return self._judge(log_ids.shared(self.summary, kind, at_least, self._asked))

    def no_errors(self, *, known: Sequence[Known] = ()) -> Judged:
        """Judge that no error is logged but those that are known, each until its expiry."""
        return self._judge(log_checks.errors(self.summary, self._asked, known=known, today=self._today))

    def no_new_errors(self, before: LogReport, *, known: Sequence[Known] = ()) -> Judged:
        """Judge that every error was logged before the deployment as well, or is known.

        Args:
            before: the report of the log before it (`logs(name).before_deployment()`).
            known: errors that may be new, each until its expiry.
        """
        finding = log_checks.errors(self.summary, self._asked, known=known, today=self._today, before=before.summary)
        self._last = finding
        return judge(finding, self._ledger, self, before)

    # --- reading ------------------------------------------------------------------------------------------------------

    @property
    def levels(self) -> Mapping[str, int]:
        """Normalised level → lines."""
        self._read()
        return self.summary.levels

    @property
    def signatures(self) -> tuple[str, ...]:
        """The templates of the errors' messages, the most frequent first."""
        self._read()
        return tuple(one.template for one in self.summary.signatures)

    def __iter__(self) -> Iterator[str]:
        """Refuse: the log itself is not kept."""
        raise AuthorMistake(
            f"{self._asked.asked}: a report has no lines to go through",
            next_step="judge its numbers; `summary.offenders` has the first lines that are not what they should be",
        )
