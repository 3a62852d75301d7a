"""Statuses that are no answers: the right error, the server's own words, what to do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pytest_deploycheck.errors import (
    CannotMeasure,
    Forbidden,
    NotFound,
    NotReady,
    QueryFailed,
    ServerFailed,
    Throttled,
    Unauthorized,
)
from pytest_deploycheck.transport.endpoint import BasicAuth, BearerAuth, HeaderAuth
from tests.servers.bad_servers import answering, http, json_answer
from tests.servers.wired import ONCE, secret, wired

RECORDINGS = Path(__file__).parents[1] / "contract" / "recordings"


def recorded(name: str) -> bytes:
    """A real server's answer, as bytes (recorded unpacked)."""
    response = json.loads((RECORDINGS / name).read_text())["response"]
    body = response["text"] if "text" in response else json.dumps(response["body"])
    return http(response["status"], body, Content_Type=response["headers"]["Content-Type"])


def test_401_names_the_source_of_the_token() -> None:
    with (
        answering(http(401, "Unauthorized\n", Content_Type="text/plain")) as server,
        wired(server.url, auth=BearerAuth(secret("s3cr3t-t0ken"))) as w,
    ):
        error = w.refused(Unauthorized, "GET", "/api/v1/query", params={"query": "up"})
        assert str(error) == (
            "prometheus: 401, the bearer token from environment variable PROM_TOKEN was not accepted\n"
            f"  at: {server.url}/api/v1/query?query=up\n"
            "  the server says: Unauthorized\n"
            f"  evidence: {w.last.id}\n"
            "  next: the credential may have expired or been revoked: renew it in environment variable PROM_TOKEN"
        )
        assert server.header("Authorization") == "Bearer s3cr3t-t0ken"


@pytest.mark.parametrize(
    ("auth", "what", "step"),
    [
        (
            None,
            "the server wants a credential and none is configured",
            "configure `auth` of prometheus with a token or a user and password",
        ),
        (
            BasicAuth("alice", secret("pa55word", "file /run/secrets/p")),
            "the user 'alice' with the password from file /run/secrets/p was not accepted",
            "the credential may have expired or been revoked: renew it in file /run/secrets/p",
        ),
        (
            HeaderAuth("X-Api-Key", secret("pa55word", "command vault")),
            "the X-Api-Key from command vault was not accepted",
            "the credential may have expired or been revoked: renew it in command vault",
        ),
    ],
)
def test_401_for_each_kind_of_credential(auth: Any, what: str, step: str) -> None:
    with answering(http(401)) as server, wired(server.url, auth=auth) as w:
        error = w.refused(Unauthorized, "GET", "/x")
        assert (error.what, error.next_step) == (f"prometheus: 401, {what}", step)
        assert error.details == ("the server gives no reason",)


def test_403_with_the_servers_own_reason() -> None:
    answer = json_answer({"title": "Access denied", "message": "Permissions needed: datasources:query"}, 403)
    with answering(answer) as server, wired(server.url, name="grafana", auth=BearerAuth(secret("s3cr3t"))) as w:
        error = w.refused(Forbidden, "GET", "/x")
        assert str(error) == (
            "grafana: 403, the bearer token from environment variable PROM_TOKEN may not do this\n"
            f"  at: {server.url}/x\n"
            "  the server says: Permissions needed: datasources:query\n"
            f"  evidence: {w.last.id}\n"
            "  next: grant the missing permission, or use another credential"
        )


def test_404() -> None:
    with answering(recorded("prometheus/error_404_path.json")) as server, wired(server.url + "/prom/") as w:
        error = w.refused(NotFound, "GET", "/api/v1/nope")
        assert str(error) == (
            "prometheus: 404, there is no such path\n"
            f"  at: {server.url}/prom/api/v1/nope\n"
            "  the server says: 404 page not found\n"
            f"  evidence: {w.last.id}\n"
            f"  next: is the base URL right? It is {server.url}/prom/; a path prefix may be missing"
        )


@pytest.mark.parametrize(
    ("recording", "status", "reason"),
    [
        (
            "prometheus/error_400_parse.json",
            400,
            'bad_data: invalid parameter "query": 1:4: parse error: unexpected end of input inside braces',
        ),
        ("prometheus/error_405.json", 405, "Method Not Allowed"),
        (
            "prometheus/error_422_manytomany.json",
            422,
            None,
        ),
        ("alertmanager/alerts_post_bad_label.json", 400, 'invalid label set: invalid name "bad-name"'),
        ("alertmanager/silence_bad_id.json", 422, 'silenceID in path must be of type uuid: "xyz"'),
    ],
)
def test_refused_questions(recording: str, status: int, reason: str | None) -> None:
    if reason is None:
        body = json.loads((RECORDINGS / recording).read_text())["response"]["body"]
        reason = f"{body['errorType']}: {body['error']}"
    with answering(recorded(recording)) as server, wired(server.url) as w:
        error = w.refused(QueryFailed, "GET", "/x")
        assert str(error) == (
            f"prometheus: {status}, the question was refused\n"
            f"  at: {server.url}/x\n"
            f"  the server says: {reason}\n"
            f"  evidence: {w.last.id}\n"
            "  next: mend the expression or the parameters"
        )
        assert len(server.requests) == 1


def test_429_after_all_attempts_waits_as_long_as_the_server_asks() -> None:
    with answering(http(429, "slow down", Retry_After="7")) as server, wired(server.url) as w:
        error = w.refused(Throttled, "GET", "/x")
        assert w.clock.slept == [7.0, 7.0]
        assert str(error) == (
            "prometheus: 429, too many requests\n"
            f"  at: {server.url}/x\n"
            "  the server says: slow down\n"
            "  Retry-After: 7\n"
            "  asked 3 times, with waits of 7 s, 7 s\n"
            f"  evidence: {w.last.id}\n"
            "  next: ask less often, or raise the server's limit"
        )


def test_429_then_an_answer() -> None:
    date = "Sat, 21 Nov 2026 12:00:00 GMT"
    later = http(429, Retry_After="Sat, 21 Nov 2026 12:00:09 GMT", Date=date)
    with answering(later, json_answer([])) as server, wired(server.url) as w:
        assert w.wire.request("GET", "/x").status == 200
        assert w.clock.slept == [9.0], "by the server's own clock"


def test_retry_after_is_capped_and_never_outlasts_the_deadline() -> None:
    with answering(http(429, Retry_After="3600")) as server, wired(server.url) as w:
        error = w.refused(Throttled, "GET", "/x")
        assert w.clock.slept == [40.0], "a second wait of 40 s would end after the 60 s of timeouts.total"
        assert error.details[-1] == "asked 2 times, with waits of 40 s"


def test_502_is_asked_again_each_attempt_on_the_tape() -> None:
    with answering(http(502, "bad"), http(504), json_answer([7])) as server, wired(server.url) as w:
        reply = w.wire.request("GET", "/x")
        assert (reply.status, reply.body) == (200, b"[7]")
        exchanges = w.tape.take()
        assert [(e.attempt, e.status) for e in exchanges] == [(1, 502), (2, 504), (3, 200)]
        assert reply.evidence == exchanges[-1].id
        assert w.clock.slept == [0.2, 0.4]


def test_500_is_not_asked_again() -> None:
    page = "<html><head><title>Oops &amp; sorry</title></head></html>"
    with answering(http(500, page, Content_Type="text/html")) as server, wired(server.url) as w:
        error = w.refused(ServerFailed, "GET", "/x")
        assert len(server.requests) == 1
        assert str(error) == (
            "prometheus: 500, the server failed\n"
            f"  at: {server.url}/x\n"
            "  the server says: (an HTML page) Oops & sorry\n"
            f"  evidence: {w.last.id}\n"
            "  next: look at the logs of prometheus"
        )


def test_503_in_plain_text_is_a_server_that_starts() -> None:
    with answering(recorded("prometheus/walreplay_query.json")) as server, wired(server.url) as w:
        error = w.refused(NotReady, "GET", "/api/v1/query", params={"query": "up"})
        assert len(server.requests) == 3, "no more than the attempts"
        assert str(error) == (
            "prometheus: 503, not ready: Service Unavailable\n"
            f"  at: {server.url}/api/v1/query?query=up\n"
            "  the server says: Service Unavailable\n"
            "  asked 3 times, with waits of 0.2 s, 0.4 s\n"
            f"  evidence: {w.last.id}\n"
            "  next: wait until it is ready (Prometheus replays its WAL after a restart), then run again"
        )


def test_503_in_json_is_a_query_that_timed_out() -> None:
    with answering(recorded("prometheus/error_503_timeout.json")) as server, wired(server.url, retries=ONCE) as w:
        error = w.refused(ServerFailed, "GET", "/x")
        assert str(error) == (
            "prometheus: 503, the server failed\n"
            f"  at: {server.url}/x\n"
            "  the server says: timeout: query timed out in expression evaluation\n"
            f"  evidence: {w.last.id}\n"
            "  next: look at the logs of prometheus"
        )


def test_any_status_can_be_wanted() -> None:
    with answering(http(418, "teapot")) as server, wired(server.url) as w:
        reply = w.wire.request("GET", "/x", statuses="any", expect="json")
        assert (reply.status, reply.body) == (418, b"teapot")


def test_an_odd_status_is_no_answer() -> None:
    with answering(http(418, "teapot")) as server, wired(server.url) as w:
        assert w.refused(CannotMeasure, "GET", "/x").what == "prometheus: 418, not an answer to the question"


def test_a_post_is_never_repeated() -> None:
    with answering(http(502)) as server, wired(server.url, writes_allowed=True) as w:
        w.wire.write_guard = lambda *_: None
        w.refused(ServerFailed, "POST", "/x", json={})
        assert len(server.requests) == 1


def test_a_post_that_only_reads_is_repeated() -> None:
    with answering(http(502), json_answer([])) as server, wired(server.url, read_posts=("/api/v1/query",)) as w:
        assert w.wire.request("POST", "/api/v1/query", form={"query": "up"}).status == 200
        assert [request.partition(b"\r\n\r\n")[2] for request in server.requests] == [b"query=up", b"query=up"]
        assert [e.effect for e in w.tape.take()] == ["read", "read"]
