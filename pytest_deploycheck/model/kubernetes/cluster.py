"""Nodes, events, and what guards and scales workloads."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - the decoder resolves the annotations

import msgspec

from pytest_deploycheck.model.kubernetes.objects import AnnotatedMeta, Condition, LabelSelector, Meta


class Version(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What `/version` tells; a build of one's own may leave the git version unset."""

    major: str
    minor: str
    git_version: str = ""
    platform: str = ""

    @property
    def numbers(self) -> tuple[int, int] | None:
        """(major, minor), or None if they are no numbers. Some providers write `27+`."""
        try:
            return int(self.major), int(self.minor.rstrip("+"))
        except ValueError:
            return None


class NodeSpec(msgspec.Struct, frozen=True, kw_only=True):
    """Whether new pods may come to a node."""

    unschedulable: bool = False


class NodeInfo(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What a node runs."""

    kubelet_version: str = ""


class NodeStatus(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What a node is."""

    conditions: tuple[Condition, ...] | None = None
    node_info: NodeInfo | None = None


class Node(msgspec.Struct, frozen=True, kw_only=True):
    """One node."""

    metadata: Meta
    spec: NodeSpec = NodeSpec()
    status: NodeStatus = NodeStatus()


class LeaseSpec(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """When a lease was last renewed, and for how long, in seconds."""

    renew_time: datetime | None = None
    lease_duration_seconds: int | None = None


class Lease(msgspec.Struct, frozen=True, kw_only=True):
    """A node's sign of life: the first thing to stand still when it dies."""

    metadata: Meta
    spec: LeaseSpec = LeaseSpec()


class ObjectReference(msgspec.Struct, frozen=True, kw_only=True):
    """What an event is about."""

    kind: str = ""
    name: str = ""
    namespace: str = ""
    uid: str = ""


class EventSeries(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An event that came several times."""

    count: int = 0
    last_observed_time: datetime | None = None


class Event(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One event of the core API; the scheduler's have only `event_time`, without a count."""

    metadata: Meta
    involved_object: ObjectReference = ObjectReference()
    type: str = ""
    reason: str = ""
    message: str = ""
    count: int | None = None
    first_timestamp: datetime | None = None
    last_timestamp: datetime | None = None
    event_time: datetime | None = None
    series: EventSeries | None = None

    @property
    def last_seen(self) -> datetime | None:
        """When it last came."""
        if self.series is not None and self.series.last_observed_time is not None:
            return self.series.last_observed_time
        return self.last_timestamp or self.event_time or self.metadata.creation_timestamp

    @property
    def times(self) -> int:
        """How often it came."""
        return self.series.count if self.series is not None and self.series.count else self.count or 1


class BudgetSpec(msgspec.Struct, frozen=True, kw_only=True):
    """Which pods a disruption budget protects."""

    selector: LabelSelector | None = None


class BudgetStatus(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What a disruption budget allows; true only of the observed generation."""

    observed_generation: int = 0
    disruptions_allowed: int = 0
    current_healthy: int = 0
    desired_healthy: int = 0
    expected_pods: int = 0


class DisruptionBudget(msgspec.Struct, frozen=True, kw_only=True):
    """One PodDisruptionBudget."""

    metadata: Meta
    spec: BudgetSpec = BudgetSpec()
    status: BudgetStatus = BudgetStatus()


class AutoscalerSpec(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What an autoscaler scales."""

    scale_target_ref: ObjectReference
    min_replicas: int = 1
    max_replicas: int = 0


class AutoscalerStatus(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What an autoscaler does; without metrics `desired_replicas` is 0 and means nothing."""

    current_replicas: int = 0
    desired_replicas: int = 0
    conditions: tuple[Condition, ...] | None = None


class Autoscaler(msgspec.Struct, frozen=True, kw_only=True):
    """One HorizontalPodAutoscaler."""

    metadata: Meta
    spec: AutoscalerSpec
    status: AutoscalerStatus = AutoscalerStatus()


class StorageClass(msgspec.Struct, frozen=True, kw_only=True):
    """One storage class."""

    metadata: AnnotatedMeta
    provisioner: str = ""

    @property
    def default(self) -> bool:
        """Whether claims that name none get it."""
        return self.metadata.annotation("storageclass.kubernetes.io/is-default-class") == "true"


class PolicyRule(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Traffic that a network policy lets through: from (ingress) or to (egress) peers, on ports.

    What is absent or empty means all peers, or all ports.
    """

    from_: tuple[msgspec.Raw, ...] | None = msgspec.field(name="from", default=None)
    to: tuple[msgspec.Raw, ...] | None = None
    ports: tuple[msgspec.Raw, ...] | None = None

    @property
    def lets_all_through(self) -> bool:
        """Whether it restricts nothing."""
        return not (self.from_ or self.to or self.ports)


class NetworkPolicySpec(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Whose traffic a policy restricts, in which directions, and what it lets through."""

    pod_selector: LabelSelector = LabelSelector()
    policy_types: tuple[str, ...] | None = None
    ingress: tuple[PolicyRule, ...] | None = None
    egress: tuple[PolicyRule, ...] | None = None


class NetworkPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """One network policy."""

    metadata: Meta
    spec: NetworkPolicySpec = NetworkPolicySpec()


class ContainerUsage(msgspec.Struct, frozen=True, kw_only=True):
    """What one container uses: resource → quantity."""

    name: str
    usage: dict[str, str] = {}


class PodUsage(msgspec.Struct, frozen=True, kw_only=True):
    """What one pod's containers use, as metrics.k8s.io tells it.

    Attributes:
        metadata: the pod's name and namespace.
        timestamp: the end of the window it was measured over.
        window: its length, such as `15s`.
        containers: one each.
    """

    metadata: Meta
    timestamp: datetime | None = None
    window: str = ""
    containers: tuple[ContainerUsage, ...] = ()


class Namespace(msgspec.Struct, frozen=True, kw_only=True):
    """One namespace."""

    metadata: Meta
    status: NamespaceStatus | None = None


class NamespaceStatus(msgspec.Struct, frozen=True, kw_only=True):
    """`Active` or `Terminating`."""

    phase: str = ""


class KeyNames(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The keys of a Secret or ConfigMap; never its values."""

    name: str
    namespace: str
    keys: tuple[str, ...]
    type: str = ""
