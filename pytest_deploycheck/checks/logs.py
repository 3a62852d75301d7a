"""Logs: well formed, at sane levels, alive, in order, with ids, and without errors that nobody expects.

A log without lines is no quiet log, and one without levels or times tells nothing of either: both are no data.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Protocol

from pytest_deploycheck.checks.comparison import holds, require_comparison
from pytest_deploycheck.checks.log_lines import LINE_COLUMNS, begun, done, levelled, rows, timed
from pytest_deploycheck.checks.wording import count, head, moment, names, number, quantity, share
from pytest_deploycheck.errors import AuthorMistake
from pytest_deploycheck.model.logs import LEVELS, at_least

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import date

    from pytest_deploycheck.checks.asked import Asked
    from pytest_deploycheck.checks.comparison import Operator
    from pytest_deploycheck.model.finding import Finding
    from pytest_deploycheck.model.logs import LogSummary, Signature

_EXCERPT = 120


class Known(Protocol):
    """An error that may be logged, with somebody who answers for it, until the end of a day (UTC)."""

    @property
    def message(self) -> str:
        """A regular expression that is found in its message, or in its signature."""

    @property
    def owner(self) -> str:
        """Who answers for it."""

    @property
    def reason(self) -> str:
        """Why it may be logged."""

    @property
    def expires(self) -> date:
        """The last day on which it is accepted."""


# --- well formed -----------------------------------------------------------------------------------------------------


def lines(summary: LogSummary, op: Operator, bound: float, asked: Asked, *, parsed: bool = False) -> Finding:
    """Judge how many lines there are; none is INCONCLUSIVE whatever the bound is.

    Args:
        summary: of the log.
        op: the comparison.
        bound: with what.
        asked: the question.
        parsed: count only those that are a JSON object.

    Raises:
        AuthorMistake: if the bound is no number.
    """
    require_comparison(op, bound)
    noun = "parsed line" if parsed else "line"
    amount = summary.parsed if parsed else summary.lines
    judgement = begun(summary, asked, f"number of {noun}s {op} {number(bound)}")
    if summary.lines and not holds(amount, op, bound):
        judgement.bad(count(amount, noun))
    return done(judgement, summary, count(amount, noun))


def invalid(summary: LogSummary, op: Operator, bound: float, asked: Asked, *, ratio: bool = False) -> Finding:
    """Judge how many lines are no JSON object, or do not match the schema.

    Args:
        summary: of the log.
        op: the comparison.
        bound: with what.
        asked: the question.
        ratio: judge their share of all lines.

    Raises:
        AuthorMistake: if the bound is no number.
    """
    require_comparison(op, bound)
    unit = "ratio" if ratio else ""
    what = "share of invalid lines" if ratio else "invalid lines"
    judgement = begun(summary, asked, f"{what} {op} {quantity(bound, unit)}", LINE_COLUMNS)
    if summary.lines == 0:
        return done(judgement, summary, "")
    value = summary.invalid / summary.lines if ratio else float(summary.invalid)
    told = f"{share(summary.invalid, summary.lines, 'line')} invalid"
    if not holds(value, op, bound):
        judgement.bad(told, rows(summary.offenders), omitted=summary.invalid - len(summary.offenders))
    return done(judgement, summary, f"{count(summary.lines, 'line')}, none invalid" if not summary.invalid else told)


# --- levels ----------------------------------------------------------------------------------------------------------


def levels(summary: LogSummary, allowed: Collection[str], asked: Asked) -> Finding:
    """Judge whether only certain levels are logged, and every level is one that is known.

    Args:
        summary: of the log.
        allowed: normalised levels.
        asked: the question.

    Raises:
        AuthorMistake: if a level is none of the normalised ones, or none is allowed.
    """
    _require_levels(allowed)
    in_order = [level for level in LEVELS if level in allowed]
    judgement = begun(summary, asked, f"only levels {', '.join(in_order)}", LINE_COLUMNS)
    if not levelled(judgement, summary):
        return done(judgement, summary, "")
    for level, amount in summary.levels.items():
        if level not in allowed:
            shown = summary.level_lines.get(level, ())
            judgement.bad(
                f"{share(amount, summary.levelled, 'line')} at {level}", rows(shown), omitted=amount - len(shown)
            )
    if summary.strange_levels:
        total = sum(summary.strange_levels.values())
        judgement.bad(
            f"{share(total, summary.parsed, 'line')} at a level that nobody knows ({names(summary.strange_levels)})"
        )
    return done(judgement, summary, _told_levels(summary))


def _told_levels(summary: LogSummary) -> str:
    return ", ".join(f"{level} {amount:,}" for level, amount in summary.levels.items())


def _require_levels(given: Collection[str]) -> None:
    if not given or (strange := sorted(set(given) - set(LEVELS))):
        raise AuthorMistake(
            f"unknown log level {strange[0]!r}" if given else "no log level is given",
            next_step=f"use the normalised ones: {', '.join(LEVELS)}",
        )


def rate(
    summary: LogSummary,
    level: str,
    op: Operator,
    bound: float,
    asked: Asked,
    *,
    known: Sequence[Known] = (),
    today: date | None = None,
) -> Finding:
    """Judge the share of lines at a level or above it, of all lines with a level.

    Args:
        summary: of the log.
        level: a normalised level.
        op: the comparison.
        bound: with what, a ratio.
        asked: the question.
        known: errors that are not counted; an expired entry excuses nothing.
        today: the date in UTC; needed if there are known ones.

    Raises:
        AuthorMistake: if the level is none, or the bound is no number.
    """
    _require_levels([level])
    require_comparison(op, bound)
    judgement = begun(
        summary,
        asked,
        f"share of lines at {level} or above {op} {quantity(bound, 'ratio')}",
        ("signature", "level", "lines"),
    )
    if not levelled(judgement, summary):
        return done(judgement, summary, "")
    excused, rest = _sorted_out(summary, known, today)
    bad = summary.at_or_above(level) - excused
    value = bad / summary.levelled
    told = f"{share(bad, summary.levelled, 'line')} at {level} or above: {quantity(value, 'ratio', bound)}"
    if excused:
        told += f", {excused:,} known ones not counted"
    if not holds(value, op, bound):
        judgement.bad(told, _signature_rows(rest))
    return done(judgement, summary, told)


def per_minute(summary: LogSummary, level: str, op: Operator, bound: float, asked: Asked) -> Finding:
    """Judge how many lines at a level or above it the worst minute has; for a lower bound, the calmest full one.

    Args:
        summary: of the log.
        level: a normalised level.
        op: the comparison.
        bound: with what.
        asked: the question.

    Raises:
        AuthorMistake: if the level is none, or the bound is no number.
    """
    _require_levels([level])
    require_comparison(op, bound)
    judgement = begun(
        summary, asked, f"lines at {level} or above in every minute {op} {number(bound)}", ("minute", "lines")
    )
    if not timed(judgement, summary) or not levelled(judgement, summary):
        return done(judgement, summary, "")
    counted = at_least(level)
    amounts = {
        minute: sum(amount for name, amount in found.items() if name in counted)
        for minute, found in summary.minutes.items()
    }
    hits = sorted(
        (minute for minute, amount in amounts.items() if not holds(amount, op, bound)),
        key=lambda minute: -abs(amounts[minute] - bound),
    )
    if hits:
        judgement.bad(
            f"{share(len(hits), len(amounts), 'minute')} not {op} {number(bound)}",
            [(moment(minute), f"{amounts[minute]:,}") for minute in hits],
        )
    worst = max(amounts.values(), default=0)
    return done(judgement, summary, f"at most {count(worst, 'line')} in any of {count(len(amounts), 'minute')}")


# --- errors ----------------------------------------------------------------------------------------------------------


def errors(
    summary: LogSummary,
    asked: Asked,
    *,
    known: Sequence[Known] = (),
    today: date,
    before: LogSummary | None = None,
) -> Finding:
    """Judge whether no error is logged but those that are known, or that were logged before as well.

    Args:
        summary: of the log.
        asked: the question.
        known: what is accepted; an expired entry accepts nothing, and the finding says so.
        today: the date in UTC.
        before: the log before the deployment: an error whose signature is there is not new.
    """
    expected = "no unexpected error" if before is None else "no error that was not there before"
    judgement = begun(summary, asked, expected, ("signature", "level", "lines", "first at line", "note"))
    if before is not None and before.lines == 0:
        judgement.doubtful("no data: there are no lines from before to compare with")
    if not levelled(judgement, summary):
        return done(judgement, summary, "")
    seen = {one.template for one in before.signatures} if before is not None else set()
    offenders: list[tuple[str, ...]] = []
    accepted: list[tuple[str, ...]] = []
    for one in summary.signatures:
        entries = [entry for entry in known if _covers(entry, one)]
        valid = [entry for entry in entries if entry.expires >= today]
        if valid:
            accepted.append((*_signature(one), f"known until {valid[0].expires}: {valid[0].reason} ({valid[0].owner})"))
        elif one.template not in seen:
            note = "; ".join(f"known until {entry.expires}, which has passed ({entry.owner})" for entry in entries)
            offenders.append((*_signature(one), note or ("not known" if before is None else "new")))
    if offenders:
        noun = "error signature"
        judgement.bad(
            f"{share(len(offenders), len(summary.signatures), noun)} {'unexpected' if before is None else 'new'}",
            offenders,
        )
    if summary.unsigned:
        judgement.bad(f"{count(summary.unsigned, 'further error line')}, too many kinds to tell apart")
    judgement.note(accepted)
    total = len(summary.signatures)
    good = (
        "no error"
        if not total
        else f"{count(total, 'error signature')}, " + ("all known" if before is None else "all known or there before")
    )
    return done(judgement, summary, good)


def _covers(entry: Known, one: Signature) -> bool:
    return re.search(entry.message, one.example) is not None or re.search(entry.message, one.template) is not None


def _sorted_out(summary: LogSummary, known: Sequence[Known], today: date | None) -> tuple[int, list[Signature]]:
    """Return how many error lines are known, and the signatures of the others."""
    valid = [entry for entry in known if today is not None and entry.expires >= today]
    rest = [one for one in summary.signatures if not any(_covers(entry, one) for entry in valid)]
    return sum(one.count for one in summary.signatures) - sum(one.count for one in rest), rest


def _signature(one: Signature) -> tuple[str, str, str, str]:
    return head(one.template, _EXCERPT), one.level, f"{one.count:,}", f"{one.line:,}"


def _signature_rows(found: Sequence[Signature]) -> list[tuple[str, ...]]:
    return [_signature(one)[:3] for one in found]
