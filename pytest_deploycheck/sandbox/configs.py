"""What Prometheus and Alertmanager are configured with when nothing is broken; faults change it (`config_faults`)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

HOST = "127.0.0.1"
RULE_FILE = "rules.yml"
TARGETS_FILE = "targets.json"
PROMETHEUS_FILE = "prometheus.yml"
ALERTMANAGER_FILE = "alertmanager.yml"
SOURCE_FILE = "source.yml"

RECEIVERS = ("default", "pager", "chat", "db")

ERROR_RATIO = (
    'sum by (job) (rate(mcp_http_requests_total{{code=~"5.."}}[{window}]))'
    " / sum by (job) (rate(mcp_http_requests_total[{window}]))"
)
P95_SECONDS = "histogram_quantile(0.95, sum by (job, le) (rate(mcp_http_request_duration_seconds_bucket[{window}])))"
PARSER_FAILURE_RATIO = (
    "sum by (instance) (rate(mcp_parser_failures_total[{window}]))"
    " / sum by (instance) (rate(mcp_parser_documents_total[{window}]))"
)
CONNECTIONS_USED = "mcp_db_connections_active / mcp_db_connections_max > 0.9"
RECORDED_REQUESTS = "job:mcp_http_requests:rate"
RECORDED_MEMORY = "job:mcp_vector_memory_bytes:sum"
FEDERATED = "mcp_uptime_seconds"
PUSHED_JOB = "backup"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """The TCP ports of one stack, all on loopback; 0 for what this stack does not have."""

    prometheus: int
    alertmanager: int
    a: int
    b: int
    edge: int
    receiver: int
    tls: int = 0
    cluster: int = 0
    grafana: int = 0
    source: int = 0
    pushgateway: int = 0

    def url(self, name: str) -> str:
        """Return the base URL of one of them."""
        return f"http://{HOST}:{getattr(self, name)}"

    def address(self, name: str) -> str:
        """Return `host:port` of one of them."""
        return f"{HOST}:{getattr(self, name)}"


@dataclass(slots=True, kw_only=True)
class Configuration:
    """The content of the files, still open to change.

    Attributes:
        prometheus: `prometheus.yml`.
        rules: the rule file.
        targets: the file with the targets of the job `mcp`.
        alertmanager: `alertmanager.yml`.
    """

    prometheus: dict[str, Any]
    rules: dict[str, Any]
    targets: list[dict[str, Any]]
    alertmanager: dict[str, Any]

    def rule(self, name: str) -> dict[str, Any]:
        """Return a rule by the name of its alert or of what it records.

        Raises:
            KeyError: if there is none.
        """
        for group in self.rules["groups"]:
            for rule in group["rules"]:
                if name in (rule.get("alert"), rule.get("record")):
                    found: dict[str, Any] = rule
                    return found
        raise KeyError(name)

    def job(self, name: str) -> dict[str, Any]:
        """Return a scrape configuration by its job's name.

        Raises:
            KeyError: if there is none.
        """
        for job in self.prometheus["scrape_configs"]:
            if job["job_name"] == name:
                found: dict[str, Any] = job
                return found
        raise KeyError(name)


def seconds(value: float) -> str:
    """Return a duration as Prometheus reads it, and a person: `10s`, `600ms`."""
    milliseconds = round(value * 1000)
    return f"{milliseconds}ms" if milliseconds % 1000 else f"{milliseconds // 1000}s"


def window(scrape_interval: float) -> str:
    """Return the range that rates are taken over: ten scrapes, at least ten seconds."""
    return seconds(max(10.0, 10 * scrape_interval))


def healthy(ports: Ports, scrape_interval: float) -> Configuration:
    """Return the configuration of a stack in which nothing is broken.

    Args:
        ports: where everything listens; a source Prometheus and a Pushgateway get a job if they have a port.
        scrape_interval: of scrapes and of rule evaluations, in seconds.
    """
    return Configuration(
        prometheus=_prometheus(ports, scrape_interval),
        rules=_rules(scrape_interval),
        targets=[{"targets": [ports.address("a"), ports.address("b")]}],
        alertmanager=_alertmanager(ports),
    )


def write(directory: Path, configuration: Configuration) -> set[str]:
    """Write all the files; each is replaced as a whole, since Prometheus watches the one with the targets.

    Returns:
        The names of the files that are different now.
    """
    import yaml

    changed = set()
    files = {
        PROMETHEUS_FILE: yaml.safe_dump(configuration.prometheus, sort_keys=False),
        RULE_FILE: yaml.safe_dump(configuration.rules, sort_keys=False),
        TARGETS_FILE: json.dumps(configuration.targets),
        ALERTMANAGER_FILE: yaml.safe_dump(configuration.alertmanager, sort_keys=False),
    }
    for name, text in files.items():
        path = directory / name
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        temporary = directory / f"{name}.new"
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
        changed.add(name)
    return changed


def write_source(directory: Path, ports: Ports, scrape_interval: float) -> None:
    """Write the configuration of the second Prometheus, from which the first federates the edge instance."""
    import yaml

    configuration = {
        "global": _intervals(scrape_interval),
        "scrape_configs": [{"job_name": "mcp-edge", "static_configs": [{"targets": [ports.address("edge")]}]}],
    }
    (directory / SOURCE_FILE).write_text(yaml.safe_dump(configuration, sort_keys=False), encoding="utf-8")


def _intervals(scrape_interval: float) -> dict[str, str]:
    interval = seconds(scrape_interval)
    return {"scrape_interval": interval, "scrape_timeout": interval, "evaluation_interval": interval}


def _prometheus(ports: Ports, scrape_interval: float) -> dict[str, Any]:
    jobs: list[dict[str, Any]] = [
        {"job_name": "mcp", "file_sd_configs": [{"files": [TARGETS_FILE]}]},
        {"job_name": "prometheus", "static_configs": [{"targets": [ports.address("prometheus")]}]},
        {"job_name": "alertmanager", "static_configs": [{"targets": [ports.address("alertmanager")]}]},
    ]
    if ports.source:
        jobs.append(
            {
                "job_name": "federation",
                "honor_labels": True,
                "metrics_path": "/federate",
                "params": {"match[]": ['{job="mcp-edge"}']},
                "static_configs": [{"targets": [ports.address("source")]}],
            }
        )
    if ports.pushgateway:
        jobs.append(
            {
                "job_name": "pushgateway",
                "honor_labels": True,
                "static_configs": [{"targets": [ports.address("pushgateway")]}],
            }
        )
    return {
        "global": {**_intervals(scrape_interval), "external_labels": {"cluster": "sandbox"}},
        "rule_files": [RULE_FILE],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": [ports.address("alertmanager")]}]}]},
        "scrape_configs": jobs,
    }


def _rules(scrape_interval: float) -> dict[str, Any]:
    over = window(scrape_interval)
    alerts = [
        _alert("McpDown", 'up{job="mcp"} == 0', "page", "{{ $labels.instance }} cannot be scraped"),
        _alert("McpHighErrorRate", ERROR_RATIO.format(window=over) + " > 0.05", "page", "too many requests fail"),
        _alert("McpSlowRequests", P95_SECONDS.format(window=over) + " > 0.5", "warning", "requests are slow"),
        _alert("McpHeartbeatStale", "time() - mcp_heartbeat_timestamp_seconds > 60", "page", "the worker stands still"),
        _alert("McpQueueBacklog", "mcp_queue_depth > 1000", "warning", "the queue is backing up"),
        _alert("McpDiskFilling", "mcp_disk_used_ratio > 0.9", "warning", "the disk is filling", wait="15m"),
        _alert("McpShardLagging", "mcp_shard_lag_seconds > 60", "page", "shard {{ $labels.shard }} lags"),
        _alert("McpDatabaseConnections", CONNECTIONS_USED, "page", "few connections are left", team="db"),
    ]  # fmt: skip
    recorded = [
        {"record": RECORDED_REQUESTS, "expr": f"sum by (job) (rate(mcp_http_requests_total[{over}]))"},
        {"record": RECORDED_MEMORY, "expr": 'sum by (job) (mcp_vector_memory_bytes{job="mcp"})'},
    ]
    return {"groups": [{"name": "mcp.recorded", "rules": recorded}, {"name": "mcp.alerts", "rules": alerts}]}


def _alert(name: str, expr: str, severity: str, summary: str, *, wait: str = "0s", team: str = "mcp") -> dict[str, Any]:
    return {
        "alert": name,
        "expr": expr,
        "for": wait,
        "labels": {"severity": severity, "team": team},
        "annotations": {"summary": summary},
    }


def _alertmanager(ports: Ports) -> dict[str, Any]:
    hook = ports.url("receiver") + "/hook/"
    return {
        "route": {
            "receiver": "default",
            "group_by": ["alertname"],
            "group_wait": "500ms",
            "group_interval": "1s",
            "repeat_interval": "1h",
            "routes": [
                {"receiver": "db", "matchers": ['team="db"']},
                {"receiver": "pager", "matchers": ['severity="page"']},
                {"receiver": "chat", "matchers": ['severity="warning"']},
            ],
        },
        "inhibit_rules": [
            {"source_matchers": ['alertname="McpDown"'], "target_matchers": ['severity="warning"'], "equal": ["job"]}
        ],
        "receivers": [{"name": name, "webhook_configs": [{"url": hook + name}]} for name in RECEIVERS],
    }
