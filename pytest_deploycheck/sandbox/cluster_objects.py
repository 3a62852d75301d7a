"""Objects of the demo cluster, as a real one would hold them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from pytest_deploycheck.sandbox.endpoints import OLD_VERSION, VERSION

NAMESPACE = "mcp"
IMAGE = f"registry.example.com/mcp/server:{VERSION}"
OLD_IMAGE = f"registry.example.com/mcp/server:{OLD_VERSION}"
NODES = ("node-1", "node-2", "node-3")
DIGEST = "sha256:" + "4" * 64
OLD_DIGEST = "sha256:" + "3" * 64
LEASE_SECONDS = 40


def moment(seconds_ago: float = 0.0) -> str:
    """Return a time as the API writes it."""
    return (datetime.now(UTC) - timedelta(seconds=seconds_ago)).strftime("%Y-%m-%dT%H:%M:%SZ")


def meta(
    name: str,
    uid: str,
    *,
    namespace: str = NAMESPACE,
    generation: int = 0,
    labels: dict[str, str] | None = None,
    annotations: dict[str, str] | None = None,
    owner: tuple[str, str, str] | None = None,
) -> dict[str, Any]:
    """Return an object's metadata."""
    found: dict[str, Any] = {"name": name, "uid": uid, "creationTimestamp": moment(60)}
    if namespace:
        found["namespace"] = namespace
    if generation:
        found["generation"] = generation
    if labels:
        found["labels"] = labels
    if annotations:
        found["annotations"] = annotations
    if owner is not None:
        reference = {"apiVersion": "apps/v1", "kind": owner[0], "name": owner[1], "uid": owner[2], "controller": True}
        found["ownerReferences"] = [reference]
    return found


def condition(kind: str, *, reason: str = "", **more: str) -> dict[str, Any]:
    """Return a condition that is true."""
    return {"type": kind, "status": "True", "reason": reason, "lastTransitionTime": moment(60), **more}


def template(labels: dict[str, str], image: str, *, password: bool = False) -> dict[str, Any]:
    """Return a pod template; with `password` it has one in its environment, as it should not be done, and is."""
    limits = {"cpu": "500m", "memory": "256Mi"}
    environment = [{"name": "LEVEL", "value": "info"}]
    if password:
        environment.append({"name": "DATABASE_PASSWORD", "value": "no-real-password-either"})
    container = {"name": "app", "image": image, "env": environment, "resources": {"limits": limits, "requests": limits}}
    return {"metadata": {"labels": labels}, "spec": {"containers": [container]}}


def server_pod(number: int, revision: str, *, image: str = IMAGE, digest: str = DIGEST) -> dict[str, Any]:
    """Return a ready pod of the server, of a revision."""
    return pod(
        f"mcp-{revision}-{number}", "mcp", ("ReplicaSet", f"mcp-{revision}"), {"pod-template-hash": revision},
        node=NODES[number % len(NODES)], image=image, digest=digest,
    )  # fmt: skip


def pod(
    name: str,
    app: str,
    owner: tuple[str, str],
    labels: dict[str, str],
    *,
    node: str,
    image: str = IMAGE,
    digest: str = DIGEST,
) -> dict[str, Any]:
    """Return a pod that has been running since 45 s ago."""
    uid = {"StatefulSet": "sts", "DaemonSet": "ds"}.get(owner[0], f"rs-{owner[1].rpartition('-')[2]}")
    started = moment(45)
    return {
        "metadata": meta(name, f"pod-{name}", labels={"app": app, **labels}, owner=(*owner, uid)),
        "spec": {**template({}, image, password=app == "mcp-journal")["spec"], "nodeName": node},
        "status": {
            "phase": "Running",
            "startTime": started,
            "conditions": [
                condition(kind, lastTransitionTime=started)
                for kind in ("PodScheduled", "Initialized", "ContainersReady", "Ready")
            ],
            "containerStatuses": [
                {
                    "name": "app",
                    "ready": True,
                    "restartCount": 0,
                    "image": image,
                    "imageID": f"{image.rpartition(':')[0]}@{digest}",
                    "state": {"running": {"startedAt": started}},
                    "lastState": {},
                }
            ],
        },
    }


def replica_set(revision: str, number: str, replicas: int, image: str) -> dict[str, Any]:
    """Return a ReplicaSet of the server, of a revision."""
    labels = {"app": "mcp", "pod-template-hash": revision}
    annotations = {"deployment.kubernetes.io/revision": number}
    return {
        "metadata": meta(
            f"mcp-{revision}",
            f"rs-{revision}",
            labels=labels,
            annotations=annotations,
            owner=("Deployment", "mcp", "d"),
        ),
        "spec": {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template(labels, image)},
        "status": {"replicas": replicas},
    }


def revision(app: str, name: str, hash_: str, owner: str) -> dict[str, Any]:
    """Return a ControllerRevision of a StatefulSet or DaemonSet; `owner` is the uid of either."""
    labels = {"app": app, "controller-revision-hash": hash_}
    kind = "StatefulSet" if owner == "sts" else "DaemonSet"
    return {"metadata": meta(name, f"cr-{name}", labels=labels, owner=(kind, app, owner)), "revision": 1}


def job(name: str) -> dict[str, Any]:
    """Return a Job that has succeeded."""
    return {
        "metadata": meta(name, "job"),
        "spec": {"completions": 1, "template": template({"job-name": name}, IMAGE)},
        "status": {
            "succeeded": 1,
            "startTime": moment(60),
            "completionTime": moment(50),
            "conditions": [condition("Complete", reason="CompletionsReached")],
        },
    }


def node(name: str) -> dict[str, Any]:
    """Return a ready node."""
    conditions = [condition("Ready", reason="KubeletReady")]
    conditions += [{**condition(kind), "status": "False"} for kind in ("MemoryPressure", "DiskPressure", "PIDPressure")]
    info = {"kubeletVersion": "v1.36.0"}
    return {
        "metadata": meta(name, f"node-{name}", namespace=""),
        "spec": {},
        "status": {"conditions": conditions, "nodeInfo": info},
    }


def lease(name: str) -> dict[str, Any]:
    """Return a node's sign of life."""
    return {
        "metadata": meta(name, f"lease-{name}", namespace="kube-node-lease"),
        "spec": {"holderIdentity": name, "leaseDurationSeconds": LEASE_SECONDS, "renewTime": moment()},
    }


def usage(pod: dict[str, Any]) -> dict[str, Any]:
    """Return what the metrics API tells of a pod."""
    return {
        "metadata": {"name": pod["metadata"]["name"], "namespace": NAMESPACE},
        "timestamp": moment(),
        "window": "15s",
        "containers": [{"name": "app", "usage": {"cpu": "120m", "memory": "96Mi"}}],
    }


def event(name: str, kind: str, level: str, reason: str, message: str) -> dict[str, Any]:
    """Return an event about an object."""
    return {
        "metadata": meta(f"{name}.{reason.lower()}", f"event-{name}-{reason}"),
        "involvedObject": {"kind": kind, "name": name, "namespace": NAMESPACE},
        "type": level,
        "reason": reason,
        "message": message,
        "count": 1,
        "firstTimestamp": moment(),
        "lastTimestamp": moment(),
        "eventTime": None,
    }
