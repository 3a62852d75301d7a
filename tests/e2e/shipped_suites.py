"""The suites that are shipped, run as a user runs them against a demo stack."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Verified:
    """One run's exit code, what it printed, and its sign-off."""

    code: int
    text: str
    record: dict[str, Any]

    @property
    def verdict(self) -> tuple[str, int]:
        return self.record["verdict"], self.code

    @property
    def red(self) -> list[dict[str, Any]]:
        """The checks that did not pass."""
        return [check for check in self.record["checks"] if (check["result"] or {}).get("outcome") != "passed"]

    def told(self) -> str:
        """The red checks, for an assertion's message; all that was printed, if the process was killed."""
        lines = [self.text] if self.code < 0 else []
        for check in self.red:
            result = check["result"] or {"outcome": "not run", "summary": ""}
            name = check["nodeid"].partition("::")[2]
            lines.append(f"{check['requirement']} {name}: {result['outcome']}: {result['summary']}")
        return "\n".join(lines)


class Configured(Protocol):
    """What has a configuration: a stack, or a test's own."""

    @property
    def config_path(self) -> Path: ...


def verify(sandbox: Configured, reports: Path, *arguments: str) -> Verified:
    """Run `pytest suites/post_deploy -m blocker` in a process of its own."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(
        [
            sys.executable, "-m", "pytest", "suites/post_deploy", "-m", "blocker", "-p", "no:cacheprovider",
            "--deploycheck-reports", str(reports), *arguments,
        ],
        cwd=ROOT,
        env={**environ, "DEPLOYCHECK_CONFIG": str(sandbox.config_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )  # fmt: skip
    text = done.stdout + done.stderr
    latest = reports / "latest" / "signoff.json"
    assert latest.is_file(), text
    return Verified(done.returncode, text, json.loads(latest.read_text()))
