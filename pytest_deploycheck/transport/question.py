"""The time that one call may take."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from pytest_deploycheck.transport.sockets import Budget

if TYPE_CHECKING:
    from pytest_deploycheck.clock import Clock
    from pytest_deploycheck.transport.endpoint import Timeouts


class Question:
    """One call, over all its attempts, waits and redirects.

    What is left is counted by both clocks: the injected one knows the waits, the machine's own the sockets. With
    `SystemClock` they are the same.

    Args:
        limits: of this call.
        clock: the injected one.

    Attributes:
        waits: in seconds, before the second attempt and each later one.
        steps: the limits of single steps as httpcore names them, in seconds.
    """

    def __init__(self, *, limits: Timeouts, clock: Clock) -> None:
        """Start both clocks."""
        self.limits = limits
        self.waits: list[float] = []
        self.steps = {"connect": limits.connect, "read": limits.read, "write": limits.read, "pool": limits.total}
        self._clock = clock
        self._asked = clock.monotonic()
        self._begun = time.monotonic()

    def left(self) -> float:
        """Return how many seconds are left."""
        gone = max(self._clock.monotonic() - self._asked, time.monotonic() - self._begun)
        return self.limits.total - gone

    def budget(self) -> Budget:
        """Return the next attempt's."""
        left = self.left()
        self.steps["pool"] = max(0.001, left)
        return Budget(ends=time.monotonic() + left, total=self.limits.total)

    @property
    def told(self) -> tuple[str, ...]:
        """A line on the attempts, if there was more than one."""
        if not self.waits:
            return ()
        waits = ", ".join(f"{wait:g} s" for wait in self.waits)
        return (f"asked {len(self.waits) + 1} times, with waits of {waits}",)
