"""The logs of a cluster's pods, as the logs room reads them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pytest_deploycheck.clients.logs.sources.pods import ContainerLog

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_deploycheck.face.kubernetes import Kubernetes
    from pytest_deploycheck.transport.streaming import Stream


class ClusterLogs:
    """Gives the log of every container that matches; each is opened when it is first read.

    Args:
        kubernetes: the cluster.
    """

    def __init__(self, kubernetes: Kubernetes) -> None:
        """Ask nothing yet."""
        self._kubernetes = kubernetes

    def container_logs(self, selector: str, *, namespace: str | None, since: float | None) -> Iterator[ContainerLog]:
        """Yield the log of every container of the pods that match, init containers and previous instances included.

        Args:
            selector: a label selector.
            namespace: of the pods; None = the configured one.
            since: Unix time from which on lines are wanted; None = all.
        """
        for pod, container, previous in self._kubernetes.containers(selector, namespace=namespace):
            read = self._reader(pod, container, namespace=namespace, previous=previous, since=since)
            yield ContainerLog(pod=pod, container=container, read=read, previous=previous)

    def _reader(
        self, pod: str, container: str, *, namespace: str | None, previous: bool, since: float | None
    ) -> Callable[[int], bytes]:
        moment = None if since is None else datetime.fromtimestamp(since, UTC)
        opened: list[Stream] = []

        def read(size: int) -> bytes:
            if not opened:
                opened.append(
                    self._kubernetes.logs(
                        pod, container, namespace=namespace, previous=previous, since=moment, timestamps=True
                    )
                )
            return opened[0].read(size)

        return read
