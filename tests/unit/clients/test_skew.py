from __future__ import annotations

import pytest

from pytest_deploycheck.clients.prometheus.skew import ClockSkew


def test_unknown_before_the_first_answer() -> None:
    skew = ClockSkew()
    assert skew.bounds() is None
    assert skew.estimate() == 0.0


def test_one_answer_bounds_it_by_its_round_trip() -> None:
    skew = ClockSkew()
    skew.observe(1030.5, sent=1000.0, received=1000.4)
    assert skew.bounds() == pytest.approx((30.1, 30.501))


def test_answers_together_are_tighter() -> None:
    skew = ClockSkew()
    skew.observe(1030.5, sent=1000.0, received=1000.4)
    skew.observe(1040.3, sent=1010.0, received=1010.1)
    assert skew.bounds() == pytest.approx((30.2, 30.301))
    assert skew.estimate() == pytest.approx(30.2505)


def test_a_looser_answer_changes_nothing() -> None:
    skew = ClockSkew()
    skew.observe(1000.0501, sent=1000.0, received=1000.1)
    before = skew.bounds()
    skew.observe(2000.5, sent=2000.0, received=2001.0)
    assert skew.bounds() == before


def test_after_a_clock_was_stepped_only_the_newest_counts() -> None:
    skew = ClockSkew()
    skew.observe(1000.05, sent=1000.0, received=1000.1)
    skew.observe(2060.05, sent=2000.0, received=2000.1)
    assert skew.bounds() == pytest.approx((59.95, 60.051))


def test_whole_seconds_say_nothing() -> None:
    """VictoriaMetrics rounds, and may evaluate 30 s in the past."""
    skew = ClockSkew()
    skew.observe(970.0, sent=1000.0, received=1000.1)
    assert skew.bounds() is None


def test_a_clock_set_back_during_the_request_says_nothing() -> None:
    skew = ClockSkew()
    skew.observe(1000.05, sent=1000.0, received=990.0)
    assert skew.bounds() is None
