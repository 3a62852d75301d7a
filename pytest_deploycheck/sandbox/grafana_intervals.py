"""How Grafana's Prometheus data source chooses a step, and which variables of a query it fills in itself."""

from __future__ import annotations

import math
import re
import time
from dataclasses import dataclass

DEFAULT_MIN_INTERVAL_MS = 15_000
DEFAULT_POINTS = 100
SAFE_POINTS = 11_000
RATE_FACTOR = 4
_SECOND, _MINUTE, _HOUR = 1000, 60_000, 3_600_000
_DAY = 24 * _HOUR
_UNITS_MS = {
    "ms": 1, "s": _SECOND, "m": _MINUTE, "h": _HOUR, "d": _DAY, "w": 7 * _DAY, "M": 30 * _DAY, "y": 365 * _DAY,
}  # fmt: skip
# Below this many milliseconds → this round number of them.
_ROUND = (
    (10, 1), (15, 10), (35, 20), (75, 50), (150, 100), (350, 200), (750, 500), (1500, _SECOND), (3500, 2 * _SECOND),
    (7500, 5 * _SECOND), (12_500, 10 * _SECOND), (17_500, 15 * _SECOND), (25_000, 20 * _SECOND),
    (45_000, 30 * _SECOND), (90_000, _MINUTE), (210_000, 2 * _MINUTE), (450_000, 5 * _MINUTE),
    (750_000, 10 * _MINUTE), (1_050_000, 15 * _MINUTE), (1_500_000, 20 * _MINUTE), (2_700_000, 30 * _MINUTE),
    (5_400_000, _HOUR), (9_000_000, 2 * _HOUR), (16_200_000, 3 * _HOUR), (32_400_000, 6 * _HOUR),
    (86_400_000, 12 * _HOUR), (604_800_000, _DAY), (1_814_400_000, 7 * _DAY), (3_628_800_000, 30 * _DAY),
)  # fmt: skip
_RELATIVE = re.compile(r"now(?:(?P<sign>[-+])(?P<count>[0-9]+)(?P<unit>ms|[smhdwMy]))?")
_DURATION = re.compile(r"(?P<count>[0-9]+)(?P<unit>ms|[smhdwMy])?")


@dataclass(frozen=True, slots=True)
class Span:
    """A time range in Unix milliseconds."""

    start: int
    end: int

    @property
    def length(self) -> int:
        """In milliseconds."""
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class Steps:
    """What a query's intervals come to, in milliseconds."""

    step: int
    rate: int


def parse_span(start: str, end: str) -> Span:
    """Return a time range.

    Args:
        start: `now-5m`, or Unix milliseconds.
        end: the same.

    Raises:
        ValueError: if either is neither.
    """
    now = int(time.time() * 1000)
    return Span(_moment(start, now), _moment(end, now))


def _moment(text: str, now: int) -> int:
    if text.lstrip("-").isdigit():
        return int(text)
    found = _RELATIVE.fullmatch(text)
    if found is None:
        raise ValueError(f"cannot parse {text!r} as a time")
    if found["count"] is None:
        return now
    shift = int(found["count"]) * _UNITS_MS[found["unit"]]
    return now - shift if found["sign"] == "-" else now + shift


def parse_interval(text: str) -> int:
    """Return an interval such as `15s` in milliseconds; a bare number is seconds.

    Raises:
        ValueError: if it is none.
    """
    found = _DURATION.fullmatch(text.strip("<> "))
    if found is None:
        raise ValueError(f"invalid duration {text!r}")
    return int(found["count"]) * _UNITS_MS[found["unit"] or "s"]


def steps(span: Span, *, interval: str, interval_ms: int, points: int, factor: int, scrape: str) -> Steps:
    """Return a query's step and its rate interval.

    Args:
        span: what is asked for.
        interval: the query's least step; empty, or a variable, if it has none of its own.
        interval_ms: what the asker calculated.
        points: how many points are wanted.
        factor: by which the step is stretched.
        scrape: the data source's scrape interval; empty if it is not configured.

    Raises:
        ValueError: if an interval cannot be read.
    """
    own = "" if "$" in interval else interval
    least = parse_interval(own) if own else interval_ms or (parse_interval(scrape) if scrape else 0)
    least = least or DEFAULT_MIN_INTERVAL_MS
    wanted = span.length // (points or DEFAULT_POINTS)
    step = max(least if wanted < least else _rounded(wanted), _rounded(span.length // SAFE_POINTS))
    of_rate = parse_interval(own or scrape or "15s")
    # The rate interval starts from what the asker calculated, not from the step.
    rate = max((interval_ms or _SECOND) + of_rate, RATE_FACTOR * of_rate)
    return Steps(step * (factor or 1), rate)


def fill_in(expression: str, span: Span, found: Steps) -> str:
    """Return an expression with the variables that the server itself knows; all others stay as they are."""
    seconds = math.floor(span.length / 1000 + 0.5)
    values = {
        "__interval_ms": str(found.step),
        "__interval": format_interval(found.step),
        "__range_ms": str(span.length),
        "__range_s": str(seconds),
        "__range": f"{seconds}s",
        "__rate_interval_ms": str(found.rate),
        "__rate_interval": go_duration(found.rate),
    }
    # In this order: `$__interval_ms` begins with `$__interval`.
    for name, value in values.items():
        expression = expression.replace(f"${name}", value).replace(f"${{{name}}}", value)
    return expression


def _rounded(milliseconds: int) -> int:
    return next((value for below, value in _ROUND if milliseconds < below), 365 * _DAY)


def format_interval(milliseconds: int) -> str:
    """Return an interval in its largest unit, as `$__interval` is written."""
    for unit in ("y", "d", "h", "m", "s"):
        if milliseconds >= _UNITS_MS[unit]:
            return f"{milliseconds // _UNITS_MS[unit]}{unit}"
    return f"{milliseconds or 1}ms"


def go_duration(milliseconds: int) -> str:
    """Return a duration as Go prints it: `15s`, `1m0s`, `1h0m0s`, `1.5s`."""
    if milliseconds < _SECOND:
        return f"{milliseconds}ms" if milliseconds else "0s"
    hours, rest = divmod(milliseconds, _HOUR)
    minutes, rest = divmod(rest, _MINUTE)
    text = f"{rest / 1000:g}s"
    if hours:
        return f"{hours}h{minutes}m{text}"
    return f"{minutes}m{text}" if minutes else text
