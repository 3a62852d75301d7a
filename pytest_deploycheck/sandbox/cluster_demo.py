"""The demo cluster: what a real one would hold for the demo service, sound in every part."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from pytest_deploycheck.sandbox.cluster_api import CREATE_ONLY, Cluster, Rule
from pytest_deploycheck.sandbox.endpoints import OLD_VERSION, VERSION

if TYPE_CHECKING:
    from collections.abc import Iterable

NAMESPACE = "mcp"
TOKEN = "demo-cluster-token"  # noqa: S105 - opens nothing but this
USER = f"system:serviceaccount:{NAMESPACE}:deploycheck"
IMAGE = f"registry.example.com/mcp/server:{VERSION}"
OLD_IMAGE = f"registry.example.com/mcp/server:{OLD_VERSION}"
NODES = ("node-1", "node-2", "node-3")
DIGEST = "sha256:" + "4" * 64
OLD_DIGEST = "sha256:" + "3" * 64
_LEASE_SECONDS = 40
_READS = {
    "get": {
        ("apps", "deployments"), ("apps", "statefulsets"), ("apps", "daemonsets"), ("batch", "jobs"), ("", "pods/log"),
        ("", "secrets"), ("", "configmaps"),
    },
    "list": {
        ("apps", "replicasets"), ("apps", "controllerrevisions"), ("", "pods"), ("", "events"),
        ("policy", "poddisruptionbudgets"), ("autoscaling", "horizontalpodautoscalers"),
        ("networking.k8s.io", "networkpolicies"), ("metrics.k8s.io", "pods"),
    },
}  # fmt: skip


def moment(seconds_ago: float = 0.0) -> str:
    """Return a time as the API writes it."""
    return (datetime.now(UTC) - timedelta(seconds=seconds_ago)).strftime("%Y-%m-%dT%H:%M:%SZ")


def demo_cluster() -> Cluster:
    """Return the cluster. Its workloads were rolled out a minute ago."""
    rules = [
        Rule(verbs=frozenset({verb}), resources=frozenset(resources), namespace=NAMESPACE)
        for verb, resources in _READS.items()
    ]
    rules += [
        Rule(verbs=frozenset({"list"}), resources=frozenset({("", "nodes"), ("storage.k8s.io", "storageclasses")})),
        Rule(verbs=frozenset({"get"}), resources=frozenset({("", "namespaces")})),
        Rule(
            verbs=frozenset({"list"}),
            resources=frozenset({("coordination.k8s.io", "leases")}),
            namespace="kube-node-lease",
        ),
        Rule(verbs=frozenset({"create"}), resources=frozenset({("authorization.k8s.io", CREATE_ONLY)})),
    ]
    cluster = Cluster(users={TOKEN: USER}, rules={USER: rules})
    objects = cluster.objects
    objects["", "nodes"] = [_node(name) for name in NODES]
    objects["coordination.k8s.io", "leases"] = [_lease(name) for name in NODES]
    objects["", "namespaces"] = [{"metadata": _meta(NAMESPACE, "ns", namespace=""), "status": {"phase": "Active"}}]
    objects["storage.k8s.io", "storageclasses"] = [
        {"metadata": _meta("local-fast", "sc", namespace=""), "provisioner": "example.com/local"}
    ]
    _add_server(cluster)
    _add_journal(cluster)
    _add_agent(cluster)
    objects["batch", "jobs"] = [_job("mcp-migrate")]
    objects["", "secrets"] = [
        {
            "metadata": _meta("mcp-database", "secret"),
            "type": "Opaque",
            "data": {key: base64.b64encode(b"no-real-" + key.encode()).decode() for key in ("username", "password")},
        }
    ]
    objects["", "configmaps"] = [{"metadata": _meta("mcp-settings", "config"), "data": {"settings.toml": "level = 1"}}]
    objects["", "events"] = [_event("mcp", "Deployment", "Normal", "ScalingReplicaSet", "Scaled up replica set to 2")]
    objects["metrics.k8s.io", "pods"] = [_usage(pod) for pod in objects["", "pods"]]
    for pod in objects["", "pods"]:
        name = pod["metadata"]["name"]
        line = '{"level":"info","message":"serving","service":"mcp"}'
        cluster.logs[NAMESPACE, name, "app"] = "".join(f"{moment(ago)} {line}\n" for ago in (30, 20, 10))
    return cluster


def tick(cluster: Cluster, silent: Iterable[str] = ()) -> None:
    """Renew what a living cluster renews: the nodes' leases and the measurements of the metrics API.

    Args:
        cluster: which is changed.
        silent: nodes that give no sign of life.
    """
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    with cluster.lock:
        for lease in cluster.objects["coordination.k8s.io", "leases"]:
            if lease["metadata"]["name"] not in silent:
                lease["spec"]["renewTime"] = now
        for usage in cluster.objects["metrics.k8s.io", "pods"]:
            usage["timestamp"] = moment()


def find(cluster: Cluster, group: str, plural: str, name: str) -> dict[str, Any]:
    """Return an object of the demo cluster.

    Raises:
        KeyError: if there is none.
    """
    for one in cluster.objects[group, plural]:
        if one["metadata"]["name"] == name:
            return one
    raise KeyError(name)


def pods_of(cluster: Cluster, app: str) -> list[dict[str, Any]]:
    """Return the pods of a workload."""
    return [one for one in cluster.objects["", "pods"] if one["metadata"]["labels"]["app"] == app]


def server_pod(number: int, revision: str, *, image: str = IMAGE, digest: str = DIGEST) -> dict[str, Any]:
    """Return a ready pod of the server, of a revision."""
    return _pod(
        f"mcp-{revision}-{number}", "mcp", ("ReplicaSet", f"mcp-{revision}"), {"pod-template-hash": revision},
        node=NODES[number % len(NODES)], image=image, digest=digest,
    )  # fmt: skip


def unready(pod: dict[str, Any], reason: str = "", message: str = "", *, restarts: int = 0) -> None:
    """Make a pod unready; its container waits for a reason, if one is given."""
    for condition in pod["status"]["conditions"]:
        if condition["type"] in ("Ready", "ContainersReady"):
            condition.update(status="False", reason="ContainersNotReady", lastTransitionTime=moment())
    container = pod["status"]["containerStatuses"][0]
    container.update(ready=False, restartCount=restarts)
    if reason:
        container["state"] = {"waiting": {"reason": reason, "message": message}}


def _add_server(cluster: Cluster) -> None:
    labels = {"app": "mcp"}
    template = _template(labels, IMAGE)
    spec = {"replicas": 2, "selector": {"matchLabels": labels}, "template": template, "progressDeadlineSeconds": 600}
    status = {
        **dict.fromkeys(("replicas", "updatedReplicas", "readyReplicas", "availableReplicas"), 2),
        "observedGeneration": 2,
        "conditions": [
            _condition("Available", reason="MinimumReplicasAvailable"),
            _condition("Progressing", reason="NewReplicaSetAvailable", lastUpdateTime=moment(30)),
        ],
    }
    revision = {"deployment.kubernetes.io/revision": "2"}
    cluster.objects["apps", "deployments"] = [
        {
            "metadata": _meta("mcp", "d", generation=2, labels=labels, annotations=revision),
            "spec": spec,
            "status": status,
        }
    ]
    cluster.objects["apps", "replicasets"] = [
        _replica_set("new", "2", 2, IMAGE),
        _replica_set("old", "1", 0, OLD_IMAGE),
    ]
    cluster.objects["", "pods"] = [server_pod(1, "new"), server_pod(2, "new")]
    cluster.objects["policy", "poddisruptionbudgets"] = [
        {
            "metadata": _meta("mcp", "pdb", generation=1),
            "spec": {"minAvailable": 1, "selector": {"matchLabels": labels}},
            "status": {
                "observedGeneration": 1,
                "disruptionsAllowed": 1,
                "currentHealthy": 2,
                "desiredHealthy": 1,
                "expectedPods": 2,
            },
        }
    ]
    cluster.objects["autoscaling", "horizontalpodautoscalers"] = [
        {
            "metadata": _meta("mcp", "hpa"),
            "spec": {"scaleTargetRef": {"kind": "Deployment", "name": "mcp"}, "minReplicas": 2, "maxReplicas": 6},
            "status": {
                "currentReplicas": 2,
                "desiredReplicas": 2,
                "conditions": [_condition("AbleToScale"), _condition("ScalingActive", reason="ValidMetricFound")],
            },
        }
    ]
    cluster.objects["networking.k8s.io", "networkpolicies"] = [
        {
            "metadata": _meta("mcp", "np"),
            "spec": {"podSelector": {"matchLabels": labels}, "policyTypes": ["Ingress"], "ingress": []},
        }
    ]


def _replica_set(revision: str, number: str, replicas: int, image: str) -> dict[str, Any]:
    labels = {"app": "mcp", "pod-template-hash": revision}
    annotations = {"deployment.kubernetes.io/revision": number}
    return {
        "metadata": _meta(
            f"mcp-{revision}",
            f"rs-{revision}",
            labels=labels,
            annotations=annotations,
            owner=("Deployment", "mcp", "d"),
        ),
        "spec": {"replicas": replicas, "selector": {"matchLabels": labels}, "template": _template(labels, image)},
        "status": {"replicas": replicas},
    }


def _add_journal(cluster: Cluster) -> None:
    labels = {"app": "mcp-journal"}
    revision = "mcp-journal-7d4f"
    cluster.objects["apps", "statefulsets"] = [
        {
            "metadata": _meta("mcp-journal", "sts", generation=1, labels=labels),
            "spec": {
                "replicas": 1,
                "selector": {"matchLabels": labels},
                "template": _template(labels, IMAGE),
                "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}},
            },
            "status": {
                **dict.fromkeys(("replicas", "readyReplicas", "availableReplicas", "currentReplicas"), 1),
                "observedGeneration": 1,
                "updatedReplicas": 1,
                "currentRevision": revision,
                "updateRevision": revision,
            },
        }
    ]
    cluster.objects["", "pods"].append(
        _pod(
            "mcp-journal-0", "mcp-journal", ("StatefulSet", "mcp-journal"), {"controller-revision-hash": revision},
            node=NODES[0],
        )
    )  # fmt: skip
    cluster.objects["apps", "controllerrevisions"] = [_revision("mcp-journal", revision, revision, "sts")]


def _add_agent(cluster: Cluster) -> None:
    labels = {"app": "mcp-agent"}
    count = len(NODES)
    cluster.objects["apps", "daemonsets"] = [
        {
            "metadata": _meta("mcp-agent", "ds", generation=1, labels=labels),
            "spec": {
                "selector": {"matchLabels": labels},
                "template": _template(labels, IMAGE),
                "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1, "maxSurge": 0}},
            },
            "status": {
                **dict.fromkeys(("currentNumberScheduled", "desiredNumberScheduled", "numberReady"), count),
                "observedGeneration": 1,
                "updatedNumberScheduled": count,
                "numberAvailable": count,
            },
        }
    ]
    cluster.objects["", "pods"] += [
        _pod(
            f"mcp-agent-{node[-1]}",
            "mcp-agent",
            ("DaemonSet", "mcp-agent"),
            {"controller-revision-hash": "9c1"},
            node=node,
        )
        for node in NODES
    ]
    cluster.objects["apps", "controllerrevisions"].append(_revision("mcp-agent", "mcp-agent-9c1", "9c1", "ds"))


def _revision(app: str, name: str, hash_: str, owner: str) -> dict[str, Any]:
    labels = {"app": app, "controller-revision-hash": hash_}
    kind = "StatefulSet" if owner == "sts" else "DaemonSet"
    return {"metadata": _meta(name, f"cr-{name}", labels=labels, owner=(kind, app, owner)), "revision": 1}


def _pod(
    name: str,
    app: str,
    owner: tuple[str, str],
    labels: dict[str, str],
    *,
    node: str,
    image: str = IMAGE,
    digest: str = DIGEST,
) -> dict[str, Any]:
    uid = {"StatefulSet": "sts", "DaemonSet": "ds"}.get(owner[0], f"rs-{owner[1].rpartition('-')[2]}")
    started = moment(45)
    return {
        "metadata": _meta(name, f"pod-{name}", labels={"app": app, **labels}, owner=(*owner, uid)),
        "spec": {**_template({}, image, password=app == "mcp-journal")["spec"], "nodeName": node},
        "status": {
            "phase": "Running",
            "startTime": started,
            "conditions": [
                _condition(kind, lastTransitionTime=started)
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


def _template(labels: dict[str, str], image: str, *, password: bool = False) -> dict[str, Any]:
    limits = {"cpu": "500m", "memory": "256Mi"}
    environment = [{"name": "LEVEL", "value": "info"}]
    if password:  # as it should not be done, and is
        environment.append({"name": "DATABASE_PASSWORD", "value": "no-real-password-either"})
    container = {"name": "app", "image": image, "env": environment, "resources": {"limits": limits, "requests": limits}}
    return {"metadata": {"labels": labels}, "spec": {"containers": [container]}}


def _job(name: str) -> dict[str, Any]:
    return {
        "metadata": _meta(name, "job"),
        "spec": {"completions": 1, "template": _template({"job-name": name}, IMAGE)},
        "status": {
            "succeeded": 1,
            "startTime": moment(60),
            "completionTime": moment(50),
            "conditions": [_condition("Complete", reason="CompletionsReached")],
        },
    }


def _node(name: str) -> dict[str, Any]:
    conditions = [_condition("Ready", reason="KubeletReady")]
    conditions += [
        {**_condition(kind), "status": "False"} for kind in ("MemoryPressure", "DiskPressure", "PIDPressure")
    ]
    info = {"kubeletVersion": "v1.36.0"}
    return {
        "metadata": _meta(name, f"node-{name}", namespace=""),
        "spec": {},
        "status": {"conditions": conditions, "nodeInfo": info},
    }


def _lease(name: str) -> dict[str, Any]:
    return {
        "metadata": _meta(name, f"lease-{name}", namespace="kube-node-lease"),
        "spec": {"holderIdentity": name, "leaseDurationSeconds": _LEASE_SECONDS, "renewTime": moment()},
    }


def _usage(pod: dict[str, Any]) -> dict[str, Any]:
    return {
        "metadata": {"name": pod["metadata"]["name"], "namespace": NAMESPACE},
        "timestamp": moment(),
        "window": "15s",
        "containers": [{"name": "app", "usage": {"cpu": "120m", "memory": "96Mi"}}],
    }


def _event(name: str, kind: str, level: str, reason: str, message: str) -> dict[str, Any]:
    return {
        "metadata": _meta(f"{name}.{reason.lower()}", f"event-{name}-{reason}"),
        "involvedObject": {"kind": kind, "name": name, "namespace": NAMESPACE},
        "type": level,
        "reason": reason,
        "message": message,
        "count": 1,
        "firstTimestamp": moment(),
        "lastTimestamp": moment(),
        "eventTime": None,
    }


def warning(cluster: Cluster, name: str, kind: str, reason: str, message: str) -> None:
    """Let the cluster complain of something."""
    cluster.objects["", "events"].append(_event(name, kind, "Warning", reason, message))


def _condition(kind: str, *, reason: str = "", **more: str) -> dict[str, Any]:
    return {"type": kind, "status": "True", "reason": reason, "lastTransitionTime": moment(60), **more}


def _meta(
    name: str,
    uid: str,
    *,
    namespace: str = NAMESPACE,
    generation: int = 0,
    labels: dict[str, str] | None = None,
    annotations: dict[str, str] | None = None,
    owner: tuple[str, str, str] | None = None,
) -> dict[str, Any]:
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
