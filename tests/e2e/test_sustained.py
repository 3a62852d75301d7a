"""Windows that must hold, and deadlines, against the real Prometheus of the demo stack and its real faults."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from pytest_deploycheck.clock import SystemClock
from pytest_deploycheck.sandbox.readiness import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pytest_deploycheck.sandbox.stack import Sandbox

CLOCK = SystemClock()
FAILURES = 'sum(rate(mcp_http_requests_total{code=~"5.."}[5s])) / sum(rate(mcp_http_requests_total[5s]))'


class Running:
    """A user's suite that runs in a process of its own, watched through the evidence that it writes."""

    def __init__(self, directory: Path, sandbox: Sandbox, suite: str, *arguments: str) -> None:
        (directory / "test_it.py").write_text("import pytest\n\npytestmark = pytest.mark.blocker\n\n" + suite)
        (directory / "pytest.ini").write_text("[pytest]\n")
        environ = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--deploycheck-reports", "reports"]
        self.directory = directory
        self._process = subprocess.Popen(
            [*command, *arguments],
            cwd=directory,
            env={**environ, "DEPLOYCHECK_CONFIG": str(sandbox.config_path)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def asked(self, at_least: int) -> None:
        """Wait until so many answers are kept as evidence."""
        kept = self.directory / "reports" / "latest" / "evidence" / "observations.jsonl"

        def missing() -> str:
            count = len(kept.read_text().splitlines()) if kept.is_file() else 0
            return "" if count >= at_least else f"{count} of {at_least}"

        wait_until(missing, what="evidence", seconds=20, clock=CLOCK)

    def result(self) -> tuple[int, dict[str, Any], str]:
        """Wait for the end; return the exit code, the one check's result, and what was printed."""
        text, _ = self._process.communicate(timeout=60)
        assert (self.directory / "reports" / "latest").exists(), text
        record = json.loads((self.directory / "reports" / "latest" / "signoff.json").read_text())
        return self._process.returncode, record["checks"][0]["result"], text


def deployed(finished: float) -> tuple[str, str]:
    return f"--deployment-started-at={finished - 1}", f"--deployment-finished-at={finished}"


def promql_is(sandbox: Sandbox, expr: str, holds: Callable[[list[Any]], bool], what: str) -> None:
    """Wait until the answer to an instant query is as wanted."""
    wait_until(lambda: "" if holds(sandbox.scene.probe.query(expr)) else "not yet", what=what, seconds=30, clock=CLOCK)


def test_a_service_level_that_holds_is_judged_on_history_and_waits_only_for_the_rest(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    promql_is(sandbox, "rate(mcp_http_requests_total[5s] offset 10s)", bool, "a past")
    finished = CLOCK.now() - 8
    suite = f"""
@pytest.mark.sustained("10s")
def test_level(prometheus):
    assert prometheus('{FAILURES}') < 0.2
"""
    code, result, text = Running(tmp_path, sandbox, suite, *deployed(finished)).result()
    assert (code, result["outcome"]) == (0, "passed"), text
    assert result["wait"][0].startswith("sustained for 10s; ")
    assert re.search(r"judged on history from T\+0\.0s to T\+1\d\.\ds", result["wait"][0]), result["wait"]


def test_a_breach_in_the_past_is_seen_although_all_is_well_now(
    broken_sandbox: Callable[..., Sandbox], tmp_path: Path
) -> None:
    before = CLOCK.now()
    sandbox = broken_sandbox("error-rate")
    promql_is(sandbox, f"{FAILURES} > 0.1", bool, "errors")
    sandbox.mend("error-rate")
    promql_is(sandbox, f"{FAILURES} > 0.01", lambda found: not found, "no more errors")
    suite = f"""
@pytest.mark.sustained("10m")
def test_level(prometheus):
    assert prometheus('{FAILURES}') < 0.05
"""
    code, result, text = Running(tmp_path, sandbox, suite, *deployed(before)).result()
    assert (code, result["outcome"], result["attempts"]) == (1, "failed", 1), text
    assert "1 of 1 series is at some time not < 0.05" in result["summary"]
    assert "first at" in result["text"]
    assert "longest stretch" in result["text"]


def test_an_alert_that_fired_and_ended_breaks_the_window(
    broken_sandbox: Callable[..., Sandbox], tmp_path: Path
) -> None:
    before = CLOCK.now()
    sandbox = broken_sandbox("alert-firing")
    firing = 'ALERTS{alertstate="firing", alertname="McpQueueBacklog"}'
    promql_is(sandbox, firing, bool, "an alert")
    sandbox.mend("alert-firing")
    promql_is(sandbox, firing, lambda found: not found, "no more alert")
    suite = """
@pytest.mark.sustained("10m")
def test_quiet(prometheus):
    assert prometheus.alerts(state="firing").none()
"""
    code, result, text = Running(tmp_path, sandbox, suite, *deployed(before)).result()
    assert (code, result["outcome"], result["attempts"]) == (1, "failed", 1), text
    assert "McpQueueBacklog" in result["text"]


def test_a_health_endpoint_has_no_history_and_is_sampled_until_it_fails(
    broken_sandbox: Callable[..., Sandbox], tmp_path: Path
) -> None:
    sandbox = broken_sandbox()
    suite = """
@pytest.mark.sustained("10m", every="1s")
def test_healthy(health):
    assert health("mcp-b").get("/health").status == 200
"""
    running = Running(tmp_path, sandbox, suite)
    running.asked(2)
    sandbox = broken_sandbox("health-503")
    code, result, text = running.result()
    assert (code, result["outcome"]) == (1, "failed"), text
    assert result["attempts"] > 2
    assert "sampled from T+" in result["wait"][0]
    assert "passed" in result["wait"][1]


@pytest.mark.parametrize(
    "own", ["deploycheck.record('own', SEEN)", "prometheus.client.custom_query('up')", "prometheus.metadata('up')"]
)
def test_what_has_no_history_is_sampled_beside_what_has_one(sandbox: Sandbox, tmp_path: Path, own: str) -> None:
    promql_is(sandbox, 'up{job="mcp"} offset 5s', bool, "a past")
    suite = f"""
SEEN = []

@pytest.mark.sustained("4s", every="1s")
def test_both(prometheus, deploycheck):
    SEEN.append(1)
    {own}
    assert prometheus('up{{job="mcp"}}') == 1
    assert len(SEEN) < 3
"""
    code, result, text = Running(tmp_path, sandbox, suite, *deployed(CLOCK.now() - 5)).result()
    assert (code, result["outcome"], result["attempts"]) == (1, "failed", 3), text
    assert "sampled from T+" in result["wait"][0]


def test_an_attempt_that_could_not_measure_does_not_cost_the_windows_history(sandbox: Sandbox, tmp_path: Path) -> None:
    promql_is(sandbox, 'up{job="mcp"} offset 5s', bool, "a past")
    suite = """
SEEN = []

@pytest.mark.sustained("5s")
def test_level(prometheus):
    SEEN.append(1)
    if len(SEEN) == 1:
        raise ConnectionError
    assert prometheus('up{job="mcp"}') == 1
"""
    code, result, text = Running(tmp_path, sandbox, suite, *deployed(CLOCK.now() - 6)).result()
    assert (code, result["outcome"], result["attempts"]) == (0, "passed", 2), text
    assert "judged on history from T+" in result["wait"][0]


def test_a_check_converges_while_it_waits(broken_sandbox: Callable[..., Sandbox], tmp_path: Path) -> None:
    sandbox = broken_sandbox("health-503")
    suite = """
@pytest.mark.within("60s", since="start")
def test_healthy(health):
    assert health("mcp-b").get("/health").status == 200
"""
    running = Running(tmp_path, sandbox, suite)
    running.asked(2)
    sandbox.mend("health-503")
    code, result, text = running.result()
    assert (code, result["outcome"]) == (0, "passed"), text
    assert result["attempts"] > 2
    assert "converged at T+" in result["wait"][0]
    assert result["wait"][1].endswith("failed: GET /health answered 503, not 200") or "503" in result["wait"][1]


@pytest.mark.parametrize("workers", ["0", "2"])
def test_the_effect_of_a_stimulus_is_awaited(sandbox: Sandbox, tmp_path: Path, workers: str) -> None:
    selector = f'mcp_journal_sessions_total{{instance="{sandbox.scene.ports.address("a")}"}}'
    suite = f"""
@pytest.fixture(scope="session")
def new_session(prometheus, health):
    with prometheus.mark('{selector}') as before:
        health("mcp-a").post("/sessions", json={{}})
    return before


@pytest.mark.writes("mcp-a")
@pytest.mark.within("30s", since="start")
def test_counter_moves(prometheus, new_session):
    assert prometheus.increase(since=new_session) >= 1
"""
    running = Running(tmp_path, sandbox, suite, "--deploycheck-allow-writes=mcp-a", f"-n{workers}")
    code, result, text = running.result()
    assert (code, result["outcome"]) == (0, "passed"), text
    assert "converged at T+" in result["wait"][0]


def test_invalid_promql_is_not_tried_again(sandbox: Sandbox, tmp_path: Path) -> None:
    suite = """
@pytest.mark.within("10m", since="start")
def test_typo(prometheus):
    assert prometheus("sum(up") == 1
"""
    code, result, text = Running(tmp_path, sandbox, suite).result()
    assert (code, result["outcome"], result["attempts"]) == (6, "error", 1), text


def test_the_budget_cuts_what_has_not_converged(sandbox: Sandbox, tmp_path: Path) -> None:
    suite = """
@pytest.mark.within("10m", since="start")
def test_never(prometheus):
    assert prometheus('up{job="mcp"}') == 7
"""
    code, result, text = Running(tmp_path, sandbox, suite, "--deploycheck-budget=2s").result()
    assert (code, result["outcome"]) == (6, "inconclusive"), text
    assert result["summary"].startswith("cut off by the run's budget of 2s after ")
    assert "2 of 2 series are not == 7" in result["summary"]
