"""How far the server's clock is from the runner's, from the evaluation times of ordinary queries."""

from __future__ import annotations

import threading

_ROUNDING = 0.001  # Prometheus cuts its times to milliseconds


class ClockSkew:
    """The tightest bounds on "server minus runner" that the answers of a run allow.

    A query without a time is evaluated at the server's now, which lies between sending and receiving on the runner's
    clock. So each answer gives an interval, and all of them hold together. Thread-safe.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._bounds: tuple[float, float] | None = None

    def observe(self, server: float, sent: float, received: float) -> None:
        """Take one answer into account.

        Args:
            server: the evaluation time, Unix seconds on the server's clock.
            sent: when the request left, Unix seconds on the runner's clock.
            received: when the answer was there, on the same clock.
        """
        if server == int(server):
            # VictoriaMetrics rounds to whole seconds and may evaluate 30 s in the past (its latency offset): its times
            # say nothing of its clock. Prometheus, in milliseconds, loses one answer in a thousand to this.
            return
        low, high = server - received, server + _ROUNDING - sent
        if low > high:
            return  # the runner's clock was set back in between
        with self._lock:
            if self._bounds is not None:
                tighter = (max(low, self._bounds[0]), min(high, self._bounds[1]))
                # Bounds that exclude each other mean that one clock was stepped meanwhile: only the newest count then.
                low, high = tighter if tighter[0] <= tighter[1] else (low, high)
            self._bounds = (low, high)

    def estimate(self) -> float:
        """Return the middle of the bounds in seconds; 0 as long as nothing is known."""
        bounds = self.bounds()
        return 0.0 if bounds is None else (bounds[0] + bounds[1]) / 2

    def bounds(self) -> tuple[float, float] | None:
        """Return (lowest, highest) of server minus runner in seconds; None if no answer told."""
        with self._lock:
            return self._bounds
