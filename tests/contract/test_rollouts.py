"""The judgement of rollouts on every recorded stage of a real cluster, beside what kubectl said at the time."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from pytest_deploycheck.checks.asked import Asked
from pytest_deploycheck.checks.jobs import complete
from pytest_deploycheck.checks.kubectl import rollout_status
from pytest_deploycheck.checks.revisions import unchanged
from pytest_deploycheck.checks.rollout import rollout
from pytest_deploycheck.model.kubernetes.pods import Pod  # noqa: TC001 - the decoder resolves the annotations
from pytest_deploycheck.model.kubernetes.workloads import (
    ControllerRevision,
    DaemonSet,
    Deployment,
    Job,
    ReplicaSet,
    StatefulSet,
    Workload,
)
from tests.contract.kubernetes_recordings import DIRECTORY, archive, body, stages

if TYPE_CHECKING:
    from pytest_deploycheck.model.finding import Finding

KINDS: dict[str, type[Workload]] = {"deployment": Deployment, "statefulset": StatefulSet, "daemonset": DaemonSet}
ASKED = Asked("rollout", "kubernetes https://k8s.example.com")
V1 = "registry.example.com/demo/app@sha256:" + "1" * 64
V2 = "registry.example.com/demo/app@sha256:" + "2" * 64


class Pods(msgspec.Struct):
    items: tuple[Pod, ...]


class ReplicaSets(msgspec.Struct):
    items: tuple[ReplicaSet, ...]


class ControllerRevisions(msgspec.Struct):
    items: tuple[ControllerRevision, ...]


@cache
def stage(name: str) -> tuple[Workload, tuple[Pod, ...], tuple[ReplicaSet | ControllerRevision, ...], datetime]:
    """Return what stood there, and the time of its newest change: the recording's "now"."""
    kind = next(kind for kind in KINDS if f"rollout/{name}/{kind}.json" in archive("rollout"))
    workload = msgspec.json.decode(body(f"rollout/{name}/{kind}.json"), type=KINDS[kind])
    pods = msgspec.json.decode(body(f"rollout/{name}/pods.json"), type=Pods).items
    revisions: tuple[ReplicaSet | ControllerRevision, ...]
    if kind == "deployment":
        revisions = msgspec.json.decode(body(f"rollout/{name}/replicasets.json"), type=ReplicaSets).items
    else:
        path = f"rollout/{name}/controllerrevisions.json"
        revisions = msgspec.json.decode(body(path), type=ControllerRevisions).items
    moments = [workload.metadata.creation_timestamp]
    for one in (
        *(getattr(workload.status, "conditions", None) or ()),
        *(c for p in pods for c in p.status.conditions or ()),
    ):
        moments += [one.last_transition_time, one.last_update_time]
    return workload, pods, revisions, max(moment for moment in moments if moment is not None)


def judged(name: str, **expected: Any) -> Finding:
    workload, pods, revisions, now = stage(name)
    expected.setdefault("silent_nodes", {})
    return rollout(workload, pods, revisions, ASKED, now=now + timedelta(seconds=2), **expected)


def verdicts() -> list[Any]:
    found = {
        one["stage"]: one["watch_false"]
        for kind in ("deploy", "other")
        for one in archive("rollout")[f"rollout/verdicts-{kind}.json"]
    }
    found["node-down-fresh"] = {"exit": 0, "stdout": ['deployment "node-down" successfully rolled out'], "stderr": []}
    return [pytest.param(name, found[name], id=name) for name in stages() if name in found]


@pytest.mark.parametrize(("name", "said"), verdicts())
def test_kubectl_is_repeated_word_for_word(name: str, said: dict[str, Any]) -> None:
    status = rollout_status(stage(name)[0])
    if said["exit"] == 0:
        assert [status.message] == said["stdout"]
        assert not status.error
    else:
        assert [f"error: {status.error}"] == said["stderr"]


# What the cluster's state really means (the recordings' truth table), in our words: stage → outcome and observed line.
OURS: dict[str, list[str]] = json.loads((DIRECTORY / "our-verdicts.json").read_text())


def test_no_stage_is_left_out() -> None:
    assert len(stages()) == 49  # and the job
    assert sorted(OURS) == stages()


@pytest.mark.parametrize("name", stages())
def test_every_stage_is_judged_rightly(name: str) -> None:
    finding = judged(name)
    assert [finding.outcome, finding.observed] == OURS[name]


def test_kubectl_calls_more_of_them_a_success_than_are_sound() -> None:
    successes = {
        name for name in stages() if rollout_status(stage(name)[0]).done and not rollout_status(stage(name)[0]).error
    }
    assert {name for name in successes if OURS[name][0] != "passed"} == {
        "flapping",
        "tag-moved",
        "replicas-0",
        "sts-partition",
        "sts-partition-above",
        "sts-replicas-0",
        "ds-zero-nodes",
    }


def test_old_pods_have_their_time_to_go_and_no_more() -> None:
    workload, pods, revisions, now = stage("old-stuck-terminating")

    def later(seconds: float, **expected: Any) -> Finding:
        return rollout(
            workload, pods, revisions, ASKED, now=now + timedelta(seconds=seconds), stable=timedelta(), **expected
        )

    assert later(2).outcome == "passed"
    assert later(2).rows[0] == (
        "old-stuck-terminating-77b4c65747-dq857",
        "terminating",
        "20 s",
        "of an older revision; 28 s left to go",
    )
    waited_for = later(2, old_gone=True)
    assert (waited_for.outcome, waited_for.observed) == ("inconclusive", "3 pods of an older revision not gone yet")
    stuck = later(60)
    assert (stuck.outcome, stuck.observed) == ("failed", "3 pods of an older revision should be gone by now")
    assert stuck.rows[0] == ("old-stuck-terminating-77b4c65747-dq857", "terminating", "78 s", "terminating")


@pytest.mark.parametrize(
    ("name", "image", "observed"),
    [
        (
            "rolled-back",
            V2,
            f"its template does not ask for {V2}: app = {V1} (rolled back, superseded, or never changed)",
        ),
        ("rolled-back", V1, ""),
        ("complete", V2, ""),
        ("complete", "sha256:" + "2" * 64, ""),
        (
            "complete",
            ":v2",
            f"its template does not ask for :v2: app = {V2} (rolled back, superseded, or never changed)",
        ),
        ("tag-moved", ":stable", "2 different images run as registry.example.com/demo/app:stable: the tag was moved"),
    ],
)
def test_the_wanted_image(name: str, image: str, observed: str) -> None:
    finding = judged(name, image=image)
    assert finding.observed == (observed or OURS[name][1])
    assert finding.outcome == ("failed" if observed else "passed")


def test_a_wanted_digest_where_the_template_has_a_tag() -> None:
    workload, pods, revisions, now = stage("tag-moved")

    def running(pod: Pod) -> str:
        return (pod.status.container_statuses or ())[0].image_id.rpartition("@")[2]

    found = {running(pod) for pod in pods}
    assert len(found) == 2
    for digest in found:
        finding = judged("tag-moved", image=digest)
        others = [pod.metadata.name for pod in pods if running(pod) != digest]
        assert f"not running {digest}; 2 different images run as" in finding.observed
        assert [row[0] for row in finding.rows[: len(others)]] == others
    # all of them run it, though the template does not name it
    wanted = running(pods[0])
    status = (pods[0].status.container_statuses or ())[0]
    same = [
        msgspec.structs.replace(pod, status=msgspec.structs.replace(pod.status, container_statuses=(status,)))
        for pod in pods
    ]
    good = rollout(workload, same, revisions, ASKED, now=now + timedelta(seconds=2), image=wanted, silent_nodes={})
    assert (good.outcome, good.observed) == ("passed", OURS["complete"][1].partition(" pods")[0] + good.observed[6:])
    bad = rollout(workload, same, revisions, ASKED, now=now, image="sha256:" + "0" * 64, silent_nodes={})
    assert (bad.outcome, bad.observed) == ("failed", f"3 of 3 pods are not running sha256:{'0' * 64}")


@pytest.mark.parametrize("name", ["complete", "sts-complete", "ds-complete"])
def test_another_rollout_after_the_deployment(name: str) -> None:
    workload, _, revisions, _ = stage(name)
    made = max(one.metadata.creation_timestamp for one in revisions if one.metadata.creation_timestamp is not None)
    now = made + timedelta(hours=1)

    def since(moment: datetime | None) -> tuple[str, str]:
        finding = unchanged(workload, revisions, ASKED, now=now, since=moment)
        return finding.outcome, finding.observed

    amount = f"{len(revisions)} revision{'s' if len(revisions) > 1 else ''}"
    assert since(made) == ("passed", f"none of {amount} was made after the deployment")
    assert since(made - timedelta(seconds=59))[0] == "passed"
    assert since(made - timedelta(seconds=61)) == ("failed", "1 revision made after the deployment")
    assert since(None)[0] == since(now + timedelta(seconds=1))[0] == "inconclusive"
    assert unchanged(workload, (), ASKED, now=now, since=made).observed == "no data: it has no revision"


def test_superseded_by_another_image() -> None:
    finding = judged("superseded", image=V2)
    assert finding.outcome == "failed"
    assert f"its template does not ask for {V2}" in finding.observed


def test_a_partition_that_is_meant() -> None:
    finding = judged("sts-partition", allow_partition=True)
    assert (finding.outcome, finding.observed) == (
        "passed",
        "1 of 3 pods of revision sts-partition-5d5b874bc9 ready, 2 kept old by the partition",
    )
    assert (
        judged("sts-partition-stuck", allow_partition=True).observed
        == "Waiting for 1 pods to be ready; 1 of 3 pods is not ready"
    )
    assert (
        judged("sts-partition-above", allow_partition=True).observed
        == "the partition 3 keeps every pod old: 0 of 3 updated"
    )


def test_a_node_that_died_just_now() -> None:
    finding = judged("node-down-fresh", silent_nodes={"node-3": "its lease was renewed 25 s ago"})
    assert (finding.outcome, finding.observed) == (
        "inconclusive",
        "3 pods on a node that gives no sign of life: what is told of them may be old",
    )
    assert finding.rows[0] == (
        "node-down-669d6d9b57-4jtnv",
        "unknown",
        "",
        "node node-3: its lease was renewed 25 s ago",
    )


def test_nodes_that_nobody_asked_for_are_told() -> None:
    finding = judged("node-down-fresh", silent_nodes=None)
    assert (finding.outcome, finding.observed) == (
        "passed",
        "3 of 3 pods of revision node-down-669d6d9b57 ready; whether its nodes are alive was not asked",
    )


def test_readiness_that_has_held_for_long_is_trusted_again() -> None:
    workload, pods, revisions, now = stage("flapping")
    assert rollout(workload, pods, revisions, ASKED, now=now + timedelta(minutes=5)).outcome == "passed"
    assert rollout(workload, pods, revisions, ASKED, now=now, stable=timedelta()).outcome == "passed"


def test_fewer_replicas_than_expected() -> None:
    assert judged("scale-down-terminating", replicas=3).observed == "1 desired, fewer than the expected 3"


def test_counters_without_pods_are_not_believed() -> None:
    workload, _, revisions, now = stage("ds-complete")
    finding = rollout(workload, (), revisions, ASKED, now=now)
    assert (finding.outcome, finding.observed) == (
        "failed",
        "3 pods of the wanted revision missing, whatever the counters say",
    )


def test_without_revisions_nothing_tells_new_from_old() -> None:
    workload, pods, _, now = stage("scale-down-terminating")
    finding = rollout(workload, pods, (), ASKED, now=now)
    assert (finding.outcome, finding.observed) == ("failed", "none of its revisions is of its newest template")


@pytest.mark.parametrize(
    ("path", "outcome", "observed"),
    [
        ("gets/jobs.json", "passed", "1 of 1 succeeded, 0 failed, 0 active"),
        (
            "gets/jobs-failed.json",
            "failed",
            (
                "it failed: BackoffLimitExceeded: Job has reached the specified backoff limit "
                "(0 of 1 succeeded, 2 failed, 0 active)"
            ),
        ),
    ],
)
def test_jobs(path: str, outcome: str, observed: str) -> None:
    finding = complete(msgspec.json.decode(body(path), type=Job), ASKED)
    assert (finding.outcome, finding.observed) == (outcome, observed)
