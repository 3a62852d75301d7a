"""What variables stand for when a dashboard is opened."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pytest_deploycheck.clients.grafana import classic
from pytest_deploycheck.clients.grafana.templating import Chosen, LabelQuestion, resolve
from pytest_deploycheck.errors import AuthorMistake
from tests.unit.grafana.builders import sources

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_deploycheck.model.grafana import DataSource

VALUES = {
    LabelQuestion(label="job"): ["api", "web", "batch"],
    LabelQuestion(label="instance", selector='up{job="web"}'): ["w1:80", "w2:80"],
    LabelQuestion(label="none"): [],
}


def chosen(*variables: dict[str, Any], given: dict[str, Any] | None = None) -> Chosen:
    def ask(source: DataSource, question: LabelQuestion) -> Sequence[str] | None:
        assert source.uid == "prom"
        return VALUES.get(question)

    document = {"templating": {"list": [{"type": "query", **one} for one in variables]}}
    return resolve(classic.variables(document), given or {}, sources(), ask)


def values(*variables: dict[str, Any], given: dict[str, Any] | None = None) -> dict[str, tuple[str, ...]]:
    return {name: value.values for name, value in chosen(*variables, given=given).scope.items()}


def current(value: object) -> dict[str, Any]:
    return {"current": {"text": "T", "value": value}}


def test_saved_values() -> None:
    assert values(
        {"name": "a", "query": "label_values(x)", **current("1")},
        {"name": "b", "query": "query_result(x)", "multi": True, **current(["1", "2"])},
        {"name": "c", "type": "constant", "query": "k"},
        {"name": "t", "type": "textbox", "query": "default", **current("typed")},
        {"name": "i", "type": "interval", "query": "1m,5m", **current("5m")},
        {"name": "j", "type": "interval", "query": "1m,5m", **current("$__auto_interval_j")},
        {"name": "l", "type": "custom", "query": "One : 1, two"},
    ) == {
        "a": ("1",),
        "b": ("1", "2"),
        "c": ("k",),
        "t": ("typed",),
        "i": ("5m",),
        "j": ("$__interval",),
        "l": ("1",),
    }


def test_values_that_are_given_win() -> None:
    variable = {"name": "job", "query": "label_values(x)", "multi": True, **current("old")}
    assert values(variable, given={"job": "new"}) == {"job": ("new",)}
    assert values(variable, given={"job": ["n", "m"]}) == {"job": ("n", "m")}


def test_a_value_for_a_variable_that_is_not_there() -> None:
    with pytest.raises(AuthorMistake) as caught:
        values({"name": "job"}, given={"jub": "x"})
    assert str(caught.value) == (
        "a value is given for the variable 'jub', and the dashboard has none of that name\n"
        "  it has: job\n"
        "  next: mend the name in `variables`"
    )


def test_labels_are_asked_for_as_when_the_dashboard_is_opened() -> None:
    job = {"name": "job", "query": "label_values(job)", "refresh": 1}
    instance = {"name": "instance", "query": {"query": 'label_values(up{job="$job"}, instance)'}, "refresh": 2}
    assert values({**job, **current("web")}, instance) == {"job": ("web",), "instance": ("w1:80",)}
    # what was saved in another environment is not there: the first one, as Grafana takes
    assert values({**job, **current("gone")}) == {"job": ("api",)}
    assert values({**job, "regex": "/^(w.*|b.*)$/"}) == {"job": ("web",)}
    assert values({**job, "regex": "/(?<=b)at/"}) == {"job": ("batch",)}
    # "never": what is saved counts, and nobody is asked
    assert values({**job, "refresh": 0, **current("gone")}) == {"job": ("gone",)}


def test_all() -> None:
    job = {"name": "job", "query": "label_values(job)", "refresh": 1, "includeAll": True, **current(["$__all"])}
    assert values(job) == {"job": ("api", "web", "batch")}
    assert values({**job, "allValue": ".+"}) == {"job": (".+",)}
    assert values({**job, "query": "query_result(x)"}) == {"job": (".*",)}  # not asked: any, in a regular expression
    # nothing saved, and "All" can be chosen: it is
    assert values({**job, "current": {}}) == {"job": ("api", "web", "batch")}
    options = {"options": [{"value": "$__all"}, {"value": "1"}, {"value": "2"}]}
    assert values({**job, "type": "custom", "query": "1,2", **options}) == {"job": ("1", "2")}


def test_data_sources() -> None:
    variable = {"name": "ds", "type": "datasource", "query": "prometheus"}
    assert values({**variable, **current("edge")}) == {"ds": ("edge",)}
    assert values({**variable, **current("Edge")}) == {"ds": ("edge",)}  # older files have the name
    assert values({**variable, **current("default")}) == {"ds": ("prom",)}
    assert values({**variable, **current("gone")}) == {"ds": ("prom",)}
    assert values({**variable, "regex": "/^E/"}) == {"ds": ("edge",)}


def test_what_has_no_value_says_why() -> None:
    found = chosen(
        {"name": "a", "query": "metrics(x)"},
        {"name": "b", "query": "label_values(none)", "refresh": 1, **current("x")},
        {"name": "c", "type": "datasource", "query": "influxdb"},
        {"name": "d", "type": "textbox"},
        {
            "name": "e",
            "query": "x",
            "datasource": {"type": "mysql", "uid": "m"},
            "includeAll": True,
            **current("$__all"),
        },
        {"name": "f", "type": "adhoc", "filters": [{"key": "job", "operator": "=", "value": "x"}]},
    )
    assert {name: value.values for name, value in found.scope.items()} == {"d": ("",)}  # an empty text is one
    assert found.without == {
        "a": "no value is saved, and its query could not be asked",
        "b": "its query brings no value",
        "c": "there is no data source of the type influxdb",
        "e": "all values are chosen, and they are not known",
    }
    assert found.notes == ("the ad hoc filters of f are not applied",)
