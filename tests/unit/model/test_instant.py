"""Instants as text."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from pytest_deploycheck.model.instant import Precision, rfc3339, unix_seconds


@pytest.mark.parametrize(
    ("unix", "precision", "text"),
    [
        (0.0, "seconds", "1970-01-01T00:00:00Z"),
        (1_795_261_559.9996, "seconds", "2026-11-21T11:45:59Z"),
        (1_795_261_500.25, "milliseconds", "2026-11-21T11:45:00.250Z"),
        (1_795_261_559.9, "minutes", "2026-11-21T11:45Z"),
        (-1.0, "seconds", "1969-12-31T23:59:59Z"),
        (float("nan"), "seconds", "unix nan"),
        (float("inf"), "seconds", "unix inf"),
        (1e20, "seconds", "unix 1e+20"),
        (-1e12, "seconds", "unix -1e+12"),
    ],
)
def test_rfc3339(unix: float, precision: Precision, text: str) -> None:
    assert rfc3339(unix, precision) == text


def test_times() -> None:
    assert unix_seconds(datetime(2026, 11, 21, tzinfo=UTC)) == 1795219200.0
    assert unix_seconds(datetime(1, 1, 1, tzinfo=UTC)) is None
    assert unix_seconds(None) is None
