"""Durations and times as Go programs write them in JSON and YAML."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

# Both of Prometheus's model.Duration (no fractions, up to years) and Go's time.Duration (fractions, nanoseconds).
_SECONDS = {
    "ns": 1e-9,
    "us": 1e-6,
    "µs": 1e-6,
    "ms": 1e-3,
    "s": 1.0,
    "m": 60.0,
    "h": 3600.0,
    "d": 86400.0,
    "w": 604800.0,
    "y": 31536000.0,
}
_SHORTEST = 0.001  # seconds; Prometheus knows nothing below
_PART = r"([0-9]+(?:\.[0-9]+)?)(ns|us|µs|ms|s|m|h|d|w|y)"
_PARTS = re.compile(_PART)
_WHOLE = re.compile(f"(?:{_PART})+")


def parse_duration(text: str) -> float:
    """Return a duration in seconds: `1s`, `1m30s`, `800ms`, `2h45m0s`, `15d`, `0`.

    Raises:
        ValueError: if it is written in any other way.
    """
    if text == "0":
        return 0.0
    if not _WHOLE.fullmatch(text):
        message = f"not a duration: {text!r}"
        raise ValueError(message)
    return sum(float(number) * _SECONDS[unit] for number, unit in _PARTS.findall(text))


def promql_duration(seconds: float) -> str:
    """Return a duration as PromQL 2.x takes it: whole numbers only, so milliseconds where it is not whole seconds.

    Args:
        seconds: positive; anything below a millisecond is lost.

    Raises:
        ValueError: if it is not at least a millisecond, or not finite.
    """
    if not _SHORTEST <= seconds < float("inf"):
        message = f"a PromQL window is at least 1ms, and finite: {seconds!r} s"
        raise ValueError(message)
    milliseconds = round(seconds * 1000)
    return f"{milliseconds}ms" if milliseconds % 1000 else f"{milliseconds // 1000}s"


def unix_seconds(moment: datetime | None) -> float | None:
    """Return a moment as Unix seconds; Go's zero time (`0001-01-01T00:00:00Z`) means "never", as does None."""
    if moment is None or moment.year == 1:
        return None
    return moment.timestamp()
