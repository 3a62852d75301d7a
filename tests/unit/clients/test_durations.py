from __future__ import annotations

import math
from datetime import UTC, datetime

import pytest

from pytest_deploycheck.clients.durations import parse_duration, promql_duration, unix_seconds


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1s", 1.0),
        ("1m30s", 90.0),
        ("800ms", 0.8),
        ("2h45m0s", 9900.0),
        ("15d", 1296000.0),
        ("1w", 604800.0),
        ("1y", 31536000.0),
        ("0", 0.0),
        ("0s", 0.0),
        ("1.5h", 5400.0),
        ("250us", 0.00025),
        ("250µs", 0.00025),
        ("10ns", 1e-8),
    ],
)
def test_parse(text: str, seconds: float) -> None:
    assert parse_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "5", "s", "-5s", "1 s", "5S", "1s ", "5m5", "½s", "1e3s", "٣s"])
def test_what_is_none(text: str) -> None:
    with pytest.raises(ValueError, match=r"^not a duration: ") as caught:
        parse_duration(text)
    assert str(caught.value) == f"not a duration: {text!r}"


@pytest.mark.parametrize(
    ("seconds", "text"), [(30.0, "30s"), (0.5, "500ms"), (0.001, "1ms"), (1.5, "1500ms"), (60, "60s")]
)
def test_promql(seconds: float, text: str) -> None:
    assert promql_duration(seconds) == text


@pytest.mark.parametrize("seconds", [0.0, -1.0, 0.0009, math.nan, math.inf])
def test_no_window(seconds: float) -> None:
    with pytest.raises(ValueError, match="at least 1ms") as caught:
        promql_duration(seconds)
    assert str(caught.value) == f"a PromQL window is at least 1ms, and finite: {seconds!r} s"


def test_times() -> None:
    assert unix_seconds(datetime(2026, 11, 21, tzinfo=UTC)) == 1795219200.0
    assert unix_seconds(datetime(1, 1, 1, tzinfo=UTC)) is None
    assert unix_seconds(None) is None
