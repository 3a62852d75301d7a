"""Times of logs: how old the newest line is, who has fallen silent, gaps, order, and times that cannot be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_deploycheck.checks.comparison import holds, require_comparison, require_number
from pytest_deploycheck.checks.log_lines import LINE_COLUMNS, begun, done, rows, timed
from pytest_deploycheck.checks.wording import count, moment, seconds, share
from pytest_deploycheck.errors import AuthorMistake

if TYPE_CHECKING:
    from collections.abc import Collection

    from pytest_deploycheck.checks.asked import Asked
    from pytest_deploycheck.checks.comparison import Operator
    from pytest_deploycheck.model.finding import Finding
    from pytest_deploycheck.model.logs import LogSummary


def age(summary: LogSummary, op: Operator, bound: float, asked: Asked) -> Finding:
    """Judge how old the newest line is, in seconds on the runner's clock.

    Raises:
        AuthorMistake: if the bound is no number.
    """
    require_comparison(op, bound)
    judgement = begun(summary, asked, f"age of the newest line {op} {seconds(bound)}")
    if not timed(judgement, summary):
        return done(judgement, summary, "")
    if summary.last is None:
        judgement.doubtful("no data: no line has a time within the window")
        return done(judgement, summary, "")
    value = max(0.0, summary.read_at - summary.last)
    told = f"the newest line is {seconds(value, bound)} old ({moment(summary.last)})"
    if not holds(value, op, bound):
        judgement.bad(told)
    return done(judgement, summary, told)


def alive(
    summary: LogSummary, max_age: float, asked: Asked, *, services: Collection[str] = (), at_least: int | None = None
) -> Finding:
    """Judge whether every service that logs here has logged lately.

    Args:
        summary: of the log.
        max_age: seconds.
        asked: the question.
        services: names that must be among them.
        at_least: how many services there must be.

    Raises:
        AuthorMistake: if the age is no positive number.
    """
    require_number("the greatest age", max_age, finite=True)
    if max_age <= 0:
        raise AuthorMistake(
            f"the greatest age is {max_age:g} s: nothing is that fresh", next_step="give a positive age"
        )
    key = summary.fields.get("service")
    whose = f"every {key}" if key else "every service"
    judgement = begun(
        summary, asked, f"a line of {whose} at most {seconds(max_age)} old", ("service", "newest line", "age")
    )
    if not timed(judgement, summary):
        return done(judgement, summary, "")
    ages = {name: summary.read_at - at for name, at in summary.services.items()}
    if not ages:
        if services or at_least is not None:
            judgement.doubtful("no data: no line tells which service it is of")
            return done(judgement, summary, "")
        ages = {"": summary.read_at - summary.last} if summary.last is not None else {}
    silent = sorted((name for name, value in ages.items() if value > max_age), key=lambda name: -ages[name])
    if silent:
        judgement.bad(
            f"{share(len(silent), len(ages), 'service')} silent for more than {seconds(max_age)}",
            [(name or "the log", moment(summary.read_at - ages[name]), seconds(ages[name])) for name in silent],
        )
    if missing := sorted(set(services) - set(ages)):
        judgement.bad(
            f"{share(len(missing), len(set(services)), 'expected service')} not heard of at all",
            [(name, "never", "") for name in missing],
        )
    elif at_least is not None and len(ages) < at_least:
        judgement.bad(
            f"{count(len(ages), 'service')}, fewer than the {at_least:,} expected",
            [(name, moment(summary.read_at - value), seconds(value)) for name, value in sorted(ages.items())],
        )
    oldest = max((max(0.0, value) for value in ages.values()), default=0.0)
    return done(judgement, summary, f"{count(len(ages), 'service')}, the longest silence {seconds(oldest, max_age)}")


def gap(summary: LogSummary, op: Operator, bound: float, asked: Asked) -> Finding:
    """Judge the longest time without a line: between two of them, or since the last one.

    Raises:
        AuthorMistake: if the bound is no number.
    """
    require_comparison(op, bound)
    judgement = begun(summary, asked, f"longest time without a line {op} {seconds(bound)}", ("from", "for"))
    if not timed(judgement, summary) or summary.last is None:
        return done(judgement, summary, "")
    longest, after = summary.longest_gap, summary.gap_after
    end = summary.read_at if summary.until is None else summary.until
    if end - summary.last > longest:
        longest, after = end - summary.last, summary.last
    told = f"no line for {seconds(longest, bound)}" if longest >= 1 else "no second without a line"
    if not holds(longest, op, bound):
        judgement.bad(told, [(moment(after), seconds(longest))])
    return done(judgement, summary, told)


def ordered(summary: LogSummary, asked: Asked) -> Finding:
    """Judge whether no line is older than one before it, by more than the tolerance of the reading."""
    judgement = begun(summary, asked, f"times in order, to within {seconds(summary.tolerance)}", LINE_COLUMNS)
    if timed(judgement, summary) and summary.disordered:
        judgement.bad(
            f"{share(summary.disordered, summary.timed, 'line')} out of order",
            rows(summary.disorder),
            omitted=summary.disordered - len(summary.disorder),
        )
    return done(judgement, summary, f"{count(summary.timed, 'line')} in order")


def in_window(summary: LogSummary, asked: Asked) -> Finding:
    """Judge whether no line claims a time outside of the window, or in the future."""
    judgement = begun(summary, asked, "no line from before the window or from the future", LINE_COLUMNS)
    if timed(judgement, summary) and summary.outside:
        judgement.bad(
            f"{share(summary.outside, summary.timed, 'line')} outside of the window",
            rows(summary.outsiders),
            omitted=summary.outside - len(summary.outsiders),
        )
    span = f", {moment(summary.first)} to {moment(summary.last)}" if summary.first is not None else ""
    return done(judgement, summary, f"{count(summary.timed, 'line')} within the window{span}")
