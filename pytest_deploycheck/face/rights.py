"""Permissions: asked of the server, and whether what they are about is there at all."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from pytest_deploycheck.checks import permissions
from pytest_deploycheck.clients.kubernetes.permissions import is_of_kubernetes
from pytest_deploycheck.errors import Forbidden
from pytest_deploycheck.model.kubernetes.cluster import Namespace

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager

    from pytest_deploycheck.checks.asked import Asked
    from pytest_deploycheck.clients.kubernetes.client import KubernetesClient
    from pytest_deploycheck.clients.kubernetes.refusal import Resource
    from pytest_deploycheck.model.finding import Finding


def granted(
    api: KubernetesClient,
    asking: Callable[..., AbstractContextManager[list[Asked]]],
    wanted: Sequence[Resource],
    question: str,
    *next_steps: str,
) -> Finding:
    """Ask for permissions, and judge that they are there.

    Args:
        api: of the cluster.
        asking: gathers the evidence of a question.
        wanted: the permissions.
        question: in words.
        next_steps: what to do if one is missing.
    """
    with asking(question, *next_steps, *(can_i(one) for one in wanted[:1])) as box:
        found = [api.review(one) for one in wanted]
        doubts = _absent_namespaces(api, wanted)
    return permissions.granted(found, box[0], doubts=doubts)


def denied(
    api: KubernetesClient, asking: Callable[..., AbstractContextManager[list[Asked]]], what: Resource
) -> Finding:
    """Ask for a permission, and judge that it is not there though what it is about is. Arguments as for `granted`."""
    with asking(f"may I {what.permission}?", can_i(what)) as box:
        found = [api.review(what)]
        doubts = _absent_namespaces(api, [what])
        if "*" not in (what.name, what.group) and not _is_served(api, what):
            doubts.append(f"the cluster has no resource {_resource(what)}: nobody has a permission on it")
    return permissions.denied(found, box[0], doubts=doubts)


def _absent_namespaces(api: KubernetesClient, wanted: Sequence[Resource]) -> list[str]:
    """Return a doubt for each namespace that is not there; those that nobody may look at are believed in."""
    found = []
    for name in dict.fromkeys(one.namespace for one in wanted if one.namespace):
        with suppress(Forbidden):
            if api.get(Namespace, name) is None:
                found.append(f"there is no namespace {name}: what is said of permissions in it tells nothing")
    return found


def _is_served(api: KubernetesClient, what: Resource) -> bool:
    try:
        return api.serves(what)
    except Forbidden:  # a cluster that tells nobody what it serves
        if is_of_kubernetes(what):
            return True
        raise


def can_i(what: Resource) -> str:
    """Return the command that asks for a permission by hand."""
    tail = f" --subresource={what.subresource}" if what.subresource else ""
    scope = f" -n {what.namespace}" if what.namespace else " -A"
    return f"kubectl auth can-i {what.verb} {_named(what)}{tail}{scope}"


def _resource(what: Resource) -> str:
    return f"{_named(what)}/{what.subresource}" if what.subresource else _named(what)


def _named(what: Resource) -> str:
    return f"{what.name}.{what.group}" if what.group else what.name
