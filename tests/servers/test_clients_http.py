"""The client of health and functional endpoints, and the bridge to prometheus-api-client."""

from __future__ import annotations

import pytest
from prometheus_api_client.exceptions import PrometheusApiClientException

from pytest_deploycheck.clients.bridge import prometheus_connect
from pytest_deploycheck.clients.http import HttpClient
from pytest_deploycheck.errors import Malformed, Redirected, WriteNotAllowed
from tests.contract.recorded import played
from tests.servers.bad_servers import answering, http, json_answer
from tests.servers.wired import ONCE, wired


@pytest.mark.parametrize("status", [200, 204, 404, 500, 503])
def test_every_status_is_an_answer(status: int) -> None:
    with (
        answering(json_answer({"status": "down"}, status, X_Version="1.2")) as server,
        wired(server.url, name="service api", retries=ONCE) as w,
    ):
        answer = HttpClient(w.wire).get("/health", params={"full": "1"})
        assert server.targets == ["GET /health?full=1"]
        assert answer.evidence == w.last.id
    assert (answer.method, answer.status, answer.url) == ("GET", status, f"{server.url}/health?full=1")
    assert answer.headers["x-version"] == "1.2"
    if status != 204:
        assert answer.parsed() == {"status": "down"}
    assert answer.elapsed > 0


def test_a_redirect_is_no_answer() -> None:
    with answering(http(302, Location="/login")) as server, wired(server.url, name="service api") as w:
        client = HttpClient(w.wire)
        with pytest.raises(Redirected):
            client.get("/health")
        assert client.get("/health", redirects="return").status == 302


def test_a_post_needs_the_opt_in() -> None:
    with answering(json_answer({}, 201)) as server, wired(server.url, name="service api", writes_allowed=True) as w:
        client = HttpClient(w.wire)
        with pytest.raises(WriteNotAllowed):
            client.request("post", "/sessions", json={"a": 1})
        assert server.targets == []
        w.wire.write_guard = lambda *_: None
        assert client.request("post", "/sessions", json={"a": 1}).status == 201
        assert server.targets == ["POST /sessions"]
        assert server.requests[0].endswith(b'\r\n\r\n{"a":1}')


def test_prometheus_api_client_goes_through_the_wire() -> None:
    with played("prometheus/query_instant_vector") as p:
        result = prometheus_connect(p.wired.wire).custom_query("up")
        assert result[0]["metric"]["job"] == "app_ok"
        exchange = p.wired.last
    assert (exchange.method, exchange.status) == ("GET", 200)
    assert exchange.url == f"{p.server.url}/api/v1/query?query=up"


def test_prometheus_api_client_raises_its_own_error_on_a_refused_question() -> None:
    with played("prometheus/error_400_parse") as p, pytest.raises(PrometheusApiClientException):
        prometheus_connect(p.wired.wire).custom_query("up{")


def test_prometheus_api_client_does_not_hide_a_login_page() -> None:
    with (
        answering(http(200, "<html>", Content_Type="text/html")) as server,
        wired(server.url) as w,
        pytest.raises(Malformed),
    ):
        prometheus_connect(w.wire).custom_query("up")
