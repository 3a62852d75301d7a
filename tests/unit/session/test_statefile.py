"""Whose checkpoints a state file keeps together."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pytest_deploycheck.model.checkpoint import Checkpoint
from pytest_deploycheck.session.statefile import StateFile, subject_of
from pytest_deploycheck.settings.models import Deployment

if TYPE_CHECKING:
    from pathlib import Path

DEPLOYMENT = Deployment(version="1.4", finished_at=datetime(2026, 11, 21, 12, tzinfo=UTC))


def test_a_run_that_is_narrowed_to_targets_has_checkpoints_of_its_own(tmp_path: Path) -> None:
    whole = subject_of("prod", DEPLOYMENT)
    eu = subject_of("prod", DEPLOYMENT, ("eu",))
    assert (whole.file_name(), eu.file_name()) == ("prod-1.4.json", "prod-1.4-eu.json")
    shared = tmp_path / "state.json"
    file = StateFile(shared, whole)
    assert file.open() == []
    made = Checkpoint(label="+1h", offset=3600.0, state="done", why="")
    file.write([made])
    file.close()
    other = StateFile(shared, eu)
    assert other.open() == []
    other.write([])
    other.close()
    again = StateFile(shared, whole)
    assert again.open() == [made]
    again.close()
