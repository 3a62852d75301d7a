"""Checkpoints of a long observation: what was planned, and what became of each."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from pytest_deploycheck.model.measure import Measure  # noqa: TC001 - the state file is read by these annotations
from pytest_deploycheck.model.outcome import Level, Outcome, Verdict

CheckpointState = Literal["done", "missed", "unfinished", "not reached"]

DONE: Final = "done"


class Planned(msgspec.Struct, frozen=True):
    """A checkpoint that is asked for.

    Attributes:
        label: such as `+1h`; of two ways to write one offset, the shorter.
        offset: seconds after the deployment's finish.
    """

    label: str
    offset: float


class SeenCheck(msgspec.Struct, frozen=True, kw_only=True):
    """What a checkpoint saw of one check: as much as a trend needs."""

    nodeid: str
    level: Level
    outcome: Outcome
    measures: tuple[Measure, ...] = ()


class Checkpoint(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one checkpoint.

    Attributes:
        label: such as `+1h`.
        offset: seconds after the deployment's finish.
        state: `done`; `missed` (its time went by without a run); `unfinished` (its run was begun and left no verdict);
            `not reached` (the observation ended before it).
        verdict: of its own run; HOLD for what was not measured.
        why: the verdict's reason, in one line.
        began: Unix seconds; None if it never did.
        finished: Unix seconds; None if it never did.
        run_id: of the run that measured it.
        report: the folder of its report; relative to where the state or the long run's record is, where possible.
        checks: what it saw.
    """

    label: str
    offset: float
    state: CheckpointState
    verdict: Verdict = Verdict.HOLD
    why: str = ""
    began: float | None = None
    finished: float | None = None
    run_id: str = ""
    report: str = ""
    checks: tuple[SeenCheck, ...] = ()

    @property
    def planned(self) -> Planned:
        """What was asked for."""
        return Planned(self.label, self.offset)
