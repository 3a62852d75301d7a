"""What a cluster's client has to give, and how it becomes lines."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest

from pytest_deploycheck.clients.logs.batch import Meter
from pytest_deploycheck.clients.logs.reading import read
from pytest_deploycheck.clients.logs.sources.pods import ContainerLog, lines
from pytest_deploycheck.errors import NoData
from tests.unit.logs.reading import plan

if TYPE_CHECKING:
    from collections.abc import Iterator


class Cluster:
    """Two containers of one pod."""

    def __init__(self, *names: str, data: bytes = b'2026-11-21T09:06:40.000000001Z {"container": "%s"}\n') -> None:
        self.names = names
        self.data = data
        self.asked: tuple[str, str | None, float | None] | None = None

    def container_logs(self, selector: str, *, namespace: str | None, since: float | None) -> Iterator[ContainerLog]:
        self.asked = (selector, namespace, since)
        for name in self.names:
            data = self.data.replace(b"%s", name.encode())
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


def test_containers_that_write_nothing_or_garbage() -> None:
    quiet = Cluster("app", data=b"")
    assert list(lines(quiet, "app=web", namespace="shop", since=None, meter=Meter())) == []
    told = b"2026-11-21T09:06:40Z "
    data = (
        told + b"{" + b"x" * 10_000_000 + b"\n" + told + bytes(range(11, 256)) + b"\n" + told + b'{"level": "INFO"}\n'
    )
    how = plan()
    found = read(lines(Cluster("app", data=data), "app=web", namespace="shop", since=None, meter=Meter()), how).tally
    assert (found.lines, found.parsed, found.invalid, found.levels) == (3, 1, 2, {"INFO": 1})
    assert [(one.line, one.reason) for one in found.offenders] == [
        (1, "10,000,022 bytes long: too long to be read"),
        (2, "not UTF-8 (byte 117)"),
    ]
