"""The Prometheus client: what is asked and how, what must not be asked; clocks, size and threads."""

from __future__ import annotations

import gc
import math
import threading
from typing import TYPE_CHECKING

import pytest

from pytest_deploycheck.checks.asked import Asked
from pytest_deploycheck.checks.windows import compare_range
from pytest_deploycheck.clients.prometheus import PrometheusClient
from pytest_deploycheck.clock import SystemClock
from pytest_deploycheck.errors import Malformed, QueryFailed
from pytest_deploycheck.model.outcome import Outcome
from pytest_deploycheck.transport.endpoint import Endpoint
from pytest_deploycheck.transport.redaction import Redactor
from pytest_deploycheck.transport.tape import Tape
from pytest_deploycheck.transport.wire import Wire
from tests.servers.bad_servers import answering, json_answer
from tests.servers.prometheus_answers import UP, vector
from tests.servers.wired import wired

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


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


def test_the_window_of_an_answer_is_the_one_that_was_asked_for_to_the_millisecond() -> None:
    points = [[1000.0, "7"], [1001.0, "1"], [1002.0, "1"]]
    body = vector({"metric": {"job": "a"}, "values": points})
    body["data"]["resultType"] = "matrix"
    with answering(json_answer(body)) as server, wired(server.url) as w:
        found = PrometheusClient(w.wire, w.clock).range("up", 1000.0004, 1002.0004, 1.0)
        assert server.targets == ["GET /api/v1/query_range?query=up&start=1000.000&end=1002.000&step=1.000"]
    assert (found.start, found.end) == (1000.0, 1002.0)
    judged = compare_range(found, "<", 5.0, Asked("up", "prometheus", (), ()), step=1.0)
    assert (judged.outcome, judged.rows[0][3]) == (Outcome.FAILED, "1 of 3")


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
