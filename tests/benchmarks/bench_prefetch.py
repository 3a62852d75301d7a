"""300 configured checks against a server that takes 50 ms for an answer: asked together, and one by one."""

from __future__ import annotations

import http.server
import json
import shutil
import tempfile
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tests.benchmarks.side_by_side import ROOT, alternating, process, pytest_command, table

if TYPE_CHECKING:
    from collections.abc import Iterator

CHECKS = 300
LATENCY = 0.05
ROUNDS = 3
WANTED = 2.5

_PLAIN = f"""
import httpx, pytest

@pytest.fixture(scope="session")
def client():
    with httpx.Client() as client:
        yield client

@pytest.mark.parametrize("n", range({CHECKS}))
def test_level(client, n):
    reply = client.get("URL/api/v1/query", params={{"query": f"level_{{n}}"}}).json()
    assert all(float(one["value"][1]) < 2 for one in reply["data"]["result"])
"""


class _Slow(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        time.sleep(LATENCY)
        sample = {"metric": {"__name__": "level", "job": "app"}, "value": [round(time.time(), 3) + 0.0005, "1"]}
        body = json.dumps({"status": "success", "data": {"resultType": "vector", "result": [sample]}}).encode()
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        self.wfile.write(head.encode() + body)

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


class _Server(http.server.ThreadingHTTPServer):
    request_queue_size = 64
    daemon_threads = True


@contextmanager
def _slow_server() -> Iterator[str]:
    """Yield the URL of a server that answers every query after 50 ms, as many at once as are asked."""
    server = _Server(("127.0.0.1", 0), _Slow)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def main() -> None:
    """Print the table."""
    with _slow_server() as url, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copytree(ROOT / "suites" / "post_deploy", folder / "post_deploy")
        levels = "".join(
            f'[[environments.bench.slos]]\nid = "l{n}"\nexpr = "level_{n}"\nbelow = 2\n\n' for n in range(CHECKS)
        )
        (folder / "deploycheck.toml").write_text(f'[environments.bench.prometheus]\nurl = "{url}"\n\n{levels}')
        (folder / "test_plain.py").write_text(_PLAIN.replace("URL", url))
        quiet = ("-p", "no:allure_pytest")
        ours = (*quiet, "post_deploy/test_metrics.py", "-k", "service_level", "--deploycheck-scope", "levels")
        sides = {
            "plain": lambda: process(pytest_command(*quiet, "test_plain.py"), cwd=folder),
            "one by one": lambda: process(pytest_command(*ours, "--deploycheck-no-prefetch"), cwd=folder),
            "together": lambda: process(pytest_command(*ours), cwd=folder),
            "together, -n 2": lambda: process(pytest_command(*ours, "-n", "2"), cwd=folder),
        }
        found = alternating(sides, rounds=ROUNDS)
        medians = {side: sorted(values)[len(values) // 2] for side, values in found.items()}
        names = {
            "plain": "pytest and one warm httpx client",
            "one by one": "suites/post_deploy, --deploycheck-no-prefetch",
            "together": "suites/post_deploy",
            "together, -n 2": "suites/post_deploy, -n 2",
        }
        rows = [("", "median", "least", "")]
        for side, values in found.items():
            told = f"{medians['plain'] / medians[side]:.1f} times as fast as the first" if side != "plain" else ""
            if side == "together":
                told += f"; at most {WANTED:g} s wanted"
            rows.append((names[side], f"{medians[side]:.2f} s", f"{min(values):.2f} s", told))
        table(f"{CHECKS} configured checks, {LATENCY * 1000:g} ms an answer ({ROUNDS} alternating runs)", rows)


if __name__ == "__main__":
    main()
