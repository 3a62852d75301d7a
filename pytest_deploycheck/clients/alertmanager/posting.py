"""Alerts to be sent, checked before they leave: Alertmanager accepts much that then never shows."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec

from pytest_deploycheck.errors import AuthorMistake

if TYPE_CHECKING:
    from collections.abc import Mapping

_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*", re.ASCII)


class NewAlert(msgspec.Struct, frozen=True, kw_only=True):
    """An alert to be sent.

    Attributes:
        labels: `alertname` among them.
        annotations: texts for people.
        starts_at: Unix seconds; None = when Alertmanager gets it. Longer ago than `group_wait`: notified at once.
        ends_at: Unix seconds; None = `resolve_timeout` after it was last sent.
        generator_url: where people find its cause.
    """

    labels: Mapping[str, str]
    annotations: Mapping[str, str] = msgspec.field(default_factory=dict)
    starts_at: float | None = None
    ends_at: float | None = None
    generator_url: str = ""

    def payload(self) -> dict[str, Any]:
        """Return it as the API takes it."""
        document: dict[str, Any] = {"labels": dict(self.labels), "annotations": dict(self.annotations)}
        if self.starts_at is not None:
            document["startsAt"] = _rfc3339(self.starts_at)
        if self.ends_at is not None:
            document["endsAt"] = _rfc3339(self.ends_at)
        if self.generator_url:
            document["generatorURL"] = self.generator_url
        return document


def require_sendable(alert: NewAlert) -> None:
    """Refuse an alert that Alertmanager would refuse, or could not show under a name.

    Raises:
        AuthorMistake: with what is wrong.
    """
    if not alert.labels.get("alertname"):
        raise _mistake(alert, "it has no alertname")
    for name, value in alert.labels.items():
        if not _LABEL.fullmatch(name):
            raise _mistake(alert, f"{name!r} is no label name")
        if not isinstance(value, str) or not value:
            # an empty label is dropped without a word: the alert would then match other routes
            raise _mistake(alert, f"the label {name} has the value {value!r}, not a text")
    if alert.starts_at is not None and alert.ends_at is not None and alert.ends_at < alert.starts_at:
        raise _mistake(alert, "it ends before it starts")


def require_open(alert: NewAlert, now: float) -> None:
    """Refuse an alert that is over before it is sent: Alertmanager takes it with 200, and never lists or notifies it.

    Args:
        alert: to be sent.
        now: Unix seconds.

    Raises:
        AuthorMistake: if it has ended.
    """
    if alert.ends_at is not None and alert.ends_at <= now:
        raise _mistake(alert, f"it ended {now - alert.ends_at:g} s ago: nobody would ever see it")


def _rfc3339(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _mistake(alert: NewAlert, problem: str) -> AuthorMistake:
    return AuthorMistake(
        f"the alert cannot be sent: {problem}", where=f"labels {dict(alert.labels)}", next_step="mend the alert"
    )
