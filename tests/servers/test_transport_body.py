"""Bodies that are too large, packed wrongly, or not what was asked for."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib

import pytest

from pytest_deploycheck.errors import Malformed, TooLarge
from tests.servers.bad_servers import Connection, answering, gzipped, http
from tests.servers.wired import wired

MIB = 1024 * 1024


def flood(connection: Connection) -> None:
    """Announce nothing, and send zeros for as long as somebody listens."""
    connection.send(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
    try:
        while not connection.server.stopping.is_set():
            connection.send(b"0" * 65536)
    except OSError:
        return


def test_an_announced_gigabyte_is_not_read() -> None:
    def announce(connection: Connection) -> None:
        connection.send(http(200, b"", length=str(1024 * MIB)))
        connection.hold()

    with answering(announce) as server, wired(server.url) as w:
        error = w.refused(TooLarge, "GET", "/x")
        assert str(error) == (
            "prometheus: the answer is larger than the limit of 64 MiB (max_body)\n"
            f"  at: {server.url}/x\n"
            "  the server announces 1,073,741,824 bytes\n"
            f"  evidence: {w.last.id}\n"
            "  next: ask for less (fewer series, a shorter window), or raise max_body of prometheus"
        )


def test_an_endless_body_is_left_at_the_limit_in_little_memory() -> None:
    with answering(flood) as server, wired(server.url, max_body=MIB) as w:
        tracemalloc.start()
        try:
            error = w.refused(TooLarge, "GET", "/x")
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert peak < 6 * MIB
        size = int(error.details[0].split()[4].replace(",", ""))
        assert MIB < size <= MIB + 65536
        assert error.details == (f"the server had sent {size:,} bytes when reading stopped",)
        exchange = w.last
        assert exchange.error == error.what
        assert exchange.body_size <= MIB


def test_a_gzip_bomb_does_not_go_off() -> None:
    bomb = gzip.compress(b"0" * (64 * MIB))
    with (
        answering(http(200, bomb, Content_Encoding="gzip")) as server,
        wired(server.url, max_body=MIB, compression="gzip") as w,
    ):
        tracemalloc.start()
        try:
            error = w.refused(TooLarge, "GET", "/x")
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert peak < 6 * MIB
        assert error.details == (f"the server had sent {MIB + 1:,} bytes when reading stopped",)


@pytest.mark.parametrize(("compression", "sent"), [("auto", "identity"), ("gzip", "gzip"), ("identity", "identity")])
def test_packing_that_is_asked_for(compression: str, sent: str) -> None:
    with answering(http(200, b"{}")) as server, wired(server.url, compression=compression) as w:
        w.wire.request("GET", "/x")
        assert server.header("Accept-Encoding") == sent


def test_packed_bodies_are_unpacked() -> None:
    members = gzip.compress(b"[1,") + gzip.compress(b"2]")
    answers = [gzipped(b"[1,2]"), http(200, members, Content_Encoding="gzip"), gzipped(b"")]
    deflated = http(200, zlib.compress(b"[1,2]"), Content_Encoding="deflate")
    with answering(*answers, deflated) as server, wired(server.url) as w:
        assert [w.wire.request("GET", "/x").body for _ in range(4)] == [b"[1,2]", b"[1,2]", b"", b"[1,2]"]


@pytest.mark.parametrize(
    ("body", "encoding", "problem"),
    [
        (gzip.compress(b"x" * 1000)[:-9], "gzip", "it ends in the middle of the packed data"),
        (b"not packed", "gzip", "it does not unpack: Error -3 while decompressing data: incorrect header check"),
        (b"x", "br", "it is packed as 'br', which was not asked for"),
    ],
    ids=["cut off", "not packed", "another packing"],
)
def test_packing_gone_wrong(body: bytes, encoding: str, problem: str) -> None:
    with answering(http(200, body, Content_Encoding=encoding)) as server, wired(server.url) as w:
        error = w.refused(Malformed, "GET", "/x")
        assert str(error) == (
            "prometheus: the answer's body cannot be unpacked\n"
            f"  at: {server.url}/x\n"
            f"  {problem}\n"
            f"  evidence: {w.last.id}\n"
            "  next: look at the proxies between here and the server"
        )


def test_html_for_json() -> None:
    page = "<!DOCTYPE html>\n<html><body>It works!\x07</body></html>"
    with answering(http(200, page, Content_Type="text/html; charset=utf-8")) as server, wired(server.url) as w:
        error = w.refused(Malformed, "GET", "/x", expect="json")
        assert str(error) == (
            "prometheus: expected JSON, got an HTML page\n"
            f"  at: {server.url}/x\n"
            "  HTTP 200, content type text/html; charset=utf-8, 52 bytes\n"
            "  it begins: <!DOCTYPE html>\\n<html><body>It works!\\x07</body></html>\n"
            f"  evidence: {w.last.id}\n"
            "  next: is this the base URL of the API, and not of a web page or a proxy's error page?"
        )


def test_a_login_page_for_json_even_if_it_says_that_it_is_json() -> None:
    page = '<html><form><input name=u><input name="p" type="password"></form></html>'
    with answering(http(200, page, Content_Type="application/json")) as server, wired(server.url) as w:
        error = w.refused(Malformed, "GET", "/x", expect="json")
        assert error.what == "prometheus: expected JSON, got an HTML login page"
        assert error.next_step == "give the system credentials, or a base URL that does not lead through a login"


@pytest.mark.parametrize(
    ("body", "what", "shown"),
    [
        ("", "an empty body", None),
        (" \n", "an empty body", "it begins:  \\n"),
        ("up 1\n" * 100, "something else", "it begins: " + "up 1\\n" * 40 + "…"),
        ("truthy", "something else", "it begins: truthy"),
    ],
)
def test_other_things_for_json(body: str, what: str, shown: str | None) -> None:
    with answering(http(200, body)) as server, wired(server.url) as w:
        error = w.refused(Malformed, "GET", "/x", expect="json")
        assert error.what == f"prometheus: expected JSON, got {what}"
        size = f"HTTP 200, content type (none), {len(body)} bytes"
        assert error.details == ((size,) if shown is None else (size, shown))


@pytest.mark.parametrize("body", ["{}", "[]", ' \n{"a":1}', '"text"', "-1", "3", "true", "null\n"])
def test_what_may_be_json(body: str) -> None:
    with answering(http(200, body)) as server, wired(server.url) as w:
        assert w.wire.request("GET", "/x", expect="json").body == body.encode()


def test_a_caller_whose_decoding_fails_has_the_same_error() -> None:
    with answering(http(200, '{"status":"succ', Content_Type="application/json")) as server, wired(server.url) as w:
        reply = w.wire.request("GET", "/x", expect="json")
        assert str(reply.malformed("truncated JSON at byte 15")) == (
            "prometheus: truncated JSON at byte 15\n"
            f"  at: {server.url}/x\n"
            "  HTTP 200, content type application/json, 15 bytes\n"
            '  it begins: {"status":"succ\n'
            f"  evidence: {reply.evidence}\n"
            "  next: look at the stored answer; does the base URL lead to the right system and version?"
        )


def test_head_announces_a_length_and_has_no_body() -> None:
    with answering(http(200, b"", length=str(1024 * MIB))) as server, wired(server.url) as w:
        reply = w.wire.request("HEAD", "/x")
        assert (reply.status, reply.body, reply.headers["content-length"]) == (200, b"", "1073741824")
