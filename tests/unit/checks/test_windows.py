from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest

from pytest_deploycheck.checks.thresholds import compare_range
from pytest_deploycheck.errors import AuthorMistake
from pytest_deploycheck.model.outcome import Outcome
from pytest_deploycheck.model.prometheus import RangeVector, Sample, Series

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_deploycheck.checks.asked import Asked

START = 1_800_000_000.0


def series(values: Sequence[float | None], name: str = "a", step: float = 60.0) -> Series:
    """A gap is a None."""
    samples = tuple(Sample(START + at * step, value) for at, value in enumerate(values) if value is not None)
    return Series({"i": name}, samples)


def window(
    *found: Series, minutes: float = 10, step: float | None = 60.0, warnings: tuple[str, ...] = (), histograms: int = 0
) -> RangeVector:
    return RangeVector(
        expr="x",
        start=START,
        end=START + minutes * 60,
        step=step,
        series=found,
        warnings=warnings,
        histograms=histograms,
    )


def test_a_window_that_holds(asked: Asked) -> None:
    finding = compare_range(window(series([1.0] * 11)), "<", 2, asked, step=60)
    assert finding.outcome is Outcome.PASSED
    assert finding.expected == (
        "every point of every series < 2 for 10 min, from 2027-01-15T08:00:00Z, with at least 90 % of it covered"
    )
    assert finding.observed == "1 series, each < 2 at every point, covering at least 100 %"
    assert (finding.sample_time, finding.age) == (START + 600, 0.0)


def test_a_breach_is_told_with_when_how_long_and_how_bad(asked: Asked) -> None:
    values = [1.0, 5.0, 1.0, 3.0, 4.0, 3.0, 1.0, 1.0, 1.0, 1.0, 1.0]
    finding = compare_range(window(series([1.0] * 11, "good"), series(values, "bad")), "<", 2, asked, step=60)
    assert finding.outcome is Outcome.FAILED
    assert finding.observed == "1 of 2 series is at some time not < 2"
    assert finding.columns == ("series", "first at", "longest stretch", "points", "worst")
    assert finding.rows == (('{i="bad"}', "2027-01-15T08:01:00Z", "3 min", "4 of 11", "5"),)


def test_a_stretch_ends_at_a_gap(asked: Asked) -> None:
    values = [3.0, 3.0, None, 3.0, 3.0, 3.0, 3.0, 3.0, 3.0, 3.0, 3.0]
    finding = compare_range(window(series(values)), "<", 2, asked, step=60)
    assert finding.rows[0][2:] == ("8 min", "10 of 10", "3")


def test_gaps_are_gaps_and_nan_is_one(asked: Asked) -> None:
    gaps = compare_range(window(series([1.0] * 8 + [None, None, None])), "<", 2, asked, step=60)
    assert gaps.outcome is Outcome.INCONCLUSIVE
    assert gaps.observed == "1 of 1 series is covered for less than 90 % of the window"
    assert gaps.rows == (('{i="a"}', "", "", "covers 72.7 %", ""),)
    nan = compare_range(window(series([1.0] * 8 + [math.nan] * 3)), "<", 2, asked, step=60)
    assert (nan.outcome, nan.rows) == (gaps.outcome, gaps.rows)


def test_the_declared_coverage_is_enough(asked: Asked) -> None:
    nine_of_ten = window(series([1.0] * 9), minutes=9)
    assert compare_range(nine_of_ten, "<", 2, asked, step=60).passed
    assert compare_range(nine_of_ten, "<", 2, asked, step=60, coverage=1).outcome is Outcome.INCONCLUSIVE


def test_many_points_at_one_place_cover_no_window(asked: Asked) -> None:
    crowd = Series({}, tuple(Sample(START + at / 10, 1.0) for at in range(11)))
    for step in (60.0, None):
        finding = compare_range(window(crowd, step=step), "<", 2, asked, step=60)
        assert finding.outcome is Outcome.INCONCLUSIVE


def test_points_outside_the_window_count_for_nothing(asked: Asked) -> None:
    before = Series({}, tuple(Sample(START - 60 * at, 9.0) for at in range(1, 12)))
    assert compare_range(window(before), "<", 2, asked, step=60).outcome is Outcome.INCONCLUSIVE


def test_a_raw_selector_may_jitter_but_not_miss(asked: Asked) -> None:
    jitter = Series({}, tuple(Sample(START + 20 + at * 60 + (at % 3) * 5, 1.0) for at in range(10)))
    assert compare_range(window(jitter, step=None), "<", 2, asked, step=60).passed
    missed = Series({}, tuple(Sample(START + 20 + at * 60, 1.0) for at in range(10) if not 3 <= at <= 6))
    assert compare_range(window(missed, step=None), "<", 2, asked, step=60).outcome is Outcome.INCONCLUSIVE


def test_an_empty_answer_warnings_and_histograms_are_inconclusive(asked: Asked) -> None:
    assert compare_range(window(), "<", 2, asked, step=60).observed == "no data: the answer has no series"
    good = series([1.0] * 11)
    partial = compare_range(window(good, warnings=("w",)), "<", 2, asked, step=60)
    assert partial.observed == "the answer may be partial, it came with 1 warning: w"
    assert compare_range(window(good, histograms=1), "<", 2, asked, step=60).outcome is Outcome.INCONCLUSIVE
    assert compare_range(window(good), "<", 2, asked, step=60, series=2).observed == (
        "1 series where exactly 2 were expected"
    )
    assert compare_range(window(Series({}, ())), "<", 2, asked, step=60).outcome is Outcome.INCONCLUSIVE


def test_a_window_shorter_than_a_step_shows_nothing(asked: Asked) -> None:
    for step in (60.0, None):
        finding = compare_range(window(series([1.0]), minutes=0, step=step), "<", 2, asked, step=60)
        assert finding.outcome is Outcome.INCONCLUSIVE
        assert finding.observed == "the window of 0 s is shorter than one step of 60 s"


@pytest.mark.parametrize(
    ("step", "coverage", "minutes"), [(0, 0.9, 10), (-1, 0.9, 10), (60, 0, 10), (60, 1.1, 10), (60, 0.9, -1)]
)
def test_a_window_that_cannot_be_is_a_mistake(asked: Asked, step: float, coverage: float, minutes: float) -> None:
    with pytest.raises(AuthorMistake, match="no window to judge"):
        compare_range(window(series([1.0]), minutes=minutes), "<", 2, asked, step=step, coverage=coverage)
