"""Annotations of the Grafana stand-in."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from pytest_deploycheck.sandbox import grafana_errors as errors

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_deploycheck.sandbox.endpoints import Reply
    from pytest_deploycheck.sandbox.grafana_state import Account, Grafana

DEFAULT_LIMIT = 100


def add(grafana: Grafana, account: Account, body: bytes) -> Reply:
    """Return the answer to `POST /api/annotations`."""
    try:
        given = json.loads(body)
        text, panel = given.get("text", ""), int(given.get("panelId") or 0)
        now = int(time.time() * 1000)
        start = int(given.get("time") or now)
        end = int(given.get("timeEnd") or start)
        tags = [str(tag) for tag in given.get("tags") or []]
    except (ValueError, AttributeError, TypeError):
        return errors.bad_request()
    if not text:
        return errors.error(400, "Failed to save annotation", traced=True)
    uid = given.get("dashboardUID") or ""
    found = grafana.dashboard(uid)
    if uid and found is None:
        return errors.error(404, "Dashboard not found", traced=True)
    with grafana.lock:
        number = len(grafana.annotations) + 1
        grafana.annotations.append(
            {
                "id": number, "alertId": 0, "alertName": "", "dashboardId": found.id if found else 0,
                "dashboardUID": uid or None, "panelId": panel, "userId": 0, "newState": "", "prevState": "",
                "created": now, "updated": now, "time": start, "timeEnd": end, "text": text, "tags": tags,
                "login": account.login, "email": "", "avatarUrl": "", "data": {},
            }
        )  # fmt: skip
    return errors.answer({"id": number, "message": "Annotation added"})


def find(grafana: Grafana, query: Mapping[str, Sequence[str]]) -> Reply:
    """Return the answer to `GET /api/annotations`, newest first."""

    def number(name: str) -> int:
        text = (query.get(name) or [""])[0]
        return int(text) if text.isdigit() else 0

    start, end, uid = number("from"), number("to"), (query.get("dashboardUID") or [""])[0]
    wanted = set(query.get("tags") or [])

    def matches(one: dict[str, Any]) -> bool:
        # The times count only if both are given.
        inside = not (start and end) or (one["time"] <= end and one["timeEnd"] >= start)
        return inside and wanted <= set(one["tags"]) and (not uid or one["dashboardUID"] == uid)

    with grafana.lock:
        found = [one for one in grafana.annotations if matches(one)]
    found.sort(key=lambda one: one["time"], reverse=True)
    return errors.answer(found[: number("limit") or DEFAULT_LIMIT])
