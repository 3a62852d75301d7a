"""What the benchmarks share: alternating runs, medians, a real Prometheus, lines of a table.

Runs of the sides alternate, so that a busy moment of the machine meets all of them; ratios of medians are what counts.
"""

from __future__ import annotations

import gc
import http.server
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

ROOT = Path(__file__).resolve().parents[2]

_OTHERS = ("asyncio", "pytest-bdd", "pytest_order", "randomly", "timeout", "rerunfailures", "hypothesispytest", "anyio")
"""Plugins that only this project's tests need: what they cost is no part of anybody's baseline."""


def medians(sides: Mapping[str, Callable[[], float]], *, rounds: int) -> dict[str, float]:
    """Return each side's median in seconds; a side returns how long it took."""
    return {name: statistics.median(values) for name, values in alternating(sides, rounds=rounds).items()}


def alternating(sides: Mapping[str, Callable[[], float]], *, rounds: int) -> dict[str, list[float]]:
    """Return the seconds that each side said it took, round by round. One round of warm-up is thrown away."""
    taken: dict[str, list[float]] = {name: [] for name in sides}
    for number in range(rounds + 1):
        for name, side in sides.items():
            gc.collect()
            seconds = side()
            if number:
                taken[name].append(seconds)
    return taken


def timed(action: Callable[[], object]) -> Callable[[], float]:
    """Return a side that takes the time of an action in this process."""

    def side() -> float:
        start = time.perf_counter()
        action()
        return time.perf_counter() - start

    return side


def process(command: Sequence[str], *, cwd: Path, expect: int = 0, env: Mapping[str, str] | None = None) -> float:
    """Return how long a command takes.

    Raises:
        RuntimeError: if it ends with another code; a benchmark of failures is none.
    """
    start = time.perf_counter()
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - start
    if done.returncode != expect:
        message = f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout[-3000:]}{done.stderr[-3000:]}"
        raise RuntimeError(message)
    return seconds


def pytest_command(*arguments: str) -> list[str]:
    """Return a pytest command line without any other plugin's work, but xdist and Allure."""
    others = [part for name in _OTHERS for part in ("-p", f"no:{name}")]
    return [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *others, *arguments]


def table(title: str, rows: Sequence[Sequence[str]]) -> None:
    """Print a table with aligned columns."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    print(f"\n## {title}")
    for row in rows:
        print("  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def milliseconds(seconds: float) -> str:
    """Return a time as text."""
    return f"{seconds * 1000:.2f} ms"


class _Exposition(http.server.BaseHTTPRequestHandler):
    body = b""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.send_header("Content-Length", str(len(self.body)))
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


@contextmanager
def prometheus_with(series: int) -> Iterator[str]:
    """Yield the URL of a real Prometheus that has scraped `bench_value` with so many series."""
    from pytest_deploycheck.sandbox.process import Child, find_program, free_port

    lines = ["# TYPE bench_value gauge"]
    lines += [
        f'bench_value{{route="/api/v1/res/{n % 997}",pod="service-{n % 211}-{n:06d}",code="200"}} {n % 1000 / 1000}'
        for n in range(series)
    ]
    handler = type("Handler", (_Exposition,), {"body": ("\n".join(lines) + "\n").encode()})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory(prefix="deploycheck-bench-") as name:
        folder = Path(name)
        port = free_port()
        (folder / "prometheus.yml").write_text(
            "global: {scrape_interval: 2s}\n"
            "scrape_configs:\n"
            f"  - {{job_name: bench, static_configs: [{{targets: ['127.0.0.1:{server.server_port}']}}]}}\n"
        )
        child = Child(
            "prometheus",
            [
                find_program("prometheus"),
                f"--config.file={folder}/prometheus.yml",
                f"--storage.tsdb.path={folder}/data",
                f"--web.listen-address=127.0.0.1:{port}",
                "--query.lookback-delta=1h",
            ],
            folder / "prometheus.log",
        )
        child.start()
        url = f"http://127.0.0.1:{port}"
        try:
            _wait_for(url, series)
            yield url
        finally:
            child.stop()
            server.shutdown()
            server.server_close()


def _wait_for(url: str, series: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            found = httpx.get(f"{url}/api/v1/query", params={"query": "count(bench_value)"}, timeout=5).json()
            if found["data"]["result"] and int(found["data"]["result"][0]["value"][1]) == series:
                return
        except (httpx.HTTPError, ValueError, KeyError):
            pass  # not up yet
        time.sleep(0.2)
    message = f"Prometheus at {url} did not scrape {series} series within 60 s"
    raise RuntimeError(message)
