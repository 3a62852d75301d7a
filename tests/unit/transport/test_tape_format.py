"""The tape on disk, read back as the sign-off's writer wrote it."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest

from pytest_deploycheck.signoff.write import Writer, new_run_id
from pytest_deploycheck.transport.tape import Tape
from pytest_deploycheck.transport.tape_format import Observation, load_observations, parse_line

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_deploycheck.model.exchange import Exchange

CHECK = "test_it.py::test_a[ü]"


def record(tape: Tape, **fields: Any) -> Exchange:
    given = {"system": "p", "method": "GET", "url": "http://h/x", "started": 1.5, "elapsed": 0.25, "body": b"[1]"}
    return tape.record(**{**given, "status": 200, **fields})


def sha(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def written(directory: Path, tape: Tape, *, check: str = CHECK, phase: str = "call", worker: str = "main") -> Path:
    """Write what the tape holds as a run does, bodies first; return the evidence."""
    writer = Writer(directory, new_run_id(0.0))
    for digest, body in tape.take_bodies().items():
        writer.body(digest, body)
    for exchange in tape.take():
        writer.append(check, exchange.to_dict(), phase=phase, worker=worker)
    writer.close()
    return writer.path / "evidence"


def line_of(exchange: Exchange, **changes: Any) -> str:
    return json.dumps({"check": CHECK, "phase": "call", "worker": "gw0", **exchange.to_dict(), **changes})


def test_a_round_trip(tmp_path: Path) -> None:
    tape = Tape()
    exchanges = [
        record(tape, request_headers=(("A", "ü\u2028"),)),
        record(tape, body=None, status=None, error="gone"),
        record(tape, body=b"\xff\x00"),
        record(tape),
    ]
    loaded = load_observations(written(tmp_path, tape, phase="setup", worker="gw1"))
    assert [found.exchange for found in loaded.records] == exchanges
    assert [found.body for found in loaded.records] == [b"[1]", None, b"\xff\x00", b"[1]"]
    assert {(found.check, found.phase, found.worker) for found in loaded.records} == {(CHECK, "setup", "gw1")}
    assert loaded.problems == ()


def test_an_exchange_of_no_check(tmp_path: Path) -> None:
    tape = Tape()
    record(tape)
    (found,) = load_observations(written(tmp_path, tape, check="")).records
    assert found.check == ""


def test_a_torn_last_line_is_reported_and_the_rest_is_read(tmp_path: Path) -> None:
    tape = Tape()
    whole, torn = record(tape), record(Tape(), attempt=2)
    evidence = written(tmp_path, tape)
    with (evidence / "observations.jsonl").open("a") as file:
        file.write(line_of(torn)[:40])
    loaded = load_observations(evidence)
    assert [found.exchange for found in loaded.records] == [whole]
    assert loaded.problems == ("observations.jsonl:2: the line is torn: the run was interrupted while writing it",)


def test_missing_and_altered_bodies_are_reported(tmp_path: Path) -> None:
    tape = Tape()
    for attempt, body in enumerate([b"a", b"b", b"b"], start=1):
        record(tape, body=body, attempt=attempt)
    evidence = written(tmp_path, tape)
    (evidence / "bodies" / sha(b"a")).unlink()
    (evidence / "bodies" / sha(b"b")).write_bytes(b"B")
    loaded = load_observations(evidence)
    assert [found.body for found in loaded.records] == [None, None, None]
    assert loaded.problems == (
        f"observations.jsonl:1: the body {sha(b'a')} cannot be read: No such file or directory",
        f"observations.jsonl:2: the body {sha(b'b')} was altered: its SHA-256 is another",
    )


WHOLE = record(Tape())


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("[]", "not an observation: not a JSON object"),
        ("5", "not an observation: not a JSON object"),
        ("[" * 100_000, "not an observation: not a JSON object"),
        ("{}", "not an observation: no check"),
        (json.dumps(WHOLE.to_dict()), "not an observation: no check"),
        (line_of(WHOLE, check=5), "not an observation: check is not text"),
        (line_of(WHOLE, worker=None), "not an observation: no worker"),
        (line_of(WHOLE, phase="later"), "not an observation: the phase is 'later'"),
        (line_of(WHOLE, more=1), "not an exchange: unknown keys ['more']"),
        (line_of(WHOLE, request_headers=5), "not an exchange: 'int' object is not iterable"),
    ],
    ids=["list", "number", "deep", "empty", "bare exchange", "check", "worker", "phase", "unknown key", "headers"],
)
def test_lines_that_are_no_observations(line: str, message: str) -> None:
    with pytest.raises(ValueError, match="not an") as caught:
        parse_line(line)
    assert str(caught.value) == message


@pytest.mark.parametrize("line", ["", "{", "\udcff", line_of(WHOLE, request_headers=[[1]])])
def test_lines_that_are_not_even_that(line: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - json's own text, or Python's
        parse_line(line)


def test_a_line_gives_who_and_what() -> None:
    assert parse_line(line_of(WHOLE)) == Observation(check=CHECK, phase="call", worker="gw0", exchange=WHOLE)


def test_no_line_makes_the_loader_fail(tmp_path: Path) -> None:
    lines = [
        b"{}",
        b"[]",
        b"\xff",
        line_of(WHOLE, request_headers=5).encode(),
        line_of(WHOLE, body_sha256="../../etc/passwd").encode(),
        line_of(WHOLE, body_sha256=5).encode(),
        b"",
    ]
    (tmp_path / "observations.jsonl").write_bytes(b"\n".join(lines))
    loaded = load_observations(tmp_path)
    assert [found.body for found in loaded.records] == [None, None]
    assert len(loaded.problems) == 6
    assert loaded.problems[-2:] == (
        "observations.jsonl:5: '../../etc/passwd' is not a SHA-256",
        "observations.jsonl:6: 5 is not a SHA-256",
    )


def test_no_observations_at_all(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        load_observations(tmp_path)
