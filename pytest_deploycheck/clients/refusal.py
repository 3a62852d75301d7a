"""Answers that are not what was asked for: say what they look like instead, so that a wrong URL is found at once."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import msgspec

from pytest_deploycheck.errors import QueryFailed
from pytest_deploycheck.transport.reply import one_line

if TYPE_CHECKING:
    from pytest_deploycheck.errors import CannotMeasure
    from pytest_deploycheck.transport.reply import Reply

_LONGEST_QUOTE = 300

UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What the typed decoder raises: wrong syntax or shape, not UTF-8, nested without end."""


def refuse(reply: Reply, system: str, problem: str) -> CannotMeasure:
    """Return the error for an answer with a good status whose body is not what `system` answers.

    Args:
        reply: the answer.
        system: whose answer was wanted, such as `Prometheus`.
        problem: what the typed decoder stumbled over.
    """
    try:
        document = json.loads(reply.body)
    except UnicodeDecodeError as error:
        return reply.malformed(f"not UTF-8 (byte {error.start})")
    except (ValueError, RecursionError):
        return reply.malformed(f"not complete JSON: {problem}")
    if isinstance(document, dict) and document.get("status") == "error":
        kind = _quote(reply, document.get("errorType"))
        reason = _quote(reply, document.get("error"))
        return QueryFailed(
            f"{reply.system}: the question was refused: {kind}: {reason}",
            where=reply.url,
            details=[f"it said so with HTTP status {reply.status}"],
            next_step="correct the question; the server's own words are above",
            evidence=reply.evidence,
        )
    likeness = looks_like(document)
    hint = f"; it looks like {likeness}" if likeness not in ("", f"an answer of {system}") else ""
    return reply.malformed(f"not the answer that {system} gives: {problem}{hint}")


def _quote(reply: Reply, value: Any) -> str:
    """Return a value of the answer as a short text on one line, without secrets."""
    text = value if isinstance(value, str) else json.dumps(value)
    return one_line(reply.redactor.text(text), _LONGEST_QUOTE)


# The keys by which each system's answers are known: Alertmanager's API v1 and v2 (recorded from 0.25), Grafana's
# `/api/health` and error bodies, Kubernetes's `kind`/`apiVersion`, Prometheus's envelope.
def looks_like(document: Any) -> str:
    """Return a guess at what a JSON document is an answer of; empty if there is none."""
    if isinstance(document, list):
        first = document[0] if document else None
        if isinstance(first, dict) and "fingerprint" in first:
            return "a list of alerts of Alertmanager's API v2"
        return "a bare list, as Alertmanager's API v2 and Grafana answer"
    if not isinstance(document, dict):
        return ""
    keys = document.keys()
    data = document.get("data")
    guesses = (
        ("a status of Alertmanager's API v2", {"cluster", "versionInfo"} <= keys),
        ("Grafana's /api/health", {"database", "version"} <= keys),
        ("an answer of Kubernetes", {"kind", "apiVersion"} <= keys),
        ("an answer of Elasticsearch", {"cluster_name", "tagline"} <= keys),
        ("Alertmanager's API v1", isinstance(data, dict) and "configYAML" in data),
        ("Alertmanager's API v1", _is_list_of_alerts(data)),
        ("an answer of Loki", isinstance(data, dict) and data.get("resultType") == "streams"),
        ("an answer of Prometheus's API to another question", document.get("status") == "success" and "data" in keys),
        ("a health endpoint", "data" not in keys and document.get("status", "success") != "success"),
        ("an error or message of some other API, such as Grafana's", "message" in keys),
    )
    return next((guess for guess, fits in guesses if fits), "")


def _is_list_of_alerts(data: Any) -> bool:
    return isinstance(data, list) and bool(data) and isinstance(data[0], dict) and "fingerprint" in data[0]
