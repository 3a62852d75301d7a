"""What runs pods: Deployments, StatefulSets, DaemonSets, Jobs, and their revisions."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - the decoder resolves the annotations

import msgspec

from pytest_deploycheck.model.kubernetes.objects import AnnotatedMeta, Condition, LabelSelector, Meta
from pytest_deploycheck.model.kubernetes.pods import PodSpec

REVISION = "deployment.kubernetes.io/revision"
"""The annotation by which a Deployment and its ReplicaSets number the revisions."""


class Template(msgspec.Struct, frozen=True, kw_only=True):
    """What the pods are to be."""

    metadata: Meta = Meta()
    spec: PodSpec = PodSpec()


class RollingUpdate(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """How a rolling update goes; only StatefulSets have a partition: pods below it keep the old revision."""

    partition: int | None = None


class Strategy(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """How pods are replaced: `RollingUpdate`, `Recreate` (Deployments) or `OnDelete` (the others)."""

    type: str = ""
    rolling_update: RollingUpdate | None = None


class DeploymentSpec(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What a Deployment is to be."""

    selector: LabelSelector
    template: Template = Template()
    replicas: int = 1
    paused: bool = False
    strategy: Strategy = Strategy()
    progress_deadline_seconds: int | None = None


class DeploymentStatus(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """How far a Deployment is. `replicas` leaves out what terminates; `terminating_replicas` counts it since 1.33."""

    observed_generation: int = 0
    replicas: int = 0
    updated_replicas: int = 0
    ready_replicas: int = 0
    available_replicas: int = 0
    terminating_replicas: int = 0
    conditions: tuple[Condition, ...] | None = None


class Deployment(msgspec.Struct, frozen=True, kw_only=True):
    """One Deployment."""

    metadata: AnnotatedMeta
    spec: DeploymentSpec
    status: DeploymentStatus = DeploymentStatus()


class ReplicaSet(msgspec.Struct, frozen=True, kw_only=True):
    """One revision of a Deployment."""

    metadata: AnnotatedMeta
    spec: DeploymentSpec


class StatefulSetSpec(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What a StatefulSet is to be."""

    selector: LabelSelector
    template: Template = Template()
    replicas: int = 1
    update_strategy: Strategy = Strategy()


class StatefulSetStatus(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """How far a StatefulSet is."""

    observed_generation: int = 0
    replicas: int = 0
    ready_replicas: int = 0
    available_replicas: int = 0
    current_replicas: int = 0
    updated_replicas: int = 0
    current_revision: str = ""
    update_revision: str = ""


class StatefulSet(msgspec.Struct, frozen=True, kw_only=True):
    """One StatefulSet."""

    metadata: Meta
    spec: StatefulSetSpec
    status: StatefulSetStatus = StatefulSetStatus()


class DaemonSetSpec(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What a DaemonSet is to be."""

    selector: LabelSelector
    template: Template = Template()
    update_strategy: Strategy = Strategy()


class DaemonSetStatus(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """How far a DaemonSet is; counted in nodes."""

    observed_generation: int = 0
    desired_number_scheduled: int = 0
    current_number_scheduled: int = 0
    updated_number_scheduled: int = 0
    number_misscheduled: int = 0
    number_ready: int = 0
    number_available: int = 0


class DaemonSet(msgspec.Struct, frozen=True, kw_only=True):
    """One DaemonSet."""

    metadata: Meta
    spec: DaemonSetSpec
    status: DaemonSetStatus = DaemonSetStatus()


class ControllerRevision(msgspec.Struct, frozen=True, kw_only=True):
    """One revision of a StatefulSet or DaemonSet; the highest number is the newest."""

    metadata: Meta
    revision: int = 0


class JobSpec(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What a Job is to do."""

    template: Template = Template()
    selector: LabelSelector | None = None
    completions: int | None = None
    suspend: bool = False


class JobStatus(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """How far a Job is."""

    active: int = 0
    succeeded: int = 0
    failed: int = 0
    conditions: tuple[Condition, ...] | None = None
    start_time: datetime | None = None
    completion_time: datetime | None = None


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """One Job."""

    metadata: Meta
    spec: JobSpec = JobSpec()
    status: JobStatus = JobStatus()


Workload = Deployment | StatefulSet | DaemonSet
"""What has a rollout."""

KINDS: dict[type[Workload], str] = {
    Deployment: "deployment",
    StatefulSet: "statefulset",
    DaemonSet: "daemonset",
}
"""How each is called in questions."""
