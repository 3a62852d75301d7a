"""What is expected of a cluster: the tables that `suites/post_deploy/test_kubernetes.py` is about."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from pytest_deploycheck.settings.entries import Count, Entry
from pytest_deploycheck.settings.values import Duration, Flag, Frozen, Name, Number, Whole, Wrong, parse_duration

ShareOfLimit = Annotated[Number, Field(gt=0, le=1)]
"""A share of a limit, such as 0.9."""


class WorkloadCheck(Entry):
    """KU1, KU2, KU3, KU4, KU6, SM3: a workload, its rollout and its pods."""

    kind: Literal["deployment", "statefulset", "daemonset", "job"] = "deployment"
    """The kind."""
    name: Name
    """The name."""
    namespace: Name | None = None
    """The namespace; the cluster's configured one if it is not given."""
    image: Name | None = None
    """The image one of its containers must have: a whole reference, `sha256:…`, or `:tag`."""
    deployed: Flag = False
    """Whether it must run what was deployed: the deployment's image digest, or else a tag that is its version."""
    replicas: Count | None = None
    """How many replicas must be desired, at least; 1 if it is not given."""
    allow_partition: Flag = False
    """Whether pods that a StatefulSet's partition keeps old are meant to be old."""
    old_gone: Flag = True
    """Whether it is not complete while older pods still terminate in time; those that hang are never complete."""
    stable: Duration = parse_duration("5m")
    """How long readiness must have held that was lost since the rollout; 0 turns it off."""
    max_restarts: Annotated[Whole, Field(ge=0)] = 0
    """How often its containers may have restarted since the deployment."""
    allowed_events: tuple[Name, ...] = ()
    """Reasons of Warning events that may be there, such as `Unhealthy`."""
    limits: tuple[Literal["cpu", "memory"], ...] = ()
    """Resources of which every container must have a limit."""
    budget: Flag = False
    """Whether a PodDisruptionBudget must protect it, and allow a disruption."""
    autoscaler: Flag = False
    """Whether a HorizontalPodAutoscaler must scale it, and work."""
    network_policy: Flag = False
    """Whether a network policy must restrict what reaches its pods."""
    max_cpu: ShareOfLimit | None = None
    """The largest share of its CPU limit that a container may use."""
    max_memory: ShareOfLimit | None = None
    """The largest share of its memory limit that a container may use."""

    @model_validator(mode="after")
    def _fits_its_kind(self) -> Self:
        given = self.model_fields_set - {*Entry.model_fields, "kind", "name", "namespace"}
        if self.kind == "job" and given:
            raise Wrong(f"has {min(given)} with the kind job", "a job only completes")
        if self.allow_partition and self.kind != "statefulset":
            raise Wrong(f"has allow_partition with the kind {self.kind}", "only a statefulset has a partition")
        if self.image is not None and self.deployed:
            raise Wrong("has both image and deployed", "one of them")
        return self

    def _natural_id(self) -> str:
        return f"{self.kind}:{self.namespace + '/' if self.namespace else ''}{self.name}"


class KeysCheck(Entry):
    """KU7: a Secret or ConfigMap, by its keys alone."""

    name: Name
    """The name."""
    namespace: Name | None = None
    """The namespace; the cluster's configured one if it is not given."""
    keys: tuple[Name, ...] = ()
    """The keys it must have; any if none is given."""

    def _natural_id(self) -> str:
        return f"{self.namespace + '/' if self.namespace else ''}{self.name}"


class PermissionCheck(Entry):
    """KU5: something that whoever runs the checks may do, or must not."""

    verb: Name
    """Such as `get`."""
    resource: Name
    """The plural: `pods`, `pods/log`, `deployments`, `widgets.example.com`."""
    group: Name | None = None
    """The API group, where the resource is none of Kubernetes's own."""
    namespace: str | None = None
    """The namespace; the cluster's configured one if it is not given, and all of them if it is empty."""
    allowed: Flag = True
    """Whether it must be allowed; otherwise it must be denied."""

    def _natural_id(self) -> str:
        return f"{'may' if self.allowed else 'may-not'}:{self.verb}:{self.resource}"


class ClusterPolicy(Frozen):
    """KU4, KU5: what holds for the cluster."""

    min_version: Name | None = None
    """The least version of the API server, such as `1.29`."""
    min_nodes: Count | None = None
    """How many nodes must be ready, at least; every other one must be ready too."""
    namespaces: tuple[Name, ...] = ()
    """Namespaces that must be active."""
    storage_classes: tuple[Name, ...] = ()
    """Storage classes that must be there."""


class ClusterChecks(Frozen):
    """The tables about a cluster, at the top of the file (for every environment) or in one environment."""

    workloads: tuple[WorkloadCheck, ...] = ()
    """KU1 to KU4, KU6, SM3."""
    secrets: tuple[KeysCheck, ...] = ()
    """KU7: Secrets."""
    config_maps: tuple[KeysCheck, ...] = ()
    """KU7: ConfigMaps."""
    permissions: tuple[PermissionCheck, ...] = ()
    """KU5."""
    cluster: ClusterPolicy | None = None
    """KU4, KU5, for the cluster as a whole."""
