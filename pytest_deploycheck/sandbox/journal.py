"""The demo service's JSON log: what it writes when it is well, and the faults in it."""

from __future__ import annotations

import json
import threading
import time
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pytest_deploycheck.sandbox.switches import Switches

HISTORY_SECONDS = 600.0
"""How far back the lines go that the version before has left."""
_HISTORY_STEP = 10.0
_PAUSE = 30.0
"""Seconds before the start in which nothing was logged: the deployment."""
OLD_ERROR = "connection to cache-0 was reset, trying again"
ROUTINE = "worker took a job"
SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "required": ["timestamp", "level", "message", "service", "instance", "correlation_id"],
    "properties": {
        "timestamp": {"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+[+]00:00$"},
        "level": {"type": ["string", "null"]},
        "message": {"type": "string", "minLength": 1},
        "service": {"const": "mcp"},
        "instance": {"type": "string"},
        "correlation_id": {"type": "string", "minLength": 8},
        "trace_id": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
        "duration_ms": {"type": "number", "minimum": 0},
    },
}
"""What every line is when the service is well."""
_WRONG_BY = 3600.0
_TORN = 60


class Journal:
    """The log file, shared by all instances.

    Args:
        path: of the file.
    """

    def __init__(self, path: Path) -> None:
        """Open the file for appending."""
        self._path = path
        self._file = path.open("a", encoding="utf-8")
        self._lock = threading.Lock()
        self._begun = time.time()
        self._told: float | None = None
        if not path.stat().st_size:
            self._write_history()

    def _write_history(self) -> None:
        """Write what the version before has logged, with one error among it."""
        begin = self._begun - HISTORY_SECONDS - _PAUSE
        for step in range(int(HISTORY_SECONDS / _HISTORY_STEP)):
            line = _line("a", "ERROR" if step == 1 else "INFO", OLD_ERROR if step == 1 else ROUTINE, "")
            line["timestamp"] = _text(begin + step * _HISTORY_STEP)
            self._file.write(json.dumps(line) + "\n")
        self._file.flush()

    def begin_anew(self) -> None:
        """Forget everything that was written since the start: a fault begins, or was mended."""
        with self._lock:
            self._file.truncate(0)
            self._write_history()

    def write(self, instance: str, switches: Switches, level: str, message: str, correlation: str) -> None:
        """Write a line, as broken as the faults have it.

        Args:
            instance: who writes.
            switches: the faults.
            level: of the line.
            message: of the line.
            correlation: its correlation id.
        """
        if switches.on("log-silent", instance):
            return
        line = _line(instance, level, message, correlation)
        for name, changes in _CHANGES.items():
            if switches.on(name, instance):
                line |= changes()
        if (since := switches.since("log-new-error", instance)) is not None and since != self._told:
            self._told = since  # once: it is new, and the rate of errors is as low as ever
            line |= {"level": "ERROR", "message": "column user_tier does not exist"}
        if switches.on("log-trace-missing", instance):
            del line["trace_id"]
        text = json.dumps(line)
        if switches.on("log-banner", instance):
            text = " * mcp 1.4.2 is starting *"
        if switches.on("log-broken-line", instance):
            text = text[:_TORN]
        self._append(text)

    def _append(self, text: str) -> None:
        with self._lock:
            self._file.write(text + "\n")
            self._file.flush()


_CHANGES: dict[str, Callable[[], dict[str, Any]]] = {
    "log-errors": lambda: {
        "level": "ERROR", "message": f"timeout after {time.time_ns() % 900 + 100} ms calling payments",
    },
    "log-debug": lambda: {"level": "DEBUG"},
    "log-without-levels": lambda: {"level": None},
    "log-old-timestamps": lambda: {"timestamp": _text(time.time() - _WRONG_BY)},
    "log-future-timestamps": lambda: {"timestamp": _text(time.time() + _WRONG_BY)},
    "log-trace-malformed": lambda: {"trace_id": "0" * 32},
    "log-schema": lambda: {"duration_ms": "12 ms"},
}  # fmt: skip
"""Fault → what it makes of a line's keys."""


def _line(instance: str, level: str, message: str, correlation: str) -> dict[str, Any]:
    return {
        "timestamp": _text(time.time()),
        "level": level,
        "message": message,
        "service": "mcp",
        "instance": instance,
        "correlation_id": correlation or str(uuid.uuid4()),
        "trace_id": uuid.uuid4().hex,
        "duration_ms": 12.5,
    }


def _text(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")
