"""Rule groups and the alerts that rules raised."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from pytest_deploycheck.clients.prometheus.envelope import ask
from pytest_deploycheck.clients.prometheus.status import refuse_victoriametrics
from pytest_deploycheck.clients.prometheus.targets import Moment  # noqa: TC001 - msgspec reads it at run time
from pytest_deploycheck.errors import QueryFailed
from pytest_deploycheck.model.instant import unix_seconds
from pytest_deploycheck.model.prometheus import Alert, Rule, RuleGroup

if TYPE_CHECKING:
    from pytest_deploycheck.transport.reply import Reply
    from pytest_deploycheck.transport.wire import Wire

_TYPE_PARAMETER = {"alerting": "alert", "recording": "record"}
"""The model's kind of a rule → the API's `type` parameter."""
_VMALERT = "rules are evaluated by vmalert"


class _Alert(msgspec.Struct, rename="camel"):
    labels: dict[str, str]
    state: str
    value: str
    annotations: dict[str, str] = msgspec.field(default_factory=dict)
    active_at: Moment | None = None
    keep_firing_since: Moment | None = None


class _Rule(msgspec.Struct, rename="camel"):
    name: str
    type: str
    query: str
    health: str
    last_error: str = ""
    last_evaluation: Moment | None = None
    evaluation_time: float = 0.0
    state: str = ""
    duration: float = 0.0
    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None
    alerts: list[_Alert] | None = None


class _Group(msgspec.Struct, rename="camel"):
    name: str
    file: str
    interval: float
    rules: list[_Rule] | None
    evaluation_time: float = 0.0
    last_evaluation: Moment | None = None


class _Groups(msgspec.Struct):
    groups: list[_Group] | None  # required: with a default, any object would read as "no rules"


class _Alerts(msgspec.Struct):
    alerts: list[_Alert] | None


def rule_groups(wire: Wire, *, kind: str | None) -> tuple[RuleGroup, ...]:
    """See `PrometheusClient.rules`."""
    if kind is not None and kind not in _TYPE_PARAMETER:
        raise QueryFailed(
            f"not asked: rules of the kind {kind!r}",
            where="/api/v1/rules",
            next_step="ask for `alerting` or `recording` ones, or for all of them",
        )
    params = {"type": _TYPE_PARAMETER[kind]} if kind else None
    data, reply = ask(wire, "/rules", _Groups, params=params)
    if not data.groups:
        refuse_victoriametrics(wire, "/rules", reply, _VMALERT)
    return tuple(_group(reply, group) for group in data.groups or ())


def alerts(wire: Wire) -> tuple[Alert, ...]:
    """See `PrometheusClient.alerts`."""
    data, reply = ask(wire, "/alerts", _Alerts)
    if not data.alerts:
        refuse_victoriametrics(wire, "/alerts", reply, _VMALERT)
    return tuple(_alert(reply, one) for one in data.alerts or ())


def _group(reply: Reply, group: _Group) -> RuleGroup:
    return RuleGroup(
        name=group.name,
        file=group.file,
        interval=group.interval,
        evaluation_time=group.evaluation_time,
        last_evaluation=unix_seconds(group.last_evaluation),
        rules=tuple(
            Rule(
                name=rule.name,
                kind=rule.type,
                query=rule.query,
                group=group.name,
                file=group.file,
                interval=group.interval,
                health=rule.health,
                last_error=rule.last_error,
                last_evaluation=unix_seconds(rule.last_evaluation),
                evaluation_time=rule.evaluation_time,
                state=rule.state,
                duration=rule.duration,
                labels=rule.labels or {},
                annotations=rule.annotations or {},
                alerts=tuple(_alert(reply, one) for one in rule.alerts or ()),
            )
            for rule in group.rules or ()
        ),
    )


def _alert(reply: Reply, one: _Alert) -> Alert:
    try:
        value = float(one.value)
    except ValueError as error:
        raise reply.malformed(f"not the answer that Prometheus gives: an alert's value: {error}") from None
    return Alert(
        labels=one.labels,
        annotations=one.annotations,
        state=one.state,
        active_at=unix_seconds(one.active_at),
        value=value,
        keep_firing_since=unix_seconds(one.keep_firing_since),
    )
