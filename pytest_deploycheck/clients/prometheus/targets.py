"""Scrape targets and the Alertmanagers that were discovered."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import msgspec

from pytest_deploycheck.clients.prometheus.envelope import ask
from pytest_deploycheck.errors import QueryFailed
from pytest_deploycheck.model.duration import parse_go_duration
from pytest_deploycheck.model.instant import unix_seconds
from pytest_deploycheck.model.prometheus import Alertmanagers, Target

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_deploycheck.transport.reply import Reply
    from pytest_deploycheck.transport.wire import Wire

Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class _ActiveTarget(msgspec.Struct, rename="camel"):
    labels: dict[str, str]
    scrape_pool: str
    scrape_url: str
    health: str
    last_error: str
    last_scrape: Moment
    last_scrape_duration: float
    discovered_labels: dict[str, str] = msgspec.field(default_factory=dict)
    scrape_interval: str | None = None


class _DroppedTarget(msgspec.Struct, rename="camel"):
    discovered_labels: dict[str, str]


class _Targets(msgspec.Struct, rename="camel"):
    # required though possibly null: with a default, any object at all would read as "no targets"
    active_targets: list[_ActiveTarget] | None
    dropped_targets: list[_DroppedTarget] | None = None


class _Alertmanager(msgspec.Struct):
    url: str


class _Alertmanagers(msgspec.Struct, rename="camel"):
    active_alertmanagers: list[_Alertmanager] | None
    dropped_alertmanagers: list[_Alertmanager] | None = None


def active_targets(wire: Wire, *, scrape_pool: str | None) -> tuple[Target, ...]:
    """See `PrometheusClient.targets`."""
    params = {"state": "active"}
    if scrape_pool is not None:
        params["scrapePool"] = scrape_pool
    data, reply = ask(wire, "/targets", _Targets, params=params)
    targets = (_target(reply, one) for one in data.active_targets or ())
    # versions that do not know `scrapePool`, and VictoriaMetrics, answer with all of them
    return tuple(target for target in targets if scrape_pool is None or target.scrape_pool == scrape_pool)


def dropped_targets(wire: Wire) -> tuple[Mapping[str, str], ...]:
    """See `PrometheusClient.dropped_targets`."""
    data, _ = ask(wire, "/targets", _Targets, params={"state": "dropped"})
    return tuple(one.discovered_labels for one in data.dropped_targets or ())


def alertmanagers(wire: Wire) -> Alertmanagers:
    """See `PrometheusClient.alertmanagers`."""
    data, _ = ask(wire, "/alertmanagers", _Alertmanagers)
    return Alertmanagers(
        active=tuple(one.url for one in data.active_alertmanagers or ()),
        dropped=tuple(one.url for one in data.dropped_alertmanagers or ()),
    )


def require_known_state(state: str) -> None:
    """Refuse what the server would answer with empty lists.

    Raises:
        QueryFailed: if it is not `active`.
    """
    if state != "active":
        raise QueryFailed(
            f"not asked: targets in the state {state!r}",
            where="/api/v1/targets",
            details=["Prometheus answers an unknown state with empty lists, and no error"],
            next_step="ask for `active` ones; those dropped by relabelling are in `dropped_targets()`",
        )


def _target(reply: Reply, one: _ActiveTarget) -> Target:
    # Prometheus before 2.29 and VictoriaMetrics have no `scrapeInterval`, but tell it among the discovered labels
    interval = one.scrape_interval or one.discovered_labels.get("__scrape_interval__")
    try:
        seconds = None if interval is None else parse_go_duration(interval)
    except ValueError as error:
        raise reply.malformed(f"not the answer that Prometheus gives: scrapeInterval: {error}") from None
    return Target(
        labels=one.labels,
        scrape_pool=one.scrape_pool,
        scrape_url=one.scrape_url,
        health=one.health,
        last_error=one.last_error,
        last_scrape=unix_seconds(one.last_scrape),
        last_scrape_duration=one.last_scrape_duration,
        scrape_interval=seconds,
    )
