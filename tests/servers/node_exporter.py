"""A real Prometheus that scrapes a real node exporter."""

from __future__ import annotations

import json
import threading
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_deploycheck.clients.prometheus import PrometheusClient
from pytest_deploycheck.clock import SystemClock
from pytest_deploycheck.errors import DeploycheckError
from pytest_deploycheck.sandbox.process import Child, find_program, free_port
from pytest_deploycheck.transport.endpoint import Endpoint, Retries
from pytest_deploycheck.transport.redaction import Redactor
from pytest_deploycheck.transport.tape import Tape
from pytest_deploycheck.transport.wire import Wire

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

RULES = Path(__file__).with_name("rules_of_all_kinds.yml")
PATIENCE = 60.0
SCRAPES = 4


@contextmanager
def prometheus_with(files: Sequence[str], directory: Path) -> Iterator[PrometheusClient]:
    """Yield the client of a Prometheus that has these rules, all evaluated, and scrapes a node exporter."""
    node, own = free_port(), free_port()
    jobs = [
        {"job_name": name, "static_configs": [{"targets": [f"127.0.0.1:{port}"]}]}
        for name, port in (("node", node), ("prometheus", own))
    ]
    config = {"global": {"scrape_interval": "1s", "evaluation_interval": "1s"}, "scrape_configs": jobs}
    (directory / "prometheus.yml").write_text(json.dumps({**config, "rule_files": list(files)}))
    children = [
        Child(
            "prometheus-node-exporter",
            [find_program("prometheus-node-exporter"), f"--web.listen-address=127.0.0.1:{node}"],
            directory / "node.log",
        ),
        Child(
            "prometheus",
            [
                find_program("prometheus"),
                f"--config.file={directory}/prometheus.yml",
                f"--storage.tsdb.path={directory}/data",
                f"--web.listen-address=127.0.0.1:{own}",
            ],
            directory / "prometheus.log",
        ),
    ]
    endpoint = Endpoint(name="prometheus", base_url=f"http://127.0.0.1:{own}", retries=Retries(attempts=1))
    with ExitStack() as stack:
        for child in children:
            child.start()
            stack.callback(child.stop)
        wire = stack.enter_context(Wire(endpoint, tape=Tape(), redactor=Redactor(), clock=SystemClock()))
        api = PrometheusClient(wire, SystemClock())
        deadline = time.monotonic() + PATIENCE
        while (lacking := _lacking(api)) and time.monotonic() < deadline:
            for child in children:
                child.check()
            threading.Event().wait(0.1)
        assert not lacking
        yield api


def _lacking(api: PrometheusClient) -> str:
    """Return what is not there yet; empty if everything is."""
    try:
        if any(rule.health == "unknown" and rule.interval <= 1 for group in api.rules() for rule in group.rules):
            return "a rule was not evaluated"
        scrapes = api.query(f"count(count_over_time(up[1m]) >= {SCRAPES}) == 2 and on () sum(up) == 2")
    except DeploycheckError as error:
        return error.headline
    return "" if len(scrapes) else "a target was not scraped often enough"
