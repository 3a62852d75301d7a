"""The logs of a cluster's pods, as the logs room reads them."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from pytest_deploycheck.clients.logs.sources.pods import ContainerLog
from pytest_deploycheck.transport.readahead import ReadAhead

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_deploycheck.face.kubernetes import Kubernetes


class ClusterLogs:
    """Gives the log of every container that matches; several are read at the same time, each ahead of its reader.

    Args:
        kubernetes: the cluster.
    """

    def __init__(self, kubernetes: Kubernetes) -> None:
        """Ask nothing yet."""
        self._kubernetes = kubernetes

    def container_logs(self, selector: str, *, namespace: str | None, since: float | None) -> Iterator[ContainerLog]:
        """Yield the log of every container of the pods that match, init containers and previous instances included.

        They have to be read in this order.

        Args:
            selector: a label selector.
            namespace: of the pods; None = the configured one.
            since: Unix time from which on lines are wanted; None = all.
        """
        moment = None if since is None else datetime.fromtimestamp(since, UTC)
        with ReadAhead() as ahead:
            found = [
                ContainerLog(
                    pod=pod,
                    container=container,
                    previous=previous,
                    read=ahead.add(
                        partial(
                            self._kubernetes.logs,
                            pod,
                            container,
                            namespace=namespace,
                            previous=previous,
                            since=moment,
                            timestamps=True,
                        )
                    ),
                )
                for pod, container, previous in self._kubernetes.containers(selector, namespace=namespace)
            ]
            yield from found
