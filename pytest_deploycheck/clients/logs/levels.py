"""Level names of many loggers as the six of OpenTelemetry's data model."""

from __future__ import annotations

from typing import Any

_NAMES = {
    "TRACE": "TRACE FINEST FINER SILLY VERBOSE",
    "DEBUG": "DEBUG DBG FINE",
    "INFO": "INFO INFORMATION INFORMATIONAL NOTICE INF",
    "WARN": "WARN WARNING WRN",
    "ERROR": "ERROR ERR SEVERE EXCEPTION",
    "FATAL": "FATAL CRITICAL CRIT ALERT EMERGENCY EMERG PANIC DPANIC",
}
LEVEL_NAMES: dict[str, str] = {name: level for level, names in _NAMES.items() for name in names.split()} | {
    f"{level}{number}": level
    for level in _NAMES
    for number in (2, 3, 4)  # OpenTelemetry's finer steps
}
"""Upper-case name → normalised level. GCP's `DEFAULT` says nothing of severity, and so is none."""

_PINO = {10: "TRACE", 20: "DEBUG", 30: "INFO", 40: "WARN", 50: "ERROR", 60: "FATAL"}
"""pino's and bunyan's numbers. Python's `levelno` has others, under its own key."""
_PYTHON = {10: "DEBUG", 20: "INFO", 30: "WARN", 40: "ERROR", 50: "FATAL"}
_SYSLOG = ("FATAL", "FATAL", "FATAL", "ERROR", "WARN", "INFO", "INFO", "DEBUG")
_OTEL_STEP, _OTEL_LAST = 4, 24
_OTEL = ("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL")


def normalise(value: Any, key: str = "") -> str | None:
    """Return the normalised level; None if the value is none that is known.

    Args:
        value: as it stands in the line.
        key: the key it stands under: numbers mean something else under `severity_number`, `levelno` and `PRIORITY`.
    """
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        if (found := LEVEL_NAMES.get(value)) is not None:
            return found
        text = value.strip()
        if not text.isascii() or not text.isdecimal():
            return LEVEL_NAMES.get(text.upper())
        value = int(text) if len(text) <= 3 else -1  # noqa: PLR2004 - no level has more digits
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return _numbered(value, key.rpartition(".")[2].replace("_", "").lower()) if isinstance(value, int) else None


def _numbered(value: int, key: str) -> str | None:
    if key == "severitynumber":
        return _OTEL[(value - 1) // _OTEL_STEP] if 1 <= value <= _OTEL_LAST else None
    if key in {"priority", "syslogseverity"}:
        return _SYSLOG[value] if 0 <= value < len(_SYSLOG) else None
    return (_PYTHON if key == "levelno" else _PINO).get(value)
