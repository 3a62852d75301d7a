"""One dashboard, by the API that serves it, read into one model whatever its schema is."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote

from msgspec.structs import replace

from pytest_deploycheck.clients.grafana import answers, classic, elements
from pytest_deploycheck.clients.grafana.client import GrafanaClient, read
from pytest_deploycheck.clients.grafana.refusal import message_of, refusal
from pytest_deploycheck.model.grafana import Dashboard, Panel

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_deploycheck.transport.reply import Reply

_GROUP = "/apis/dashboard.grafana.app"
_NOT_FOUND, _NOT_ACCEPTABLE = 404, 406
# "dashboard api version not supported, use /apis/dashboard.grafana.app/v2beta1/namespaces/default/dashboards/uid
# instead" (pkg/api/dashboard.go)
_INSTEAD = re.compile(rf"use (?P<path>{_GROUP}/[^\s]+) instead")
_VERSION = re.compile(r"v(?P<major>[0-9]+)((?P<stage>alpha|beta)(?P<number>[0-9]+))?")


def dashboard(client: GrafanaClient, uid: str, *, org_id: int | None = None) -> Dashboard | None:
    """Ask for a dashboard and the library panels that it shows; None if there is none of this uid.

    A library panel that is not there keeps its place, without queries.

    Args:
        client: of the Grafana.
        uid: the dashboard's.
        org_id: the organisation, where it is configured: the new API has a namespace for each.

    Raises:
        Forbidden: if the asker may not see it.
        Malformed: if it has a schema that is not known here.
        CannotMeasure: if there is no usable answer.
    """
    reply = client.send("GET", f"/api/dashboards/uid/{quote(uid, safe='')}", any_status=True)
    if reply.status == _NOT_FOUND:
        message = message_of(reply)
        if message is None:
            raise refusal(reply, client.wire.endpoint)
        return _by_resource(client, uid, reply, org_id) if message.lower() == "not found" else None
    if reply.status == _NOT_ACCEPTABLE:
        return _by_resource(client, uid, reply, org_id)
    if reply.status != 200:  # noqa: PLR2004 - OK
        raise refusal(reply, client.wire.endpoint)
    found = read(reply, answers.DashboardAnswer)
    meta = found.meta
    panels, variables, schema = _parts(found.dashboard, reply)
    return _whole(
        client,
        Dashboard(
            uid=uid,
            title=_text(found.dashboard.get("title")),
            tags=_tags(found.dashboard),
            folder=meta.folder_title,
            folder_uid=meta.folder_uid,
            provisioned=meta.provisioned,
            origin=meta.provisioned_external_id,
            version=meta.version,
            slug=meta.slug,
            panels=panels,
            variables=variables,
            document=found.dashboard,
            schema=schema,
            evidence=(reply.evidence,),
        ),
    )


def _by_resource(client: GrafanaClient, uid: str, refused: Reply, org_id: int | None) -> Dashboard | None:
    """Ask the API of apps, which alone serves dashboards of the new schema."""
    match = _INSTEAD.search(message_of(refused) or "")
    namespace = "default" if org_id in (None, 1) else f"org-{org_id}"
    name = quote(uid, safe="")
    path = match["path"] if match else f"{_GROUP}/{_newest(client, refused)}/namespaces/{namespace}/dashboards/{name}"
    reply = client.send("GET", path, any_status=True)
    if reply.status == _NOT_FOUND and message_of(reply) is not None:
        return None
    if reply.status != 200:  # noqa: PLR2004 - OK
        raise refusal(reply, client.wire.endpoint)
    found = read(reply, answers.ResourceAnswer)
    conversion = found.status.conversion if found.status is not None else None
    if conversion is not None and conversion.failed:
        stored = conversion.stored_version
        if not stored or f"/{stored}/" in path:
            raise reply.malformed(f"the server could not convert the dashboard: {conversion.error}")
        return _by_resource_path(client, re.sub(rf"{_GROUP}/[^/]+/", f"{_GROUP}/{stored}/", path), uid)
    return _from_resource(client, found, reply, uid)


def _by_resource_path(client: GrafanaClient, path: str, uid: str) -> Dashboard:
    reply = client.send("GET", path)
    return _from_resource(client, read(reply, answers.ResourceAnswer), reply, uid)


def _from_resource(client: GrafanaClient, found: answers.ResourceAnswer, reply: Reply, uid: str) -> Dashboard:
    annotations = found.metadata.annotations or {}
    panels, variables, schema = _parts(found.spec, reply)
    return _whole(
        client,
        Dashboard(
            uid=uid,
            title=_text(found.spec.get("title")),
            tags=_tags(found.spec),
            folder_uid=annotations.get("grafana.app/folder", ""),
            provisioned="grafana.app/managedBy" in annotations,
            origin=annotations.get("grafana.app/sourcePath", ""),
            version=found.metadata.generation,
            panels=panels,
            variables=variables,
            document=found.spec,
            schema=schema,
            evidence=(reply.evidence,),
        ),
    )


def _newest(client: GrafanaClient, refused: Reply) -> str:
    """Return the newest version of the API of apps."""
    reply = client.send("GET", f"{_GROUP}/", any_status=True)
    if reply.status != 200:  # noqa: PLR2004 - OK
        raise refusal(refused, client.wire.endpoint)
    versions = [one.version for one in read(reply, answers.GroupAnswer).versions]
    if not versions:
        raise reply.malformed("an API group without versions")
    return max(versions, key=_rank)


def _rank(version: str) -> tuple[int, int, int]:
    """Return what orders versions as Kubernetes does: a release above its betas, those above its alphas."""
    match = _VERSION.fullmatch(version)
    if match is None:
        return (0, 0, 0)
    stage = {"alpha": 0, "beta": 1, None: 2}[match["stage"]]
    return int(match["major"]), stage, int(match["number"] or 0)


def _parts(document: Mapping[str, Any], reply: Reply) -> tuple[tuple[Panel, ...], tuple[Any, ...], Literal["v1", "v2"]]:
    if elements.is_elements(document):
        return elements.panels(document), elements.variables(document), "v2"
    if classic.is_classic(document) or not _has_parts(document):
        return classic.panels(document), classic.variables(document), "v1"
    raise reply.malformed(
        f"a dashboard of a schema that is not known here: its parts are {', '.join(sorted(document))}"
    )


def _has_parts(document: Mapping[str, Any]) -> bool:
    """Return whether there are parts beside what every classic dashboard has: then panels are hidden in them.

    A classic dashboard without any panel may lack the list.
    """
    return "layout" in document or "schemaVersion" not in document


def _whole(client: GrafanaClient, found: Dashboard) -> Dashboard:
    """Return the dashboard with its library panels as they are."""
    if not any(panel.library and not panel.queries for panel in found.panels):
        return found
    models: dict[str, Mapping[str, Any] | None] = {}
    panels = []
    for panel in found.panels:
        if panel.library and not panel.queries:
            if panel.library not in models:
                models[panel.library] = client.library_panel(panel.library)
            model = models[panel.library]
            panels.append(classic.with_model(panel, model) if model is not None else replace(panel, type=""))
        else:
            panels.append(panel)
    return replace(found, panels=tuple(panels))


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _tags(document: Mapping[str, Any]) -> tuple[str, ...]:
    listed = document.get("tags")
    return tuple(tag for tag in listed if isinstance(tag, str)) if isinstance(listed, list) else ()
