"""The `deploycheck.toml` of the demo stack: what a team would write for this service."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pytest_deploycheck.sandbox import configs, project_cluster, project_grafana
from pytest_deploycheck.sandbox.endpoints import VERSION
from pytest_deploycheck.sandbox.journal import SCHEMA
from pytest_deploycheck.sandbox.readiness import NOTIFICATION_WINDOW
from pytest_deploycheck.sandbox.tls_port import CA_FILE, ISSUER

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_deploycheck.sandbox.configs import Ports

LOG_SCHEMA_FILE = "mcp-log.schema.json"
MAX_HEALTH_LATENCY = "500ms"
MAX_METRICS_LATENCY = "250ms"
LIMITS: dict[str, Any] = {
    # Everything is on loopback: what has not answered by then will not, and a broken stack should be told quickly.
    "timeouts": {"connect": "1s", "read": "2s", "total": "4s"},
    "retries": {"attempts": 1},
}
ALERTS = (
    "McpDown", "McpHighErrorRate", "McpSlowRequests", "McpHeartbeatStale", "McpQueueBacklog", "McpDiskFilling",
    "McpShardLagging", "McpDatabaseConnections",
)  # fmt: skip
SERVICES = {"mcp-a": "a", "mcp-b": "b"}
REFRESHED = 'mcp_vector_refresh_timestamp_seconds{job="mcp"}'


def write_project(
    path: Path, ports: Ports, *, log: Path, scrape_interval: float, started_at: float, reports: Path | None = None
) -> None:
    """Write the file.

    Args:
        path: where.
        ports: of the stack.
        log: the service's JSON log.
        scrape_interval: of the stack, in seconds.
        started_at: when the stack was started, in Unix seconds: the deployment's time.
        reports: where reports go; beside the file if it is not given.
    """
    lines = ["# Written by `deploycheck sandbox`; what a team would write for this service.", ""]
    lines += _pairs({"default_environment": "sandbox", **({"reports": str(reports)} if reports else {})})
    moment = datetime.fromtimestamp(started_at, UTC).isoformat(timespec="seconds")
    lines += ["", "[deployment]", *_pairs({"version": VERSION, "change_ticket": "CHG-0001"})]
    lines += [f"started_at = {moment}", f"finished_at = {moment}"]
    for name, table in _systems(ports, log).items():
        lines += ["", f"[environments.sandbox.{name}]", *_pairs(table)]
    for name, entries in _checks(ports, configs.window(scrape_interval), log).items():
        for entry in entries if isinstance(entries, list) else [entries]:
            lines += ["", f"[[{name}]]" if isinstance(entries, list) else f"[{name}]", *_pairs(entry)]
    (log.parent / LOG_SCHEMA_FILE).write_text(json.dumps(SCHEMA, indent=2) + "\n", encoding="utf-8")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _systems(ports: Ports, log: Path) -> dict[str, dict[str, Any]]:
    systems: dict[str, dict[str, Any]] = {
        "prometheus": {"url": ports.url("prometheus"), **LIMITS},
        "alertmanager": {"url": ports.url("alertmanager"), **LIMITS},
    }
    for name, instance in SERVICES.items():
        systems[f"services.{name}"] = {"url": ports.url(instance), **LIMITS}
    if ports.cluster and project_cluster.has_client():
        kubeconfig = log.parent / project_cluster.KUBECONFIG_FILE
        project_cluster.write_kubeconfig(kubeconfig, ports.url("cluster"))
        systems["kubernetes"] = project_cluster.system(kubeconfig, LIMITS)
    if ports.grafana:
        systems["grafana"] = project_grafana.system(ports.url("grafana"), log.parent, LIMITS)
    systems["logs.mcp"] = {"file": str(log), "fields": {"service": "instance"}}
    return systems


def _checks(ports: Ports, window: str, log: Path) -> dict[str, Any]:
    return {
        "endpoints": [entry for service in SERVICES for entry in _endpoints(service)],
        "versions": [
            *({"service": service, "path": "/health", "key": "version"} for service in SERVICES),
            {"id": "build_info", "metric": 'mcp_build_info{job="mcp"}', "label": "version", "replicas": len(SERVICES)},
        ],
        "expositions": [
            {
                "service": service, "prefix": "mcp_", "min_families": 50, "max_latency": MAX_METRICS_LATENCY,
                "required": ["mcp_journal_sessions_total", "mcp_http_requests_total", "mcp_build_info"],
            }
            for service in SERVICES
        ],
        "transactions": [
            {"service": service, "path": "/api/v1/ping", "json": {"result": "ok"}, "max_latency": MAX_HEALTH_LATENCY}
            for service in SERVICES
        ],
        "scrape_targets": _targets(ports),
        "metrics": _metrics(ports, window),
        "slos": _slos(window),
        "rules": [
            *({"name": name, "group": "mcp.alerts"} for name in ALERTS),
            *({"name": name, "kind": "recording"} for name in (configs.RECORDED_REQUESTS, configs.RECORDED_MEMORY)),
        ],
        "rule_policy": {"min_groups": 2},
        "alerts": {"alertmanagers": 1, "storm": 10, "window": NOTIFICATION_WINDOW, "max_silence": "1h"},
        "routes": [
            _route("pager", severity="page", team="mcp"),
            _route("chat", severity="warning", team="mcp"),
            _route("db", severity="page", team="db"),
            _route("default", severity="info"),
        ],
        **_network(ports, log.parent),
        "log_checks": [
            {
                "source": "mcp", "schema": str(log.parent / LOG_SCHEMA_FILE), "levels": ["INFO", "WARN", "ERROR"],
                "max_error_rate": 0.2, "max_age": "5s", "min_services": len(SERVICES),
                "ids": {"trace": 1.0, "correlation": 1.0}, "new_errors": "1h", "level": "blocker",
            }
        ],
        **(project_cluster.checks() if ports.cluster and project_cluster.has_client() else {}),
        **(project_grafana.checks(log.parent) if ports.grafana else {}),
    }  # fmt: skip


def _network(ports: Ports, directory: Path) -> dict[str, Any]:
    host, free = configs.HOST, {"host": configs.HOST, "port": 1}  # tcpmux: nobody has served it for decades
    found: dict[str, Any] = {
        "names": [{"name": "localhost", "networks": ["127.0.0.0/8", "::1/128"], "families": ["ipv4"]}],
        "ports": [{**free, "open": False}],
    }
    if ports.tls:
        place = {"host": host, "port": ports.tls, "timeout": "2s"}
        found["certificates"] = [{"id": "mcp", **place, "ca": str(directory / CA_FILE), "issuers": [ISSUER]}]
        found["ports"].append({"id": "mcp-tls", **place, "max_latency": MAX_HEALTH_LATENCY})
    return found


def _endpoints(service: str) -> list[dict[str, Any]]:
    limit = {"max_latency": MAX_HEALTH_LATENCY}
    functional = {"service": service, "functional": True, **limit}
    return [
        {"service": service, "path": "/health", "json": {"status": "healthy"}, **limit},
        {"service": service, "path": "/healthz", "contains": "ok", **limit},
        {"service": service, "path": "/ready", "json": {"status": "ready"}, **limit},
        {**functional, "path": "/api/v1/info", "json": {"service": "mcp"}},
        {**functional, "path": "/db-check", "dependencies": {"expected": ["postgres", "redis"]}},
        {**functional, "path": "/cache-check", "dependencies": {"expected": ["memcached", "s3"]}},
    ]


def _targets(ports: Ports) -> list[dict[str, Any]]:
    targets: list[dict[str, Any]] = [
        {"job": "mcp", "count": len(SERVICES), "min_samples": 50},
        {"job": "prometheus", "count": 1},
        {"job": "alertmanager", "count": 1},
    ]
    parts = {"federation": ports.source, "pushgateway": ports.pushgateway}
    return targets + [{"job": job, "count": 1} for job, port in parts.items() if port]


def _metrics(ports: Ports, window: str) -> list[dict[str, Any]]:
    fresh = {"max_age": window}
    heartbeat = 'mcp_heartbeat_timestamp_seconds{job="mcp"}'
    metrics: list[dict[str, Any]] = [
        {"id": "heartbeat", "metric": heartbeat, "series": 2, "heartbeat": heartbeat, **fresh},
        {"id": "sessions", "metric": 'mcp_journal_sessions_total{job="mcp"}', "series": 2, "moving": window, **fresh},
        {
            "id": "db_connections", "metric": 'mcp_db_connections_active{job="mcp"}', "series": 2,
            "min": 1, "max": 45, **fresh,
        },
        {
            "id": "vector_count", "metric": 'mcp_vector_memory_count{job="mcp"}', "series": 2,
            "min": 1, "heartbeat": REFRESHED, **fresh,
        },
        {
            "id": "vector_bytes", "metric": configs.RECORDED_MEMORY + '{job="mcp"}', "series": 1, "per_instance": False,
            "heartbeat": REFRESHED, **fresh,
        },
        {"id": "errors", "metric": 'mcp_errors_total{job="mcp"}', "initialised": True, **fresh},
        {"id": "parser_failures", "metric": 'mcp_parser_failures_total{job="mcp"}', "initialised": True, **fresh},
        {
            "id": "requests", "metric": 'mcp_http_requests_total{job="mcp"}', "level": "blocker",
            "labels": {"route": "/.*", "code": "[1-5][0-9][0-9]"}, **fresh,
        },
    ]  # fmt: skip
    if ports.source:
        edge = f'{configs.FEDERATED}{{job="mcp-edge"}}'
        metrics.append({"id": "edge", "metric": edge, "series": 1, "per_instance": False, **fresh})
    if ports.pushgateway:
        pushed = f'push_time_seconds{{job="{configs.PUSHED_JOB}"}}'
        metrics.append(
            {"id": "backup", "metric": pushed, "series": 1, "per_instance": False, "heartbeat": pushed, **fresh}
        )
    return metrics


def _slos(window: str) -> list[dict[str, Any]]:
    traffic = f'sum by (job) (rate(mcp_http_requests_total{{job="mcp"}}[{window}]))'
    return [
        {
            "id": "error_ratio", "expr": configs.ERROR_RATIO.format(window=window), "below": 0.01,
            "traffic": traffic, "min_traffic": 1.0,
        },
        {"id": "p95_latency", "expr": configs.P95_SECONDS.format(window=window), "below": 0.2},
        {"id": "parser_failures", "expr": configs.PARSER_FAILURE_RATIO.format(window=window), "below": 0.01},
    ]  # fmt: skip


def _route(receiver: str, **labels: str) -> dict[str, Any]:
    beside = {"amtool": True} if shutil.which("amtool") else {}
    return {"labels": labels, "receivers": [receiver], "integration": "webhook", **beside}


def _pairs(table: dict[str, Any]) -> list[str]:
    return [f"{key} = {_toml(value)}" for key, value in table.items()]


def _toml(value: Any) -> str:
    """Return a value as TOML; its basic strings are JSON's, and so are its numbers and booleans as used here."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_toml(inner)}" for key, inner in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_toml(inner) for inner in value) + "]"
    return json.dumps(value, ensure_ascii=False)
