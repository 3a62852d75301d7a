"""The ways in which the demo Grafana can be broken: each changes a sound one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_deploycheck.sandbox.grafana_demo import (
    CAPACITY,
    EDGE,
    FOLDER,
    JOURNAL,
    OVERVIEW,
    TOKEN,
    VECTORS,
    VERSION_SAVED,
)
from pytest_deploycheck.sandbox.grafana_state import Account

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from pytest_deploycheck.sandbox.grafana_state import Grafana

RENAMED = "mcp_tool_invocations_total"
"""What the metric of a panel was called before this release."""


def panels(spec: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Return the panels of a v1 model, those in collapsed rows as well."""
    for one in spec["panels"]:
        yield one
        yield from one.get("panels", ())


def _spec(grafana: Grafana, uid: str) -> dict[str, Any]:
    found = grafana.dashboard(uid)
    if found is None:
        raise KeyError(uid)
    return found.spec


def _query(grafana: Grafana, uid: str, title: str) -> dict[str, Any]:
    """Return the first query of a panel."""
    found: dict[str, Any] = next(one for one in panels(_spec(grafana, uid)) if one["title"] == title)["targets"][0]
    return found


def _dashboard_missing(grafana: Grafana) -> None:
    grafana.dashboards = [one for one in grafana.dashboards if one.uid != JOURNAL]


def _dashboard_hidden(grafana: Grafana) -> None:
    whole = grafana.accounts[TOKEN]
    grafana.accounts[TOKEN] = Account(login=whole.login, role=whole.role, service=True, folders=frozenset({FOLDER, ""}))


def _dashboard_empty(grafana: Grafana) -> None:
    _spec(grafana, JOURNAL)["panels"] = []


def _dashboard_outdated(grafana: Grafana) -> None:
    found = grafana.dashboard(OVERVIEW)
    if found is not None:
        found.version = VERSION_SAVED - 1
        found.spec["panels"] = [one for one in found.spec["panels"] if one["title"] != "Latency"]


def _dashboard_schema(grafana: Grafana) -> None:
    spec = _spec(grafana, VECTORS)
    spec["widgets"] = [{"kind": "Widget", "spec": one["spec"]} for one in spec.pop("elements").values()]


def _panel_without_data(grafana: Grafana) -> None:
    _query(grafana, JOURNAL, "Tool calls")["expr"] = f"sum({RENAMED})"


def _panel_not_a_number(grafana: Grafana) -> None:
    _query(grafana, JOURNAL, "Tool calls")["expr"] = "sum(mcp_tool_calls_total * 0) / sum(mcp_tool_errors_total * 0)"


def _panel_error(grafana: Grafana) -> None:
    _query(grafana, CAPACITY, "Disk")["expr"] = "max(mcp_disk_used_ratio"


def _variable_unresolved(grafana: Grafana) -> None:
    _spec(grafana, VECTORS)["variables"] = []


def _library_panel_missing(grafana: Grafana) -> None:
    grafana.library.clear()


def _datasource_unhealthy(grafana: Grafana) -> None:
    for source in grafana.datasources:
        if source.uid == EDGE:
            source.url = "http://127.0.0.1:1"  # tcpmux: nobody has served it for decades


def _datasource_missing(grafana: Grafana) -> None:
    grafana.datasources = [source for source in grafana.datasources if source.uid != EDGE]


def _rule_error(grafana: Grafana) -> None:
    grafana.rules[0].expr = "max(time() - mcp_heartbeat_timestamp_seconds"


def _rule_without_data(grafana: Grafana) -> None:
    grafana.rules[1].expr = "max(mcp_threads_total)"


def _database_down(grafana: Grafana) -> None:
    grafana.database = False


def _login_wall(grafana: Grafana) -> None:
    grafana.login_wall = True


def _token_refused(grafana: Grafana) -> None:
    del grafana.accounts[TOKEN]


def _token_ignored(grafana: Grafana) -> None:
    grafana.strips = True
    grafana.anonymous = Account(login="anonymous", folders=frozenset({FOLDER, ""}))


def _role_lost(grafana: Grafana) -> None:
    grafana.accounts[TOKEN] = Account(login=grafana.accounts[TOKEN].login, role="None", service=True)


GRAFANA_FAULTS: Mapping[str, Callable[[Grafana], None]] = {
    "dashboard-missing": _dashboard_missing,
    "dashboard-hidden": _dashboard_hidden,
    "dashboard-empty": _dashboard_empty,
    "dashboard-outdated": _dashboard_outdated,
    "dashboard-schema": _dashboard_schema,
    "panel-without-data": _panel_without_data,
    "panel-not-a-number": _panel_not_a_number,
    "panel-error": _panel_error,
    "variable-unresolved": _variable_unresolved,
    "library-panel-missing": _library_panel_missing,
    "datasource-unhealthy": _datasource_unhealthy,
    "datasource-missing": _datasource_missing,
    "grafana-rule-error": _rule_error,
    "grafana-rule-without-data": _rule_without_data,
    "grafana-database-down": _database_down,
    "grafana-login-wall": _login_wall,
    "grafana-token-refused": _token_refused,
    "grafana-anonymous": _token_ignored,
    "grafana-role-lost": _role_lost,
}
"""Fault → what it does to a sound Grafana."""
