"""Which checkpoint is due, which were missed, what they come to together, and how numbers moved between them.

Pure: the caller tells how long ago the deployment finished.
"""

from __future__ import annotations

from itertools import count, pairwise
from typing import TYPE_CHECKING, Any, Final

import msgspec

from pytest_deploycheck.model.checkpoint import DONE, Checkpoint, Planned
from pytest_deploycheck.model.duration import format_duration, parse_duration
from pytest_deploycheck.model.outcome import Outcome, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pytest_deploycheck.model.measure import Measure

TOLERANCE: Final = 3600.0
"""Seconds by which a scheduled run may be late and still be its checkpoint: cron jobs often run once an hour."""

_SLACK: Final = 60.0
_SLACK_SHARE: Final = 0.05
"""A scheduled run may come so many seconds, and this share of its offset, too early: clocks differ a little."""

_ROUNDING: Final = 1e-3
"""Seconds by which differences of Unix times may be off."""

_LATE: Final = 60.0
"""Seconds from which on a checkpoint is called late."""

_SEVERITY: Final = {Verdict.NO_GO: 0, Verdict.HOLD: 1, Verdict.GO: 2}


def parse_offset(text: str) -> Planned:
    """Read one offset, such as `+1h`.

    Raises:
        ValueError: if it is none.
    """
    plain = text.strip()
    if not plain.startswith("+"):
        message = f"{plain!r} is no checkpoint: write it as +15m, +1h or +1h30m, counted from the deployment's finish"
        raise ValueError(message)
    try:
        offset = parse_duration(plain[1:])
    except ValueError:
        message = f"{plain!r} is no checkpoint: write a duration behind the plus sign, such as +15m, +1h or +1h30m"
        raise ValueError(message) from None
    return Planned(label_of(offset), offset)


def parse_plan(text: str) -> tuple[Planned, ...]:
    """Read a list of offsets, such as `+15m,+30m,+1h`; they are returned in order of time.

    Raises:
        ValueError: if one of them is none, one is there twice, or there is none at all.
    """
    found = [parse_offset(part) for part in text.split(",") if part.strip()]
    if not found:
        message = "no checkpoint is given: write a list such as +15m,+30m,+1h"
        raise ValueError(message)
    found.sort(key=lambda planned: planned.offset)
    for one, other in pairwise(found):
        if one.label == other.label:
            message = f"checkpoint {one.label} is given twice"
            raise ValueError(message)
    return tuple(found)


def label_of(offset: float) -> str:
    """Return an offset in seconds as `+1h30m`."""
    return f"+{format_duration(offset)}"


def lateness(planned: Planned, elapsed: float) -> str:
    """Return `12m later than planned`, or an empty text where it is not worth telling."""
    late = elapsed - planned.offset
    return f"{format_duration(round(late))} later than planned" if late >= _LATE else ""


class Due(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be done now.

    Attributes:
        now: the checkpoint that is due; None if none is.
        missed: those whose time has gone by without a run, as they are to be noted.
        following: the next one to wait for; None after the last one.
    """

    now: Planned | None = None
    missed: tuple[Checkpoint, ...] = ()
    following: Planned | None = None


def due(
    plan: Sequence[Planned],
    known: Sequence[Checkpoint],
    elapsed: float,
    *,
    tolerance: float = float("inf"),
    early: bool = False,
) -> Due:
    """Return what is due so long after the deployment's finish.

    The latest checkpoint whose time has come is due, unless it has been done, or its time came longer ago than the
    tolerance. All others before it that nobody measured were missed: measured now, they would tell of another time.

    Args:
        plan: in order of time.
        known: what became of checkpoints so far.
        elapsed: seconds since the deployment's finish.
        tolerance: seconds by which a checkpoint may be late.
        early: whether it may come a little too early, as a scheduled run may whose clock differs.
    """
    settled = {it.label for it in known}
    finished = {it.label for it in known if it.state != "unfinished"}
    passed = [it for it in plan if elapsed >= it.offset - (slack(it) if early else _ROUNDING)]
    latest = passed[-1] if passed else None
    on_time = latest is not None and elapsed - latest.offset <= tolerance
    now = latest if latest is not None and on_time and latest.label not in finished else None
    missed = tuple(missed_one(it, elapsed) for it in passed if it is not now and it.label not in settled)
    following = next((it for it in plan if it not in passed), None)
    return Due(now=now, missed=missed, following=following)


def slack(planned: Planned) -> float:
    """Return how many seconds too early a scheduled run may be."""
    return max(_ROUNDING, min(_SLACK, _SLACK_SHARE * planned.offset))


def missed_one(planned: Planned, elapsed: float) -> Checkpoint:
    """Return the note that nobody measured a checkpoint while it was time."""
    why = f"nothing was measured at {planned.label}: the first run after it came at {label_of(round(elapsed))}"
    return Checkpoint(label=planned.label, offset=planned.offset, state="missed", why=why)


def not_reached(planned: Planned, why: str) -> Checkpoint:
    """Return the note that the observation ended before a checkpoint."""
    return Checkpoint(label=planned.label, offset=planned.offset, state="not reached", why=why)


def together(checkpoints: Sequence[Checkpoint]) -> tuple[Verdict, str]:
    """Return the verdict of the whole observation so far, and why: that of the worst checkpoint.

    What failed at one checkpoint is not mended by the next ones, and what was not measured is never a GO.
    """
    if not checkpoints:
        return Verdict.HOLD, "no checkpoint has been made yet"
    verdict = min((it.verdict for it in checkpoints), key=_SEVERITY.__getitem__)
    worst = [it for it in checkpoints if it.verdict is verdict]
    labels = [it.label if it.state == DONE else f"{it.label} ({it.state})" for it in worst]
    at = f"{verdict} at {', '.join(labels)}"
    if verdict is Verdict.GO:
        return verdict, at
    return verdict, f"{at}: {worst[0].why}" if len(worst) == 1 else f"{at}; at {worst[0].label}: {worst[0].why}"


def shortcomings(checkpoints: Sequence[Checkpoint]) -> tuple[str, ...]:
    """Return what keeps a whole observation from GO beside its checks: checkpoints not made, and those that are HOLD.

    A HOLD need not show in any check: evidence may not have been kept, or the run was narrowed.
    """
    held = [it for it in checkpoints if it.verdict is Verdict.HOLD and it.state == DONE]
    texts = [f"checkpoint {it.label} {it.state}: {it.why}" for it in checkpoints if it.state != DONE]
    if held:
        labels = ", ".join(it.label for it in held)
        texts.append(f"HOLD at {labels}: {held[0].why}")
    return tuple(texts)


# --- the trend --------------------------------------------------------------------------------------------------------


def trend(checkpoints: Sequence[Checkpoint]) -> list[dict[str, Any]]:
    """Return one row a check, or several where it judged several numbers, with a cell for each checkpoint.

    Args:
        checkpoints: in order of time.

    Returns:
        Builtins: `nodeid`, `level`, `measure` (`name`, `unit`, `of`; None for a check without a number), `cells` (in
        order of the checkpoints: `checkpoint`, `outcome` and `value`, None where there is none), and `change`:
        `since_first` and `since_previous`, the differences of the last checkpoint's value from the first one there is
        and from the one before it; None where there is nothing to compare.
    """
    columns = [(it, _by_check(it)) for it in checkpoints]
    levels = {seen.nodeid: seen.level.value for it in checkpoints for seen in it.checks}
    rows = []
    for nodeid, level in levels.items():
        measures: _Measures = {}
        for _, column in columns:
            measures.update(column.get(nodeid, (None, {}))[1])
        keys: list[tuple[str, int] | None] = [*measures]
        for key in keys or [None]:
            measure = measures[key] if key is not None else None
            cells = [_cell(it.label, *column.get(nodeid, (None, {})), key) for it, column in columns]
            rows.append(
                {
                    "nodeid": nodeid,
                    "level": level,
                    "measure": {"name": measure.name, "unit": measure.unit, "of": measure.of} if measure else None,
                    "cells": cells,
                    "change": _change([cell["value"] for cell in cells]),
                }
            )
    return rows


_Measures = dict[tuple[str, int], "Measure"]


def _by_check(checkpoint: Checkpoint) -> dict[str, tuple[Outcome | None, _Measures]]:
    return {seen.nodeid: (seen.outcome, dict(_numbered(seen.measures))) for seen in checkpoint.checks}


def _numbered(measures: Iterable[Measure]) -> Iterator[tuple[tuple[str, int], Measure]]:
    """Yield each measure with its name and its place among those of that name.

    What was asked does not tell them apart: it may hold a length of time that grows with every checkpoint.
    """
    counts: dict[str, count[int]] = {}
    for measure in measures:
        yield (measure.name, next(counts.setdefault(measure.name, count()))), measure


def _cell(label: str, outcome: Outcome | None, measures: _Measures, key: tuple[str, int] | None) -> dict[str, Any]:
    measure = measures.get(key) if key is not None else None
    return {
        "checkpoint": label,
        "outcome": outcome.value if outcome is not None else None,
        "value": measure.value if measure is not None else None,
    }


def _change(values: Sequence[float | None]) -> dict[str, float | None]:
    last = values[-1] if values else None
    earlier = [value for value in values[:-1] if value is not None]
    if last is None or not earlier:
        return {"since_first": None, "since_previous": None}
    return {"since_first": last - earlier[0], "since_previous": last - earlier[-1]}
