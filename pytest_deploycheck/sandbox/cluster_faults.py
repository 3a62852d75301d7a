"""The ways in which the demo cluster can be broken: each changes a sound one."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING

from pytest_deploycheck.sandbox.cluster_demo import USER, find, pods_of, unready, warning
from pytest_deploycheck.sandbox.cluster_objects import OLD_DIGEST, OLD_IMAGE, moment, server_pod

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pytest_deploycheck.sandbox.cluster_api import Cluster

SILENT_NODE = "node-1"
"""The node that gives no sign of life under `node-silent`; `cluster_demo.tick` leaves its lease alone."""


def _rollout_stuck(cluster: Cluster) -> None:
    status = find(cluster, "apps", "deployments", "mcp")["status"]
    status.update(updatedReplicas=1, readyReplicas=2, availableReplicas=2, replicas=3)
    cluster.objects["", "pods"].remove(pods_of(cluster, "mcp")[1])
    unready(pods_of(cluster, "mcp")[0])
    old = [server_pod(number, "old", image=OLD_IMAGE, digest=OLD_DIGEST) for number in (1, 2)]
    cluster.objects["", "pods"] += old


def _rolled_back(cluster: Cluster) -> None:
    for plural, name in (("deployments", "mcp"), ("replicasets", "mcp-new")):
        template = find(cluster, "apps", plural, name)["spec"]["template"]
        template["spec"]["containers"][0]["image"] = OLD_IMAGE
    for pod in pods_of(cluster, "mcp"):
        pod["spec"]["containers"][0]["image"] = OLD_IMAGE
        pod["status"]["containerStatuses"][0].update(
            image=OLD_IMAGE, imageID=f"registry.example.com/mcp/server@{OLD_DIGEST}"
        )


def _tag_moved(cluster: Cluster) -> None:
    status = pods_of(cluster, "mcp")[1]["status"]["containerStatuses"][0]
    status["imageID"] = f"registry.example.com/mcp/server@{OLD_DIGEST}"


def _old_pod_stuck(cluster: Cluster) -> None:
    old = server_pod(1, "old", image=OLD_IMAGE, digest=OLD_DIGEST)
    old["metadata"]["deletionTimestamp"] = moment(20)
    cluster.objects["", "pods"].append(old)


def _scaled_to_zero(cluster: Cluster) -> None:
    deployment = find(cluster, "apps", "deployments", "mcp")
    deployment["spec"]["replicas"] = 0
    deployment["status"] = {"observedGeneration": 2, "conditions": deployment["status"]["conditions"]}
    for pod in pods_of(cluster, "mcp"):
        cluster.objects["", "pods"].remove(pod)


def _crash_loop(cluster: Cluster) -> None:
    pod = pods_of(cluster, "mcp")[1]
    unready(pod, "CrashLoopBackOff", "back-off 10s restarting failed container", restarts=3)
    ended = {"exitCode": 1, "reason": "Error", "startedAt": moment(3), "finishedAt": moment(1)}
    pod["status"]["containerStatuses"][0]["lastState"] = {"terminated": ended}
    find(cluster, "apps", "deployments", "mcp")["status"].update(readyReplicas=1, availableReplicas=1)
    warning(cluster, pod["metadata"]["name"], "Pod", "BackOff", "Back-off restarting failed container app")


def _oom_killed(cluster: Cluster) -> None:
    pod = pods_of(cluster, "mcp")[1]
    ended = {"exitCode": 137, "reason": "OOMKilled", "startedAt": moment(40), "finishedAt": moment(1)}
    pod["status"]["containerStatuses"][0].update(restartCount=1, lastState={"terminated": ended})


def _image_missing(cluster: Cluster) -> None:
    pod = pods_of(cluster, "mcp")[1]
    unready(pod, "ImagePullBackOff", "Back-off pulling image")
    pod["status"]["phase"] = "Pending"
    pod["status"]["containerStatuses"][0]["imageID"] = ""
    find(cluster, "apps", "deployments", "mcp")["status"].update(readyReplicas=1, availableReplicas=1)


def _node_down(cluster: Cluster) -> None:
    for condition in find(cluster, "", "nodes", "node-3")["status"]["conditions"]:
        condition.update(status="Unknown", reason="NodeStatusUnknown", message="Kubelet stopped posting node status.")


def _node_silent(cluster: Cluster) -> None:
    lease = find(cluster, "coordination.k8s.io", "leases", SILENT_NODE)
    lease["spec"]["renewTime"] = moment(30).replace("Z", ".000000Z")


def _right_lost(cluster: Cluster) -> None:
    for rule in cluster.rules[USER]:
        rule.resources = rule.resources - {("", "pods")}


def _key_missing(cluster: Cluster) -> None:
    del find(cluster, "", "secrets", "mcp-database")["data"]["password"]


def _memory_tight(cluster: Cluster) -> None:
    name = pods_of(cluster, "mcp")[1]["metadata"]["name"]
    find(cluster, "metrics.k8s.io", "pods", name)["containers"][0]["usage"]["memory"] = "250Mi"


def _policy_missing(cluster: Cluster) -> None:
    cluster.objects["networking.k8s.io", "networkpolicies"].clear()


def _policy_open(cluster: Cluster) -> None:
    cluster.objects["networking.k8s.io", "networkpolicies"][0]["spec"]["ingress"] = [{}]


def _budget_doubled(cluster: Cluster) -> None:
    budgets = cluster.objects["policy", "poddisruptionbudgets"]
    budgets.append({**budgets[0], "metadata": {**budgets[0]["metadata"], "name": "mcp-platform", "uid": "pdb-2"}})


def _autoscaler_blind(cluster: Cluster) -> None:
    status = find(cluster, "autoscaling", "horizontalpodautoscalers", "mcp")["status"]
    status["desiredReplicas"] = 0
    for one in status["conditions"]:
        if one["type"] == "ScalingActive":
            one.update(status="False", reason="FailedGetResourceMetric", message="no metrics returned")


def _limit_missing(cluster: Cluster) -> None:
    del pods_of(cluster, "mcp")[1]["spec"]["containers"][0]["resources"]["limits"]["memory"]


def _storage_class_missing(cluster: Cluster) -> None:
    cluster.objects["storage.k8s.io", "storageclasses"].clear()


def _setting_missing(cluster: Cluster) -> None:
    find(cluster, "", "configmaps", "mcp-settings")["data"] = {"settings.yaml": "level: 1"}


def _pod_complaint(cluster: Cluster) -> None:
    warning(cluster, "mcp-new-x7k2p", "Pod", "FailedMount", "MountVolume.SetUp failed: secret not found")


def _throttled(cluster: Cluster) -> None:
    cluster.throttle = 1_000_000


CLUSTER_FAULTS: Mapping[str, Callable[[Cluster], None]] = {
    "rollout-stuck": _rollout_stuck,
    "rolled-back": _rolled_back,
    "tag-moved": _tag_moved,
    "old-pod-stuck": _old_pod_stuck,
    "scaled-to-zero": _scaled_to_zero,
    "crash-loop": _crash_loop,
    "oom-killed": _oom_killed,
    "image-missing": _image_missing,
    "node-down": _node_down,
    "node-silent": _node_silent,
    "right-lost": _right_lost,
    "secret-key-missing": _key_missing,
    "memory-tight": _memory_tight,
    "policy-missing": _policy_missing,
    "policy-open": _policy_open,
    "budget-doubled": _budget_doubled,
    "autoscaler-blind": _autoscaler_blind,
    "limit-missing": _limit_missing,
    "storage-class-missing": _storage_class_missing,
    "setting-missing": _setting_missing,
    "pod-complaint": _pod_complaint,
    "cluster-throttled": _throttled,
}
"""Fault → what it does to a sound cluster. All of them but `memory-tight` break something that gates."""


def broken(cluster: Cluster, *names: str) -> Cluster:
    """Return a copy of a cluster's objects and rights, broken.

    Raises:
        KeyError: if there is no such fault.
    """
    cluster.objects = deepcopy(cluster.objects)
    cluster.rules = deepcopy(cluster.rules)
    for name in names:
        CLUSTER_FAULTS[name](cluster)
    return cluster
