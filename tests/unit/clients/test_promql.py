from __future__ import annotations

import pytest

from pytest_deploycheck.clients.promql import (
    LabelMatcher,
    Selector,
    bare_selector,
    is_bare_selector,
    metric_names,
    selectors,
    with_range,
)
from pytest_deploycheck.errors import QueryFailed


@pytest.mark.parametrize(
    ("expr", "texts"),
    [
        ("up", ["up"]),
        ("up{}", ["up"]),
        ("(up)", ["up"]),
        ("up # a comment", ["up"]),
        ('up{job="api", env!~"d.*",}', ['up{job="api", env!~"d.*"}']),
        ('{__name__="up"}', ["up"]),
        ('{__name__="foo.bar"}', ['{__name__="foo.bar"}']),
        ('{__name__=~"a|b", job="x"}', ['{__name__=~"a|b", job="x"}']),
        ("job:errors:rate5m", ["job:errors:rate5m"]),
        ("rate(x[5m]) / rate(y[5m])", ["x[300s]", "y[300s]"]),
        ("x[1m30s]", ["x[90s]"]),
        ("x offset 1w", ["x offset 604800s"]),
        ("x offset -5m", ["x offset -300s"]),
        ("rate(x[5m] offset 1h)", ["x[300s] offset 3600s"]),
        ("x @ 1609746000.5", ["x @ 1609746000.500"]),
        ("x @ end() offset 1m", ["x @ end() offset 60s"]),
        ("x @ start()", ["x @ start()"]),
        ("max_over_time(rate(x[5m])[1h:1m] offset 1d)", ["x[300s]"]),
        ("histogram_quantile(0.95, sum by (le) (rate(l_bucket[5m])))", ["l_bucket[300s]"]),
        ('absent(up{job="a"})', ['up{job="a"}']),
        ("sum by (a) (x) > on(a) group_left y unless z", ["x", "y", "z"]),
        ("topk(3, x) + x", ["x"]),
        ("quantile(scalar(q), x)", ["q", "x"]),
        ('label_replace(up, "a", "$1", "b", "(.*)")', ["up"]),
        ("time() - 5", []),
        ('"hello"', []),
        ("vector(1)", []),
        (r'x{a="q\"uo\\te\n", b=`raw`, c=' + r"'\''}", [r'x{a="q\"uo\\te\n", b="raw", c="' + "'" + '"}']),
        ('x{a=~"foo$|bar$"}', ['x{a=~"foo$|bar$"}']),
        ('{"with.dots", a="1"}', ['{__name__="with.dots", a="1"}']),
    ],
)
def test_selectors(expr: str, texts: list[str]) -> None:
    found = selectors(expr)
    assert [selector.text for selector in found] == texts
    # what is rendered is read again as the same
    assert [selectors(selector.text) for selector in found] == [(selector,) for selector in found]


def test_a_selector_in_full() -> None:
    assert selectors('rate(x{a="1",b!="2",c=~"3",d!~"4"}[5m] @ 12 offset 90s)') == (
        Selector(
            metric="x",
            matchers=(
                LabelMatcher("a", "=", "1"),
                LabelMatcher("b", "!=", "2"),
                LabelMatcher("c", "=~", "3"),
                LabelMatcher("d", "!~", "4"),
            ),
            range=300.0,
            offset=90.0,
            at=12.0,
        ),
    )


def test_series_leaves_out_what_concerns_time() -> None:
    (selector,) = selectors('rate(x{a="1"}[5m] @ end() offset 1m)')
    assert selector.series == 'x{a="1"}'
    assert str(selector) == 'x{a="1"}[300s] @ end() offset 60s'


@pytest.mark.parametrize(
    ("expr", "bare"),
    [
        ("up", True),
        ("((up))", True),
        ('{__name__=~"a|b"}', True),
        ("up offset 1m", False),
        ("up @ 1", False),
        ("up[5m]", False),
        ("up + 0", False),
        ("-up", False),
        ("sum(up)", False),
        ("1", False),
        ('"up"', False),
        ("up[5m:1m]", False),
    ],
)
def test_bare(expr: str, bare: bool) -> None:
    assert is_bare_selector(expr) is bare


def test_not_bare() -> None:
    with pytest.raises(QueryFailed) as caught:
        bare_selector("rate(x[5m])")
    assert str(caught.value) == (
        "only a bare selector has samples with timestamps of their own\n"
        "  at: rate(x[5m])\n"
        "  a function, an operator, a range, an offset or `@` gives evaluation times instead\n"
        '  next: ask for the series itself, such as `requests_total{job="api"}`'
    )


def test_metric_names() -> None:
    assert metric_names('x / y + x{a="1"} + {__name__=~"z.*"} + {__name__="w"}') == ("x", "y", "w")


@pytest.mark.parametrize(
    ("selector", "window", "text"),
    [
        ("up", "5m", "up[300s]"),
        ('up{job="api"}', 0.5, 'up{job="api"}[500ms]'),
        ("up offset 1h", "1m30s", "up[90s] offset 3600s"),
        (Selector(metric="up", at="end()"), 60.0, "up[60s] @ end()"),
    ],
)
def test_with_range(selector: str | Selector, window: str | float, text: str) -> None:
    assert with_range(selector, window) == text


@pytest.mark.parametrize(
    ("selector", "window", "message"),
    [
        (
            "up[5m]",
            "5m",
            "the selector has a range already\n  at: up[5m]\n  next: leave the `[…]` out",
        ),
        (
            "up",
            "5",
            'not a window: not a duration: \'5\'\n  at: up\n  next: write it as PromQL does, such as "5m" or "1m30s"',
        ),
        (
            "up",
            0.0,
            (
                "not a window: a PromQL window is at least 1ms, and finite: 0.0 s\n  at: up\n"
                '  next: write it as PromQL does, such as "5m" or "1m30s"'
            ),
        ),
        (
            "rate(x[5m])",
            "5m",
            (
                "a selector was expected, and this is an expression over selectors\n  at: rate(x[5m])\n"
                '  next: write only a metric with its labels, such as `up{job="api"}`'
            ),
        ),
    ],
)
def test_no_window(selector: str, window: str | float, message: str) -> None:
    with pytest.raises(QueryFailed) as caught:
        with_range(selector, window)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("expr", "reason"),
    [
        ("", "no expression found in input"),
        ("up{", "unexpected end of input inside braces"),
        ("x y", "invalid promql query"),
        ("{}", "vector selector must contain at least one non-empty matcher"),
        ("rate(x)", "expected type matrix in call to function 'rate', got vector"),
        ("nosuch(x)", "unknown function with name 'nosuch'"),
        ("nope default 0", "invalid promql query"),
    ],
)
def test_not_promql(expr: str, reason: str) -> None:
    with pytest.raises(QueryFailed) as caught:
        selectors(expr)
    where = f"  at: {expr}\n" if expr else ""
    assert str(caught.value) == (
        f"not PromQL: {reason}\n"
        f"{where}"
        "  next: try it on the server's own page; MetricsQL's extensions cannot be analysed here"
    )


@pytest.mark.parametrize(
    ("expr", "variable"),
    [
        ("rate(x[$__rate_interval])", "$__rate_interval"),
        ('x{job="$job"}', "$job"),
        ('x{job=~"${job:regex}"}', "${job:regex}"),
        ('x{job=~"[[job]]"}', "[[job]]"),
        ("$metric", "$metric"),
    ],
)
def test_template_variables_are_refused(expr: str, variable: str) -> None:
    with pytest.raises(QueryFailed) as caught:
        selectors(expr)
    assert str(caught.value) == (
        f"the template variable {variable} has no value\n"
        f"  at: {expr}\n"
        "  a server takes it literally: it matches nothing, and no error is given\n"
        "  next: put the value in its place (a dashboard's variables have one each; $__interval and $__range a time)"
    )


def test_or_between_matchers_is_metricsql() -> None:
    with pytest.raises(QueryFailed) as caught:
        selectors('{a="b" or c="d"}')
    assert str(caught.value) == (
        "`or` between the matchers of one selector is MetricsQL, not PromQL\n"
        '  at: {a="b" or c="d"}\n'
        "  next: write two selectors with `or` between them"
    )


@pytest.mark.parametrize(
    "expr", ["1" + "+1" * 2000, "(" * 10_000, "-" * 19_000 + "up", "up" + " or up" * 2000, "a" * 20_001]
)
def test_what_would_end_the_process_is_refused(expr: str) -> None:
    with pytest.raises(QueryFailed, match=r"^too big to be analysed here: ") as caught:
        selectors(expr)
    assert len(str(caught.value)) < 400


def test_a_long_but_flat_expression_is_read() -> None:
    values = "|".join(f"value-{number}=(x)" for number in range(500))
    (selector,) = selectors(f'x{{a=~"{values}"}}')
    assert selector.matchers[0].value == values
