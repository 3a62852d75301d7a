"""How the faults of the stand-ins show themselves in their raw answers."""

from __future__ import annotations

import time
from datetime import datetime
from typing import TYPE_CHECKING

from pytest_deploycheck.sandbox import cluster_demo, grafana_demo
from pytest_deploycheck.sandbox.cluster_faults import SILENT_NODE
from pytest_deploycheck.sandbox.cluster_objects import NAMESPACE
from pytest_deploycheck.sandbox.probe import Answer, call

if TYPE_CHECKING:
    from pytest_deploycheck.sandbox.effects import Effect, Scene

HTTP_OK = 200
SILENT_SECONDS = 25.0
CORE, APPS = f"/api/v1/namespaces/{NAMESPACE}", f"/apis/apps/v1/namespaces/{NAMESPACE}"
SERVER = f"{APPS}/deployments/mcp"
SERVER_PODS = f"{CORE}/pods?labelSelector=app%3Dmcp"


def cluster_says(path: str, text: str) -> Effect:
    """Return an effect: the cluster's answer holds a text (its JSON has no spaces)."""
    return lambda scene: text.encode() in _cluster(scene, path).body


def cluster_lacks(path: str, text: str) -> Effect:
    """Return an effect: the cluster answers, and the answer does not hold a text."""

    def effect(scene: Scene) -> bool:
        answer = _cluster(scene, path)
        return answer.status == HTTP_OK and text.encode() not in answer.body

    return effect


def cluster_refuses(path: str, status: int) -> Effect:
    """Return an effect: the cluster answers with this HTTP status."""
    return lambda scene: _cluster(scene, path).status == status


def node_silent(scene: Scene) -> bool:
    """Whether a node's lease is old."""
    leases = _cluster(scene, "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases").json()["items"]
    renewed = {lease["metadata"]["name"]: datetime.fromisoformat(lease["spec"]["renewTime"]) for lease in leases}
    return time.time() - renewed[SILENT_NODE].timestamp() > SILENT_SECONDS


def grafana_says(path: str, text: str) -> Effect:
    """Return an effect: Grafana's answer holds a text (its JSON has no spaces)."""
    return lambda scene: text.encode() in _grafana(scene, path).body


def grafana_lacks(path: str, text: str) -> Effect:
    """Return an effect: Grafana answers, and the answer does not hold a text."""

    def effect(scene: Scene) -> bool:
        answer = _grafana(scene, path)
        return answer.status == HTTP_OK and text.encode() not in answer.body

    return effect


def grafana_answers(path: str, status: int) -> Effect:
    """Return an effect: Grafana answers with this HTTP status."""
    return lambda scene: _grafana(scene, path).status == status


def _cluster(scene: Scene, path: str) -> Answer:
    return call(scene.ports.url("cluster") + path, token=cluster_demo.TOKEN)


def _grafana(scene: Scene, path: str) -> Answer:
    return call(scene.ports.url("grafana") + path, token=grafana_demo.TOKEN)
