"""Thresholds that must hold all through a window: judged on recorded points, where a gap is a gap and not a zero."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

import msgspec

from pytest_deploycheck.checks.asked import Asked, Judgement
from pytest_deploycheck.checks.comparison import Operator, badness, holds, require_comparison, require_number
from pytest_deploycheck.checks.instant import judge_answer, measure_values
from pytest_deploycheck.checks.wording import count, moment, quantity, seconds, share, unit_of
from pytest_deploycheck.errors import AuthorMistake
from pytest_deploycheck.model.tolerance import tolerated

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_deploycheck.model.finding import Finding
    from pytest_deploycheck.model.prometheus import RangeVector, Sample, Series

_RAW_REACH = 1.5
"""A raw sample covers at most this many steps before it: scrapes jitter, but one that was missed leaves a gap."""


class _Breach(msgspec.Struct, frozen=True, kw_only=True):
    """The points of one series that violate the bound: the first, the longest stretch, how many, the worst."""

    series: str
    first: float
    longest: float
    points: int
    total: int
    worst: float


def compare_range(  # noqa: PLR0913 - each is a choice of the author's
    vector: RangeVector,
    op: Operator,
    bound: float,
    asked: Asked,
    *,
    step: float,
    coverage: float = 0.9,
    series: int | None = None,
    unit: str | None = None,
    allow: tuple[int, int] | None = None,
    consecutive: int = 1,
) -> Finding:
    """Judge whether every point of every series within the window satisfies a comparison.

    FAILED if any point violates it. INCONCLUSIVE if none does but a series covers less than the declared share of the
    window, or the answer as a whole is doubtful as in `compare`. A point that is NaN is a gap.

    Args:
        vector: the answer, with the window it was asked for.
        op: the comparison.
        bound: the number on its right.
        asked: the question.
        step: seconds between points; for a raw selector, the scrape interval.
        coverage: the least share of the window that each series must cover, above 0 and at most 1.
        series: how many series there must be, exactly; at least one if it is None.
        unit: as in `compare`.
        allow: (k, n): at most k violating points among any n in a row are tolerated, for each series.
        consecutive: fewer than this many violating points in a row are tolerated.

    Raises:
        AuthorMistake: for an unknown operator, a bound of NaN, or a step, coverage or window that cannot be.
    """
    require_comparison(op, bound)
    require_number("the step of the window", step, finite=True)
    if step <= 0 or not 0 < coverage <= 1 or not vector.start <= vector.end < math.inf:
        raise AuthorMistake(
            f"no window to judge: {vector.start!r} to {vector.end!r} in steps of {step!r} s, coverage {coverage!r}",
            next_step="give a positive step, a coverage above 0 and at most 1, and a start before the end",
        )
    unit = unit_of(vector.expr) if unit is None else unit
    condition = f"{op} {quantity(bound, unit)}"
    length = vector.end - vector.start
    judgement = Judgement(
        asked,
        f"every point of every series {condition}{_allowed(allow, consecutive)} for {seconds(length)}, "
        f"from {moment(vector.start)}, with at least {coverage * 100:g} % of it covered",
        ("series", "first at", "longest stretch", "points", "worst"),
    )
    if length < step:
        judgement.doubtful(f"the window of {seconds(length)} is shorter than one step of {seconds(step)}")
    points = [_within(one, vector) for one in vector.series]
    breaches = [
        breach
        for one, samples in zip(vector.series, points, strict=True)
        if (breach := _breach(one, samples, op, bound, step)) is not None
        and not tolerated([not holds(sample.value, op, bound) for sample in samples], allow, consecutive)
    ]
    # Several keys: worst value, then longest, and the labels so that the answer's order does not show.
    worst = badness(op, bound)
    breaches.sort(key=lambda breach: (-worst(breach.worst), -breach.longest, breach.series))
    if breaches:
        judgement.bad(
            f"{share(len(breaches), len(vector), 'series')} at some time not {condition}",
            [
                (
                    breach.series,
                    moment(breach.first),
                    seconds(breach.longest),
                    f"{breach.points:,} of {breach.total:,}",
                    quantity(breach.worst, unit, bound),
                )
                for breach in breaches
            ],
        )
    covered = [_coverage(samples, vector, step) for samples in points]
    _judge_gaps(judgement, vector, covered, coverage)
    if vector.histograms:
        judgement.doubtful(
            f"{share(vector.histograms, len(vector), 'series')} without a single value (native histogram): "
            "ask for a quantile"
        )
    judge_answer(judgement, vector, series)
    values = (sample.value for samples in points for sample in samples)
    measure_values(judgement, values, op, unit, when=" in the window")
    newest = max((samples[-1].timestamp for samples in points if samples), default=None)
    least = min(covered, default=0.0)
    return judgement.finding(
        f"{count(len(vector), 'series')}, each {condition} at every point, covering at least {least * 100:.3g} %",
        sample_time=newest,
        age=None if newest is None else vector.end - newest,
    )


def _allowed(allow: tuple[int, int] | None, consecutive: int) -> str:
    if allow is not None:
        return f" (but for {allow[0]} of {allow[1]})"
    return f" (but for fewer than {consecutive} in a row)" if consecutive > 1 else ""


def _within(series: Series, vector: RangeVector) -> list[Sample]:
    """Return the points of the window that have a number, oldest first."""
    found = [
        sample
        for sample in series.samples
        if not math.isnan(sample.value) and vector.start <= sample.timestamp <= vector.end
    ]
    found.sort(key=lambda sample: sample.timestamp)
    return found


def _breach(series: Series, points: Sequence[Sample], op: Operator, bound: float, step: float) -> _Breach | None:
    bad = [sample for sample in points if not holds(sample.value, op, bound)]
    if not bad:
        return None
    longest = 0.0
    began = previous = None
    for sample in points:
        if holds(sample.value, op, bound):
            began = previous = None
            continue
        # What happened in a gap is not known: a stretch ends there.
        if began is None or previous is None or sample.timestamp - previous > _RAW_REACH * step:
            began = sample.timestamp
        previous = sample.timestamp
        longest = max(longest, previous - began + step)
    worst = max(bad, key=lambda sample: badness(op, bound)(sample.value)).value
    return _Breach(
        series=str(series),
        first=bad[0].timestamp,
        longest=longest,
        points=len(bad),
        total=len(points),
        worst=worst,
    )


def _coverage(points: Sequence[Sample], vector: RangeVector, step: float) -> float:
    """Return the covered share of the window, from 0 to 1."""
    length = vector.end - vector.start
    if not points:
        return 0.0
    if vector.step is not None:
        expected = math.floor(length / step + 1e-9) + 1
        # By slots, not by number: twenty points at one place do not cover the rest.
        return min(1.0, len({round((sample.timestamp - vector.start) / step) for sample in points}) / expected)
    if length <= 0:
        return 1.0
    reach = _RAW_REACH * step
    edges = [vector.start, *(sample.timestamp for sample in points), vector.end]
    return min(1.0, sum(min(after - before, reach) for before, after in pairwise(edges)) / length)


def _judge_gaps(judgement: Judgement, vector: RangeVector, covered: Sequence[float], coverage: float) -> None:
    # The tolerance is for floats only: 9 of 10 points are 90 %.
    thin = sorted((value, str(vector.series[at])) for at, value in enumerate(covered) if value < coverage - 1e-9)
    if thin:
        judgement.doubtful(
            f"{share(len(thin), len(vector), 'series')} covered for less than {coverage * 100:g} % of the window",
            [(name, "", "", f"covers {value * 100:.3g} %", "") for value, name in thin],
        )
