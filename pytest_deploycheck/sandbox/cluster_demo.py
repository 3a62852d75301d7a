"""The demo cluster: what a real one would hold for the demo service, sound in every part."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pytest_deploycheck.sandbox import cluster_objects as kinds
from pytest_deploycheck.sandbox.cluster_api import CREATE_ONLY, Cluster, Rule
from pytest_deploycheck.sandbox.cluster_objects import IMAGE, NAMESPACE, NODES, OLD_IMAGE, moment, server_pod

if TYPE_CHECKING:
    from collections.abc import Iterable

TOKEN = "demo-cluster-token"  # noqa: S105 - opens nothing but this
USER = f"system:serviceaccount:{NAMESPACE}:deploycheck"
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
    objects["", "nodes"] = [kinds.node(name) for name in NODES]
    objects["coordination.k8s.io", "leases"] = [kinds.lease(name) for name in NODES]
    objects["", "namespaces"] = [
        {"metadata": kinds.meta(name, f"ns-{name}", namespace=""), "status": {"phase": "Active"}}
        for name in (NAMESPACE, "kube-node-lease")
    ]
    objects["storage.k8s.io", "storageclasses"] = [
        {"metadata": kinds.meta("local-fast", "sc", namespace=""), "provisioner": "example.com/local"}
    ]
    _add_server(cluster)
    _add_journal(cluster)
    _add_agent(cluster)
    objects["batch", "jobs"] = [kinds.job("mcp-migrate")]
    objects["", "secrets"] = [
        {
            "metadata": kinds.meta("mcp-database", "secret"),
            "type": "Opaque",
            "data": {key: base64.b64encode(b"no-real-" + key.encode()).decode() for key in ("username", "password")},
        }
    ]
    objects["", "configmaps"] = [
        {"metadata": kinds.meta("mcp-settings", "config"), "data": {"settings.toml": "level = 1"}}
    ]
    objects["", "events"] = [
        kinds.event("mcp", "Deployment", "Normal", "ScalingReplicaSet", "Scaled up replica set to 2")
    ]
    objects["metrics.k8s.io", "pods"] = [kinds.usage(pod) for pod in objects["", "pods"]]
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


def unready(pod: dict[str, Any], reason: str = "", message: str = "", *, restarts: int = 0) -> None:
    """Make a pod unready; its container waits for a reason, if one is given."""
    for condition in pod["status"]["conditions"]:
        if condition["type"] in ("Ready", "ContainersReady"):
            condition.update(status="False", reason="ContainersNotReady", lastTransitionTime=moment())
    container = pod["status"]["containerStatuses"][0]
    container.update(ready=False, restartCount=restarts)
    if reason:
        container["state"] = {"waiting": {"reason": reason, "message": message}}


def warning(cluster: Cluster, name: str, kind: str, reason: str, message: str) -> None:
    """Let the cluster complain of something."""
    cluster.objects["", "events"].append(kinds.event(name, kind, "Warning", reason, message))


def _add_server(cluster: Cluster) -> None:
    labels = {"app": "mcp"}
    template = kinds.template(labels, IMAGE)
    spec = {"replicas": 2, "selector": {"matchLabels": labels}, "template": template, "progressDeadlineSeconds": 600}
    status = {
        **dict.fromkeys(("replicas", "updatedReplicas", "readyReplicas", "availableReplicas"), 2),
        "observedGeneration": 2,
        "conditions": [
            kinds.condition("Available", reason="MinimumReplicasAvailable"),
            kinds.condition("Progressing", reason="NewReplicaSetAvailable", lastUpdateTime=moment(30)),
        ],
    }
    revision = {"deployment.kubernetes.io/revision": "2"}
    cluster.objects["apps", "deployments"] = [
        {
            "metadata": kinds.meta("mcp", "d", generation=2, labels=labels, annotations=revision),
            "spec": spec,
            "status": status,
        }
    ]
    cluster.objects["apps", "replicasets"] = [
        kinds.replica_set("new", "2", 2, IMAGE),
        kinds.replica_set("old", "1", 0, OLD_IMAGE),
    ]
    cluster.objects["", "pods"] = [server_pod(1, "new"), server_pod(2, "new")]
    cluster.objects["policy", "poddisruptionbudgets"] = [
        {
            "metadata": kinds.meta("mcp", "pdb", generation=1),
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
            "metadata": kinds.meta("mcp", "hpa"),
            "spec": {"scaleTargetRef": {"kind": "Deployment", "name": "mcp"}, "minReplicas": 2, "maxReplicas": 6},
            "status": {
                "currentReplicas": 2,
                "desiredReplicas": 2,
                "conditions": [
                    kinds.condition("AbleToScale"),
                    kinds.condition("ScalingActive", reason="ValidMetricFound"),
                ],
            },
        }
    ]
    cluster.objects["networking.k8s.io", "networkpolicies"] = [
        {
            "metadata": kinds.meta("mcp", "np"),
            "spec": {"podSelector": {"matchLabels": labels}, "policyTypes": ["Ingress"], "ingress": []},
        }
    ]


def _add_journal(cluster: Cluster) -> None:
    labels = {"app": "mcp-journal"}
    revision = "mcp-journal-7d4f"
    cluster.objects["apps", "statefulsets"] = [
        {
            "metadata": kinds.meta("mcp-journal", "sts", generation=1, labels=labels),
            "spec": {
                "replicas": 1,
                "selector": {"matchLabels": labels},
                "template": kinds.template(labels, IMAGE),
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
        kinds.pod(
            "mcp-journal-0", "mcp-journal", ("StatefulSet", "mcp-journal"), {"controller-revision-hash": revision},
            node=NODES[0],
        )
    )  # fmt: skip
    cluster.objects["apps", "controllerrevisions"] = [kinds.revision("mcp-journal", revision, revision, "sts")]


def _add_agent(cluster: Cluster) -> None:
    labels = {"app": "mcp-agent"}
    count = len(NODES)
    cluster.objects["apps", "daemonsets"] = [
        {
            "metadata": kinds.meta("mcp-agent", "ds", generation=1, labels=labels),
            "spec": {
                "selector": {"matchLabels": labels},
                "template": kinds.template(labels, IMAGE),
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
        kinds.pod(
            f"mcp-agent-{node[-1]}",
            "mcp-agent",
            ("DaemonSet", "mcp-agent"),
            {"controller-revision-hash": "9c1"},
            node=node,
        )
        for node in NODES
    ]
    cluster.objects["apps", "controllerrevisions"].append(kinds.revision("mcp-agent", "mcp-agent-9c1", "9c1", "ds"))
