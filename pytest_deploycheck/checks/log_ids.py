"""Ids in logs: carried by the lines, well formed, and passed on from one service to the next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_deploycheck.checks.comparison import require_number
from pytest_deploycheck.checks.log_lines import LINE_COLUMNS, begun, done, rows
from pytest_deploycheck.checks.wording import count, quantity, share
from pytest_deploycheck.errors import AuthorMistake

if TYPE_CHECKING:
    from pytest_deploycheck.checks.asked import Asked
    from pytest_deploycheck.model.finding import Finding
    from pytest_deploycheck.model.logs import LogSummary


def carries(summary: LogSummary, kind: str, least: float, asked: Asked) -> Finding:
    """Judge whether lines carry ids of a kind, all of them well formed.

    Args:
        summary: of the log.
        kind: `trace` or `correlation`.
        least: the share of parsed lines that must carry one; above 0.
        asked: the question.

    Raises:
        AuthorMistake: if there is no such kind, or the share is none.
    """
    _require_kind(summary, kind)
    require_number("the share of lines with an id", least, finite=True)
    if not 0 < least <= 1:
        raise AuthorMistake(f"the share of lines with an id is {least:g}", next_step="give one above 0 and at most 1")
    judgement = begun(
        summary, asked, f"a well-formed {kind} id on at least {quantity(least, 'ratio')} of the lines", LINE_COLUMNS
    )
    if summary.lines == 0:
        return done(judgement, summary, "")
    found = summary.ids[kind]
    if summary.parsed == 0:
        judgement.doubtful(f"no data: none of {count(summary.lines, 'line')} can be parsed")
    elif found.present < least * summary.parsed:
        judgement.bad(f"{share(summary.parsed - found.present, summary.parsed, 'line')} without a {kind} id")
    if found.malformed:
        judgement.bad(
            f"{share(found.malformed, found.present, f'{kind} id')} malformed",
            rows(found.offenders),
            omitted=found.malformed - len(found.offenders),
        )
    about = "" if found.exact else "about "
    return done(judgement, summary, f"{found.present:,} lines with {about}{count(found.distinct, f'{kind} id')}")


def shared(summary: LogSummary, kind: str, least: int, asked: Asked) -> Finding:
    """Judge whether ids of a kind turn up in the lines of more than one service: that they are passed on.

    Args:
        summary: of the log.
        kind: `trace` or `correlation`.
        least: how many ids must be shared, at least; 1 or more.
        asked: the question.

    Raises:
        AuthorMistake: if there is no such kind, or none has to be shared.
    """
    _require_kind(summary, kind)
    require_number("the number of shared ids", least, least=1)
    judgement = begun(summary, asked, f"at least {count(least, f'{kind} id')} shared by several services")
    if summary.lines == 0:
        return done(judgement, summary, "")
    found = summary.ids[kind]
    told = (
        f"{found.shared:,} of {count(found.sampled, f'{kind} id')} shared, by {count(len(summary.services), 'service')}"
    )
    if not found.sampled:
        judgement.bad(f"no well-formed {kind} id in {count(summary.lines, 'line')}")
    elif len(summary.services) <= 1:
        judgement.doubtful(f"{count(len(summary.services), 'service')} in the log: nothing can be shared")
    elif found.shared < least:
        judgement.bad(told)
    return done(judgement, summary, told)


def _require_kind(summary: LogSummary, kind: str) -> None:
    if kind not in summary.ids:
        raise AuthorMistake(f"unknown kind of id {kind!r}", next_step=f"use one of {', '.join(summary.ids)}")
