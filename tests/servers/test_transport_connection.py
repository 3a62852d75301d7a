"""Connections that fail, hang, drip or break: each ends in time, in the right error, with what to do."""

from __future__ import annotations

import re
import threading
import time
from typing import TYPE_CHECKING

import pytest

from pytest_deploycheck.errors import Malformed, TimedOut, Unreachable
from pytest_deploycheck.transport.endpoint import Retries, Timeouts
from tests.servers.bad_servers import Connection, answering, deaf_port, http, json_answer, refused_port
from tests.servers.wired import ONCE, QUICK, wired

if TYPE_CHECKING:
    from tests.servers.bad_servers import Script

SLACK = 0.7  # seconds over the deadline that a loaded machine may need


def test_refused_port() -> None:
    with refused_port() as port, wired(f"http://127.0.0.1:{port}") as w:
        error = w.refused(Unreachable, "GET", "/x")
        exchanges = w.tape.take()
        assert str(error) == (
            f"prometheus: 127.0.0.1:{port} refuses connections\n"
            f"  at: http://127.0.0.1:{port}/x\n"
            "  asked 3 times, with waits of 0.2 s, 0.4 s\n"
            f"  evidence: {exchanges[-1].id}\n"
            "  next: does prometheus run there, and is the port right?"
        )
        assert [(e.attempt, e.status, e.error) for e in exchanges] == [
            (n, None, f"prometheus: 127.0.0.1:{port} refuses connections") for n in (1, 2, 3)
        ]
        assert w.clock.slept == [0.2, 0.4]


def test_unresolvable_name() -> None:
    # .invalid never resolves (RFC 6761); without any name server the failure is a temporary one, which is tried again
    with wired("http://nowhere.invalid:9090", retries=ONCE) as w:
        error = w.refused(Unreachable, "GET", "/x")
        exchange = w.last
        assert error.details[0] in (
            "Name or service not known",
            "Temporary failure in name resolution",
            "No address associated with hostname",
        )
        assert str(error) == (
            "prometheus: the host name 'nowhere.invalid' cannot be resolved\n"
            "  at: http://nowhere.invalid:9090/x\n"
            f"  {error.details[0]}\n"
            f"  evidence: {exchange.id}\n"
            "  next: is the host name in the base URL of prometheus right, and known to this machine's name server?"
        )
        assert exchange.status is None


def test_hanging_after_accept_ends_at_the_deadline() -> None:
    with deaf_port() as port, wired(f"http://127.0.0.1:{port}", timeouts=QUICK) as w:
        begun = time.monotonic()
        error = w.refused(TimedOut, "GET", "/x")
        assert 0.25 < time.monotonic() - begun < 0.3 + SLACK
        exchanges = w.tape.take()
        assert len(exchanges) == 1, "a question that was sent is not asked again after a time-out"
        assert str(error) == (
            "prometheus: no whole answer within 0.3 s (timeouts.total)\n"
            f"  at: http://127.0.0.1:{port}/x\n"
            "  the time was up while waiting for the answer\n"
            f"  evidence: {exchanges[0].id}\n"
            "  next: is prometheus overloaded, or the network slow? Else raise its timeouts.total"
        )


def test_read_timeout_of_a_single_step() -> None:
    with (
        deaf_port() as port,
        wired(f"http://127.0.0.1:{port}", timeouts=Timeouts(connect=5, read=0.1, total=30)) as w,
    ):
        error = w.refused(TimedOut, "GET", "/x")
        assert error.what == "prometheus: nothing came for 0.1 s (timeouts.read)"
        assert error.details == ("the time was up while waiting for the answer",)


@pytest.mark.parametrize("limit", [0, -1, float("nan")])
def test_limits_that_leave_no_time(limit: float) -> None:
    with answering(json_answer({})) as server, wired(server.url) as w:
        for limits in (Timeouts(total=limit), Timeouts(connect=limit), Timeouts(read=limit)):
            w.refused(TimedOut, "GET", "/x", timeouts=limits)


def test_a_second_address_is_tried() -> None:
    # localhost is usually ::1 and 127.0.0.1, of which the server has only the latter
    with answering(json_answer([])) as server, wired(f"http://localhost:{server.port}") as w:
        assert w.wire.request("GET", "/x").status == 200
        assert server.header("Host") == f"localhost:{server.port}"


def drip_headers(connection: Connection) -> None:
    connection.drip(b"HTTP/1.1 200 OK\r\n" + b"X-Filler: 1\r\n" * 1000)


def drip_body(connection: Connection) -> None:
    connection.send(http(200, b"", length="1000"))
    connection.drip(b"a" * 1000)


def drip_chunks(connection: Connection) -> None:
    connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    connection.drip(b"1\r\na\r\n" * 1000)


@pytest.mark.parametrize("script", [drip_headers, drip_body, drip_chunks])
def test_slow_drip_ends_at_the_deadline(script: Script) -> None:
    with answering(script) as server, wired(server.url, timeouts=QUICK) as w:
        begun = time.monotonic()
        error = w.refused(TimedOut, "GET", "/x")
        assert 0.25 < time.monotonic() - begun < 0.3 + SLACK
        exchange = w.last
        assert error.what == "prometheus: no whole answer within 0.3 s (timeouts.total)"
        assert error.details[0] == "the time was up while reading the answer"
        if script is drip_headers:
            assert (exchange.status, exchange.body_sha256) == (None, None)
            assert re.fullmatch(r"[0-9]+ bytes had come, none of them of a body", error.details[1])
        else:
            assert exchange.status == 200
            assert error.details[1] == f"{exchange.body_size} bytes of the body had come"


def test_a_server_that_reads_in_sips_ends_at_the_deadline() -> None:
    big = b"x" * (32 << 20)
    with deaf_port() as port, wired(f"http://127.0.0.1:{port}", timeouts=QUICK, writes_allowed=True) as w:
        w.wire.write_guard = lambda *_: None
        begun = time.monotonic()
        error = w.refused(TimedOut, "POST", "/x", content=big)
        assert time.monotonic() - begun < 0.3 + SLACK
        assert error.details == ("the time was up while sending the request",)


def test_truncated_body() -> None:
    def cut(connection: Connection) -> None:
        connection.send(http(200, b'{"status":"succ', length="1000"))

    with answering(cut) as server, wired(server.url, retries=ONCE) as w:
        error = w.refused(Malformed, "GET", "/x")
        exchange = w.last
        assert str(error) == (
            "prometheus: the answer was cut off\n"
            f"  at: {server.url}/x\n"
            "  peer closed connection without sending complete message body (received 15 bytes, expected 1000)\n"
            f"  evidence: {exchange.id}\n"
            "  next: look at the logs of prometheus and of the proxies before it"
        )
        assert w.tape.bodies == {exchange.body_sha256: b'{"status":"succ'}, "what came is evidence"


def test_reset_in_the_middle_of_the_body_is_asked_again() -> None:
    def reset(connection: Connection) -> None:
        connection.send(http(200, b"abc", length="1000"))
        connection.server.stopping.wait(0.05)  # let the client read what was sent: a reset may overtake it
        connection.reset()

    with answering(reset, reset, json_answer([1])) as server, wired(server.url) as w:
        assert w.wire.request("GET", "/x").body == b"[1]"
        assert [(e.attempt, e.status, e.error) for e in w.tape.take()] == [
            (1, 200, "prometheus: the connection broke after 3 bytes of the body"),
            (2, 200, "prometheus: the connection broke after 3 bytes of the body"),
            (3, 200, None),
        ]


def test_reset_after_all_attempts() -> None:
    with answering(Connection.reset) as server, wired(server.url, retries=Retries(attempts=2, base=1)) as w:
        error = w.refused(Unreachable, "GET", "/x")
        assert str(error) == (
            "prometheus: the connection broke before the answer came\n"
            f"  at: {server.url}/x\n"
            "  Connection reset by peer\n"
            "  asked 2 times, with waits of 1 s\n"
            f"  evidence: {w.last.id}\n"
            "  next: look at the logs of prometheus; did it restart or crash?"
        )


def test_closed_without_an_answer() -> None:
    with answering(lambda _: None) as server, wired(server.url, retries=ONCE) as w:
        error = w.refused(Unreachable, "GET", "/x")
        assert str(error) == (
            "prometheus: the connection was closed without an answer\n"
            f"  at: {server.url}/x\n"
            f"  evidence: {w.last.id}\n"
            "  next: look at the logs of prometheus; did it restart or crash?"
        )


def test_not_http_at_all() -> None:
    with answering(b"SSH-2.0-OpenSSH_9.2\r\n\r\n") as server, wired(server.url) as w:
        error = w.refused(Malformed, "GET", "/x")
        assert len(server.requests) == 1, "asking again would only repeat it"
        assert str(error) == (
            "prometheus: the answer is not HTTP\n"
            f"  at: {server.url}/x\n"
            "  illegal status line: bytearray(b'SSH-2.0-OpenSSH_9.2')\n"
            "  23 bytes had come\n"
            f"  evidence: {w.last.id}\n"
            "  next: does another service listen on this port, or does it want https?"
        )


def test_cut_off_in_the_head() -> None:
    with (
        answering(lambda connection: connection.send(b"HTTP/1.1 200 OK\r\nContent-Ty")) as server,
        wired(server.url, retries=ONCE) as w,
    ):
        error = w.refused(Malformed, "GET", "/x")
        assert str(error) == (
            "prometheus: the answer was cut off in its head\n"
            f"  at: {server.url}/x\n"
            "  27 bytes had come\n"
            f"  evidence: {w.last.id}\n"
            "  next: look at the logs of prometheus; does it speak HTTP on this port?"
        )


def test_one_connection_for_many_requests() -> None:
    with answering(json_answer({})) as server, wired(server.url) as w:
        for _ in range(20):
            w.wire.request("GET", "/x")
        assert (len(server.requests), server.connections) == (20, 1)


def test_a_connection_closed_while_idle_is_not_used_again() -> None:
    def once(connection: Connection) -> None:
        connection.send(json_answer({}))

    with answering(once) as server, wired(server.url, retries=ONCE) as w:
        for _ in range(3):
            w.wire.request("GET", "/x")
            server_side_closed = threading.Event()
            server_side_closed.wait(0.05)
        assert server.connections == 3


def test_eight_threads_share_a_wire() -> None:
    failures: list[BaseException] = []
    with answering(json_answer({"a": 1})) as server, wired(server.url) as w:

        def ask(number: int) -> None:
            try:
                for step in range(20):
                    reply = w.wire.request("GET", f"/{number}/{step}")
                    assert reply.body == b'{"a": 1}'
                    assert reply.url == f"{server.url}/{number}/{step}"
            except BaseException as error:  # noqa: BLE001 - told to the test's own thread
                failures.append(error)

        threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        exchanges = w.tape.take()
        assert failures == []
        assert sorted(e.url for e in exchanges) == sorted(f"{server.url}/{n}/{s}" for n in range(8) for s in range(20))
        assert len({e.id for e in exchanges}) == 160
        assert len(w.tape.take_bodies()) == 1, "one body, kept once"
        assert server.connections <= 8


def test_a_deadline_of_one_thread_is_not_that_of_another() -> None:
    with (
        answering(json_answer({})) as server,
        deaf_port() as port,
        wired(server.url) as good,
        wired(f"http://127.0.0.1:{port}", timeouts=QUICK) as bad,
    ):
        thread = threading.Thread(target=lambda: bad.refused(TimedOut, "GET", "/x"))
        thread.start()
        while thread.is_alive():
            assert good.wire.request("GET", "/x").status == 200
        thread.join()


def test_a_closed_wire_says_so() -> None:
    with answering(json_answer({})) as server, wired(server.url) as w:
        w.wire.close()
        with pytest.raises(Exception, match=r"prometheus: its connections are closed already") as caught:
            w.wire.request("GET", "/x")
        assert str(caught.value) == f"prometheus: its connections are closed already\n  at: {server.url}"
