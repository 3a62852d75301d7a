"""Kubernetes: rollouts complete, pods ready and quiet, the cluster fit, permissions as intended. KU1 to KU7, SM3."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pytest_deploycheck.suite import ClusterPolicy as Policy
    from pytest_deploycheck.suite import (
        Deploycheck,
        Deployment,
        KeysCheck,
        Kubernetes,
        PermissionCheck,
        WorkloadCheck,
    )

pytestmark = pytest.mark.rollout


@pytest.fixture
def policy(deploycheck: Deploycheck) -> Policy:
    """What holds for the cluster as a whole."""
    found = deploycheck.settings.environment.cluster
    assert found is not None, "needs() leaves these checks out without it"
    return found


@pytest.mark.requirement("KU1")
@pytest.mark.needs("kubernetes")
@pytest.mark.foreach("workloads")
def test_rollout_is_complete(kubernetes: Kubernetes, deployment: Deployment, entry: WorkloadCheck) -> None:
    """The rollout, or the job, is complete: everything wanted is new, ready and the same, and nothing old is left."""
    assert kubernetes.completes(entry, deployment)


@pytest.mark.requirement("SM3")
@pytest.mark.needs("kubernetes")
@pytest.mark.foreach("workloads", where=lambda entry: entry.deployed)
def test_every_pod_runs_the_deployed_image(
    kubernetes: Kubernetes, deployment: Deployment, entry: WorkloadCheck
) -> None:
    """What was deployed runs in every pod."""
    assert kubernetes.runs_deployed(entry, deployment)


@pytest.mark.requirement("KU2")
@pytest.mark.needs("kubernetes")
@pytest.mark.foreach("workloads", where=lambda entry: entry.kind != "job")
def test_pods_are_ready(kubernetes: Kubernetes, entry: WorkloadCheck) -> None:
    """Every pod is ready, and there are enough."""
    assert kubernetes.rollout(entry).pods.ready(at_least=entry.replicas or 1)


@pytest.mark.requirement("KU2")
@pytest.mark.needs("kubernetes")
@pytest.mark.foreach("workloads", where=lambda entry: entry.kind != "job")
def test_no_container_restarted(kubernetes: Kubernetes, deployment: Deployment, entry: WorkloadCheck) -> None:
    """No container restarted since the deployment."""
    assert kubernetes.rollout(entry).pods.restarts(since=deployment.finished_at) <= entry.max_restarts


@pytest.mark.requirement("KU2")
@pytest.mark.needs("kubernetes")
@pytest.mark.foreach("workloads", where=lambda entry: entry.kind != "job")
def test_no_container_is_stuck(kubernetes: Kubernetes, entry: WorkloadCheck) -> None:
    """No container is in a back-off, lacks its image or configuration, or was OOMKilled."""
    assert kubernetes.rollout(entry).pods.unstuck()


@pytest.mark.requirement("KU3")
@pytest.mark.needs("kubernetes")
@pytest.mark.foreach("workloads", level="warning", where=lambda entry: entry.kind != "job")
def test_no_warning_events(kubernetes: Kubernetes, deployment: Deployment, entry: WorkloadCheck) -> None:
    """The cluster did not complain of the workload or its pods since the deployment."""
    assert kubernetes.quiet(entry, deployment)


@pytest.mark.requirement("KU3")
@pytest.mark.needs("kubernetes", "deployment.finished_at")
@pytest.mark.foreach("workloads", level="warning", where=lambda entry: entry.kind != "job")
def test_no_other_rollout(kubernetes: Kubernetes, deployment: Deployment, entry: WorkloadCheck) -> None:
    """Nobody has begun another rollout since the deployment."""
    assert kubernetes.rollout(entry).unchanged(since=deployment.finished_at)


@pytest.mark.requirement("KU4")
@pytest.mark.needs("kubernetes")
@pytest.mark.foreach("workloads", where=lambda entry: entry.limits)
def test_containers_have_limits(kubernetes: Kubernetes, entry: WorkloadCheck) -> None:
    """Every container has the limits it must have."""
    assert kubernetes.rollout(entry).pods.limited(*entry.limits)


@pytest.mark.requirement("KU4")
@pytest.mark.needs("kubernetes")
@pytest.mark.foreach("workloads", where=lambda entry: entry.budget)
def test_disruption_budget(kubernetes: Kubernetes, entry: WorkloadCheck) -> None:
    """A disruption budget protects the pods, is kept, and lets a node be drained."""
    assert kubernetes.rollout(entry).protected()


@pytest.mark.requirement("KU4")
@pytest.mark.needs("kubernetes")
@pytest.mark.foreach("workloads", where=lambda entry: entry.autoscaler)
def test_autoscaler(kubernetes: Kubernetes, entry: WorkloadCheck) -> None:
    """An autoscaler scales the workload, and has its metrics."""
    assert kubernetes.rollout(entry).autoscaled()


@pytest.mark.requirement("KU4")
@pytest.mark.needs("kubernetes")
@pytest.mark.foreach("workloads", where=lambda entry: entry.network_policy)
def test_network_policy(kubernetes: Kubernetes, entry: WorkloadCheck) -> None:
    """A network policy restricts what reaches the pods."""
    assert kubernetes.rollout(entry).pods.isolated()


@pytest.mark.requirement("KU6")
@pytest.mark.needs("kubernetes")
@pytest.mark.foreach("workloads", level="warning", where=lambda entry: entry.max_cpu or entry.max_memory)
def test_usage_within_limits(kubernetes: Kubernetes, entry: WorkloadCheck) -> None:
    """No container uses more of its limits than it should."""
    assert kubernetes.rollout(entry).pods.within_limits(cpu=entry.max_cpu, memory=entry.max_memory)


@pytest.mark.requirement("KU4")
@pytest.mark.blocker
@pytest.mark.needs("kubernetes", "cluster")
def test_cluster_version(kubernetes: Kubernetes, policy: Policy) -> None:
    """The API server is new enough; any version, if none is configured."""
    assert kubernetes.version.at_least(policy.min_version or "0.0")


@pytest.mark.requirement("KU4")
@pytest.mark.blocker
@pytest.mark.needs("kubernetes", "cluster")
def test_nodes_are_ready(kubernetes: Kubernetes, policy: Policy) -> None:
    """Every node is ready, and there are enough."""
    assert kubernetes.nodes.ready(at_least=policy.min_nodes or 1)


@pytest.mark.requirement("KU4")
@pytest.mark.blocker
@pytest.mark.needs("kubernetes", "cluster")
def test_namespaces_are_active(kubernetes: Kubernetes, policy: Policy) -> None:
    """The namespaces are there and not going away: the configured one, if none is named."""
    for name in policy.namespaces or (kubernetes.namespace,):
        assert kubernetes.has_namespace(name)


@pytest.mark.requirement("KU4")
@pytest.mark.blocker
@pytest.mark.needs("kubernetes", "cluster.storage_classes")
def test_storage_classes(kubernetes: Kubernetes, policy: Policy) -> None:
    """The storage classes are there."""
    assert kubernetes.has_storage_classes(*policy.storage_classes)


@pytest.mark.requirement("KU5")
@pytest.mark.security
@pytest.mark.needs("kubernetes")
@pytest.mark.foreach("permissions")
def test_permission(kubernetes: Kubernetes, entry: PermissionCheck) -> None:
    """The permission is granted, or denied, as it must be."""
    assert kubernetes.permits(entry)


@pytest.mark.requirement("KU5")
@pytest.mark.security
@pytest.mark.blocker
@pytest.mark.needs("kubernetes", "cluster")
def test_permissions_of_the_manifest(kubernetes: Kubernetes) -> None:
    """Every permission of the shipped RBAC manifest is granted: no check will fail for lack of one."""
    assert kubernetes.preflight()


@pytest.mark.requirement("KU7")
@pytest.mark.security
@pytest.mark.needs("kubernetes")
@pytest.mark.foreach("secrets")
def test_secret_has_its_keys(kubernetes: Kubernetes, entry: KeysCheck) -> None:
    """The Secret is there with its keys; no value is looked at or kept."""
    assert kubernetes.secret_keys(entry.name, entry.namespace).has(*entry.keys)


@pytest.mark.requirement("KU7")
@pytest.mark.needs("kubernetes")
@pytest.mark.foreach("config_maps")
def test_config_map_has_its_keys(kubernetes: Kubernetes, entry: KeysCheck) -> None:
    """The ConfigMap is there with its keys."""
    assert kubernetes.config_map_keys(entry.name, entry.namespace).has(*entry.keys)
