"""Instants: as RFC 3339 in UTC, the one form in which times leave this package, and as Unix seconds within it."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Literal

Precision = Literal["minutes", "seconds", "milliseconds"]


def rfc3339(unix: float, precision: Precision = "seconds") -> str:
    """Return an instant such as `2026-11-21T11:45:00Z`.

    Args:
        unix: Unix seconds.
        precision: the finest part that is written; finer ones are cut off, never rounded up.

    Returns:
        The text; for a number that no calendar can show (NaN, infinite, beyond the year 9999) `unix <number>`, because
        such numbers come from measured systems and must be shown rather than break a report.
    """
    if math.isfinite(unix):
        try:
            moment = datetime.fromtimestamp(unix, tz=UTC)
        except (OverflowError, OSError, ValueError):
            return f"unix {unix:g}"
        return moment.isoformat(timespec=precision).removesuffix("+00:00") + "Z"
    return f"unix {unix}"


def unix_seconds(moment: datetime | None) -> float | None:
    """Return a moment as Unix seconds; Go's zero time (`0001-01-01T00:00:00Z`) means "never", as does None."""
    if moment is None or moment.year == 1:
        return None
    return moment.timestamp()
