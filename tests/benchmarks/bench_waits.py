"""What waiting costs: checks that wait together, beside waiting for one after the other, and what the schedule adds."""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_deploycheck.sandbox.stack import Sandbox
from tests.benchmarks.side_by_side import alternating, milliseconds, process, pytest_command, table

if TYPE_CHECKING:
    from collections.abc import Sequence

ROUNDS = 3
SCRAPE_INTERVAL = 1.0  # seconds
TESTS, STEPS = 40, 100  # attempts of the schedule's benchmark: their product
WAITING = 2_000

CONVERGE = """
import time, pytest
BEGAN = {}

@pytest.mark.within("1m", since="start")
@pytest.mark.parametrize("n", range(40))
def test_c(prometheus, n):
    assert prometheus(f"vector(time() - {BEGAN.setdefault(n, time.time())})") >= 10
"""
CONVERGE_PLAIN = """
import time, httpx, pytest

@pytest.mark.parametrize("n", range(2))
def test_c(n):
    began = time.time()
    with httpx.Client() as client:
        while True:
            answer = client.get("{url}/api/v1/query", params={"query": f"vector(time() - {began})"})
            if float(answer.json()["data"]["result"][0]["value"][1]) >= 10:
                break
            time.sleep(0.5)
"""
SUSTAIN = """
import pytest

@pytest.mark.sustained("15s", since="start")
@pytest.mark.parametrize("n", range(20))
def test_s(prometheus, n):
    assert prometheus('up{job="mcp"}') == 1

@pytest.mark.parametrize("n", range(20))
def test_i(prometheus, n):
    assert prometheus('up{job="mcp"}') == 1
"""
BARE = """
import pytest

@pytest.mark.parametrize("n", range(40))
def test_b(n): pass
"""
SUSTAIN_PLAIN = """
import time, httpx

def test_s():
    until = time.time() + 15
    with httpx.Client() as client:
        while time.time() < until:
            answer = client.get("{url}/api/v1/query", params={"query": 'up{job="mcp"}'})
            assert all(float(one["value"][1]) == 1 for one in answer.json()["data"]["result"])
            time.sleep(1)
"""
END_TO_END = """
import pytest

@pytest.fixture(scope="session")
def activity(health, prometheus):
    with prometheus.mark('mcp_journal_sessions_total{instance="%s"}') as before:
        health("mcp-a").post("/sessions", json={})
    return before

@pytest.mark.writes("mcp-a")
@pytest.mark.within("30m", since="start")
def test_metrics_move(prometheus, activity):
    assert prometheus.increase(since=activity) >= 1
"""
END_TO_END_SHELL = """
set -e
value() { curl -s '%(prometheus)s/api/v1/query?query=mcp_journal_sessions_total' | jq -r '.data.result[0].value[1]'; }
curl -s -X POST %(service)s/sessions >/dev/null
sleep 20
initial=$(value)
curl -s -X POST %(service)s/sessions >/dev/null
sleep 20
final=$(value)
(( $(echo "$final > $initial" | bc -l) ))
"""
VIRTUAL = """
import time, pytest
from pytest_deploycheck.clock import ManualClock
from pytest_deploycheck.session.run import CLOCK

def pytest_configure(config):
    config.stash[CLOCK] = ManualClock()

@pytest.fixture(scope="session")
def clock(request):
    return request.config.stash[CLOCK]

ATTEMPTS = []

def pytest_runtest_setup(item):
    ATTEMPTS.append(item.name)

@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtestloop():
    began = time.perf_counter()
    result = yield
    open("took", "w").write(f"{time.perf_counter() - began} {len(ATTEMPTS)}")
    return result
"""
ATTEMPTS = f"""
import pytest

@pytest.mark.sustained("{STEPS - 1}s", every="1s", since="start")
@pytest.mark.parametrize("n", range({TESTS}))
def test_attempts(deploycheck, n): deploycheck.record("seen", n)
"""
AS_MANY_CHECKS = f"""
import pytest

@pytest.mark.blocker
@pytest.mark.parametrize("n", range({TESTS * STEPS}))
def test_checks(deploycheck, n): deploycheck.record("seen", n)
"""
AS_MANY_TESTS = f"""
import pytest

@pytest.mark.parametrize("n", range({TESTS * STEPS}))
def test_tests(n): pass
"""
HELD = """
import pytest

@pytest.mark.{mark}
@pytest.mark.parametrize("n", range({count}))
def test_held(prometheus, clock, n):
    assert prometheus(f"vector({{clock.monotonic()}})") >= {least}
"""
LAUNCHER = """
import resource, sys, pytest
code = pytest.main(sys.argv[1:])
open("peak", "w").write(str(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss))
sys.exit(code)
"""


def _plain(folder: Path, name: str) -> float:
    return process(pytest_command("-p", "no:pytest_deploycheck.plugin", "-p", "no:allure_pytest", name), cwd=folder)


def _row(name: str, whole: Sequence[float], bare: Sequence[float], wanted: float) -> tuple[str, str, str, str]:
    """Return what whole processes took, and how much of it is more than pytest takes for as many tests that pass."""
    median = statistics.median(whole)
    more = median - statistics.median(bare)
    return name, f"{median:.1f} s ({max(whole):.1f} s)", f"{more:.1f} s", f"at most {wanted:g} s wanted"


def _together(folder: Path, stack: Sandbox) -> None:
    files = {"converge": CONVERGE, "sustain": SUSTAIN, "bare": BARE}
    files |= {"polled": CONVERGE_PLAIN, "watched": SUSTAIN_PLAIN}
    for name, text in files.items():
        (folder / f"test_{name}.py").write_text(text.replace("{url}", stack.urls.prometheus))
    command = pytest_command("-p", "no:allure_pytest")
    found = alternating(
        {
            f"{name} {workers}": partial(process, [*command, "-n", workers, f"test_{name}.py"], cwd=folder)
            for name, workers in (("bare", "0"), ("converge", "0"), ("sustain", "0"), ("bare", "4"), ("converge", "4"))
        },
        rounds=ROUNDS,
    )
    polled, watched = _plain(folder, "test_polled.py") * 20, _plain(folder, "test_watched.py") * 20
    rows = [
        ("", "whole process: median (worst)", "above bare", ""),
        ("40 checks that converge 10 s after their first attempt", "", "", ""),
        _row("  together", found["converge 0"], found["bare 0"], 12),
        _row("  together, -n 4", found["converge 4"], found["bare 4"], 12),
        ("  plain pytest, polling one after the other", f"{polled:.0f} s", "", "2 of them measured, times 20"),
        ("20 checks sustained for 15 s and 20 immediate ones", "", "", ""),
        _row("  together", found["sustain 0"], found["bare 0"], 17),
        ("  plain pytest, watching one after the other", f"{watched:.0f} s", "", "1 of them measured, times 20"),
        ("bare: pytest with 40 tests that pass", f"{statistics.median(found['bare 0']):.1f} s", "", ""),
        ("bare, -n 4", f"{statistics.median(found['bare 4']):.1f} s", "", ""),
    ]
    table(f"waiting together ({ROUNDS} alternating runs)", rows)


def _end_to_end(folder: Path, stack: Sandbox) -> None:
    (folder / "test_end_to_end.py").write_text(END_TO_END % stack.scene.ports.address("a"))
    command = pytest_command("-p", "no:allure_pytest", "--deploycheck-allow-writes=mcp-a", "test_end_to_end.py")
    shell = END_TO_END_SHELL % {"prometheus": stack.urls.prometheus, "service": stack.urls.service}
    (folder / "test_one.py").write_text("def test_one(): pass\n")
    bare = pytest_command("-p", "no:allure_pytest", "test_one.py")
    found = alternating(
        {"bare": partial(process, bare, cwd=folder), "awaited": partial(process, command, cwd=folder)}, rounds=ROUNDS
    )
    slept = process(["bash", "-c", shell], cwd=folder)
    rows = [
        ("", "whole process: median (worst)", "above bare", ""),
        _row("a stimulus, and its effect awaited", found["awaited"], found["bare"], SCRAPE_INTERVAL + 2),
        ("a shell script that sleeps 20 s twice", f"{slept:.1f} s", "", "1 run"),
    ]
    table(f"activity that a counter must show ({ROUNDS} alternating runs)", rows)


def _loop(folder: Path, name: str) -> float:
    """Return the seconds that each attempt took."""
    process(pytest_command("-p", "no:allure_pytest", name), cwd=folder)
    seconds, attempts = (folder / "took").read_text().split()
    if int(attempts) < TESTS * STEPS:
        message = f"{name}: {attempts} attempts instead of {TESTS * STEPS}"
        raise RuntimeError(message)
    return float(seconds) / int(attempts)


def _schedule(folder: Path) -> None:
    files = {"attempts": ATTEMPTS, "checks": AS_MANY_CHECKS, "tests": AS_MANY_TESTS}
    for name, text in files.items():
        (folder / f"test_{name}.py").write_text(text)
    found: dict[str, list[float]] = {name: [] for name in files}
    for _ in range(ROUNDS):
        for name in files:
            found[name].append(_loop(folder, f"test_{name}.py"))
    median = {name: statistics.median(times) for name, times in found.items()}
    over = median["attempts"] - median["tests"]
    rows = [
        ("a test of plain pytest", milliseconds(median["tests"]), ""),
        ("a check that does not wait", milliseconds(median["checks"]), ""),
        (
            "an attempt of a check that waits",
            milliseconds(median["attempts"]),
            f"{milliseconds(over)} above a plain test; at most 1 ms wanted",
        ),
    ]
    table(
        f"{TESTS * STEPS} empty ones on a virtual clock, the test loop only ({ROUNDS} alternating runs, medians)", rows
    )


def _peak(folder: Path, name: str, text: str) -> float:
    (folder / f"test_{name}.py").write_text(text)
    arguments = ["-q", "-p", "no:cacheprovider", "-p", "no:allure_pytest", f"test_{name}.py"]
    process([sys.executable, "-c", LAUNCHER, *arguments], cwd=folder)
    return float((folder / "peak").read_text()) / 1024


def _memory(folder: Path) -> None:
    waits = 'within("10m", since="start", every="5m")'
    one = _peak(folder, "one", HELD.format(mark="blocker", count=1, least=0))
    none = _peak(folder, "none", HELD.format(mark="blocker", count=WAITING, least=0))
    held = _peak(folder, "held", HELD.format(mark=waits, count=WAITING, least=300))
    rows = [
        ("1 check that does not wait", f"{one:.0f} MB", ""),
        (f"{WAITING:,} checks that do not wait", f"{none:.0f} MB", f"{none - one:.0f} MB more"),
        (
            f"{WAITING:,} checks that wait at once",
            f"{held:.0f} MB",
            f"{held - one:.0f} MB more than 1, {held - none:.0f} MB more than as many; at most 150 MB wanted",
        ),
    ]
    table("memory at the most (1 run)", rows)


def main() -> None:
    """Print the tables."""
    with Sandbox(scrape_interval=SCRAPE_INTERVAL) as stack, tempfile.TemporaryDirectory() as name:
        os.environ["DEPLOYCHECK_CONFIG"] = str(stack.config_path)
        folder = Path(name)
        (folder / "pytest.ini").write_text("[pytest]\n")
        _together(folder, stack)
        _end_to_end(folder, stack)
        (folder / "conftest.py").write_text(VIRTUAL)
        _schedule(folder)
        _memory(folder)


if __name__ == "__main__":
    main()
