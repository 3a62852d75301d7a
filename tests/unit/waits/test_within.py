"""Converging: deadlines, what late and expired mean, what is not tried again, and what is told."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_deploycheck.model.outcome import Outcome
from pytest_deploycheck.waits.spacing import FLOOR
from pytest_deploycheck.waits.terms import Terms, Within
from pytest_deploycheck.waits.waiting import Again, Done, Ended, Waiting


def waiting(origin: float | None = 0.0, run_started: float = 0.0, **terms: Any) -> Waiting:
    return Waiting(
        "test_check.py::test_it",
        Terms(within=Within(**{"seconds": 60.0, **terms})),
        run_started=run_started,
        origin=origin,
    )


def attempt(
    state: Waiting, begin: float, outcome: Outcome = Outcome.FAILED, *, end: float | None = None, **ended: Any
) -> Again | Done:
    state.begin(begin)
    return state.ended(Ended(now=begin if end is None else end, outcome=outcome, **ended))


@pytest.mark.parametrize(
    ("since", "origin", "deadline", "named"),
    [
        ("deployment", 40.0, 100.0, "the deployment's finish"),
        ("deployment", None, 110.0, "the run's start, as no finish of the deployment is known"),
        ("start", 40.0, 130.0, "the first attempt"),
        ("start", None, 130.0, "the first attempt"),
    ],
)
def test_from_when_the_deadline_counts(since: str, origin: float | None, deadline: float, named: str) -> None:
    state = waiting(origin, 50.0, since=since)
    assert isinstance(attempt(state, 70.0), Again)
    assert state.deadline == deadline
    assert state.headline() == f"within 1m; 1 attempt (T: {named})"


@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.INCONCLUSIVE, Outcome.ERROR])
def test_what_may_mend_is_tried_again(outcome: Outcome) -> None:
    follows = attempt(waiting(), 10.0, outcome, end=11.0)
    assert isinstance(follows, Again)
    assert 11.0 + FLOOR <= follows.due <= 11.0 + 2 * FLOOR


@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.INCONCLUSIVE, Outcome.ERROR])
def test_what_waiting_cannot_mend_is_not(outcome: Outcome) -> None:
    assert attempt(waiting(), 10.0, outcome, mends=False) == Done()


def test_what_was_skipped_is_not_tried_again() -> None:
    assert attempt(waiting(), 10.0, Outcome.NOT_RUN) == Done()


def test_a_pass_in_time_ends_it_and_is_told() -> None:
    state = waiting(origin=5.0)
    attempt(state, 10.0, summary="40 < 50")
    attempt(state, 20.0, summary="40 < 50")
    attempt(state, 30.0, summary="48 < 50")
    assert attempt(state, 48.0, Outcome.PASSED) == Done()
    assert state.story() == [
        "within 1m; 4 attempts; converged at T+43.0s (T: the deployment's finish)",
        "  T+5.0s to T+15.0s, 2 attempts: failed: 40 < 50",
        "  T+25.0s: failed: 48 < 50",
        "  T+43.0s: passed",
    ]


def test_an_attempt_that_began_in_time_counts_however_long_it_took() -> None:
    state = waiting()
    attempt(state, 10.0)
    assert attempt(state, 59.9, Outcome.PASSED, end=75.0) == Done()
    assert state.converged == 59.9


def test_the_last_attempt_is_made_just_before_the_deadline_and_only_then_it_fails() -> None:
    state = waiting(every=25.0)
    assert attempt(state, 0.0) == Again(25.0)
    assert attempt(state, 25.0) == Again(50.0)
    assert attempt(state, 50.0) == Again(60.0 - FLOOR)
    assert attempt(state, 59.5, end=59.6) == Done()


def test_what_ends_after_the_deadline_is_not_tried_again() -> None:
    assert attempt(waiting(), 10.0, end=61.0) == Done()


def test_short_deadlines_leave_their_last_chance_close_before_them() -> None:
    state = waiting(seconds=2.0, every=5.0)
    assert attempt(state, 0.0) == Again(1.9)


def test_the_authors_own_spacing_is_kept() -> None:
    assert attempt(waiting(every=7.0), 10.0, end=12.0) == Again(19.0)


def test_the_authors_own_spacing_may_be_close_but_never_hammers() -> None:
    assert attempt(waiting(every=0.2), 10.0) == Again(10.2)
    assert attempt(waiting(every=0.001), 10.0) == Again(10.1)


def test_a_pass_after_the_deadline_does_not_tell_whether_it_was_in_time() -> None:
    state = waiting()
    attempt(state, 50.0)
    assert attempt(state, 64.0, Outcome.PASSED) == Done(
        Outcome.INCONCLUSIVE,
        "passed 4.0s after its deadline; the attempt before, in time, did not: nobody saw when it converged",
    )


def test_a_first_attempt_after_the_deadline_is_the_only_one_and_says_so() -> None:
    """The run began in time, but the check's turn came late."""
    state = waiting()
    assert attempt(state, 64.0, Outcome.PASSED) == Done()
    assert state.headline() == (
        "within 1m; 1 attempt; the deadline had passed 4.0s before, so there was one attempt "
        "(T: the deployment's finish)"
    )


@pytest.mark.parametrize("outcome", [Outcome.PASSED, Outcome.FAILED])
def test_a_deadline_that_had_passed_gives_one_attempt_and_says_so(outcome: Outcome) -> None:
    state = waiting(origin=0.0, run_started=100.0)
    assert attempt(state, 101.0, outcome, summary="" if outcome is Outcome.PASSED else "too low") == Done()
    assert "the deadline had passed" in state.headline()


def test_the_report_of_an_expired_deadline() -> None:
    state = waiting(origin=-3600.0, run_started=0.0)
    attempt(state, 0.0, summary="too low")
    assert state.story() == [
        (
            "within 1m; 1 attempt; the deadline had passed 59m before, so there was one attempt "
            "(T: the deployment's finish)"
        ),
        "  T+1h: failed: too low",
    ]


def test_a_deployment_that_finishes_in_the_future_counts_from_then() -> None:
    state = waiting(origin=30.0)
    assert isinstance(attempt(state, 10.0), Again)
    assert (state.deadline, state.moment(10.0)) == (90.0, "T-20.0s")


def test_many_changes_are_told_by_the_first_and_the_last() -> None:
    state = waiting(seconds=6000.0)
    for number in range(30):
        attempt(state, float(number), summary=f"value {number}")
    story = state.story()
    assert (len(story), state.skipped_steps) == (1 + 12 + 1, 18)
    assert story[1] == "  T+0.0s: failed: value 0"
    assert story[6:9] == [
        "  T+5.0s: failed: value 5",
        "  … 18 changes not shown",
        "  T+24.0s: failed: value 24",
    ]
    assert story[-1] == "  T+29.0s: failed: value 29"


def test_the_budgets_end_is_inconclusive_and_tells_the_last_attempt() -> None:
    state = waiting()
    attempt(state, 1.0, summary="too low")
    attempt(state, 2.0, summary="still too low")
    assert state.cut(2700.0) == Done(
        Outcome.INCONCLUSIVE, "cut off by the run's budget of 45m after 2 attempts: still too low"
    )
