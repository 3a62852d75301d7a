"""Thresholds on instant vectors: a comparison speaks of every series, and nothing passes without a number.

`compare_range`, for windows, is re-exported from `windows`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pytest_deploycheck.checks.asked import SHOWN, Asked, Judgement
from pytest_deploycheck.checks.comparison import Operator, badness, hits, holds, require_comparison, require_number
from pytest_deploycheck.checks.instant import (
    Offence,
    judge_answer,
    judge_series,
    judge_warnings,
    measure_values,
    series_name,
)
from pytest_deploycheck.checks.windows import compare_range
from pytest_deploycheck.checks.wording import count, number, quantity, share, unit_of
from pytest_deploycheck.errors import AuthorMistake
from pytest_deploycheck.model.outcome import Outcome
from pytest_deploycheck.model.prometheus import InstantVector, format_labels

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_deploycheck.model.finding import Finding

__all__ = ["Operator", "compare", "compare_range", "traffic_floor", "value_range", "vectors"]


def compare(
    vector: InstantVector,
    op: Operator,
    bound: float,
    asked: Asked,
    *,
    series: int | None = None,
    unit: str | None = None,
) -> Finding:
    """Judge whether every series satisfies a comparison.

    FAILED if any series violates it, whatever else is wrong with the answer. INCONCLUSIVE if none does but the answer
    is empty, has NaN or native histograms, came with warnings, or has another number of series than `series`.
    Infinities are compared as numbers.

    Args:
        vector: the answer.
        op: the comparison.
        bound: the number on its right, in the unit of the values.
        asked: the question.
        series: how many series there must be, exactly; at least one if it is None.
        unit: as in `wording.quantity`; taken from a bare selector's name if it is None.

    Raises:
        AuthorMistake: for an unknown operator or a bound of NaN.
    """
    require_comparison(op, bound)
    unit = unit_of(vector.expr) if unit is None else unit
    condition = f"{op} {quantity(bound, unit)}"
    judgement = Judgement(asked, _expected(condition, series), ("series", "value"))
    offence = Offence(
        hits=hits(vector.values, op, bound),
        badness=badness(op, bound),
        shown=lambda value: quantity(value, unit, bound),
        complaint=f"not {condition}",
    )
    judge_series(judgement, vector, offence)
    judge_answer(judgement, vector, series)
    measure_values(judgement, vector.values, op, unit)
    return judgement.finding(_praise(vector, op, bound, unit))


def _expected(condition: str, series: int | None) -> str:
    return f"every series {condition}" if series is None else f"exactly {count(series, 'series')}, each {condition}"


def _praise(vector: InstantVector, op: Operator, bound: float, unit: str) -> str:
    if not len(vector):
        return ""
    nearest = {"<": max, "<=": max, ">": min, ">=": min}.get(op)
    if nearest is None:
        return f"all {count(len(vector), 'series')} {op} {quantity(bound, unit)}"
    value = quantity(nearest(vector.values), unit, bound)
    if len(vector) == 1:
        return f"1 series, at {value}"
    return f"{count(len(vector), 'series')}, the nearest to the bound at {value}"


def value_range(
    vector: InstantVector,
    asked: Asked,
    *,
    minimum: float | None = None,
    maximum: float | None = None,
    unit: str | None = None,
    series: int | None = None,
) -> Finding:
    """Judge whether every series lies within a sane range, its ends included.

    Args:
        vector: the answer.
        asked: the question.
        minimum: the least value, or None.
        maximum: the greatest value, or None.
        unit: as in `compare`.
        series: how many series there must be, exactly; at least one if it is None.

    Raises:
        AuthorMistake: if there is no end at all, an end is NaN, or the range is empty.
    """
    if minimum is None and maximum is None:
        raise AuthorMistake("a range without a least and a greatest value", next_step="give at least one of them")
    low = -math.inf if minimum is None else minimum
    high = math.inf if maximum is None else maximum
    require_number("the least value", low)
    require_number("the greatest value", high, least=low)
    unit = unit_of(vector.expr) if unit is None else unit
    condition = _range_text(low, high, unit)
    noun = "every series" if series is None else f"exactly {count(series, 'series')}, each"
    judgement = Judgement(asked, f"{noun} {condition}", ("series", "value"))
    offence = Offence(
        hits=[at for at, value in enumerate(vector.values) if not low <= value <= high],
        badness=lambda value: max(low - value if value < low else 0.0, value - high if value > high else 0.0),
        shown=lambda value: quantity(value, unit, low if value < low else high),
        complaint=f"not {condition}",
    )
    judge_series(judgement, vector, offence)
    judge_answer(judgement, vector, series)
    if not math.isinf(low):
        measure_values(judgement, vector.values, ">=", unit)
    if not math.isinf(high):
        measure_values(judgement, vector.values, "<=", unit)
    if judgement.outcome is not Outcome.PASSED:
        return judgement.finding("")
    least, most = quantity(min(vector.values), unit), quantity(max(vector.values), unit)
    return judgement.finding(f"{count(len(vector), 'series')} from {least} to {most}")


def _range_text(low: float, high: float, unit: str) -> str:
    if math.isinf(low):
        return f"at most {quantity(high, unit)}"
    if math.isinf(high):
        return f"at least {quantity(low, unit)}"
    return f"from {quantity(low, unit)} to {quantity(high, unit)}"


def traffic_floor(vector: InstantVector, minimum: float, asked: Asked) -> Finding:
    """Judge whether there was enough traffic for a ratio to mean anything.

    Too little is INCONCLUSIVE, never FAILED: it says nothing bad of the release. Empty and NaN are below any floor.

    Args:
        vector: the traffic, one value a series.
        minimum: the floor, in the unit of the values.
        asked: the question.

    Raises:
        AuthorMistake: if the floor is NaN.
    """
    require_number("the traffic floor", minimum)
    judgement = Judgement(asked, f"traffic of at least {number(minimum)} in every series", ("series", "traffic"))
    judge_answer(judgement, vector)
    judgement.measured("lowest traffic", vector.values, greatest=False)
    low = [at for at in hits(vector.values, ">=", minimum) if vector.values[at] < minimum]
    if low:
        rows = sorted((vector.values[at], series_name(vector, at)) for at in low)
        judgement.doubtful(
            f"{share(len(low), len(vector), 'series')} below the traffic floor of {number(minimum)}: "
            "too little to judge a ratio by",
            [(name, number(value, minimum)) for value, name in rows[:SHOWN]],
            omitted=max(0, len(rows) - SHOWN),
        )
    without = [at for at, value in enumerate(vector.values) if value != value]  # noqa: PLR0124 - NaN
    judge_series(judgement, vector, Offence(hits=without, badness=float, shown=number, complaint="without traffic"))
    least = number(min(vector.values), minimum) if len(vector) else ""
    return judgement.finding(f"{count(len(vector), 'series')}, the least at {least}")


def vectors(left: InstantVector, right: InstantVector, op: Operator, asked: Asked) -> Finding:
    """Judge `left op right`, series by series, matched by all labels but the metric's name as PromQL matches them.

    A scalar on the right is held against every series of the left. A series without a partner, two series with the
    same labels, NaN, histograms and warnings are INCONCLUSIVE unless some pair violates the comparison.

    Args:
        left: the answer on the left.
        right: the answer on the right.
        op: the comparison.
        asked: both questions.

    Raises:
        AuthorMistake: for an unknown operator.
    """
    require_comparison(op, 0.0)
    judgement = Judgement(asked, f"every series of the left {op} its partner on the right", ("series", "left", "right"))
    for side, vector in (("left", left), ("right", right)):
        if not len(vector):
            judgement.doubtful(f"no data on the {side}: the answer has no series")
        if vector.histograms:
            judgement.doubtful(
                f"{share(vector.histograms, len(vector), 'series')} without a single value (native histogram) "
                f"on the {side}"
            )
        judge_warnings(judgement, vector.warnings)
    mine, mine_twice = _by_labels(left)
    theirs, theirs_twice = _by_labels(right)
    if right.scalar and len(right) == 1 and not left.scalar:
        theirs = dict.fromkeys(mine, right.values[0])
    elif mine_twice or theirs_twice:
        twice = sorted(mine_twice | theirs_twice)
        judgement.doubtful(
            f"{count(len(twice), 'label set')} more than once on one side: the pairs are ambiguous",
            [(name, "", "") for name in twice],
        )
    _judge_pairs(judgement, mine, theirs, op)
    return judgement.finding(f"all {count(len(mine), 'pair')} {op}")


def _judge_pairs(judgement: Judgement, mine: Mapping[str, float], theirs: Mapping[str, float], op: Operator) -> None:
    pairs = [(name, value, theirs[name]) for name, value in mine.items() if name in theirs]
    nan = sorted(pair for pair in pairs if pair[1] != pair[1] or pair[2] != pair[2])
    without = {pair[0] for pair in nan}
    bad = [pair for pair in pairs if pair[0] not in without and not holds(pair[1], op, pair[2])]
    # Equal infinities differ by NaN, which would leave the order open; they differ by nothing.
    bad.sort(key=lambda pair: (-abs(pair[1] - pair[2]) if pair[1] != pair[2] else 0.0, pair[0]))
    if bad:
        judgement.bad(f"{share(len(bad), len(pairs), 'pair')} not {op}", _rows(bad))
    if nan:
        judgement.doubtful(f"{share(len(nan), len(pairs), 'pair')} NaN on a side, which is no data", _rows(nan))
    alone: list[tuple[str, str, str]] = [
        *((name, number(value), "no such series") for name, value in sorted(mine.items()) if name not in theirs),
        *((name, "no such series", number(value)) for name, value in sorted(theirs.items()) if name not in mine),
    ]
    if alone:
        judgement.doubtful(f"{count(len(alone), 'series')} without a partner", alone)


def _rows(pairs: Sequence[tuple[str, float, float]]) -> list[tuple[str, str, str]]:
    return [(name, number(left, right), number(right, left)) for name, left, right in pairs]


def _by_labels(vector: InstantVector) -> tuple[dict[str, float], set[str]]:
    found: dict[str, float] = {}
    twice: set[str] = set()
    for at, value in enumerate(vector.values):
        labels = {key: text for key, text in vector.labels(at).items() if key != "__name__"}
        name = format_labels(labels)
        if name in found:
            twice.add(name)
        found[name] = value
    # Which of the two is meant is not known: neither is paired.
    return {name: value for name, value in found.items() if name not in twice}, twice
