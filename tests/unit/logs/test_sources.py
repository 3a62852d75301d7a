"""Files and programs as sources of lines, and what is kept of them."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_deploycheck.clients.logs.reader import LogReader, Surroundings
from pytest_deploycheck.clients.logs.window import Window
from pytest_deploycheck.clock import ManualClock, SystemClock
from pytest_deploycheck.errors import CannotMeasure, DeploycheckError, Malformed, NotFound, TimedOut, TooLarge
from pytest_deploycheck.settings.logs import LogSource
from pytest_deploycheck.transport.redaction import Redactor
from pytest_deploycheck.transport.tape import Tape
from tests.unit.logs.reading import NOW

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_deploycheck.clock import Clock
    from pytest_deploycheck.model.logs import LogSummary


zstandard = pytest.importorskip("zstandard")  # of an extra


class Reader:
    """Reads one source, and keeps the tape."""

    def __init__(self, base: Path, clock: Clock | None = None) -> None:
        self.base = base
        self.clock = clock or ManualClock(NOW)
        self.tape = Tape()
        self.redactor = Redactor()

    def read(self, since: float | None = None, **settings: Any) -> LogSummary:
        def unused(*_: Any) -> Any:
            raise AssertionError

        around = Surroundings(
            base=self.base, environ=dict(os.environ), clock=self.clock, tape=self.tape, redactor=self.redactor,
            wire=unused, pods=None, stdin=unused,
        )  # fmt: skip
        reader = LogReader("mcp", LogSource.model_validate(settings), around)
        window = Window(since=since, until=None, now=self.clock.now(), tolerance=5.0)
        return reader.summary(None, window)[0]


@pytest.fixture
def reader(tmp_path: Path) -> Reader:
    return Reader(tmp_path)


def lines(*ages: float, **fields: Any) -> bytes:
    return b"".join(
        json.dumps(
            {"timestamp": datetime.fromtimestamp(NOW - age, UTC).isoformat(), "level": "INFO", "message": "x", **fields}
        ).encode()
        + b"\n"
        for age in ages
    )


def put(path: Path, data: bytes, age: float = 0.0) -> Path:
    path.write_bytes(data)
    os.utime(path, (NOW - age, NOW - age))
    return path


# --- files -----------------------------------------------------------------------------------------------------------


def test_rotated_files_of_the_window_are_read_oldest_first_packed_or_not(reader: Reader, tmp_path: Path) -> None:
    log = put(tmp_path / "mcp.jsonl", lines(20, 10))
    put(tmp_path / "mcp.jsonl.1", lines(40, 30), 30)
    put(tmp_path / "mcp.jsonl.2.gz", gzip.compress(lines(60, 50)), 50)
    put(tmp_path / "mcp.jsonl-20261121.zst", zstandard.ZstdCompressor().compress(lines(80, 70)), 70)
    put(tmp_path / "mcp.jsonl.4.gz", b"of last week, and broken", 7 * 86400)
    put(tmp_path / "mcp.jsonl.bak", b"no rotation")
    put(tmp_path / "mcp.jsonl5", b"another log")
    found = reader.read(since=NOW - 300, file=log)
    assert (found.lines, found.invalid, found.disordered) == (8, 0, 0)
    assert found.notes == ("also read: mcp.jsonl-20261121.zst, mcp.jsonl.2.gz, mcp.jsonl.1",)
    assert reader.read(file=log).lines == 2  # without a window, only the file itself


def test_the_beginning_of_a_window_is_found_in_a_large_file_without_reading_it(reader: Reader, tmp_path: Path) -> None:
    log = put(tmp_path / "mcp.jsonl", lines(*(50_000 - at for at in range(50_000))))
    found = reader.read(since=NOW - 100, file=log)
    assert (found.lines, found.outside) == (100, 0)
    assert found.size < log.stat().st_size / 10
    whole = log.read_bytes().splitlines(keepends=True)
    whole[49_950] = b"broken\n"
    log.write_bytes(b"".join(whole))
    assert [one.line for one in reader.read(since=NOW - 100, file=log).offenders] == [49_951]


def test_an_unfinished_last_line_is_left_out_and_told(reader: Reader, tmp_path: Path) -> None:
    log = put(tmp_path / "mcp.jsonl", lines(20, 10) + b'{"timestamp": "20')
    found = reader.read(file=log)
    assert (found.lines, found.invalid) == (2, 0)
    assert found.notes == ("left out: 17 bytes of a last line without line end, which is being written or was cut off",)


def test_lines_of_any_length_and_garbage_are_counted_and_cut(reader: Reader, tmp_path: Path) -> None:
    garbage = bytes(range(256)).replace(b"\n", b"") * 40
    log = put(tmp_path / "mcp.jsonl", lines(20) + b"{" + b"x" * 10_000_000 + b"\n" + garbage + b"\n\n" + lines(10))
    found = reader.read(file=log)
    assert (found.lines, found.parsed, found.invalid) == (4, 2, 2)
    assert [(one.line, one.reason) for one in found.offenders] == [
        (2, "10,000,001 bytes long: too long to be read"),
        (3, "not UTF-8 (byte 127)"),
    ]
    assert all(len(one.excerpt) <= 300 for one in found.offenders)


def test_an_empty_file_has_no_lines(reader: Reader, tmp_path: Path) -> None:
    found = reader.read(file=put(tmp_path / "mcp.jsonl", b""))
    assert (found.lines, found.first, found.size) == (0, None, 0)


UNREADABLE: dict[str, tuple[Any, type[DeploycheckError], str]] = {
    "absent": (
        lambda _: None,
        NotFound,
        """\
there is no log file mcp.jsonl
  at: {path}
  next: is the path right, and does the service write to it? An absent log is no quiet one""",
    ),
    "directory": (
        lambda path: path.mkdir(),
        CannotMeasure,
        """\
{path} is a directory
  at: {path}
  next: name the log file itself""",
    ),
    "gzip cut off": (
        lambda path: put(path, gzip.compress(lines(*range(99)))[:-40]),
        Malformed,
        """\
the log file mcp.jsonl cannot be unpacked: Compressed file ended before the end-of-stream marker was reached
  at: {path}
  next: was it cut off, or is it still being written?""",
    ),
    "zstd broken": (lambda path: put(path, b"\x28\xb5\x2f\xfd" + b"nonsense" * 9), Malformed, ""),
}


@pytest.mark.parametrize(("make", "kind", "message"), UNREADABLE.values(), ids=UNREADABLE)
def test_files_that_cannot_be_read(
    reader: Reader, tmp_path: Path, make: Any, kind: type[DeploycheckError], message: str
) -> None:
    path = tmp_path / "mcp.jsonl"
    make(path)
    with pytest.raises(kind) as error:
        reader.read(file=path)
    if message:  # zstandard's own words differ between versions
        assert str(error.value) == message.format(path=path)
    (exchange,) = reader.tape.take()
    assert (exchange.error, exchange.body_sha256) == (error.value.what, None)


# --- programs --------------------------------------------------------------------------------------------------------


def program(text: str) -> list[str]:
    return [sys.executable, "-c", text]


def test_the_output_of_a_program_is_read_and_its_wrapping_taken_away(reader: Reader) -> None:
    text = 'print(\'orders-1  | {"level": "ERROR", "time": %r}\')' % (NOW - 5)
    found = reader.read(command=program(text))
    assert (found.lines, found.levels, found.wrapping) == (1, {"ERROR": 1}, "compose")
    assert found.services == {"orders-1": NOW - 5}


def test_what_docker_compose_prints_one_container_after_the_other_is_in_order(reader: Reader, tmp_path: Path) -> None:
    data = b"".join(
        b"%s-1  | %s" % (name, line)
        for name in (b"orders", b"stock")
        for line in lines(900, 120, 60, 10).splitlines(keepends=True)
    )
    (tmp_path / "out").write_bytes(data)
    found = reader.read(since=NOW - 300, command=["cat", "out"])
    assert (found.lines, found.skipped, found.disordered, found.outside) == (6, 2, 0, 0)
    assert set(found.services) == {"orders-1", "stock-1"}


@pytest.mark.parametrize(
    ("command", "kind", "message"),
    [
        (["/no/such/program"], CannotMeasure, "program cannot be started: No such file or directory"),
        (
            program("import sys; print('{}'); sys.exit('no such service: mcp')"),
            CannotMeasure,
            "python failed with exit code 1",
        ),
        (program("import time; print('{}', flush=True); time.sleep(60)"), TimedOut, "python did not end within 0.5 s"),
        (program("print('x' * 5_000_000)"), TooLarge, "python prints more than 1,000,000 bytes"),
    ],
    ids=["absent", "fails", "hangs", "prints too much"],
)
def test_programs_that_give_no_log(
    tmp_path: Path, command: Sequence[str], kind: type[DeploycheckError], message: str
) -> None:
    reader = Reader(tmp_path, SystemClock())
    begun = time.monotonic()
    with pytest.raises(kind) as error:
        reader.read(command=command, timeout="500ms", max_bytes="1MB")
    assert error.value.what.replace(Path(sys.executable).name, "python") == message
    assert time.monotonic() - begun < 5
    if "fails" in message or "failed" in message:
        assert error.value.details == ("it says: no such service: mcp",)


def test_programs_that_print_nothing_or_garbage(reader: Reader) -> None:
    found = reader.read(command=program("pass"))
    assert (found.lines, found.size) == (0, 0)
    text = """\
import sys
out = sys.stdout.buffer
out.write(b"{" + b"x" * 10_000_000 + b"\\n" + bytes(range(11, 256)) + b"\\n")
out.write(b'{"level": "INFO", "message": "\\xff"}\\n')
out.write(b'{"level": "INFO", "time": "2126-11-21T09:00:00Z"}\\n{"level": "INFO"')
"""
    found = reader.read(command=program(text), max_bytes="20MB")
    assert (found.lines, found.parsed, found.invalid, found.outside) == (5, 1, 4, 1)
    assert [(one.line, one.reason) for one in found.offenders] == [
        (1, "10,000,001 bytes long: too long to be read"),
        (2, "not UTF-8 (byte 117)"),
        (3, "not UTF-8 (byte 30)"),
        (5, "not JSON: Input data was truncated"),
    ]
    assert [one.reason for one in found.outsiders] == ["3155673200.0 s in the future"]


def test_a_program_is_ended_with_its_children(tmp_path: Path) -> None:
    told = tmp_path / "pid"
    text = f"import subprocess as s; c = s.Popen(['sleep', '60']); open({str(told)!r}, 'w').write(str(c.pid)); c.wait()"
    with pytest.raises(TimedOut):
        Reader(tmp_path, SystemClock()).read(command=program(text), timeout="1s")
    pid = int(told.read_text())
    deadline = time.monotonic() + 5
    while Path(f"/proc/{pid}").exists() and "Z" not in Path(f"/proc/{pid}/stat").read_text().split()[2]:
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.skipif(shutil.which("journalctl") is None, reason="there is no journalctl")
def test_journalctl_is_known(reader: Reader) -> None:
    entry = {
        "MESSAGE": '{"level": "info"}',
        "__REALTIME_TIMESTAMP": str(int((NOW - 3) * 1e6)),
        "_SYSTEMD_UNIT": "mcp.service",
    }
    found = reader.read(command=["echo", json.dumps(entry)])
    assert (found.wrapping, found.levels, found.services) == ("journal", {"INFO": 1}, {"mcp.service": NOW - 3})


# --- evidence --------------------------------------------------------------------------------------------------------


def test_the_evidence_is_the_report_without_secrets_and_not_the_log(reader: Reader, tmp_path: Path) -> None:
    import hashlib

    reader.redactor.add("hunter2")
    data = lines(30, level="ERROR", message="login of bob with hunter2 failed, api_key=abcdef123456")
    data += b'{"password": "s3cret-thing", "token": "hunter2"\n' + lines(10, message="nothing to see")
    log = put(tmp_path / "mcp.jsonl", data)
    found = reader.read(file=log)
    (exchange,) = reader.tape.take()
    body = reader.tape.take_bodies()[exchange.body_sha256 or ""]
    assert (exchange.system, exchange.method, exchange.url, exchange.effect) == (
        "logs mcp", "READ", f"file://{log}", "read",
    )  # fmt: skip
    report = json.loads(body)
    assert (report["lines"], report["size"]) == (3, len(data))
    assert report["digest"] == [hashlib.sha256(data).hexdigest()]
    for secret in (b"hunter2", b"s3cret", b"abcdef123456", b"nothing to see"):
        assert secret not in body
    assert found.offenders[0].excerpt == '{"password": "<redacted>", "token": "<redacted>"'
    assert found.signatures[0].example == "login of bob with <redacted> failed, api_key=<redacted>"


# --- all cores -------------------------------------------------------------------------------------------------------


def test_a_file_shared_out_among_processes_comes_to_the_same(tmp_path: Path) -> None:
    from pytest_deploycheck.clients.logs.batch import Meter, batches
    from pytest_deploycheck.clients.logs.parallel import Job, read_on_all_cores
    from pytest_deploycheck.clients.logs.reading import form_of, read
    from pytest_deploycheck.clients.logs.sources.file import opened, parts
    from tests.unit.logs.reading import plan

    data = b"".join(
        lines(
            3000 - at / 10, level=["INFO", "ERROR"][at % 9 == 0], service="abc"[at % 3], trace_id=f"{at // 4 + 1:032x}"
        )
        for at in range(20_000)
    )
    broken = data.splitlines(keepends=True)
    broken[15_000] = b"broken\n"
    log = put(tmp_path / "mcp.jsonl", b"".join(broken))
    how = plan(since=NOW - 4000)
    (part,) = parts(log, None)
    with opened(part) as reading:
        stream = list(batches(reading, Meter()))
    form = form_of(stream[:1], how)
    alone = read(iter(stream), how, form=form).tally
    outcome = read_on_all_cores(Job(part, how, form, 7, 3))
    shared = outcome.reading.tally
    assert (outcome.size, len(outcome.digests), outcome.reading.physical) == (part.size, 3, 20_000)
    for name in ("lines", "parsed", "invalid", "levels", "minutes", "services", "timeless", "disordered", "outside"):
        assert getattr(shared, name) == getattr(alone, name), name
    assert [one.line for one in shared.offenders] == [15_001 + 7]
    found = [{kind: ids.found() for kind, ids in tally.ids.items()} for tally in (alone, shared)]
    assert found[0] == found[1]


def test_an_error_in_a_process_is_told_as_it_is(tmp_path: Path) -> None:
    from pytest_deploycheck.clients.logs.parallel import Job, read_on_all_cores
    from pytest_deploycheck.clients.logs.reading import form_of
    from pytest_deploycheck.clients.logs.sources.file import Part
    from tests.unit.logs.reading import plan

    log = put(tmp_path / "mcp.jsonl", lines(10))
    part = Part(path=log, size=10_000)
    with pytest.raises(CannotMeasure) as error:
        read_on_all_cores(Job(part, plan(), form_of([], plan()), 0, 2))
    assert error.value.what == "the log file mcp.jsonl was cut while it was read"
    assert error.value.where == str(log)
