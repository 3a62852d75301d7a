"""How numbers, durations, times and lists read in a finding."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_EXACT_BELOW = 1e15
_MANY = 1000.0
_TINY = 1e-4
_MINUTE = 60
_HOUR = 3600
_DAY = 86400
_MILLISECONDS_BELOW = 0.9995
"""From here on three digits of milliseconds would read as a second."""
_KIB = 1024.0
_TEXT_LIMIT = 200
_NAMES_SHOWN = 10
_BARE_WITH_UNIT = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*_(seconds|bytes|ratio)(\{[^{}]*\})?")
_UNITS = {"seconds": "s", "bytes": "B", "ratio": "ratio"}


def number(value: float, beside: float | None = None) -> str:
    """Return a number as a person reads it.

    Args:
        value: any float.
        beside: the bound it stands beside; more digits are shown where both would read the same.
    """
    text = _number(value)
    if beside is not None and value != beside and text == _number(beside):
        return repr(value)
    return text


def _number(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    size = abs(value)
    if value == int(value) and size < _EXACT_BELOW:
        return f"{int(value):,}"
    if _MANY <= size < _EXACT_BELOW:
        return f"{value:,.1f}"
    return f"{value:.4g}" if size >= _TINY else f"{value:.3g}"


def seconds(value: float, beside: float | None = None) -> str:
    """Return a duration in seconds as a person reads it; `beside` as in `number`."""
    text = _seconds(value)
    if beside is not None and value != beside and text == _seconds(beside):
        return f"{value!r} s"
    return text


def _seconds(value: float) -> str:
    if not math.isfinite(value):
        return f"{_number(value)} s"
    if value < 0:
        return f"-{_seconds(-value)}"
    if 0 < value < _MILLISECONDS_BELOW:
        return f"{value * 1000:.3g} ms"
    if value < 2 * _MINUTE:
        return f"{value:.4g} s"
    whole = round(value)
    for limit, unit, big, small in (
        (2 * _HOUR, _MINUTE, "min", "s"),
        (2 * _DAY, _HOUR, "h", "min"),
        (math.inf, _DAY, "d", "h"),
    ):
        if whole < limit:
            count, rest = divmod(whole, unit)
            rest //= {"s": 1, "min": _MINUTE, "h": _HOUR}[small]
            return f"{count:,} {big} {rest} {small}" if rest else f"{count:,} {big}"
    raise AssertionError(value)  # pragma: no cover - every finite number is below infinity


def _bytes(value: float) -> str:
    size, unit = value, "B"
    for bigger in ("KiB", "MiB", "GiB", "TiB"):
        if abs(size) < _KIB or not math.isfinite(size):
            break
        size, unit = size / _KIB, bigger
    return f"{_number(size) if unit == 'B' or not math.isfinite(size) else format(size, '.4g')} {unit}"


def quantity(value: float, unit: str = "", beside: float | None = None) -> str:
    """Return a value with its unit.

    Args:
        value: in base units.
        unit: `s` (seconds), `B` (bytes), `ratio`, any other text (put behind the number), or empty.
        beside: as in `number`.
    """
    if unit == "s":
        return seconds(value, beside)
    if unit == "B":
        text = _bytes(value)
        clash = beside is not None and value != beside and text == _bytes(beside)
        return f"{value!r} B" if clash else text
    plain = number(value, beside)
    if unit == "ratio":
        return f"{plain} ({value * 100:.4g} %)" if math.isfinite(value) else plain
    return f"{plain} {unit}" if unit else plain


def unit_of(expr: str) -> str:
    """Return the unit that a bare selector's metric name tells (`_seconds`, `_bytes`, `_ratio`), else an empty text.

    Functions may change a unit (`rate` of a `_seconds` counter is none), so only a bare selector tells; and a
    `_time_seconds` or `_timestamp_seconds` is a moment, not a duration.
    """
    match = _BARE_WITH_UNIT.fullmatch(expr.strip())
    if match is None or re.search(r"_time(stamp)?_seconds", expr):
        return ""
    return _UNITS[match.group(1)]


def moment(value: float | None) -> str:
    """Return a Unix time as `2026-01-21T14:00:00Z`, or `never` for None and the zero times of Go and Unix."""
    if value is None or value <= 0:
        return "never"
    try:
        return datetime.fromtimestamp(value, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (OverflowError, ValueError, OSError):
        return f"{_number(value)} (no calendar time)"


def count(amount: int, noun: str, plural: str = "") -> str:
    """Return `1 rule`, `2 rules`, `3 series`."""
    if amount != 1:
        noun = plural or (noun if noun.endswith("s") else f"{noun}s")
    return f"{amount:,} {noun}"


def share(some: int, total: int, noun: str, plural: str = "") -> str:
    """Return `1 of 3 targets is` or `2 of 3 targets are`, to be followed by what they are."""
    return f"{some:,} of {count(total, noun, plural)} {'is' if some == 1 else 'are'}"


def names(values: Iterable[str]) -> str:
    """Return a sorted list of names, `none` if it is empty, the rest counted if it is long."""
    ordered = sorted(set(values))
    if not ordered:
        return "none"
    rest = len(ordered) - _NAMES_SHOWN
    return ", ".join(ordered[:_NAMES_SHOWN]) + (f" and {rest:,} more" if rest > 0 else "")


def head(text: str, limit: int = _TEXT_LIMIT) -> str:
    """Return the beginning of a text on one line, with control characters made visible."""
    # Twice the limit: runs of white space shrink, and nobody wants a megabyte body split into words.
    line = " ".join(text[: 2 * limit].split())
    line = "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in line)
    return f"{line[:limit]}…" if len(line) > limit or len(text) > 2 * limit else line
