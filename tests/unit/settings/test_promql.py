"""What is a mistake, what is doubtful, and what is fine; Prometheus's own grammar changes with its version."""

from __future__ import annotations

import pytest

from pytest_deploycheck.settings.promql import refusal


@pytest.mark.parametrize(
    "expr",
    [
        "up",
        '{"metric.with.dots"}',
        'sum by (job) (rate(x{a=~"b|c",}[5m])) / 2',
        "histogram_quantile(0.95, sum by (le) (rate(x_bucket[5m])))",
        "limitk(2, x)",
        "info(x)",
        "x[5m:1m]",
        "x @ end()",
        "x == bool 1",
        "x * on (a) group_left () y  # comment",
    ],
)
def test_fine(expr: str) -> None:
    assert refusal(expr) is None


@pytest.mark.parametrize(
    ("expr", "words"),
    [
        ("", "no expression found in input"),
        ("sum by (", "unclosed left parenthesis"),
        ("foo bar", "invalid promql query"),
        ('foo bar{a="smoothed"}', "invalid promql query"),
        ("rate(x)", "expected type matrix in call to function 'rate', got vector"),
        ("rate(x[5m], 1)", "expected 1 argument(s) in call to 'rate', got 2"),
        ("NaN > Inf", "comparisons between scalars must use BOOL modifier"),
        ("last_over_time(x[$__range])", "unexpected character inside brackets: '$'"),
        ('x{a=~"("}', "illegal regex for ("),
        ('x{a=~"(?=y)"}', "illegal regex for (?=y)"),
        ("{}", "vector selector must contain at least one non-empty matcher"),
    ],
)
def test_certainly_wrong(expr: str, words: str) -> None:
    found = refusal(expr)
    assert found is not None
    assert (found.words, found.certain) == (words, True)


@pytest.mark.parametrize(
    "expr",
    [
        "holt_winters(x[5m], 0.5, 0.5)",  # up to 2.x
        "a_function_of_tomorrow(x)",
        "x smoothed",
        "rate(x[5m] anchored)",
        "x offset (1 + 2)",
        "x[5m + 2m]",
        r'x{a=~"\\Qa.b\\E"}',  # RE2 knows it
    ],
)
def test_another_version_may_take_it(expr: str) -> None:
    found = refusal(expr)
    assert found is not None
    assert not found.certain
