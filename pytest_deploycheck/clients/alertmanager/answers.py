"""The shapes of Alertmanager's API v2 (its `api/v2/openapi.yaml`), and the model made of them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec

from pytest_deploycheck.model.alertmanager import AmAlert, Matcher, Silence, Status
from pytest_deploycheck.model.instant import unix_seconds

Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class NamedAnswer(msgspec.Struct):
    """A receiver, of which the API tells only the name."""

    name: str


class _Peer(msgspec.Struct):
    address: str


class _Cluster(msgspec.Struct):
    status: str
    peers: list[_Peer] | None = None


class _Version(msgspec.Struct):
    version: str


class _Config(msgspec.Struct):
    original: str


class StatusAnswer(msgspec.Struct, rename="camel"):
    """`GET /status`."""

    cluster: _Cluster
    config: _Config
    version_info: _Version
    uptime: Moment

    def to_model(self, evidence: str) -> Status:
        """Return it as the model has it."""
        return Status(
            version=self.version_info.version,
            uptime=unix_seconds(self.uptime),
            cluster=self.cluster.status,
            peers=tuple(peer.address for peer in self.cluster.peers or ()),
            config=self.config.original,
            evidence=evidence,
        )


class _AlertStatus(msgspec.Struct, rename="camel"):
    state: str
    silenced_by: list[str]
    inhibited_by: list[str]


class AlertAnswer(msgspec.Struct, rename="camel"):
    """One alert of `GET /alerts`."""

    labels: dict[str, str]
    status: _AlertStatus
    receivers: list[NamedAnswer]
    starts_at: Moment
    ends_at: Moment
    fingerprint: str
    annotations: dict[str, str] = msgspec.field(default_factory=dict)

    def to_model(self) -> AmAlert:
        """Return it as the model has it."""
        return AmAlert(
            labels=self.labels,
            state=self.status.state,
            annotations=self.annotations,
            receivers=tuple(receiver.name for receiver in self.receivers),
            silenced_by=tuple(self.status.silenced_by),
            inhibited_by=tuple(self.status.inhibited_by),
            starts_at=unix_seconds(self.starts_at),
            ends_at=unix_seconds(self.ends_at),
            fingerprint=self.fingerprint,
        )


class _SilenceStatus(msgspec.Struct):
    state: str


class _SilenceMatcher(msgspec.Struct, rename="camel"):
    name: str
    value: str
    is_regex: bool
    is_equal: bool = True  # absent before 0.22, which knew no negative matchers


class SilenceAnswer(msgspec.Struct, rename="camel"):
    """One silence of `GET /silences`."""

    id: str
    status: _SilenceStatus
    matchers: list[_SilenceMatcher]
    starts_at: Moment
    ends_at: Moment
    comment: str = ""
    created_by: str = ""

    def to_model(self) -> Silence:
        """Return it as the model has it."""
        return Silence(
            id=self.id,
            state=self.status.state,
            matchers=tuple(
                Matcher(name=one.name, value=one.value, is_regex=one.is_regex, is_equal=one.is_equal)
                for one in self.matchers
            ),
            comment=self.comment,
            created_by=self.created_by,
            starts_at=unix_seconds(self.starts_at),
            ends_at=unix_seconds(self.ends_at),
        )
