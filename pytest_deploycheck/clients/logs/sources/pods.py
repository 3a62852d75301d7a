"""Kubernetes pods as a source of lines: what the `kubernetes` system has to give, and how its bytes become lines."""

from __future__ import annotations

from collections.abc import Callable, Iterator  # noqa: TC003 - msgspec reads the annotations of its structs
from typing import Protocol

import msgspec

from pytest_deploycheck.clients.logs.batch import Batch, Meter, batches
from pytest_deploycheck.clients.logs.unwrap import unwrapped
from pytest_deploycheck.errors import NoData


class ContainerLog(msgspec.Struct, frozen=True, kw_only=True):
    """The log of one container.

    Attributes:
        pod: its pod's name.
        container: its name.
        read: gives the log piece by piece, an empty one at its end; each line begins with its time, as
            `timestamps=true` makes them.
        previous: whether it is that of the instance before the last restart.
    """

    pod: str
    container: str
    read: Callable[[int], bytes]
    previous: bool = False


class PodLogs(Protocol):
    """Whoever can read the logs of pods."""

    def container_logs(self, selector: str, *, namespace: str | None, since: float | None) -> Iterator[ContainerLog]:
        """Yield the log of every container of the pods that match, init containers and previous instances included.

        Args:
            selector: a label selector.
            namespace: of the pods; None = the configured one.
            since: Unix time from which on lines are wanted; None = all.

        Raises:
            Forbidden: naming the permission that is missing (`get pods/log`).
        """
        ...


def lines(logs: PodLogs, selector: str, *, namespace: str | None, since: float | None, meter: Meter) -> Iterator[Batch]:
    """Yield the lines of the pods, container after container.

    Raises:
        NoData: if no container matches: no pod is no quiet pod.
    """
    found = False
    for log in logs.container_logs(selector, namespace=namespace, since=since):
        found = True
        name = f"{log.pod}/{log.container}"
        for batch in unwrapped(batches(log.read, meter), "kubectl"):
            batch.services = [name] * len(batch.lines)
            yield batch
    if not found:
        raise NoData(
            f"no pod matches {selector!r}",
            where=f"namespace {namespace}" if namespace else "",
            next_step="compare the selector with `kubectl get pods --show-labels`",
        )
