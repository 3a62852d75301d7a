"""Redirects: refused unless asked for, never to another host, never to a login page."""

from __future__ import annotations

import pytest

from pytest_deploycheck.errors import Redirected
from pytest_deploycheck.transport.endpoint import BearerAuth
from tests.servers.bad_servers import answering, http, json_answer
from tests.servers.wired import secret, wired


def test_a_redirect_to_a_login_page() -> None:
    with answering(http(302, Location="/login?token=abcdefgh1234&next=%2F")) as server, wired(server.url) as w:
        error = w.refused(Redirected, "GET", "/api/health")
        exchange = w.last
        assert str(error) == (
            "prometheus: 302, redirected to what looks like a login page: /login?token=<redacted>&next=%2F\n"
            f"  at: {server.url}/api/health\n"
            "  redirects are not followed: the answer would be another page's\n"
            f"  evidence: {exchange.id}\n"
            "  next: give the system credentials, or a base URL that does not lead through a login"
        )
        assert dict(exchange.response_headers)["Location"] == "/login?token=<redacted>&next=%2F"


def test_another_redirect() -> None:
    with answering(http(301, Location="https://example.com/prometheus/")) as server, wired(server.url) as w:
        error = w.refused(Redirected, "GET", "/x", statuses="any")
        assert str(error) == (
            "prometheus: 301, redirected to https://example.com/prometheus/\n"
            f"  at: {server.url}/x\n"
            "  redirects are not followed: the answer would be another page's\n"
            f"  evidence: {w.last.id}\n"
            f"  next: is the base URL right? It is {server.url}"
        )


def test_a_redirect_to_nowhere() -> None:
    with answering(http(304)) as server, wired(server.url) as w:
        error = w.refused(Redirected, "GET", "/x", redirects="follow")
        assert error.what == "prometheus: 304, a redirect without a target"


def test_a_redirect_can_be_the_answer() -> None:
    with answering(http(302, Location="/graph")) as server, wired(server.url) as w:
        reply = w.wire.request("GET", "/", redirects="return")
        assert (reply.status, reply.headers["location"]) == (302, "/graph")


def test_followed_within_the_host_each_hop_on_the_tape() -> None:
    hops = [http(301, Location="/b?x=1"), http(307, Location="c#part"), json_answer([1])]
    with answering(*hops) as server, wired(server.url, auth=BearerAuth(secret("s3cr3t"))) as w:
        reply = w.wire.request("GET", "/a", redirects="follow")
        assert (reply.status, reply.url) == (200, f"{server.url}/c")
        assert server.targets == ["GET /a", "GET /b?x=1", "GET /c"]
        assert [(e.url, e.status) for e in w.tape.take()] == [
            (f"{server.url}/a", 301),
            (f"{server.url}/b?x=1", 307),
            (f"{server.url}/c", 200),
        ]


def test_a_loop_ends_after_five() -> None:
    with answering(http(302, Location="/again")) as server, wired(server.url) as w:
        error = w.refused(Redirected, "GET", "/again", redirects="follow")
        assert str(error) == (
            "prometheus: 302, redirected to /again\n"
            f"  at: {server.url}/again\n"
            "  5 redirects were followed already\n"
            f"  evidence: {w.last.id}\n"
            f"  next: is the base URL right? It is {server.url}"
        )
        assert len(server.requests) == 6


def test_the_credential_never_goes_to_another_host() -> None:
    with (
        answering(json_answer("stolen")) as other,
        answering(http(302, Location=other.url + "/x")) as server,
        wired(server.url, auth=BearerAuth(secret("s3cr3t"))) as w,
    ):
        error = w.refused(Redirected, "GET", "/x", redirects="follow")
        assert error.details == ("it leads to another scheme, host or port: not followed",)
        assert other.connections == 0


@pytest.mark.parametrize("location", ["/login", "/users/sign_in", "/oauth2/start?rd=/", "/auth/realms/x", "/sso"])
def test_a_login_page_is_not_followed_to(location: str) -> None:
    with answering(http(302, Location=location)) as server, wired(server.url) as w:
        error = w.refused(Redirected, "GET", "/x", redirects="follow")
        assert error.what == f"prometheus: 302, redirected to what looks like a login page: {location}"
        assert len(server.requests) == 1


@pytest.mark.parametrize(
    "location", ["http://[broken", "http://host:99999999/", "//evil.example/x", "ftp://127.0.0.1/"]
)
def test_strange_targets_are_not_followed(location: str) -> None:
    with answering(http(302, Location=location)) as server, wired(server.url) as w:
        error = w.refused(Redirected, "GET", "/x", redirects="follow")
        assert error.details == ("it leads to another scheme, host or port: not followed",)


def test_a_post_becomes_a_get_after_303_and_stays_one_after_307() -> None:
    hops = [http(307, Location="/b"), http(303, Location="/c"), json_answer([])]
    with answering(*hops) as server, wired(server.url, writes_allowed=True) as w:
        w.wire.write_guard = lambda *_: None
        w.wire.request("POST", "/a", json={"a": 1}, redirects="follow")
        assert server.targets == ["POST /a", "POST /b", "GET /c"]
        assert [request.partition(b"\r\n\r\n")[2] for request in server.requests] == [b'{"a":1}', b'{"a":1}', b""]
        assert server.header("Content-Type") is None
