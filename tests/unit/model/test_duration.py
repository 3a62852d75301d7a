"""Durations, read and written."""

from __future__ import annotations

import math
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_deploycheck.model.duration import format_duration, parse_duration, parse_go_duration, promql_duration


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
def test_what_go_writes(text: str, seconds: float) -> None:
    assert parse_go_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "5", "s", "-5s", "1 s", "5S", "1s ", "5m5", "½s", "1e3s", "٣s"])
def test_what_is_no_duration_of_go(text: str) -> None:
    with pytest.raises(ValueError, match=r"^not a duration: ") as caught:
        parse_go_duration(text)
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


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("500ms", 0.5),
        ("60s", 60.0),
        ("1h30m", 5400.0),
        ("1.5h", 5400.0),
        ("2d", 172800.0),
        ("1w", 604800.0),
        ("0s", 0.0),
    ],
)
def test_what_is_configured(text: str, seconds: float) -> None:
    assert parse_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "text",
    ["", "0", "5", "s", "-5s", "1 s", "5S", "1s ", "1s\n", "5m5", "1y", "1us", "1µs", "1ns", "1..5s", ".5s", "٣s"],
)
def test_what_is_not_configured(text: str) -> None:
    with pytest.raises(ValueError, match=r"^not a duration: ") as caught:
        parse_duration(text)
    assert str(caught.value) == f"not a duration: {text!r}"


@given(st.integers(0, 10**12))
def test_what_is_written_is_read(milliseconds: int) -> None:
    assert round(parse_duration(format_duration(milliseconds / 1000)) * 1000) == milliseconds


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.0, "0s"), (0.5, "500ms"), (5400.0, "1h30m"), (90061.001, "1d1h1m1s1ms"), (604800.0, "1w")]
)
def test_written(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


def test_reading_markers_costs_no_library() -> None:
    program = "import sys, pytest_deploycheck.model.duration; print('pydantic' in sys.modules, 'httpx' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert told.stdout == "False False\n"
