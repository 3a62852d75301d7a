"""The Prometheus client against answers that are wrong in every way, and questions that must not be asked."""

from __future__ import annotations

import gc
import json
import math
import threading
from typing import TYPE_CHECKING, Any

import pytest

from pytest_deploycheck.clients.prometheus import PrometheusClient
from pytest_deploycheck.clock import SystemClock
from pytest_deploycheck.errors import (
    DeploycheckError,
    Malformed,
    NotEnoughData,
    NotFound,
    NotSupported,
    QueryFailed,
    TooLarge,
)
from pytest_deploycheck.transport.endpoint import Endpoint
from pytest_deploycheck.transport.redaction import Redactor
from pytest_deploycheck.transport.tape import Tape
from pytest_deploycheck.transport.wire import Wire
from tests.servers.bad_servers import answering, http, json_answer
from tests.servers.wired import wired

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def vector(*entries: Any, **extra: Any) -> dict[str, Any]:
    return {"status": "success", "data": {"resultType": "vector", "result": list(entries)}, **extra}


UP = {"metric": {"__name__": "up"}, "value": [1795252172.589, "1"]}


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


# --- answers ---------------------------------------------------------------------------------------------------------


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


# --- questions -------------------------------------------------------------------------------------------------------


@pytest.fixture
def silent() -> Iterator[PrometheusClient]:
    """A client whose server must not be asked."""
    with answering(json_answer(vector())) as server, wired(server.url) as w:
        yield PrometheusClient(w.wire, w.clock)
        assert server.targets == []


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda c: c.query("  "), "not asked: an empty expression\n  at: '  '\n  next: write PromQL"),
        (
            lambda c: c.query("up", time=math.nan),
            "not asked: the time nan is no moment\n  at: up\n  next: give Unix seconds",
        ),
        (
            lambda c: c.query("up", timeout=0.0),
            "not asked: a time-out of 0.0 s\n  at: up\n  next: give at least 0.001 s, or none",
        ),
        (
            lambda c: c.range("up", 20.0, 10.0, 1.0),
            "not asked: the window ends 10 s before it starts\n  at: up\n  next: swap start and end",
        ),
        (
            lambda c: c.range("up", 0.0, 10.0, 0.0),
            "not asked: a step of 0.0 s\n  at: up\n  next: give a step of at least 0.001 s",
        ),
        (
            lambda c: c.range("up", 0.0, math.inf, 1.0),
            "not asked: no window: start 0.0, end inf, step 1.0\n  at: up\n  next: give Unix seconds",
        ),
        (
            lambda c: c.range("up", 0.0, 86400.0, 1.0),
            (
                "not asked: 86,400 points a series, and Prometheus gives at most 11,000\n  at: up\n"
                "  next: a step of 8 s would do for this window"
            ),
        ),
        (
            lambda c: c.samples("up", -1.0),
            (
                "the samples of no window: a PromQL window is at least 1ms, and finite: -1.0 s\n  at: up\n"
                "  next: give a positive window in seconds"
            ),
        ),
        (
            lambda c: c.samples("rate(up[1m])", 30.0),
            (
                "only a bare selector has samples with timestamps of their own\n  at: rate(up[1m])\n"
                "  a function, an operator, a range, an offset or `@` gives evaluation times instead\n"
                '  next: ask for the series itself, such as `requests_total{job="api"}`'
            ),
        ),
        (
            lambda c: c.series([], 0.0, 1.0),
            (
                "not asked: the series of []\n  at: /api/v1/series\n"
                '  next: give a list of selectors, none of them empty, such as ["up", "requests_total"]'
            ),
        ),
        (
            lambda c: c.series("up", 0.0, 1.0),
            (
                "not asked: the series of 'up'\n  at: /api/v1/series\n"
                '  next: give a list of selectors, none of them empty, such as ["up", "requests_total"]'
            ),
        ),
        (
            lambda c: c.series(["up"], 2.0, 1.0),
            "not asked: the series from 2.0 to 1.0\n  at: /api/v1/series\n  next: give Unix seconds, start first",
        ),
    ],
)
def test_not_asked(silent: PrometheusClient, ask: Callable[[PrometheusClient], object], message: str) -> None:
    with pytest.raises(QueryFailed) as caught:
        ask(silent)
    assert str(caught.value) == message


def test_just_as_many_points_as_allowed_are_asked_for() -> None:
    document = {"status": "success", "data": {"resultType": "matrix", "result": []}}
    with answering(json_answer(document)) as server, wired(server.url) as w:
        PrometheusClient(w.wire, w.clock).range("up", 0.0, 11_000.0, 1.0, timeout=5.0)
        assert server.targets == ["GET /api/v1/query_range?query=up&start=0.000&end=11000.000&step=1.000&timeout=5s"]


def test_a_long_expression_is_posted_and_still_only_reads() -> None:
    expr = " or ".join(f'up{{instance="10.0.0.{number}:9090"}}' for number in range(100))
    with answering(json_answer(vector(UP))) as server, wired(server.url) as w:
        PrometheusClient(w.wire, w.clock).query(expr, time=5.0)
        assert server.targets == ["POST /api/v1/query"]
        exchange = w.last
        assert exchange.effect == "read"
        assert exchange.request_body is not None
        assert exchange.request_body.startswith("query=up%7B")
        assert exchange.request_body.endswith("&time=5.000")


def test_time_of_an_empty_vector() -> None:
    with answering(json_answer(vector())) as server, wired(server.url) as w:
        client = PrometheusClient(w.wire, w.clock)
        assert client.query("up").evaluation_time is None
        assert client.query("up", time=7.0).evaluation_time == 7.0
        assert client.skew() is None


def test_skew_is_learnt_from_queries_without_a_time() -> None:
    with answering(json_answer(vector(UP))) as server, wired(server.url) as w:
        client = PrometheusClient(w.wire, w.clock)
        client.query("up", time=1795252172.589)
        assert client.skew() is None
        client.query("up")
        bounds = client.skew()
        assert bounds is not None
        # the manual clock stands at 1,800,000,000; the round trip on it takes what it really takes
        low, high = bounds
        assert low <= 1795252172.589 - w.clock.now() <= high
        assert high - low < 5.0
        assert client.server_now() == pytest.approx(1795252172.589, abs=5.0)


def test_graph_url() -> None:
    with answering(json_answer(vector())) as server, wired(f"{server.url}/prom/") as w:
        expr = 'up{job="a b"} > 0'
        query_part = "graph?g0.expr=up%7Bjob%3D%22a%20b%22%7D%20%3E%200&g0.tab=1"
        assert PrometheusClient(w.wire, w.clock).graph_url(expr) == f"{server.url}/prom/{query_part}"
        outside = PrometheusClient(w.wire, w.clock, external_url="https://prom.example/x/")
        assert outside.graph_url(expr) == f"https://prom.example/x/{query_part}"


# --- size and threads ------------------------------------------------------------------------------------------------


def test_a_big_vector_leaves_the_collector_as_it_was() -> None:
    entries = [{"metric": {"i": str(i), "pad": "x" * 50}, "value": [1.5, str(i)]} for i in range(15_000)]
    with answering(json_answer(vector(*entries)), json_answer(vector({"metric": {}}, *entries))) as server:
        assert gc.isenabled()
        with wired(server.url) as w:
            client = PrometheusClient(w.wire, w.clock)
            answer = client.query("x")
            assert gc.isenabled()
            with pytest.raises(Malformed):
                client.query("x")
            assert gc.isenabled()
    assert len(answer) == 15_000
    assert answer.values[14_999] == 14_999.0
    assert answer.labels(14_999)["i"] == "14999"


def test_threads() -> None:
    with answering(json_answer(vector(UP))) as server:
        endpoint = Endpoint(name="prometheus", base_url=server.url)
        with Wire(endpoint, tape=Tape(), redactor=Redactor(), clock=SystemClock()) as wire:
            client = PrometheusClient(wire, SystemClock())
            answers: list[int] = []
            threads = [
                threading.Thread(target=lambda: answers.extend(len(client.query("up")) for _ in range(10)))
                for _ in range(8)
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
    assert answers == [1] * 80
