"""What the server says of itself: build, flags, runtime, configuration; and whether it is a Prometheus at all."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

import msgspec

from pytest_deploycheck.clients.prometheus.envelope import ask, not_supported
from pytest_deploycheck.clients.prometheus.targets import Moment  # noqa: TC001 - msgspec reads it at run time
from pytest_deploycheck.errors import CannotMeasure, Inconclusive
from pytest_deploycheck.model.duration import parse_go_duration
from pytest_deploycheck.model.instant import unix_seconds
from pytest_deploycheck.model.prometheus import RuntimeInfo

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_deploycheck.transport.reply import Reply
    from pytest_deploycheck.transport.wire import Wire


class _RuntimeInfo(msgspec.Struct, rename="camel"):
    start_time: Moment
    reload_config_success: bool
    last_config_time: Moment
    storage_retention: str = ""


class _Config(msgspec.Struct):
    yaml: str


def build_info(wire: Wire) -> Mapping[str, str]:
    """See `PrometheusClient.build_info`."""
    data, reply = ask(wire, "/status/buildinfo", dict[str, str])
    if not data.get("version"):
        # VictoriaMetrics 1.79 answers success with nothing in it
        raise not_supported(
            wire,
            "/status/buildinfo",
            where=reply.url,
            evidence=reply.evidence,
            details=["it answers, but tells no version"],
        )
    return data


def flags(wire: Wire) -> Mapping[str, str]:
    """See `PrometheusClient.flags`."""
    return ask(wire, "/status/flags", dict[str, str])[0]


def runtime_info(wire: Wire) -> RuntimeInfo:
    """See `PrometheusClient.runtime_info`."""
    data, _ = ask(wire, "/status/runtimeinfo", _RuntimeInfo)
    return RuntimeInfo(
        start_time=unix_seconds(data.start_time),
        reload_config_success=data.reload_config_success,
        last_config_time=unix_seconds(data.last_config_time),
        storage_retention=data.storage_retention,
    )


def config_text(wire: Wire) -> str:
    """See `PrometheusClient.config_text`."""
    return ask(wire, "/status/config", _Config)[0].yaml


def shortest_interval(config: str) -> float | None:
    """Return the shorter of the global scrape and evaluation intervals, in seconds; None if the text has neither.

    Args:
        config: what `/api/v1/status/config` gives: YAML as Prometheus itself writes it, a key a line, defaults
            included.
    """
    found = []
    inside = False
    for line in config.splitlines():
        if not line.startswith(" "):
            inside = line.rstrip() == "global:"
            continue
        key, _, value = line.strip().partition(": ")
        if inside and key in ("scrape_interval", "evaluation_interval"):
            try:
                found.append(parse_go_duration(value.strip()))
            except ValueError:
                continue
    return min((seconds for seconds in found if seconds > 0), default=None)


def usual_scrape_interval(config: str) -> float | None:
    """Return the seconds between scrapes of the middle one of the configured jobs; None if the text has none.

    Neither the shortest nor the longest will do to tell a gap: such a job may have no targets, or one an hour.

    Args:
        config: as for `shortest_interval`.
    """
    found = []
    section = ""
    for line in config.splitlines():
        if not line.startswith((" ", "-")):
            section = line.rstrip()
        elif section == "scrape_configs:" and line.startswith("  scrape_interval: "):
            try:
                found.append(parse_go_duration(line.partition(": ")[2].strip()))
            except ValueError:
                continue
    found.sort()
    return found[len(found) // 2] if found else None


def refuse_victoriametrics(wire: Wire, path: str, reply: Reply, why: str) -> None:
    """Refuse an empty list of a server that can only answer with empty ones.

    VictoriaMetrics answers some of Prometheus's APIs with success and nothing in it: "no alert is firing" would hold
    for ever.

    Args:
        wire: the way to the server.
        path: of the API that answered, without `/api/v1`.
        reply: the empty answer.
        why: what VictoriaMetrics does instead.

    Raises:
        NotSupported: if the server is VictoriaMetrics, or does not tell that it is something else.
    """
    # `/-/healthy` tells them apart: "VictoriaMetrics is Healthy." against "Prometheus Server is Healthy."
    healthy = wire.request("GET", "/-/healthy", statuses="any", redirects="return")
    if b"VictoriaMetrics" in healthy.body:
        details = [f"VictoriaMetrics always answers it with nothing; {why}"]
    elif healthy.status != HTTPStatus.OK and not _tells_its_build(wire):
        details = [
            "it answers with nothing, and does not say that it is a Prometheus: neither by /-/healthy nor by its build",
            f"VictoriaMetrics would always answer like this; {why}",
        ]
    else:
        return
    raise not_supported(wire, path, where=reply.url, evidence=reply.evidence, details=details)


def _tells_its_build(wire: Wire) -> bool:
    """Return whether the server names its revision: Prometheus, Thanos and Mimir do, VictoriaMetrics does not."""
    try:
        return bool(build_info(wire).get("revision"))
    except (CannotMeasure, Inconclusive):
        return False
