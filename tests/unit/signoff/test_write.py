"""Writing: what stands on the disk at each moment, also when the process is killed or the disk is full."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from pytest_deploycheck.signoff.write import CannotWrite, Writer, new_run_id

RUN = "20261121T114500Z-3fa9c1"
OLDER = "20261121T104500Z-000000"
HOLD = {"verdict": "HOLD"}
GO = {"verdict": "GO"}


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def hidden(directory: Path) -> list[str]:
    return [path.name for path in directory.rglob(".*")]


def test_run_ids_sort_by_time_and_differ() -> None:
    first, second = new_run_id(1_795_261_500.0), new_run_id(1_795_261_500.9)
    assert first.startswith("20261121T114500Z-")
    assert len(first) == len(RUN)
    assert first != second
    assert new_run_id(1_795_261_499.0) < min(first, second)


@pytest.mark.parametrize("run_id", ["", "..", "../20261121T114500Z-3fa9c1", "20261121T114500Z-3fa9c1\n", "x"])
def test_a_run_id_that_is_none_is_refused(tmp_path: Path, run_id: str) -> None:
    with pytest.raises(ValueError, match="not a run id"):
        Writer(tmp_path, run_id)


def test_a_run_from_start_to_end(tmp_path: Path) -> None:
    reports = tmp_path / "deep" / "reports"
    writer = Writer(reports, RUN)
    assert not reports.exists()
    writer.write_incomplete(HOLD, "# HOLD\n")
    assert (reports / "latest").readlink() == Path(RUN)
    assert json.loads((reports / "latest" / "signoff.json").read_text()) == HOLD
    body = b'{"status":"success"}'
    sha256 = hashlib.sha256(body).hexdigest()
    writer.append("t.py::a", {"id": "aaaaaaaaaaaa", "url": "http://x/é"}, phase="call", worker="gw0")
    writer.append("", {"id": "bbbbbbbbbbbb"}, phase="setup", worker="main")
    writer.body(sha256, body)
    writer.body(sha256, body)
    observations = writer.path / "evidence" / "observations.jsonl"
    assert [json.loads(line) for line in observations.read_bytes().splitlines()] == [
        {"check": "t.py::a", "phase": "call", "worker": "gw0", "id": "aaaaaaaaaaaa", "url": "http://x/é"},
        {"check": "", "phase": "setup", "worker": "main", "id": "bbbbbbbbbbbb"},
    ]
    content = observations.read_bytes()
    assert [(it.name, it.sha256, it.size) for it in writer.evidence()] == [
        ("evidence/observations.jsonl", hashlib.sha256(content).hexdigest(), len(content)),
        (f"evidence/bodies/{sha256}", sha256, len(body)),
    ]
    assert writer.observations == 2
    writer.write(GO, "# GO é\udcff\n")
    writer.close()
    assert json.loads(writer.signoff.read_text()) == GO
    assert writer.report.read_text() == "# GO é\\udcff\n"
    assert (writer.path / "evidence" / "bodies" / sha256).read_bytes() == body
    assert hidden(tmp_path) == []
    assert {mode(path) for path in writer.path.rglob("*") if path.is_file()} == {0o644}
    assert {mode(path) for path in [writer.path, *writer.path.rglob("*")] if path.is_dir()} == {0o755}


def test_modes_do_not_depend_on_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        writer = Writer(tmp_path, RUN)
        writer.write_incomplete(HOLD, "")
        writer.close()
    finally:
        os.umask(before)
    assert (mode(writer.path), mode(writer.signoff), mode(writer.path / "evidence")) == (0o755, 0o644, 0o755)


def test_latest_leaves_an_older_go_as_soon_as_a_run_starts(tmp_path: Path) -> None:
    older = Writer(tmp_path, OLDER)
    older.write_incomplete(HOLD, "")
    older.write(GO, "")
    older.close()
    assert json.loads((tmp_path / "latest" / "signoff.json").read_text()) == GO
    Writer(tmp_path, RUN).write_incomplete(HOLD, "")
    assert json.loads((tmp_path / "latest" / "signoff.json").read_text()) == HOLD


def test_a_run_that_ends_does_not_take_latest_from_a_newer_one(tmp_path: Path) -> None:
    older, newer = Writer(tmp_path, OLDER), Writer(tmp_path, RUN)
    older.write_incomplete(HOLD, "")
    newer.write_incomplete(HOLD, "")
    older.write(GO, "")
    assert (tmp_path / "latest").readlink() == Path(RUN)


def test_without_symbolic_links_latest_is_a_text_file(tmp_path: Path) -> None:
    def refuse(_target: str, _path: Path) -> None:
        raise PermissionError(1, "Operation not permitted")

    (tmp_path / "latest").symlink_to(OLDER)
    Writer(tmp_path, RUN, symlink=refuse).write_incomplete(HOLD, "")
    assert (tmp_path / "latest.txt").read_text() == f"{RUN}\n"
    assert not (tmp_path / "latest").is_symlink()


def test_an_old_text_file_is_kept_up_to_date_beside_the_link(tmp_path: Path) -> None:
    (tmp_path / "latest.txt").write_text(f"{OLDER}\n")
    Writer(tmp_path, RUN).write_incomplete(HOLD, "")
    assert (tmp_path / "latest.txt").read_text() == f"{RUN}\n"
    assert (tmp_path / "latest").readlink() == Path(RUN)


def test_latest_that_is_a_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "latest").mkdir()
    with pytest.raises(CannotWrite) as caught:
        Writer(tmp_path, RUN).write_incomplete(HOLD, "")
    latest = tmp_path / "latest"
    assert str(caught.value) == (
        f"cannot point {latest}: Is a directory\n"
        f"  at: {latest}\n"
        f"  next: {latest} must be a link or absent: move that directory away"
    )
    assert hidden(tmp_path) == []


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    directory = tmp_path / "file" / "reports"
    with pytest.raises(CannotWrite) as caught:
        Writer(directory, RUN).write_incomplete(HOLD, "")
    assert str(caught.value) == (
        f"cannot create {directory}: Not a directory\n"
        f"  at: {directory}\n"
        "  next: check that it is a directory that may be written, or choose another with --deploycheck-reports"
    )


def test_the_same_run_is_not_written_twice(tmp_path: Path) -> None:
    Writer(tmp_path, RUN).write_incomplete(HOLD, "")
    with pytest.raises(CannotWrite) as caught:
        Writer(tmp_path, RUN).write_incomplete(HOLD, "")
    assert caught.value.next_step == "a run of this id was written already: start a new run"


@pytest.mark.parametrize("name", ["../../etc/passwd", "A" * 64, "0" * 63, ""])
def test_a_body_is_kept_only_under_a_hash(tmp_path: Path, name: str) -> None:
    with pytest.raises(CannotWrite, match="not a SHA-256"):
        Writer(tmp_path, RUN).body(name, b"")


def test_a_closed_writer_says_so(tmp_path: Path) -> None:
    writer = Writer(tmp_path, RUN)
    writer.write_incomplete(HOLD, "")
    writer.close()
    with pytest.raises(CannotWrite) as caught:
        writer.append("t", {}, phase="call", worker="main")
    assert caught.value.what == f"cannot write to {writer.path}: this run was closed"


def test_a_record_that_is_no_json_leaves_the_hold_record(tmp_path: Path) -> None:
    writer = Writer(tmp_path, RUN)
    writer.write_incomplete(HOLD, "# HOLD\n")
    with pytest.raises(ValueError, match="not JSON compliant"):
        writer.write({"verdict": "GO", "x": float("nan")}, "# GO\n")
    assert (json.loads(writer.signoff.read_text()), writer.report.read_text()) == (HOLD, "# HOLD\n")
    assert hidden(tmp_path) == []


def test_appending_from_many_threads_keeps_whole_lines(tmp_path: Path) -> None:
    writer = Writer(tmp_path, RUN)

    def work(number: int) -> None:
        for _ in range(50):
            writer.append(f"t::{number}", {"url": "x" * 5000}, phase="call", worker="main")

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    content = (writer.path / "evidence" / "observations.jsonl").read_bytes()
    assert sorted(json.loads(line)["check"] for line in content.splitlines()) == sorted(
        f"t::{number}" for number in range(4) for _ in range(50)
    )
    assert writer.evidence()[0].sha256 == hashlib.sha256(content).hexdigest()


FULL_DISK = """
import resource, signal, sys
from pathlib import Path
from pytest_deploycheck.signoff.write import CannotWrite, Writer
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
writer = Writer(Path(sys.argv[1]), sys.argv[2])
writer.write_incomplete({"verdict": "HOLD"}, "# HOLD")
writer.append("t::a", {"url": "x"}, phase="call", worker="main")
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
for attempt in (
    lambda: writer.append("t::b", {"url": "x" * 9000}, phase="call", worker="main"),
    lambda: writer.body("0" * 64, b"x" * 9000),
    lambda: writer.write({"verdict": "GO", "x": "x" * 9000}, "# GO"),
    lambda: writer.write({"verdict": "GO"}, "# GO" * 3000),
):
    try:
        attempt()
    except CannotWrite as error:
        print(error.what, "|", error.next_step)
writer.append("t::c", {"url": "x"}, phase="call", worker="main")
"""


def test_a_full_disk_is_named_and_leaves_what_was_whole(tmp_path: Path) -> None:
    """A limit on the size of files stands for the full disk: writes stop half-way with the same class of error."""
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(tmp_path), RUN], capture_output=True, text=True, check=True, timeout=60
    )
    path = tmp_path / RUN
    room = "File too large | make room there, or choose another place with --deploycheck-reports"
    assert done.stdout.splitlines() == [
        f"cannot append to {path}/evidence/observations.jsonl: {room}",
        f"cannot write {path}/evidence/bodies/{'0' * 64}: {room}",
        f"cannot write {path}/signoff.json: {room}",
        f"cannot write {path}/signoff.json: {room}",
    ]
    lines = (path / "evidence" / "observations.jsonl").read_text().splitlines()
    assert [json.loads(line)["check"] for line in lines] == ["t::a", "t::c"]
    assert (json.loads((path / "signoff.json").read_text()), (path / "signoff.md").read_text()) == (HOLD, "# HOLD")
    assert hidden(tmp_path) == []


KILLED = """
import sys
from pathlib import Path
from pytest_deploycheck.signoff.write import Writer
directory = Path(sys.argv[1])
writer = Writer(directory, sys.argv[2])
print("ready", flush=True)
writer.write_incomplete({"verdict": "HOLD", "x": "x" * 100_000}, "# HOLD")
while True:
    writer.append("t::a", {"url": "x" * 500}, phase="call", worker="main")
    if writer.observations == 20:
        print("appended", flush=True)
"""


@pytest.mark.parametrize("moment", ["ready", "appended"])
def test_a_killed_run_leaves_no_sign_off_or_hold(tmp_path: Path, moment: str) -> None:
    older = Writer(tmp_path, OLDER)
    older.write_incomplete(HOLD, "")
    older.write(GO, "")
    older.close()
    arguments = [sys.executable, "-c", KILLED, str(tmp_path), RUN]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        while process.stdout.readline().strip() != moment:
            assert process.poll() is None
        process.send_signal(signal.SIGKILL)
    signoff = tmp_path / RUN / "signoff.json"
    if moment == "ready":
        assert not signoff.exists() or json.loads(signoff.read_text())["verdict"] == "HOLD"
        return
    assert json.loads(signoff.read_text())["verdict"] == "HOLD"
    assert (tmp_path / "latest").readlink() == Path(RUN)
    lines = (tmp_path / RUN / "evidence" / "observations.jsonl").read_bytes().split(b"\n")
    assert len(lines) > 20
    assert all(json.loads(line)["check"] == "t::a" for line in lines[:-1])
