"""The sandbox's Grafana answers as the published description of the API and its documented peculiarities have it."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from typing import Any

import pytest

from pytest_deploycheck.sandbox.grafana_demo import (
    CAPACITY,
    JOURNAL,
    MAIN,
    OVERVIEW,
    TOKEN,
    VECTORS,
    VIEWER_TOKEN,
    demo_grafana,
)
from pytest_deploycheck.sandbox.grafana_faults import GRAFANA_FAULTS
from pytest_deploycheck.sandbox.grafana_state import NEWER, OLDER, Account, Folder, Grafana
from pytest_deploycheck.sandbox.probe import call
from tests.contract import grafana_schemas as schemas
from tests.servers.grafanas import BASIC, CannedPrometheus, ask, described, found, serving, token, told

BOTH = pytest.mark.parametrize("version", [OLDER, NEWER])

# --- every answer has the documented fields ---------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize(
    ("target", "schema"),
    [
        ("/api/health", schemas.HEALTH),
        ("/api/org", schemas.ORG),
        ("/api/user", schemas.USER),
        ("/api/search", schemas.SEARCH),
        ("/api/folders", schemas.FOLDERS),
        (f"/api/dashboards/uid/{OVERVIEW}", schemas.DASHBOARD),
        ("/api/datasources", {"type": "array", "items": schemas.DATASOURCE, "minItems": 2}),
        (f"/api/datasources/uid/{MAIN}", schemas.DATASOURCE),
        (f"/api/datasources/uid/{MAIN}/health", schemas.DATASOURCE_HEALTH),
        ("/api/library-elements/mcp-uptime", schemas.LIBRARY),
        ("/api/annotations", schemas.ANNOTATIONS),
        ("/api/ruler/grafana/api/v1/rules", schemas.RULER),
    ],
)
def test_documented_fields(canned: CannedPrometheus, version: str, target: str, schema: dict[str, Any]) -> None:
    reply = ask(demo_grafana(canned.url, version=version), "GET", target)
    assert (reply.status, reply.content_type.partition(";")[0]) == (200, "application/json")
    described(told(reply), schema)


# --- who asks ---------------------------------------------------------------------------------------------------------


def test_nobody(demo: Grafana) -> None:
    reply = ask(demo, "GET", "/api/org", headers={})
    assert reply.status == 401
    described(told(reply), schemas.REFUSED)
    assert told(reply)["message"] == "Unauthorized"


@pytest.mark.parametrize(
    ("headers", "status", "message"),
    [
        (token("glsa_of_nobody"), 401, "Invalid API key"),
        (token(TOKEN, **{"x-grafana-org-id": "2"}), 401, "API key does not belong to the requested organization"),
        (
            {"authorization": "Basic " + base64.b64encode(b"admin:wrong").decode()},
            401,
            "Invalid username or password",
        ),
        ({"authorization": "Basic ///"}, 400, "Invalid Basic Auth Header"),
    ],
)
def test_refused(demo: Grafana, headers: dict[str, str], status: int, message: str) -> None:
    reply = ask(demo, "GET", "/api/org", headers=headers)
    assert (reply.status, told(reply)["message"]) == (status, message)


def test_ways_in(demo: Grafana) -> None:
    demo.orgs[2] = "Second Org."
    for headers in (
        token(TOKEN),
        token(TOKEN, **{"x-grafana-org-id": "1"}),
        BASIC,
        token(TOKEN, **{"x-grafana-org-id": "x"}),
    ):
        assert told(ask(demo, "GET", "/api/org", headers=headers))["id"] == 1
    # A user may be in several organisations; the password of `api_key` is a token.
    assert told(ask(demo, "GET", "/api/org", headers={**BASIC, "x-grafana-org-id": "2"}))["name"] == "Second Org."
    as_password = base64.b64encode(f"api_key:{TOKEN}".encode()).decode()
    assert ask(demo, "GET", "/api/org", headers={"authorization": f"Basic {as_password}"}).status == 200


def test_anonymous_access_makes_a_missing_token_unseen(demo: Grafana) -> None:
    demo.anonymous = Account(login="anonymous", folders=frozenset({""}))
    assert told(ask(demo, "GET", "/api/search", headers={})) == []
    assert ask(demo, "GET", "/api/user", headers={}).status == 401
    # A wrong one is refused all the same.
    assert ask(demo, "GET", "/api/search", headers=token("glsa_of_nobody")).status == 401


@pytest.mark.parametrize(
    ("method", "target", "action"),
    [
        ("GET", "/api/datasources", "datasources:read"),
        ("POST", "/api/annotations", "annotations:create"),
    ],
)
def test_what_a_viewer_may_not(demo: Grafana, method: str, target: str, action: str) -> None:
    reply = ask(demo, method, target, headers=token(VIEWER_TOKEN), body={})
    assert reply.status == 403
    described(told(reply), schemas.DENIED)
    assert told(reply)["message"] == (
        f"You'll need additional permissions to perform this action. Permissions needed: {action}"
    )


# --- pages ------------------------------------------------------------------------------------------------------------


def test_pages_redirect_to_the_login(canned: CannedPrometheus) -> None:
    newer = ask(demo_grafana(canned.url), "GET", "/d/mcp-overview/x?orgId=1", headers={})
    assert (newer.status, newer.headers) == (302, {"Location": "/login?redirectTo=%2Fd%2Fmcp-overview%2Fx%3ForgId%3D1"})
    older = ask(demo_grafana(canned.url, version=OLDER), "GET", "/render/d-solo/x/y", headers=token("glsa_of_nobody"))
    assert (older.status, older.headers["Location"]) == (302, "/login")
    assert older.headers["Set-Cookie"].startswith("redirect_to=%2Frender%2Fd-solo%2Fx%2Fy;")
    login = ask(demo_grafana(canned.url), "GET", "/login", headers={})
    assert (login.status, login.content_type) == (200, "text/html; charset=UTF-8")
    assert ask(demo_grafana(canned.url), "GET", "/d/mcp-overview/x").content_type == "text/html; charset=UTF-8"


def test_paths_that_do_not_exist(demo: Grafana) -> None:
    for method, target in (("GET", "/api/nope"), ("DELETE", "/api/search"), ("GET", "/api/dashboards/uid/a/b")):
        reply = ask(demo, method, target, headers={})
        assert (reply.status, told(reply)) == (404, {"message": "Not found"})


def test_a_picture_without_a_renderer_is_a_placeholder(demo: Grafana) -> None:
    target = "/render/d-solo/mcp-overview/x?panelId=2&width=640&height=320"
    without = ask(demo, "GET", target)
    demo.renderer = True
    rendered = ask(demo, "GET", target)
    for reply, size in ((without, (1000, 500)), (rendered, (640, 320))):
        assert (reply.status, reply.content_type, reply.body[:8]) == (200, "image/png", b"\x89PNG\r\n\x1a\n")
        assert (int.from_bytes(reply.body[16:20]), int.from_bytes(reply.body[20:24])) == size


def test_health_is_the_database_alone(demo: Grafana) -> None:
    demo.accounts.clear()
    assert ask(demo, "GET", "/api/health", headers={}).status == 200
    demo.database = False
    reply = ask(demo, "GET", "/api/health", headers={})
    assert (reply.status, told(reply)["database"]) == (503, "failing")


# --- search and folders -----------------------------------------------------------------------------------------------


def test_search(demo: Grafana) -> None:
    assert found(demo) == ["mcp", "platform", JOURNAL, OVERVIEW, VECTORS, CAPACITY]
    assert found(demo, "?type=dash-db&query=mcp%20O") == [OVERVIEW]
    assert found(demo, "?type=dash-db&tag=mcp&tag=generated") == [OVERVIEW]
    assert found(demo, "?folderUIDs=platform") == [CAPACITY]
    assert found(demo, "?folderUIDs=general&type=dash-db") == []
    assert found(demo, f"?dashboardUIDs={JOURNAL}&dashboardUIDs=nope") == [JOURNAL]
    (hit,) = told(ask(demo, "GET", "/api/search?query=capacity"))
    assert (hit["folderUid"], hit["folderTitle"], hit["folderUrl"]) == (
        "platform",
        "Platform",
        "/dashboards/f/platform/platform",
    )


def test_search_leaves_out_what_one_may_not_see(demo: Grafana) -> None:
    assert found(demo, **token(VIEWER_TOKEN)) == ["mcp", JOURNAL, OVERVIEW, VECTORS]
    assert told(ask(demo, "GET", "/api/folders", headers=token(VIEWER_TOKEN))) == [
        {"id": 10, "uid": "mcp", "title": "MCP"}
    ]
    demo.accounts[VIEWER_TOKEN] = Account(login="viewer", role="None", service=True)
    # No right at all: still 200.
    assert found(demo, **token(VIEWER_TOKEN)) == []
    assert ask(demo, "GET", f"/api/dashboards/uid/{OVERVIEW}", headers=token(VIEWER_TOKEN)).status == 403


def test_search_has_pages(demo: Grafana) -> None:
    pages = [found(demo, f"?type=dash-db&limit=3&page={page}") for page in (1, 2, 3)]
    assert pages == [[JOURNAL, OVERVIEW, VECTORS], [CAPACITY], []]
    demo.folders = [Folder(id=100 + n, uid=f"f{n}", title=f"F {n:04}") for n in range(1200)]
    assert len(found(demo, "?type=dash-folder")) == 1000  # nothing tells that there are more
    assert len(found(demo, "?type=dash-folder&limit=5000")) == 1200
    assert ask(demo, "GET", "/api/search?limit=5001").status == 422


# --- rules and annotations --------------------------------------------------------------------------------------------


def test_rules_tell_their_health_beside_their_state(demo: Grafana) -> None:
    demo.rules[0].expr, demo.rules[1].expr = "app_heartbeat", "app_absent"
    demo.rules.append(replace(demo.rules[0], uid="broken", title="Broken", expr="app_parse", folder="platform"))
    document = told(ask(demo, "GET", "/api/prometheus/grafana/api/v1/rules"))
    described(document, schemas.RULES)
    rules = {rule["name"]: rule for group in document["data"]["groups"] for rule in group["rules"]}
    states = {name: (rule["state"], rule["health"]) for name, rule in rules.items()}
    # Without data, or failing, it is as inactive as one that found all well.
    assert states == {
        "Heartbeat is old": ("firing", "ok"),
        "Too many threads": ("inactive", "nodata"),
        "Broken": ("inactive", "error"),
    }
    assert "parse error" in rules["Broken"]["lastError"]
    assert {group["file"] for group in document["data"]["groups"]} == {"MCP", "Platform"}
    seen = told(ask(demo, "GET", "/api/prometheus/grafana/api/v1/rules", headers=token(VIEWER_TOKEN)))
    assert [group["file"] for group in seen["data"]["groups"]] == ["MCP"]


def test_annotations(demo: Grafana) -> None:
    body = {"time": 1000, "timeEnd": 2000, "tags": ["deploy", "mcp"], "text": "1.4.2", "dashboardUID": OVERVIEW}
    reply = ask(demo, "POST", "/api/annotations", body=body)
    assert (reply.status, told(reply)) == (200, {"id": 1, "message": "Annotation added"})
    ask(demo, "POST", "/api/annotations", body={"text": "now", "tags": ["deploy"]})
    everything = told(ask(demo, "GET", "/api/annotations?tags=deploy"))
    described(everything, schemas.ANNOTATIONS)
    assert [one["text"] for one in everything] == ["now", "1.4.2"]
    assert (everything[0]["dashboardUID"], everything[1]["dashboardUID"]) == (None, OVERVIEW)
    for query_, texts in {
        "?tags=deploy&tags=mcp": ["1.4.2"],
        "?from=1&to=5000": ["1.4.2"],
        "?limit=1": ["now"],
        f"?dashboardUID={OVERVIEW}": ["1.4.2"],
    }.items():
        assert [one["text"] for one in told(ask(demo, "GET", f"/api/annotations{query_}"))] == texts


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        (b"no", 400, "bad request data"),
        ({"text": ""}, 400, "Failed to save annotation"),
        ({"text": "x", "dashboardUID": "nope"}, 404, "Dashboard not found"),
    ],
)
def test_bad_annotations(demo: Grafana, body: Any, status: int, message: str) -> None:
    reply = ask(demo, "POST", "/api/annotations", body=body)
    assert (reply.status, told(reply)["message"]) == (status, message)


def test_a_library_panel_that_is_not_there(demo: Grafana) -> None:
    reply = ask(demo, "GET", "/api/library-elements/nope")
    assert (reply.status, told(reply)["message"]) == (404, "library element could not be found")


# --- the demo's faults ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", GRAFANA_FAULTS)
def test_every_fault_changes_something(name: str) -> None:
    sound, again, broken = (demo_grafana("http://127.0.0.1:9") for _ in range(3))
    GRAFANA_FAULTS[name](broken)
    assert _text(sound) == _text(again)
    assert _text(sound) != _text(broken)


def _text(demo: Grafana) -> str:
    for one in demo.dashboards:
        one.updated = 0.0
    shown = {name: repr(getattr(demo, name)) for name in demo.__dataclass_fields__ if name not in ("lock", "asked")}
    return json.dumps(shown)


def test_it_is_served_over_http(demo: Grafana) -> None:
    with serving(demo) as url:
        assert call(f"{url}/api/health").json()["database"] == "ok"
        assert call(f"{url}/api/health", "HEAD").body == b""
        assert call(f"{url}/d/mcp-overview/x").status == 302
        refused = call(f"{url}/api/ds/query", "POST", body=b"{}")
    assert (refused.status, refused.json()["messageId"]) == (401, "auth.unauthorized")
    assert demo.asked[-1] == "POST /api/ds/query"
