"""Which pods belong to the revision that is wanted, and which are left of older ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from pytest_deploycheck.model.kubernetes.workloads import (
    REVISION,
    ControllerRevision,
    DaemonSet,
    Deployment,
    ReplicaSet,
    StatefulSet,
    Workload,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_deploycheck.model.kubernetes.pods import Pod

HASH = "controller-revision-hash"
"""The label by which the pods of StatefulSets and DaemonSets tell their revision."""

Revisions = tuple[ReplicaSet | ControllerRevision, ...]
"""ReplicaSets of a Deployment; ControllerRevisions of the others."""


class PodsByRevision(msgspec.Struct, frozen=True, kw_only=True):
    """The pods of a workload; those that only happen to match its selector are in none of the lists.

    Attributes:
        revision: the name of the wanted one; empty if it is not known.
        current: pods of it that are to stay.
        leaving: pods of it that terminate: scaled down, or of a node that is no longer meant.
        old: pods of older revisions that still run, terminating or not.
        finished: pods of any revision that have ended for good, such as evicted ones.
    """

    revision: str
    current: tuple[Pod, ...]
    leaving: tuple[Pod, ...]
    old: tuple[Pod, ...]
    finished: tuple[Pod, ...]

    @property
    def parts(self) -> tuple[tuple[Pod, ...], ...]:
        """All four lists."""
        return self.current, self.leaving, self.old, self.finished


def by_revision(workload: Workload, pods: Sequence[Pod], revisions: Revisions) -> PodsByRevision:
    """Sort a workload's pods."""
    if isinstance(workload, Deployment):
        name, mine = _of_deployment(workload, pods, revisions)
    else:
        name, mine = _of_revision_hash(workload, pods, revisions)
    live = [(pod, wanted) for pod, wanted in mine if not pod.finished]
    return PodsByRevision(
        revision=name,
        current=tuple(pod for pod, wanted in live if wanted and not pod.terminating),
        leaving=tuple(pod for pod, wanted in live if wanted and pod.terminating),
        old=tuple(pod for pod, wanted in live if not wanted),
        finished=tuple(pod for pod, _ in mine if pod.finished),
    )


def _of_deployment(
    deployment: Deployment, pods: Sequence[Pod], revisions: Revisions
) -> tuple[str, list[tuple[Pod, bool]]]:
    mine = [one for one in revisions if isinstance(one, ReplicaSet) and one.metadata.owned_by(deployment.metadata.uid)]
    wanted = next((one for one in mine if _is_current(one, deployment)), None)
    owners = {one.metadata.uid: one is wanted for one in mine}
    found = [
        (pod, owners[owner.uid]) for pod in pods for owner in pod.metadata.owner_references or () if owner.uid in owners
    ]
    return wanted.metadata.name if wanted is not None else "", found


def _is_current(replica_set: ReplicaSet, deployment: Deployment) -> bool:
    """Return whether a ReplicaSet is of the Deployment's newest template.

    The revision's number alone would take the last one that was rolled out, while a paused Deployment has a newer
    template already.
    """
    number = deployment.metadata.annotation(REVISION)
    return replica_set.metadata.annotation(REVISION) == number and images(replica_set) == images(deployment)


def _of_revision_hash(
    workload: StatefulSet | DaemonSet, pods: Sequence[Pod], revisions: Revisions
) -> tuple[str, list[tuple[Pod, bool]]]:
    uid = workload.metadata.uid
    if isinstance(workload, StatefulSet):
        name = wanted = workload.status.update_revision
    else:
        newest = max(
            (one for one in revisions if isinstance(one, ControllerRevision) and one.metadata.owned_by(uid)),
            key=lambda one: one.revision,
            default=None,
        )
        name = newest.metadata.name if newest is not None else ""
        wanted = newest.metadata.label(HASH) if newest is not None else ""
    return name, [
        (pod, bool(wanted) and pod.metadata.label(HASH) == wanted) for pod in pods if pod.metadata.owned_by(uid)
    ]


def images(workload: Workload | ReplicaSet) -> dict[str, str]:
    """Return container → image of a template, init containers included."""
    spec = workload.spec.template.spec
    return {one.name: one.image for one in (*(spec.init_containers or ()), *spec.containers)}
