"""The metrics of one instance of the demo service: its registry, its own traffic, and ways to expose them wrongly."""

from __future__ import annotations

import random
import threading
import time
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.samples import Sample

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prometheus_client.metrics_core import Metric

    from pytest_deploycheck.sandbox.switches import Switches

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
ROUTES = ("/sessions", "/api/v1/ping", "/api/v1/info")
SHARDS = 12
FROZEN_FOR_SECONDS = 120.0
"""What is frozen looks as if it had stopped so long before the switch was turned on."""

_COUNTERS = (
    "auth_failures", "auth_logins", "cache_evictions", "cache_hits", "cache_misses", "db_queries", "embeddings",
    "index_updates", "jobs_finished", "jobs_started", "journal_bytes", "journal_entries", "journal_sessions",
    "parser_documents", "parser_failures", "queue_consumed", "queue_published", "rate_limited", "retries", "tool_calls",
    "tool_errors", "vector_searches", "webhook_deliveries", "webhook_failures",
)  # fmt: skip
_GAUGES = {
    "cache_bytes": 48e6, "cache_entries": 5200.0, "config_schema_version": 3.0, "db_connections_active": 7.0,
    "db_connections_max": 50.0, "disk_used_ratio": 0.41, "heartbeat_timestamp_seconds": 0.0, "jobs_waiting": 0.0,
    "journal_sessions_active": 0.0, "last_backup_timestamp_seconds": 0.0, "memory_limit_bytes": 512e6,
    "memory_used_bytes": 180e6, "open_files": 64.0, "queue_depth": 3.0, "start_time_seconds": 0.0, "threads": 12.0,
    "uptime_seconds": 0.0, "vector_memory_bytes": 96e6, "vector_memory_count": 12000.0,
    "vector_refresh_timestamp_seconds": 0.0, "workers": 8.0, "workers_busy": 2.0,
}  # fmt: skip
_FEW = ("mcp_build_info", "mcp_uptime_seconds", "mcp_threads")
_LATENCY_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


class Metrics:
    """What one instance counts and measures.

    Args:
        instance: its name, as `Switches` knows it.
        switches: the faults.
        version: what `mcp_build_info` says.
        revision: the same.
    """

    def __init__(self, instance: str, switches: Switches, *, version: str, revision: str) -> None:
        """Make every series, so that each counter exists from the start."""
        self._instance = instance
        self._switches = switches
        self._labels = (version, revision)
        self._registry = CollectorRegistry(auto_describe=False)
        self._random = random.Random(instance)  # noqa: S311 - traffic, repeatable
        self._frozen: dict[str, Metric] = {}
        self._render = threading.Lock()
        self._counters = {
            name: Counter(f"mcp_{name}", f"Number of {name.replace('_', ' ')}.", registry=self._registry)
            for name in _COUNTERS
        }
        self._gauges = {
            name: Gauge(f"mcp_{name}", f"{name.replace('_', ' ').capitalize()}.", registry=self._registry)
            for name in _GAUGES
        }
        self._build = Gauge("mcp_build_info", "What runs.", ("version", "revision"), registry=self._registry)
        self._flags = Gauge("mcp_feature_enabled", "Feature flags.", ("flag",), registry=self._registry)
        self._shards = Gauge("mcp_shard_lag_seconds", "Lag of each shard.", ("shard",), registry=self._registry)
        self._errors = Counter("mcp_errors", "Errors by kind.", ("kind",), registry=self._registry)
        self._requests = Counter("mcp_http_requests", "Requests.", ("route", "code"), registry=self._registry)
        self._latency, self._db_latency, self._parser_latency = (
            Histogram(
                f"mcp_{name}_duration_seconds", "How long it took.", registry=self._registry, buckets=_LATENCY_BUCKETS
            )
            for name in ("http_request", "db_query", "parser")
        )
        for name, value in _GAUGES.items():
            self._gauges[name].set(value)
        for name in ("start_time_seconds", "last_backup_timestamp_seconds"):
            self._gauges[name].set(time.time())
        self._build.labels(version, revision).set(1)
        for flag in ("journal_v2", "vector_cache"):
            self._flags.labels(flag).set(1)
        for kind in ("internal", "timeout", "validation"):
            self._errors.labels(kind)
        for route in ROUTES:
            for code in ("200", "500"):
                self._requests.labels(route, code)
        self.tick(1.0)

    def session_created(self, active: int) -> None:
        """Count a new session.

        Args:
            active: how many there are now.
        """
        self._counters["journal_sessions"].inc()
        self._gauges["journal_sessions_active"].set(active)

    def request(self, route: str, code: int, seconds: float) -> None:
        """Count a request; routes that are not in `ROUTES` (health, metrics) are not counted."""
        if route not in ROUTES:
            return
        self._requests.labels(route, str(code)).inc()
        self._latency.observe(seconds)

    def tick(self, seconds: float) -> None:
        """Do what the service does by itself in so many seconds: heartbeat, background traffic, batch work."""
        now, on = time.time(), self._on
        for name in ("heartbeat_timestamp_seconds", "vector_refresh_timestamp_seconds"):
            self._gauges[name].set(now)
        self._gauges["uptime_seconds"].inc(seconds)
        for number, route in enumerate(ROUTES * 4):
            fails = on("requests-fail") and number % 4 == 0
            slow = on("requests-slow")
            self._requests.labels(route, "500" if fails else "200").inc()
            self._latency.observe(self._random.uniform(0.6, 0.9) if slow else self._random.uniform(0.002, 0.02))
            if fails:
                self._errors.labels("internal").inc()
        for name in (
            "journal_sessions",
            "journal_entries",
            "cache_hits",
            "db_queries",
            "vector_searches",
            "tool_calls",
        ):
            self._counters[name].inc()
        self._db_latency.observe(self._random.uniform(0.001, 0.008))
        if not on("parser-idle"):
            self._counters["parser_documents"].inc(2)
            self._parser_latency.observe(self._random.uniform(0.01, 0.04))
        self._gauges["queue_depth"].set(5000 if on("queue-backlog") else 3)
        self._gauges["disk_used_ratio"].set(0.96 if on("disk-filling") else 0.41)
        for shard in range(SHARDS):
            self._shards.labels(f"{shard:02}").set(600 if on("shards-lagging") else 0.2)

    def expose(self) -> bytes:
        """Return the exposition, with the faults that concern it."""
        if self._on("metrics-empty"):
            return b""
        if self._on("metrics-html"):
            return b"<!DOCTYPE html>\n<html><body><h1>It works!</h1></body></html>\n"
        with self._render:
            families = CollectorRegistry(auto_describe=False)
            families.register(_Families(list(self._families())))
            return generate_latest(families)

    def _on(self, name: str) -> bool:
        return self._switches.on(name, self._instance)

    def _families(self) -> Iterator[Metric]:
        dropped = self._dropped()
        for original in self._registry.collect():
            if original.name in dropped or (self._on("metrics-few") and original.name not in _FEW):
                continue
            metric = original
            # `_created` gauges are an artefact of the client, absent from what most services expose.
            metric.samples = [sample for sample in metric.samples if not sample.name.endswith("_created")]
            metric = self._freeze(
                "heartbeat-frozen", "mcp_heartbeat_timestamp_seconds", metric, shift=FROZEN_FOR_SECONDS
            )
            metric = self._freeze(
                "refresh-frozen", "mcp_vector_refresh_timestamp_seconds", metric, shift=FROZEN_FOR_SECONDS
            )
            metric = self._freeze("sessions-frozen", "mcp_journal_sessions", metric)
            if metric.name == "mcp_http_requests" and self._on("label-missing"):
                metric.samples = _without_label(metric.samples, "route")
            if metric.name == "mcp_build_info" and self._on("wrong-version"):
                older = {"version": "1.4.1", "revision": "0" * 12}
                metric.samples = [sample._replace(labels=older) for sample in metric.samples]
            yield self._stamp(metric)

    def _dropped(self) -> set[str]:
        dropped = set()
        if self._on("metric-missing") or self._on("series-gone"):
            dropped.add("mcp_db_connections_active")
        if self._on("counter-missing"):
            dropped.add("mcp_errors")
        return dropped

    def _freeze(self, switch: str, name: str, metric: Metric, *, shift: float = 0.0) -> Metric:
        """Return the family as it was when the switch was first seen on, its values moved back by `shift`."""
        if metric.name != name:
            return metric
        if not self._on(switch):
            self._frozen.pop(switch, None)
            return metric
        if switch not in self._frozen:
            metric.samples = [sample._replace(value=sample.value - shift) for sample in metric.samples]
            self._frozen[switch] = metric
        return self._frozen[switch]

    def _stamp(self, metric: Metric) -> Metric:
        """Give the batch's two gauges the explicit timestamp of the batch; with their fault it stands still."""
        switch = {
            "mcp_vector_memory_count": "count-timestamps-frozen",
            "mcp_vector_memory_bytes": "bytes-timestamps-frozen",
        }.get(metric.name)
        if switch is None:
            return metric
        since = self._switches.since(switch, self._instance)
        at = time.time() if since is None else since - FROZEN_FOR_SECONDS
        metric.samples = [sample._replace(timestamp=at) for sample in metric.samples]
        return metric


class _Families:
    """A collector of families that are ready."""

    def __init__(self, families: list[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterator[Metric]:
        return iter(self._families)


def _without_label(samples: list[Sample], label: str) -> list[Sample]:
    """Return the samples without a label; those that would then be the same are added up."""
    sums: dict[tuple[str, tuple[tuple[str, str], ...]], float] = {}
    for sample in samples:
        rest = tuple(sorted((key, value) for key, value in sample.labels.items() if key != label))
        sums[sample.name, rest] = sums.get((sample.name, rest), 0.0) + sample.value
    return [Sample(name, dict(rest), value) for (name, rest), value in sums.items()]
