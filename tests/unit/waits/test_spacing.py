"""Often at first, then less often; never hammering; the same in every run."""

from __future__ import annotations

from itertools import pairwise

import pytest

from pytest_deploycheck.waits.spacing import FLOOR, next_wait, sample_wait

KEYS = [f"test_check.py::test_{number}" for number in range(50)]


def within_jitter(found: float, expected: float) -> bool:
    return expected * 0.9 <= found <= expected * 1.1


@pytest.mark.parametrize("key", KEYS)
def test_the_floor_holds_whatever_the_jitter(key: str) -> None:
    assert all(FLOOR <= next_wait(0.0, attempt=attempt, key=key) <= FLOOR * 1.1 for attempt in range(1, 20))


@pytest.mark.parametrize(("elapsed", "wait"), [(10.0, 0.6), (105.0, 12.0), (255.0, 30.0), (3600.0, 30.0)])
def test_each_wait_is_a_share_of_the_time_up_to_half_a_minute(elapsed: float, wait: float) -> None:
    assert all(within_jitter(next_wait(elapsed, attempt=9, key=key), wait) for key in KEYS)


@pytest.mark.parametrize(
    ("rhythm", "elapsed", "wait"),
    [
        (15.0, 0.0, 1.5),  # nothing changes between two scrapes: a tenth of the interval is often enough
        (15.0, 3600.0, 15.0),  # a scrape is never missed for longer than one interval
        (60.0, 3600.0, 30.0),
        (1.0, 3600.0, 1.0),
        (600.0, 0.0, 60.0),  # the tenth of a slow rhythm is longer than the cap for an unknown one
        (600.0, 3600.0, 60.0),
    ],
)
def test_a_known_rhythm_bounds_the_waits(rhythm: float, elapsed: float, wait: float) -> None:
    assert all(within_jitter(next_wait(elapsed, attempt=3, key=key, rhythm=rhythm), wait) for key in KEYS)


def test_checks_that_began_together_are_spread_the_same_way_in_every_run() -> None:
    waits = [next_wait(105.0, attempt=4, key=key) for key in KEYS]
    assert waits == [next_wait(105.0, attempt=4, key=key) for key in KEYS]
    assert len(set(waits)) == len(KEYS)
    assert max(waits) - min(waits) > 1.2
    attempts = [next_wait(105.0, attempt=attempt, key="a") for attempt in range(10)]
    assert len(set(attempts)) == 10


def test_ten_minutes_take_few_attempts_and_see_convergence_soon() -> None:
    times = [0.0]
    while times[-1] < 600:
        times.append(times[-1] + next_wait(times[-1], attempt=len(times), key="a"))
    assert len(times) < 70
    assert all(after - before <= max(0.14 * after, 0.56) for before, after in pairwise(times))


@pytest.mark.parametrize(
    ("window", "rhythm", "wait"),
    [
        (1800.0, None, 30.0),
        (3 * 3600.0, None, 60.0),
        (15.0, None, FLOOR),
        (60.0, None, 1.0),
        (60.0, 5.0, 5.0),  # more often than the system steps says nothing new
        (60.0, 60.0, 15.0),  # but a window is looked at four times at least
        (1800.0, 15.0, 30.0),
    ],
)
def test_a_window_is_sampled(window: float, rhythm: float | None, wait: float) -> None:
    assert sample_wait(window, rhythm) == wait
