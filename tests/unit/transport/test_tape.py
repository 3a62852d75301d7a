"""The tape: what it keeps, hands over, and tells its listeners."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from pytest_deploycheck.transport.tape import Tape, replay_key

if TYPE_CHECKING:
    from pytest_deploycheck.model.exchange import Exchange


def record(tape: Tape, **fields: Any) -> Exchange:
    given = {"system": "p", "method": "GET", "url": "http://h/x", "started": 1.5, "elapsed": 0.25, "body": b"[1]"}
    return tape.record(**{**given, "status": 200, **fields})


def sha(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def test_bodies_are_kept_once_and_taken_once() -> None:
    tape = Tape()
    one, two = record(tape), record(tape, url="http://h/y")
    assert tape.bodies == {sha(b"[1]"): b"[1]"}
    assert tape.take() == [one, two]
    assert tape.take() == []
    assert tape.take_bodies() == {sha(b"[1]"): b"[1]"}
    record(tape)
    assert tape.take_bodies() == {}, "it was handed over before"


def test_an_id_tells_one_exchange_from_another() -> None:
    tape = Tape()
    one = record(tape)
    assert record(tape).id == one.id
    assert len(one.id) == 12
    assert {record(tape, **change).id for change in ({"body": b"2"}, {"attempt": 2}, {"error": "e"})}.isdisjoint(
        {one.id}
    )


def test_no_body_is_not_an_empty_body() -> None:
    tape = Tape()
    assert (record(tape, body=None).body_sha256, record(tape, body=b"").body_sha256) == (None, sha(b""))


def test_listeners_hear_each_exchange_with_its_body() -> None:
    tape = Tape()
    heard: list[tuple[Exchange, bytes]] = []
    tape.on_record.append(lambda exchange, body: heard.append((exchange, body)))
    exchange = record(tape)
    assert heard == [(exchange, b"[1]")]


def test_the_key_for_replaying() -> None:
    exchange = record(Tape(), request_body="query=up", method="POST")
    assert replay_key(exchange) == ("p", "POST", "http://h/x", "query=up")
