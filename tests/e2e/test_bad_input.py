"""Systems that do not answer as they should: each has its message, is no pass and no failure, leaves evidence."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import pytest
import trustme

from tests.contract.recorded import recording
from tests.e2e.three_systems import (
    ASKED,
    AT_ONCE,
    MONITORING,
    SUITE,
    Text,
    assert_held,
    assert_no_frame_of_ours,
    assert_told,
    check_of,
    configure,
    good_then,
)
from tests.servers.bad_servers import answering, gzipped, http, refused_port

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.conftest import Ran
    from tests.servers.bad_servers import Answer, Connection

THREE = "no blocker failed, but 3 blockers could not be measured"
TWO = "no blocker failed, but 2 blockers could not be measured"
ONE_ERROR = "no blocker failed, but 1 blocker could not be measured"
ONE_INCONCLUSIVE = "no blocker failed, but 1 blocker inconclusive"

PAGE = "<!doctype html><title>Welcome</title><p>hello"
PLAIN = "text/plain; charset=utf-8"
TRUNCATED = {
    "prometheus": '{"status": "success", "data": {"resul',
    "alertmanager": '[{"labels": {"alertname": "Hi',
    "service mcp": '{"status": "heal',
}
LOOK = "look at the stored answer; does the base URL lead to the right system and version?"
OPEN = "open the URL: is it the service, or a login or error page in front of it?"


def drip(connection: Connection) -> None:
    connection.send(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n")
    connection.drip(b"[" + b" " * 99_999, pause=0.2)


def truncated(connection: Connection) -> None:
    path = connection.request.split(b" ")[1].decode()
    body = next(body for system, body in TRUNCATED.items() if ASKED[system] == path)
    connection.send(http(200, body, Content_Type="application/json", Connection="close"))


def flood(connection: Connection) -> None:
    connection.send(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000000000\r\n\r\n")
    connection.hold()


BOMB = gzipped(b"[" + b" " * 50_000_000, Content_Type="application/json", Connection="close")
"""Fifty megabytes that are announced as fifty thousand bytes."""


def malformed(what: str, body: str, step: str, kind: str = "application/json") -> Text:
    first = f"HTTP 200, content type {kind}, {len(body)} bytes"
    return Text(what=what, details=(first, f"it begins: {body}"), next_step=step)


FAULTS: dict[str, tuple[Answer, Text | dict[str, Text]]] = {
    "hanging": (
        lambda connection: connection.hold(),
        Text(
            what="no whole answer within 0.5 s (timeouts.total)",
            details=("the time was up while waiting for the answer",),
            next_step="is {system} overloaded, or the network slow? Else raise its timeouts.total",
        ),
    ),
    "slow drip": (
        drip,
        Text(
            what="no whole answer within 0.5 s (timeouts.total)",
            details=("the time was up while reading the answer", "2 bytes of the body had come"),
            next_step="is {system} overloaded, or the network slow? Else raise its timeouts.total",
        ),
    ),
    "a gigabyte": (
        flood,
        Text(
            what="the answer is larger than the limit of 64 MiB (max_body)",
            details=("the server announces 1,000,000,000 bytes",),
            next_step="ask for less (fewer series, a shorter window), or raise max_body of {system}",
        ),
    ),
    "a bomb": (
        BOMB,
        Text(
            what="the answer is larger than the limit of 1 MiB (max_body)",
            details=("the server had sent 1,048,577 bytes when reading stopped",),
            next_step="ask for less (fewer series, a shorter window), or raise max_body of {system}",
        ),
    ),
    "a page": (
        http(200, PAGE, Content_Type="text/html"),
        {
            **dict.fromkeys(
                ("prometheus", "alertmanager"),
                malformed(
                    "expected JSON, got an HTML page",
                    PAGE,
                    "is this the base URL of the API, and not of a web page or a proxy's error page?",
                    kind="text/html",
                ),
            ),
            "service mcp": malformed("expected JSON, got a page", PAGE, OPEN, kind="text/html"),
        },
    ),
    "truncated": (
        truncated,
        {
            "prometheus": malformed("not complete JSON: Input data was truncated", TRUNCATED["prometheus"], LOOK),
            "alertmanager": malformed("not complete JSON: Input data was truncated", TRUNCATED["alertmanager"], LOOK),
            "service mcp": malformed(
                "not complete JSON: Unterminated string starting at: line 1 column 12 (char 11)",
                TRUNCATED["service mcp"],
                OPEN,
            ),
        },
    ),
    "cut off": (
        lambda connection: connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n[1, 2"),
        Text(
            what="the answer was cut off",
            details=("peer closed connection without sending complete message body (received 5 bytes, expected 500)",),
            next_step="look at the logs of {system} and of the proxies before it",
        ),
    ),
    "401": (
        http(401, "who?", Content_Type=PLAIN),
        Text(
            what="401, the server wants a credential and none is configured",
            details=("the server says: who?",),
            next_step="configure `auth` of {system} with a token or a user and password",
        ),
    ),
    "403": (
        http(403, "no", Content_Type=PLAIN),
        Text(
            what="403, a request without a credential may not do this",
            details=("the server says: no",),
            next_step="grant the missing permission, or use another credential",
        ),
    ),
    "429": (
        http(429, "slow down", Content_Type=PLAIN, Retry_After="7"),
        Text(
            what="429, too many requests",
            details=("the server says: slow down", "Retry-After: 7"),
            next_step="ask less often, or raise the server's limit",
        ),
    ),
    "login": (
        http(302, Location="/login?next=%2F"),
        Text(
            what="302, redirected to what looks like a login page: /login?next=%2F",
            details=("redirects are not followed: the answer would be another page's",),
            next_step="give the system credentials, or a base URL that does not lead through a login",
        ),
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_system_that_does_not_answer(run: Callable[..., Ran], pytester: pytest.Pytester, fault: str) -> None:
    bad, text = FAULTS[fault]
    with answering(good_then(bad)) as server:
        configure(pytester.path, server.url, 'max_body = "1MiB"\n' if bad is BOMB else "")
        ran = run(test_it=SUITE)
        assert_held(ran, THREE)
        assert_told(ran, text, server.url)


SERVER_FAULTS: dict[str, tuple[Answer, Text]] = {
    "404": (
        recording("prometheus/error_404_path").wire_bytes,
        Text(
            what="404, there is no such path",
            details=("the server says: 404 page not found",),
            next_step="is the base URL right? It is {url}; a path prefix may be missing",
        ),
    ),
    "500": (
        http(500, "panic", Content_Type=PLAIN),
        Text(
            what="500, the server failed",
            details=("the server says: panic",),
            next_step="look at the logs of {system}",
        ),
    ),
    "WAL replay": (
        recording("prometheus/walreplay_query").wire_bytes,
        Text(
            what="503, not ready: Service Unavailable",
            details=("the server says: Service Unavailable",),
            next_step="wait until it is ready (Prometheus replays its WAL after a restart), then run again",
        ),
    ),
}


@pytest.mark.parametrize("fault", SERVER_FAULTS)
def test_a_monitoring_system_that_fails(run: Callable[..., Ran], pytester: pytest.Pytester, fault: str) -> None:
    bad, text = SERVER_FAULTS[fault]
    with answering(good_then(bad)) as server:
        configure(pytester.path, server.url)
        ran = run(test_it=MONITORING)
        assert_held(ran, TWO)
        assert_told(ran, text, server.url)


SERVICE = """
    import pytest

    @pytest.mark.blocker
    def test_health(health):
        assert health("mcp").get("/health").status == 200
"""


@pytest.mark.parametrize("status", [404, 500, 503])
def test_a_service_that_says_so_was_measured(run: Callable[..., Ran], pytester: pytest.Pytester, status: int) -> None:
    with answering(good_then(http(status, "Service Unavailable", Content_Type=PLAIN))) as server:
        configure(pytester.path, server.url)
        ran = run(test_it=SERVICE)
        assert (ran.code, ran.record["verdict"]) == (1, "NO-GO")
        assert ran.outcomes() == {"test_health": "failed"}
        assert ran.result_of(check_of(ran, "test_health"))[1] == f"assert {status} == 200"
        assert_no_frame_of_ours(ran)


def test_a_name_that_nobody_knows(run: Callable[..., Ran], pytester: pytest.Pytester) -> None:
    url = "http://no-such-host.invalid:9090"
    configure(pytester.path, url, limits="retries = { attempts = 1 }\n")
    ran = run(test_it=AT_ONCE)
    assert_held(ran, THREE)
    text = Text(
        what="the host name 'no-such-host.invalid' cannot be resolved",
        details=("Name or service not known",),
        next_step="is the host name in the base URL of {system} right, and known to this machine's name server?",
    )
    assert_told(ran, text, url, answered=False)


def test_a_port_that_refuses(run: Callable[..., Ran], pytester: pytest.Pytester) -> None:
    with refused_port() as port:
        url = f"http://127.0.0.1:{port}"
        configure(pytester.path, url)
        ran = run(test_it=AT_ONCE)
        assert_held(ran, THREE)
        text = Text(
            what=f"127.0.0.1:{port} refuses connections",
            next_step="does {system} run there, and is the port right?",
        )
        assert_told(ran, text, url, answered=False)


def test_a_certificate_for_another_name(run: Callable[..., Ran], pytester: pytest.Pytester) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(pytester.path / "ca.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("prometheus.example.org").configure_cert(context)
    with answering(http(200, "{}"), tls=context) as server:
        configure(pytester.path, server.url, 'tls = { ca = "ca.pem" }\n')
        ran = run(test_it=AT_ONCE)
        assert_held(ran, THREE)
        text = Text(
            what="the server's certificate is not for '127.0.0.1'",
            details=("TLS: IP address mismatch, certificate is not valid for '127.0.0.1'",),
            next_step="use the name in the certificate in the base URL, or set tls.server_name to it",
        )
        assert_told(ran, text, server.url, answered=False)
        assert server.requests == []


QUESTION = """
    import pytest

    def test_question(prometheus):
        assert prometheus({expr!r}){rest}
"""


def test_invalid_promql(run: Callable[..., Ran], pytester: pytest.Pytester) -> None:
    with answering(recording("prometheus/error_400_parse").wire_bytes) as server:
        configure(pytester.path, server.url)
        ran = run("--deploycheck-signoff", test_it=QUESTION.format(expr="up{", rest=" == 1"))
        assert_held(ran, ONE_ERROR)
        evidence = check_of(ran, "test_question")["result"]["evidence"]
        told = [
            "E   prometheus: 400, the question was refused",
            f"E     at: {server.url}/api/v1/query?query=up%7B",
            (
                'E     the server says: bad_data: invalid parameter "query": 1:4: parse error: unexpected end of input '
                "inside braces"
            ),
            f"E     evidence: {evidence[0]}",
            "E     next: mend the expression or the parameters",
        ]
        assert "\n".join(told) in ran.result.stdout.str()


def test_several_series_where_one_was_meant(run: Callable[..., Ran], pytester: pytest.Pytester) -> None:
    with answering(recording("prometheus/hang_up").wire_bytes) as server:
        configure(pytester.path, server.url)
        ran = run("--deploycheck-signoff", test_it=QUESTION.format(expr="up", rest=".value() == 1"))
        assert_held(ran, ONE_ERROR)
        check = check_of(ran, "test_question")
        assert ran.result_of(check) == ("error", "up: 3 series where exactly one was meant")
        lines = ran.result.stdout.lines
        start = lines.index("E   up: 3 series where exactly one was meant")
        hanging = '{instance="127.0.0.1:21002", job="app_hang"}'
        assert lines[start : start + 7] == [
            "E   up: 3 series where exactly one was meant",
            f"E     at: prometheus {server.url}",
            f"E     scrape_duration_seconds{hanging}",
            f"E     scrape_samples_scraped{hanging}",
            f"E     up{hanging}",
            f"E     evidence: {check['result']['evidence'][0]}",
            "E     next: aggregate (`sum(…)`), narrow the selector, or compare every series: `prometheus(…) < n`",
        ]


@pytest.mark.parametrize(
    ("answer", "summary"),
    [
        ("prometheus/query_empty_vector", "no data: the answer has no series"),
        (
            "prometheus/query_nan_ratio",
            '1 of 1 series is NaN, which is no data ({env="staging", instance="127.0.0.1:21000", job="app_ok"})',
        ),
    ],
)
def test_no_data_is_inconclusive(run: Callable[..., Ran], pytester: pytest.Pytester, answer: str, summary: str) -> None:
    with answering(recording(answer).wire_bytes) as server:
        configure(pytester.path, server.url)
        ran = run("--deploycheck-signoff", test_it=QUESTION.format(expr="errors / requests", rest=" < 0.01"))
        assert_held(ran, ONE_INCONCLUSIVE)
        outcome, told = ran.result_of(check_of(ran, "test_question"))
        assert outcome == "inconclusive"
        assert told == f"errors / requests: {summary}; expected every series < 0.01"
