"""Dashboards of both schemas and all APIs, and their search, against real HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_deploycheck.clients.grafana.dashboards import dashboard
from pytest_deploycheck.errors import Forbidden, Malformed, NotFound
from pytest_deploycheck.sandbox.endpoints import Reply
from tests.servers.fixed_grafana import error, grafana

DENIED = "You'll need additional permissions to perform this action. Permissions needed: dashboards:read"


def hits(*names: str) -> list[dict[str, Any]]:
    return [{"uid": name, "title": name, "type": "dash-db", "tags": [], "folderTitle": "F"} for name in names]


def test_the_search_is_read_to_its_end() -> None:
    def search(query: str, _body: Any) -> Any:
        page = int(query.rpartition("page=")[2])
        return hits(*(f"d{number}" for number in range((page - 1) * 1000, min(page * 1000, 2100))))

    with grafana({"GET /api/search": search}) as (client, fixed, _w):
        assert len(client.search(tag="ops", title="a b", folder_uid="f")) == 2100
        assert fixed.asked[0] == "GET /api/search?type=dash-db&limit=1000&query=a+b&tag=ops&folderUIDs=f&page=1"
        assert len(fixed.asked) == 3


def test_a_search_that_never_ends() -> None:
    same = hits(*(f"d{number}" for number in range(1000)))
    with grafana({"GET /api/search": same}) as (client, _, _w):
        with pytest.raises(Malformed) as caught:
            client.search()
        assert caught.value.what == "grafana: page 2 of the search is the one before it again"


CLASSIC = {
    "dashboard": {
        "title": "Journal",
        "tags": ["ops"],
        "panels": [
            {"id": 1, "title": "P", "type": "stat", "targets": [{"refId": "A", "expr": "up"}]},
            {"id": 2, "title": "own", "libraryPanel": {"uid": "lib", "name": "Shared"}},
            {"id": 3, "libraryPanel": {"uid": "gone", "name": "Gone"}},
        ],
        "templating": {"list": [{"name": "job", "type": "custom", "query": "a"}]},
    },
    "meta": {"slug": "journal", "folderTitle": "Ops", "folderUid": "ops", "provisioned": True, "version": 4,
             "provisionedExternalId": "journal.json"},
}  # fmt: skip
LIBRARY = {"result": {"uid": "lib", "model": {"type": "gauge", "targets": [{"refId": "Z", "expr": "x"}]}}}


def test_a_classic_dashboard_with_library_panels() -> None:
    answers = {
        "GET /api/dashboards/uid/j": CLASSIC,
        "GET /api/library-elements/lib": LIBRARY,
        "GET /api/library-elements/gone": error(404, "library element could not be found"),
    }
    with grafana(answers) as (client, _, _w):
        found = dashboard(client, "j")
        assert found is not None
        assert (found.title, found.folder, found.provisioned, found.origin, found.version) == (
            "Journal", "Ops", True, "journal.json", 4,
        )  # fmt: skip
        assert [(one.id, one.title, one.type, [q.ref_id for q in one.queries]) for one in found.panels] == [
            (1, "P", "stat", ["A"]),
            (2, "own", "gauge", ["Z"]),
            (3, "", "", []),
        ]
        assert [one.name for one in found.variables] == ["job"]
        assert found.schema == "v1"


def resource(spec: dict[str, Any], version: str = "v2beta1", **more: Any) -> dict[str, Any]:
    annotations = {"grafana.app/folder": "ops", "grafana.app/managedBy": "repo", "grafana.app/sourcePath": "v.json"}
    return {
        "kind": "Dashboard",
        "apiVersion": f"dashboard.grafana.app/{version}",
        "metadata": {"name": "v", "generation": 3, "annotations": annotations},
        "spec": spec,
        **more,
    }


def element(name: str, query: dict[str, Any], **beside: Any) -> dict[str, Any]:
    queries = [{"kind": "PanelQuery", "spec": {"refId": "A", "hidden": False, "query": query, **beside}}]
    spec = {
        "id": 7, "title": name, "vizConfig": {"kind": "VizConfig", "group": "stat"},
        "data": {"kind": "QueryGroup", "spec": {"queries": queries, "queryOptions": {"maxDataPoints": 50}}},
    }  # fmt: skip
    return {"kind": "Panel", "spec": spec}


def item(name: str, **spec: Any) -> dict[str, Any]:
    return {"kind": "GridLayoutItem", "spec": {"element": {"kind": "ElementReference", "name": name}, **spec}}


BETA = {"kind": "DataQuery", "group": "prometheus", "datasource": {"name": "prom"}, "spec": {"expr": "a"}}
ALPHA = {"kind": "prometheus", "spec": {"expr": "b"}}
ELEMENTS = {
    "title": "Vectors",
    "elements": {
        "one": element("one", BETA),
        "two": element("two", ALPHA, datasource={"type": "prometheus", "uid": "edge"}),
        "three": {"kind": "LibraryPanel", "spec": {"id": 9, "libraryPanel": {"uid": "lib", "name": "Shared"}}},
        "unplaced": element("unplaced", BETA),
    },
    "variables": [
        {"kind": "CustomVariable", "spec": {"name": "job", "current": {"value": ["a"], "text": ["A"]}, "multi": True}},
        {"kind": "SwitchVariable", "spec": {"name": "on", "current": "true"}},
        {"kind": "DatasourceVariable", "spec": {"name": "ds", "pluginId": "prometheus", "current": {"value": "prom"}}},
    ],
    "layout": {
        "kind": "TabsLayout",
        "spec": {
            "tabs": [
                {
                    "kind": "TabsLayoutTab",
                    "spec": {
                        "title": "T",
                        "layout": {
                            "kind": "RowsLayout",
                            "spec": {
                                "rows": [
                                    {
                                        "kind": "RowsLayoutRow",
                                        "spec": {
                                            "title": "R",
                                            "repeat": {"mode": "variable", "value": "job"},
                                            "layout": {"kind": "GridLayout", "spec": {"items": [item("one")]}},
                                        },
                                    }
                                ]
                            },
                        },
                    },
                },
                {
                    "kind": "TabsLayoutTab",
                    "spec": {
                        "title": "U",
                        "layout": {
                            "kind": "AutoGridLayout",
                            "spec": {"items": [item("two", repeat={"mode": "variable", "value": "on"}), item("three")]},
                        },
                    },
                },
            ]
        },
    },
}


def test_a_dashboard_of_the_new_schema() -> None:
    path = "/apis/dashboard.grafana.app/v2beta1/namespaces/default/dashboards/v"
    answers = {
        "GET /api/dashboards/uid/v": error(406, f"dashboard api version not supported, use {path} instead"),
        f"GET {path}": resource(ELEMENTS),
        "GET /api/library-elements/lib": LIBRARY,
    }
    with grafana(answers) as (client, fixed, _w):
        found = dashboard(client, "v")
        assert found is not None
        assert (found.schema, found.title, found.folder_uid, found.provisioned, found.origin, found.version) == (
            "v2", "Vectors", "ops", True, "v.json", 3,
        )  # fmt: skip
        assert [(one.title, one.type, one.row, one.repeat) for one in found.panels] == [
            ("one", "stat", "R", ("job",)),
            ("two", "stat", "U", ("on",)),
            ("Shared", "gauge", "U", ()),
        ]
        sources = [one.queries[0].source for one in found.panels[:2]]
        assert [(one.uid, one.type) for one in sources if one is not None] == [
            ("prom", "prometheus"), ("edge", "prometheus"),
        ]  # fmt: skip
        assert [(one.name, one.kind, one.current) for one in found.variables] == [
            ("job", "custom", ("a",)), ("on", "switch", ("true",)), ("ds", "datasource", ("prom",)),
        ]  # fmt: skip
        assert found.panels[0].max_points == 50
        assert fixed.asked[1] == f"GET {path}"


def test_a_server_that_cannot_convert_is_asked_for_what_is_stored() -> None:
    alpha = "/apis/dashboard.grafana.app/v2alpha1/namespaces/default/dashboards/v"
    beta = alpha.replace("v2alpha1", "v2beta1")
    failed = {"status": {"conversion": {"failed": True, "storedVersion": "v2beta1", "error": "not implemented"}}}
    answers = {
        "GET /api/dashboards/uid/v": error(406, f"dashboard api version not supported, use {alpha} instead"),
        f"GET {alpha}": resource({"title": "Vectors"}, "v2alpha1", **failed),
        f"GET {beta}": resource({**ELEMENTS, "layout": None}),
        "GET /api/library-elements/lib": LIBRARY,
    }
    with grafana(answers) as (client, _, _w):
        found = dashboard(client, "v")
        assert found is not None
        assert [one.title for one in found.panels] == ["one", "two", "Shared", "unplaced"]


def test_a_grafana_that_has_only_the_new_api() -> None:
    group = {"versions": [{"version": "v1beta1"}, {"version": "v2alpha1"}, {"version": "v2beta1"}, {"version": "v0x"}]}
    answers = {
        "GET /apis/dashboard.grafana.app/": group,
        "GET /apis/dashboard.grafana.app/v2beta1/namespaces/org-2/dashboards/v": resource(
            {"title": "C", "panels": [{"id": 1, "type": "stat"}]}
        ),
    }
    with grafana(answers) as (client, _, _w):
        found = dashboard(client, "v", org_id=2)
        assert found is not None
        assert (found.schema, found.title, len(found.panels)) == ("v1", "C", 1)


def test_dashboards_that_cannot_be_read() -> None:
    path = "GET /api/dashboards/uid/x"
    with grafana({path: error(404, "Dashboard not found")}) as (client, _, _w):
        assert dashboard(client, "x") is None
    for answer, kind, what in (
        (Reply(404, b"404 page not found", "text/plain"), NotFound, "grafana: 404, there is no such path"),
        (error(404, "Not found"), NotFound, "grafana: 404, there is no such path"),
        (error(403, DENIED), Forbidden, None),
        ([], Malformed, None),
        (
            {"dashboard": {"title": "X", "widgets": [], "layout": {}}, "meta": {}},
            Malformed,
            "grafana: a dashboard of a schema that is not known here: its parts are layout, title, widgets",
        ),
    ):
        with grafana({path: answer}) as (client, _, _w):
            with pytest.raises(kind) as caught:
                dashboard(client, "x")
            assert what is None or caught.value.what == what
