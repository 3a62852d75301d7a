"""Pods, restarts, nodes, events, budgets, autoscalers as a real cluster showed them, judged for the right reason."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from pytest_deploycheck.checks import events, nodes, objects, pods, restarts, usage
from pytest_deploycheck.checks.asked import Asked
from pytest_deploycheck.errors import AuthorMistake
from pytest_deploycheck.model.kubernetes import cluster
from pytest_deploycheck.model.kubernetes.pods import Pod, Resources
from tests.contract.kubernetes_recordings import archive, body

ASKED = Asked("pods", "kubernetes https://k8s.example.com")
NOW = datetime(2026, 11, 21, 11, 30, tzinfo=UTC)


def pod(name: str) -> Pod:
    return msgspec.json.decode(body(f"pods/{name}.json"), type=Pod)


def listed(path: str, kind: Any) -> Any:
    items = msgspec.json.decode(body(path))["items"]
    return msgspec.convert(items, tuple[kind, ...])


# recorded state → what keeps the pod from being ready; empty = it is ready
TROUBLE = {
    "ready": "",
    "native-sidecar": "",
    "restarted-once": "",
    "crashloop": "container app: CrashLoopBackOff (",
    "crashloop-sidecar": "container proxy: CrashLoopBackOff (",
    "crashloop-just-died": "container app: Error with exit code 1",
    "imagepull": "container app: ImagePullBackOff",
    "imagepull-errimagepull": "container app: ErrImagePull",
    "configerror": "container app: CreateContainerConfigError",
    "container-creating": "container app: ContainerCreating",
    "init-failing": "init container migrate: CrashLoopBackOff (",
    "oomkilled": "container app: ",
    "evicted": "Evicted: ",
    "completed": "Succeeded",
    "failed-job-like": "Failed",
    "unschedulable-resources": "not scheduled: Unschedulable: 0/3 nodes are available",
    "unschedulable-selector": "not scheduled: Unschedulable: 0/3 nodes are available",
    "unschedulable-pvc": "not scheduled: Unschedulable: ",
    "scheduling-gated": "not scheduled: SchedulingGated: ",
    "readiness-gate": "not ready though its containers are (ReadinessGatesNotReady",
    "running-not-ready": "ContainersNotReady: containers with unready status: [app]",
    "one-container-not-ready": "ContainersNotReady: containers with unready status: [",
    "terminating": "terminating",
}


@pytest.mark.parametrize("name", TROUBLE)
def test_what_keeps_a_pod_from_being_ready(name: str) -> None:
    told = pods.trouble(pod(name))
    assert told.startswith(TROUBLE[name]), told
    assert bool(told) == bool(TROUBLE[name])


@pytest.mark.parametrize("name", [name for name in TROUBLE if TROUBLE[name] == ""])
def test_ready_pods_pass(name: str) -> None:
    assert pods.ready([pod(name)], ASKED, now=NOW, closer=lambda: [pod(name)]).outcome == "passed"


@pytest.mark.parametrize("name", [name for name in TROUBLE if TROUBLE[name] != ""])
def test_no_other_pod_passes(name: str) -> None:
    finding = pods.ready([pod(name)], ASKED, now=NOW, closer=lambda: [pod(name)])
    assert finding.outcome == "failed"
    assert "fewer than the expected 1" in finding.observed


def test_no_pod_is_no_evidence() -> None:
    for finding in (
        pods.ready([], ASKED, now=NOW, closer=list),
        pods.stuck([], ASKED, now=NOW),
        restarts.at_most([], 0, ASKED, now=NOW),
        usage.limits([], ASKED),
        objects.network_policies([], [], ASKED),
    ):
        assert (finding.outcome, finding.observed) == ("inconclusive", "no data: no pod matches")


STUCK = {
    "crashloop",
    "crashloop-sidecar",
    "imagepull",
    "imagepull-errimagepull",
    "configerror",
    "init-failing",
    "oomkilled",
}


@pytest.mark.parametrize("name", TROUBLE)
def test_what_no_waiting_cures(name: str) -> None:
    finding = pods.stuck([pod(name)], ASKED, now=NOW)
    assert (finding.outcome == "failed") == (name in STUCK), finding.observed


def test_a_crash_looping_pod_that_happens_to_run() -> None:
    running = pod("crashloop-between")
    assert running.statuses[0].restart_count > 0
    finding = restarts.at_most([running], 0, ASKED, now=NOW, moment=NOW - timedelta(hours=5))
    assert finding.outcome == "failed"


def test_a_pod_that_never_started_has_not_kept_from_restarting() -> None:
    finding = restarts.at_most([pod("container-creating")], 0, ASKED, now=NOW)
    assert (finding.outcome, finding.observed) == (
        "inconclusive", "1 of 1 pod is without a container that ever started",
    )  # fmt: skip


def test_restarts_before_the_moment_do_not_count() -> None:
    restarted = pod("restarted-once")
    ended = restarted.statuses[0].last_state
    assert ended is not None
    assert ended.terminated is not None
    at = ended.terminated.finished_at
    assert at is not None

    def since(moment: datetime) -> tuple[str, str]:
        finding = restarts.at_most([restarted], 0, ASKED, now=NOW, moment=moment)
        return finding.outcome, finding.observed

    assert since(at + timedelta(seconds=1)) == ("passed", "0 restarts in 1 pod")
    assert since(at - timedelta(seconds=1)) == ("failed", "1 restart")


def test_a_restart_of_which_nothing_tells_when() -> None:
    restarted = pod("restarted-once")
    status = restarted.status.container_statuses
    assert status is not None
    silent = msgspec.structs.replace(status[0], last_state=None)
    changed = msgspec.structs.replace(
        restarted, status=msgspec.structs.replace(restarted.status, container_statuses=(silent,))
    )
    finding = restarts.at_most([changed], 0, ASKED, now=NOW, moment=NOW)
    assert (finding.outcome, finding.observed) == (
        "inconclusive", "up to 1 restart, and nothing tells whether since then",
    )  # fmt: skip


def test_nodes() -> None:
    all_ready = listed("nodes/ready.json", cluster.Node)
    ready = nodes.ready(all_ready, ASKED, least=3, silent_nodes={})
    assert (ready.outcome, ready.observed) == ("passed", "3 of 3 nodes ready")
    unasked = nodes.ready(all_ready, ASKED, least=3)
    assert (unasked.outcome, unasked.observed) == (
        "passed", "3 of 3 nodes ready; whether they are alive was not asked",
    )  # fmt: skip
    dead = nodes.ready(all_ready, ASKED, least=3, silent_nodes={"node-2": "its lease was renewed 25 s ago"})
    assert (dead.outcome, dead.observed, dead.rows) == (
        "inconclusive",
        "1 of 3 nodes is without a sign of life",
        (("node-2", "called ready, but its lease was renewed 25 s ago"),),
    )
    assert nodes.ready(all_ready, ASKED, least=4, silent_nodes={"node-2": "x"}).outcome == "failed"
    mixed = nodes.ready(listed("nodes/list-mixed.json", cluster.Node), ASKED, least=1)
    assert mixed.outcome == "failed"
    assert mixed.observed.startswith("2 of 3 nodes are not ready; 0 nodes ready, fewer than the expected 1")
    assert nodes.ready([], ASKED).outcome == "inconclusive"


def test_a_silent_node() -> None:
    lease = msgspec.json.decode(body("nodes/lease-stale.json"), type=cluster.Lease)
    assert lease.spec.renew_time is not None
    assert nodes.silent([lease], lease.spec.renew_time + timedelta(seconds=19)) == {}
    assert nodes.silent([lease], lease.spec.renew_time + timedelta(seconds=25)) == {
        "node-3": "its lease was renewed 25 s ago"
    }


@pytest.mark.parametrize(
    ("major", "minor", "outcome"),
    [
        ("1", "29", "passed"),
        ("1", "29+", "passed"),
        ("1", "28", "failed"),
        ("2", "0", "passed"),
        ("", "x", "inconclusive"),
    ],
)
def test_versions(major: str, minor: str, outcome: str) -> None:
    assert nodes.version(cluster.Version(major=major, minor=minor), ASKED, least="v1.29.3").outcome == outcome


def test_warnings() -> None:
    found = listed("events/warnings-only.json", cluster.Event)
    assert found
    bad = events.none(found, ASKED, now=NOW, since=None)
    assert bad.outcome == "failed"
    assert bad.observed.startswith(f"{len(found)} Warning events: ")
    assert events.none(found, ASKED, now=NOW, since=NOW - timedelta(minutes=1)).outcome == "passed"
    old = events.none([], ASKED, now=NOW, since=NOW - timedelta(hours=3))
    assert (old.outcome, old.observed) == (
        "inconclusive", "no Warning event is left, and events are kept for an hour: nothing tells of 3 h ago",
    )  # fmt: skip


def test_warnings_about_pods_that_are_gone() -> None:
    def warning(kind: str, name: str) -> cluster.Event:
        about = cluster.ObjectReference(kind=kind, name=name)
        return cluster.Event(
            metadata=msgspec.convert({"name": "x"}, type(pod("ready").metadata)), involved_object=about,
            type="Warning", reason="BackOff", last_timestamp=NOW,
        )  # fmt: skip

    def told(*found: cluster.Event) -> tuple[str, ...]:
        finding = events.none(found, ASKED, now=NOW, since=None, names={"web", "web-5d9"}, makers={"web-5d9"})
        return tuple(row[0] for row in finding.rows)

    mine = (warning("ReplicaSet", "web-5d9"), warning("Pod", "web-5d9-x7k2p"), warning("Deployment", "web"))
    others = (warning("Pod", "web-api-5d9-x7k2p"), warning("Pod", "web-x7k2p"), warning("Service", "web-5d9-x7k2p"))
    assert told(*mine, *others) == ("replicaset web-5d9", "pod web-5d9-x7k2p", "deployment web")
    assert told(*others) == ()


def test_the_schedulers_events_have_a_time() -> None:
    found = listed("events/core-v1-list.json", cluster.Event)
    assert all(one.last_seen is not None and one.times >= 1 for one in found)


def test_an_autoscaler_without_metrics() -> None:
    found = msgspec.json.decode(body("gets/horizontalpodautoscalers.json"), type=cluster.Autoscaler)
    finding = objects.autoscaler([found], ASKED, kind="Deployment", name="web")
    assert finding.outcome == "failed"
    assert finding.observed.startswith("web: ScalingActive is False: FailedGetResourceMetric: ")
    assert (
        objects.autoscaler([found], ASKED, kind="Deployment", name="other").observed == "none of 1 autoscaler scales it"
    )


def test_disruption_budgets() -> None:
    good = msgspec.json.decode(body("gets/poddisruptionbudgets.json"), type=cluster.DisruptionBudget)
    blocking = msgspec.json.decode(body("gets/poddisruptionbudgets-blocking.json"), type=cluster.DisruptionBudget)
    labels = {"app": "web"}
    assert objects.budget([good], labels, ASKED).outcome == "passed"
    assert objects.budget([good], {"app": "x"}, ASKED).observed == "none of 1 budget selects its pods"
    assert blocking.spec.selector is not None
    finding = objects.budget([blocking], dict(blocking.spec.selector.match_labels or {}), ASKED)
    assert finding.outcome == "failed"
    assert finding.observed.endswith(": 0 disruptions allowed")
    both = objects.budget([good, good], labels, ASKED)
    assert (both.outcome, both.observed) == (
        "failed", "2 budgets select its pods (web): no eviction is possible at all",
    )  # fmt: skip
    behind = msgspec.structs.replace(good, metadata=msgspec.structs.replace(good.metadata, generation=9))
    assert objects.budget([behind], labels, ASKED).outcome == "inconclusive"


def policies(**spec: Any) -> tuple[cluster.NetworkPolicy, ...]:
    namespace = pod("ready").metadata.namespace
    found = {"metadata": {"name": "np", "namespace": namespace}, "spec": {"podSelector": {}, **spec}}
    return (msgspec.json.decode(msgspec.json.encode(found), type=cluster.NetworkPolicy),)


CLOSED: dict[str, Any] = {"policyTypes": ["Ingress"]}


@pytest.mark.parametrize(
    ("spec", "observed"),
    [
        (CLOSED, ""),
        ({**CLOSED, "ingress": [{"from": [{"podSelector": {}}]}]}, ""),
        ({**CLOSED, "ingress": [{"ports": [{"port": 8080}]}]}, ""),
        ({**CLOSED, "podSelector": {"matchLabels": {"app": "other"}}}, "1 pod without one"),
        ({"policyTypes": ["Egress"]}, "1 pod without one"),
        ({**CLOSED, "ingress": [{}]}, "1 pod under one that lets everything through"),
        (
            {**CLOSED, "ingress": [{"ports": [{"port": 1}]}, {"from": []}]},
            "1 pod under one that lets everything through",
        ),
    ],
)
def test_network_policies(spec: dict[str, Any], observed: str) -> None:
    finding = objects.network_policies(policies(**spec), [pod("ready")], ASKED)
    assert (finding.outcome, finding.observed) == (
        ("failed", observed) if observed else ("passed", "1 pod under np")
    )  # fmt: skip


def test_a_policy_that_lets_everything_through_outweighs_one_that_does_not() -> None:
    finding = objects.network_policies((*policies(**CLOSED), *policies(**CLOSED, ingress=[{}])), [pod("ready")], ASKED)
    assert finding.outcome == "failed"
    assert finding.rows[0][2] == "np lets everything through"
    out = policies(policyTypes=["Egress"], egress=[{}])
    assert objects.network_policies(out, [pod("ready")], ASKED, direction="Egress").outcome == "failed"


def test_storage_classes_are_named() -> None:
    with pytest.raises(AuthorMistake, match="no storage class is expected"):
        objects.storage_classes([], ASKED, expected=())


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("500m", 0.5),
        ("2", 2),
        ("128Mi", 128 * 2**20),
        ("1e3", 1000),
        ("1.5Gi", 1.5 * 2**30),
        ("120n", 1.2e-7),
        ("3E", 3e18),
    ],
)
def test_quantities(text: str, value: float) -> None:
    assert usage.quantity(text) == pytest.approx(value)


@pytest.mark.parametrize("text", ["", "Mi", "1.2.3", "12 Mi", "x", "NaN", "1_000", "1Ki2"])
def test_what_is_no_quantity(text: str) -> None:
    with pytest.raises(ValueError, match="is no quantity"):
        usage.quantity(text)


def test_usage_against_limits() -> None:
    one = pod("oomkilled")
    ready = pod("ready")
    limited = msgspec.structs.replace(ready, spec=msgspec.structs.replace(ready.spec, containers=one.spec.containers))
    measured = cluster.PodUsage(
        metadata=ready.metadata,
        timestamp=NOW,
        containers=(cluster.ContainerUsage(name="app", usage={"memory": "63Mi", "cpu": "1m"}),),
    )

    def within(now: datetime = NOW, **shares: float) -> tuple[str, str]:
        finding = usage.within([limited], [measured], ASKED, now=now, shares=shares)
        return finding.outcome, finding.observed

    assert within(memory=0.9) == ("failed", "1 container above")
    assert within(memory=0.99) == ("passed", "at most 98% of a limit in 1 pod")
    assert within(cpu=0.9) == ("inconclusive", "1 container or pod not to be judged")
    assert within(NOW + timedelta(minutes=10), memory=0.99)[0] == "inconclusive"
    assert usage.limits([limited], ASKED).outcome == "passed"
    assert usage.limits([limited], ASKED, resources=["cpu"]).outcome == "failed"
    container = limited.spec.containers[0]
    unlimited = msgspec.structs.replace(container, resources=Resources(limits={"memory": "0"}))
    zero = msgspec.structs.replace(limited, spec=msgspec.structs.replace(limited.spec, containers=(unlimited,)))
    finding = usage.limits([zero], ASKED)
    assert (finding.outcome, finding.rows[0][2]) == ("failed", "memory=0")


def test_every_recorded_state_is_here() -> None:
    single = {name.removeprefix("pods/").removesuffix(".json") for name in archive("pods") if ".events" not in name}
    left_out = {"crashloop-between", "finalizer", "list-all-states", "pending-early", "pending-no-kubelet",
                "pending-no-scheduler", "tag-latest"}  # fmt: skip
    assert single - left_out == set(TROUBLE)
