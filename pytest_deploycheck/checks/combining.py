"""Several findings about one thing as one finding."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_deploycheck.model.finding import Finding
from pytest_deploycheck.model.outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_WORST_FIRST = (Outcome.FAILED, Outcome.ERROR, Outcome.INCONCLUSIVE, Outcome.NOT_RUN, Outcome.PASSED)


def combine(findings: Sequence[Finding]) -> Finding:
    """Return one finding that is as bad as the worst of several, and keeps all they say.

    FAILED outweighs INCONCLUSIVE, which outweighs PASSED. Texts come worst first; the observed line leaves out what
    passed unless everything did, and so do the questions and expectations. Where the tables differ in their columns, or
    more than one has rows, each row is preceded by what its finding expected. Nothing to combine is INCONCLUSIVE.
    """
    if not findings:
        return Finding(
            outcome=Outcome.INCONCLUSIVE,
            asked="",
            system="",
            expected="at least one judgement",
            observed="nothing was judged",
        )
    if len(findings) == 1:
        return findings[0]
    ordered = sorted(findings, key=lambda finding: _WORST_FIRST.index(finding.outcome))
    worst = ordered[0].outcome
    telling = [finding for finding in ordered if finding.outcome is not Outcome.PASSED] or ordered
    columns, rows = _table(ordered)
    # A sample's time and age belong together: both are taken from the finding with the newest sample.
    timed = max(
        (finding for finding in ordered if finding.sample_time is not None),
        key=lambda finding: finding.sample_time or 0.0,
        default=None,
    )
    return Finding(
        outcome=worst,
        asked="; ".join(_distinct(finding.asked for finding in telling)),
        system="; ".join(_distinct(finding.system for finding in findings)),
        expected="; ".join(_distinct(finding.expected for finding in telling)),
        observed="; ".join(_distinct(finding.observed for finding in telling)),
        columns=columns,
        rows=rows,
        omitted=sum(finding.omitted for finding in findings),
        sample_time=timed.sample_time if timed else None,
        age=timed.age if timed else None,
        evidence=_distinct(one for finding in findings for one in finding.evidence),
        next_steps=_distinct(one for finding in ordered for one in finding.next_steps),
        # In the order of judging, which is the same in every run, and each once.
        measures=tuple(dict.fromkeys(one for finding in findings for one in finding.measures)),
    )


def _distinct(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text for text in texts if text))


def _table(findings: Sequence[Finding]) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    with_rows = [finding for finding in findings if finding.rows]
    if not with_rows:
        return (), ()
    if len(with_rows) == 1:
        return with_rows[0].columns, with_rows[0].rows
    columns = _distinct(column for finding in with_rows for column in finding.columns)
    rows: list[tuple[str, ...]] = []
    for finding in with_rows:
        for row in finding.rows:
            cells = dict(zip(finding.columns, row, strict=False))
            rows.append((finding.expected, *(cells.get(column, "") for column in columns)))
    return ("expected", *columns), tuple(rows)
