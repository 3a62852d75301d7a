from __future__ import annotations

import math

import pytest

from pytest_deploycheck.checks import wording
from pytest_deploycheck.checks.comparison import require_comparison, require_number
from pytest_deploycheck.errors import AuthorMistake


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (-0.0, "0"),
        (3.0, "3"),
        (1234567.0, "1,234,567"),
        (12345.67, "12,345.7"),
        (0.012345, "0.01235"),
        (0.00001234, "1.23e-05"),
        (1e300, "1e+300"),
        (math.nan, "NaN"),
        (math.inf, "+Inf"),
        (-math.inf, "-Inf"),
    ],
)
def test_number(value: float, text: str) -> None:
    assert wording.number(value) == text


def test_a_number_beside_a_bound_that_would_read_the_same_shows_all_its_digits() -> None:
    assert wording.number(0.010000001, 0.01) == "0.010000001"
    assert wording.number(0.01, 0.01) == "0.01"
    assert wording.seconds(60.00001, 60.0) == "60.00001 s"
    assert wording.quantity(1024.00001, "B", 1024.0) == "1024.00001 B"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0 s"),
        (0.00008, "0.08 ms"),
        (0.85, "850 ms"),
        (0.9999, "0.9999 s"),
        (1.0, "1 s"),
        (12.34567, "12.35 s"),
        (119.5, "119.5 s"),
        (120.0, "2 min"),
        (303.2, "5 min 3 s"),
        (7199.9, "2 h"),
        (3600.0 * 5 + 61, "5 h 1 min"),
        (86400.0 * 400 + 3700, "400 d 1 h"),
        (-5.0, "-5 s"),
        (math.nan, "NaN s"),
        (math.inf, "+Inf s"),
    ],
)
def test_seconds(value: float, text: str) -> None:
    assert wording.seconds(value) == text


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (512.0, "B", "512 B"),
        (1572864.0, "B", "1.5 MiB"),
        (-2048.0, "B", "-2 KiB"),
        (math.inf, "B", "+Inf B"),
        (5.0 * 1024**5, "B", "5120 TiB"),
        (0.0123, "ratio", "0.0123 (1.23 %)"),
        (math.nan, "ratio", "NaN"),
        (3.0, "req/s", "3 req/s"),
        (3.0, "", "3"),
        (3.0, "s", "3 s"),
    ],
)
def test_quantity(value: float, unit: str, text: str) -> None:
    assert wording.quantity(value, unit) == text


@pytest.mark.parametrize(
    ("expr", "unit"),
    [
        ("app_latency_seconds", "s"),
        ('app_heap_bytes{job="a"}', "B"),
        ("app_full_ratio", "ratio"),
        ("rate(app_latency_seconds[5m])", ""),
        ("process_start_time_seconds", ""),
        ("app_last_timestamp_seconds", ""),
        ("app_total", ""),
    ],
)
def test_only_a_bare_selector_tells_its_unit(expr: str, unit: str) -> None:
    assert wording.unit_of(expr) == unit


def test_moment() -> None:
    assert wording.moment(1_800_000_000.0) == "2027-01-15T08:00:00Z"
    assert wording.moment(None) == wording.moment(0.0) == wording.moment(-62135596800.0) == "never"
    assert wording.moment(1.8e12) == "1,800,000,000,000 (no calendar time)"


def test_counts_shares_and_names() -> None:
    assert wording.count(1, "rule") == "1 rule"
    assert wording.count(2000, "family", "families") == "2,000 families"
    assert wording.count(3, "series") == "3 series"
    assert wording.share(1, 3, "target") == "1 of 3 targets is"
    assert wording.share(2, 3, "series") == "2 of 3 series are"
    assert wording.names(["b", "a", "b"]) == "a, b"
    assert wording.names([]) == "none"
    assert wording.names(f"n{at:02}" for at in range(12)).endswith("n08, n09 and 2 more")


def test_head_is_one_line_cut_and_shows_control_characters() -> None:
    assert wording.head("<html>\n  <body>\x1b[31m") == "<html> <body>\\x1b[31m"
    assert wording.head("x" * 500) == "x" * 200 + "…"
    assert wording.head("a" + " " * 1000 + "b") == "a…"


def test_a_bound_that_means_nothing_is_the_authors_mistake() -> None:
    with pytest.raises(AuthorMistake) as caught:
        require_comparison("=<", 1.0)
    assert str(caught.value) == "unknown comparison '=<'\n  next: use one of < <= > >= == !="
    with pytest.raises(AuthorMistake) as caught:
        require_comparison("<", math.nan)
    assert str(caught.value) == "the bound is nan: nothing can be held against it\n  next: give a number"
    with pytest.raises(AuthorMistake, match="the limit is -1, less than 0"):
        require_number("the limit", -1, least=0)
    with pytest.raises(AuthorMistake, match="the limit is inf"):
        require_number("the limit", math.inf, finite=True)
