from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@dataclass(frozen=True)
class Ran:
    """One pytest run in a subprocess: its result, where it ran, and the record it left (empty if it left none)."""

    result: pytest.RunResult
    record: dict[str, Any]
    directory: Path

    @property
    def code(self) -> int:
        return int(self.result.ret)

    @property
    def text(self) -> str:
        return self.result.stdout.str() + self.result.stderr.str()

    def outcomes(self) -> dict[str, str]:
        return {check["nodeid"].split("::", 1)[-1]: self.result_of(check)[0] for check in self.record["checks"]}

    @staticmethod
    def result_of(check: dict[str, Any]) -> tuple[str, str]:
        found = check["result"]
        return (found["outcome"], found["summary"]) if found else ("not run", "no result")


@pytest.fixture
def run(pytester: pytest.Pytester) -> Callable[..., Ran]:
    """Return a function that runs pytest in the test's directory and reads the sign-off."""

    def run(*arguments: str, **files: str) -> Ran:
        if files:
            pytester.makepyfile(**files)
        result = pytester.runpytest_subprocess("-p", "no:cacheprovider", *arguments)
        latest = pytester.path / "reports" / "latest" / "signoff.json"
        record = json.loads(latest.read_text()) if latest.is_file() else {}
        return Ran(result, record, pytester.path)

    return run
