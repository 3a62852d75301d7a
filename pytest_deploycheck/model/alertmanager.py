"""What Alertmanager answers, as frozen data. Times are Unix seconds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping


class Matcher(msgspec.Struct, frozen=True, kw_only=True):
    """One matcher of a route, silence or inhibition."""

    name: str
    value: str
    is_regex: bool = False
    is_equal: bool = True

    def __str__(self) -> str:
        """Return it as Alertmanager writes it."""
        operator = ("=" if self.is_equal else "!") + ("~" if self.is_regex else ("" if self.is_equal else "="))
        return f'{self.name}{operator}"{self.value}"'


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """One node of the routing tree.

    Attributes:
        receiver: the receiver's name, inherited where the node has none.
        matchers: all must match.
        continue_: whether the siblings after it are tried as well.
        routes: children, tried in order.
        group_by: label names.
        group_wait: seconds.
        group_interval: seconds.
        repeat_interval: seconds.
        mute_time_intervals: names of the intervals in which it is muted.
    """

    receiver: str
    matchers: tuple[Matcher, ...] = ()
    continue_: bool = False
    routes: tuple[Route, ...] = ()
    group_by: tuple[str, ...] = ()
    group_wait: float = 30.0
    group_interval: float = 300.0
    repeat_interval: float = 14400.0
    mute_time_intervals: tuple[str, ...] = ()


class Receiver(msgspec.Struct, frozen=True, kw_only=True):
    """One receiver of the loaded configuration and the kinds of its integrations (`slack`, `webhook`, …)."""

    name: str
    integrations: tuple[str, ...] = ()


class InhibitRule(msgspec.Struct, frozen=True, kw_only=True):
    """One rule by which alerts suppress others.

    Attributes:
        source: matchers of the alerts that suppress.
        target: matchers of those that are suppressed.
        equal: labels that must be equal in both; missing ones count as empty.
    """

    source: tuple[Matcher, ...] = ()
    target: tuple[Matcher, ...] = ()
    equal: tuple[str, ...] = ()


class Configuration(msgspec.Struct, frozen=True, kw_only=True):
    """The loaded configuration, as far as it is judged."""

    route: Route
    receivers: tuple[Receiver, ...]
    inhibit_rules: tuple[InhibitRule, ...] = ()


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """`/api/v2/status`.

    Attributes:
        version: such as `0.25.0`.
        uptime: since when it runs, Unix seconds.
        cluster: `disabled`, `settling` or `ready`.
        peers: addresses of the cluster's members.
        config: the loaded configuration as YAML text, secrets shown by Alertmanager as `<secret>`.
        evidence: the id of the exchange.
    """

    version: str
    uptime: float | None
    cluster: str
    peers: tuple[str, ...]
    config: str
    evidence: str = ""


class AmAlert(msgspec.Struct, frozen=True, kw_only=True):
    """An alert of Alertmanager: `active`, `suppressed` or `unprocessed`, never `firing`."""

    labels: Mapping[str, str]
    state: str
    annotations: Mapping[str, str] = msgspec.field(default_factory=dict)
    receivers: tuple[str, ...] = ()
    silenced_by: tuple[str, ...] = ()
    inhibited_by: tuple[str, ...] = ()
    starts_at: float | None = None
    ends_at: float | None = None
    fingerprint: str = ""

    @property
    def name(self) -> str:
        """The `alertname` label."""
        return self.labels.get("alertname", "")


class Silence(msgspec.Struct, frozen=True, kw_only=True):
    """A silence; an expired one stays listed until the retention ends."""

    id: str
    state: str
    matchers: tuple[Matcher, ...]
    comment: str = ""
    created_by: str = ""
    starts_at: float | None = None
    ends_at: float | None = None


class NotificationCounters(msgspec.Struct, frozen=True, kw_only=True):
    """One integration's counters since Alertmanager started.

    Attributes:
        integration: `slack`, `webhook`, ….
        notifications: attempts, the failed ones included.
        notifications_failed: given up; moves only after about 10 s of retries.
        requests: HTTP requests to the receiver.
        requests_failed: moves at the first failure.
    """

    integration: str
    notifications: float = 0.0
    notifications_failed: float = 0.0
    requests: float = 0.0
    requests_failed: float = 0.0
