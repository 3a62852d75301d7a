"""Pieces of dashboard models, of both schemas."""

from __future__ import annotations

from typing import Any

DATASOURCE_VARIABLE: dict[str, Any] = {
    "name": "source", "type": "datasource", "query": "prometheus", "label": "Source", "hide": 0, "includeAll": False,
    "multi": False, "options": [], "refresh": 1, "regex": "", "skipUrlSync": False,
}  # fmt: skip
WIDTH, HEIGHT = 12, 8
LEAST_STEP = "1s"
"""Of every panel: with a coarser one a stack that started seconds ago has no point yet."""


def target(
    expr: str,
    ref_id: str = "A",
    *,
    source: dict[str, str],
    instant: bool = False,
    legend: str = "__auto",
    hide: bool = False,
    form: str = "time_series",
) -> dict[str, Any]:
    """Return a query of a panel."""
    found: dict[str, Any] = {
        "refId": ref_id, "datasource": source, "expr": expr, "editorMode": "code", "legendFormat": legend,
        "instant": instant, "range": not instant, "format": form,
    }  # fmt: skip
    return {**found, "hide": True} if hide else found


def panel(number: int, title: str, kind: str, *targets: dict[str, Any], source: Any = None) -> dict[str, Any]:
    """Return a panel with its queries."""
    return {
        "id": number, "title": title, "type": kind, "datasource": source, "targets": list(targets),
        "gridPos": {"x": 0, "y": number, "w": WIDTH, "h": HEIGHT}, "fieldConfig": {"defaults": {}, "overrides": []},
        "options": {}, "interval": LEAST_STEP,
    }  # fmt: skip


def text_panel(number: int, title: str, content: str) -> dict[str, Any]:
    """Return a panel that has nothing to ask."""
    return {
        "id": number, "title": title, "type": "text", "options": {"mode": "markdown", "content": content},
        "gridPos": {"x": 0, "y": 0, "w": WIDTH, "h": 2},
    }  # fmt: skip


def row(number: int, title: str, *panels: dict[str, Any]) -> dict[str, Any]:
    """Return a collapsed row: its panels are inside of it."""
    return {
        "id": number, "title": title, "type": "row", "collapsed": True, "panels": list(panels),
        "gridPos": {"x": 0, "y": number, "w": 24, "h": 1},
    }  # fmt: skip


def repeated(one: dict[str, Any], name: str) -> dict[str, Any]:
    """Return a panel that stands there once for each value of a variable."""
    return {**one, "repeat": name, "repeatDirection": "h", "maxPerRow": 3}


def library_reference(number: int, uid: str, name: str) -> dict[str, Any]:
    """Return what stands in a dashboard for a library panel: nothing of the panel itself."""
    return {
        "id": number, "title": name, "libraryPanel": {"uid": uid, "name": name},
        "gridPos": {"x": 0, "y": number, "w": WIDTH, "h": HEIGHT},
    }  # fmt: skip


def variable(
    name: str,
    value: str | list[str],
    *,
    query: str,
    kind: str = "query",
    multi: bool = False,
    all_value: str | None = None,
) -> dict[str, Any]:
    """Return a variable with its current value; `["$__all"]` is all of them.

    Args:
        name: its name.
        value: what is chosen.
        query: where its values come from.
        kind: its type.
        multi: whether several can be chosen.
        all_value: what stands for all of them; empty for "any of the values", None if there is no such choice.
    """
    whole = value == ["$__all"]
    found: dict[str, Any] = {
        "name": name, "type": kind, "query": query, "hide": 0, "multi": multi, "includeAll": all_value is not None,
        "current": {"selected": True, "text": ["All"] if whole else value, "value": value},
        "options": [], "refresh": 1, "regex": "", "skipUrlSync": False, "sort": 0,
    }  # fmt: skip
    if kind == "query":
        found |= {"definition": query, "query": {"query": query, "refId": "StandardVariableQuery"}}
    return {**found, "allValue": all_value} if all_value else found


def v2_panel(number: int, title: str, expr: str, *, source: str) -> dict[str, Any]:
    """Return a panel of the v2 schema."""
    query = {"kind": "DataQuery", "group": "prometheus", "version": "v0", "datasource": {"name": source},
             "spec": {"expr": expr, "range": True, "editorMode": "code"}}  # fmt: skip
    return {
        "kind": "Panel",
        "spec": {
            "id": number, "title": title, "links": [],
            "data": {"kind": "QueryGroup", "spec": {
                "queries": [{"kind": "PanelQuery", "spec": {"refId": "A", "hidden": False, "query": query}}],
                "queryOptions": {"interval": LEAST_STEP}, "transformations": [],
            }},
            "vizConfig": {"kind": "VizConfig", "group": "timeseries", "version": "12.1.1",
                          "spec": {"options": {}, "fieldConfig": {"defaults": {}, "overrides": []}}},
        },
    }  # fmt: skip


def v2_variable(name: str, value: str, query: str, *, source: str) -> dict[str, Any]:
    """Return a variable of the v2 schema with its current value."""
    return {
        "kind": "QueryVariable",
        "spec": {
            "name": name, "current": {"text": value, "value": value}, "hide": "dontHide", "refresh": "onDashboardLoad",
            "skipUrlSync": False, "regex": "", "sort": "disabled", "definition": query, "options": [], "multi": False,
            "includeAll": False, "allowCustomValue": True,
            "query": {"kind": "DataQuery", "group": "prometheus", "version": "v0", "datasource": {"name": source},
                      "spec": {"query": query, "refId": "StandardVariableQuery"}},
        },
    }  # fmt: skip
