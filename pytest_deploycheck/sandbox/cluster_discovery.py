"""What a Kubernetes API stand-in tells of what it serves: groups, their versions, and the resources of these."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pytest_deploycheck.sandbox.endpoints import Reply

if TYPE_CHECKING:
    from collections.abc import Mapping


def discovered(
    path: str, served: Mapping[str, Mapping[str, Mapping[str, str]]], subresources: Mapping[str, set[str]]
) -> Reply | None:
    """Return the answer to a question about what is served; None if it is none.

    Args:
        path: that was asked for.
        served: group → version → plural → kind.
        subresources: plural → those it has.
    """
    match [part for part in path.split("/") if part]:
        case ["apis", group] if group in served:
            return _json(_group(group, served[group]))
        case ["apis", group, version] if version in served.get(group, ()):
            return _json(_resources(f"{group}/{version}", served[group][version], subresources))
        case ["api", version] if version in served[""]:
            return _json(_resources(version, served[""][version], subresources))
    return None


def _group(group: str, versions: Mapping[str, object]) -> dict[str, Any]:
    known = [{"groupVersion": f"{group}/{version}", "version": version} for version in versions]
    return {"kind": "APIGroup", "apiVersion": "v1", "name": group, "versions": known, "preferredVersion": known[0]}


def _resources(group_version: str, kinds: Mapping[str, str], subresources: Mapping[str, set[str]]) -> dict[str, Any]:
    found = [
        {"name": name, "singularName": "", "kind": kind, "verbs": ["get"]}
        for plural, kind in kinds.items()
        for name in (plural, *(f"{plural}/{sub}" for sub in sorted(subresources.get(plural, ()))))
    ]
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version, "resources": found}


def _json(value: Any) -> Reply:
    return Reply(200, json.dumps(value, separators=(",", ":")).encode() + b"\n")
