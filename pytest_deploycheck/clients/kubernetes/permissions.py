"""Permissions by name, and those that the shipped RBAC manifest grants."""

from __future__ import annotations

from importlib import resources
from typing import Any

from pytest_deploycheck.clients.kubernetes.refusal import Resource
from pytest_deploycheck.errors import AuthorMistake

PLACEHOLDER = "my-namespace"
"""Stands in the manifest for the namespace of the workloads."""

_CORE = (
    "configmaps endpoints events limitranges namespaces nodes persistentvolumeclaims persistentvolumes pods "
    "podtemplates replicationcontrollers resourcequotas secrets serviceaccounts services"
)
_GROUPS = {
    "apps": "controllerrevisions daemonsets deployments replicasets statefulsets",
    "autoscaling": "horizontalpodautoscalers",
    "batch": "cronjobs jobs",
    "certificates.k8s.io": "certificatesigningrequests",
    "coordination.k8s.io": "leases",
    "discovery.k8s.io": "endpointslices",
    "apiextensions.k8s.io": "customresourcedefinitions",
    "networking.k8s.io": "ingressclasses ingresses networkpolicies",
    "policy": "poddisruptionbudgets",
    "rbac.authorization.k8s.io": "clusterrolebindings clusterroles rolebindings roles",
    "scheduling.k8s.io": "priorityclasses",
    "storage.k8s.io": "csidrivers csinodes storageclasses volumeattachments",
}
_GROUP_OF = dict.fromkeys(_CORE.split(), "") | {
    name: group for group, names in _GROUPS.items() for name in names.split()
}
_CLUSTER_WIDE = {
    *("namespaces", "nodes", "persistentvolumes", "certificatesigningrequests", "customresourcedefinitions"),
    *("ingressclasses", "clusterrolebindings", "clusterroles", "priorityclasses", "csidrivers", "csinodes"),
    *("storageclasses", "volumeattachments"),
}


VERBS = {
    *("get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"),
    *("use", "bind", "escalate", "impersonate", "approve", "sign", "attest", "*"),
}
"""Verbs of the API, of authorization itself, and of certificates; a misspelt one is denied to everybody."""


def permission(
    verb: str, resource: str, *, subresource: str = "", namespace: str = "", name: str = "", group: str | None = None
) -> Resource:
    """Return a permission.

    Args:
        verb: such as `get`.
        resource: the plural, as `kubectl` takes it: `pods`, `pods/log`, `deployments`, `widgets.example.com`.
        subresource: such as `log`.
        namespace: empty for all of them; resources of the cluster have none.
        name: of one object; empty for any.
        group: the API group, where the resource is none of Kubernetes's own.

    Raises:
        AuthorMistake: if the group is not known: the server says no to a resource that is asked for without it.
    """
    resource, _, behind = resource.partition("/")
    subresource = subresource or behind
    plural, _, dotted = resource.partition(".")
    if group is None:
        group = dotted or _GROUP_OF.get(plural)
    if group is None:
        raise AuthorMistake(
            f"the API group of the resource {resource!r} is not known",
            next_step=f'give it: "{resource}.example.com"; `kubectl api-resources` lists them',
        )
    if not plural or not verb:
        raise AuthorMistake(
            f"{verb!r} {resource!r} is no permission", next_step='give a verb and a plural: "get", "pods"'
        )
    if verb not in VERBS:
        raise AuthorMistake(f"Kubernetes has no verb {verb!r}", next_step=f"use one of {', '.join(sorted(VERBS))}")
    return Resource(
        verb=verb,
        name=plural,
        group=group,
        subresource=subresource,
        namespace="" if plural in _CLUSTER_WIDE else namespace,
        object=name,
    )


def is_of_kubernetes(resource: Resource) -> bool:
    """Return whether a resource, without its subresource, is one that every cluster has."""
    return _GROUP_OF.get(resource.name) == resource.group


def manifest(namespace: str = PLACEHOLDER) -> str:
    """Return the shipped manifest, its workloads' namespace filled in."""
    text = resources.files(__package__ or "").joinpath("rbac.yaml").read_text(encoding="utf-8")
    return text.replace(PLACEHOLDER, namespace)


def needed(namespace: str) -> list[Resource]:
    """Return every permission that the shipped manifest grants for the workloads of a namespace."""
    import yaml

    found = []
    for document in yaml.safe_load_all(manifest(namespace)):
        where: dict[str, Any] = document["metadata"]
        for rule in document.get("rules", ()):
            found += [
                permission(verb, one, namespace=where.get("namespace", ""), group=group)
                for group in rule["apiGroups"]
                for one in rule["resources"]
                for verb in rule["verbs"]
            ]
    return found
