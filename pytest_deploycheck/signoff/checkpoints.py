"""The part of a record that tells of the observation it belongs to: its checkpoints and how numbers moved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_deploycheck.gate.checkpoints import together, trend
from pytest_deploycheck.model.instant import rfc3339

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_deploycheck.model.checkpoint import Checkpoint, Planned


def section(
    checkpoints: Sequence[Checkpoint], *, finish: float, current: str | None = None, following: Planned | None = None
) -> dict[str, Any]:
    """Return the value of the record's key `checkpoints`.

    Args:
        checkpoints: what became of each so far, in any order.
        finish: the deployment's, Unix seconds.
        current: the checkpoint that the record is of; None for a long run's own record.
        following: the next one.
    """
    ordered = sorted(checkpoints, key=lambda it: it.offset)
    verdict, why = together(ordered)
    return {
        "current": current,
        "verdict": verdict.value,
        "why": why,
        "next": {"label": following.label, "planned": _moment(finish + following.offset)} if following else None,
        "all": [_entry(it, finish) for it in ordered],
        "trend": trend([it for it in ordered if it.state != "not reached"]),
    }


def _entry(checkpoint: Checkpoint, finish: float) -> dict[str, Any]:
    planned = finish + checkpoint.offset
    return {
        "label": checkpoint.label,
        "offset_seconds": checkpoint.offset,
        "planned": _moment(planned),
        "state": checkpoint.state,
        "verdict": checkpoint.verdict.value,
        "why": checkpoint.why,
        "began": _moment(checkpoint.began) if checkpoint.began is not None else None,
        "finished": _moment(checkpoint.finished) if checkpoint.finished is not None else None,
        "late_seconds": max(0.0, checkpoint.began - planned) if checkpoint.began is not None else None,
        "run_id": checkpoint.run_id,
        "report": checkpoint.report,
    }


def _moment(unix: float) -> dict[str, Any]:
    return {"utc": rfc3339(unix, "milliseconds"), "unix": unix}
