"""Rollouts: complete as `kubectl rollout status` defines it, and really: something runs, all of it new and ready.

kubectl alone says success for 0 of 0 replicas, for a rolled-back Deployment, for a StatefulSet whose partition keeps
every pod old, while old pods hang, while a moved tag runs as two images under one name, and while readiness comes and
goes.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from pytest_deploycheck.checks.asked import Asked, Judgement
from pytest_deploycheck.checks.images import DIGEST, different_digests, other_digests, pins, wrong_image
from pytest_deploycheck.checks.kubectl import observed, rollout_status
from pytest_deploycheck.checks.pods import COLUMNS, Rows, age, pod_rows
from pytest_deploycheck.checks.revisions import Revisions, by_revision, images
from pytest_deploycheck.checks.wording import count, seconds, share
from pytest_deploycheck.model.kubernetes.objects import condition
from pytest_deploycheck.model.kubernetes.workloads import KINDS, DaemonSet, Deployment, StatefulSet, Workload
from pytest_deploycheck.model.outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import datetime

    from pytest_deploycheck.checks.revisions import PodsByRevision
    from pytest_deploycheck.model.finding import Finding
    from pytest_deploycheck.model.kubernetes.pods import Pod

STABLE = timedelta(minutes=5)
"""Readiness that was lost after the rollout and came back less than this ago is not trusted yet."""
MARGIN = timedelta(seconds=5)
"""For the kubelet to notice that a pod is gone, and to say so."""


def rollout(  # noqa: PLR0913 - what is expected, and what to hold it against
    workload: Workload,
    pods: Sequence[Pod],
    revisions: Revisions,
    asked: Asked,
    *,
    now: datetime,
    image: str | None = None,
    replicas: int | None = None,
    allow_partition: bool = False,
    old_gone: bool = False,
    silent_nodes: Mapping[str, str] | None = None,
    stable: timedelta = STABLE,
) -> Finding:
    """Judge whether a rollout is complete.

    FAILED: it is being deleted, paused, past its deadline or not finished as kubectl defines it; fewer replicas than
    expected; a pod of the wanted revision that is not ready or missing; a pod of an older revision that still runs;
    another image than expected, or two images under one name; readiness lost since the rollout and back for less than
    `stable`. INCONCLUSIVE: the controller has not seen the newest spec; nothing is desired; a pod's node gives no sign
    of life. Only told: older pods that terminate and have time left for it, pods of the wanted revision that terminate,
    and pods that have ended (evicted ones).

    Args:
        workload: the Deployment, StatefulSet or DaemonSet.
        pods: what its selector matches.
        revisions: its ReplicaSets or ControllerRevisions.
        asked: the question.
        now: the server's time.
        image: the image that one of its containers must have: a whole reference, `sha256:…`, or `:tag`.
        replicas: how many must be desired, at least; 1 if it is None.
        allow_partition: whether pods that a StatefulSet's partition keeps old are meant to be old.
        old_gone: whether older pods that terminate in time make it inconclusive, for they may still serve.
        silent_nodes: node → why it cannot be trusted (see `nodes.silent`); None if that was not asked.
        stable: see above; zero turns it off.
    """
    desired = _desired(workload)
    least = max(1, replicas or 1)
    judgement = Judgement(asked, _expectation(workload, least, image), COLUMNS)
    if workload.metadata.deletion_timestamp is not None:
        judgement.bad("it is being deleted")
    if not observed(workload):
        seen, generation = workload.status.observed_generation, workload.metadata.generation
        judgement.doubtful(
            f"its controller has not seen the newest spec (generation {generation}, observed {seen or 'none'}): "
            "every counter tells of an older one"
        )
        return judgement.finding("")
    if desired == 0:
        judgement.doubtful(f"no data: {_nothing(workload)}")
        return judgement.finding("")
    if desired < least:
        judgement.bad(f"{desired} desired, fewer than the expected {least}")
    sorted_pods = by_revision(workload, pods, revisions)
    _conditions(workload, judgement)
    _progress(workload, judgement)
    _partition(workload, sorted_pods, judgement, allowed=allow_partition)
    _pods(workload, sorted_pods, judgement, now, partition_allowed=allow_partition, old_gone=old_gone)
    if image is not None:
        _image(workload, sorted_pods.current, judgement, image)
    _digests(workload, sorted_pods.current, judgement)
    _silence(sorted_pods.current, silent_nodes or {}, judgement)
    _flapping(workload, sorted_pods.current, judgement, now, stable)
    _notes(sorted_pods, judgement, now)
    ready = sum(pod.ready for pod in sorted_pods.current)
    old = sum(not pod.terminating for pod in sorted_pods.old)
    kept = f", {old} kept old by the partition" if old else ""
    extra = _remarks(workload, sorted_pods, nodes_known=silent_nodes is not None)
    return judgement.finding(
        f"{ready} of {desired} pods of revision {sorted_pods.revision} ready{kept}{'; ' + extra if extra else ''}"
    )


def kind_of(workload: Workload) -> str:
    """Return how a workload's kind is called in questions."""
    return KINDS[type(workload)]


def _expectation(workload: Workload, least: int, image: str | None) -> str:
    running = f" runs {image}," if image else ""
    return (
        f"{kind_of(workload)} {workload.metadata.name}{running} at least {count(least, 'replica')}, "
        "every pod new and ready, no older one left"
    )


def _desired(workload: Workload) -> int:
    if isinstance(workload, DaemonSet):
        return workload.status.desired_number_scheduled
    return workload.spec.replicas


def _nothing(workload: Workload) -> str:
    if isinstance(workload, DaemonSet):
        return "no node is meant to run a pod of it (0 desired)"
    return "0 replicas are desired, so nothing runs"


def _conditions(workload: Workload, judgement: Judgement) -> None:
    if not isinstance(workload, Deployment):
        return
    conditions = workload.status.conditions
    failure = condition(conditions, "ReplicaFailure")
    if failure is not None and failure.status == "True":
        judgement.bad(f"its pods cannot be made: {failure.reason}: {failure.message}")
    if workload.spec.paused and not rollout_status(workload).done:
        judgement.bad("it is paused: its rollout will not go on by itself, and no deadline ends it")


def _progress(workload: Workload, judgement: Judgement) -> None:
    """Take over what kubectl says; where it refuses to say anything (OnDelete), count for it."""
    said = rollout_status(workload)
    if not said.error:
        if not said.done:
            judgement.bad(said.message.removesuffix("..."))
        return
    if not said.done:
        judgement.bad(said.error)
        return
    if isinstance(workload, StatefulSet):
        ready, updated, desired = workload.status.ready_replicas, workload.status.updated_replicas, _desired(workload)
    elif isinstance(workload, DaemonSet):
        ready, updated = workload.status.number_available, workload.status.updated_number_scheduled
        desired = workload.status.desired_number_scheduled
    else:  # pragma: no cover - Deployments have no such strategy
        return
    if updated < desired:
        judgement.bad(
            f"{updated} of {desired} pods updated: the strategy OnDelete waits until somebody deletes the old"
        )
    if ready < desired:
        judgement.bad(f"{ready} of {desired} pods ready")


def _partition(workload: Workload, pods: PodsByRevision, judgement: Judgement, *, allowed: bool) -> None:
    if not isinstance(workload, StatefulSet) or workload.spec.update_strategy.rolling_update is None:
        return
    partition = workload.spec.update_strategy.rolling_update.partition or 0
    updated = workload.status.updated_replicas
    if not partition or updated >= workload.spec.replicas:
        return
    if updated == 0:
        judgement.bad(f"the partition {partition} keeps every pod old: 0 of {workload.spec.replicas} updated")
    elif not allowed:
        judgement.bad(f"the partition {partition} keeps {len(pods.old)} of {count(workload.spec.replicas, 'pod')} old")


def _pods(
    workload: Workload,
    pods: PodsByRevision,
    judgement: Judgement,
    now: datetime,
    *,
    partition_allowed: bool,
    old_gone: bool,
) -> None:
    desired, kept = _desired(workload), _kept_old(workload)
    unready = [pod for pod in pods.current if not pod.ready]
    if unready:
        judgement.bad(f"{share(len(unready), desired, 'pod')} not ready", pod_rows(unready, now))
    # below a partition pods are meant to be old, and must be ready like any other
    leftover = [pod for pod in pods.old if not pod.terminating and not (kept and (pod.ready or not partition_allowed))]
    if leftover:
        judgement.bad(f"{count(len(leftover), 'pod')} of an older revision still there", pod_rows(leftover, now))
    if stuck := [pod for pod in pods.old if pod.terminating and _is_stuck(pod, now)]:
        judgement.bad(f"{count(len(stuck), 'pod')} of an older revision should be gone by now", pod_rows(stuck, now))
    going = [pod for pod in pods.old if pod.terminating and not _is_stuck(pod, now)]
    if going and old_gone:
        judgement.doubtful(f"{count(len(going), 'pod')} of an older revision not gone yet", pod_rows(going, now))
    # what the counters said already need not be said twice
    if judgement.outcome is Outcome.PASSED and not pods.revision:
        judgement.bad("none of its revisions is of its newest template")
    missing = desired - kept - len(pods.current)
    if judgement.outcome is Outcome.PASSED and missing > 0:
        judgement.bad(f"{count(missing, 'pod')} of the wanted revision missing, whatever the counters say")


def _is_stuck(pod: Pod, now: datetime) -> bool:
    """Return whether a terminating pod has had its time (its grace period is in the deletion's moment already)."""
    gone_by = pod.metadata.deletion_timestamp
    return gone_by is not None and now > gone_by + MARGIN


def _kept_old(workload: Workload) -> int:
    """Return how many pods a partition keeps old."""
    if isinstance(workload, StatefulSet) and workload.spec.update_strategy.rolling_update is not None:
        return min(workload.spec.update_strategy.rolling_update.partition or 0, workload.spec.replicas)
    return 0


def _image(workload: Workload, pods: Collection[Pod], judgement: Judgement, wanted: str) -> None:
    """Hold the template to the wanted image; a tag in it does not tell the digest, which its pods then must."""
    asked_for = images(workload)
    if not wanted.startswith(DIGEST) or pins(asked_for):
        if problem := wrong_image(asked_for, wanted):
            judgement.bad(problem)
    elif other := other_digests(pods, wanted):
        rows = [(pod, "", "", running) for pod, running in other]
        judgement.bad(f"{share(len(other), len(pods), 'pod')} not running {wanted}", rows)


def _digests(workload: Workload, pods: Collection[Pod], judgement: Judgement) -> None:
    for container, digests in different_digests(pods).items():
        name = images(workload).get(container, container)
        judgement.bad(
            f"{len(digests)} different images run as {name}: the tag was moved",
            [(pod, "running", "", f"{container}: {digest}") for digest, names in digests.items() for pod in names],
        )


def _silence(pods: Iterable[Pod], silent: Mapping[str, str], judgement: Judgement) -> None:
    lost = [(pod, silent[pod.spec.node_name]) for pod in pods if pod.spec.node_name in silent]
    if lost:
        judgement.doubtful(
            f"{count(len(lost), 'pod')} on a node that gives no sign of life: what is told of them may be old",
            [(pod.name, "unknown", "", f"node {pod.spec.node_name}: {why}") for pod, why in lost],
        )


def _flapping(workload: Workload, pods: Iterable[Pod], judgement: Judgement, now: datetime, stable: timedelta) -> None:
    """Find pods that were there when the rollout completed, and became ready only later: they lost it in between."""
    if not isinstance(workload, Deployment) or not stable:
        return
    progressing = condition(workload.status.conditions, "Progressing")
    if progressing is None or progressing.reason != "NewReplicaSetAvailable" or progressing.last_update_time is None:
        return
    completed = progressing.last_update_time
    rows: Rows = []
    for pod in pods:
        ready = condition(pod.status.conditions, "Ready")
        made = pod.metadata.creation_timestamp
        since = ready.last_transition_time if ready is not None and ready.status == "True" else None
        if since is not None and made is not None and made <= completed < since and now - since < stable:
            rows.append((pod.name, "ready", age(now, made), f"ready again for {age(now, since)} only"))
    if rows:
        judgement.bad(f"{count(len(rows), 'pod')} lost readiness after the rollout had completed", rows)


def _notes(pods: PodsByRevision, judgement: Judgement, now: datetime) -> None:
    told = [(pod, "terminating", "of the wanted revision; not counted") for pod in pods.leaving]
    told += [
        (pod, "terminating", f"of an older revision; {_left(pod, now)} left to go")
        for pod in pods.old
        if pod.terminating and not _is_stuck(pod, now) and judgement.outcome is Outcome.PASSED
    ]
    told += [(pod, pod.status.reason or pod.status.phase, "has ended; not counted") for pod in pods.finished]
    judgement.note((pod.name, state, age(now, pod.metadata.creation_timestamp), text) for pod, state, text in told)


def _left(pod: Pod, now: datetime) -> str:
    gone_by = pod.metadata.deletion_timestamp or now
    return seconds(max(0.0, (gone_by - now).total_seconds()))


def _remarks(workload: Workload, pods: PodsByRevision, *, nodes_known: bool) -> str:
    """Return what a person should know although nothing is wrong."""
    found = []
    if isinstance(workload, Deployment) and workload.spec.paused:
        found.append("paused since it was complete")
    if going := sum(pod.terminating for pod in pods.old):
        found.append(f"{count(going, 'older pod')} terminating")
    if pods.leaving:
        found.append(f"{count(len(pods.leaving), 'pod')} terminating")
    if pods.finished:
        found.append(f"{count(len(pods.finished), 'pod')} ended")
    if isinstance(workload, DaemonSet) and workload.status.number_misscheduled:
        found.append(f"{count(workload.status.number_misscheduled, 'pod')} on nodes that are no longer meant")
    if not nodes_known:
        found.append("whether its nodes are alive was not asked")
    return "; ".join(found)
