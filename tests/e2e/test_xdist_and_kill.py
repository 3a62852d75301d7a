"""Workers that die, runs that are killed, the same verdict and evidence whatever the number of workers."""

from __future__ import annotations

import datetime as dt
import json
import os
import re
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.e2e.conftest import Ran

MANY = """
    import pytest
    from pytest_deploycheck.errors import NoData

    pytestmark = pytest.mark.blocker

    @pytest.mark.parametrize("number", range(12))
    def test_many(deploycheck, number):
        deploycheck.record(f"seen {number}", number)
        if number == 3:
            raise NoData("nothing")
        assert number != 5

    @pytest.mark.warning
    def test_soft(deploycheck):
        deploycheck.record("soft", 1)
        assert 0, "soft"
"""


def _comparable(record: dict[str, Any], reports: Path) -> object:
    """Return all that must not depend on the number of workers: verdict, reasons, checks with their evidence."""
    lines = (reports / "latest/evidence/observations.jsonl").read_text().splitlines()
    seen: dict[str, list[tuple[str, str, str]]] = {}
    for line in map(json.loads, lines):
        seen.setdefault(line["check"], []).append((line["method"], line["url"], line["body_sha256"]))
    return (
        record["verdict"],
        record["why"],
        record["reasons"],
        record["warned"],
        record["coverage"],
        [(check["nodeid"], check["level"], outcome_of(check)) for check in record["checks"]],
        sorted(seen.items()),
        sorted(entry["name"] for entry in record["evidence"]["files"] if "bodies" in entry["name"]),
    )


def outcome_of(check: dict[str, Any]) -> tuple[str, str, int]:
    found = check["result"]
    return found["outcome"], found["summary"], len(found["evidence"])


def test_the_verdict_and_the_evidence_do_not_depend_on_the_workers(
    run: Callable[..., Ran], pytester: pytest.Pytester
) -> None:
    found = []
    for workers in ("0", "2", "8"):
        ran = run("-n", workers, test_check=MANY)
        assert ran.code == 1, ran.text
        found.append(_comparable(ran.record, pytester.path / "reports"))
    assert found[0] == found[1] == found[2]


@pytest.mark.parametrize("level", ["blocker", "warning"])
def test_a_worker_killed_within_a_check_is_hold_with_the_check_named(run: Callable[..., Ran], level: str) -> None:
    ran = run(
        "-n",
        "2",
        test_check=f"""
        import os, signal, pytest

        @pytest.mark.blocker
        @pytest.mark.parametrize("number", range(4))
        def test_good(deploycheck, number): deploycheck.record("seen", number)

        @pytest.mark.{level}
        def test_killer(deploycheck):
            deploycheck.record("before", 1)
            os.kill(os.getpid(), signal.SIGKILL)
        """,
    )
    assert (ran.code, ran.record["verdict"]) == (6, "HOLD"), ran.text
    reason = ran.record["reasons"][0]
    assert reason["nodeid"] == "test_check.py::test_killer"
    assert re.search(r"worker 'gw[01]' crashed while running 'test_check.py::test_killer'", reason["text"])
    assert [outcome for name, outcome in ran.outcomes().items() if "good" in name] == ["passed"] * 4


def test_a_crash_that_is_repeated_until_xdist_gives_up_is_hold(run: Callable[..., Ran]) -> None:
    ran = run(
        "-n",
        "2",
        "--max-worker-restart=0",
        test_check="""
        import os, pytest

        @pytest.mark.blocker
        @pytest.mark.parametrize("number", range(6))
        def test_killer(deploycheck, number): os._exit(3)
        """,
    )
    assert ran.record["verdict"] == "HOLD", ran.text
    assert ran.code in (2, 6)


def _start(pytester: pytest.Pytester, source: str, *arguments: str) -> subprocess.Popen[str]:
    pytester.makepyfile(test_check=source)
    return subprocess.Popen(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-s", *arguments],
        cwd=pytester.path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


SLOW = """
    import sys, threading, pytest
    pytestmark = pytest.mark.blocker

    def test_first(deploycheck): deploycheck.record("first", 1)

    def test_waits(deploycheck):
        deploycheck.record("second", 1)
        print("\\nWAITING", file=sys.__stdout__, flush=True)
        threading.Event().wait(60)
"""


def _until_waiting(process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        if "WAITING" in line:
            return
    raise AssertionError("the run ended before it waited")


def test_a_run_that_is_killed_leaves_hold_and_what_it_had_observed(pytester: pytest.Pytester) -> None:
    process = _start(pytester, SLOW)
    _until_waiting(process)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    latest = pytester.path / "reports" / "latest"
    record = json.loads((latest / "signoff.json").read_text())
    assert (record["verdict"], record["complete"], record["exit_code"]) == ("HOLD", False, 6)
    assert record["why"] == "the run has not finished: it is running or was killed"
    lines = [json.loads(line) for line in (latest / "evidence/observations.jsonl").read_text().splitlines()]
    assert [line["url"] for line in lines] == ["record:first"]


def test_a_killed_run_takes_latest_away_from_an_older_go(run: Callable[..., Ran], pytester: pytest.Pytester) -> None:
    ran = run(test_check="def test_a(deploycheck): deploycheck.record('x', 1)\n")
    assert ran.record["verdict"] == "GO"
    process = _start(pytester, SLOW)
    _until_waiting(process)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    record = json.loads((pytester.path / "reports/latest/signoff.json").read_text())
    assert record["verdict"] == "HOLD"


def test_ctrl_c_is_hold_with_pytests_own_exit_code(pytester: pytest.Pytester) -> None:
    process = _start(pytester, SLOW)
    _until_waiting(process)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "HOLD" in output
    record = json.loads((pytester.path / "reports/latest/signoff.json").read_text())
    assert (record["verdict"], record["complete"]) == ("HOLD", True)
    assert {check["nodeid"].split("::")[1]: (check["result"] or {}).get("outcome") for check in record["checks"]}[
        "test_first"
    ] == "passed"


@pytest.mark.parametrize("workers", ["0", "2"])
def test_a_rerun_that_passes_is_a_pass_and_a_flake(run: Callable[..., Ran], workers: str) -> None:
    ran = run(
        "-n",
        workers,
        "--reruns",
        "2",
        test_check="""
        import pathlib, pytest
        pytestmark = pytest.mark.blocker

        def test_flaky(deploycheck, request):
            counter = pathlib.Path(request.config.rootpath, "counter")
            count = int(counter.read_text()) if counter.exists() else 0
            counter.write_text(str(count + 1))
            deploycheck.record("count", count)
            assert count == 2
        """,
    )
    assert (ran.code, ran.record["verdict"]) == (0, "GO"), ran.text
    result = ran.record["checks"][0]["result"]
    assert (result["attempts"], result["flaky"], result["outcome"]) == (3, True, "passed")


@pytest.mark.parametrize("workers", ["0", "2"])
def test_a_rerun_that_never_passes_is_no_go(run: Callable[..., Ran], workers: str) -> None:
    ran = run(
        "-n",
        workers,
        "--reruns",
        "1",
        test_check="def test_bad(deploycheck):\n    deploycheck.record('x', 1)\n    assert 1 == 2\n",
    )
    assert (ran.code, ran.record["verdict"]) == (1, "NO-GO"), ran.text
    assert ran.record["checks"][0]["result"]["attempts"] == 2


@pytest.mark.parametrize("workers", ["0", "2"])
@pytest.mark.parametrize(("failing", "code", "verdict"), [(False, 0, "GO"), (True, 1, "NO-GO")])
def test_subtests_count_with_their_test(
    run: Callable[..., Ran], workers: str, failing: bool, code: int, verdict: str
) -> None:
    ran = run(
        "-n",
        workers,
        test_check=f"""
        def test_a(deploycheck, subtests):
            deploycheck.record("seen", 1)
            for number in range(3):
                with subtests.test(number=number):
                    assert number != (1 if {failing} else 9)
        """,
    )
    assert (ran.code, ran.record["verdict"]) == (code, verdict), ran.text


def test_waivers_let_a_known_failure_pass_openly(run: Callable[..., Ran], pytester: pytest.Pytester) -> None:
    (pytester.path / "deploycheck.toml").write_text('waivers = "waivers.toml"\n')
    (pytester.path / "waivers.toml").write_text(
        '[[waiver]]\ncheck = "test_check.py::test_bad"\nreason = "known"\nowner = "sre"\nticket = "CHG-1"\n'
        f"expires = {_tomorrow()}\n"
    )
    ran = run(
        test_check="def test_good(deploycheck): deploycheck.record('x', 1)\n"
        "def test_bad(deploycheck):\n    deploycheck.record('x', 1)\n    assert 1 == 2\n"
    )
    assert (ran.code, ran.record["verdict"]) == (0, "GO"), ran.text
    assert ran.outcomes()["test_bad"] == "failed"
    assert "test_bad" in ran.text


def test_a_wrong_waiver_file_is_a_usage_error(run: Callable[..., Ran], pytester: pytest.Pytester) -> None:
    (pytester.path / "deploycheck.toml").write_text('waivers = "waivers.toml"\n')
    (pytester.path / "waivers.toml").write_text('[[waiver]]\ncheck = "test_check.py::test_a"\n')
    ran = run(test_check="def test_a(deploycheck): deploycheck.record('x', 1)\n")
    assert ran.code == 4, ran.text
    assert "waivers.toml:1" in ran.text
    assert "Traceback" not in ran.text


def _tomorrow() -> str:
    return (dt.datetime.now(tz=dt.UTC).date() + dt.timedelta(days=1)).isoformat()
