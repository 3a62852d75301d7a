"""What waits, and which of it is next: the due ones first by the age of their stimulus, then by their deadline."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator

T = TypeVar("T")


class Agenda(Generic[T]):
    """A set of things that wait for their time.

    Order is deterministic: among what is due, the oldest stimulus first, then the nearest deadline, then the order in
    which the suite has them.
    """

    def __init__(self) -> None:
        """Start empty."""
        self._later: list[tuple[float, int, int]] = []
        self._ready: list[tuple[tuple[float, float, int], int]] = []
        self._entries: dict[int, tuple[T, tuple[float, float, int]]] = {}
        self._ticket = 0

    def __len__(self) -> int:
        """Return how many wait."""
        return len(self._entries)

    def __iter__(self) -> Iterator[T]:
        """Yield everything that waits, in the order in which it was put aside."""
        return (thing for thing, _ in self._entries.values())

    def put(self, thing: T, *, due: float, order: int, stimulus: float = float("inf"), deadline: float) -> None:
        """Set something aside.

        Args:
            thing: what.
            due: when it is to be taken up again.
            order: its place in the suite.
            stimulus: when what it waits for was set off; infinite if nothing was.
            deadline: when it must be done.
        """
        self._ticket += 1
        self._entries[self._ticket] = (thing, (stimulus, deadline, order))
        heapq.heappush(self._later, (due, order, self._ticket))

    def take(self, now: float) -> T | None:
        """Remove and return the first of what is due; None if nothing is."""
        self._ripen(now)
        if not self._ready:
            return None
        _, ticket = heapq.heappop(self._ready)
        return self._entries.pop(ticket)[0]

    def first(self, now: float) -> T | None:
        """Return the first of what is due, without removing it."""
        self._ripen(now)
        return self._entries[self._ready[0][1]][0] if self._ready else None

    def next_due(self) -> float | None:
        """Return when the next thing is due; None if nothing waits. What is due already gives minus infinity."""
        if self._ready:
            return float("-inf")
        return self._later[0][0] if self._later else None

    def following(self) -> T | None:
        """Return what is likely to be taken next: of what is due the first, else what is due first."""
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
        self._ready.clear()
        self._entries.clear()
        return [thing for thing, _ in things]

    def _ripen(self, now: float) -> None:
        while self._later and self._later[0][0] <= now:
            _, _, ticket = heapq.heappop(self._later)
            heapq.heappush(self._ready, (self._entries[ticket][1], ticket))
