from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

CONFTEST = """
import pytest
from pytest_deploycheck.clock import ManualClock
from pytest_deploycheck.session.run import CLOCK

def pytest_configure(config):
    config.stash[CLOCK] = ManualClock()

@pytest.fixture
def seconds(request):
    return request.config.stash[CLOCK].monotonic()
"""
CHECKS = """
import pytest

def test_looks(deploycheck):
    deploycheck.record("seen", 1)

@pytest.mark.within("10m", since="start")
@pytest.mark.parametrize("n", [40, 95])
def test_converges(deploycheck, seconds, n):
    deploycheck.record("seconds", seconds)
    assert seconds >= n

@pytest.mark.warning
@pytest.mark.within("50s", since="start")
def test_never(deploycheck):
    deploycheck.record("seen", 1)
    assert 1 == 2

@pytest.mark.sustained("2m", since="start", every="10s")
def test_holds(deploycheck):
    deploycheck.record("seen", 1)
"""
LINE = re.compile(r"(deploycheck: after .*: )?\d+ waiting\b")
PYTEST = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--color=no"]


class Screen:
    """As much of a terminal as the line that is drawn over needs; every row ever written is kept."""

    def __init__(self, columns: int) -> None:
        self.columns = columns
        self.rows: list[str] = [""]
        self.row = self.column = 0

    def write(self, text: str) -> Iterator[str]:
        """Take output, and yield the row of the cursor whenever it changes."""
        for sequence, character in re.findall(r"\x1b\[([0-9;?]*[A-Za-z])|([^\x1b])", text):
            if sequence:
                self._control(sequence)
            elif character == "\r":
                self.column = 0
            elif character == "\n":
                self._down()
            else:
                if self.column == self.columns:
                    self.column = 0
                    self._down()
                row = self.rows[self.row].ljust(self.column)
                self.rows[self.row] = row[: self.column] + character + row[self.column + 1 :]
                self.column += 1
            yield self.rows[self.row]

    def _down(self) -> None:
        self.row += 1
        if self.row == len(self.rows):
            self.rows.append("")

    def _control(self, sequence: str) -> None:
        number = int(sequence[:-1] or "1") if sequence[:-1].isdigit() or sequence[:-1] == "" else 0
        match sequence[-1]:
            case "A":
                self.row -= number
            case "G":
                self.column = number - 1
            case "K":
                self.rows[self.row] = ""
            case "m":
                pass
            case _:
                pytest.fail(f"a control sequence that no test knows: {sequence!r}")


def on_terminal(
    pytester: pytest.Pytester, *arguments: str, columns: int = 80, term: str = "xterm"
) -> tuple[Screen, list[str]]:
    """Run pytest on a terminal; return its screen and every line about waiting that was once to be seen."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    inherited = {
        name: value for name, value in os.environ.items() if name not in ("CI", "BUILD_NUMBER", "COLUMNS", "LINES")
    }
    with subprocess.Popen(
        [*PYTEST, *arguments],
        cwd=pytester.path,
        env={**inherited, "TERM": term, "PYTHONIOENCODING": "utf-8"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    ) as process:
        os.close(theirs)
        data = b""
        while True:
            try:
                part = os.read(ours, 65536)
            except OSError:  # the last writer has closed its side
                break
            if not part:
                break
            data += part
        os.close(ours)
        process.wait()
    screen = Screen(columns)
    seen = [row for row in screen.write(data.decode()) if LINE.match(row)]
    return screen, list(dict.fromkeys(seen))


@pytest.fixture
def suite(pytester: pytest.Pytester) -> pytest.Pytester:
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(test_release=CHECKS)
    return pytester


def above_summary(screen: Screen) -> list[str]:
    """Return what pytest said between its header and its summary."""
    rows = [row.rstrip() for row in screen.rows]
    first = next(number for number, row in enumerate(rows) if row.startswith(("collected ", "2 workers ")))
    last = next(number for number, row in enumerate(rows) if number > first and row.startswith("==="))
    return [row for row in rows[first + 1 : last] if row]


def test_a_terminal_shows_what_waits_and_keeps_what_pytest_wrote(suite: pytest.Pytester) -> None:
    screen, seen = on_terminal(suite)
    assert "4 waiting (next in 1s, latest deadline in 10m) · 1 passed · end in 2m to 10m" in seen
    assert any(
        re.fullmatch(r"1 waiting \(next in \d+s, latest deadline in \d+s\) · 3 passed · 1 warned · end in \d+s", row)
        for row in seen
    )
    assert all(len(row) < 80 for row in seen)
    assert above_summary(screen) == ["test_release.py ..W..                                                    [100%]"]


def test_a_terminal_shows_what_waits_in_workers(suite: pytest.Pytester) -> None:
    screen, seen = on_terminal(suite, "-n", "2", columns=120)
    assert any(re.match(r"\d waiting \(next ", row) for row in seen), seen
    rows = above_summary(screen)
    assert re.fullmatch(r"[.W]{5} +\[100%\]", rows[-1]), rows
    assert sorted(rows[-1].split()[0]) == [".", ".", ".", ".", "W"]


def test_verbose_lines_stay_whole(suite: pytest.Pytester) -> None:
    screen, seen = on_terminal(suite, "-v")
    assert "4 waiting (next in 1s, latest deadline in 10m) · 1 passed · end in 2m to 10m" in seen
    told = [re.sub(r" +", " ", row) for row in above_summary(screen)]
    assert told[-5:] == [
        "test_release.py::test_looks PASSED [ 20%]",
        "test_release.py::test_converges[40] PASSED [ 40%]",
        "test_release.py::test_never WARNED (failed) (warning (failed): asser...) [ 60%]",
        "test_release.py::test_converges[95] PASSED [ 80%]",
        "test_release.py::test_holds PASSED [100%]",
    ]


@pytest.mark.parametrize(
    ("arguments", "term"),
    [(["-q"], "xterm"), (["-s"], "xterm"), (["-o", "log_cli=true"], "xterm"), ([], "dumb")],
    ids=["quiet", "tests-write-themselves", "live-logs", "no-cursor"],
)
def test_a_terminal_is_left_alone(suite: pytest.Pytester, arguments: list[str], term: str) -> None:
    _, seen = on_terminal(suite, *arguments, term=term)
    assert seen == []


def test_the_log_of_a_job_gets_a_line_every_30_seconds(suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    result = suite.run(*PYTEST)
    lines = [line for line in result.outlines if line.startswith("deploycheck: after")]
    assert [line.split(": ")[1] for line in lines] == ["after 30s", "after 1m", "after 1m30s", "after 2m"]
    assert re.fullmatch(
        r"deploycheck: after 30s: 4 waiting \(next in \ds, latest deadline in 9m30s\), 1 passed, 0 warned, 0 failed, "
        r"end in 1m30s to 9m30s",
        lines[0],
    ), lines[0]
    assert "\x1b" not in result.stdout.str()


def test_the_log_of_a_job_gets_lines_of_what_waits_in_workers(
    suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", "true")
    result = suite.run(*PYTEST, "-n", "2")
    lines = [line for line in result.outlines if line.startswith("deploycheck: after")]
    assert [re.sub(r"\d?s?: .*", "", line[13:]) for line in lines] == [
        "after 3",
        "after 1m",
        "after 1m3",
        "after 2m",
    ]


@pytest.mark.parametrize("arguments", [[], ["-n", "2"]], ids=["one-process", "workers"])
def test_neither_terminal_nor_job_nothing_is_told(
    suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    monkeypatch.delenv("CI", raising=False)
    assert not any(LINE.match(line) for line in suite.run(*PYTEST, *arguments).outlines)


def test_a_quiet_job_is_told_nothing(suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    assert not any(LINE.match(line) for line in suite.run(*PYTEST, "-q").outlines)
