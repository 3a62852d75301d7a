"""What a verification run says of each fault: the words without which nobody would know what is broken."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

B = "<b>"
"""Stands for replica b's address."""


@dataclass(frozen=True, slots=True)
class Symptom:
    """How a fault shows in the sign-off.

    Attributes:
        says: texts that the one line of the check that finds it holds, all of them; `<b>` is replica b's address.
        others: the requirements whose checks may be red as well; no others may.
    """

    says: tuple[str, ...]
    others: frozenset[str] = frozenset()


def _of(*says: str, others: str = "") -> Symptom:
    return Symptom(says, frozenset(others.split()))


_DOWN = f"1 of 2 targets is down ({B}: "
# Without its samples there is no series of it, no version; the alert McpDown fires.
_NOT_SCRAPED = "AL2 MF2 MF3 SM3"
_NOT_ANSWERING = f"{_NOT_SCRAPED} SM1 SM2 SM4 SM6"
# Its data sources lead to it as well.
_BY_PROMETHEUS = "AL1 AL2 AL3 DB3 DB4 MF1 MF2 MF3 MF4 SL1 SM3"
_OF_GRAFANA = "AL1 DB1 DB2 DB3 DB4"
_OLD = "is older than 10 s"

SYMPTOMS: Mapping[str, Symptom] = {
    "service-down": _of(_DOWN, "connection refused", others=_NOT_ANSWERING),
    "service-hangs": _of(_DOWN, "deadline exceeded", others=_NOT_ANSWERING),
    "health-unhealthy": _of('GET /health: status: "degraded"'),
    # A service that answers 5xx logs an error that was not there before.
    "health-503": _of("GET /health: status: 503", others="SM3 LO2 LO5"),
    "health-slow": _of("GET /health: latency: 1.5"),
    "login-redirect": _of(
        "service mcp-b: 302, redirected to what looks like a login page: /login?next=/", others="SM2 SM3 SM6"
    ),
    "wrong-version": _of("is of another version: 1.4.1"),
    "dependency-down": _of('GET /db-check: dependency redis: "down"'),
    "ping-fails": _of('GET /api/v1/ping: result: "error"'),
    "metrics-empty": _of(f"1 of 2 targets is empty ({B}", others="MF2 MF3 SM3 SM4"),
    "metrics-html": _of(_DOWN, "is not a valid start token", others=f"{_NOT_SCRAPED} SM4"),
    "metrics-500": _of(_DOWN, "HTTP status 500 Internal Server Error", others=f"{_NOT_SCRAPED} SM4"),
    "metrics-few": _of(
        "GET /metrics: 3 families",
        "2 required names missing (worst: mcp_http_requests_total: not there)",
        others="MF1 MF2 MF3",
    ),
    "slow-metrics": _of("GET /metrics: took 5", "within 250 ms"),
    "metric-missing": _of('mcp_db_connections_active{job="mcp"}: no data: the answer has no series', others="MF3"),
    "label-missing": _of(
        'mcp_http_requests_total{job="mcp"}: ', "without a required label", "route=~", ": missing)", others="DB3"
    ),
    "counter-missing": _of('mcp_errors_total{job="mcp"}: no data: the answer has no series', others="MF2"),
    "nan": _of("1 of 2 series is NaN, which is no data", B),
    "error-rate": _of("1 of 1 series is not < 0.01", '({job="mcp"}: 0.', others="AL2"),
    "slow-requests": _of("histogram_quantile(0.95", "1 of 1 series is not < 0.2", '({job="mcp"}: ', others="AL2"),
    "alert-firing": _of("1 of 1 firing alert is unexpected (McpQueueBacklog{"),
    "alert-pending": _of("1 of 1 pending alert is unexpected (McpDiskFilling{"),
    "alert-storm": _of("an alert storm: 12 alerts firing"),
    "frozen-gauge": _of("heartbeat mcp_heartbeat_timestamp_seconds", f"1 of 2 heartbeats {_OLD}", B, others="AL2"),
    "frozen-counter": _of("increase(mcp_journal_sessions_total", "1 of 2 series is not > 0", B),
    "series-gone": _of("mcp_db_connection", "1 of 2 targets is up without the series", B, others="MF3"),
    "old-timestamp": _of("age of mcp_vector_memory_count", f"1 of 2 series {_OLD}", B),
    "old-timestamp-ignored": _of("heartbeat mcp_vector_refresh_timestamp_seconds", f"1 of 2 heartbeats {_OLD}", B),
    "recording-rule-hides": _of("age of mcp_vector_memory_bytes", f"1 of 2 series {_OLD}"),
    "federation-dead": _of('age of mcp_uptime_seconds{job="mcp-edge"}', f"1 of 1 series {_OLD}"),
    "pushgateway-old": _of("age of the push of push_time_s", 'job="backup"', f"1 of 1 series {_OLD}"),
    "target-removed": _of('targets of job "mcp": 1 target, fewer than expected', others="MF2 MF3 SM3"),
    "target-down": _of("1 of 2 targets is down (127.0.0.1:1: ", "connection refused", others=_NOT_SCRAPED),
    "rule-missing": _of("no such name among 9 rules", "alerting rule McpHeartbeatStale loaded"),
    "rule-error": _of("rule is failing (McpHighErrorRate: found duplicate"),
    "rule-dangling": _of("1 of 10 rules is about a metric without series", "McpQueueBacklog: mcp_queue_lenght)"),
    "rule-range-short": _of("1 of", "is too short", "mcp_errors_total[1s]"),
    "rules-empty": _of("0 groups with rules loaded", others="AL2 MF2"),
    "reload-failed": _of("the last reload of its configuration failed: the old one is in force"),
    "alertmanager-disconnected": _of("0 Alertmanagers connected"),
    "route-wrong": _of('{severity="page", team="mcp"}', "does not reach pager; goes to chat"),
    "receiver-missing": _of("expected receiver not in the configuration", "pager: does not exist)"),
    "alertmanager-down": _of('job "alertmanager": 1 of 1 target is down (', "connection refused", others="AL3 AL4 SM5"),
    "receiver-dead": _of("requests_failed_total[", "is not <= 0 (", "webhook"),
    "silence-all": _of("1 of 1 silence is hiding everything", ": hides everything)", others="AL4"),
    "silence-pages": _of('{severity="page"', "silenced by 1 silence"),
    "alert-inhibited": _of('{severity="warning"', "inhibited by 1 alert"),
    "prometheus-down": _of("1 of 1 data source is unhealthy (Prometheus: Post ", others=f"SM5 {_BY_PROMETHEUS}"),
    "prometheus-hangs": _of("prometheus: no answer to the last 2 requests", others=f"DB2 {_BY_PROMETHEUS}"),
    "log-broken-line": _of("lines are invalid", "not JSON"),
    "log-banner": _of("lines are invalid", "not JSON"),
    "log-schema": _of("lines are invalid", "duration_ms: '12 ms' is not of type 'number'"),
    "log-silent": _of("a line of every instance at most 5 s old"),
    "log-old-timestamps": _of("outside of the window", "before the window"),
    "log-future-timestamps": _of("outside of the window", "in the future"),
    "log-errors": _of("at ERROR or above", "timeout after <number> ms calling payments", others="LO5"),
    "log-debug": _of("lines are at DEBUG"),
    "log-without-levels": _of("no data: none of", "has a recognised level", others="LO5"),
    "log-trace-malformed": _of("trace ids are malformed"),
    "log-trace-missing": _of("lines are without a trace id"),
    "log-new-error": _of("1 of 1 error signature is new", "column user_tier does not exist"),
    "certificate-expiring": _of("1 of 1 address is about to expire", "expires in 3"),
    "certificate-wrong-name": _of("1 of 1 address is for another name", "it is for old.example.com"),
    "certificate-self-signed": _of("1 of 1 address is self-signed"),
    "certificate-without-chain": _of("sent without its issuer's certificate", "CN=Sandbox Intermed"),
    "tls-old-version": _of("1 of 1 address is agreeing to TLSv1.1"),
    "tls-port-closed": _of("1 of 1 address is refusing connections"),
    "rollout-stuck": _of("1 out of 2 new replicas have been updated", others="KU2 KU6 SM3"),
    "rolled-back": _of("its template does not ask for :1.4.2", others="SM3"),
    "tag-moved": _of("2 different images run as"),
    "old-pod-stuck": _of("1 pod of an older revision should be gone by now", others="KU2 SM3"),
    "scaled-to-zero": _of("no data: 0 replicas are desired", others="KU2 KU4 KU6 SM3"),
    "crash-loop": _of("1 container stuck or killed", others="KU1 KU3 KU6"),
    "oom-killed": _of("1 restart"),
    "image-missing": _of("1 container stuck or killed", others="KU1 KU6 SM3"),
    "node-down": _of("1 of 3 nodes is not ready"),
    "node-silent": _of("on a node that gives no sign of life", others="KU4"),
    "right-lost": _of("1 of 17 permissions is missing", others="KU1 KU2 KU3 KU4 KU6 SM3"),
    "secret-key-missing": _of("missing: password"),
    "memory-tight": _of("1 container above"),
    "policy-missing": _of("2 pods without one"),
    "policy-open": _of("2 pods under one that lets everything through"),
    "budget-doubled": _of("2 budgets select its pods (mcp, mcp-platform): no eviction is possible at all"),
    "autoscaler-blind": _of("mcp: ScalingActive is False: FailedGetResourceMetric"),
    "limit-missing": _of("1 container without", others="KU6"),
    "storage-class-missing": _of("missing: local-fast"),
    "setting-missing": _of("missing: settings.toml; it has settings.yaml"),
    "pod-complaint": _of("1 Warning event: FailedMount (1)"),
    "cluster-throttled": _of("429, the server has too many requests", others="KU2 KU3 KU4 KU5 KU6 KU7 SM3"),
    "dashboard-missing": _of("there is no dashboard mcp-journal for this credential", others="DB3"),
    "dashboard-hidden": _of("403, ", "it lacks the permission dashboards:read", others="DB3 DB4"),
    "dashboard-empty": _of("dashboard mcp-journal: it has no panel", others="DB3"),
    "dashboard-outdated": _of("differences from mcp-overview.json (worst: panels.length: 8)"),
    "dashboard-schema": _of("a dashboard of a schema that is not known here", others="DB3"),
    "panel-without-data": _of("1 of 3 panels is empty (Tool calls: no data)"),
    "panel-not-a-number": _of("1 of 3 panels is empty (Tool calls: no number among "),
    "panel-error": _of("1 of 2 panels is in error (Disk: bad_data: ", "unclosed left parenthesis", others="DB4"),
    "variable-unresolved": _of("1 of 3 panels is not asked (Bytes: query A: the variable $job has no value)"),
    "library-panel-missing": _of("is broken (Uptime: it is the library panel mcp-uptime, which is not there)"),
    "datasource-unhealthy": _of("1 of 1 data source is unhealthy (Archive: Post ", others="DB3"),
    "datasource-missing": _of("there is no data source Archive; there are: Prometheus", others="DB3"),
    "grafana-rule-error": _of("1 of 1 rule is unfit (Heartbeat is old: ", "unclosed left parenthesis"),
    "grafana-rule-without-data": _of("1 of 1 rule is unfit (Too many threads: its query brings no data"),
    "grafana-database-down": _of("ready: its database is failing"),
    "grafana-login-wall": _of("302, redirected to what looks like a login page: /login?next=", others=_OF_GRAFANA),
    "grafana-token-refused": _of("401, the bearer token from file ", "was not accepted", others=_OF_GRAFANA),
    "grafana-anonymous": _of("the credential is ignored: Grafana answers as to nobody", others="DB1 DB2 DB3 DB4"),
    "grafana-role-lost": _of("it lacks the permission dashboards:read", others="AL1 DB2 DB3 DB4"),
}
"""Every fault's, by the fault's name."""
