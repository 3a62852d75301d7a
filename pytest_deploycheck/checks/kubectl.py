"""What `kubectl rollout status` says of a workload, word for word.

From `rollout_status.go` of kubectl 1.32. It is one part of the judgement of a rollout and never the whole: kubectl
calls 0 of 0 replicas a success, among others (see `rollout`).
"""

from __future__ import annotations

import msgspec

from pytest_deploycheck.model.kubernetes.objects import condition
from pytest_deploycheck.model.kubernetes.workloads import DaemonSet, Deployment, StatefulSet, Workload

_ONLY_ROLLING = "rollout status is only available for RollingUpdate strategy type"


class KubectlStatus(msgspec.Struct, frozen=True, kw_only=True):
    """Its answer.

    Attributes:
        done: whether it would stop waiting and return 0.
        message: what it prints; empty with an error.
        error: why it returns 1; empty without.
    """

    done: bool
    message: str = ""
    error: str = ""


def rollout_status(workload: Workload) -> KubectlStatus:
    """Return what `kubectl rollout status` says of a workload."""
    if isinstance(workload, Deployment):
        return _deployment(workload)
    if isinstance(workload, StatefulSet):
        return _statefulset(workload)
    return _daemonset(workload)


def observed(workload: Workload) -> bool:
    """Return whether the controller has seen the newest spec: until then every counter tells of an older one."""
    seen = workload.status.observed_generation
    return seen > 0 and workload.metadata.generation <= seen


def _deployment(deployment: Deployment) -> KubectlStatus:
    name, status = deployment.metadata.name, deployment.status
    if deployment.metadata.generation > status.observed_generation:
        return _waiting("Waiting for deployment spec update to be observed...")
    progressing = condition(status.conditions, "Progressing")
    if progressing is not None and progressing.reason == "ProgressDeadlineExceeded":
        return KubectlStatus(done=False, error=f'deployment "{name}" exceeded its progress deadline')
    head = f'Waiting for deployment "{name}" rollout to finish:'
    if status.updated_replicas < deployment.spec.replicas:
        return _waiting(
            f"{head} {status.updated_replicas} out of {deployment.spec.replicas} new replicas have been updated..."
        )
    if status.replicas > status.updated_replicas:
        return _waiting(f"{head} {status.replicas - status.updated_replicas} old replicas are pending termination...")
    if status.available_replicas < status.updated_replicas:
        return _waiting(
            f"{head} {status.available_replicas} of {status.updated_replicas} updated replicas are available..."
        )
    return KubectlStatus(done=True, message=f'deployment "{name}" successfully rolled out')


def _statefulset(sts: StatefulSet) -> KubectlStatus:  # noqa: PLR0911 - in kubectl's own order
    spec, status = sts.spec, sts.status
    if spec.update_strategy.type != "RollingUpdate":
        return KubectlStatus(done=True, error=_ONLY_ROLLING)
    if not observed(sts):
        return _waiting("Waiting for statefulset spec update to be observed...")
    if status.ready_replicas < spec.replicas:
        return _waiting(f"Waiting for {spec.replicas - status.ready_replicas} pods to be ready...")
    if (rolling := spec.update_strategy.rolling_update) is not None:
        if rolling.partition is not None and status.updated_replicas < (wanted := spec.replicas - rolling.partition):
            return _waiting(
                f"Waiting for partitioned roll out to finish: {status.updated_replicas} out of {wanted} new pods have "
                "been updated..."
            )
        return KubectlStatus(
            done=True, message=f"partitioned roll out complete: {status.updated_replicas} new pods have been updated..."
        )
    if status.update_revision != status.current_revision:
        return _waiting(
            f"waiting for statefulset rolling update to complete {status.updated_replicas} pods at revision "
            f"{status.update_revision}..."
        )
    return KubectlStatus(
        done=True,
        message=f"statefulset rolling update complete {status.current_replicas} pods at revision "
        f"{status.current_revision}...",
    )


def _daemonset(daemon: DaemonSet) -> KubectlStatus:
    name, status = daemon.metadata.name, daemon.status
    if daemon.spec.update_strategy.type != "RollingUpdate":
        return KubectlStatus(done=True, error=_ONLY_ROLLING)
    if daemon.metadata.generation > status.observed_generation:
        return _waiting("Waiting for daemon set spec update to be observed...")
    head = f'Waiting for daemon set "{name}" rollout to finish:'
    desired = status.desired_number_scheduled
    if status.updated_number_scheduled < desired:
        return _waiting(f"{head} {status.updated_number_scheduled} out of {desired} new pods have been updated...")
    if status.number_available < desired:
        return _waiting(f"{head} {status.number_available} of {desired} updated pods are available...")
    return KubectlStatus(done=True, message=f'daemon set "{name}" successfully rolled out')


def _waiting(message: str) -> KubectlStatus:
    return KubectlStatus(done=False, message=message)
