"""Panels are judged by values, never by frames; each way of not showing data is told apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pytest_deploycheck.checks.panels import show_data
from pytest_deploycheck.errors import AuthorMistake
from pytest_deploycheck.model.outcome import Outcome
from tests.unit.grafana.builders import NOW, ref, result

if TYPE_CHECKING:
    from pytest_deploycheck.checks.asked import Asked
    from pytest_deploycheck.model.finding import Finding
    from pytest_deploycheck.model.grafana import PanelResult


def judged(asked: Asked, *results: PanelResult, **how: Any) -> Finding:
    return show_data(results, asked, now=NOW, **how)


def test_data(asked: Asked) -> None:
    finding = judged(asked, result(ref(), ref(letter="B", newest=NOW - 60)), result(title="T", skipped="text"))
    assert finding.outcome is Outcome.PASSED
    assert finding.expected == "every panel shows data"
    assert finding.observed == "1 panel with data, 1 that ask nothing"
    assert (finding.sample_time, finding.age) == (NOW - 5, 5.0)
    assert [(one.name, one.value) for one in finding.measures] == [("oldest panel", 5.0), ("panels that show data", 1)]


@pytest.mark.parametrize(
    ("results", "outcome", "observed", "row"),
    [
        ([], Outcome.FAILED, "the dashboard has no panel", None),
        (
            [result(skipped="text")],
            Outcome.INCONCLUSIVE,
            "no data: none of 1 panel asks anything",
            None,
        ),
        (
            [result(ref(0, executed="Expr: x"), row="R")],
            Outcome.FAILED,
            "1 of 1 panel is empty",
            ("R / P", "A", "Expr: x", "no data"),
        ),
        (
            [result(ref(0, points=40))],
            Outcome.FAILED,
            "1 of 1 panel is empty",
            ("P", "A", "", "no number among 40 values"),
        ),
        (
            [result(ref(), title="Q"), result(ref(0, error="parse error", executed="Expr: ("))],
            Outcome.FAILED,
            "1 of 2 panels is in error",
            ("P", "A", "Expr: (", "parse error"),
        ),
        (
            [result(ref(), ref(0, "B"))],
            Outcome.INCONCLUSIVE,
            "query of a panel that shows data brings none",
            ("P", "B", "", "no data"),
        ),
        (
            [result(missing=True, failure="Data source not found")],
            Outcome.FAILED,
            "1 of 1 panel is broken",
            ("P", "", "", "Data source not found"),
        ),
        (
            [result(refused="query A: the variable $job has no value")],
            Outcome.INCONCLUSIVE,
            "1 of 1 panel is not asked",
            ("P", "", "", "query A: the variable $job has no value"),
        ),
        (
            [result(failure="grafana: 500, the server failed")],
            Outcome.INCONCLUSIVE,
            "1 of 1 panel is not measured",
            ("P", "", "", "grafana: 500, the server failed"),
        ),
        (
            [result(ref(unfilled=("job",), executed="Expr: up{job='$job'}"))],
            Outcome.INCONCLUSIVE,
            "1 query executed with a variable in it",
            ("P", "A", "Expr: up{job='$job'}", "$job was not filled"),
        ),
        (
            [result(ref(notices=("partial response",)))],
            Outcome.INCONCLUSIVE,
            "1 query with a warning of the data source",
            ("P", "A", "", "partial response"),
        ),
    ],
)
def test_what_is_no_data(
    asked: Asked, results: list[PanelResult], outcome: Outcome, observed: str, row: tuple[str, ...] | None
) -> None:
    finding = judged(asked, *results)
    assert (finding.outcome, finding.observed) == (outcome, observed)
    assert finding.rows == ((row,) if row else ())


def test_bad_outweighs_doubtful_and_all_is_told(asked: Asked) -> None:
    finding = judged(asked, result(refused="no value"), result(ref(0), title="Q"), notes=["filters are not applied"])
    assert finding.outcome is Outcome.FAILED
    assert finding.observed == "1 of 1 panel is empty; 1 of 2 panels is not asked"
    assert finding.rows == (
        ("Q", "A", "", "no data"),
        ("P", "", "", "no value"),
        ("", "", "", "filters are not applied"),
    )


@pytest.mark.parametrize("name", ["P", 1, "1", "P:A"])
def test_a_panel_that_may_be_empty(asked: Asked, name: str | int) -> None:
    finding = judged(asked, result(ref(0)), result(ref(), title="Q", number=2), may_be_empty=[name])
    assert (finding.outcome, finding.observed) == (Outcome.PASSED, "1 panel with data, 1 empty as they may be")


def test_its_queries_must_run_all_the_same(asked: Asked) -> None:
    finding = judged(asked, result(ref(0, error="boom")), may_be_empty=["P"])
    assert (finding.outcome, finding.observed) == (Outcome.FAILED, "1 of 1 panel is in error")


def test_an_exception_for_a_panel_that_is_not_there(asked: Asked) -> None:
    finding = judged(asked, result(ref()), may_be_empty=["Errors rate", "P:B"])
    assert finding.outcome is Outcome.FAILED
    assert finding.observed == (
        "Errors rate may be empty, and there is no such panel; P:B may be empty, and there is no such panel"
    )


def test_age(asked: Asked) -> None:
    results = [result(ref(newest=NOW - 100)), result(ref(newest=NOW - 10), title="Q")]
    assert judged(asked, *results, max_age=100.0).outcome is Outcome.PASSED
    finding = judged(asked, *results, max_age=99.0)
    assert (finding.outcome, finding.observed) == (Outcome.FAILED, "1 of 2 panels is out of date")
    assert finding.expected == "every panel shows data, none older than 99 s"
    assert finding.rows == (("P", "", "", "its newest value is 100 s old"),)
    with pytest.raises(AuthorMistake):
        judged(asked, max_age=float("nan"))
