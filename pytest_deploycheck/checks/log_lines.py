"""What every judgement of a log begins and ends with: whether there is anything to judge, and how lines are shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_deploycheck.checks.asked import Asked, Judgement
from pytest_deploycheck.checks.wording import count, head, moment, names

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_deploycheck.model.finding import Finding
    from pytest_deploycheck.model.logs import LogSummary, Offender

COVERED = 0.9
"""The share of lines that must have a level (or a time) before levels (or times) are judged."""
LINE_COLUMNS = ("where", "it reads", "problem")
_EXCERPT = 120


def begun(summary: LogSummary, asked: Asked, expected: str, columns: Sequence[str] = ()) -> Judgement:
    """Return a judgement that already knows whether there is anything to judge."""
    judgement = Judgement(asked, expected, tuple(columns))
    if summary.lines == 0:
        window = " within the window" if summary.since is not None else ""
        before = ""
        if summary.skipped:
            last = summary.skipped_last
            newest = "none of them with a time" if last is None else f"the newest of {moment(last)}"
            before = f"; {count(summary.skipped, 'line')} before it, {newest}"
        judgement.doubtful(f"no data: no line{window}{before}")
    return judgement


def done(judgement: Judgement, summary: LogSummary, good: str) -> Finding:
    """Return the finding, with the time of the newest line; `good` as for `Judgement.finding`."""
    judgement.note(("", text, "") for text in summary.notes if judgement.columns == LINE_COLUMNS)
    age = None if summary.last is None else max(0.0, summary.read_at - summary.last)
    return judgement.finding(good, sample_time=summary.last, age=age)


def rows(offenders: Sequence[Offender]) -> list[tuple[str, str, str]]:
    """Return lines as rows under `LINE_COLUMNS`."""
    return [(f"line {one.line:,}", head(one.excerpt, _EXCERPT), one.reason) for one in offenders]


def levelled(judgement: Judgement, summary: LogSummary) -> bool:
    """Note as doubtful if too few lines have a level; return whether levels can be judged."""
    if summary.lines == 0:
        return False
    if summary.levelled == 0:
        told = f", others are written {names(summary.strange_levels)}" if summary.strange_levels else ""
        judgement.doubtful(f"no data: none of {count(summary.lines, 'line')} has a recognised level{told}")
        return False
    if summary.levelled < COVERED * summary.parsed:
        told = f" ({names(summary.strange_levels)})" if summary.strange_levels else ""
        judgement.doubtful(
            f"{summary.parsed - summary.levelled:,} of {count(summary.parsed, 'parsed line')} "
            f"have no recognised level{told}"
        )
    return True


def timed(judgement: Judgement, summary: LogSummary) -> bool:
    """Note as doubtful if too few lines have a time; return whether times can be judged."""
    if summary.lines == 0:
        return False
    if summary.timed <= 0 or (summary.first is None and not summary.outside):
        judgement.doubtful(f"no data: none of {count(summary.lines, 'line')} has a time that can be read")
        return False
    if summary.timed < COVERED * summary.parsed:
        judgement.doubtful(
            f"{summary.timeless:,} of {count(summary.parsed, 'parsed line')} have no time that can be read"
        )
    return True
