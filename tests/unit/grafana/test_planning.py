"""From dashboards to questions: rows, repeats, data sources, times; what cannot be asked says why."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.grafana.builders import NOW, dashboard, exprs, panel, planned

JOBS = {"name": "job", "type": "custom", "query": "a,b", "multi": True, "current": {"value": ["a", "b"]}}


def only(*panels: dict[str, Any], **fields: Any) -> Any:
    (found,) = planned(dashboard(*panels, **fields))
    return found


def test_a_question() -> None:
    found = only(panel('up{job="x"}', maxDataPoints=100, interval="30s"))
    assert found.letters == ("A",)
    assert found.promql == {"A"}
    assert found.body == {
        "from": "now-900s",
        "to": "now",
        "queries": [
            {
                "refId": "A",
                "expr": 'up{job="x"}',
                "datasource": {"type": "prometheus", "uid": "prom"},
                "intervalMs": 30000,
                "maxDataPoints": 100,
            }
        ],
    }


def test_rows_of_every_kind_are_walked() -> None:
    found = dashboard(
        panel("a", id=1),
        {"type": "row", "id": 2, "title": "open", "panels": []},
        panel("b", id=3),
        {"type": "row", "id": 4, "title": "shut", "collapsed": True, "panels": [panel("c", id=5), panel("d", id=6)]},
        panel("copy", id=7, repeatPanelId=3),  # saved by an old Grafana beside what it repeats
    )
    assert [(one.id, one.row) for one in found.panels] == [(1, ""), (3, "open"), (5, "shut"), (6, "shut")]
    assert exprs(found) == ["a", "b", "c", "d"]


def test_repeats() -> None:
    found = dashboard(
        {"type": "row", "title": "R", "repeat": "job", "panels": [panel("row $job", title="of $job")]},
        panel("x $job", repeat="job", title="P"),
        variables=[JOBS],
    )
    # the row repeats what follows it as well, and a panel may repeat once more
    assert [one.title for one in planned(found)] == ["of a [job=a]", "of b [job=b]", "P [job=a]", "P [job=b]"]
    assert exprs(found) == ["row a", "row b", "x a", "x b"]


def test_hidden_queries_are_left_out_unless_an_expression_works_on_them() -> None:
    targets: list[dict[str, Any]] = [{"refId": "A", "expr": "a", "hide": True}, {"refId": "B", "expr": "b"}]
    assert only(panel(targets=targets)).letters == ("B",)
    expression = {"refId": "C", "type": "math", "expression": "$A / $B", "datasource": {"uid": "__expr__"}}
    found = only(panel(targets=[*targets, expression]))
    assert found.letters == ("B", "C")
    assert [(one["refId"], one.get("hide")) for one in found.body["queries"]] == [("A", True), ("B", None), ("C", None)]
    assert found.body["queries"][2]["expression"] == "$A / $B"


def test_data_sources() -> None:
    def asked(**fields: Any) -> list[str]:
        return [one["datasource"]["uid"] for one in only(panel(**fields)).body["queries"]]

    assert asked() == ["prom"]  # the default one
    assert asked(datasource="Edge") == ["edge"]
    assert asked(datasource={"uid": "edge"}) == ["edge"]
    assert asked(datasource={"type": "loki"}) == ["loki"]
    mixed = [{"refId": "A", "datasource": {"uid": "loki"}}, {"refId": "B", "datasource": {"uid": "edge"}}]
    assert asked(datasource={"uid": "-- Mixed --"}, targets=mixed) == ["loki", "edge"]
    variable = {"name": "ds", "type": "datasource", "query": "prometheus", "current": {"value": "edge"}}
    found = only(panel(datasource={"uid": "${ds}", "type": "prometheus"}), variables=[variable])
    assert found.body["queries"][0]["datasource"] == {"type": "prometheus", "uid": "edge"}


def test_a_panels_own_time() -> None:
    assert only(panel(timeFrom="2h")).body["from"] == "now-7200s"
    (cut,) = planned(dashboard(panel(timeFrom="2h")), longest=600.0)
    assert cut.body is not None
    assert cut.body["from"] == "now-600s"
    shifted = only(panel(timeShift="1d")).body
    assert (shifted["from"], shifted["to"]) == (f"{(NOW - 87300) * 1000:.0f}", f"{(NOW - 86400) * 1000:.0f}")


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"type": "text", "targets": []}, "a panel of the type text asks nothing"),
        ({"datasource": {"uid": "-- Grafana --"}}, "Grafana's own data source makes its data in the browser"),
        (
            {"datasource": {"uid": "-- Dashboard --"}, "targets": [{"refId": "A", "panelId": 1}]},
            "it shows the result of panel 1",
        ),
    ],
)
def test_what_asks_nothing_rightly(fields: dict[str, Any], why: str) -> None:
    found = only(panel(**fields))
    assert (found.body, found.skipped, found.refused) == (None, why, "")


@pytest.mark.parametrize(
    ("fields", "why", "missing"),
    [
        ({"targets": [{"refId": "A", "expr": "$jub"}]}, "query A: the variable $jub has no value", False),
        (
            {"targets": [{"refId": "A", "expr": "${job:date}"}]},
            "query A: the format of ${job:date} is not known here",
            False,
        ),
        ({"targets": [{"refId": "A", "expr": "x", "hide": True}]}, "all its queries are hidden", False),
        ({"targets": []}, "it has no query", True),
        ({"datasource": "Gone"}, "query A: there is no data source Gone", True),
        ({"datasource": {"uid": "$ds"}}, "query A: the variable $ds of its data source has no value", False),
        ({"datasource": {"uid": "-- Mixed --"}}, "query A: none of the mixed data sources is named", True),
        (
            {"datasource": {"uid": "-- Dashboard --"}, "targets": [{"refId": "A", "panelId": 9}]},
            "it shows the result of panel 9, which is not there",
            True,
        ),
        ({"repeat": "jub"}, "the variable $jub has no value", False),
    ],
)
def test_what_cannot_be_asked_says_why(fields: dict[str, Any], why: str, missing: bool) -> None:
    found = only(panel(**fields), variables=[JOBS])
    assert (found.body, found.skipped, found.refused, found.missing) == (None, "", why, missing)


def test_a_variable_without_a_value_says_why_it_has_none() -> None:
    variable = {"name": "node", "type": "query", "query": "metrics(x)"}
    found = only(panel("up{node='$node'}"), variables=[variable])
    assert found.refused == (
        "query A: the variable $node has no value: no value is saved, and its query could not be asked"
    )
