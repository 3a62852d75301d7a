"""What one check costs above the round trip of one warm httpx client, evidence included.

The cost is what each further check adds to a run: starting has its own benchmark.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

from tests.benchmarks.side_by_side import medians, milliseconds, process, prometheus_with, pytest_command, table, timed

if TYPE_CHECKING:
    from collections.abc import Callable

CHECKS = 1000
ROUNDS = 5
TRIPS = 500


def main() -> None:
    """Print the table."""
    with prometheus_with(10) as url, tempfile.TemporaryDirectory() as name, httpx.Client() as client:
        folder = Path(name)
        (folder / "deploycheck.toml").write_text(f'[environments.bench.prometheus]\nurl = "{url}"\n')
        for number in (1, 1 + CHECKS):
            parametrized = f"import pytest\n@pytest.mark.parametrize('n', range({number}))\n"
            (folder / f"test_check_{number}.py").write_text(
                parametrized + "def test_c(prometheus, n):\n    assert prometheus('bench_value') < 2\n"
            )
            (folder / f"test_plain_{number}.py").write_text(parametrized + "def test_p(n):\n    assert n < 1e9\n")
        query = f"{url}/api/v1/query"

        def trips() -> None:
            for _ in range(TRIPS):
                client.get(query, params={"query": "bench_value"}).read()

        def curls() -> None:
            program = f"curl -s '{query}?query=bench_value' | jq '.data.result[0].value[1]'"
            for _ in range(20):
                subprocess.run(["bash", "-c", program], check=True, capture_output=True)

        def run(kind: str, number: int) -> Callable[[], float]:
            return lambda: process(pytest_command("-p", "no:allure_pytest", f"test_{kind}_{number}.py"), cwd=folder)

        sides = {
            "one plain": run("plain", 1),
            "plain": run("plain", 1 + CHECKS),
            "one check": run("check", 1),
            "checks": run("check", 1 + CHECKS),
            "trips": timed(trips),
        }
        if shutil.which("curl") and shutil.which("jq"):
            sides["curl"] = timed(curls)
        found = medians(sides, rounds=ROUNDS)
        trip = found["trips"] / TRIPS
        check = (found["checks"] - found["one check"] - found["plain"] + found["one plain"]) / CHECKS
        rows = [
            ("round trip of a warm httpx client", milliseconds(trip), ""),
            (
                "each further check, evidence included, above a further trivial test",
                milliseconds(check),
                f"{milliseconds(check - trip)} above the round trip; at most 1 ms wanted",
            ),
        ]
        if "curl" in found:
            curled = found["curl"] / 20
            rows.append(("curl piped to jq", milliseconds(curled), f"{curled / check:.1f} times a check"))
        table(f"{CHECKS} checks against a real Prometheus ({ROUNDS} alternating runs, medians)", rows)


if __name__ == "__main__":
    main()
