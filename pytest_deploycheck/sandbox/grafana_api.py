"""A Grafana API stand-in: answers over HTTP as Grafana does, and really executes the queries of panels.

Two versions of its behaviour (`grafana_state.OLDER`, `NEWER`). What is not served is answered as Grafana answers a path
that does not exist. Not there: server-side expressions (`__expr__`), data sources other than Prometheus, sessions.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from pytest_deploycheck.sandbox import (
    grafana_annotations,
    grafana_apps,
    grafana_dashboards,
    grafana_query,
    grafana_render,
    grafana_rules,
    grafana_sources,
)
from pytest_deploycheck.sandbox import grafana_errors as errors
from pytest_deploycheck.sandbox.endpoints import Reply
from pytest_deploycheck.sandbox.grafana_access import identify

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pytest_deploycheck.sandbox.grafana_state import Account, DataSource, Grafana

COMMIT = "0123456789"
LOGIN_PAGE = b"<!DOCTYPE html>\n<html><head><title>Grafana</title></head><body>Welcome to Grafana</body></html>\n"


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked, taken apart."""

    grafana: Grafana
    account: Account
    parts: list[str]
    query: dict[str, list[str]]
    body: bytes


class GrafanaApi:
    """Answers requests about a Grafana.

    Args:
        grafana: what is served; another one can be put in its place.
    """

    def __init__(self, grafana: Grafana) -> None:
        """Keep it."""
        self.grafana = grafana

    def answer(  # noqa: PLR0911 - in the server's own order
        self, method: str, path: str, headers: Mapping[str, str], body: bytes
    ) -> Reply:
        """Answer one request; the query comes as the header `:query`."""
        grafana = self.grafana
        raw = headers.get(":query", "")
        target = f"{path}{'?' + raw if raw else ''}"
        with grafana.lock:
            grafana.asked.append(f"{method} {target}")
        if path == "/login":
            return Reply(200, LOGIN_PAGE, "text/html; charset=UTF-8")
        if grafana.login_wall:
            return Reply(302, b"", "text/html", {"Location": f"/login?next={path}"})
        if path == "/api/health" and method in ("GET", "HEAD"):
            return _health(grafana)
        parts = [part for part in path.split("/") if part]
        account = identify(grafana, headers)
        if parts[:1] not in (["api"], ["apis"]):
            return _page(grafana, account, target, parts)
        query = parse_qs(raw, keep_blank_values=True)
        if parts[0] == "apis":
            return _apps(grafana, account, method, parts, query)
        found = _route(method, parts)
        if found is None:
            return errors.not_found()
        if isinstance(account, Reply):
            return account
        action, handle = found
        if action and not account.may(action):
            return errors.denied(action)
        return handle(Request(grafana, account, parts, query, body))


def _apps(
    grafana: Grafana, account: Account | Reply, method: str, parts: list[str], query: dict[str, list[str]]
) -> Reply:
    if not grafana.unified or method != "GET":
        return errors.not_found()
    if isinstance(account, Reply):
        return grafana_apps.unauthorized()
    return grafana_apps.answer(grafana, account, parts[1:], query)


def _page(grafana: Grafana, account: Account | Reply, target: str, parts: list[str]) -> Reply:
    if isinstance(account, Reply):
        return errors.to_login(target, cookie=not grafana.unified)
    if parts[:2] == ["render", "d-solo"]:
        if not grafana.renderer:
            return Reply(200, grafana_render.placeholder(), "image/png")
        query = parse_qs(target.partition("?")[2])
        sizes = [(query.get(name) or [""])[0] for name in ("width", "height")]
        return Reply(200, grafana_render.picture(*sizes), "image/png")
    return Reply(200, LOGIN_PAGE, "text/html; charset=UTF-8")  # the one page that draws everything


def _health(grafana: Grafana) -> Reply:
    found = {"commit": COMMIT, "database": "ok" if grafana.database else "failing", "version": grafana.version}
    return Reply(200 if grafana.database else 503, json.dumps(found, indent=2).encode(), errors.CONTENT_TYPE)


def _org(request: Request) -> Reply:
    org = request.account.org
    address = dict.fromkeys(("address1", "address2", "city", "zipCode", "state", "country"), "")
    return errors.answer({"id": org, "name": request.grafana.orgs.get(org, ""), "address": address})


def _user(request: Request) -> Reply:
    account = request.account
    if account is request.grafana.anonymous:
        return errors.unauthorized()
    prefix = "sa-" if account.service else ""
    return errors.answer(
        {
            "id": 0 if account.service else 1, "uid": account.login, "email": "", "name": account.login,
            "login": f"{prefix}{account.login}", "theme": "", "orgId": account.org, "isGrafanaAdmin": False,
            "isDisabled": False, "isExternal": False, "authLabels": [], "avatarUrl": "",
        }
    )  # fmt: skip


def _settings(request: Request) -> Reply:
    build = {"version": request.grafana.version, "commit": COMMIT, "env": "production", "edition": "Open Source"}
    rendered = {"rendererAvailable": request.grafana.renderer, "rendererVersion": ""}
    return errors.answer({"buildInfo": build, **rendered})


def _datasources(request: Request) -> Reply:
    found = sorted(request.grafana.datasources, key=lambda one: one.name.lower())
    return errors.answer([_described(one, request.account.org) for one in found])


def _datasource(request: Request) -> Reply:
    found = request.grafana.datasource(request.parts[3])
    if found is None:
        return errors.error(404, "Data source not found")
    more = {"basicAuthUser": "", "withCredentials": False, "secureJsonFields": {}, "version": 1, "apiVersion": ""}
    return errors.answer({**_described(found, request.account.org), **more})


def _described(source: DataSource, org: int) -> dict[str, Any]:
    interval = {"timeInterval": source.interval} if source.interval else {}
    return {
        "id": source.id, "uid": source.uid, "orgId": org, "name": source.name, "type": source.type,
        "typeName": source.type.capitalize(), "typeLogoUrl": f"public/plugins/{source.type}/img/{source.type}_logo.svg",
        "access": "proxy", "url": source.url, "user": "", "database": "", "basicAuth": False,
        "isDefault": source.default, "jsonData": {"httpMethod": "POST", **interval}, "readOnly": True,
    }  # fmt: skip


# Method and path → the permission it takes (none: whoever is signed in), and what answers. `*` is one part of the path,
# `**` at the end all that is left of it.
_ROUTES: Mapping[tuple[str, str], tuple[str, Callable[[Request], Reply]]] = {
    ("GET", "api/org"): ("orgs:read", _org),
    ("GET", "api/user"): ("", _user),
    ("GET", "api/frontend/settings"): ("", _settings),
    ("GET", "api/search"): ("", lambda r: grafana_dashboards.search(r.grafana, r.account, r.query)),
    ("GET", "api/folders"): ("folders:read", lambda r: grafana_dashboards.folders(r.grafana, r.account, r.query)),
    ("GET", "api/folders/*"): ("folders:read", lambda r: grafana_dashboards.folder(r.grafana, r.account, r.parts[2])),
    ("GET", "api/dashboards/uid/*"): (
        "dashboards:read",
        lambda r: grafana_dashboards.dashboard(r.grafana, r.account, r.parts[3]),
    ),
    ("GET", "api/library-elements/*"): (
        "library.panels:read",
        lambda r: grafana_dashboards.library_element(r.grafana, r.account, r.parts[2]),
    ),
    ("GET", "api/datasources"): ("datasources:read", _datasources),
    ("GET", "api/datasources/uid/*"): ("datasources:read", _datasource),
    ("GET", "api/datasources/uid/*/health"): (
        "datasources:query",
        lambda r: grafana_sources.health(r.grafana, r.parts[3]),
    ),
    ("GET", "api/datasources/uid/*/resources/**"): (
        "datasources:query",
        lambda r: grafana_sources.resource(r.grafana, r.parts[3], r.parts[5:], r.query),
    ),
    ("POST", "api/ds/query"): ("datasources:query", lambda r: grafana_query.query(r.grafana, r.body)),
    ("GET", "api/annotations"): ("annotations:read", lambda r: grafana_annotations.find(r.grafana, r.query)),
    ("POST", "api/annotations"): (
        "annotations:create",
        lambda r: grafana_annotations.add(r.grafana, r.account, r.body),
    ),
    ("GET", "api/prometheus/grafana/api/v1/rules"): (
        "alert.rules:read",
        lambda r: grafana_rules.statuses(r.grafana, r.account),
    ),
    ("GET", "api/ruler/grafana/api/v1/rules"): (
        "alert.rules:read",
        lambda r: grafana_rules.definitions(r.grafana, r.account),
    ),
}


def _route(method: str, parts: list[str]) -> tuple[str, Callable[[Request], Reply]] | None:
    return next((found for key, found in _ROUTES.items() if key[0] == method and _fits(key[1], parts)), None)


def _fits(pattern: str, parts: list[str]) -> bool:
    names = pattern.split("/")
    if names[-1] == "**":
        names = names[:-1]
        if len(parts) <= len(names):
            return False
        parts = parts[: len(names)]
    return len(names) == len(parts) and all(name in ("*", part) for name, part in zip(names, parts, strict=True))
