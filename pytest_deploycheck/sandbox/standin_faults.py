"""The faults of the stand-ins, as the demo stack knows them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_deploycheck.sandbox import standin_effects as effects
from pytest_deploycheck.sandbox.fault import HOLD, NO_GO, Fault
from pytest_deploycheck.sandbox.grafana_demo import CAPACITY, EDGE, JOURNAL, OVERVIEW, VECTORS
from pytest_deploycheck.sandbox.grafana_faults import RENAMED
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
    where = f"namespaces/{CORE.rpartition('/')[2]}"
    yield fault(
        "policy-open", "a network policy lets everything through", NO_GO, "KU4",
        says(f"/apis/networking.k8s.io/v1/{where}/networkpolicies", '"ingress":[{}]'),
    )  # fmt: skip
    yield fault(
        "budget-doubled", "two disruption budgets select the same pods: no eviction is possible", NO_GO, "KU4",
        says(f"/apis/policy/v1/{where}/poddisruptionbudgets", "mcp-platform"),
    )  # fmt: skip
    yield fault(
        "autoscaler-blind", "the autoscaler gets no metrics", NO_GO, "KU4",
        says(f"/apis/autoscaling/v2/{where}/horizontalpodautoscalers", "FailedGetResourceMetric"),
    )  # fmt: skip
    yield fault(
        "limit-missing", "a container has no limit of memory", NO_GO, "KU4",
        says(f"{CORE}/pods", '"limits":{"cpu":"500m"}'),
    )  # fmt: skip
    yield fault(
        "storage-class-missing", "the storage class is gone", NO_GO, "KU4",
        lacks("/apis/storage.k8s.io/v1/storageclasses", "local-fast"),
    )  # fmt: skip
    yield fault(
        "setting-missing", "a ConfigMap has another key than expected", NO_GO, "KU7",
        lacks(f"{CORE}/configmaps/mcp-settings", '"settings.toml"'),
    )  # fmt: skip
    yield fault(
        "pod-complaint", "the cluster complains of a pod that is gone by now", NO_GO, "KU3",
        says(f"{CORE}/events", "FailedMount"),
    )  # fmt: skip
    yield fault(
        "cluster-throttled", "the API server has too much to do: 429 for everything", HOLD, "KU1",
        refuses("/version", 429),
    )  # fmt: skip


def of_grafana() -> Iterable[Fault]:
    """Return the faults of Grafana."""

    def fault(name: str, summary: str, verdict: Verdict, check: str, effect: Effect) -> Fault:
        return Fault(name=name, summary=summary, verdict=verdict, check=check, effect=effect, switches=(name,))

    says, lacks, answers = effects.grafana_says, effects.grafana_lacks, effects.grafana_answers
    rules = "/api/prometheus/grafana/api/v1/rules"
    yield fault("dashboard-missing", "a dashboard is gone", NO_GO, "DB1", answers(_dashboard(JOURNAL), 404))
    yield fault(
        "dashboard-hidden", "the token may not see into a folder: search leaves its dashboard out", HOLD, "DB1",
        lacks("/api/search", CAPACITY),
    )  # fmt: skip
    yield fault(
        "dashboard-empty", "a dashboard has no panels any more", NO_GO, "DB1", says(_dashboard(JOURNAL), '"panels":[]')
    )
    yield fault(
        "dashboard-outdated", "a dashboard was provisioned from an older version", NO_GO, "DB1",
        lacks(_dashboard(OVERVIEW), '"title":"Latency"'),
    )  # fmt: skip
    yield fault(
        "dashboard-schema", "a dashboard has a schema that nobody knows", HOLD, "DB1",
        says(f"/apis/dashboard.grafana.app/v2beta1/namespaces/default/dashboards/{VECTORS}", '"widgets"'),
    )  # fmt: skip
    yield fault(
        "panel-without-data", "a panel asks for a metric by the name it had before: no data", NO_GO, "DB3",
        says(_dashboard(JOURNAL), RENAMED),
    )  # fmt: skip
    yield fault(
        "panel-not-a-number", "a panel's every value is 0/0", NO_GO, "DB3", says(_dashboard(JOURNAL), " * 0) / ")
    )
    yield fault(
        "panel-error", "a panel's query cannot be parsed", NO_GO, "DB3",
        says(_dashboard(CAPACITY), 'max(mcp_disk_used_ratio"'),
    )  # fmt: skip
    yield fault(
        "variable-unresolved", "a panel's query names a variable that the dashboard lost", HOLD, "DB3",
        says(f"/apis/dashboard.grafana.app/v2beta1/namespaces/default/dashboards/{VECTORS}", '"variables":[]'),
    )  # fmt: skip
    yield fault(
        "library-panel-missing", "a library panel was deleted; two dashboards refer to it", NO_GO, "DB3",
        answers("/api/library-elements/mcp-uptime", 404),
    )  # fmt: skip
    yield fault(
        "datasource-unhealthy", "the second data source's address is wrong", NO_GO, "DB2",
        answers(f"/api/datasources/uid/{EDGE}/health", 400),
    )  # fmt: skip
    yield fault(
        "datasource-missing", "the second data source is gone", NO_GO, "DB2",
        answers(f"/api/datasources/uid/{EDGE}", 404),
    )  # fmt: skip
    yield fault(
        "grafana-rule-error", "an alert rule of Grafana's own cannot be evaluated", NO_GO, "AL1",
        says(rules, '"health":"error"'),
    )  # fmt: skip
    yield fault(
        "grafana-rule-without-data", "an alert rule of Grafana's own has no data, and is inactive like a good one",
        NO_GO, "AL1", says(rules, '"health":"nodata"'),
    )  # fmt: skip
    yield fault("grafana-database-down", "Grafana's database fails", NO_GO, "SM5", answers("/api/health", 503))
    yield fault(
        "grafana-login-wall", "a proxy redirects everything of Grafana's to its login page", HOLD, "SM5",
        answers("/api/health", 302),
    )  # fmt: skip
    yield fault("grafana-token-refused", "the token was revoked", HOLD, "SM5", answers("/api/org", 401))
    yield fault(
        "grafana-anonymous", "a proxy takes the token away, and anonymous access answers", HOLD, "SM5",
        answers("/api/user", 401),
    )  # fmt: skip
    yield fault("grafana-role-lost", "the token's role grants nothing any more", HOLD, "DB1", answers("/api/org", 403))


def _dashboard(uid: str) -> str:
    return f"/api/dashboards/uid/{uid}"
