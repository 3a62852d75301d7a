"""What a check's author declared about it, and what became of the check."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import msgspec

from pytest_deploycheck.model.outcome import Level, Outcome

if TYPE_CHECKING:
    from pytest_deploycheck.model.measure import Measure

TierKind = Literal["immediate", "after", "investigate"]


class Tier(msgspec.Struct, frozen=True, kw_only=True):
    """When a failed blocker means rolling back.

    Attributes:
        kind: `immediate`; `after` (if it is not mended within `seconds` of the deployment's finish); `investigate`.
        seconds: only for `after`.
    """

    kind: TierKind
    seconds: float | None = None

    def __str__(self) -> str:
        """Return it as it is written in a marker, such as `after("30m")`."""
        return f'after("{self.seconds:g}s")' if self.kind == "after" else self.kind


class Declaration(msgspec.Struct, frozen=True, kw_only=True):
    """One collected check.

    Attributes:
        nodeid: pytest's name of it.
        level: whether it gates.
        declared: False if the level is only the default for unmarked tests.
        categories: category markers on it (`smoke`, `freshness`, …), sorted.
        owner: who answers for it.
        runbook: a URL.
        ticket: a change or incident ticket.
        reason: why it has this level.
        tier: what its failure means for the release; None = the configured default.
        requirement: the checklist row it serves, such as `MF2`; empty if none.
        location: `file:line`.
        within: seconds in which it has to pass, if it may take its time.
        sustained: seconds for which it has to hold, if it must.
        targets: the clusters or regions it is about; empty where there are none, or it is about what they share.
    """

    nodeid: str
    level: Level
    declared: bool = True
    categories: tuple[str, ...] = ()
    owner: str = ""
    runbook: str = ""
    ticket: str = ""
    reason: str = ""
    tier: Tier | None = None
    requirement: str = ""
    location: str = ""
    within: float | None = None
    sustained: float | None = None
    targets: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the same as builtins."""
        record = msgspec.structs.asdict(self)
        record["tier"] = msgspec.structs.asdict(self.tier) if self.tier is not None else None
        record["level"] = self.level.value
        record["categories"] = list(self.categories)
        record["targets"] = list(self.targets)
        return record

    @classmethod
    def from_dict(cls, record: dict[str, Any]) -> Declaration:
        """Return the declaration that `to_dict` described."""
        values = dict(record)
        values["level"] = Level(values["level"])
        values["categories"] = tuple(values.get("categories", ()))
        values["targets"] = tuple(values.get("targets", ()))
        tier = values.get("tier")
        values["tier"] = Tier(**tier) if tier else None
        return cls(**values)


class CheckResult(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one check in its last attempt.

    Attributes:
        nodeid: pytest's name of it.
        outcome: one of the five outcomes.
        summary: one line: why; empty for a pass.
        text: the whole failure text as pytest showed it; empty for a pass.
        phase: the phase that decided: `setup`, `call`, `teardown`, or `lost` for a dead worker.
        started: Unix seconds.
        duration: seconds over all phases.
        attempts: how many attempts there were; `flaky` if an earlier one did not pass and this one did.
        wait: how a check that waits went: one line on the whole, then one for each change; empty for others.
        evidence: ids of the exchanges it observed, in order.
        worker: the xdist worker, or `main`.
        measures: the numbers it judged, in the order of judging.
    """

    nodeid: str
    outcome: Outcome
    summary: str = ""
    text: str = ""
    phase: str = "call"
    started: float = 0.0
    duration: float = 0.0
    attempts: int = 1
    flaky: bool = False
    wait: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()
    worker: str = "main"
    measures: tuple[Measure, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the same as builtins."""
        record = msgspec.structs.asdict(self)
        record["outcome"] = self.outcome.value
        record["wait"] = list(self.wait)
        record["evidence"] = list(self.evidence)
        record["measures"] = [measure.to_dict() for measure in self.measures]
        return record
