"""How long to wait before a check is tried again: often at first, then less often, never hammering a server."""

from __future__ import annotations

import zlib
from typing import Final

FLOOR: Final = 0.5
"""Seconds; no check is tried more often, unless its author says so."""

LEAST: Final = 0.1
"""Seconds; no check is tried more often, whatever its author says: a server is not hammered."""

_SHARE: Final = 0.12
"""Each wait is this share of the time since the first attempt, but for `_EARLY`: what converges is seen at most so
much later."""

_EARLY: Final = 5.0
"""Seconds; most of what converges at all does so after a scrape or two, and a person waits for that."""

_CAP: Final = 30.0
"""Seconds; the longest wait where nothing is known of the system's own rhythm."""

_SAMPLES: Final = 60
"""How often a window is looked at: a first violation is told after a sixtieth of it."""

_JITTER: Final = 0.1


def next_wait(elapsed: float, *, attempt: int, key: str, rhythm: float | None = None) -> float:
    """Return the seconds from the end of one attempt to the next.

    Args:
        elapsed: seconds since the first attempt.
        attempt: the number of the attempt that just ended, from 1.
        key: spreads checks that began together, the same way in every run.
        rhythm: seconds between the system's own steps (scrapes, rule evaluations), if it is known: nothing changes
            more often, so asking much more often is useless, and so is waiting for several of them.
    """
    floor, cap = FLOOR, _CAP
    if rhythm is not None:
        floor = max(floor, rhythm / 10)
        cap = max(floor, min(_CAP, rhythm))
    wait = min(max(_SHARE * (elapsed - _EARLY), floor), cap)
    return max(FLOOR, wait * (1 + _JITTER * _spread(key, attempt)))


def sample_wait(window: float, rhythm: float | None = None) -> float:
    """Return the seconds between two looks at a window that must hold.

    Args:
        window: its length in seconds.
        rhythm: as in `next_wait`.
    """
    return max(FLOOR, min(window / _SAMPLES, 60.0), min(rhythm or 0.0, window / 4))


def _spread(key: str, attempt: int) -> float:
    """Return a number from -1 to 1 that looks random and is always the same."""
    return zlib.crc32(f"{key}#{attempt}".encode()) / 0x7FFFFFFF - 1
