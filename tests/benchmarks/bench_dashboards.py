"""50 dashboards of 20 panels: every query executed, judged and recorded, against sending the same requests only.

Grafana's stand-in runs in a process of its own and executes the queries against a real Prometheus.
"""

from __future__ import annotations

import json
import multiprocessing
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from pytest_deploycheck.clients.grafana.client import IN_FLIGHT
from pytest_deploycheck.session.run import Run
from pytest_deploycheck.settings.load import load
from pytest_deploycheck.signoff.write import Writer
from tests.benchmarks.side_by_side import alternating, milliseconds, prometheus_with, table, timed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.connection import Connection

DASHBOARDS, PANELS, SERIES = 50, 20, 1000
ROUNDS = 5
WANTED = 1.3


def _dashboard(number: int) -> dict[str, Any]:
    panels = [
        {
            "id": at + 1,
            "title": f"Panel {at}",
            "type": "timeseries",
            "datasource": {"type": "prometheus", "uid": "prometheus"},
            "targets": [
                {
                    "refId": "A",
                    "range": True,
                    "expr": f'sum by (code) (bench_value{{pod=~"service-{(number * PANELS + at) % 211}-.*|$pod"}})',
                }
            ],
        }
        for at in range(PANELS)
    ]
    pods = {"name": "pod", "type": "custom", "query": "service-1-.*", "current": {"value": "service-1-.*"}}
    return {"title": f"Dashboard {number}", "panels": panels, "templating": {"list": [pods]}, "schemaVersion": 39}


def _serve(prometheus: str, told: Connection) -> None:
    from pytest_deploycheck.sandbox.grafana_api import GrafanaApi
    from pytest_deploycheck.sandbox.grafana_state import Account, Dashboard, DataSource, Grafana
    from pytest_deploycheck.sandbox.service import Listener

    grafana = Grafana()
    grafana.anonymous = Account(login="anybody", role="Admin")
    grafana.datasources = [
        DataSource(id=1, uid="prometheus", name="Prometheus", url=prometheus, default=True, interval="2s")
    ]
    grafana.dashboards = [
        Dashboard(id=number, uid=f"d{number}", spec=_dashboard(number)) for number in range(DASHBOARDS)
    ]
    listener = Listener(GrafanaApi(grafana).answer)
    listener.open()
    told.send(listener.port)
    threading.Event().wait()


@contextmanager
def _grafana(prometheus: str) -> Iterator[str]:
    context = multiprocessing.get_context("spawn")
    heard, told = context.Pipe(duplex=False)
    process = context.Process(target=_serve, args=(prometheus, told), daemon=True)
    process.start()
    try:
        if not heard.poll(30):
            message = "the stand-in did not start"
            raise RuntimeError(message)
        yield f"http://127.0.0.1:{heard.recv()}"
    finally:
        process.terminate()
        process.join()


def main() -> None:
    """Print the table."""
    with prometheus_with(SERIES) as prometheus, _grafana(prometheus) as url, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "deploycheck.toml").write_text(f'[environments.bench.grafana]\nurl = "{url}"\n')
        settings = load(folder / "deploycheck.toml", environment=None, overrides={}, environ={}, cwd=folder)
        run = Run(settings)
        number = iter(range(10_000))
        limits = httpx.Limits(max_connections=IN_FLIGHT, max_keepalive_connections=IN_FLIGHT)
        client = httpx.Client(base_url=url, limits=limits, headers={"Accept-Encoding": "identity"})

        def ours() -> None:
            writer = Writer(folder / "reports", f"20261121T000000Z-{next(number):06x}")
            for at in range(DASHBOARDS):
                judged = run.grafana.dashboard(f"d{at}").panels.show_data()
                if not judged or run.ledger.unjudged():
                    message = f"the benchmark's own check failed: {judged.finding}"
                    raise RuntimeError(message)
                for digest, body in run.tape.take_bodies().items():
                    writer.body(digest, body)
                for exchange in run.tape.take():
                    writer.append("bench", exchange.to_dict(), phase="call", worker="main")
            writer.close()

        bodies = _bodies(run)

        def plain(bound: int) -> None:
            def send(body: bytes | str) -> int:
                if isinstance(body, str):
                    return client.get(body).raise_for_status().status_code
                answer = client.post("/api/ds/query", content=body, headers={"Content-Type": "application/json"})
                return answer.raise_for_status().status_code

            with ThreadPoolExecutor(bound) as threads:
                list(threads.map(send, bodies))

        found = alternating(
            {
                "plain": timed(lambda: plain(IN_FLIGHT)),
                "one by one": timed(lambda: plain(1)),
                "ours": timed(ours),
            },
            rounds=ROUNDS,
        )
        client.close()
        run.close()
        _tell({side: sorted(times)[len(times) // 2] for side, times in found.items()})


def _bodies(run: Run) -> list[bytes | str]:
    """Return the requests that the checks send: the dashboards' paths, and the queries' bodies."""
    found: list[bytes | str] = []
    for at in range(DASHBOARDS):
        run.grafana.dashboard(f"d{at}").panels  # noqa: B018 - reading it asks
        found += [
            json.dumps(json.loads(exchange.request_body)).encode() if exchange.request_body else exchange.url
            for exchange in run.tape.take()
        ]
    run.tape.take_bodies()
    run.ledger.begin()
    return found


def _tell(found: dict[str, float]) -> None:
    base = found["plain"]
    rows = [
        (f"httpx, {IN_FLIGHT} at the same time", milliseconds(base), "1.00"),
        ("httpx, one by one", milliseconds(found["one by one"]), f"{found['one by one'] / base:.2f}"),
        (
            "ours: executed, judged, recorded",
            milliseconds(found["ours"]),
            f"{found['ours'] / base:.2f}; at most {WANTED} wanted",
        ),
    ]
    table(f"{DASHBOARDS} dashboards of {PANELS} panels ({ROUNDS} alternating runs, medians)", rows)


if __name__ == "__main__":
    main()
