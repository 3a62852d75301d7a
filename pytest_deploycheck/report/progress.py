"""How far a run has come, in one line: for a terminal, where it has to fit, and for the log of a CI job."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import msgspec

from pytest_deploycheck.model.duration import format_duration

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Piece = tuple[str, str]
"""A text, and the name of what it tells: `waiting`, `running`, `end`, one of `COUNTED`, or `` for what lies between."""

COUNTED: Final = ("passed", "warned", "failed", "error", "inconclusive")
"""Results that are counted, in the order in which they are shown."""

_ALWAYS: Final = ("passed", "warned", "failed")
"""Of these a log tells the zeros too: nobody has to guess whether a word is missing or has another place."""

_DROPPED: Final = ("running", "passed", "warned")
"""What a narrow terminal does without, the first one first; what is bad stays."""


class Outlook(msgspec.Struct, frozen=True, kw_only=True):
    """What waits, and until when. All times are seconds from now.

    Attributes:
        waiting: how many checks wait.
        running: how many are being tried just now.
        due: until the first of them is tried again; None if nothing waits.
        deadline: until the latest deadline, or the end of the latest window.
        earliest: until the last one could be done if each came to pass when it is tried next.
        latest: until the last one is done at the latest.
    """

    waiting: int = 0
    running: int = 0
    due: float | None = None
    deadline: float | None = None
    earliest: float | None = None
    latest: float | None = None


def combined(outlooks: Iterable[Outlook]) -> Outlook:
    """Return the outlook of several processes together."""
    known = list(outlooks)
    return Outlook(
        waiting=sum(one.waiting for one in known),
        running=sum(one.running for one in known),
        due=min((one.due for one in known if one.due is not None), default=None),
        deadline=max((one.deadline for one in known if one.deadline is not None), default=None),
        earliest=max((one.earliest for one in known if one.earliest is not None), default=None),
        latest=max((one.latest for one in known if one.latest is not None), default=None),
    )


def live_line(outlook: Outlook, counts: Mapping[str, int], *, width: int, unicode: bool) -> list[Piece]:
    """Return a line for a terminal, at most so wide, as pieces that can be coloured.

    Args:
        outlook: what waits.
        counts: how many checks came to each of `COUNTED`.
        width: columns.
        unicode: whether the terminal can show more than ASCII.
    """
    between = " · " if unicode else " | "
    for short, dropped in [(False, 0), *((True, number) for number in range(len(_DROPPED) + 1))]:
        pieces = [piece for piece in _pieces(outlook, counts, short=short) if piece[1] not in _DROPPED[:dropped]]
        if len(between.join(text for text, _ in pieces)) <= width:
            break
    else:
        pieces = [(f"{outlook.waiting} waiting"[: max(0, width)], "waiting")]
    line = [pieces[0]]
    for piece in pieces[1:]:
        line += [(between, ""), piece]
    return line


def log_line(outlook: Outlook, counts: Mapping[str, int], *, elapsed: float) -> str:
    """Return a line for a log that is read later.

    Args:
        outlook: what waits.
        counts: how many checks came to each of `COUNTED`.
        elapsed: seconds since the run began.
    """
    filled = {**dict.fromkeys(_ALWAYS, 0), **{name: count for name, count in counts.items() if count}}
    told = ", ".join(text for text, _ in _pieces(outlook, filled, short=False, zeros=True))
    return f"deploycheck: after {format_duration(int(elapsed))}: {told}"


def _pieces(outlook: Outlook, counts: Mapping[str, int], *, short: bool, zeros: bool = False) -> list[Piece]:
    found = [(_waiting(outlook, short=short), "waiting")]
    if outlook.running:
        found.append((f"{outlook.running} running", "running"))
    found += [(f"{counts[name]} {name}", name) for name in COUNTED if counts.get(name, 0) or (zeros and name in counts)]
    if outlook.earliest is not None and outlook.latest is not None:
        first, last = _length(outlook.earliest), _length(outlook.latest)
        span = first if outlook.earliest >= outlook.latest else f"{first} to {last}"
        found.append((f"end {'' if short else 'in '}{span if first != last else last}", "end"))
    return found


def _waiting(outlook: Outlook, *, short: bool) -> str:
    text = f"{outlook.waiting} waiting"
    if outlook.due is None or outlook.deadline is None:
        return text
    word = "" if short else "in "
    due = f"next {word}{_length(outlook.due)}" if outlook.due > 0 else "next now"
    deadline = f"{'' if short else 'latest '}deadline {word}{_length(outlook.deadline)}"
    return f"{text}, {due}, {deadline}" if short else f"{text} ({due}, {deadline})"


def _length(seconds: float) -> str:
    """Return a length of time in whole seconds, upwards: what is told as over is over."""
    return format_duration(max(0, math.ceil(round(seconds, 3))))
