"""Pods and their containers."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - the decoder resolves the annotations

import msgspec

from pytest_deploycheck.model.kubernetes.objects import (  # noqa: TC001 - the same
    Condition,
    HeadCondition,
    HeadMeta,
    Meta,
)


class Resources(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a container asks for and may use at most: resource → quantity (`500m`, `128Mi`)."""

    limits: dict[str, str] | None = None
    requests: dict[str, str] | None = None


class Container(msgspec.Struct, frozen=True, kw_only=True, rename="camel", gc=False):
    """One container of a pod's spec.

    Attributes:
        name: unique in the pod, init containers included.
        image: as it was asked for.
        resources: None if it has none.
        restart_policy: `Always` makes an init container a sidecar.
    """

    name: str
    image: str = ""
    resources: Resources | None = None
    restart_policy: str = ""


class Waiting(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Why a container does not run yet, or not again."""

    reason: str = ""
    message: str = ""


class Running(msgspec.Struct, frozen=True, kw_only=True, rename="camel", gc=False):
    """Since when a container runs."""

    started_at: datetime | None = None


class Terminated(msgspec.Struct, frozen=True, kw_only=True, rename="camel", gc=False):
    """How a container ended."""

    exit_code: int = 0
    reason: str = ""
    message: str = ""
    started_at: datetime | None = None
    finished_at: datetime | None = None


class ContainerState(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One of the three; none of them in a last state that never was."""

    waiting: Waiting | None = None
    running: Running | None = None
    terminated: Terminated | None = None


class ContainerStatus(msgspec.Struct, frozen=True, kw_only=True, rename="camel", gc=False):
    """What a container does.

    Attributes:
        name: the container's.
        ready: of its probe. On a node that died it stays true.
        restart_count: may begin anew; `last_state` tells of the last restart.
        image: as the runtime names it.
        image_id: with the digest of what really runs.
        state: now.
        last_state: before the last restart.
    """

    name: str
    ready: bool = False
    restart_count: int = 0
    image: str = ""
    image_id: str = msgspec.field(name="imageID", default="")
    state: ContainerState | None = None
    last_state: ContainerState | None = None


class PodSpec(msgspec.Struct, frozen=True, kw_only=True, rename="camel", gc=False):
    """What a pod is to be."""

    containers: tuple[Container, ...] = ()
    init_containers: tuple[Container, ...] | None = None
    node_name: str = ""


class HeadStatus(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What tells whether a pod is ready. `phase` Running does not mean it."""

    phase: str = ""
    conditions: tuple[HeadCondition, ...] | None = None


class PodStatus(HeadStatus, frozen=True, kw_only=True, rename="camel", gc=False):
    """What a pod is."""

    reason: str = ""
    message: str = ""
    conditions: tuple[Condition, ...] | None = None
    container_statuses: tuple[ContainerStatus, ...] | None = None
    init_container_statuses: tuple[ContainerStatus, ...] | None = None
    start_time: datetime | None = None


class PodHead(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Of one pod, what tells whether it is ready: a fifth of the memory of all that may be judged."""

    metadata: HeadMeta
    status: HeadStatus = HeadStatus()

    @property
    def name(self) -> str:
        """Its name."""
        return self.metadata.name

    @property
    def ready(self) -> bool:
        """Whether its condition Ready is True: neither the phase nor the containers' own word tells it."""
        for one in self.status.conditions or ():
            if one.type == "Ready":
                return one.status == "True"
        return False

    @property
    def terminating(self) -> bool:
        """Whether its deletion was asked for; it may be Running and Ready all the same."""
        return self.metadata.deletion_timestamp is not None

    @property
    def finished(self) -> bool:
        """Whether its containers have ended for good: an evicted pod, or one of a job."""
        return self.status.phase in ("Succeeded", "Failed")


class Pod(PodHead, frozen=True, kw_only=True, gc=False):
    """One pod."""

    metadata: Meta
    spec: PodSpec = PodSpec()
    status: PodStatus = PodStatus()

    @property
    def statuses(self) -> tuple[ContainerStatus, ...]:
        """Those of the init containers and of the containers."""
        return (*(self.status.init_container_statuses or ()), *(self.status.container_statuses or ()))
