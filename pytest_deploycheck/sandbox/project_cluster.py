"""What the demo stack's `deploycheck.toml` says of the cluster, and the kubeconfig for it."""

from __future__ import annotations

import json
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from pytest_deploycheck.sandbox.cluster_demo import TOKEN
from pytest_deploycheck.sandbox.cluster_objects import NAMESPACE, NODES

if TYPE_CHECKING:
    from pathlib import Path

KUBECONFIG_FILE = "kubeconfig"
EXTRA = "kubernetes"
"""Of this package: without it nobody could ask the cluster."""
NEEDS_EXTRA = f"needs the extra {EXTRA}: pip install 'pytest-deploycheck[{EXTRA}]'"


def has_client() -> bool:
    """Return whether the official client is installed, by which the way into a cluster is found."""
    return find_spec("kubernetes") is not None


def write_kubeconfig(path: Path, url: str) -> None:
    """Write the way into the cluster; JSON is YAML, as kubeconfigs are.

    Args:
        path: where.
        url: of the cluster's API.
    """
    name = "sandbox"
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": name,
        "clusters": [{"name": name, "cluster": {"server": url}}],
        "users": [{"name": name, "user": {"token": TOKEN}}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name, "namespace": NAMESPACE}}],
    }
    path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


def system(kubeconfig: Path, limits: dict[str, Any]) -> dict[str, Any]:
    """Return the table of the cluster as a system."""
    return {"kubeconfig": str(kubeconfig), "namespace": NAMESPACE, **limits}


def checks() -> dict[str, Any]:
    """Return the tables of what is expected of it."""
    return {
        "cluster": {"min_version": "1.29", "min_nodes": len(NODES), "storage_classes": ["local-fast"]},
        "workloads": [
            {
                "name": "mcp", "deployed": True, "replicas": 2, "limits": ["cpu", "memory"], "budget": True,
                "autoscaler": True, "network_policy": True, "max_cpu": 0.9, "max_memory": 0.9, "level": "blocker",
            },
            {"kind": "statefulset", "name": "mcp-journal", "level": "blocker"},
            {"kind": "daemonset", "name": "mcp-agent", "replicas": len(NODES), "level": "blocker"},
            {"kind": "job", "name": "mcp-migrate"},
        ],
        "permissions": [
            {"verb": "get", "resource": "pods/log"},
            {"verb": "delete", "resource": "pods", "allowed": False},
        ],
        "secrets": [{"name": "mcp-database", "keys": ["username", "password"]}],
        "config_maps": [{"name": "mcp-settings", "keys": ["settings.toml"]}],
    }  # fmt: skip
