"""Which pods belong to the revision that is wanted, which are left of older ones, and since when it is wanted."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec

from pytest_deploycheck.checks.asked import Asked, Judgement
from pytest_deploycheck.checks.wording import count
from pytest_deploycheck.model.kubernetes.workloads import (
    KINDS,
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
    from datetime import datetime

    from pytest_deploycheck.model.finding import Finding
    from pytest_deploycheck.model.kubernetes.pods import Pod

GRACE = timedelta(minutes=1)
"""For the controller to make the revision of a deployment whose end was noted when it was asked for."""
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


def unchanged(
    workload: Workload, revisions: Revisions, asked: Asked, *, now: datetime, since: datetime | None
) -> Finding:
    """Judge whether no other rollout was begun since a moment: no revision of the workload was made after it.

    A rollback to a revision that is kept makes none; the wanted image tells of that.

    FAILED: one was, or the workload itself. INCONCLUSIVE: the moment is not known, lies ahead, or there is no revision.

    Args:
        workload: the Deployment, StatefulSet or DaemonSet.
        revisions: its ReplicaSets or ControllerRevisions.
        asked: the question.
        now: the server's time.
        since: when the deployment had finished; None = it is not known.
    """
    name = f"{KINDS[type(workload)]} {workload.metadata.name}"
    when = f" since {since:%Y-%m-%dT%H:%M:%SZ}" if since is not None else ""
    judgement = Judgement(asked, f"no other rollout of {name} was begun{when}", ("revision", "made", "images"))
    mine = [one for one in revisions if one.metadata.owned_by(workload.metadata.uid)]
    if since is None:
        judgement.doubtful("when the deployment had finished is not known: give deployment.finished_at")
    elif since > now:
        judgement.doubtful("the deployment finishes only in the future, by the API server's clock")
    elif not mine:
        judgement.doubtful("no data: it has no revision")
    else:
        late = [
            one
            for one in mine
            if one.metadata.creation_timestamp is not None and one.metadata.creation_timestamp > since + GRACE
        ]
        if late:
            judgement.bad(f"{count(len(late), 'revision')} made after the deployment", [_row(one) for one in late])
    return judgement.finding(f"none of {count(len(mine), 'revision')} was made after the deployment")


def _row(revision: ReplicaSet | ControllerRevision) -> tuple[str, str, str]:
    made = revision.metadata.creation_timestamp
    shown = ", ".join(images(revision).values()) if isinstance(revision, ReplicaSet) else ""
    return revision.metadata.name, f"{made:%Y-%m-%dT%H:%M:%SZ}" if made is not None else "", shown
