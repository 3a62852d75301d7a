"""The faults of the stand-ins, as the demo stack knows them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_deploycheck.sandbox import standin_effects as effects
from pytest_deploycheck.sandbox.fault import HOLD, NO_GO, Fault
from pytest_deploycheck.sandbox.project_cluster import EXTRA
from pytest_deploycheck.sandbox.standin_effects import CORE, SERVER, SERVER_PODS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_deploycheck.model.outcome import Verdict
    from pytest_deploycheck.sandbox.effects import Effect


def of_cluster() -> Iterable[Fault]:
    """Return the faults of the cluster."""

    def fault(name: str, summary: str, verdict: Verdict, check: str, effect: Effect) -> Fault:
        return Fault(
            name=name, summary=summary, verdict=verdict, check=check, effect=effect, switches=(name,), extra=EXTRA
        )

    says, lacks, refuses = effects.cluster_says, effects.cluster_lacks, effects.cluster_refuses
    yield fault(
        "rollout-stuck", "one of two new pods is there, and is not ready", NO_GO, "KU1",
        says(SERVER, '"updatedReplicas":1'),
    )  # fmt: skip
    yield fault("rolled-back", "the deployment has the old image again", NO_GO, "KU1", says(SERVER, ":1.4.1"))
    yield fault(
        "tag-moved", "the tag was pushed again: two pods, two images", NO_GO, "KU1", says(SERVER_PODS, "@sha256:333")
    )
    yield fault("old-pod-stuck", "an old pod does not end", NO_GO, "KU1", says(SERVER_PODS, '"deletionTimestamp"'))
    yield fault(
        "scaled-to-zero", "no replica is wanted; kubectl calls that rolled out", HOLD, "KU1",
        says(SERVER, '"replicas":0'),
    )  # fmt: skip
    yield fault("crash-loop", "a pod crashes again and again", NO_GO, "KU2", says(SERVER_PODS, "CrashLoopBackOff"))
    yield fault(
        "oom-killed", "a container ran out of memory, and runs again", NO_GO, "KU2", says(SERVER_PODS, "OOMKilled")
    )
    yield fault("image-missing", "a pod's image cannot be pulled", NO_GO, "KU2", says(SERVER_PODS, "ImagePullBackOff"))
    yield fault("node-down", "a node is not ready", NO_GO, "KU4", says("/api/v1/nodes", "NodeStatusUnknown"))
    yield fault(
        "node-silent", "a node with a pod gives no sign of life; all on it looks well", HOLD, "KU1",
        effects.node_silent,
    )  # fmt: skip
    yield fault("right-lost", "the checks may not list pods any more", NO_GO, "KU5", refuses(f"{CORE}/pods", 403))
    yield fault(
        "secret-key-missing", "a Secret lost one of its keys", NO_GO, "KU7",
        lacks(f"{CORE}/secrets/mcp-database", '"password"'),
    )  # fmt: skip
    yield fault(
        "memory-tight", "a container uses nearly all of its memory", NO_GO, "KU6",
        says(f"/apis/metrics.k8s.io/v1beta1/namespaces/{CORE.rpartition('/')[2]}/pods", "250Mi"),
    )  # fmt: skip
    yield fault(
        "policy-missing", "no network policy restricts what reaches the pods", NO_GO, "KU4",
        lacks(f"/apis/networking.k8s.io/v1/namespaces/{CORE.rpartition('/')[2]}/networkpolicies", '"podSelector"'),
    )  # fmt: skip
    yield fault(
        "cluster-throttled", "the API server has too much to do: 429 for everything", HOLD, "KU1",
        refuses("/version", 429),
    )  # fmt: skip
