"""An instant vector of 50,000 series: asked, judged and recorded, against fetching and decoding it only."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import httpx
import msgspec
from prometheus_api_client import PrometheusConnect

from pytest_deploycheck.session.run import Run
from pytest_deploycheck.settings.load import load
from pytest_deploycheck.signoff.write import Writer
from tests.benchmarks.side_by_side import medians, milliseconds, prometheus_with, table, timed

SERIES = 50_000
ROUNDS = 15


class _Series(msgspec.Struct):
    metric: dict[str, str]
    value: tuple[float, str]


class _Data(msgspec.Struct):
    result: list[_Series]


class _Answer(msgspec.Struct):
    data: _Data


def main() -> None:
    """Print the table."""
    with prometheus_with(SERIES) as url, tempfile.TemporaryDirectory() as name, httpx.Client() as client:
        folder = Path(name)
        (folder / "deploycheck.toml").write_text(f'[environments.bench.prometheus]\nurl = "{url}"\n')
        settings = load(folder / "deploycheck.toml", environment=None, overrides={}, environ={}, cwd=folder)
        run = Run(settings)
        number = iter(range(10_000))
        connect = PrometheusConnect(url=url)
        plain = {"Accept-Encoding": "identity"}

        def ours() -> None:
            judged = run.prometheus("bench_value") < 2
            if not judged or run.ledger.unjudged():
                message = "the benchmark's own check failed"
                raise RuntimeError(message)
            writer = Writer(folder / "reports", f"20261121T000000Z-{next(number):06x}")
            for digest, body in run.tape.take_bodies().items():
                writer.body(digest, body)
            for exchange in run.tape.take():
                writer.append("bench", exchange.to_dict(), phase="call", worker="main")
            writer.close()

        def decoded() -> Any:
            return msgspec.json.decode(
                client.get(f"{url}/api/v1/query", params={"query": "bench_value"}, headers=plain).content, type=_Answer
            )

        found = medians(
            {
                "bytes": timed(
                    lambda: client.get(f"{url}/api/v1/query", params={"query": "bench_value"}, headers=plain).content
                ),
                "msgspec": timed(decoded),
                "client": timed(lambda: connect.custom_query("bench_value")),
                "ours": timed(ours),
            },
            rounds=ROUNDS,
        )
        run.close()
        wanted = found["client"]
        rows = [
            ("httpx, bytes only", milliseconds(found["bytes"]), f"{found['bytes'] / wanted:.2f}"),
            ("httpx + msgspec, decoded", milliseconds(found["msgspec"]), f"{found['msgspec'] / wanted:.2f}"),
            ("prometheus-api-client, decoded", milliseconds(wanted), "1.00"),
            (
                "ours: asked, judged, recorded",
                milliseconds(found["ours"]),
                f"{found['ours'] / wanted:.2f}; at most 1.00 wanted",
            ),
        ]
        table(f"instant vector of {SERIES:,} series ({ROUNDS} alternating runs, medians)", rows)


if __name__ == "__main__":
    main()
