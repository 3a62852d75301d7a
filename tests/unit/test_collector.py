"""The collector goes on as it was, and does not walk over everything that was made meanwhile."""

from __future__ import annotations

import gc

import pytest

from pytest_deploycheck.collector import collector_paused


@pytest.fixture(autouse=True)
def _as_before() -> object:
    yield
    gc.enable()


def test_it_goes_on_if_it_was_on() -> None:
    with collector_paused():
        assert not gc.isenabled()
    assert gc.isenabled()
    gc.disable()
    with collector_paused():
        pass
    assert not gc.isenabled()


def test_much_that_was_made_meanwhile_counts_as_old() -> None:
    gc.collect()
    with collector_paused():
        made = [[number] for number in range(30_000)]
    assert gc.get_count()[0] < 10_000, "the next collection would have walked over all of them"
    assert len(gc.get_objects(generation=2)) > len(made)
    assert gc.get_freeze_count() == 0


def test_what_somebody_froze_stays_frozen() -> None:
    gc.freeze()
    try:
        frozen = gc.get_freeze_count()
        with collector_paused():
            made = [[number] for number in range(30_000)]
        assert gc.get_freeze_count() == frozen
        assert made
    finally:
        gc.unfreeze()
