"""What waits, and which of it is next: what presses, then what is due by stimulus and deadline."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator

T = TypeVar("T")

_TIDY = 64


class Agenda(Generic[T]):
    """A set of things that wait for their time.

    Order is deterministic: what presses goes first, the longest first; among what is due, the oldest stimulus, then the
    nearest deadline, then the order in which the suite has them.
    """

    def __init__(self) -> None:
        """Start empty."""
        self._later: list[tuple[float, int, int]] = []
        self._pressing: list[tuple[float, int, int]] = []
        self._ready: list[tuple[tuple[float, float, int], int]] = []
        self._entries: dict[int, tuple[T, tuple[float, float, int]]] = {}
        self._ticket = 0

    def __len__(self) -> int:
        """Return how many wait."""
        return len(self._entries)

    def __iter__(self) -> Iterator[T]:
        """Yield everything that waits, in the order in which it was put aside."""
        return (thing for thing, _ in self._entries.values())

    def put(
        self,
        thing: T,
        *,
        due: float,
        order: int,
        stimulus: float = float("inf"),
        deadline: float,
        presses: float = float("inf"),
    ) -> None:
        """Set something aside.

        Args:
            thing: what.
            due: when it is to be taken up again.
            order: its place in the suite.
            stimulus: when what it waits for was set off; infinite if nothing was.
            deadline: when it must be done.
            presses: from when on it goes before everything that does not press; not before it is due.
        """
        self._ticket += 1
        self._entries[self._ticket] = (thing, (stimulus, deadline, order))
        heapq.heappush(self._later, (due, order, self._ticket))
        if presses < float("inf"):
            heapq.heappush(self._pressing, (max(due, presses), order, self._ticket))
            if len(self._pressing) > 2 * len(self._entries) + _TIDY:  # most were taken before they pressed
                self._pressing = [it for it in self._pressing if it[2] in self._entries]
                heapq.heapify(self._pressing)

    def take(self, now: float) -> T | None:
        """Remove and return the first of what is due; None if nothing is."""
        if (pressing := self.take_pressing(now)) is not None:
            return pressing
        self._ripen(now)
        if not self._ready:
            return None
        _, ticket = heapq.heappop(self._ready)
        return self._entries.pop(ticket)[0]

    def take_pressing(self, now: float) -> T | None:
        """Remove and return what has pressed the longest; None if nothing does."""
        while self._pressing and self._pressing[0][0] <= now:
            _, _, ticket = heapq.heappop(self._pressing)
            if ticket in self._entries:
                return self._entries.pop(ticket)[0]
        return None

    def next_due(self) -> float | None:
        """Return when the next thing is due; None if nothing waits. What is due already gives minus infinity."""
        self._forget_taken()
        if self._ready:
            return float("-inf")
        return self._later[0][0] if self._later else None

    def following(self) -> T | None:
        """Return what is likely to be taken next: of what is due the first, else what is due first."""
        self._forget_taken()
        if self._ready:
            return self._entries[self._ready[0][1]][0]
        return self._entries[self._later[0][2]][0] if self._later else None

    def latest_deadline(self) -> float | None:
        """Return the latest deadline of all; None if nothing waits."""
        return max((rank[1] for _, rank in self._entries.values()), default=None)

    def clear(self) -> list[T]:
        """Remove and return everything, in suite order."""
        things = sorted(self._entries.values(), key=lambda entry: entry[1][2])
        self._later.clear()
        self._pressing.clear()
        self._ready.clear()
        self._entries.clear()
        return [thing for thing, _ in things]

    def _ripen(self, now: float) -> None:
        while self._later and self._later[0][0] <= now:
            _, _, ticket = heapq.heappop(self._later)
            if ticket in self._entries:
                heapq.heappush(self._ready, (self._entries[ticket][1], ticket))
        self._forget_taken()

    def _forget_taken(self) -> None:
        """Drop what was taken from among the pressing."""
        while self._ready and self._ready[0][1] not in self._entries:
            heapq.heappop(self._ready)
        while self._later and self._later[0][2] not in self._entries:
            heapq.heappop(self._later)
