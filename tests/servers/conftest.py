"""Servers that several test files share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.servers.node_exporter import RULES, prometheus_with

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_deploycheck.clients.prometheus import PrometheusClient


@pytest.fixture(scope="session")
def node_exporter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrometheusClient]:
    """A Prometheus with rules of all kinds that scrapes a node exporter. Nobody changes it."""
    with prometheus_with([str(RULES)], tmp_path_factory.mktemp("node-exporter")) as found:
        yield found
