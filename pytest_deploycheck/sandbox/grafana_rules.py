"""Alert rules of the Grafana stand-in: evaluated when somebody asks, against the data source they are about."""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING, Any

from pytest_deploycheck.sandbox import grafana_errors as errors
from pytest_deploycheck.sandbox.grafana_sources import HTTP_OK, Unreachable, ask
from pytest_deploycheck.sandbox.grafana_state import moment

if TYPE_CHECKING:
    from pytest_deploycheck.sandbox.endpoints import Reply
    from pytest_deploycheck.sandbox.grafana_state import Account, AlertRule, Grafana

INTERVAL_SECONDS = 10


def statuses(grafana: Grafana, account: Account) -> Reply:
    """Return the answer to `GET /api/prometheus/grafana/api/v1/rules`: rules in folders one does not see are left out.

    A rule without data is `inactive`, as one is that found nothing wrong; only its health tells them apart.
    """
    groups: list[dict[str, Any]] = []
    for (folder, name), rules in _groups(grafana, account).items():
        found = [_evaluated(grafana, rule) for rule in rules]
        home = grafana.folder(folder)
        groups.append(
            {
                "name": name,
                "file": home.title if home else folder,
                **({"folderUid": folder} if grafana.unified else {}),
                "rules": found,
                "totals": dict(Counter(rule["state"] for rule in found)),
                "interval": INTERVAL_SECONDS,
                "lastEvaluation": moment(time.time()),
                "evaluationTime": 0.002,
            }
        )
    totals = dict(Counter(rule["state"] for group in groups for rule in group["rules"]))
    return errors.answer({"status": "success", "data": {"groups": groups, "totals": totals}})


def definitions(grafana: Grafana, account: Account) -> Reply:
    """Return the answer to `GET /api/ruler/grafana/api/v1/rules`: folder title → groups."""
    found: dict[str, list[dict[str, Any]]] = {}
    for (folder, name), rules in _groups(grafana, account).items():
        home = grafana.folder(folder)
        found.setdefault(home.title if home else folder, []).append(
            {"name": name, "interval": f"{INTERVAL_SECONDS}s", "rules": [_definition(rule) for rule in rules]}
        )
    return errors.answer(found)


def _groups(grafana: Grafana, account: Account) -> dict[tuple[str, str], list[AlertRule]]:
    groups: dict[tuple[str, str], list[AlertRule]] = {}
    for rule in grafana.rules:
        if account.sees(rule.folder):
            groups.setdefault((rule.folder, rule.group), []).append(rule)
    return groups


def _evaluated(grafana: Grafana, rule: AlertRule) -> dict[str, Any]:
    samples, problem = _samples(grafana, rule)
    firing = [(labels, value) for labels, value in samples if value > rule.above]
    health = "error" if problem else "ok" if samples else "nodata"
    special = {"error": "Error", "nodata": "NoData"}.get(health)
    now = moment(time.time())
    alerts: list[dict[str, Any]] = [
        {
            "labels": {"alertname": rule.title, **rule.labels, **labels}, "annotations": {},
            "state": "Alerting", "activeAt": now, "value": f"{value:e}",
        }
        for labels, value in firing
    ]  # fmt: skip
    if special:
        alerts = [
            {
                "labels": {"alertname": rule.title, **rule.labels}, "state": special, "activeAt": now, "value": "",
                "annotations": {"Error": problem} if problem else {},
            }
        ]  # fmt: skip
    return {
        "state": "firing" if firing else "inactive", "name": rule.title, "query": rule.expr, "duration": 0,
        **({"activeAt": now} if firing else {}), "labels": rule.labels, "annotations": {}, "alerts": alerts,
        "totals": dict(Counter(alert["state"].lower() for alert in alerts)), "health": health,
        **({"lastError": problem} if problem else {}), "type": "alerting", "lastEvaluation": now,
        "evaluationTime": 0.001, **({"uid": rule.uid, "folderUid": rule.folder} if grafana.unified else {}),
    }  # fmt: skip


def _samples(grafana: Grafana, rule: AlertRule) -> tuple[list[tuple[dict[str, str], float]], str]:
    source = grafana.datasource(rule.datasource)
    if source is None:
        return [], "failed to build query 'A': data source not found"
    try:
        status, reason, document = ask(source, "query", {"query": rule.expr, "time": f"{time.time():.3f}"})
    except Unreachable as error:
        return [], f"[sse.dataQueryError] failed to execute query [A]: {error}"
    if status != HTTP_OK or not isinstance(document, dict):
        text = document.get("error", reason) if isinstance(document, dict) else reason
        return [], f"[sse.dataQueryError] failed to execute query [A]: {text}"
    data = document["data"]
    if data["resultType"] != "vector":
        return [({}, float(data["result"][1]))], ""
    return [(one["metric"], float(one["value"][1])) for one in data["result"]], ""


def _definition(rule: AlertRule) -> dict[str, Any]:
    query = {"refId": "A", "datasourceUid": rule.datasource, "model": {"expr": rule.expr, "refId": "A"}}
    return {
        "expr": "",
        "for": "0s",
        "labels": rule.labels,
        "grafana_alert": {
            "uid": rule.uid, "title": rule.title, "condition": "A", "data": [query], "namespace_uid": rule.folder,
            "rule_group": rule.group, "no_data_state": "NoData", "exec_err_state": "Error", "is_paused": False,
        },
    }  # fmt: skip
