"""prometheus-api-client, unchanged, through a wire."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from prometheus_api_client import PrometheusConnect
from prometheus_api_client.exceptions import PrometheusApiClientException

from pytest_deploycheck.errors import AuthorMistake, Malformed, Redirected, TimedOut, Unreachable, WriteNotAllowed
from pytest_deploycheck.transport.endpoint import PROMETHEUS_READ_POSTS, BearerAuth
from pytest_deploycheck.transport.requests_bridge import bridged_session
from tests.servers.bad_servers import Connection, answering, deaf_port, http, json_answer, refused_port
from tests.servers.wired import ONCE, secret, wired

if TYPE_CHECKING:
    from pytest_deploycheck.transport.wire import Wire

RECORDED = Path(__file__).parents[1] / "contract" / "recordings" / "prometheus" / "query_instant_vector.json"


def client_of(wire: Wire, **options: object) -> PrometheusConnect:
    return PrometheusConnect(url=wire.endpoint.base_url, session=bridged_session(wire), **options)


def test_a_query_is_on_the_tape_with_the_endpoints_credential() -> None:
    body = json.loads(RECORDED.read_text())["response"]["body"]
    with answering(json_answer(body)) as server, wired(server.url, auth=BearerAuth(secret("s3cr3t-t0ken"))) as w:
        assert client_of(w.wire).custom_query("up") == body["data"]["result"]
        assert server.header("Authorization") == "Bearer s3cr3t-t0ken"
        assert server.header("User-Agent") == "pytest-deploycheck"
        exchange = w.last
        assert (exchange.method, exchange.url) == ("GET", f"{server.url}/api/v1/query?query=up")
        assert dict(exchange.request_headers)["Authorization"] == "<redacted>"


def test_a_post_query_reads() -> None:
    body = {"status": "success", "data": {"resultType": "matrix", "result": []}}
    with answering(json_answer(body)) as server, wired(server.url, read_posts=PROMETHEUS_READ_POSTS) as w:
        end = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
        client = client_of(w.wire, method="POST")
        client.custom_query_range("up", start_time=end - dt.timedelta(hours=1), end_time=end, step="60")
        assert (server.targets[0].partition("?")[0], w.last.effect) == ("POST /api/v1/query_range", "read")


def test_a_post_that_is_not_known_to_read_is_refused() -> None:
    with answering(json_answer({})) as server, wired(server.url) as w:
        client = client_of(w.wire, method="POST")
        with pytest.raises(WriteNotAllowed):
            client.custom_query("up")
        assert server.connections == 0


def test_the_clients_own_errors_stay_its_own() -> None:
    answer = json_answer({"status": "error", "errorType": "bad_data", "error": "parse error"}, 400)
    with answering(answer) as server, wired(server.url) as w:
        client = client_of(w.wire)
        with pytest.raises(PrometheusApiClientException) as caught:
            client.custom_query("up{")
        assert str(caught.value).startswith("HTTP Status Code 400 (b'{")


def test_our_errors_come_through_unwrapped() -> None:
    with refused_port() as port, wired(f"http://127.0.0.1:{port}", retries=ONCE) as w:
        client = client_of(w.wire)
        with pytest.raises(Unreachable):
            client.custom_query("up")
    with deaf_port() as port, wired(f"http://127.0.0.1:{port}") as w:
        client = client_of(w.wire, timeout=0.1)
        with pytest.raises(TimedOut) as timed_out:
            client.custom_query("up")
        assert timed_out.value.what == "prometheus: nothing came for 0.1 s (timeouts.read)"


def test_pages_and_logins_are_no_answers_of_an_api() -> None:
    page = http(200, "<html></html>", Content_Type="text/html")
    with answering(page, http(302, Location="/login")) as server, wired(server.url) as w:
        client = client_of(w.wire)
        with pytest.raises(Malformed):
            client.custom_query("up")
        with pytest.raises(Redirected):
            client.custom_query("up")
        with pytest.raises(Redirected):
            client.check_prometheus_connection()


def test_the_connection_check_follows_prometheus_to_its_start_page() -> None:
    answers = [http(302, Location="/graph"), http(200, "<html></html>", Content_Type="text/html")]
    with answering(*answers) as server, wired(server.url) as w:
        assert client_of(w.wire).check_prometheus_connection() is True
        assert server.targets == ["GET /", "GET /graph"]


def test_another_host_and_streams_are_refused() -> None:
    with answering(json_answer({})) as server, wired(server.url, writes_allowed=True) as w:
        session = bridged_session(w.wire)
        with pytest.raises(AuthorMistake) as caught:
            session.get("http://192.0.2.1/x")
        assert caught.value.what == "prometheus: refused to ask another host"
        with pytest.raises(AuthorMistake) as caught:
            session.post(server.url + "/x", data=iter([b"a"]))
        assert caught.value.what == "prometheus: a request's body must be text or bytes, not list_iterator"
        assert server.connections == 0


def test_the_environment_is_not_heeded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login eve password from-netrc\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")

    def echo(connection: Connection) -> None:
        connection.send(json_answer({}))

    with answering(echo) as server, wired(server.url) as w:
        assert bridged_session(w.wire).get(server.url + "/x").json() == {}
        assert server.header("Authorization") is None
