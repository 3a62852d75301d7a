"""Dashboards, folders, their search, and library panels, as Grafana's older API tells of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_deploycheck.sandbox import grafana_errors as errors
from pytest_deploycheck.sandbox.grafana_state import GENERAL, moment, slug

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_deploycheck.sandbox.endpoints import Reply
    from pytest_deploycheck.sandbox.grafana_state import Account, Dashboard, Folder, Grafana

DEFAULT_HITS, MAX_HITS = 1000, 5000
NEVER = "0001-01-01T00:00:00Z"


def search(grafana: Grafana, account: Account, query: Mapping[str, Sequence[str]]) -> Reply:
    """Return the hits that somebody may see; who may see nothing gets an empty list."""
    limit = _number(query, "limit") or DEFAULT_HITS
    if limit > MAX_HITS:
        message = f"Limit is above maximum allowed ({MAX_HITS}), use page parameter to access hits beyond limit"
        return errors.error(422, message)
    wanted = (query.get("query") or [""])[0].lower()
    kinds = query.get("type") or []
    found = [
        _folder_hit(folder) for folder in grafana.folders if account.may("folders:read") and account.sees(folder.uid)
    ]
    found += [
        _dashboard_hit(grafana, one)
        for one in grafana.stored()
        if account.may("dashboards:read") and account.sees(one.folder)
    ]
    found = [
        hit
        for hit in found
        if wanted in hit["title"].lower()
        and (not kinds or hit["type"] in kinds)
        and set(query.get("tag") or []) <= set(hit["tags"])
        and _within(hit, query, "folderUIDs", "folderUid")
        and _within(hit, query, "dashboardUIDs", "uid")
        and (query.get("starred") or ["false"])[0] != "true"
    ]
    found.sort(key=lambda hit: (hit["type"] != "dash-folder", hit["title"].lower()))
    page = _number(query, "page") or 1
    return errors.answer(found[(page - 1) * limit : page * limit])


def folders(grafana: Grafana, account: Account, query: Mapping[str, Sequence[str]]) -> Reply:
    """Return the folders that somebody may see."""
    limit, page = _number(query, "limit") or DEFAULT_HITS, _number(query, "page") or 1
    nested = bool((query.get("parentUid") or [""])[0])
    found = [] if nested else sorted(grafana.folders, key=lambda folder: folder.title.lower())
    seen = [{"id": one.id, "uid": one.uid, "title": one.title} for one in found if account.sees(one.uid)]
    return errors.answer(seen[(page - 1) * limit : page * limit])


def folder(grafana: Grafana, account: Account, uid: str) -> Reply:
    """Return one folder."""
    found = grafana.folder(uid)
    if found is None:
        return errors.public(404, "folder not found", "folder.notFound")
    if not account.sees(uid):
        return errors.denied("folders:read")
    return errors.answer(
        {
            "id": found.id, "uid": uid, "orgId": account.org, "title": found.title, "url": _folder_url(found),
            "hasAcl": False, "canSave": account.role != "Viewer", "canEdit": account.role != "Viewer",
            "canAdmin": account.role == "Admin", "canDelete": account.role == "Admin", "createdBy": "Anonymous",
            "created": moment(0), "updatedBy": "Anonymous", "updated": moment(0), "version": 1,
        }
    )  # fmt: skip


def dashboard(grafana: Grafana, account: Account, uid: str) -> Reply:
    """Return a dashboard with what is known about it."""
    found = grafana.dashboard(uid)
    if found is None:
        return errors.error(404, "Dashboard not found", traced=True)
    if not account.sees(found.folder):
        return errors.denied("dashboards:read")
    if found.schema == "v2":
        path = f"/apis/dashboard.grafana.app/v2alpha1/namespaces/default/dashboards/{uid}"
        return errors.error(406, f"dashboard api version not supported, use {path} instead")
    return errors.answer(
        {
            "meta": _meta(grafana, account, found),
            "dashboard": {**found.spec, "id": found.id, "uid": uid, "version": found.version},
        }
    )


def library_element(grafana: Grafana, account: Account, uid: str) -> Reply:
    """Return a library panel."""
    found = next((one for one in grafana.library if one.uid == uid and account.sees(one.folder)), None)
    if found is None:
        return errors.error(404, "library element could not be found", traced=True)
    home = grafana.folder(found.folder)
    somebody = {"id": 0, "name": "", "avatarUrl": ""}
    used = sum(uid in str(one.spec) for one in grafana.stored())
    return errors.answer(
        {
            "result": {
                "id": found.id, "orgId": account.org, "folderId": home.id if home else 0, "folderUid": found.folder,
                "uid": uid, "name": found.name, "kind": 1, "type": found.model.get("type", ""), "description": "",
                "model": {**found.model, "libraryPanel": {"uid": uid, "name": found.name}}, "version": 1,
                "meta": {
                    "folderName": home.title if home else "General", "folderUid": found.folder,
                    "connectedDashboards": used, "created": moment(0), "updated": moment(0),
                    "createdBy": somebody, "updatedBy": somebody,
                },
            }
        }
    )  # fmt: skip


def _meta(grafana: Grafana, account: Account, found: Dashboard) -> dict[str, Any]:
    home = grafana.folder(found.folder)
    edits = account.role in ("Editor", "Admin")
    nobody = {"canAdd": edits, "canEdit": edits, "canDelete": edits}
    meta: dict[str, Any] = {
        "type": "db", "canSave": edits, "canEdit": edits, "canAdmin": account.role == "Admin",
        "canStar": not account.service, "canDelete": edits, "slug": found.slug, "url": found.url, "expires": NEVER,
        "created": moment(0), "updated": moment(found.updated), "updatedBy": "Anonymous", "createdBy": "Anonymous",
        "version": found.version, "hasAcl": False, "isFolder": False, "folderId": home.id if home else 0,
        "folderUid": found.folder, "folderTitle": home.title if home else "General",
        "folderUrl": _folder_url(home) if home else "", "provisioned": found.provisioned,
        "provisionedExternalId": f"{found.uid}.json" if found.provisioned else "",
        "annotationsPermissions": {"dashboard": nobody, "organization": nobody},
    }  # fmt: skip
    if grafana.unified:
        meta["apiVersion"] = "v1beta1"
    else:
        meta["publicDashboardEnabled"] = False
    return meta


def _folder_hit(found: Folder) -> dict[str, Any]:
    return {
        "id": found.id, "uid": found.uid, "title": found.title, "uri": f"db/{slug(found.title)}",
        "url": _folder_url(found), "slug": "", "type": "dash-folder", "tags": [], "isStarred": False, "sortMeta": 0,
    }  # fmt: skip


def _dashboard_hit(grafana: Grafana, found: Dashboard) -> dict[str, Any]:
    hit = {
        "id": found.id, "uid": found.uid, "title": found.title, "uri": f"db/{found.slug}", "url": found.url,
        "slug": "", "type": "dash-db", "tags": found.tags, "isStarred": False, "sortMeta": 0,
    }  # fmt: skip
    home = grafana.folder(found.folder)
    if home is not None:
        hit |= {
            "folderId": home.id, "folderUid": home.uid, "folderTitle": home.title, "folderUrl": _folder_url(home)
        }  # fmt: skip
    return hit


def _within(hit: Mapping[str, Any], query: Mapping[str, Sequence[str]], parameter: str, key: str) -> bool:
    # `general` is how the root is asked for; hits there have no folder at all.
    wanted = [GENERAL if uid == "general" else uid for uid in query.get(parameter) or []]
    return not wanted or hit.get(key, GENERAL) in wanted


def _folder_url(found: Folder) -> str:
    return f"/dashboards/f/{found.uid}/{slug(found.title)}"


def _number(query: Mapping[str, Sequence[str]], name: str) -> int:
    """Return a parameter as a number; what is none counts as absent, as Grafana does."""
    text = (query.get(name) or [""])[0]
    return int(text) if text.isdigit() else 0
