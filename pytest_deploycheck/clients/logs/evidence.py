"""What is kept of a log: the report with its first offenders, sizes and hashes; never the log itself."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any

import msgspec

from pytest_deploycheck.transport.redaction import MASK
from pytest_deploycheck.transport.tape import Tape

if TYPE_CHECKING:
    from pytest_deploycheck.model.exchange import Exchange
    from pytest_deploycheck.model.logs import LogSummary
    from pytest_deploycheck.transport.redaction import Redactor

METHOD = "READ"
_MINUTES = 240
_ASSIGNED = re.compile(
    r"""(?P<head>\b[\w.-]*(?:password|passwd|secret|token|api[_-]?key|credential)s?["']?\s*[=:]\s*["']?)[^\s"'&,;<]+"""
    r"""|(?P<scheme>\b(?:bearer|basic)\s+)[\w+/=.~-]{8,}""",
    re.IGNORECASE | re.ASCII,
)
"""People put credentials into messages, too."""
_HEAD = 300
_SUCCESS = range(200, 300)


class DigestingTape(Tape):
    """Puts exchanges on another tape; of answers that hold lines, only the size, the hash and the beginning.

    Args:
        tape: the run's.
    """

    def __init__(self, tape: Tape) -> None:
        """Keep nothing itself."""
        super().__init__()
        self._tape = tape

    def record(self, **fields: Any) -> Exchange:
        """Record one attempt; a refusal is kept as it came."""
        body, sha256 = fields.get("body"), fields.get("digest")
        if body is not None and len(body) > _HEAD and fields.get("status") in _SUCCESS:
            digest = {
                "kept": "size, SHA-256 and beginning of the answer",
                "bytes": len(body),
                "sha256": sha256 or hashlib.sha256(body).hexdigest(),
                "begins": body[:_HEAD].decode("utf-8", "replace"),
            }
            fields.update(body=msgspec.json.encode(digest), digest=None)
        return self._tape.record(**fields)


def report(summary: LogSummary, redactor: Redactor) -> bytes:
    """Return the report as JSON, secrets masked.

    Args:
        summary: of the log.
        redactor: knows the secrets.
    """
    found: dict[str, Any] = msgspec.to_builtins(summary)
    for offenders in (found["offenders"], found["disorder"], found["outsiders"], *found["level_lines"].values()):
        for one in offenders:
            one["excerpt"] = _masked(one["excerpt"], redactor)
    for ids in found["ids"].values():
        for one in ids["offenders"]:
            one["excerpt"] = _masked(one["excerpt"], redactor)
    for one in found["signatures"]:
        one["example"], one["template"] = _masked(one["example"], redactor), _masked(one["template"], redactor)
    minutes = found["minutes"]
    found["minutes"] = dict(list(minutes.items())[-_MINUTES:])
    found["minutes_left_out"] = max(0, len(minutes) - _MINUTES)
    return redactor.body(msgspec.json.encode(found))


def _masked(text: str, redactor: Redactor) -> str:
    return _ASSIGNED.sub(lambda match: f"{match['head'] or match['scheme']}{MASK}", redactor.json(text))


def masked(summary: LogSummary, redactor: Redactor) -> LogSummary:
    """Return a summary whose excerpts hold no secret: findings show them."""
    found = msgspec.json.decode(report(summary, redactor))
    del found["minutes_left_out"]
    found["minutes"] = summary.minutes
    return msgspec.convert(found, type(summary))
