"""What a cluster's client has to give, and how it becomes lines."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest

from pytest_deploycheck.clients.logs.batch import Meter
from pytest_deploycheck.clients.logs.sources.pods import ContainerLog, lines
from pytest_deploycheck.errors import NoData

if TYPE_CHECKING:
    from collections.abc import Iterator


class Cluster:
    """Two containers of one pod."""

    def __init__(self, *names: str) -> None:
        self.names = names
        self.asked: tuple[str, str | None, float | None] | None = None

    def container_logs(self, selector: str, *, namespace: str | None, since: float | None) -> Iterator[ContainerLog]:
        self.asked = (selector, namespace, since)
        for name in self.names:
            data = b'2026-11-21T09:06:40.000000001Z {"container": "%s"}\n' % name.encode()
            yield ContainerLog(pod="web-1", container=name, read=io.BytesIO(data).read)


def test_each_containers_lines_are_unwrapped_and_known_by_its_name() -> None:
    cluster, meter = Cluster("app", "proxy"), Meter()
    found = list(lines(cluster, "app=web", namespace="shop", since=5.0, meter=meter))
    assert cluster.asked == ("app=web", "shop", 5.0)
    assert [batch.lines for batch in found] == [[b'{"container": "app"}'], [b'{"container": "proxy"}']]
    assert [batch.services for batch in found] == [["web-1/app"], ["web-1/proxy"]]
    assert meter.size == 106


def test_no_pod_is_no_quiet_pod() -> None:
    with pytest.raises(NoData) as error:
        list(lines(Cluster(), "app=web", namespace="shop", since=None, meter=Meter()))
    assert str(error.value) == (
        "no pod matches 'app=web'\n"
        "  at: namespace shop\n"
        "  next: compare the selector with `kubectl get pods --show-labels`"
    )
