"""The tape, and its form on disk."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest

from pytest_deploycheck.transport.tape import Tape, replay_key
from pytest_deploycheck.transport.tape_format import append_observations, dump_line, load_observations, parse_line

if TYPE_CHECKING:
    from pathlib import Path

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


def test_a_round_trip_in_several_parts(tmp_path: Path) -> None:
    tape = Tape()
    first = [record(tape, request_headers=(("A", "ü\u2028"),)), record(tape, body=None, status=None, error="gone")]
    append_observations(tmp_path, tape.take(), tape.take_bodies())
    second = [record(tape, body=b"\xff\x00"), record(tape)]
    append_observations(tmp_path, tape.take(), tape.take_bodies())
    append_observations(tmp_path, [], {})
    loaded = load_observations(tmp_path)
    assert [exchange for exchange, _ in loaded.exchanges] == first + second
    assert [body for _, body in loaded.exchanges] == [b"[1]", None, b"\xff\x00", b"[1]"]
    assert loaded.problems == ()
    assert sorted(path.name for path in (tmp_path / "bodies").iterdir()) == sorted([sha(b"[1]"), sha(b"\xff\x00")])


def test_a_torn_last_line_is_reported_and_the_rest_is_read(tmp_path: Path) -> None:
    tape = Tape()
    whole, torn, after = record(tape), record(tape, attempt=2), record(tape, attempt=3)
    append_observations(tmp_path, [whole], tape.take_bodies())
    with (tmp_path / "observations.jsonl").open("a") as file:
        file.write(dump_line(torn)[:40])
    loaded = load_observations(tmp_path)
    assert [exchange for exchange, _ in loaded.exchanges] == [whole]
    assert loaded.problems == ("observations.jsonl:2: the line is torn: the run was interrupted while writing it",)
    append_observations(tmp_path, [after], {})
    loaded = load_observations(tmp_path)
    assert [exchange for exchange, _ in loaded.exchanges] == [whole, after]
    assert len(loaded.problems) == 1
    assert loaded.problems[0].startswith("observations.jsonl:2: not readable: ")


def test_missing_and_altered_bodies_are_reported(tmp_path: Path) -> None:
    tape = Tape()
    for attempt, body in enumerate([b"a", b"b", b"b"], start=1):
        record(tape, body=body, attempt=attempt)
    append_observations(tmp_path, tape.take(), tape.take_bodies())
    (tmp_path / "bodies" / sha(b"a")).unlink()
    (tmp_path / "bodies" / sha(b"b")).write_bytes(b"B")
    loaded = load_observations(tmp_path)
    assert [body for _, body in loaded.exchanges] == [None, None, None]
    assert loaded.problems == (
        f"observations.jsonl:1: the body {sha(b'a')} cannot be read: No such file or directory",
        f"observations.jsonl:2: the body {sha(b'b')} was altered: its SHA-256 is another",
    )


@pytest.mark.parametrize(
    "line",
    [
        "",
        "[]",
        "{",
        "5",
        '{"id": "x"}',
        '{"unknown": 1}',
        '{"request_headers": 5}',
        '{"request_headers": [[1]]}',
        "\udcff",
    ],
)
def test_lines_that_are_no_exchanges(line: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - json's own text for some
        parse_line(line)


def test_no_line_makes_the_loader_fail(tmp_path: Path) -> None:
    exchange = record(Tape())
    altered = json.dumps({**exchange.to_dict(), "body_sha256": "../../etc/passwd"})
    lines = [b"{}", b"[]", b"\xff", b'{"request_headers": 5}', b'{"request_headers": [[1]]}', altered.encode(), b""]
    (tmp_path / "observations.jsonl").write_bytes(b"\n".join(lines))
    loaded = load_observations(tmp_path)
    assert len(loaded.exchanges) == 1
    assert len(loaded.problems) == 6
    assert loaded.problems[-1] == "observations.jsonl:6: '../../etc/passwd' is not a SHA-256"


def test_a_body_under_another_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"a body of 1 bytes is not the one its SHA-256 names: '\.\./x'"):
        append_observations(tmp_path, [], {"../x": b"a"})
    assert list((tmp_path / "bodies").iterdir()) == []


def test_no_observations_at_all(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        load_observations(tmp_path)
