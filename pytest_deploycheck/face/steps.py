"""How far apart the points lie in which a window is read: as close as the system changes, if that can be afforded."""

from __future__ import annotations

from typing import Final

SHORTEST: Final = 1.0
"""Seconds; nothing is read in smaller steps, unless its author says so."""

COARSE: Final = 200
"""Points that are always affordable."""
USUAL: Final = 15.0
"""Seconds between scrapes in most systems."""
_MOST_POINTS: Final = 10_000
"""Prometheus gives at most 11,000 points a series."""
_MOST_SAMPLES: Final = 1_000_000
"""Of all series together: some 20 MB."""


def step_over(length: float, wanted: float, *, series: int) -> float:
    """Return the seconds between two points, as near to what is wanted as can be afforded.

    A window of a day read in two hundred points would not show an outage of six minutes.

    Args:
        length: of the window, in seconds.
        wanted: the seconds in which the system can change.
        series: how many series are read.
    """
    points = max(COARSE, min(_MOST_POINTS, _MOST_SAMPLES // max(1, series)))
    return max(SHORTEST, wanted, length / points)
