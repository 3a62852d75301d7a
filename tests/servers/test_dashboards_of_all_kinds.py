"""Dashboards as people export them, in the Grafana stand-in, over a real Prometheus that scrapes a real node exporter.

Every panel is executed, or refused with a reason. Other dashboards join in by the environment:
`DEPLOYCHECK_DASHBOARDS='~/dashboards/*.json' pytest tests/servers/test_dashboards_of_all_kinds.py`.
"""

from __future__ import annotations

import glob
import json
import os
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_deploycheck.errors import DeploycheckError
from pytest_deploycheck.sandbox.grafana_api import GrafanaApi
from pytest_deploycheck.sandbox.grafana_demo import FOLDER, TOKEN, demo_grafana
from pytest_deploycheck.sandbox.grafana_models import row, target, text_panel
from pytest_deploycheck.sandbox.grafana_state import Dashboard
from tests.servers.fixed_grafana import listening
from tests.servers.grafana_faces import Served

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pytest_deploycheck.clients.prometheus import PrometheusClient
    from pytest_deploycheck.face.dashboards import PanelsAnswer
    from pytest_deploycheck.model.grafana import PanelResult

SOURCE = {"type": "prometheus", "uid": "${source}"}
HERE = 'job="$job",instance="$instance"'


def chained(name: str, query: str) -> dict[str, Any]:
    """Return a variable as an export leaves it: without a value, to be asked for when the dashboard is opened."""
    return {
        "name": name, "type": "query", "current": {}, "options": [], "refresh": 1, "regex": "", "sort": 1,
        "includeAll": False, "datasource": SOURCE, "definition": query,
        "query": {"query": query, "refId": f"Prometheus-{name}-Variable-Query"},
    }  # fmt: skip


def shown(number: int, title: str, kind: str, *targets: dict[str, Any]) -> dict[str, Any]:
    """Return a panel without an interval of its own."""
    return {"id": number, "title": title, "type": kind, "datasource": SOURCE, "targets": list(targets)}


def ask(expr: str, ref_id: str = "A", **more: Any) -> dict[str, Any]:
    """Return a query."""
    return target(expr, ref_id, source=SOURCE, **more)


HOST: dict[str, Any] = {
    "title": "Host", "uid": "host", "schemaVersion": 41, "time": {"from": "now-24h", "to": "now"}, "refresh": "1m",
    "templating": {"list": [
        {"name": "source", "type": "datasource", "query": "prometheus", "current": {}, "options": [], "refresh": 1},
        chained("job", "label_values(node_uname_info, job)"),
        chained("host", 'label_values(node_uname_info{job="$job"}, nodename)'),
        chained("instance", 'label_values(node_uname_info{job="$job", nodename="$host"}, instance)'),
        {"name": "share", "type": "interval", "query": "30s,1m", "current": {"text": "30s", "value": "30s"}},
    ]},
    "panels": [
        text_panel(1, "About", "One host."),
        shown(2, "CPU busy", "gauge", ask(
            f'100 * (1 - avg(rate(node_cpu_seconds_total{{mode="idle",{HERE}}}[$__rate_interval])))', instant=True,
        )),
        shown(3, "Memory", "bargauge",
              ask(f"node_memory_MemTotal_bytes{{{HERE}}}", "total", instant=True),
              ask(f"node_memory_MemAvailable_bytes{{{HERE}}}", "left", instant=True)),
        shown(4, "Uptime", "stat",
              ask(f"node_time_seconds{{{HERE}}} - node_boot_time_seconds{{{HERE}}}", instant=True)),
        shown(5, "Hosts", "table", ask("node_uname_info", form="table", instant=True)),
        shown(6, "Load", "timeseries", ask(f"node_load1{{{HERE}}}"), ask("node_load1 offset 400d", "B", hide=True)),
        row(7, "CPU",
            shown(8, "CPU by mode", "timeseries", ask(
                f"sum by (mode) (irate(node_cpu_seconds_total{{{HERE}}}[$share])) / on () group_left () "
                f"count(count by (cpu) (node_cpu_seconds_total{{{HERE}}})) * 100",
            )),
            shown(9, "Context switches", "timeseries",
                  ask(f"rate(node_context_switches_total{{{HERE}}}[$__rate_interval])"))),
        row(10, "Not here",
            shown(11, "ZFS", "timeseries", ask(f"node_zfs_arc_size{{{HERE}}}")),
            shown(12, "By a variable that is gone", "timeseries", ask('node_load1{cluster="$cluster"}'))),
        shown(13, "What cannot be parsed", "stat", ask("rate(node_load1[)", instant=True)),
    ],
}  # fmt: skip


def count_panels(panels: list[dict[str, Any]]) -> int:
    """Return how many panels there are, without the rows that hold them."""
    return sum(count_panels(one.get("panels") or []) if one.get("type") == "row" else 1 for one in panels)


@contextmanager
def grafana_with(specs: Mapping[str, Any], prometheus: PrometheusClient, directory: Path) -> Iterator[Served]:
    """Serve dashboards by uid."""
    demo = demo_grafana(prometheus.wire.endpoint.base_url)
    for number, (uid, spec) in enumerate(specs.items()):
        dashboard = Dashboard(id=100 + number, uid=uid, folder=FOLDER, version=1, spec=spec)
        dashboard.updated = time.time()
        demo.dashboards.append(dashboard)
    with listening(GrafanaApi(demo).answer) as url:
        served = Served(demo, url, directory, token=TOKEN)
        try:
            yield served
        finally:
            served.wire.close()


def word(result: PanelResult) -> str:
    """Return what came of a panel, in a word or with its reason."""
    if result.skipped:
        return "skipped"
    if reason := result.refused or result.failure:
        return reason
    if errors := [one.error for one in result.results if one.error]:
        return errors[0]
    return "data" if any(one.values for one in result.results) else "no data"


def judged(panels: PanelsAnswer) -> str:
    """Return what the panels come to, in words."""
    try:
        found = panels.show_data()
        bool(found)
    except DeploycheckError as error:
        return error.headline
    return found.finding.observed


def test_an_exported_dashboard_is_filled_and_executed(node_exporter: PrometheusClient, tmp_path: Path) -> None:
    with grafana_with({"host": HOST}, node_exporter, tmp_path) as served:
        panels = served.grafana.dashboard("host").panels
        assert {result.panel.title: word(result) for result in panels} == {
            "About": "skipped",
            "CPU busy": "data",
            "Memory": "data",
            "Uptime": "data",
            "Hosts": "data",
            "Load": "data",
            "CPU by mode": "data",
            "Context switches": "data",
            "ZFS": "no data",
            "By a variable that is gone": "query A: the variable $cluster has no value",
            "What cannot be parsed": (
                'bad_data: invalid parameter "query": 1:17: parse error: missing unit character in duration'
            ),
        }
        assert not panels.show_data()
    assert len(panels) == count_panels(HOST["panels"]) == 11


def test_every_panel_is_executed_or_refused_with_a_reason(node_exporter: PrometheusClient, tmp_path: Path) -> None:
    pattern = os.environ.get("DEPLOYCHECK_DASHBOARDS", "")
    specs = {"host": HOST}
    if pattern:
        files = sorted(glob.glob(str(Path(pattern).expanduser()), recursive=True))  # noqa: PTH207 - an absolute pattern
        assert files, f"there is no file {pattern}"
        specs = {Path(file).stem: json.loads(Path(file).read_text()) for file in files}
    with grafana_with(specs, node_exporter, tmp_path) as served:
        for uid, spec in specs.items():
            results = served.grafana.dashboard(uid).panels
            assert len(results) >= count_panels(spec["panels"]) > 0, uid
            for result in results:
                assert word(result), f"{uid}, {result.title}: refused without a reason"
                assert result.skipped or result.refused or result.results or result.failure, f"{uid}, {result.title}"
            assert judged(results), uid
