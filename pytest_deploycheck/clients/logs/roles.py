"""Which key of a log line plays which role: its time, level, message, service and ids."""

from __future__ import annotations

from collections.abc import Mapping, Sequence  # noqa: TC003 - msgspec reads the annotations of its structs
from typing import Any

import msgspec

ROLES = ("time", "level", "message", "service", "trace", "correlation")

CANDIDATES: dict[str, tuple[str, ...]] = {
    "time": (
        "timestamp", "@timestamp", "time", "ts", "asctime", "Timestamp", "timeUnixNano", "datetime", "date",
        "eventTime", "observed_timestamp", "__REALTIME_TIMESTAMP",
    ),
    "level": (
        "level", "log.level", "severity", "levelname", "severity_text", "SeverityText", "severityText", "loglevel",
        "log_level", "lvl", "severity_number", "SeverityNumber", "severityNumber", "levelno", "PRIORITY",
    ),
    "message": ("message", "msg", "event", "body", "Body", "textPayload", "MESSAGE", "jsonPayload.message"),
    "service": (
        "service", "service.name", "service_name", "serviceName", "Resource.service.name",
        "resource.attributes.service.name", "resource.service.name", "app", "application", "component", "logger",
        "name",
    ),
    "trace": (
        "trace_id", "trace.id", "traceId", "TraceId", "traceID", "trace", "logging.googleapis.com/trace", "traceparent",
        "context.trace_id", "dd.trace_id",
    ),
    "correlation": (
        "correlation_id", "correlationId", "correlation.id", "request_id", "requestId", "request.id", "req_id",
        "x_correlation_id", "x_request_id", "http.request.id",
    ),
}  # fmt: skip
"""Role → keys, the most telling first. Dots are part of a key, or lead into objects."""

SAMPLE = 500
"""Lines by which the keys are told."""


class Roles(msgspec.Struct, frozen=True):
    """Role → the keys that are looked at, in order; the first that a line has is taken.

    Attributes:
        keys: for every role.
        played: the roles whose keys were found in the sample, or configured.
    """

    keys: Mapping[str, tuple[str, ...]]
    played: frozenset[str] = frozenset()

    def value(self, document: Mapping[str, Any], role: str) -> Any:
        """Return what plays a role in a line; None if nothing does."""
        for key in self.keys[role]:
            if (found := lookup(document, key)) is not None:
                return found
        return None

    def pair(self, document: Mapping[str, Any], role: str) -> tuple[str, Any]:
        """Return (key, value) of what plays a role; ("", None) if nothing does."""
        for key in self.keys[role]:
            if (found := lookup(document, key)) is not None:
                return key, found
        return "", None


def lookup(document: Mapping[str, Any], key: str) -> Any:
    """Return what stands under a key, or under a path of keys joined by dots; None if nothing does."""
    if key in document:
        return document[key]
    head, dot, rest = key.partition(".")
    while dot:
        inner = document.get(head)
        if isinstance(inner, dict) and (found := lookup(inner, rest)) is not None:
            return found
        more, dot, rest = rest.partition(".")
        head = f"{head}.{more}"
    return None


def choose(documents: Sequence[Mapping[str, Any]], given: Mapping[str, str]) -> Roles:
    """Return the roles of the keys of some lines.

    Args:
        documents: parsed lines, of the beginning.
        given: role → key, as configured; it alone plays the role then.
    """
    keys: dict[str, tuple[str, ...]] = {}
    played = set(given)
    for role in ROLES:
        if role in given:
            keys[role] = (given[role],)
            continue
        votes = {key: _votes(documents, key) for key in CANDIDATES[role]}
        # Those that are there, the most common first: services beside each other log in their own ways. Where none is,
        # any of them may still come.
        there = sorted((key for key in votes if votes[key]), key=lambda key: -votes[key])
        if there:
            played.add(role)
        keys[role] = tuple(there) or CANDIDATES[role]
    return Roles(keys, frozenset(played))


def _votes(documents: Sequence[Mapping[str, Any]], key: str) -> int:
    head = key.partition(".")[0]
    having = [document for document in documents if key in document or head in document]
    return sum(isinstance(lookup(document, key), str | int | float) for document in having)
