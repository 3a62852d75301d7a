"""How long to wait before asking again."""

from __future__ import annotations

import pytest

from pytest_deploycheck.transport.endpoint import Retries
from pytest_deploycheck.transport.retrying import backoff, retry_after, wait_after_status

NOW = 1_800_000_000.0  # Fri, 15 Jan 2027 08:00:00 GMT


def test_the_wait_doubles_up_to_the_cap() -> None:
    retries = Retries(attempts=9, base=0.5, cap=3)
    assert [backoff(retries, attempt) for attempt in (1, 2, 3, 4, 5, 10_000)] == [0.5, 1.0, 2.0, 3, 3, 3]


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, None),
        ({"retry-after": ""}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "1.5"}, None),
        ({"retry-after": "٣"}, None),
        ({"retry-after": "0"}, 0.0),
        ({"retry-after": " 12 "}, 12.0),
        ({"retry-after": "9" * 5000}, 1e9),
        ({"retry-after": "Fri, 15 Jan 2027 08:00:20 GMT"}, 20.0),
        ({"retry-after": "Fri, 15 Jan 2027 07:00:00 GMT"}, 0.0),
        ({"retry-after": "Fri, 15 Jan 2027 08:00:20 GMT", "date": "Fri, 15 Jan 2027 08:00:05 GMT"}, 15.0),
        ({"retry-after": "Fri, 15 Jan 2027 08:00:20 GMT", "date": "nonsense"}, 20.0),
        ({"retry-after": "Fri, 99 Jan 2027 08:00:20 GMT"}, None),
    ],
)
def test_retry_after(headers: dict[str, str], expected: float | None) -> None:
    assert retry_after(headers, now=NOW) == expected


@pytest.mark.parametrize(("asked", "expected"), [("0", 0.2), ("7", 7.0), ("32", 32.0), ("41", 40.0), ("x", 0.2)])
def test_the_wait_after_a_status(asked: str, expected: float) -> None:
    assert wait_after_status(Retries(), 1, {"retry-after": asked}, now=NOW) == expected
