"""The client of Grafana's API against real HTTP: what it asks, what it refuses, what it sees through."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

from pytest_deploycheck.clients.grafana.client import IN_FLIGHT
from pytest_deploycheck.clients.grafana.planning import Planned
from pytest_deploycheck.clients.grafana.templating import LabelQuestion
from pytest_deploycheck.errors import (
    CannotMeasure,
    Forbidden,
    Malformed,
    NotFound,
    NotSupported,
    Redirected,
    ServerFailed,
    Unauthorized,
    Unreachable,
    WriteNotAllowed,
)
from pytest_deploycheck.model.grafana import Annotation, DataSource, Panel
from pytest_deploycheck.sandbox.endpoints import Reply
from pytest_deploycheck.transport.endpoint import BearerAuth
from tests.servers.bad_servers import refused_port
from tests.servers.fixed_grafana import NO_DATA, error, frame, grafana
from tests.servers.wired import ONCE, secret, wired

if TYPE_CHECKING:
    from pytest_deploycheck.clients.grafana.client import GrafanaClient
    from pytest_deploycheck.model.grafana import PanelResult

PROMETHEUS = DataSource(uid="prom", name="Prometheus", type="prometheus")
PANEL = Panel(id=1, title="P", type="timeseries")
DENIED = "You'll need additional permissions to perform this action. Permissions needed: dashboards:read"


def question(*letters: str, promql: frozenset[str] = frozenset()) -> Planned:
    queries = [{"refId": letter, "datasource": {"uid": "prom"}, "expr": "up"} for letter in letters]
    body = {"from": "now-60s", "to": "now", "queries": queries}
    return Planned(panel=PANEL, title="P", body=body, letters=letters, promql=promql)


def ran(client: GrafanaClient, *letters: str, **how: Any) -> tuple[PanelResult, CannotMeasure | None]:
    (found,) = client.run([question(*letters, **how)])
    return found


# --- frames -----------------------------------------------------------------------------------------------------------


def test_values_are_counted_not_frames() -> None:
    results = {
        "A": {"status": 200, "frames": [frame(1.0, None), frame(2.0, 3.0)]},
        "B": {"status": 200, "frames": [NO_DATA]},
        "C": {"status": 200, "frames": [frame(None, None)]},  # NaN comes as null
        "D": {"status": 200, "frames": [frame(None, 1.0, kind="string")]},
        "E": {"status": 200, "frames": []},
    }
    with grafana({"POST /api/ds/query": {"results": results}}) as (client, fixed, w):
        found, failure = ran(client, "A", "B", "C", "D", "E")
        assert failure is None
        assert [(one.ref_id, one.values, one.points, one.frames, one.newest) for one in found.results] == [
            ("A", 3, 4, 2, 1_800_000_000.0),
            ("B", 0, 0, 1, None),
            ("C", 0, 2, 1, None),
            ("D", 1, 2, 1, 1_800_000_000.0),
            ("E", 0, 0, 0, None),
        ]
        assert found.results[0].executed == "Expr: up\nStep: 1s"
        assert found.evidence == (w.tape.take()[-1].id,)
        assert fixed.bodies[0]["queries"][0] == {"refId": "A", "datasource": {"uid": "prom"}, "expr": "up"}


def test_errors_of_single_queries() -> None:
    results = {
        "A": {"status": 200, "frames": [frame(1.0)]},
        "B": {"status": 400, "error": "bad_data: parse error", "errorSource": "downstream", "frames": []},
        "C": {"status": 500},
    }
    for status in (400, 207):
        answer = Reply.json({"results": results}, status)
        with grafana({"POST /api/ds/query": answer}) as (client, _, _w):
            found, failure = ran(client, "A", "B", "C", "D")
            assert failure is None
            assert [(one.values, one.error) for one in found.results] == [
                (1, ""),
                (0, "bad_data: parse error"),
                (0, "status 500, without a reason"),
                (0, "the answer says nothing of this query"),
            ]


def test_a_variable_that_was_executed_is_told() -> None:
    frames = [frame(1.0, executed='Expr: up{job="$job"} and label_replace(x, "a", "$1", "b", "c$")')]
    with grafana({"POST /api/ds/query": {"results": {"A": {"frames": frames}}}}) as (client, _, _w):
        assert ran(client, "A", promql=frozenset("A"))[0].results[0].unfilled == ("job",)
        assert ran(client, "A")[0].results[0].unfilled == ()


def test_notices_are_told_and_infos_are_not() -> None:
    one = frame(1.0)
    one["schema"]["meta"]["notices"] = [{"severity": "info", "text": "i"}, {"severity": "warning", "text": "partial"}]
    with grafana({"POST /api/ds/query": {"results": {"A": {"frames": [one]}}}}) as (client, _, _w):
        assert ran(client, "A")[0].results[0].notices == ("partial",)


@pytest.mark.parametrize(
    ("answer", "kind", "what", "missing"),
    [
        (error(404, "Data source not found"), None, "grafana: Data source not found", True),
        (error(500, "Query data error"), ServerFailed, "grafana: 500, the server failed", False),
        (
            error(403, DENIED.replace("dashboards:read", "datasources:query"), title="Access denied"),
            Forbidden,
            "grafana: 403, a request without a credential may not do this: it lacks the permission datasources:query",
            False,
        ),
        (Reply(404, b"404 page not found", "text/plain"), CannotMeasure, "grafana: 404, there is no such path", False),
        (
            Reply.json({"status": "success", "data": {}}),
            Malformed,
            (
                "grafana: not the answer that Grafana gives: Object missing required field `results`; it looks like an "
                "answer of Prometheus's API to another question"
            ),
            False,
        ),
        (
            Reply(200, b"<html><title>Sign in</title></html>", "text/html"),
            Malformed,
            "grafana: expected JSON, got an HTML login page",
            False,
        ),
        (Reply(200, b'{"results": {"A": {"frames": [', "application/json"), Malformed, None, False),
    ],
)
def test_answers_that_tell_of_no_query(
    answer: Reply, kind: type[CannotMeasure] | None, what: str | None, missing: bool
) -> None:
    with grafana({"POST /api/ds/query": answer}) as (client, _, _w):
        found, failure = ran(client, "A")
        assert found.missing is missing
        assert failure is None if kind is None else type(failure) is kind
        assert what is None or found.failure == what


def test_no_more_than_sixteen_at_the_same_time() -> None:
    gate = threading.Barrier(IN_FLIGHT)

    def slow(_query: str, _body: Any) -> Any:
        gate.wait(5)  # opens only if sixteen are under way
        return {"results": {"A": {"frames": [frame(1.0)]}}}

    with grafana({"POST /api/ds/query": slow}) as (client, fixed, _w):
        results = [result for result, _ in client.run([question("A")] * (3 * IN_FLIGHT))]
        assert [one.results[0].values for one in results] == [1] * 48
        assert fixed.most == IN_FLIGHT


# --- who asks ---------------------------------------------------------------------------------------------------------


def test_forbidden_names_the_permission() -> None:
    answers = {"GET /api/search": error(403, DENIED, title="Access denied", accessErrorId="ACE1")}
    with grafana(answers, auth=BearerAuth(secret("s3cr3t", "GRAFANA_TOKEN"))) as (client, _, _w):
        with pytest.raises(Forbidden) as caught:
            client.search()
        text = str(caught.value)
        assert caught.value.what == (
            "grafana: 403, the bearer token from GRAFANA_TOKEN may not do this: it lacks the permission dashboards:read"
        )
        assert "next: grant dashboards:read to the service account, or a role that has it" in text
        assert "s3cr3t" not in text


@pytest.mark.parametrize(
    ("message", "what"),
    [
        ("Invalid API key", "grafana: 401, the bearer token from T was not accepted"),
        (
            "API key does not belong to the requested organization",
            "grafana: 401, the token belongs to another organisation than `org_id`",
        ),
    ],
)
def test_unauthorized(message: str, what: str) -> None:
    with grafana({"GET /api/search": error(401, message)}, auth=BearerAuth(secret("s", "T"))) as (client, _, _w):
        with pytest.raises(Unauthorized) as caught:
            client.search()
        assert caught.value.what == what


def test_who_is_signed_in() -> None:
    with grafana({"GET /api/user": {"login": "sa-x", "orgId": 3}}) as (client, _, _w):
        user = client.user()
        assert user is not None
        assert (user.login, user.org_id) == ("sa-x", 3)
    # a credential that is ignored: nobody is signed in, and the search answers all the same
    with grafana({"GET /api/user": error(401, "Unauthorized"), "GET /api/search": []}) as (client, _, _w):
        assert client.user() is None
    refused = {"GET /api/user": error(401, "Unauthorized"), "GET /api/search": error(401, "Unauthorized")}
    with grafana(refused) as (client, _, _w), pytest.raises(Unauthorized):
        client.user()


def test_a_redirect_to_the_login_page() -> None:
    redirect = Reply(302, b"", "text/html", {"Location": "/login?redirectTo=%2F"})
    with grafana({"GET /api/search": redirect}) as (client, _, _w):
        with pytest.raises(Redirected) as caught:
            client.search()
        assert caught.value.what == ("grafana: 302, redirected to what looks like a login page: /login?redirectTo=%2F")


def test_health() -> None:
    with grafana({"GET /api/health": {"database": "ok", "version": "12.1.0", "commit": "x"}}) as (client, _, _w):
        assert (client.health().database, client.health().version) == ("ok", "12.1.0")
    answer = Reply.json({"database": "failing", "version": "12.1.0"}, 503)
    with grafana({"GET /api/health": answer}) as (client, _, _w):
        assert client.health().database == "failing"
    with grafana({"GET /api/health": {"status": "healthy"}}) as (client, _, _w):
        with pytest.raises(Malformed) as caught:
            client.health()
        assert caught.value.what.endswith("missing required field `database`; it looks like a health endpoint")


def test_nobody_listens() -> None:
    with (
        refused_port() as port,
        wired(f"http://127.0.0.1:{port}", name="grafana", retries=ONCE) as w,
    ):
        from pytest_deploycheck.clients.grafana.client import GrafanaClient

        with pytest.raises(Unreachable) as caught:
            GrafanaClient(w.wire).health()
        assert caught.value.what == f"grafana: 127.0.0.1:{port} refuses connections"
        results = list(GrafanaClient(w.wire).run([question("A"), question("B")]))
        assert [type(failure) for _, failure in results] == [Unreachable, Unreachable]


# --- data sources -----------------------------------------------------------------------------------------------------

HEALTH = "GET /api/datasources/uid/prom/health"


@pytest.mark.parametrize(
    ("answer", "state", "message"),
    [
        ({"status": "OK", "message": "works"}, "ok", "works"),
        (Reply.json({"status": "ERROR", "message": "connection refused"}, 400), "unhealthy", "connection refused"),
        ({"status": "UNKNOWN", "message": "?"}, "unhealthy", "?"),
        (error(404, "Not found"), "unknown", "Not found"),
        (error(501, "Method not implemented"), "unknown", "Method not implemented"),
    ],
)
def test_health_of_a_data_source(answer: Any, state: str, message: str) -> None:
    with grafana({HEALTH: answer}) as (client, _, _w):
        found = client.source_health(PROMETHEUS)
        assert (found.state, found.message) == (state, message)


def test_health_of_a_data_source_that_cannot_be_asked() -> None:
    for answer, kind in (
        (error(403, DENIED), Forbidden),
        (error(500, "Unable to load datasource metadata"), ServerFailed),
        (Reply(404, b"no such page", "text/plain"), NotFound),
    ):
        with grafana({HEALTH: answer}) as (client, _, _w), pytest.raises(kind):
            client.source_health(PROMETHEUS)


def test_data_sources() -> None:
    with grafana({}) as (client, _, _w):
        assert [(one.uid, one.type, one.is_default, one.interval) for one in client.data_sources()] == [
            ("prom", "prometheus", True, 1.0),
            ("edge", "prometheus", False, None),
        ]


def test_values_of_a_label() -> None:
    path = "GET /api/datasources/uid/prom/resources/api/v1/label/job/values"
    with grafana({path: {"status": "success", "data": ["a", "b"]}}) as (client, fixed, _w):
        question = LabelQuestion(label="job", selector='up{x="1"}')
        assert client.label_values(PROMETHEUS, question) == ("a", "b")
        assert fixed.asked == [f"{path}?match%5B%5D=up%7Bx%3D%221%22%7D"]
        assert client.label_values(PROMETHEUS, LabelQuestion(label="other")) is None


# --- rules, annotations -----------------------------------------------------------------------------------------------


def test_rules() -> None:
    rules = [
        {"name": "R", "type": "alerting", "state": "firing", "health": "ok", "lastEvaluation": "2027-01-15T08:00:00Z"},
        {"name": "S", "type": "alerting", "health": "error", "lastEvaluation": "0001-01-01T00:00:00Z"},
    ]  # fmt: skip
    document = {"status": "success", "data": {"groups": [{"name": "g", "file": "F", "interval": 10, "rules": rules}]}}
    with grafana({"GET /api/prometheus/grafana/api/v1/rules": document}) as (client, _, _w):
        found = client.rules()
        assert [(one.name, one.folder, one.group, one.state, one.health, one.last_evaluation) for one in found] == [
            ("R", "F", "g", "firing", "ok", 1_800_000_000.0),
            ("S", "F", "g", "", "error", None),
        ]
    with grafana({}) as (client, _, _w), pytest.raises(NotSupported):
        client.rules()


def test_an_annotation_is_a_write() -> None:
    note = Annotation(id=0, text="deployed", tags=("deploy",), time=1_800_000_000.5, dashboard_uid="d")
    with grafana({"POST /api/annotations": {"message": "Annotation added", "id": 7}}) as (client, fixed, w):
        with pytest.raises(WriteNotAllowed):
            client.annotate(note)
        assert fixed.asked == []
    with grafana({"POST /api/annotations": {"message": "Annotation added", "id": 7}}, writes_allowed=True) as (
        client, fixed, w,
    ):  # fmt: skip
        w.wire.write_guard = lambda *_: None
        assert client.annotate(note, until=1_800_000_060.0, panel=3).id == 7
        assert fixed.bodies == [
            {
                "time": 1_800_000_000_500,
                "timeEnd": 1_800_000_060_000,
                "text": "deployed",
                "tags": ["deploy"],
                "dashboardUID": "d",
                "panelId": 3,
            }
        ]
