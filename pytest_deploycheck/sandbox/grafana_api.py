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
)
from pytest_deploycheck.sandbox import grafana_errors as errors
from pytest_deploycheck.sandbox.endpoints import Reply
from pytest_deploycheck.sandbox.grafana_access import identify

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pytest_deploycheck.sandbox.grafana_state import Account, DataSource, Grafana

COMMIT = "0123456789"
LOGIN_PAGE = b"<!DOCTYPE html>\n<html><head><title>Grafana</title></head><body>Welcome to Grafana</body></html>\n"


@dataclass(slots=True)
class Request:
    """What was asked, taken apart."""

    account: Account
    parts: list[str]
    query: dict[str, list[str]]
    body: bytes


class GrafanaApi:
    """Answers requests about a Grafana.

    Args:
        grafana: what is served.
    """

    def __init__(self, grafana: Grafana) -> None:
        """Keep it."""
        self.grafana = grafana
        # Method and path (`*` is one part of it) → the permission it takes (none: whoever is signed in), what answers.
        self._routes: dict[tuple[str, str], tuple[str, Callable[[Request], Reply]]] = {
            ("GET", "api/org"): ("orgs:read", self._org),
            ("GET", "api/user"): ("", self._user),
            ("GET", "api/frontend/settings"): ("", self._settings),
            ("GET", "api/search"): ("", lambda r: grafana_dashboards.search(grafana, r.account, r.query)),
            ("GET", "api/folders"): ("folders:read", lambda r: grafana_dashboards.folders(grafana, r.account, r.query)),
            ("GET", "api/folders/*"): (
                "folders:read", lambda r: grafana_dashboards.folder(grafana, r.account, r.parts[2])),
            ("GET", "api/dashboards/uid/*"): (
                "dashboards:read", lambda r: grafana_dashboards.dashboard(grafana, r.account, r.parts[3])),
            ("GET", "api/library-elements/*"): (
                "library.panels:read", lambda r: grafana_dashboards.library_element(grafana, r.account, r.parts[2])),
            ("GET", "api/datasources"): ("datasources:read", self._datasources),
            ("GET", "api/datasources/uid/*"): ("datasources:read", self._datasource),
            ("GET", "api/datasources/uid/*/health"): (
                "datasources:query", lambda r: grafana_query.health(grafana, r.parts[3])),
            ("POST", "api/ds/query"): ("datasources:query", lambda r: grafana_query.query(grafana, r.body)),
            ("GET", "api/annotations"): (
                "annotations:read", lambda r: grafana_annotations.find(grafana, r.query)),
            ("POST", "api/annotations"): (
                "annotations:create", lambda r: grafana_annotations.add(grafana, r.account, r.body)),
            ("GET", "api/prometheus/grafana/api/v1/rules"): (
                "alert.rules:read", lambda r: grafana_rules.statuses(grafana, r.account)),
            ("GET", "api/ruler/grafana/api/v1/rules"): (
                "alert.rules:read", lambda r: grafana_rules.definitions(grafana, r.account)),
        }  # fmt: skip

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
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
            return self._health()
        parts = [part for part in path.split("/") if part]
        account = identify(grafana, headers)
        if parts[:1] == ["api"]:
            return self._api(method, parts, account, raw, body)
        if parts[:1] == ["apis"]:
            return self._apps(method, parts, account, raw)
        return self._page(account, target, parts)

    def _api(self, method: str, parts: list[str], account: Account | Reply, raw: str, body: bytes) -> Reply:
        found = self._route(method, parts)
        if found is None:
            return errors.not_found()
        if isinstance(account, Reply):
            return account
        action, handle = found
        if action and not account.may(action):
            return errors.denied(action)
        return handle(Request(account, parts, parse_qs(raw, keep_blank_values=True), body))

    def _apps(self, method: str, parts: list[str], account: Account | Reply, raw: str) -> Reply:
        if not self.grafana.unified or method != "GET":
            return errors.not_found()
        if isinstance(account, Reply):
            return grafana_apps.unauthorized()
        return grafana_apps.answer(self.grafana, account, parts[1:], parse_qs(raw, keep_blank_values=True))

    def _route(self, method: str, parts: list[str]) -> tuple[str, Callable[[Request], Reply]] | None:
        if (exact := self._routes.get((method, "/".join(parts)))) is not None:
            return exact
        for (known, pattern), found in self._routes.items():
            names = pattern.split("/")
            if (known, len(names)) == (method, len(parts)) and all(
                name in ("*", part) for name, part in zip(names, parts, strict=True)
            ):
                return found
        return None

    def _page(self, account: Account | Reply, target: str, parts: list[str]) -> Reply:
        if isinstance(account, Reply):
            return errors.to_login(target, cookie=not self.grafana.unified)
        if parts[:2] == ["render", "d-solo"]:
            if not self.grafana.renderer:
                return Reply(200, grafana_render.placeholder(), "image/png")
            query = parse_qs(target.partition("?")[2])
            sizes = [(query.get(name) or [""])[0] for name in ("width", "height")]
            return Reply(200, grafana_render.picture(*sizes), "image/png")
        return Reply(200, LOGIN_PAGE, "text/html; charset=UTF-8")  # the one page that draws everything

    def _health(self) -> Reply:
        grafana = self.grafana
        found = {"database": "ok" if grafana.database else "failing", "version": grafana.version, "commit": COMMIT}
        body = json.dumps(dict(sorted(found.items())), indent=2).encode()
        return Reply(200 if grafana.database else 503, body, errors.CONTENT_TYPE)

    def _org(self, request: Request) -> Reply:
        org = request.account.org
        address = dict.fromkeys(("address1", "address2", "city", "zipCode", "state", "country"), "")
        return errors.answer({"id": org, "name": self.grafana.orgs.get(org, ""), "address": address})

    def _user(self, request: Request) -> Reply:
        account = request.account
        if account is self.grafana.anonymous:
            return errors.unauthorized()
        prefix = "sa-" if account.service else ""
        return errors.answer(
            {
                "id": 0 if account.service else 1, "uid": account.login, "email": "", "name": account.login,
                "login": f"{prefix}{account.login}", "theme": "", "orgId": account.org, "isGrafanaAdmin": False,
                "isDisabled": False, "isExternal": False, "authLabels": [], "avatarUrl": "",
            }
        )  # fmt: skip

    def _settings(self, _request: Request) -> Reply:
        version = self.grafana.version
        build = {"version": version, "commit": COMMIT, "env": "production", "edition": "Open Source"}
        rendered = {"rendererAvailable": self.grafana.renderer, "rendererVersion": ""}
        return errors.answer({"buildInfo": build, **rendered})

    def _datasources(self, request: Request) -> Reply:
        found = sorted(self.grafana.datasources, key=lambda one: one.name.lower())
        return errors.answer([_described(one, request.account.org) for one in found])

    def _datasource(self, request: Request) -> Reply:
        found = self.grafana.datasource(request.parts[3])
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
