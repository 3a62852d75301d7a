"""Schemas of well-known formats: what each prescribes, and no more. Other keys may always be there.

Sources: the Elastic Common Schema's logging libraries (`ecs.version` 1.6 and later), OpenTelemetry's logs data model
and the SDKs' JSON, Google Cloud's structured logging (`LogEntry`), structlog's `JSONRenderer` with `add_log_level` and
`TimeStamper`, and python-json-logger with `levelname` and `asctime` among its fields.
"""

from __future__ import annotations

import copy
from typing import Any

from pytest_deploycheck.errors import AuthorMistake

_DRAFT = "https://json-schema.org/draft/2020-12/schema"
_RFC3339 = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?(?:[Zz]|[+-][0-9]{2}:?[0-9]{2})$"
)
_ISO = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:[.,][0-9]{1,9})?(?:Z|[+-][0-9]{2}:?[0-9]{2})?$"
_TEXT: dict[str, Any] = {"type": "string", "minLength": 1}
_TIME: dict[str, Any] = {"type": "string", "pattern": _RFC3339}


def _object(required: list[str], **properties: Any) -> dict[str, Any]:
    return {"$schema": _DRAFT, "type": "object", "required": required, "properties": properties}


_PRESETS: dict[str, dict[str, Any]] = {
    "ecs": {
        **_object(
            ["@timestamp", "message"],
            **{"@timestamp": _TIME, "message": {"type": "string"}, "ecs.version": _TEXT, "log.level": _TEXT},
        ),
        # Libraries write `log.level` as a key with a dot; the schema itself nests it.
        "anyOf": [
            {"required": ["log.level"]},
            {
                "required": ["log"],
                "properties": {"log": {"type": "object", "required": ["level"], "properties": {"level": _TEXT}}},
            },
        ],
    },
    "opentelemetry": {
        "$schema": _DRAFT,
        "type": "object",
        "properties": {
            "SeverityNumber": {"type": "integer", "minimum": 0, "maximum": 24},
            "severityNumber": {"type": "integer", "minimum": 0, "maximum": 24},
            "severity_text": {"type": ["string", "null"]},
            "SeverityText": {"type": "string"},
            "TraceId": {"type": "string", "pattern": "^(?:[0-9a-f]{32})?$"},
            "trace_id": {"type": ["string", "null"], "pattern": "^(?:(?:0x)?[0-9a-f]{32})?$"},
        },
        "allOf": [
            {"anyOf": [{"required": [key]} for key in keys]}
            for keys in (
                ("Timestamp", "timeUnixNano", "timestamp", "observed_timestamp", "ObservedTimestamp"),
                ("SeverityNumber", "severityNumber", "severity_number", "SeverityText", "severity_text"),
                ("Body", "body"),
            )
        ],
    },
    "gcp": {
        **_object(
            ["severity"],
            severity={
                "enum": ["DEFAULT", "DEBUG", "INFO", "NOTICE", "WARNING", "ERROR", "CRITICAL", "ALERT", "EMERGENCY"]
            },
            message={"type": "string"},
            **{
                "logging.googleapis.com/trace": {"type": "string"},
                "logging.googleapis.com/spanId": {"type": "string", "pattern": "^[0-9a-f]{16}$"},
            },
        ),
        "anyOf": [{"required": [key]} for key in ("time", "timestamp", "timestampSeconds")],
    },
    "structlog": _object(
        ["event", "level", "timestamp"],
        event={"type": "string"},
        level={"enum": ["debug", "info", "warning", "warn", "error", "critical", "exception", "notset"]},
        timestamp={"type": ["string", "number"], "pattern": _ISO},  # `TimeStamper()` alone writes Unix time
    ),
    "python-json-logger": {
        **_object(["message"], message={"type": "string"}),
        "allOf": [
            {"anyOf": [{"required": [key]} for key in keys]}
            for keys in (("levelname", "level", "severity"), ("asctime", "timestamp", "time"))
        ],
    },
}


def preset(name: str) -> dict[str, Any]:
    """Return the schema of a preset.

    Raises:
        AuthorMistake: if there is none of this name.
    """
    found = _PRESETS.get(name)
    if found is None:
        raise AuthorMistake(
            f"there is no preset {name!r} for logs",
            next_step=f"use one of {', '.join(_PRESETS)}, or give a schema (a file: Path({name!r}))",
        )
    return copy.deepcopy(found)


def names() -> tuple[str, ...]:
    """Return the presets' names."""
    return tuple(_PRESETS)
