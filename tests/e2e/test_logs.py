"""The `logs` fixture in runs of pytest: what passes, what does not, and what stands in the record."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.e2e.conftest import Ran

CONFIG = """
[environments.prod.logs.mcp]
file = "mcp.jsonl"

[environments.prod.logs.gone]
file = "gone.jsonl"

[environments.prod.logs.failing]
command = ["sh", "-c", "echo '{}'; echo no such container >&2; exit 1"]

[environments.prod.logs.piped]
stdin = true

[environments.prod.logs.pods]
pods = "app=mcp"
"""

CHECKS = """
    from datetime import UTC, datetime

    SCHEMA = {"required": ["timestamp", "level", "message"], "properties": {"level": {"enum": ["INFO", "ERROR"]}}}

    def test_good(logs):
        report = logs("mcp").since("10m").validate(SCHEMA)
        assert report.lines == 20
        assert report.invalid <= 1
        assert report.rate("ERROR") < 0.1
        assert report.age < 60
        assert report.only_levels("INFO", "ERROR")

    def test_bad(logs):
        assert logs("mcp").since("10m").validate(SCHEMA).invalid == 0

    def test_quiet(logs):
        assert logs("mcp").since("1ms").report().invalid == 0

    def test_gone(logs):
        assert logs("gone").report().lines > 0

    def test_failing(logs):
        assert logs("failing").report().lines > 0

    def test_piped(logs):
        assert logs("piped").report().lines > 0

    def test_pods(logs):
        assert logs("pods").report().lines > 0

    def test_forgotten(logs):
        logs("mcp").report()

    def test_misspelt(logs):
        assert logs("mpc").report().lines > 0

    def test_before_nobody_knows_what(logs):
        assert logs("mcp").before_deployment("1h").report().lines > 0
"""


@pytest.fixture
def project(pytester: pytest.Pytester) -> Path:
    lines = []
    for at in range(19):
        moment = datetime.fromtimestamp(time.time() - 40 + 2 * at, UTC).isoformat()
        fields: dict[str, Any] = {"timestamp": moment, "level": "INFO", "message": "hello"}
        lines.append(json.dumps(fields))
    lines.insert(10, "Traceback of hunter2")
    (pytester.path / "mcp.jsonl").write_text("\n".join(lines) + "\n")
    (pytester.path / "deploycheck.toml").write_text(CONFIG)
    return pytester.path


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "two workers"])
def test_each_outcome_for_its_reason(run: Callable[..., Ran], project: Path, workers: tuple[str, ...]) -> None:
    ran = run("--deploycheck-signoff", *workers, test_logs=CHECKS)
    results = {check["nodeid"].partition("::")[2]: ran.result_of(check) for check in ran.record["checks"]}
    assert {name: outcome for name, (outcome, _) in results.items()} == {
        "test_good": "passed",
        "test_bad": "failed",
        "test_quiet": "inconclusive",
        "test_gone": "error",
        "test_failing": "error",
        "test_piped": "error",
        "test_pods": "inconclusive",
        "test_forgotten": "error",
        "test_misspelt": "error",
        "test_before_nobody_knows_what": "error",
    }
    said = {name: summary for name, (_, summary) in results.items()}
    assert "1 of 20 lines is invalid (line 11: not JSON)" in said["test_bad"]
    assert "no data: no line within the window; 20 lines before it" in said["test_quiet"]
    assert said["test_bad"].startswith("invalid lines of the log of the last 10 min: ")
    assert said["test_gone"] == "there is no log file gone.jsonl"
    assert said["test_failing"] == "sh failed with exit code 1"
    assert said["test_piped"] == "standard input is not there: pytest has taken it away"
    assert said["test_pods"] == "the log source pods reads pods, and no cluster is configured"
    assert said["test_forgotten"] == "never judged: the whole log"
    assert "environments.prod.logs.mpc: a check needs it and it is not configured" in said["test_misspelt"]
    assert "nobody knows when it was deployed" in said["test_before_nobody_knows_what"]
    observations = [
        json.loads(line)
        for line in (project / "reports" / "latest" / "evidence" / "observations.jsonl").read_text().splitlines()
    ]
    assert {one["method"] for one in observations} == {"READ"}
    assert "pytest_deploycheck/" not in ran.text
