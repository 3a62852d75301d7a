from __future__ import annotations

import contextlib
import math
import operator
from typing import TYPE_CHECKING, get_args

from hypothesis import given
from hypothesis import strategies as st

from pytest_deploycheck.checks.asked import Asked
from pytest_deploycheck.checks.comparison import Operator
from pytest_deploycheck.checks.freshness import ages, combine, heartbeat, increase
from pytest_deploycheck.checks.labels import labels
from pytest_deploycheck.checks.patterns import UnsupportedPattern, compile_go
from pytest_deploycheck.checks.thresholds import compare, compare_range, traffic_floor, value_range, vectors
from pytest_deploycheck.checks.wording import quantity, seconds
from pytest_deploycheck.model.finding import Finding
from pytest_deploycheck.model.outcome import Outcome
from pytest_deploycheck.model.prometheus import InstantVector, RangeVector, Sample, Series

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

ASKED = Asked("q", "s")
NOW = 1_800_000_000.0
FUNCTIONS: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}

operators: st.SearchStrategy[Operator] = st.sampled_from(get_args(Operator))
numbers = st.floats(allow_nan=False) | st.sampled_from([0.0, 1.0, -1.0, math.inf, -math.inf])
finite = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-3, 3).map(float)
anything = st.floats() | st.just(math.nan) | st.integers(-3, 3).map(float)


def vector(pairs: Sequence[tuple[int, float]], warnings: tuple[str, ...] = ()) -> InstantVector:
    """A vector whose series keep their labels in any order."""
    return InstantVector(
        expr="x",
        evaluation_time=NOW,
        values=[value for _, value in pairs],
        raw_labels=[{"i": str(name)} for name, _ in pairs],
        warnings=warnings,
    )


def numbered(values: Sequence[float]) -> list[tuple[int, float]]:
    return list(enumerate(values))


def judgements(answer: InstantVector) -> list[Finding]:
    """Every judgement of an instant vector that takes nothing else."""
    found: list[Finding] = [compare(answer, op, 1.0, ASKED) for op in get_args(Operator)]
    found += [
        value_range(answer, ASKED, minimum=-1, maximum=1),
        value_range(answer, ASKED, minimum=-math.inf),
        traffic_floor(answer, -math.inf, ASKED),
        ages(answer, 60, ASKED),
        heartbeat(answer, 60, ASKED),
        increase(answer, 1, ASKED),
        vectors(answer, answer, "<=", ASKED),
        vectors(answer, answer, "!=", ASKED),
    ]
    return found


@given(values=st.lists(finite, min_size=1), op=operators, bound=finite)
def test_compare_is_all_of_the_comparisons(values: list[float], op: Operator, bound: float) -> None:
    expected = all(FUNCTIONS[op](value, bound) for value in values)
    finding = compare(vector(numbered(values)), op, bound, ASKED)
    assert finding.outcome is (Outcome.PASSED if expected else Outcome.FAILED)
    offenders = sum(not FUNCTIONS[op](value, bound) for value in values)
    assert len(finding.rows) + finding.omitted == offenders


@given(values=st.lists(anything), more=numbers, op=operators, bound=numbers)
def test_a_violation_more_never_makes_it_better(values: list[float], more: float, op: Operator, bound: float) -> None:
    before = compare(vector(numbered(values)), op, bound, ASKED)
    after = compare(vector(numbered([*values, more])), op, bound, ASKED)
    if not FUNCTIONS[op](more, bound):
        assert after.outcome is Outcome.FAILED
    if before.outcome is Outcome.FAILED:
        assert after.outcome is Outcome.FAILED


@given(values=st.lists(anything), at=st.integers(0, 20))
def test_nan_never_passes(values: list[float], at: int) -> None:
    spoilt = [*values[:at], math.nan, *values[at:]]
    assert Outcome.PASSED not in {finding.outcome for finding in judgements(vector(numbered(spoilt)))}


def test_empty_never_passes() -> None:
    assert {finding.outcome for finding in judgements(vector([]))} == {Outcome.INCONCLUSIVE}
    assert labels([], ASKED, required={"a": ".*"}).outcome is Outcome.INCONCLUSIVE


@given(values=st.lists(anything))
def test_an_answer_with_warnings_never_passes(values: list[float]) -> None:
    found = judgements(vector(numbered(values), warnings=("partial",)))
    assert Outcome.PASSED not in {finding.outcome for finding in found}


@given(pairs=st.lists(anything, max_size=30).map(numbered), data=st.data())
def test_the_order_of_the_series_shows_nowhere(pairs: list[tuple[int, float]], data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(pairs))
    assert judgements(vector(pairs)) == judgements(vector(shuffled))


@given(outcomes=st.lists(st.sampled_from(list(Outcome)), min_size=1), data=st.data())
def test_the_outcome_of_combining_does_not_depend_on_the_order(outcomes: list[Outcome], data: st.DataObject) -> None:
    found = [
        Finding(
            outcome=one, asked="q", system="s", expected=f"e{at}", observed="o", columns=("c",), rows=((f"r{at}",),)
        )
        for at, one in enumerate(outcomes)
    ]
    combined = combine(found)
    shuffled = combine(data.draw(st.permutations(found)))
    assert combined.outcome is shuffled.outcome
    assert len(combined.rows) == len(found)
    assert combined.passed == all(finding.passed for finding in found)


@given(points=st.lists(st.none() | anything, max_size=25), op=operators, bound=finite)
def test_a_window_passes_only_if_it_is_covered_and_every_point_holds(
    points: list[float | None], op: Operator, bound: float
) -> None:
    samples = tuple(Sample(NOW + 60 * at, value) for at, value in enumerate(points) if value is not None)
    answer = RangeVector(expr="x", start=NOW, end=NOW + 60 * 9, step=60.0, series=(Series({}, samples),))
    known = [sample.value for sample in samples if not math.isnan(sample.value) and sample.timestamp <= answer.end]
    good = all(FUNCTIONS[op](value, bound) for value in known)
    expected = Outcome.FAILED if not good else Outcome.PASSED if len(known) >= 9 else Outcome.INCONCLUSIVE
    assert compare_range(answer, op, bound, ASKED, step=60).outcome is expected


@given(value=st.floats(), unit=st.sampled_from(["", "s", "B", "ratio", "req/s"]), beside=st.floats())
def test_every_float_can_be_worded(value: float, unit: str, beside: float) -> None:
    assert quantity(value, unit)
    assert seconds(value)
    if value != beside and not (math.isnan(value) or math.isnan(beside)) and unit != "ratio":
        assert quantity(value, unit, beside) != quantity(beside, unit)


@given(pattern=st.text(alphabet="ab.*+?|()[]^$\\:-{},&~QEzdpx0i<P>"), text=st.text(alphabet="ab.-"))
def test_an_expression_is_read_or_refused_and_nothing_else(pattern: str, text: str) -> None:
    with contextlib.suppress(UnsupportedPattern):
        compile_go(pattern).fullmatch(text)
