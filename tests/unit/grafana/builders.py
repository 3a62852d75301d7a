"""Dashboards, panels and results for the tests of Grafana's room."""

from __future__ import annotations

from typing import Any

from pytest_deploycheck.clients.grafana import classic
from pytest_deploycheck.clients.grafana.planning import Planned, Window, plan
from pytest_deploycheck.clients.grafana.sources import Sources
from pytest_deploycheck.clients.grafana.templating import resolve
from pytest_deploycheck.model.grafana import Dashboard, DataSource, Panel, PanelResult, Query, RefResult

PROMETHEUS = DataSource(uid="prom", name="Prometheus", type="prometheus", is_default=True, interval=1.0)
EDGE = DataSource(uid="edge", name="Edge", type="prometheus")
LOKI = DataSource(uid="loki", name="Loki", type="loki")
NOW = 1_800_000_000.0


def sources(*listed: DataSource) -> Sources:
    return Sources(lambda: listed or (PROMETHEUS, EDGE, LOKI))


def dashboard(*panels: dict[str, Any], variables: list[dict[str, Any]] | None = None) -> Dashboard:
    document = {"title": "D", "panels": list(panels), "templating": {"list": variables or []}}
    return Dashboard(
        uid="d", title="D", panels=classic.panels(document), variables=classic.variables(document), document=document
    )


def panel(expr: str = "up", **fields: Any) -> dict[str, Any]:
    given: dict[str, Any] = {"id": 1, "title": "P", "type": "timeseries", "targets": [{"refId": "A", "expr": expr}]}
    return given | fields


def planned(found: Dashboard, *, longest: float | None = None) -> list[Planned]:
    known = sources()
    chosen = resolve(found.variables, {}, known, lambda *_: None)
    window = Window(seconds=900, longest=longest, now=NOW)
    return list(plan(found, chosen.scope, chosen.without, known, window))


def exprs(found: Dashboard) -> list[str]:
    return [query["expr"] for one in planned(found) for query in (one.body or {"queries": []})["queries"]]


def result(*results: RefResult, title: str = "P", number: int = 1, row: str = "", **fields: Any) -> PanelResult:
    queries = tuple(Query(ref_id=one.ref_id, model={}) for one in results)
    shown = Panel(id=number, title=title, type="timeseries", queries=queries, row=row)
    return PanelResult(panel=shown, title=title, results=results, **fields)


def ref(values: int = 3, letter: str = "A", **fields: Any) -> RefResult:
    given: dict[str, Any] = {"points": values, "frames": 1, "newest": NOW - 5 if values else None}
    return RefResult(ref_id=letter, values=values, **(given | fields))
