"""Keeps track, for the check that runs, of what was asked but not judged, and of what was judged and found wanting."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_deploycheck.model.finding import Finding
    from pytest_deploycheck.model.measure import Measure
    from pytest_deploycheck.waits.terms import Terms

__tracebackhide__ = True

_PACKAGE = str(Path(__file__).resolve().parent.parent)


def caller() -> str:
    """Return `file:line` of the nearest frame outside this package: the line a person wrote."""
    frame = sys._getframe(1)  # noqa: SLF001 - inspect.stack() reads source files, a thousand times slower
    while frame is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        if frame.f_back is None:
            break
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"


class Window(Protocol):
    """A window that must hold: what a question that looks back has to know of it."""

    terms: Terms

    def held_for(self, now: float) -> float:
        """Return the seconds of it that have passed."""
        ...

    def unseen_for(self, now: float) -> float:
        """Return the seconds of these that no look has judged."""
        ...


class Ledger:
    """One check's open questions and bad findings.

    Attributes:
        bad: what was judged and found wanting.
        measures: the numbers that were judged, good or bad.
        tracking: whether what is asked now has to be judged by this check.
        window: the window that must hold, while a `sustained` check looks at it.
        looked_back: whether something was judged over that window, on recorded history.
        looking_back: whether what is asked now belongs to a judgement over that window.
        sampled: whether something was asked that tells of this moment only.
        stimulated: whether something was set off whose effect is to be awaited.
        on_stimulus: called each time that happens.
    """

    def __init__(self) -> None:
        """Start empty."""
        self.window: Window | None = None
        self.on_stimulus: list[Callable[[], None]] = []
        self._stimulated = False
        self.looked_back = False
        self.looking_back = False
        self.sampled = False
        self._open: dict[int, tuple[object, str, str]] = {}
        self.bad: list[Finding] = []
        self.measures: list[Measure] = []
        self.tracking = True

    @property
    def stimulated(self) -> bool:
        """Whether something was set off."""
        return self._stimulated

    @stimulated.setter
    def stimulated(self, value: bool) -> None:
        self._stimulated = value
        if value:
            for listener in self.on_stimulus:
                listener()

    def begin(self) -> None:
        """Forget what the check before left."""
        self._open.clear()
        self.bad.clear()
        self.measures.clear()
        self.tracking = True
        self.looked_back = False
        self.sampled = False

    def asked(self) -> None:
        """Note that something was asked: by whatever means, unless it looks back it tells of this moment only.

        What a wider fixture asks it asks once, not at each look at a window.
        """
        if self.tracking and not self.looking_back:
            self.sampled = True

    def opened(self, thing: object, what: str) -> None:
        """Note an answer or a judgement that somebody has to look at.

        What a session- or module-scoped fixture asks is judged by later checks, and so is not noted.
        """
        if self.tracking:
            self._open[id(thing)] = (thing, what, caller())

    def closed(self, thing: object) -> None:
        """Note that somebody has looked at it."""
        self._open.pop(id(thing), None)

    def unjudged(self) -> list[tuple[str, str]]:
        """Return (what, `file:line`) of everything nobody looked at, in the order of asking."""
        return [(what, where) for _, what, where in self._open.values()]
