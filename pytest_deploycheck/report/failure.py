"""A finding as text, in the order in which a person at night needs it.

What was asked, of whom; expected, observed; the offenders as a table, worst first; how old the sample was; the
evidence; where to look next.
"""

from __future__ import annotations

import re
import textwrap
from typing import TYPE_CHECKING, Final

from pytest_deploycheck.model.instant import rfc3339
from pytest_deploycheck.report.text import is_number, printable, shorten

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_deploycheck.model.finding import Finding

WIDTH: Final = 120
_LABEL: Final = 10
_GAP: Final = 2
_MINIMUM: Final = 8
_ASKED: Final = 60
_NAME: Final = 80
_PROBLEM: Final = 60
_NO_NAMES: Final = frozenset({"expected", "job"})
"""Columns before the one that names the offender: what was expected is said anyway, and a job is not the culprit."""
_COUNTED: Final = re.compile(r"\d+ (of \d+ )?")


def headline(finding: Finding) -> str:
    """Return the finding in one line, such as `up: 1 of 3 series is 0 (up{job="db"}); expected every series == 1`."""
    asked = shorten(_one_line(finding.asked), _ASKED)
    observed, expected = _one_line(finding.observed), _one_line(finding.expected)
    if finding.passed:
        return f"{asked}: {observed}"
    return f"{asked}: {observed}{_worst(finding, observed)}; expected {expected}"


def _worst(finding: Finding, observed: str) -> str:
    """Return who the worst offender is, where `observed` only counts them: a name is what a reader acts on."""
    if not finding.rows or not _COUNTED.match(observed):
        return ""
    pairs = zip(finding.columns, finding.rows[0], strict=False)
    cells = [_one_line(cell) for head, cell in pairs if head not in _NO_NAMES]
    name, *others = [cell for cell in cells if cell] or [""]
    if not name or name in observed:
        return ""
    problem = f": {shorten(others[-1], _PROBLEM)}" if others and others[-1] not in observed else ""
    several = "worst: " if len(finding.rows) + finding.omitted > 1 else ""
    return f" ({several}{shorten(name, _NAME)}{problem})"


def lines(finding: Finding, *, limit: int = 10) -> list[str]:
    """Return the finding as lines of at most 120 columns.

    Long texts are wrapped, long cells shortened in their middle; numbers are never shortened, and links and commands
    in `next:` are never broken, even if they are longer than a line.

    Args:
        finding: what was found.
        limit: how many offenders are shown; the rest is counted.
    """
    text = [
        *_labelled("asked:", finding.asked),
        *_labelled("of:", finding.system),
        *_labelled("expected:", finding.expected),
        *_labelled("observed:", finding.observed),
    ]
    shown = finding.rows[: max(0, limit)]
    if shown:
        text += _table(finding.columns, shown)
    if hidden := len(finding.rows) - len(shown) + max(0, finding.omitted):
        text.append(" " * _LABEL + (f"… and {hidden} more" if shown else f"{hidden} not shown"))
    if sample := _sample(finding):
        text += _labelled("sample:", sample)
    if finding.evidence:
        text += _labelled("evidence:", ", ".join(finding.evidence))
    text += [f"{'next:':<{_LABEL}}{printable(step)}" for step in finding.next_steps]
    return text


def _one_line(text: str) -> str:
    """Return the text with all white space collapsed."""
    return printable(" ".join(text.split()))


def _labelled(label: str, text: str) -> Iterator[str]:
    """Yield a text behind its label, wrapped with a hanging indent; its own line breaks are kept."""
    head = f"{label:<{_LABEL}}"
    for line in text.splitlines() or [""]:
        for part in textwrap.wrap(printable(line), WIDTH - _LABEL, break_on_hyphens=False) or [""]:
            yield (head + part).rstrip()
            head = " " * _LABEL


def _sample(finding: Finding) -> str:
    """Return when the newest judged sample was taken and how old it was."""
    parts = []
    if finding.sample_time is not None:
        parts.append(rfc3339(finding.sample_time, "milliseconds"))
    if finding.age is not None:
        parts.append(f"{finding.age:.3g} s old" if abs(finding.age) < 100 else f"{finding.age:.0f} s old")  # noqa: PLR2004
    return ", ".join(parts)


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield the rows under their heads, aligned; as blocks of `head: cell` if they cannot fit side by side."""
    count = max(len(columns), *(len(row) for row in rows))
    heads = [printable(text) for text in columns] + [""] * (count - len(columns))
    cells = [[printable(text) for text in row] + [""] * (count - len(row)) for row in rows]
    indent = " " * _LABEL
    widths = _fit(heads, cells, WIDTH - _LABEL - _GAP * (count - 1))
    if widths is None:
        yield from _blocks(heads, cells, indent)
        return
    numeric = [all(is_number(row[index]) or not row[index] for row in cells) for index in range(count)]
    for row in [heads, *cells] if any(heads) else cells:
        parts = []
        for text, width, right in zip(row, widths, numeric, strict=True):
            cell = text if is_number(text) else shorten(text, width)
            parts.append(f"{cell:>{width}}" if right else f"{cell:<{width}}")
        yield (indent + (" " * _GAP).join(parts)).rstrip()


def _fit(heads: Sequence[str], cells: Sequence[Sequence[str]], room: int) -> list[int] | None:
    """Return the columns' widths within `room` characters, or None if the numbers alone do not leave enough.

    The widest column is narrowed first, so that short ones stay whole.
    """
    columns = [[head, *(row[index] for row in cells)] for index, head in enumerate(heads)]
    widths = [max(map(len, column)) for column in columns]
    floors = [max([min(_MINIMUM, width), *(len(text) for text in column if is_number(text))])
              for column, width in zip(columns, widths, strict=True)]  # fmt: skip
    if sum(floors) > room:
        return None
    while (excess := sum(widths) - room) > 0:
        index = max(range(len(widths)), key=lambda at: (widths[at] > floors[at], widths[at]))
        others = [width for at, width in enumerate(widths) if at != index and width > floors[at]]
        # Down to the next widest at most, so that several long columns share the loss.
        target = max([width for width in others if width < widths[index]], default=widths[index] - excess)
        widths[index] = max(floors[index], widths[index] - excess, min(target, widths[index] - 1))
    return widths


def _blocks(heads: Sequence[str], cells: Sequence[Sequence[str]], indent: str) -> Iterator[str]:
    """Yield each row as lines of `head: cell`, for tables too wide for a line."""
    for row in cells:
        mark = "- "
        for head, text in zip(heads, row, strict=True):
            label = f"{indent}{mark}{shorten(head, 40)}: "
            yield label + (text if is_number(text) else shorten(text, max(_MINIMUM, WIDTH - len(label))))
            mark = "  "
