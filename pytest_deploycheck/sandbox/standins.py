"""The systems of which the demo stack has no real server: a Kubernetes cluster and a Grafana, with their faults."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from pytest_deploycheck.sandbox.cluster_api import Cluster, ClusterApi
from pytest_deploycheck.sandbox.cluster_demo import demo_cluster, tick
from pytest_deploycheck.sandbox.cluster_faults import CLUSTER_FAULTS, SILENT_NODE, broken
from pytest_deploycheck.sandbox.grafana_api import GrafanaApi
from pytest_deploycheck.sandbox.grafana_demo import demo_grafana
from pytest_deploycheck.sandbox.grafana_faults import GRAFANA_FAULTS

if TYPE_CHECKING:
    from pytest_deploycheck.sandbox.endpoints import Reply

STAND_IN_FAULTS = (*CLUSTER_FAULTS, *GRAFANA_FAULTS)
"""The names of all of them."""


class StandIns:
    """A cluster and a Grafana, each a sound one with the faults that are switched on."""

    def __init__(self) -> None:
        """Start with sound ones; Grafana's data sources lead nowhere until `connect`."""
        self._began = time.time()
        self._since: dict[str, float] = {}
        self._prometheus, self._interval = "http://127.0.0.1:1", "1s"
        # Its workloads keep the times at which they were rolled out, whatever is broken and mended later.
        self._sound = demo_cluster()
        self._cluster = ClusterApi(self._sound)
        self._grafana = GrafanaApi(demo_grafana(self._prometheus))
        self._rebuild()

    def cluster(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Reply:
        """Answer as the cluster's API."""
        return self._cluster.answer(method, path, headers, body)

    def grafana(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Reply:
        """Answer as Grafana."""
        return self._grafana.answer(method, path, headers, body)

    def connect(self, prometheus: str, interval: str) -> None:
        """Let Grafana's data sources lead to a Prometheus.

        Args:
            prometheus: its base URL.
            interval: of its scrapes, such as `1s`.
        """
        self._prometheus, self._interval = prometheus, interval
        self._rebuild()

    def turn(self, name: str, *, on: bool) -> None:
        """Switch a fault on or off; one that is so already stays as it is.

        Raises:
            KeyError: if there is no such fault.
        """
        if name not in STAND_IN_FAULTS:
            raise KeyError(name)
        if on == (name in self._since):
            return
        if on:
            self._since[name] = time.time()
        else:
            del self._since[name]
        self._rebuild()

    def active(self) -> dict[str, float]:
        """Return the faults that are on, with the Unix time since when."""
        return dict(self._since)

    def tick(self) -> None:
        """Do what a living cluster does by itself."""
        tick(self._cluster.cluster, [SILENT_NODE] if "node-silent" in self._since else [])

    def _rebuild(self) -> None:
        sound = self._sound
        cluster = Cluster(objects=sound.objects, logs=sound.logs, users=sound.users, rules=sound.rules)
        self._cluster.cluster = broken(cluster, *(name for name in self._since if name in CLUSTER_FAULTS))
        self.tick()
        grafana = demo_grafana(self._prometheus, interval=self._interval, saved_at=self._began)
        grafana.annotations = self._grafana.grafana.annotations
        for name in self._since:
            if name in GRAFANA_FAULTS:
                GRAFANA_FAULTS[name](grafana)
        self._grafana.grafana = grafana
