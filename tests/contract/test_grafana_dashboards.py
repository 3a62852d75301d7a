"""The sandbox's Grafana tells of dashboards as both of Grafana's APIs do."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_deploycheck.sandbox.grafana_demo import (
    CAPACITY,
    JOURNAL,
    MAIN,
    OVERVIEW,
    VECTORS,
    VIEWER_TOKEN,
    demo_grafana,
)
from pytest_deploycheck.sandbox.grafana_state import OLDER, Grafana
from tests.contract import grafana_schemas as schemas
from tests.servers.grafanas import CannedPrometheus, ask, described, found, token, told

APPS = "/apis/dashboard.grafana.app"


# --- dashboards -------------------------------------------------------------------------------------------------------


def test_a_dashboard(demo: Grafana) -> None:
    document = told(ask(demo, "GET", f"/api/dashboards/uid/{OVERVIEW}"))
    meta = document["meta"]
    assert (meta["provisioned"], meta["version"], meta["folderUid"], meta["folderTitle"]) == (True, 7, "mcp", "MCP")
    assert document["dashboard"]["version"] == 7
    panels = {panel["id"]: panel for panel in document["dashboard"]["panels"]}
    # A collapsed row holds its panels; a library panel is a reference.
    assert [panel["title"] for panel in panels[8]["panels"]] == ["Heartbeat's age", "Threads"]
    assert panels[6].keys() == {"id", "title", "libraryPanel", "gridPos"}


def test_a_dashboard_that_is_not_there_or_not_to_be_seen(demo: Grafana) -> None:
    reply = ask(demo, "GET", "/api/dashboards/uid/nope")
    assert (reply.status, told(reply)["message"]) == (404, "Dashboard not found")
    reply = ask(demo, "GET", f"/api/dashboards/uid/{CAPACITY}", headers=token(VIEWER_TOKEN))
    assert reply.status == 403
    described(told(reply), schemas.DENIED)


def test_a_dashboard_of_the_newer_schema(canned: CannedPrometheus) -> None:
    reply = ask(demo_grafana(canned.url), "GET", f"/api/dashboards/uid/{VECTORS}")
    assert (reply.status, told(reply)["message"]) == (
        406,
        f"dashboard api version not supported, use {APPS}/v2alpha1/namespaces/default/dashboards/{VECTORS} instead",
    )
    older = demo_grafana(canned.url, version=OLDER)
    assert ask(older, "GET", f"/api/dashboards/uid/{VECTORS}").status == 404
    assert VECTORS not in found(older)


def resource(demo: Grafana, version: str, name: str, **headers: str) -> tuple[int, Any]:
    target = f"{APPS}/{version}/namespaces/default/dashboards/{name}"
    reply = ask(demo, "GET", target, headers=headers or None)
    return reply.status, told(reply)


def test_apps_tell_both_schemas(demo: Grafana) -> None:
    for version in ("v0alpha1", "v1beta1", "v1"):
        status, document = resource(demo, version, OVERVIEW)
        described(document, schemas.RESOURCE)
        assert (status, document["apiVersion"]) == (200, f"dashboard.grafana.app/{version}")
        assert len(document["spec"]["panels"]) == 9
        assert document["metadata"]["annotations"]["grafana.app/folder"] == "mcp"
        assert document["metadata"]["annotations"]["grafana.app/managedBy"] == "classic-file-provisioning"
        assert document["metadata"]["generation"] == 7
    for version in ("v2beta1", "v2"):
        _, document = resource(demo, version, VECTORS)
        described(document, schemas.RESOURCE)
        described(document["spec"], schemas.V2)


def test_the_first_version_of_the_newer_schema_writes_queries_otherwise(demo: Grafana) -> None:
    _, document = resource(demo, "v2alpha1", VECTORS)
    panel = document["spec"]["elements"]["panel-1"]["spec"]
    assert panel["data"]["spec"]["queries"][0]["spec"] == {
        "refId": "A",
        "hidden": False,
        "datasource": {"type": "prometheus", "uid": MAIN},
        "query": {
            "kind": "prometheus",
            "spec": {"expr": "sum(mcp_vector_memory_count)", "range": True, "editorMode": "code"},
        },
    }
    assert panel["vizConfig"]["kind"] == "timeseries"


@pytest.mark.parametrize(
    ("version", "name", "stored"), [("v1beta1", VECTORS, "v2beta1"), ("v2beta1", OVERVIEW, "v1beta1")]
)
def test_a_schema_that_cannot_be_converted_is_an_empty_200(demo: Grafana, version: str, name: str, stored: str) -> None:
    status, document = resource(demo, version, name)
    assert status == 200
    described(document, schemas.RESOURCE)
    assert document["spec"].keys() == {"title"}
    assert document["status"]["conversion"] == {
        "failed": True,
        "storedVersion": stored,
        "error": "backend conversion not yet implemented",
    }


def test_apps_refuse(demo: Grafana) -> None:
    for status, (code, document) in {
        404: resource(demo, "v1beta1", "nope"),
        403: resource(demo, "v1beta1", CAPACITY, **token(VIEWER_TOKEN)),
        401: resource(demo, "v1beta1", OVERVIEW, **token("glsa_of_nobody")),
    }.items():
        assert (code, document["code"]) == (status, status)
        described(document, schemas.STATUS)
    assert resource(demo, "v1beta1", "nope")[1]["message"] == 'dashboards.dashboard.grafana.app "nope" not found'
    for target in ("/v9/namespaces/default/dashboards/x", "/v1beta1/namespaces/default/widgets", "/v1beta1/nope"):
        assert ask(demo, "GET", APPS + target).status == 404
    assert ask(demo, "GET", f"{APPS}/v1beta1/namespaces/org-2/dashboards").status == 403


def test_apps_list_in_pages(demo: Grafana) -> None:
    base = f"{APPS}/v1beta1/namespaces/default/dashboards"
    first = told(ask(demo, "GET", f"{base}?limit=3"))
    rest = told(ask(demo, "GET", f"{base}?limit=3&continue={first['metadata']['continue']}"))
    names = [[item["metadata"]["name"] for item in page["items"]] for page in (first, rest)]
    assert names == [[JOURNAL, OVERVIEW, VECTORS], [CAPACITY]]
    assert "continue" not in rest["metadata"]
    seen = told(ask(demo, "GET", base, headers=token(VIEWER_TOKEN)))["items"]
    assert CAPACITY not in [item["metadata"]["name"] for item in seen]


def test_apps_tell_their_versions_and_older_ones_have_none(canned: CannedPrometheus) -> None:
    group = told(ask(demo_grafana(canned.url), "GET", APPS))
    assert group["preferredVersion"]["version"] == "v1beta1"
    assert "v2beta1" in [version["version"] for version in group["versions"]]
    reply = ask(demo_grafana(canned.url, version=OLDER), "GET", APPS)
    assert (reply.status, told(reply)) == (404, {"message": "Not found"})
