"""Variables are filled as Grafana fills them, or named as having no value."""

from __future__ import annotations

import pytest

from pytest_deploycheck.clients.grafana.interpolation import Scope, Value, fill, fill_query

SCOPE: Scope = {
    "job": Value(values=("a.b",)),
    "jobs": Value(values=("a.b", "c'd"), several=True),
    "one": Value(values=("a.b",), several=True),
    "all": Value(values=(".+ $job",), several=True, ready=True),
    "named": Value(values=("1", "2"), texts=("One", "Two"), several=True),
}


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ('up{job="$job"}', 'up{job="a.b"}'),
        ('up{job=~"${jobs}"}', 'up{job=~"(a\\\\.b|c\\\\\'d)"}'),
        ('up{job=~"[[one]]"}', 'up{job=~"a\\\\.b"}'),  # several could be chosen: escaped, though there is one
        ('up{job=~"$all"}', 'up{job=~".+ a.b"}'),  # what "All" stands for is not escaped, and is filled itself
        ("${jobs:regex}", "(a\\.b|c'd)"),
        ("${jobs:csv} ${jobs:pipe} ${jobs:json}", 'a.b,c\'d a.b|c\'d ["a.b","c\'d"]'),
        ("${jobs:glob} ${job:glob}", "{a.b,c'd} a.b"),
        ("${jobs:singlequote} ${jobs:doublequote}", "'a.b','c\\'d' \"a.b\",\"c'd\""),
        ("${jobs:sqlstring}", "'a.b','c''d'"),
        ("${jobs:percentencode}", "%7Ba.b%2Cc%27d%7D"),
        ("${jobs:lucene} ${job:lucene}", '("a.b" OR "c\'d") a.b'),
        ("${jobs:distributed} ${jobs:queryparam}", "a.b,jobs=c'd var-jobs=a.b&var-jobs=c%27d"),
        ("${jobs:join:;} ${jobs:raw} ${job:html}", "a.b;c'd a.b,c'd a.b"),
        ("${named:text}", "One + Two"),
        ("[[jobs:pipe]]", "a.b|c'd"),
        # left to the server, to regular expressions, and to whoever writes a lone dollar
        ("rate(x[$__rate_interval]) ${__interval} $__range_s", "rate(x[$__rate_interval]) ${__interval} $__range_s"),
        ('label_replace(x, "a", "$1", "b", "(.*)$") ${2}', 'label_replace(x, "a", "$1", "b", "(.*)$") ${2}'),
    ],
)
def test_filled(text: str, filled: str) -> None:
    found = fill(text, SCOPE, "prometheus")
    assert (found.result, found.unresolved) == (filled, ())


@pytest.mark.parametrize(
    ("text", "unresolved"),
    [
        ('up{job="$jub"}', ("jub",)),
        ("$jub ${jub} [[other]]", ("jub", "other")),
        ("${job:date:iso}", ("job:date:iso",)),
        ("${job.name}", ("job.name",)),
        ("${__interval:raw} $__from", ("__interval", "__from")),
        ("$__timeFilter(time)", ("__timeFilter",)),  # a macro of SQL is none of PromQL
    ],
)
def test_what_has_no_value_is_named_and_left(text: str, unresolved: tuple[str, ...]) -> None:
    found = fill(text, SCOPE, "prometheus")
    assert (found.result, found.unresolved) == (text, unresolved)


@pytest.mark.parametrize(
    ("source_type", "filled"),
    [
        ("prometheus", "(a\\\\.b|c\\\\'d)"),
        ("loki", "(a\\\\.b|c\\\\'d)"),
        ("mysql", "'a.b','c''d'"),
        ("influxdb", "(a\\.b|c'd)"),
        ("elasticsearch", '("a.b" OR "c\'d")'),
        ("graphite", "{a.b,c'd}"),
        ("some-plugin", "{a.b,c'd}"),
    ],
)  # fmt: skip
def test_each_data_source_writes_values_in_its_own_way(source_type: str, filled: str) -> None:
    assert fill("$jobs", SCOPE, source_type).result == filled


def test_macros_of_sql_are_left_to_it() -> None:
    found = fill("SELECT $__timeGroup(t, '1m') WHERE $__timeFilter(t) AND job IN ($jobs)", SCOPE, "postgres")
    assert found.unresolved == ()
    assert found.result == "SELECT $__timeGroup(t, '1m') WHERE $__timeFilter(t) AND job IN ('a.b','c''d')"


def test_a_query_is_filled_wherever_it_has_text() -> None:
    query = {"expr": "$job", "legendFormat": "{{x}} $nothing $job", "nested": [{"deep": "${job}"}], "n": 5, "f": None}
    found = fill_query(query, SCOPE, "prometheus")
    assert found.unresolved == ()  # a legend that is not filled asks nothing wrong
    assert found.result == {
        "expr": "a.b",
        "legendFormat": "{{x}} $nothing a.b",
        "nested": [{"deep": "a.b"}],
        "n": 5,
        "f": None,
    }


def test_backslashes_and_quotes_stay_in_their_string() -> None:
    scope = {"path": Value(values=("C:\\x'y",)), "paths": Value(values=("C:\\x",), several=True)}
    assert fill('a="$path"', scope, "prometheus").result == 'a="C:\\\\x\\\'y"'
    assert fill('a=~"$paths"', scope, "prometheus").result == 'a=~"C:\\\\\\\\x"'
