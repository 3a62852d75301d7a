"""Dashboards as Grafana's API of apps tells of them from version 12 on: `/apis/dashboard.grafana.app/…`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_deploycheck.sandbox import cluster_errors
from pytest_deploycheck.sandbox import grafana_errors as errors
from pytest_deploycheck.sandbox.grafana_state import moment

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_deploycheck.sandbox.endpoints import Reply
    from pytest_deploycheck.sandbox.grafana_state import Account, Dashboard, Grafana

GROUP = "dashboard.grafana.app"
PLURAL = "dashboards"
VERSIONS = ("v1beta1", "v0alpha1", "v1", "v2", "v2alpha1", "v2beta1")
PREFERRED = "v1beta1"
NAMESPACE = "default"


def answer(grafana: Grafana, account: Account, parts: Sequence[str], query: Mapping[str, Sequence[str]]) -> Reply:
    """Return the answer to a GET below `/apis`.

    Args:
        grafana: what is served.
        account: who asks.
        parts: of the path, without `apis`.
        query: of the URL.
    """
    if parts[:1] != [GROUP]:
        return cluster_errors.no_such_path()
    if len(parts) == 1:
        return errors.answer(_group())
    version, *rest = parts[1:]
    if version not in VERSIONS:
        return cluster_errors.no_such_path()
    namespaces, namespace, plural, *names = [*rest, "", "", ""][: max(3, len(rest))]
    if namespaces != "namespaces" or plural != PLURAL or len(names) > 1:
        return cluster_errors.not_served()
    if namespace != NAMESPACE:
        return _forbidden(account, names[0] if names else "", namespace)
    return _one(grafana, account, version, names[0]) if names else _list(grafana, account, version, query)


def unauthorized() -> Reply:
    """Return the answer to somebody whose credentials were refused."""
    return cluster_errors.unauthorized()


def _one(grafana: Grafana, account: Account, version: str, name: str) -> Reply:
    found = grafana.dashboard(name)
    if found is None:
        return cluster_errors.not_found(GROUP, PLURAL, name)
    if not (account.may("dashboards:read") and account.sees(found.folder)):
        return _forbidden(account, name, NAMESPACE)
    return errors.answer(_resource(found, version))


def _list(grafana: Grafana, account: Account, version: str, query: Mapping[str, Sequence[str]]) -> Reply:
    seen = sorted(
        (one for one in grafana.stored() if account.may("dashboards:read") and account.sees(one.folder)),
        key=lambda one: one.uid,
    )
    after, limit = (query.get("continue") or [""])[0], (query.get("limit") or ["0"])[0]
    seen = [one for one in seen if one.uid > after]
    size = int(limit) if limit.isdigit() else 0
    page = seen[:size] if size else seen
    metadata: dict[str, Any] = {"resourceVersion": "1"}
    if len(page) < len(seen):
        metadata["continue"] = page[-1].uid
    return errors.answer(
        {
            "kind": "DashboardList",
            "apiVersion": f"{GROUP}/{version}",
            "metadata": metadata,
            "items": [_resource(one, version) for one in page],
        }
    )


def _resource(found: Dashboard, version: str) -> dict[str, Any]:
    annotations = {
        "grafana.app/createdBy": "access-policy:provisioning",
        "grafana.app/updatedTimestamp": moment(found.updated),
        "grafana.app/saved-from-ui": "",
    }
    if found.folder:
        annotations["grafana.app/folder"] = found.folder
    if found.provisioned:
        annotations |= {
            "grafana.app/managedBy": "classic-file-provisioning",
            "grafana.app/managerId": "demo",
            "grafana.app/sourcePath": f"{found.uid}.json",
        }
    resource: dict[str, Any] = {
        "kind": "Dashboard",
        "apiVersion": f"{GROUP}/{version}",
        "metadata": {
            "name": found.uid,
            "namespace": NAMESPACE,
            "uid": f"{found.uid}-{found.id}",
            "resourceVersion": str(found.version),
            "generation": found.version,
            "creationTimestamp": moment(0),
            "labels": {"grafana.app/deprecatedInternalID": str(found.id)},
            "annotations": annotations,
        },
        "spec": found.spec,
        "status": {},
    }
    stored = "v2beta1" if found.schema == "v2" else "v1beta1"
    if version.startswith("v2") != (found.schema == "v2"):
        # The server cannot turn one schema into the other. It says so beside a model that has next to nothing in it,
        # with status 200.
        resource["spec"] = {"title": found.title}
        resource["status"] = {
            "conversion": {
                "failed": True,
                "storedVersion": stored,
                "error": "backend conversion not yet implemented",
            }
        }
    elif version == "v2alpha1":
        resource["spec"] = _alpha(found.spec)
    return resource


def _alpha(value: Any) -> Any:
    """Return a v2beta1 model as v2alpha1 writes it: a query's kind is the plugin, its data source stands beside it."""
    if isinstance(value, list):
        return [_alpha(one) for one in value]
    if not isinstance(value, dict):
        return value
    query = value.get("query")
    if isinstance(query, dict) and query.get("kind") == "DataQuery":
        group = query.get("group", "")
        rest = {key: _alpha(inner) for key, inner in value.items() if key != "query"}
        name = (query.get("datasource") or {}).get("name")
        return {
            **rest,
            **({"datasource": {"type": group, "uid": name}} if name else {}),
            "query": {"kind": group, "spec": query.get("spec", {})},
        }
    if value.get("kind") == "VizConfig":
        return {"kind": value.get("group", ""), "spec": {"pluginVersion": value.get("version", ""), **value["spec"]}}
    return {key: _alpha(inner) for key, inner in value.items()}


def _forbidden(account: Account, name: str, namespace: str) -> Reply:
    user = f"{'service-account' if account.service else 'user'}:{account.login}"
    return cluster_errors.forbidden(
        user, "get" if name else "list", GROUP, PLURAL, name=name, namespace=namespace, sub=""
    )


def _group() -> dict[str, Any]:
    versions = [{"groupVersion": f"{GROUP}/{version}", "version": version} for version in VERSIONS]
    return {
        "kind": "APIGroup",
        "apiVersion": "v1",
        "name": GROUP,
        "versions": versions,
        "preferredVersion": {"groupVersion": f"{GROUP}/{PREFERRED}", "version": PREFERRED},
    }
