"""A system that hangs is not waited for again and again."""

from __future__ import annotations

import time

import pytest

from pytest_deploycheck.errors import ConfigError, TimedOut, Unreachable
from pytest_deploycheck.model.outcome import Outcome
from pytest_deploycheck.transport.endpoint import Endpoint, Timeouts
from tests.servers.bad_servers import Connection, answering, deaf_port, http, json_answer, refused_port
from tests.servers.wired import ONCE, Wired, wired

SHORT = Timeouts(connect=1.0, read=0.1, total=1.0)
WAITED = "prometheus: nothing came for 0.1 s (timeouts.read)"
NOT_ASKED = "prometheus: no answer to the last 2 requests, nor to a plain GET /; not asked again for 10 s"


def hold(connection: Connection) -> None:
    connection.hold()


def drip(connection: Connection) -> None:
    connection.drip(b"HTTP/1.1 200 OK\r\n" + b"X-Filler: 1\r\n" * 1000)


def whats(w: Wired, count: int, path: str = "/x") -> list[str]:
    return [w.refused(TimedOut, "GET", path).what for _ in range(count)]


def test_after_two_requests_without_an_answer_the_rest_fails_at_once() -> None:
    with deaf_port() as port, wired(f"http://127.0.0.1:{port}", timeouts=SHORT) as w:
        assert whats(w, 2) == [WAITED, WAITED]
        error = w.refused(TimedOut, "GET", "/y")
        asked = w.tape.take()
        assert [exchange.url.rpartition("/")[2] for exchange in asked] == ["x", "x", ""], (
            "the last is the plain question"
        )
        assert error.outcome is Outcome.ERROR
        assert str(error) == (
            f"{NOT_ASKED}\n"
            f"  at: http://127.0.0.1:{port}/y\n"
            "  this request was not sent (give_up_after)\n"
            f"  evidence: {asked[-1].id}\n"
            "  next: does prometheus hang, or does something on the way drop packets? The checks can wait"
        )
        begun = time.monotonic()
        assert whats(w, 50) == [NOT_ASKED] * 50
        assert time.monotonic() - begun < 0.5
        assert w.tape.take() == []


def test_after_the_pause_it_is_asked_something_plain_again() -> None:
    with answering(hold, hold, hold, hold, json_answer([])) as server, wired(server.url, timeouts=SHORT) as w:
        assert whats(w, 3) == [WAITED, WAITED, NOT_ASKED]
        w.clock.advance(9.9)
        assert whats(w, 1) == [NOT_ASKED]
        assert server.targets == ["GET /x", "GET /x", "GET /"]
        w.clock.advance(0.1)
        assert whats(w, 1) == [NOT_ASKED]
        assert server.targets[3:] == ["GET /"]
        w.clock.advance(10)
        assert w.wire.request("GET", "/x").status == 200
        assert server.targets[4:] == ["GET /", "GET /x"]


@pytest.mark.parametrize("plain", [http(200), http(404), http(302, Location="/graph"), http(503), b"nonsense\r\n\r\n"])
def test_a_system_that_only_finds_the_questions_heavy_is_asked_on(plain: object) -> None:
    with answering(hold, hold, plain, hold, json_answer([])) as server, wired(server.url, timeouts=SHORT) as w:  # type: ignore[arg-type]
        assert whats(w, 3) == [WAITED] * 3
        assert w.wire.request("GET", "/x").status == 200
        assert server.targets == ["GET /x", "GET /x", "GET /", "GET /x", "GET /x"]


@pytest.mark.parametrize("sign", [http(200), http(500), http(404)])
def test_an_answer_in_between_starts_the_count_again(sign: bytes) -> None:
    with answering(hold, sign, hold, sign, hold) as server, wired(server.url, timeouts=SHORT, retries=ONCE) as w:
        for _ in range(2):
            assert whats(w, 1) == [WAITED]
            w.wire.request("GET", "/x", statuses="any")
        assert whats(w, 1) == [WAITED]
        assert server.targets == ["GET /x"] * 5


def test_a_slow_drip_is_no_silence() -> None:
    limits = Timeouts(connect=1.0, read=5.0, total=0.4)  # however busy this machine is, the whole runs out first
    with answering(drip) as server, wired(server.url, timeouts=limits) as w:
        assert whats(w, 4) == ["prometheus: no whole answer within 0.4 s (timeouts.total)"] * 4


def test_refused_connections_are_no_silence() -> None:
    with refused_port() as port, wired(f"http://127.0.0.1:{port}", timeouts=SHORT, retries=ONCE) as w:
        for _ in range(4):
            error = w.refused(Unreachable, "GET", "/x")
            assert error.what == f"prometheus: 127.0.0.1:{port} refuses connections"


def test_who_was_given_less_time_than_usual_has_not_shown_that_he_is_silent() -> None:
    with deaf_port() as port, wired(f"http://127.0.0.1:{port}", timeouts=Timeouts(read=0.2, total=1.0)) as w:
        for _ in range(4):
            error = w.refused(TimedOut, "GET", "/x", timeouts=SHORT)
            assert error.what == WAITED


def test_it_can_be_turned_off_or_set_tighter() -> None:
    with deaf_port() as port, wired(f"http://127.0.0.1:{port}", timeouts=SHORT, give_up_after=0) as w:
        assert whats(w, 5) == [WAITED] * 5
    with deaf_port() as port, wired(f"http://127.0.0.1:{port}", timeouts=SHORT, give_up_after=1) as w:
        first, second = whats(w, 2)
        assert first == WAITED
        assert second == "prometheus: no answer to the last request, nor to a plain GET /; not asked again for 10 s"
    with pytest.raises(ConfigError) as error:
        Endpoint(name="prometheus", base_url="http://h", give_up_after=-1)
    assert [str(mistake) for mistake in error.value.mistakes] == [
        "system prometheus: give_up_after: is -1 (expected 0 or more)"
    ]
