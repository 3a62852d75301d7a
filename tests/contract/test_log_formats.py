"""Lines that real loggers wrote: structlog 26.1, ecs-logging 2.3, python-json-logger 4.2, OpenTelemetry's SDK 1.45."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_deploycheck.clients.logs.presets import names, preset
from tests.unit.logs.reading import plan, summarised

RECORDED = Path(__file__).parent / "recordings" / "logs"
PRESETS = {
    "structlog": "structlog",
    "ecs-logging": "ecs",
    "python-json-logger": "python-json-logger",
    "opentelemetry": "opentelemetry",
}


@pytest.mark.parametrize("name", PRESETS)
def test_the_preset_fits_what_the_logger_writes(name: str) -> None:
    data = (RECORDED / f"{name}.jsonl").read_bytes()
    found = summarised(data, plan(preset(PRESETS[name])))
    assert (found.lines, found.invalid, found.timeless, found.unlevelled) == (4, 0, 0, 0), found.offenders
    assert found.levels == {"DEBUG": 1, "INFO": 1, "WARN": 1, "ERROR": 1}
    assert [one.template for one in found.signatures] == [
        "payment failed" if name == "structlog" else "payment <number> failed"
    ]
    assert found.ids["trace"].malformed == 0
    assert found.ids["trace"].present == (4 if name == "opentelemetry" else 1)


def test_the_default_of_python_json_logger_tells_neither_time_nor_level() -> None:
    data = (RECORDED / "python-json-logger-default.jsonl").read_bytes()
    found = summarised(data, plan(preset("python-json-logger")))
    assert (found.lines, found.invalid, found.timeless, found.unlevelled) == (4, 4, 4, 4)
    assert found.offenders[0].reason.startswith("{'message': 'GET /orders 200'")


@pytest.mark.parametrize("logger", PRESETS)
@pytest.mark.parametrize("other", names())
def test_a_preset_refuses_what_another_logger_writes(logger: str, other: str) -> None:
    # OpenTelemetry's names are the usual ones; what has them all is taken.
    if other == PRESETS[logger]:
        return
    data = (RECORDED / f"{logger}.jsonl").read_bytes()
    assert summarised(data, plan(preset(other))).invalid == 4


GCP = b"""\
{"severity":"INFO","message":"GET","time":"2026-11-21T09:06:00.1Z",\
"logging.googleapis.com/trace":"projects/shop/traces/4bf92f3577b34da6a3ce929d0e0e4736"}
{"severity":"CRITICAL","message":"payment 17 failed","timestamp":"2026-11-21T09:06:01Z"}
{"severity":"loud","message":"x","time":"2026-11-21T09:06:02Z"}
"""


def test_google_clouds_structured_lines() -> None:
    found = summarised(GCP, plan(preset("gcp")))
    assert (found.lines, found.invalid, found.levels) == (3, 1, {"INFO": 1, "FATAL": 1})
    assert (found.offenders[0].line, found.offenders[0].reason.partition(" is not one of")[0]) == (
        3,
        "severity: 'loud'",
    )
    assert (found.ids["trace"].present, found.ids["trace"].malformed) == (1, 0)
