"""Time, injected: everything that reads a clock or waits takes a `Clock`, so that no test has to sleep."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """A source of wall time, of monotonic time, and of waiting."""

    def now(self) -> float:
        """Return the wall time in Unix seconds."""
        ...

    def monotonic(self) -> float:
        """Return a time in seconds that never goes back; only differences mean anything."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait for the given number of seconds (not at all if it is not positive)."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> float:
        """Return the wall time in Unix seconds."""
        return time.time()

    def monotonic(self) -> float:
        """Return `time.monotonic()`."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Sleep for the given number of seconds."""
        if seconds > 0:
            time.sleep(seconds)


class ManualClock:
    """A clock that moves only when it is told to, or when somebody sleeps on it.

    Args:
        now: the wall time to start from, in Unix seconds.
    """

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        """Start at `now`, with the monotonic time at zero."""
        self._start = now
        self._elapsed = 0.0
        self.slept: list[float] = []

    def now(self) -> float:
        """Return the wall time in Unix seconds."""
        return self._start + self._elapsed

    def monotonic(self) -> float:
        """Return the seconds since this clock was made."""
        return self._elapsed

    def sleep(self, seconds: float) -> None:
        """Note the wait and move on by it at once."""
        self.slept.append(seconds)
        self.advance(max(0.0, seconds))

    def advance(self, seconds: float) -> None:
        """Move both times forward.

        Args:
            seconds: how far; not negative.
        """
        if seconds < 0:
            message = f"a clock does not go back: {seconds}"
            raise ValueError(message)
        self._elapsed += seconds
