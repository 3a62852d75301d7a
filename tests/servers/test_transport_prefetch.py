"""Answers that were asked ahead: which are used, which never; how many questions are under way; how it ends."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from pytest_deploycheck.errors import ServerFailed, TimedOut, Unreachable, WriteNotAllowed
from pytest_deploycheck.model.read import Read
from pytest_deploycheck.transport.endpoint import Timeouts
from pytest_deploycheck.transport.prefetch import IN_FLIGHT, Prefetch
from tests.servers.bad_servers import Connection, answering, deaf_port, http, json_answer, refused_port
from tests.servers.wired import ONCE, Wired, secret, wired

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers.bad_servers import Answer, Server

CHECK = "test_x.py::test_a"
A = Read(system="prometheus", path="/a", params=(("query", "up"),))
B = Read(system="prometheus", path="/b")
OTHER = "the check asked something else first"
CHANGED = "something may have changed meanwhile"


def hold(connection: Connection) -> None:
    connection.hold()


class Ahead:
    """A wire whose check has declared its questions."""

    def __init__(self, w: Wired, server: Server | None = None) -> None:
        self.w = w
        self.server = server
        self.prefetch = Prefetch(w.clock)
        w.wire.prefetch = self.prefetch

    def ask(self, *reads: Read, owner: str = CHECK) -> None:
        """Ask ahead, and wait for the answers."""
        self.prefetch.ask(owner, [(self.w.wire, self.w.wire.compose_ahead(read)) for read in reads])
        self.prefetch._bundles[owner].is_over.wait(10)

    def get(self, read: Read, **options: Any) -> bytes:
        return self.w.wire.request("GET", read.path, params=read.params, **options).body

    def seen(self) -> list[tuple[str, float | None, str]]:
        """Path, age and why it was not used, of what is on the tape."""
        return [(it.url.partition("?")[0].rpartition("/")[2], it.age, it.unused) for it in self.w.tape.take()]


@contextmanager
def ahead(*answers: Answer, **fields: Any) -> Iterator[Ahead]:
    """Serve the answers, to a wire with a prefetch."""
    with answering(*answers) as server, wired(server.url, retries=ONCE, **fields) as w:
        it = Ahead(w, server)
        try:
            yield it
        finally:
            it.prefetch.close()
            assert not [thread for thread in it.prefetch._threads if thread.is_alive()]


def test_an_answer_is_the_check_s_own_with_its_true_time_and_its_age() -> None:
    with ahead(http(200, "1"), http(200, "2")) as it:
        began = it.w.clock.now()
        it.ask(A)
        it.w.clock.advance(1.5)
        assert it.w.tape.take() == [], "nobody has observed it yet"
        it.prefetch.begin(CHECK)
        assert it.get(A) == b"1"
        [exchange] = it.w.tape.take()
        assert (exchange.started, exchange.age, exchange.unused, exchange.status) == (began, 1.5, "", 200)
        assert it.server is not None
        assert it.server.targets == ["GET /a?query=up"]
        # it is used once
        assert it.get(A) == b"2"
        assert it.seen() == [("a", None, "")]


@pytest.mark.parametrize(
    "asked",
    [
        {"path": "/a", "params": {"query": "down"}},
        {"path": "/a"},
        {"path": "/a", "params": {"query": "up"}, "headers": {"Accept": "text/plain"}},
        {"path": "/a", "params": {"query": "up"}, "timeouts": Timeouts(read=1.0)},
        {"path": "/a/", "params": {"query": "up"}},
    ],
    ids=["parameter", "no parameter", "header", "time limits", "path"],
)
def test_only_the_very_same_request_gets_it(asked: dict[str, Any]) -> None:
    with ahead(http(200, "early"), http(200, "now")) as it:
        it.ask(A)
        it.prefetch.begin(CHECK)
        assert it.w.wire.request("GET", **asked).body == b"now"
        assert it.get(A) == b"now", "no check sees time go backwards"
        assert [(age, unused) for _, age, unused in it.seen()] == [(None, OTHER), (None, ""), (None, "")]


def test_a_post_that_only_reads_is_held_as_well() -> None:
    long = Read(system="prometheus", path="/api/v1/query", form=(("query", "up"),))
    with ahead(http(200, "early"), http(200, "now")) as it:
        it.ask(long)
        it.prefetch.begin(CHECK)
        reply = it.w.wire.request("POST", "/api/v1/query", form=[("query", "up")], effect="read")
        assert reply.body == b"early"


def test_questions_come_in_the_declared_order_and_what_is_passed_over_is_gone() -> None:
    with ahead(http(200, "a"), http(200, "b"), http(200, "new")) as it:
        it.ask(A, B)
        it.prefetch.begin(CHECK)
        assert it.get(B) == b"b"
        assert it.get(A) == b"new"
        assert it.seen() == [("a", None, "the check did not ask it"), ("b", 0.0, ""), ("a", None, "")]


@pytest.mark.parametrize(("age", "body"), [(5.0, b"early"), (5.1, b"now")])
def test_an_old_answer_is_asked_for_again(age: float, body: bytes) -> None:
    with ahead(http(200, "early"), http(200, "now")) as it:
        it.ask(A)
        it.w.clock.advance(age)
        it.prefetch.begin(CHECK)
        assert it.get(A) == body
        unused = [("a", None, "older than 5 s"), ("a", None, "")]
        assert it.seen() == ([("a", 5.0, "")] if body == b"early" else unused)


def test_a_check_that_pauses_between_its_questions_asks_anew() -> None:
    with ahead(http(200, "a"), http(200, "b"), http(200, "new")) as it:
        it.ask(A, B)
        it.prefetch.begin(CHECK)
        assert it.get(A) == b"a"
        it.w.clock.advance(1.1)
        assert it.get(B) == b"new"
        assert it.seen()[1:] == [("b", None, "the check took its time between its questions"), ("b", None, "")]


def test_a_newer_attempt_and_another_check_get_nothing() -> None:
    with ahead(http(200, "early"), http(200, "now")) as it:
        it.ask(A)
        it.prefetch.begin("test_x.py::test_b")
        assert it.get(A) == b"now"
        it.prefetch.begin(CHECK)
        it.prefetch.begin(CHECK)
        assert it.get(A) == b"now"
        it.prefetch.end()
        assert it.seen() == [("a", None, ""), ("a", None, "the check did not ask it"), ("a", None, "")]


def test_after_a_write_through_any_wire_it_is_used_no_more() -> None:
    with (
        ahead(http(200, "early"), http(200, "now"), writes_allowed=True) as it,
        answering(http(204)) as other,
        wired(other.url, writes_allowed=True) as service,
    ):
        service.wire.prefetch = it.prefetch
        service.wire.write_guard = lambda *_: None
        it.ask(A)
        it.prefetch.begin(CHECK)
        service.wire.request("POST", "/sessions", json={})
        assert it.get(A) == b"now"
        assert it.seen() == [("a", None, CHANGED), ("a", None, "")]


def test_a_write_that_fails_may_have_changed_something_and_one_that_is_refused_has_not() -> None:
    with ahead(http(200, "1"), http(500), http(200, "2"), writes_allowed=True) as it:
        it.ask(A)
        it.prefetch.begin(CHECK)
        it.w.refused(WriteNotAllowed, "POST", "/sessions")
        assert it.get(A) == b"1"
    with ahead(http(200, "1"), http(500), http(200, "2"), writes_allowed=True) as it:
        it.w.wire.write_guard = lambda *_: None
        it.ask(A)
        it.prefetch.begin(CHECK)
        it.w.refused(ServerFailed, "POST", "/sessions")
        assert it.get(A) == b"2"


def test_what_is_asked_while_something_changes_is_not_used_either() -> None:
    asked, go_on = threading.Event(), threading.Event()

    def slow(connection: Connection) -> None:
        asked.set()
        go_on.wait(10)
        connection.send(http(200, "early"))

    with ahead(slow, http(200, "now")) as it:
        it.prefetch.ask(CHECK, [(it.w.wire, it.w.wire.compose_ahead(A))])
        assert asked.wait(10)
        it.prefetch.changed()
        go_on.set()
        it.prefetch.begin(CHECK)
        assert it.get(A) == b"now"
        assert it.seen() == [("a", None, CHANGED), ("a", None, "")]


@pytest.mark.parametrize(
    "bad", [http(503, "not ready"), http(429), http(404), http(301, Location="/x"), b"nonsense\r\n\r\n"]
)
def test_what_is_no_good_answer_is_asked_for_again_and_nothing_of_the_check_s_is_used(bad: bytes) -> None:
    with ahead(http(200, "a"), bad, http(200, "new")) as it:
        it.ask(A, B)
        it.prefetch.begin(CHECK)
        assert it.get(A) == b"new", "or its answer would be older than the next one's by more than the check knows"
        assert it.get(B) == b"new"
        why = "not every question of the check had a good answer"
        assert it.seen() == [("a", None, why), ("b", None, why), ("a", None, ""), ("b", None, "")]


def test_what_is_refused_is_refused_to_the_check_by_itself() -> None:
    with refused_port() as port, wired(f"http://127.0.0.1:{port}", retries=ONCE) as w:
        it = Ahead(w)
        it.ask(A)
        it.prefetch.begin(CHECK)
        error = w.refused(Unreachable, "GET", "/a", params=A.params)
        early, own = w.tape.take()
        assert early.unused == "not every question of the check had a good answer"
        assert (own.id, own.unused) == (error.evidence, "")
        it.prefetch.close()


def test_many_time_outs_at_once_are_not_taken_for_silence() -> None:
    limits = Timeouts(connect=1.0, read=0.1, total=1.0)
    with ahead(hold, timeouts=limits) as it:
        w = it.w
        for number in range(20):
            it.prefetch.ask(str(number), [(w.wire, w.wire.compose_ahead(A))])
        for bundle in it.prefetch._bundles.values():
            assert bundle.is_over.wait(10)
        waited = "prometheus: nothing came for 0.1 s (timeouts.read)"
        assert w.refused(TimedOut, "GET", "/x").what == waited
        assert w.refused(TimedOut, "GET", "/x").what == waited, "two of the checks' own make it suspect"
        assert w.refused(TimedOut, "GET", "/x").what.startswith("prometheus: no answer to the last 2 requests")
        assert w.wire.send_ahead(w.wire.compose_ahead(A)) is None, "and it is not asked ahead any more"


def test_no_more_than_sixteen_are_under_way_with_the_check_s_own() -> None:
    lock = threading.Lock()
    now, most = 0, 0

    def slow(connection: Connection) -> None:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        connection.server.stopping.wait(0.05)
        with lock:
            now -= 1
        connection.send(http(200, "x", Connection="close"))

    with ahead(slow) as it:
        names = [f"check {number}" for number in range(60)]
        for name in names:
            it.prefetch.ask(name, [(it.w.wire, it.w.wire.compose_ahead(A))])
        assert it.prefetch.outstanding == 60
        it.get(B)
        for name in names:
            it.prefetch.begin(name)
            assert it.get(A) == b"x"
        assert it.prefetch.outstanding == 0
    assert IN_FLIGHT - 4 <= most <= IN_FLIGHT


def test_what_is_not_yet_under_way_the_check_asks_itself() -> None:
    with ahead(*[hold] * (IN_FLIGHT - 1), http(200, "now")) as it:
        for number in range(IN_FLIGHT):
            it.prefetch.ask(str(number), [(it.w.wire, it.w.wire.compose_ahead(A))])
        assert it.server is not None
        deadline = time.monotonic() + 10
        while len(it.server.requests) < IN_FLIGHT - 1 and time.monotonic() < deadline:
            time.sleep(0.005)
        it.prefetch.begin(str(IN_FLIGHT - 1))
        assert it.get(A) == b"now"
        assert it.seen() == [("a", None, "")]
        begun = time.monotonic()
        it.prefetch.close()
        assert time.monotonic() - begun < 0.9, "the end waits for nobody"
        assert it.prefetch.lost == IN_FLIGHT - 1


def test_the_end_breaks_a_tls_handshake_that_hangs() -> None:
    with deaf_port() as port, wired(f"https://127.0.0.1:{port}", retries=ONCE) as w:
        it = Ahead(w)
        it.prefetch.ask(CHECK, [(w.wire, w.wire.compose_ahead(A))])
        while not w.wire._transport._backend.opened._sockets:
            time.sleep(0.005)
        begun = time.monotonic()
        it.prefetch.close()
        assert time.monotonic() - begun < 0.9
        assert not [thread for thread in it.prefetch._threads if thread.is_alive()]


def test_after_the_end_the_wire_goes_on_by_itself() -> None:
    with ahead(http(200, "early"), http(200, "now")) as it:
        it.ask(A)
        it.prefetch.close()
        it.prefetch.begin(CHECK)
        assert it.get(A) == b"now"
        assert it.prefetch.lost == 1
        it.prefetch.ask("other", [(it.w.wire, it.w.wire.compose_ahead(A))])
        assert it.prefetch.outstanding == 0


def test_secrets_are_masked_in_what_was_asked_ahead() -> None:
    echo = json_answer({"you sent": "s3cr3t-t0k3n"})
    with ahead(echo, echo, headers=(("X-Key", secret("s3cr3t-t0k3n")),)) as it:
        it.ask(A)
        it.prefetch.begin(CHECK)
        it.prefetch.end()
        it.get(A)
        told = [(str(it), b"") for it in it.w.tape.take()] + list(it.w.tape.take_bodies().items())
        assert len(told) == 3
        assert not [one for one in told if "s3cr3t-t0k3n" in str(one)]
