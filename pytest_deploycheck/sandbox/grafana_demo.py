"""The demo Grafana: what a team would have for the demo service, sound in every part."""

from __future__ import annotations

import time
from typing import Any

from pytest_deploycheck.sandbox.grafana_models import (
    DATASOURCE_VARIABLE,
    library_reference,
    panel,
    repeated,
    row,
    target,
    text_panel,
    v2_panel,
    v2_variable,
    variable,
)
from pytest_deploycheck.sandbox.grafana_state import (
    NEWER,
    Account,
    AlertRule,
    Dashboard,
    DataSource,
    Folder,
    Grafana,
    LibraryPanel,
)

TOKEN = "glsa_demoGrafanaTokenOfTheSandbox_0a1b2c3d"  # noqa: S105 - opens nothing but this
VIEWER_TOKEN = "glsa_demoGrafanaViewerOfTheSandbox_4e5f6a7b"  # noqa: S105 - the same
USER, PASSWORD = "admin", "no-real-password"
MAIN, EDGE = "mcp-prometheus", "mcp-archive"
"""The uids of the data sources: of the panels, and of nearly none of them."""
FOLDER, PLATFORM = "mcp", "platform"
OVERVIEW, JOURNAL, VECTORS, CAPACITY = "mcp-overview", "mcp-journal", "mcp-vectors", "platform-capacity"
VERSION_SAVED = 7
_SOURCE = {"type": "prometheus", "uid": "${source}"}
_ROUTES = ["/sessions", "/api/v1/ping", "/api/v1/info"]


def demo_grafana(
    prometheus: str, *, version: str = NEWER, interval: str = "1s", saved_at: float | None = None
) -> Grafana:
    """Return the Grafana.

    Args:
        prometheus: the base URL of the Prometheus behind its data sources.
        version: whose behaviour it has.
        interval: of that Prometheus's scrapes.
        saved_at: when its dashboards were saved, in Unix seconds; now if it is not given.
    """
    saved = time.time() if saved_at is None else saved_at
    admin = Account(login="deploycheck", role="Admin", service=True)
    grafana = Grafana(
        version=version,
        accounts={TOKEN: admin, VIEWER_TOKEN: Account(login="viewer", service=True, folders=frozenset({FOLDER, ""}))},
        users={USER: (PASSWORD, Account(login=USER, role="Admin"))},
        folders=[Folder(id=10, uid=FOLDER, title="MCP"), Folder(id=11, uid=PLATFORM, title="Platform")],
        datasources=[
            DataSource(id=1, uid=MAIN, name="Prometheus", url=prometheus, default=True, interval=interval),
            DataSource(id=2, uid=EDGE, name="Archive", url=prometheus, interval=interval),
        ],
        library=[LibraryPanel(id=1, uid="mcp-uptime", name="Uptime", folder=FOLDER, model=_uptime())],
    )
    grafana.dashboards = [
        Dashboard(id=20, uid=OVERVIEW, folder=FOLDER, version=VERSION_SAVED, spec=_overview()),
        Dashboard(id=21, uid=JOURNAL, folder=FOLDER, spec=_journal()),
        Dashboard(id=22, uid=VECTORS, folder=FOLDER, schema="v2", version=3, spec=_vectors()),
        Dashboard(id=23, uid=CAPACITY, folder=PLATFORM, spec=_capacity(), provisioned=False),
    ]
    for one in grafana.dashboards:
        one.updated = saved
    grafana.rules = [
        AlertRule(
            uid="mcp-heartbeat", title="Heartbeat is old", folder=FOLDER, group="mcp", datasource=MAIN,
            expr="max(time() - mcp_heartbeat_timestamp_seconds)", above=300.0, labels={"team": "mcp"},
        ),
        AlertRule(
            uid="mcp-threads", title="Too many threads", folder=FOLDER, group="mcp", datasource=MAIN,
            expr="max(mcp_threads)", above=500.0,
        ),
    ]  # fmt: skip
    return grafana


def _uptime() -> dict[str, Any]:
    source = {"type": "prometheus", "uid": MAIN}
    return panel(0, "Uptime", "stat", target("min(mcp_uptime_seconds)", source=source, instant=True), source=source)


def _overview() -> dict[str, Any]:
    job, route = '{job="$job"}', '{job=~"$job",route=~"$route"}'
    return {
        "title": "MCP overview", "tags": ["mcp", "generated"], "schemaVersion": 39, "timezone": "browser",
        "time": {"from": "now-5m", "to": "now"}, "refresh": "10s", "editable": False, "links": [],
        "annotations": {"list": []},
        "templating": {"list": [
            DATASOURCE_VARIABLE | {"current": {"text": "Prometheus", "value": MAIN}},
            variable("job", "mcp", query="label_values(mcp_build_info, job)"),
            variable("instance", ["$__all"], query="label_values(up, instance)", multi=True, all_value=""),
            variable("route", _ROUTES, query="label_values(mcp_http_requests_total, route)", multi=True),
            variable("quantile", "0.95", kind="custom", query="0.5,0.95,0.99"),
        ]},
        "panels": [
            text_panel(1, "About", "Requests, latencies and errors of the service `mcp`."),
            panel(2, "Requests", "timeseries", target(
                f"sum by (route) (rate(mcp_http_requests_total{route}[$__rate_interval]))",
                source=_SOURCE, legend="{{route}}",
            ), source=_SOURCE),
            panel(3, "Latency", "timeseries", target(
                "histogram_quantile($quantile, sum by (le) "
                f"(rate(mcp_http_request_duration_seconds_bucket{job}[$__rate_interval])))",
                source=_SOURCE,
            ), target("not_a_metric_yet", "B", source=_SOURCE, hide=True), source=_SOURCE),
            panel(4, "Sessions", "stat", target(
                'sum(increase(mcp_journal_sessions_total{job="${job}",instance=~"$instance"}[$__range]))',
                source=_SOURCE, instant=True,
            ), source=_SOURCE),
            repeated(panel(5, "Requests of $route", "stat", target(
                f'sum(mcp_http_requests_total{{job="{"$job"}",route="$route"}})', source=_SOURCE, instant=True,
            ), source=_SOURCE), "route"),
            library_reference(6, "mcp-uptime", "Uptime"),
            panel(7, "Both stores", "timeseries",
                  target("sum(mcp_cache_entries)", source={"type": "prometheus", "uid": MAIN}),
                  target("sum(mcp_queue_depth)", "B", source={"type": "prometheus", "uid": EDGE}),
                  source={"type": "datasource", "uid": "-- Mixed --"}),
            row(8, "Internals", panel(9, "Heartbeat's age", "gauge", target(
                f"max(time() - mcp_heartbeat_timestamp_seconds{job})", source=_SOURCE, instant=True,
            ), source=_SOURCE), panel(10, "Threads", "table", target(
                f"mcp_threads{job}", source=_SOURCE, instant=True, form="table",
            ), source=_SOURCE)),
            panel(11, "Requests again", "piechart", {
                "refId": "A", "panelId": 2, "datasource": {"type": "datasource", "uid": "-- Dashboard --"},
            }, source={"type": "datasource", "uid": "-- Dashboard --"}),
        ],
    }  # fmt: skip


def _journal() -> dict[str, Any]:
    """Return a dashboard as older Grafanas wrote them: rows of panels, a data source by name or none at all."""
    return {
        "title": "MCP journal", "tags": ["mcp"], "schemaVersion": 30, "time": {"from": "now-5m", "to": "now"},
        "templating": {"list": []}, "annotations": {"list": []},
        "panels": [
            panel(1, "Entries", "graph", {"expr": "sum(rate(mcp_journal_entries_total[10s]))", "refId": "A"}),
            panel(2, "Sessions", "singlestat", {
                "expr": "sum(mcp_journal_sessions_total)", "refId": "A", "instant": True,
            }, source="Prometheus"),
            panel(3, "Tool calls", "timeseries", {"expr": "sum(mcp_tool_calls_total)", "refId": "A"}),
        ],
    }  # fmt: skip


def _vectors() -> dict[str, Any]:
    elements = {
        "panel-1": v2_panel(1, "Vectors", "sum(mcp_vector_memory_count)", source=MAIN),
        "panel-2": v2_panel(2, "Bytes", 'sum(mcp_vector_memory_bytes{job="$job"})', source=MAIN),
        "panel-3": {
            "kind": "LibraryPanel",
            "spec": {"id": 3, "title": "Uptime", "libraryPanel": {"uid": "mcp-uptime", "name": "Uptime"}},
        },
    }
    items = [
        {"kind": "GridLayoutItem", "spec": {
            "x": 0, "y": 8 * number, "width": 24, "height": 8, "element": {"kind": "ElementReference", "name": name},
        }}
        for number, name in enumerate(elements)
    ]  # fmt: skip
    return {
        "title": "MCP vectors", "tags": ["mcp"], "annotations": [], "cursorSync": "Off", "editable": False,
        "links": [], "preload": False, "elements": elements, "layout": {"kind": "GridLayout", "spec": {"items": items}},
        "timeSettings": {
            "from": "now-5m", "to": "now", "autoRefresh": "", "autoRefreshIntervals": ["10s"], "hideTimepicker": False,
            "fiscalYearStartMonth": 0,
        },
        "variables": [v2_variable("job", "mcp", "label_values(mcp_build_info, job)", source=MAIN)],
    }  # fmt: skip


def _capacity() -> dict[str, Any]:
    source = {"type": "prometheus", "uid": MAIN}
    return {
        "title": "Platform capacity", "tags": ["platform"], "schemaVersion": 39,
        "time": {"from": "now-5m", "to": "now"}, "templating": {"list": []}, "annotations": {"list": []},
        "panels": [
            panel(1, "Memory", "timeseries", target("sum(mcp_memory_used_bytes)", source=source), source=source),
            panel(2, "Disk", "gauge", target("max(mcp_disk_used_ratio)", source=source, instant=True), source=source),
        ],
    }  # fmt: skip
