"""What one check costs above the round trip of one warm httpx client, evidence included."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

import httpx

from tests.benchmarks.side_by_side import medians, milliseconds, process, prometheus_with, pytest_command, table, timed

CHECKS = 1000
ROUNDS = 5
TRIPS = 500


def main() -> None:
    """Print the table."""
    with prometheus_with(10) as url, tempfile.TemporaryDirectory() as name, httpx.Client() as client:
        folder = Path(name)
        (folder / "deploycheck.toml").write_text(f'[environments.bench.prometheus]\nurl = "{url}"\n')
        parametrized = f"import pytest\n@pytest.mark.parametrize('n', range({CHECKS}))\n"
        (folder / "test_check.py").write_text(
            parametrized + "def test_c(prometheus, n):\n    assert prometheus('bench_value') < 2\n"
        )
        (folder / "test_plain.py").write_text(parametrized + "def test_p(n):\n    assert n < 1e9\n")
        query = f"{url}/api/v1/query"

        def trips() -> None:
            for _ in range(TRIPS):
                client.get(query, params={"query": "bench_value"}).read()

        def curls() -> None:
            program = f"curl -s '{query}?query=bench_value' | jq '.data.result[0].value[1]'"
            for _ in range(20):
                subprocess.run(["bash", "-c", program], check=True, capture_output=True)

        sides = {
            "plain": lambda: process(pytest_command("-p", "no:allure_pytest", "test_plain.py"), cwd=folder),
            "checks": lambda: process(pytest_command("-p", "no:allure_pytest", "test_check.py"), cwd=folder),
            "trips": timed(trips),
        }
        if shutil.which("curl") and shutil.which("jq"):
            sides["curl"] = timed(curls)
        found = medians(sides, rounds=ROUNDS)
        trip = found["trips"] / TRIPS
        check = (found["checks"] - found["plain"]) / CHECKS
        rows = [
            ("round trip of a warm httpx client", milliseconds(trip), ""),
            (
                "a check, evidence included, above a trivial test",
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
