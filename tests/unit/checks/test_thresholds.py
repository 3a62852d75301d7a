from __future__ import annotations

import array
import json
import math
import time
from typing import TYPE_CHECKING

import pytest

from pytest_deploycheck.checks.thresholds import compare, traffic_floor, value_range, vectors
from pytest_deploycheck.errors import AuthorMistake
from pytest_deploycheck.model.finding import Finding
from pytest_deploycheck.model.measure import Measure
from pytest_deploycheck.model.outcome import Outcome
from pytest_deploycheck.model.prometheus import InstantVector

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_deploycheck.checks.asked import Asked


def vector(*values: float, expr: str = "x", warnings: tuple[str, ...] = (), histograms: int = 0) -> InstantVector:
    return InstantVector(
        expr=expr,
        evaluation_time=1_800_000_000.0,
        values=values,
        raw_labels=[json.dumps({"__name__": "x", "i": f"{at}"}).encode() for at in range(len(values))],
        warnings=warnings,
        histograms=histograms,
    )


def test_every_series_counts_and_the_worst_is_shown_first(asked: Asked) -> None:
    assert compare(vector(0.001, 0.02, 0.5), "<", 0.01, asked) == Finding(
        outcome=Outcome.FAILED,
        asked="the question",
        system="prometheus http://p",
        expected="every series < 0.01",
        observed="2 of 3 series are not < 0.01",
        columns=("series", "value"),
        rows=(('x{i="2"}', "0.5"), ('x{i="1"}', "0.02")),
        evidence=("e1",),
        next_steps=("look there",),
        measures=(Measure(name="highest value", value=0.5, of="the question"),),
    )


def test_a_pass_tells_what_was_nearest_to_the_bound(asked: Asked) -> None:
    finding = compare(vector(0.001, 0.002), "<", 0.01, asked)
    assert (finding.outcome, finding.observed) == (Outcome.PASSED, "2 series, the nearest to the bound at 0.002")
    assert compare(vector(3.0), ">", 1, asked, series=1).observed == "1 series, at 3"
    assert compare(vector(1.0, 1.0), "==", 1, asked).observed == "all 2 series == 1"


@pytest.mark.parametrize(
    ("answer", "observed", "rows"),
    [
        (vector(), "no data: the answer has no series", ()),
        (vector(0.0, math.nan), "1 of 2 series is NaN, which is no data", (('x{i="1"}', "NaN"),)),
        (
            vector(0.0, math.nan, histograms=1),
            "1 of 2 series is a native histogram, which has no single value: ask for a quantile",
            (('x{i="1"}', "native histogram"),),
        ),
        (
            vector(math.nan, math.nan, histograms=1),
            (
                "1 of 2 series is NaN, which is no data; "
                "1 of 2 series is a native histogram, which has no single value: ask for a quantile"
            ),
            (('x{i="0"}', "NaN or native histogram"), ('x{i="1"}', "NaN or native histogram")),
        ),
        (
            vector(0.0, warnings=("store 3\nis away",)),
            "the answer may be partial, it came with 1 warning: store 3 is away",
            (),
        ),
    ],
)
def test_what_does_not_tell_is_inconclusive(
    asked: Asked, answer: InstantVector, observed: str, rows: tuple[tuple[str, str], ...]
) -> None:
    finding = compare(answer, "<", 1, asked)
    assert (finding.outcome, finding.observed, finding.rows) == (Outcome.INCONCLUSIVE, observed, rows)


def test_the_wrong_number_of_series_is_inconclusive(asked: Asked) -> None:
    finding = compare(vector(0.0, 0.0), "<", 1, asked, series=1)
    assert finding.outcome is Outcome.INCONCLUSIVE
    assert finding.expected == "exactly 1 series, each < 1"
    assert finding.observed == "2 series where exactly 1 was expected"


def test_a_violation_outweighs_every_doubt_and_the_doubts_are_still_told(asked: Asked) -> None:
    finding = compare(vector(math.nan, 2.0, warnings=("w",)), "<", 1, asked, series=3)
    assert finding.outcome is Outcome.FAILED
    assert finding.observed == (
        "1 of 2 series is not < 1; 1 of 2 series is NaN, which is no data; 2 series where exactly 3 were expected; "
        "the answer may be partial, it came with 1 warning: w"
    )
    assert finding.rows == (('x{i="1"}', "2"), ('x{i="0"}', "NaN"))


@pytest.mark.parametrize("op", ["<", "<=", ">", ">=", "==", "!="])
def test_nan_satisfies_no_comparison(asked: Asked, op: str) -> None:
    assert compare(vector(math.nan), op, 1.0, asked).outcome is Outcome.INCONCLUSIVE  # type: ignore[arg-type]


def test_infinities_are_numbers(asked: Asked) -> None:
    assert compare(vector(math.inf), ">", 1, asked).outcome is Outcome.PASSED
    assert compare(vector(math.inf), "<", 1, asked).rows == (('x{i="0"}', "+Inf"),)
    assert compare(vector(math.inf, 5.0, -math.inf), "==", math.inf, asked).outcome is Outcome.FAILED


def test_at_most_ten_offenders_are_shown(asked: Asked) -> None:
    finding = compare(vector(*map(float, range(25))), "<", 5, asked)
    assert finding.observed == "20 of 25 series are not < 5"
    assert [row[1] for row in finding.rows] == ["24", "23", "22", "21", "20", "19", "18", "17", "16", "15"]
    assert finding.omitted == 10


def test_equally_bad_series_are_shown_by_their_labels(asked: Asked) -> None:
    labels = [{"i": "b"}, {"i": "a"}]
    answer = InstantVector(expr="x", evaluation_time=1.0, values=(5.0, 5.0), raw_labels=labels)
    assert [row[0] for row in compare(answer, "!=", 5, asked).rows] == ['{i="a"}', '{i="b"}']


def test_units_are_shown_where_they_are_known(asked: Asked) -> None:
    finding = compare(vector(3e9, expr="heap_bytes"), "<", 2**30, asked)
    assert (finding.expected, finding.rows) == ("every series < 1 GiB", (('x{i="0"}', "2.794 GiB"),))
    assert compare(vector(0.3), "<", 0.2, asked, unit="s").observed == "1 of 1 series is not < 200 ms"


def test_a_scalar_has_no_labels(asked: Asked) -> None:
    answer = InstantVector(expr="scalar(x)", evaluation_time=1.0, values=(5.0,), raw_labels=({},), scalar=True)
    assert compare(answer, "<", 1, asked).rows == (("scalar", "5"),)


def test_fifty_thousand_passing_series_decode_no_labels_and_cost_little_more_than_their_comparison(
    asked: Asked,
) -> None:
    values = array.array("d", [at / 50_000 for at in range(50_000)])
    # Anything that decoded one of the label sets would raise.
    answer = InstantVector(expr="x", evaluation_time=1.0, values=values, raw_labels=[b"not decoded"] * 50_000)

    def best(work: Callable[[], object]) -> float:
        taken: list[float] = []
        for _ in range(5):
            start = time.process_time()
            work()
            taken.append(time.process_time() - start)
        return min(taken)

    assert compare(answer, "<", 1, asked).passed
    # A ratio, so that a busy or traced interpreter slows both sides; one float object a series costs about this much.
    assert best(lambda: compare(answer, "<", 1, asked)) < 5 * best(lambda: [value for value in values if value >= 1])


def test_a_mistaken_comparison_is_an_error(asked: Asked) -> None:
    with pytest.raises(AuthorMistake, match="the bound is nan"):
        compare(vector(1.0), "<", math.nan, asked)


def test_a_value_range(asked: Asked) -> None:
    good = value_range(vector(1.0, 9.0), asked, minimum=1, maximum=9)
    assert (good.outcome, good.expected, good.observed) == (
        Outcome.PASSED,
        "every series from 1 to 9",
        "2 series from 1 to 9",
    )
    bad = value_range(vector(-50.0, 5.0, 10.0), asked, minimum=0, maximum=9)
    assert bad.observed == "2 of 3 series are not from 0 to 9"
    assert bad.rows == (('x{i="0"}', "-50"), ('x{i="2"}', "10"))
    assert value_range(vector(-1.0), asked, minimum=0).observed == "1 of 1 series is not at least 0"
    assert value_range(vector(1.0), asked, maximum=0).observed == "1 of 1 series is not at most 0"
    assert value_range(vector(), asked, minimum=0).outcome is Outcome.INCONCLUSIVE
    assert value_range(vector(math.nan), asked, minimum=0).outcome is Outcome.INCONCLUSIVE


def test_a_value_range_without_ends_or_with_crossed_ones_is_a_mistake(asked: Asked) -> None:
    with pytest.raises(AuthorMistake, match="a range without a least and a greatest value"):
        value_range(vector(1.0), asked)
    with pytest.raises(AuthorMistake, match="the greatest value is 1, less than 2"):
        value_range(vector(1.0), asked, minimum=2, maximum=1)


def test_too_little_traffic_is_inconclusive_and_never_failed(asked: Asked) -> None:
    low = traffic_floor(vector(0.5, 20.0), 10, asked)
    assert low.outcome is Outcome.INCONCLUSIVE
    assert low.expected == "traffic of at least 10 in every series"
    assert low.observed == "1 of 2 series is below the traffic floor of 10: too little to judge a ratio by"
    assert low.rows == (('x{i="0"}', "0.5"),)
    assert traffic_floor(vector(), 0, asked).outcome is Outcome.INCONCLUSIVE
    assert traffic_floor(vector(math.nan), 0, asked).observed == "1 of 1 series is NaN, which is no data"
    assert traffic_floor(vector(10.0, 11.0), 10, asked).observed == "2 series, the least at 10"


def pair(name: str, *values: float, first: int = 0) -> InstantVector:
    labels = [{"__name__": name, "i": str(at + first)} for at in range(len(values))]
    return InstantVector(expr=name, evaluation_time=1.0, values=values, raw_labels=labels)


def test_vectors_are_compared_by_their_labels(asked: Asked) -> None:
    good = vectors(pair("a", 1.0, 2.0), pair("b", 1.5, 2.5), "<", asked)
    assert (good.outcome, good.observed) == (Outcome.PASSED, "all 2 pairs <")
    bad = vectors(pair("a", 9.0, 2.0, 3.0), pair("b", 1.5, 2.5, 2.0), "<", asked)
    assert bad.outcome is Outcome.FAILED
    assert bad.observed == "2 of 3 pairs are not <"
    assert bad.rows == (('{i="0"}', "9", "1.5"), ('{i="2"}', "3", "2"))


def test_series_without_a_partner_are_inconclusive(asked: Asked) -> None:
    finding = vectors(pair("a", 1.0, 1.0), pair("b", 2.0, 2.0, first=1), "<", asked)
    assert finding.outcome is Outcome.INCONCLUSIVE
    assert finding.observed == "2 series without a partner"
    assert finding.rows == (('{i="0"}', "1", "no such series"), ('{i="2"}', "no such series", "2"))


def test_vectors_with_an_empty_side_nan_or_ambiguous_labels_are_inconclusive(asked: Asked) -> None:
    assert vectors(pair("a"), pair("b"), "<", asked).observed == (
        "no data on the left: the answer has no series; no data on the right: the answer has no series"
    )
    nan = vectors(pair("a", math.nan), pair("b", 1.0), "!=", asked)
    assert (nan.outcome, nan.observed) == (Outcome.INCONCLUSIVE, "1 of 1 pair is NaN on a side, which is no data")
    twice = InstantVector(
        expr="a", evaluation_time=1.0, values=(1.0, 1.0), raw_labels=[{"__name__": "a"}, {"__name__": "b"}]
    )
    finding = vectors(twice, twice, "<=", asked)
    assert finding.outcome is Outcome.INCONCLUSIVE
    assert finding.observed == "1 label set more than once on one side: the pairs are ambiguous"
    sketches = vectors(vector(math.nan, histograms=1), vector(1.0), "<", asked)
    assert sketches.observed.startswith("1 of 1 series is without a single value (native histogram) on the left; ")
    partial = vectors(vector(1.0, warnings=("w",)), vector(2.0), "<", asked)
    assert partial.observed == "the answer may be partial, it came with 1 warning: w"


def test_a_scalar_on_the_right_is_held_against_every_series(asked: Asked) -> None:
    scalar = InstantVector(expr="s", evaluation_time=1.0, values=(1.5,), raw_labels=({},), scalar=True)
    assert vectors(pair("a", 1.0, 2.0), scalar, "<", asked).rows == (('{i="1"}', "2", "1.5"),)
