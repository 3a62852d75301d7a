"""Lengths of time as text: as configuration and markers write them, as Go programs do, and as PromQL takes them.

Only the standard library, and no pattern is compiled before it is used: markers are read in every run.
"""

from __future__ import annotations

import re
from typing import Final

CONFIGURED: Final = ("ms", "s", "m", "h", "d", "w")
"""The units of configuration and markers: Prometheus's, without the year, whose length nobody agrees on."""

_SECONDS: Final = {
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
_SHORTEST: Final = 0.001  # seconds; Prometheus knows nothing below


def pattern(units: tuple[str, ...] = CONFIGURED) -> str:
    """Return the regular expression of a whole duration (also one of JSON Schema)."""
    return f"({_part(units)})+"


def parse_duration(text: str) -> float:
    """Return in seconds what configuration and markers write: `500ms`, `60s`, `10m`, `1h30m`, `1.5h`, `2d`, `1w`.

    Raises:
        ValueError: if it is written in any other way; a bare number, zero included, has no unit and is refused.
    """
    return _parsed(text, CONFIGURED)


def parse_go_duration(text: str) -> float:
    """Return in seconds what Go programs write in JSON and YAML: `1s`, `1m30s`, `800ms`, `2h45m0s`, `15d`, `0`.

    Both of Prometheus's model.Duration (no fractions, up to years) and Go's time.Duration (fractions, nanoseconds).

    Raises:
        ValueError: if it is written in any other way.
    """
    return 0.0 if text == "0" else _parsed(text, tuple(_SECONDS))


def format_duration(seconds: float) -> str:
    """Return a duration as `parse_duration` reads it, in the largest units; all below a millisecond is lost."""
    milliseconds = round(seconds * 1000)
    parts = []
    for unit in reversed(CONFIGURED):
        count, milliseconds = divmod(milliseconds, round(_SECONDS[unit] * 1000))
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"


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


def _part(units: tuple[str, ...]) -> str:
    return rf"[0-9]+(\.[0-9]+)?({'|'.join(units)})"


def _parsed(text: str, units: tuple[str, ...]) -> float:
    if not re.fullmatch(pattern(units), text):
        message = f"not a duration: {text!r}"
        raise ValueError(message)
    parts = re.finditer(r"(?P<number>[0-9.]+)(?P<unit>[a-zµ]+)", text)
    return sum(float(part["number"]) * _SECONDS[part["unit"]] for part in parts)
