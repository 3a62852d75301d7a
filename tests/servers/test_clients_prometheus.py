"""The Prometheus client against answers that are wrong in every way."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import pytest

from pytest_deploycheck.clients.prometheus import PrometheusClient
from pytest_deploycheck.errors import (
    DeploycheckError,
    Malformed,
    NotEnoughData,
    NotFound,
    NotSupported,
    QueryFailed,
    TooLarge,
)
from tests.servers.bad_servers import answering, http, json_answer
from tests.servers.prometheus_answers import UP, vector
from tests.servers.wired import wired

if TYPE_CHECKING:
    from collections.abc import Callable


def error_of(answer: bytes, ask: Callable[[PrometheusClient], object]) -> DeploycheckError:
    with (
        answering(answer) as server,
        wired(server.url) as w,
        pytest.raises(DeploycheckError) as caught,
    ):
        ask(PrometheusClient(w.wire, w.clock))
    return caught.value


def query(client: PrometheusClient) -> object:
    return client.query("up")


def test_login_page_with_status_200() -> None:
    page = '<!doctype html><title>Sign in</title><input type="password">'
    with answering(http(200, page, Content_Type="text/html")) as server, wired(server.url) as w:
        with pytest.raises(Malformed) as caught:
            PrometheusClient(w.wire, w.clock).query("up")
        assert str(caught.value) == (
            "prometheus: expected JSON, got an HTML login page\n"
            f"  at: {server.url}/api/v1/query?query=up\n"
            "  HTTP 200, content type text/html, 60 bytes\n"
            f"  it begins: {page}\n"
            f"  evidence: {w.last.id}\n"
            "  next: give the system credentials, or a base URL that does not lead through a login"
        )


def test_truncated_json() -> None:
    body = '{"status":"success","data":{"resultType":"vector","result":[{"metric":{"a":"b"},"value":[1,"2"'
    with answering(http(200, body, Content_Type="application/json")) as server, wired(server.url) as w:
        with pytest.raises(Malformed) as caught:
            PrometheusClient(w.wire, w.clock).query("up")
        assert str(caught.value) == (
            "prometheus: not complete JSON: Input data was truncated\n"
            f"  at: {server.url}/api/v1/query?query=up\n"
            f"  HTTP 200, content type application/json, {len(body)} bytes\n"
            f"  it begins: {body}\n"
            f"  evidence: {w.last.id}\n"
            "  next: look at the stored answer; does the base URL lead to the right system and version?"
        )


def test_error_with_status_200() -> None:
    document = {"status": "error", "errorType": "execution", "error": "many-to-many\nmatching"}
    with answering(json_answer(document)) as server, wired(server.url) as w:
        with pytest.raises(QueryFailed) as caught:
            PrometheusClient(w.wire, w.clock).query("up")
        assert str(caught.value) == (
            "prometheus: the question was refused: execution: many-to-many\\nmatching\n"
            f"  at: {server.url}/api/v1/query?query=up\n"
            "  it said so with HTTP status 200\n"
            f"  evidence: {w.last.id}\n"
            "  next: correct the question; the server's own words are above"
        )


SHAPE = "prometheus: not the answer that Prometheus gives: "
OTHER = "; it looks like an answer of Prometheus's API to another question"


@pytest.mark.parametrize(
    ("document", "what"),
    [
        (
            {"commit": "x", "database": "ok", "version": "10.0.0"},
            f"{SHAPE}Object missing required field `status`; it looks like Grafana's /api/health",
        ),
        (
            {"message": "Unauthorized"},
            (
                f"{SHAPE}Object missing required field `status`; it looks like an error or message of some other API, "
                "such as Grafana's"
            ),
        ),
        (
            {"kind": "Status", "apiVersion": "v1", "status": "Failure"},
            f"{SHAPE}Invalid enum value 'Failure' - at `$.status`; it looks like an answer of Kubernetes",
        ),
        ({"status": "UP"}, f"{SHAPE}Invalid enum value 'UP' - at `$.status`; it looks like a health endpoint"),
        (
            [],
            (
                f"{SHAPE}Expected `object`, got `array`; it looks like a bare list, "
                "as Alertmanager's API v2 and Grafana answer"
            ),
        ),
        ({"status": "success"}, f"{SHAPE}Object missing required field `data`"),
        ({"status": "success", "data": None}, f"{SHAPE}Expected `object`, got `null` - at `$.data`{OTHER}"),
        (
            {"status": "success", "data": {"resultType": "streams", "result": []}},
            f"{SHAPE}Invalid enum value 'streams' - at `$.data.resultType`; it looks like an answer of Loki",
        ),
        (
            {"status": "success", "data": {"resultType": "vector"}},
            f"{SHAPE}Object missing required field `result` - at `$.data`{OTHER}",
        ),
        (vector({"metric": {}}), f"{SHAPE}a sample's value: there is neither `value` nor `histogram`"),
        (
            vector({"value": [1.5, "1"]}),
            f"{SHAPE}Object missing required field `metric` - at `$.data.result[0]`{OTHER}",
        ),
        (
            vector({"metric": {}, "value": ["1", "1"]}),
            f"{SHAPE}Expected `float`, got `str` - at `$.data.result[0].value[0]`{OTHER}",
        ),
        (
            vector({"metric": {}, "value": [1.5, 1]}),
            f"{SHAPE}Expected `str`, got `int` - at `$.data.result[0].value[1]`{OTHER}",
        ),
        (
            vector({"metric": {}, "value": [1.5, "one"]}),
            f"{SHAPE}a sample's value: could not convert string to float: 'one'",
        ),
        (
            vector({"metric": {}, "value": [1.5]}),
            f"{SHAPE}Expected `array` of at least length 2, got 1 - at `$.data.result[0].value`{OTHER}",
        ),
        (vector({"metric": 5, "value": [1.5, "1"]}), f"{SHAPE}a label set: Expected `object`, got `int`"),
        (
            vector({"metric": {"a": 5}, "value": [1.5, "1"]}),
            f"{SHAPE}a label set: Expected `str`, got `int` - at `$[...]`",
        ),
        (
            {"status": "success", "data": {"resultType": "scalar", "result": [1.5, "x"]}},
            f"{SHAPE}a sample's value: could not convert string to float: 'x'",
        ),
    ],
)
def test_other_shapes(document: Any, what: str) -> None:
    error = error_of(json_answer(document), query)
    assert type(error) is Malformed
    assert error.what == what


def test_a_bad_label_set_after_the_thousandth_is_found() -> None:
    entries: list[Any] = [UP] * 1000 + [{"metric": [], "value": [1.5, "1"]}]
    error = error_of(json_answer(vector(*entries)), query)
    assert error.what == f"{SHAPE}a label set is no object"


def test_labels_that_are_not_utf8() -> None:
    body = json.dumps(vector(*[UP] * 1001, {"metric": {"a": "X"}, "value": [1.5, "1"]})).encode()
    error = error_of(http(200, body.replace(b"X", b"\xff"), Content_Type="application/json"), query)
    assert type(error) is Malformed
    assert error.what.startswith(f"{SHAPE}a label set: 'utf-8' codec can't decode byte 0xff")


def test_nested_without_end() -> None:
    body = b'{"status":"success","data":{"resultType":"vector","result":[{"metric":' + b"[" * 100_000
    error = error_of(http(200, body, Content_Type="application/json"), query)
    assert type(error) is Malformed
    assert error.what == "prometheus: not complete JSON: maximum recursion depth exceeded while deserializing an object"


@pytest.mark.parametrize(
    ("ask", "data", "what"),
    [
        (
            lambda client: client.targets(),
            {},
            f"{SHAPE}Object missing required field `activeTargets` - at `$.data`{OTHER}",
        ),
        (
            lambda client: client.rules(),
            {},
            f"{SHAPE}Object missing required field `groups` - at `$.data`{OTHER}",
        ),
        (
            lambda client: client.alerts(),
            {"groups": []},
            f"{SHAPE}Object missing required field `alerts` - at `$.data`{OTHER}",
        ),
        (
            lambda client: client.alertmanagers(),
            {},
            f"{SHAPE}Object missing required field `activeAlertmanagers` - at `$.data`{OTHER}",
        ),
        (
            lambda client: client.runtime_info(),
            {"startTime": "yesterday", "reloadConfigSuccess": True, "lastConfigTime": "2026-11-21T09:04:30Z"},
            f"{SHAPE}Invalid RFC3339 encoded datetime - at `$.data.startTime`{OTHER}",
        ),
        (
            lambda client: client.alerts(),
            {"alerts": [{"labels": {}, "state": "firing", "value": "lots"}]},
            f"{SHAPE}an alert's value: could not convert string to float: 'lots'",
        ),
        (
            lambda client: client.range("up", 0.0, 1.0, 1.0),
            {"resultType": "matrix", "result": [{"metric": {}}]},
            f"{SHAPE}a sample's value: there is a series without one sample",
        ),
        (
            lambda client: client.range("up", 0.0, 1.0, 1.0),
            {"resultType": "vector", "result": []},
            f"{SHAPE}Invalid enum value 'vector' - at `$.data.resultType`{OTHER}",
        ),
    ],
)
def test_other_shapes_of_lists(ask: Callable[[PrometheusClient], object], data: Any, what: str) -> None:
    error = error_of(json_answer({"status": "success", "data": data}), ask)
    assert type(error) is Malformed
    assert error.what == what


def test_unreadable_scrape_interval() -> None:
    target = {
        "labels": {},
        "scrapePool": "a",
        "scrapeUrl": "u",
        "health": "up",
        "lastError": "",
        "lastScrape": "2026-11-21T09:04:30Z",
        "lastScrapeDuration": 0.1,
        "scrapeInterval": "often",
    }
    data = {"status": "success", "data": {"activeTargets": [target]}}
    error = error_of(json_answer(data), lambda client: client.targets())
    assert error.what == f"{SHAPE}scrapeInterval: not a duration: 'often'"


def test_lists_that_may_be_incomplete_are_refused() -> None:
    document = {"status": "success", "data": [], "warnings": ["a store is gone"]}
    with answering(json_answer(document)) as server, wired(server.url) as w:
        with pytest.raises(NotEnoughData) as caught:
            PrometheusClient(w.wire, w.clock).series(["up"], 0.0, 1.0)
        assert str(caught.value) == (
            "prometheus: the server warns that its answer may be incomplete\n"
            f"  at: {server.url}/api/v1/series?match%5B%5D=up&start=0.000&end=1.000&limit=100001\n"
            "  warning: a store is gone\n"
            f"  evidence: {w.last.id}\n"
            "  next: look at the remote storage or the other replicas the server reads from"
        )


def test_more_series_than_allowed() -> None:
    document = {"status": "success", "data": [{"a": "1"}, {"a": "2"}, {"a": "3"}]}
    with answering(json_answer(document)) as server, wired(server.url) as w:
        with pytest.raises(TooLarge) as caught:
            PrometheusClient(w.wire, w.clock).series(["up"], 0.0, 1.0, most=2)
        assert str(caught.value) == (
            "prometheus: more than 2 series\n"
            f"  at: {server.url}/api/v1/series?match%5B%5D=up&start=0.000&end=1.000&limit=3\n"
            f"  evidence: {w.last.id}\n"
            "  next: narrow the selectors or the window"
        )


def test_infos_are_no_warnings() -> None:
    with (
        answering(json_answer(vector(UP, infos=["metric might not be a counter"], warnings=[]))) as server,
        wired(server.url) as w,
    ):
        answer = PrometheusClient(w.wire, w.clock).query("up")
    assert (answer.infos, answer.warnings) == (("metric might not be a counter",), ())


def test_values_and_histograms_of_one_series_are_merged_by_time() -> None:
    result = [{"metric": {}, "values": [[1.0, "5"], [3.0, "6"]], "histograms": [[2.0, {"count": "1"}]]}]
    document = {"status": "success", "data": {"resultType": "matrix", "result": result}}
    with answering(json_answer(document)) as server, wired(server.url) as w:
        answer = PrometheusClient(w.wire, w.clock).range("x", 1.0, 3.0, 1.0)
    samples = answer.series[0].samples
    assert [sample.timestamp for sample in samples] == [1.0, 2.0, 3.0]
    assert [math.isnan(sample.value) for sample in samples] == [False, True, False]


def test_404_of_one_api_is_not_supported_where_queries_work() -> None:
    one = json_answer({"status": "success", "data": {"resultType": "scalar", "result": [1.5, "1"]}})
    with answering(http(404, "404 page not found\n", Content_Type="text/plain"), one) as server, wired(server.url) as w:
        with pytest.raises(NotSupported) as caught:
            PrometheusClient(w.wire, w.clock).flags()
        first, _ = w.tape.take()
        assert str(caught.value) == (
            "prometheus: the server has no /api/v1/status/flags\n"
            f"  at: {server.url}/api/v1/status/flags\n"
            f"  evidence: {first.id}\n"
            "  next: it is not a whole Prometheus (VictoriaMetrics, Thanos, …): leave this check out for it, or ask "
            "the component that has the API"
        )


@pytest.mark.parametrize(
    "second", [http(404, "404 page not found\n", Content_Type="text/plain"), json_answer({"message": "hello"})]
)
def test_404_of_everything_is_a_wrong_base_url(second: bytes) -> None:
    with (
        answering(http(404, "404 page not found\n", Content_Type="text/plain"), second) as server,
        wired(server.url) as w,
    ):
        with pytest.raises(NotFound) as caught:
            PrometheusClient(w.wire, w.clock).flags()
        assert caught.value.what == "prometheus: 404, there is no such path"
        assert caught.value.where == f"{server.url}/api/v1/status/flags"


@pytest.mark.parametrize(
    ("body", "what"),
    [
        ("", "prometheus: an empty body where a line such as `OK` belongs"),
        ("<html>hi</html>", "prometheus: not the one line of text that Prometheus and Alertmanager answer here"),
        ('{"status":"UP"}', "prometheus: not the one line of text that Prometheus and Alertmanager answer here"),
        ("one\ntwo\n", "prometheus: not the one line of text that Prometheus and Alertmanager answer here"),
    ],
)
def test_ready_needs_more_than_a_200(body: str, what: str) -> None:
    error = error_of(http(200, body, Content_Type="text/plain"), lambda client: client.ready())
    assert type(error) is Malformed
    assert error.what == what
