"""The soak suite against a demo stack, as a scheduler runs it: a process for each checkpoint, a file between them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from tests.e2e.shipped_suites import ROOT, Verified

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pytest_deploycheck.sandbox.stack import Sandbox

SOAK = '\n[soak]\nsettle = "1s"\nwindow = "3s"\ncoverage = 0.25\n'


@pytest.fixture
def checkpoint(tmp_path: Path) -> Callable[..., Verified]:
    """Return a function that makes one checkpoint of a deployment that finished two minutes before the first."""
    finish = time.time() - 120

    def checkpoint(stack: Sandbox, at: str, *arguments: str) -> Verified:
        config = tmp_path / "deploycheck.toml"
        text = stack.config_path.read_text()
        head, tables, rest = text.partition("\n[")
        config.write_text(f"{head}\n{SOAK}{tables}{rest}")
        done = subprocess.run(
            [
                sys.executable, "-m", "pytest", "suites/soak", "-p", "no:cacheprovider", "-W", "error",
                f"--deploycheck-config={config}", f"--deploycheck-reports={tmp_path / 'reports'}",
                f"--deploycheck-at={at}", f"--deployment-started-at={finish - 60:.3f}",
                f"--deployment-finished-at={finish:.3f}", *arguments,
            ],
            cwd=ROOT,
            env={name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )  # fmt: skip
        latest = tmp_path / "reports" / "latest" / "signoff.json"
        assert latest.is_file(), done.stdout + done.stderr
        return Verified(done.returncode, done.stdout + done.stderr, json.loads(latest.read_text()))

    return checkpoint


def test_scheduled_checkpoints_of_a_healthy_stack_are_go_and_have_a_trend(
    sandbox: Sandbox, checkpoint: Callable[..., Verified]
) -> None:
    first = checkpoint(sandbox, "+1m")
    assert first.verdict == ("GO", 0), first.told() + first.text
    second = checkpoint(sandbox, "+90s", "-n2")
    assert second.verdict == ("GO", 0), second.told() + second.text
    found = second.record["checkpoints"]
    assert [(it["label"], it["verdict"]) for it in found["all"]] == [("+1m", "GO"), ("+1m30s", "GO")]
    names = {row["measure"]["name"] for row in found["trend"] if row["measure"]}
    assert names >= {
        "highest value",
        "highest value in the window",
        "oldest sample",
        "targets up",
        "unexpected alerts firing",
    }
    moved = [row for row in found["trend"] if row["measure"] and row["change"]["since_first"] is not None]
    assert len(moved) >= len(names)


def test_a_fault_between_two_checkpoints_is_no_go_and_ends_the_observation(
    broken_sandbox: Callable[..., Sandbox], sandbox: Sandbox, checkpoint: Callable[..., Verified]
) -> None:
    assert checkpoint(sandbox, "+1m").verdict == ("GO", 0)
    stack = broken_sandbox("frozen-counter")
    broken = checkpoint(stack, "+90s")
    assert broken.verdict == ("NO-GO", 1), broken.told() + broken.text
    assert "test_metric_is_fresh" in broken.told()
    after = checkpoint(stack, "+95s")
    assert after.code == 1
    assert "the observation ended with the NO-GO at +1m30s; --deploycheck-checkpoint-continue goes on" in after.text


def test_an_alert_within_the_window_is_no_go(
    broken_sandbox: Callable[..., Sandbox], checkpoint: Callable[..., Verified]
) -> None:
    verified = checkpoint(broken_sandbox("alert-firing"), "+1m")
    assert verified.verdict == ("NO-GO", 1), verified.told() + verified.text
    (red,) = [check for check in verified.red if check["requirement"] == "AL6"]
    assert "of an alert firing is unexpected (McpQueueBacklog{" in red["result"]["summary"]
