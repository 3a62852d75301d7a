"""A stack in which nothing is broken is GO, every time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.e2e.shipped_suites import verify

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_deploycheck.sandbox.stack import Sandbox

RUNS = 10
CHECKS = 126
# Writes, which nobody asked for.
NOTE = "2 tests left out, because the configuration has no [[fire_drills]] (1), no annotation (1)"


def test_a_healthy_stack_is_go_ten_times_in_a_row(sandbox: Sandbox, tmp_path: Path) -> None:
    for number in range(RUNS):
        verified = verify(sandbox, tmp_path / str(number), "-W", "error")
        assert verified.verdict == ("GO", 0), verified.text
        assert verified.red == []
        assert len(verified.record["checks"]) == CHECKS
        assert (verified.record["warned"], verified.record["reasons"]) == ([], [])
        assert verified.record["notes"] == [NOTE]
        assert verified.record["collection"] == {"errors": [], "narrowed": [], "interrupted": "", "lost": []}
        assert f"{CHECKS} passed in " in verified.text
        assert "warning" not in verified.text
