"""The sandbox's Grafana executes queries as Grafana does: frames, errors, and what the server fills in."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pytest_deploycheck.sandbox.grafana_demo import EDGE, MAIN, demo_grafana
from pytest_deploycheck.sandbox.grafana_faults import GRAFANA_FAULTS
from pytest_deploycheck.sandbox.grafana_intervals import Span, fill_in, format_interval, go_duration, steps
from pytest_deploycheck.sandbox.grafana_state import NEWER, OLDER, Grafana
from tests.contract import grafana_schemas as schemas
from tests.servers.grafanas import RECORDED, CannedPrometheus, ask, canned_prometheus, described, told

# --- queries ----------------------------------------------------------------------------------------------------------


def query(demo: Grafana, *queries: dict[str, Any], start: str = "now-5m", end: str = "now") -> tuple[int, Any]:
    found = [
        {"refId": "A", "datasource": {"uid": MAIN}, "maxDataPoints": 100, "intervalMs": 1000, **one} for one in queries
    ]
    reply = ask(demo, "POST", "/api/ds/query", body={"queries": found, "from": start, "to": end})
    return reply.status, told(reply)


def one(demo: Grafana, **more: Any) -> dict[str, Any]:
    status, document = query(demo, more)
    assert status == 200
    described(document, schemas.QUERY)
    frames: list[dict[str, Any]] = document["results"]["A"]["frames"]
    return frames[0]


def test_a_vector_is_one_frame_a_series(demo: Grafana) -> None:
    frame = one(demo, expr="app_heartbeat", instant=True)
    assert frame["schema"]["meta"] == {
        "type": "numeric-multi",
        "typeVersion": [0, 1],
        "custom": {"resultType": "vector"},
        "executedQueryString": "Expr: app_heartbeat\nStep: 2s",
    }
    assert [field["type"] for field in frame["schema"]["fields"]] == ["time", "number"]
    assert frame["schema"]["fields"][1]["labels"]["job"] == "app_ok"
    assert [len(values) for values in frame["data"]["values"]] == [1, 1]


def test_a_range_has_its_points(demo: Grafana, canned: CannedPrometheus) -> None:
    frame = one(demo, expr="app_range", range=True, legendFormat="{{job}} of {{ nothing }}")
    assert len(frame["data"]["values"][1]) == 6
    assert frame["schema"]["fields"][1]["config"] == {"displayNameFromDS": "app_ok of "}
    path, form = canned.asked[-1]
    assert (path, form["step"]) == ("/api/v1/query_range", "2")
    # Both ends are multiples of the step.
    assert float(form["start"]) % 2 == float(form["end"]) % 2 == 0


def test_a_query_that_says_neither_is_a_range_and_one_may_be_both(demo: Grafana, canned: CannedPrometheus) -> None:
    one(demo, expr="app_range")
    assert canned.asked[-1][0] == "/api/v1/query_range"
    canned.asked.clear()
    query(demo, {"expr": "app_heartbeat", "instant": True, "range": True})
    assert [path for path, _ in canned.asked] == ["/api/v1/query", "/api/v1/query_range"]


def test_no_data_is_one_frame_without_fields(demo: Grafana) -> None:
    status, document = query(demo, {"expr": "app_absent", "instant": True})
    assert status == 200
    assert document["results"]["A"] == {
        "status": 200,
        "frames": [
            {
                "schema": {"refId": "A", "meta": {"executedQueryString": "Expr: app_absent\nStep: 2s"}, "fields": []},
                "data": {"values": []},
            }
        ],
    }


def test_what_json_cannot_say_is_null(demo: Grafana) -> None:
    frame = one(demo, expr="app_ratio", instant=True)
    assert frame["data"]["values"][1] == [None]
    assert frame["data"]["entities"] == [None, {"NaN": [0]}]
    _, document = query(demo, {"expr": "app_infinite", "instant": True})
    kinds = [list(frame["data"]["entities"][1]) for frame in document["results"]["A"]["frames"]]
    assert {"Inf", "NaN"} <= {kind for found in kinds for kind in found}


def test_scalars_texts_and_histograms(demo: Grafana) -> None:
    assert one(demo, expr="app_scalar", instant=True)["schema"]["fields"][1]["type"] == "number"
    text = one(demo, expr="app_text", instant=True)
    assert (text["schema"]["fields"][1]["type"], text["data"]["values"][1]) == ("string", ["hello"])
    heatmap = one(demo, expr="app_histogram", instant=True)
    assert [field["name"] for field in heatmap["schema"]["fields"]] == ["xMax", "yMin", "yMax", "count", "yLayout"]
    assert all(heatmap["data"]["values"])


@pytest.mark.parametrize(
    ("expr", "status", "says"),
    [
        ("app_parse", 400, 'bad_data: invalid parameter "query"'),
        ("app_many", 422, "execution: found duplicate series"),
        ("app_gone", 404, "readObjectStart: "),
    ],
)
def test_one_bad_query_makes_the_whole_answer_a_400(demo: Grafana, expr: str, status: int, says: str) -> None:
    code, document = query(
        demo, {"expr": expr, "instant": True}, {"refId": "B", "expr": "app_heartbeat", "instant": True}
    )
    assert code == 400
    described(document, schemas.QUERY)
    bad, good = document["results"]["A"], document["results"]["B"]
    assert (bad["status"], bad["errorSource"]) == (status, "downstream")
    assert bad["error"].startswith(says)
    assert len(good["frames"]) == 1 and "error" not in good  # noqa: PT018 - the good one of the two
    demo.multi_status = True
    assert query(demo, {"expr": expr, "instant": True})[0] == 207


def test_a_data_source_that_does_not_answer(demo: Grafana) -> None:
    GRAFANA_FAULTS["datasource-unhealthy"](demo)
    status, document = query(demo, {"expr": "up", "datasource": {"uid": EDGE}, "instant": True})
    assert status == 400
    result = document["results"]["A"]
    assert (
        result["error"] == 'Post "http://127.0.0.1:1/api/v1/query": dial tcp 127.0.0.1:1: connect: connection refused'
    )
    assert (result["status"], result["frames"]) == (502, [])
    reply = ask(demo, "GET", f"/api/datasources/uid/{EDGE}/health")
    assert (reply.status, told(reply)["status"]) == (400, "ERROR")
    assert told(reply)["message"].endswith(" - There was an error returned querying the Prometheus API.")


def test_a_prometheus_that_comes_back_is_asked_again() -> None:
    with canned_prometheus(**RECORDED) as first:
        demo = demo_grafana(first.url)
        assert query(demo, {"expr": "app_heartbeat", "instant": True})[0] == 200
    assert query(demo, {"expr": "app_heartbeat", "instant": True})[0] == 400
    with canned_prometheus(**RECORDED) as second:
        demo.datasources[0].url = second.url
        assert query(demo, {"expr": "app_heartbeat", "instant": True})[0] == 200


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        (b"{", 400, "bad request data"),
        (b"[]", 400, "bad request data"),
        ({"queries": ["up"], "from": "now-5m", "to": "now"}, 400, "bad request data"),
        ({"queries": [], "from": "now-5m", "to": "now"}, 400, "No queries found"),
        ({"queries": [{"refId": "C"}], "from": "yesterday", "to": "now"}, 400, "bad request data"),
        (
            {"queries": [{"refId": "C"}], "from": "now-5m", "to": "now"},
            400,
            "Query C is missing datasource information",
        ),
        (
            {"queries": [{"datasource": {"uid": "${source}"}}], "from": "now-5m", "to": "now"},
            404,
            "Data source not found",
        ),
        (
            {"queries": [{"datasource": {"uid": "-- Mixed --"}}], "from": "now-5m", "to": "now"},
            404,
            "Data source not found",
        ),
    ],
)
def test_bad_requests(demo: Grafana, body: Any, status: int, message: str) -> None:
    reply = ask(demo, "POST", "/api/ds/query", body=body)
    assert (reply.status, told(reply)["message"]) == (status, message)


def test_health_of_a_plugin_that_has_none(canned: CannedPrometheus) -> None:
    for version, status in ((OLDER, 404), (NEWER, 501)):
        demo = demo_grafana(canned.url, version=version)
        demo.datasources[1] = replace(demo.datasources[1], checks_health=False)
        assert ask(demo, "GET", f"/api/datasources/uid/{EDGE}/health").status == status
    assert ask(demo, "GET", "/api/datasources/uid/nope/health").status == 500
    assert ask(demo, "GET", "/api/datasources/uid/nope").status == 404


# --- what the server fills into a query -------------------------------------------------------------------------------


def filled(expr: str, *, seconds: int = 3600, **more: Any) -> str:
    span = Span(0, seconds * 1000)
    given = {"interval": "", "interval_ms": 0, "points": 100, "factor": 0, "scrape": "15s", **more}
    return fill_in(expr, span, steps(span, **given))


def test_only_the_servers_own_variables_are_filled_in() -> None:
    text = "$__interval ${__interval} $__interval_ms $__range $__range_s $__range_ms $__rate_interval $job ${a:b} [[c]]"
    assert filled(text, interval_ms=15_000) == "30s 30s 30000 3600s 3600 3600000 1m0s $job ${a:b} [[c]]"


@pytest.mark.parametrize(
    ("seconds", "more", "step", "rate"),
    [
        (3600, {"interval_ms": 15_000}, "30s", "1m0s"),
        (300, {"interval_ms": 200, "scrape": "1s"}, "2s", "4s"),
        (300, {"interval_ms": 15_000, "scrape": ""}, "15s", "1m0s"),
        (3600, {"interval": "2m", "interval_ms": 15_000}, "2m", "8m0s"),
        (3600, {"interval": "$__interval", "interval_ms": 15_000, "factor": 2}, "1m", "1m0s"),
        (86_400, {"interval_ms": 60_000, "points": 1000}, "1m", "1m15s"),
    ],
)
def test_steps(seconds: int, more: dict[str, Any], step: str, rate: str) -> None:
    assert filled("$__interval $__rate_interval", seconds=seconds, **more) == f"{step} {rate}"


def test_durations() -> None:
    assert [go_duration(ms) for ms in (0, 250, 1500, 90_000, 3_600_000)] == ["0s", "250ms", "1.5s", "1m30s", "1h0m0s"]
    assert [format_interval(ms) for ms in (0, 250, 90_000, 7_200_000)] == ["1ms", "250ms", "1m", "2h"]


def test_resources_of_a_data_source_are_what_prometheus_answers(demo: Grafana, canned: CannedPrometheus) -> None:
    target = f"/api/datasources/uid/{MAIN}/resources/api/v1/label/job/values?match%5B%5D=up&start=1"
    reply = ask(demo, "GET", target)
    assert (reply.status, told(reply)) == (200, {"status": "success", "data": ["mcp"]})
    assert canned.asked == [("/api/v1/label/job/values", {"match[]": "up", "start": "1"})]
    assert ask(demo, "GET", f"/api/datasources/uid/{MAIN}/resources/suggestions").status == 404
    assert ask(demo, "GET", "/api/datasources/uid/nope/resources/api/v1/labels").status == 500
    GRAFANA_FAULTS["datasource-unhealthy"](demo)
    assert ask(demo, "GET", f"/api/datasources/uid/{EDGE}/resources/api/v1/labels").status == 500
