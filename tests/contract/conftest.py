from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_deploycheck.sandbox.grafana_demo import demo_grafana
from tests.servers.grafanas import RECORDED, CannedPrometheus, canned_prometheus

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_deploycheck.sandbox.grafana_state import Grafana


@pytest.fixture(scope="module")
def recorded_prometheus() -> Iterator[CannedPrometheus]:
    with canned_prometheus(**RECORDED) as prometheus:
        yield prometheus


@pytest.fixture
def canned(recorded_prometheus: CannedPrometheus) -> CannedPrometheus:
    """What a real Prometheus answered, served; it was not asked anything yet."""
    recorded_prometheus.asked.clear()
    return recorded_prometheus


@pytest.fixture
def demo(canned: CannedPrometheus) -> Grafana:
    """The demo Grafana, with the recordings behind its data sources."""
    return demo_grafana(canned.url)
