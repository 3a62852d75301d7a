"""Holding: history or samples, blips that were declared, coverage, and convergence before it."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_deploycheck.model.outcome import Outcome
from pytest_deploycheck.waits.terms import Sustained, Terms, Within
from pytest_deploycheck.waits.waiting import Again, Done, Ended, Waiting

GOOD, BAD, BLIND = Outcome.PASSED, Outcome.FAILED, Outcome.ERROR


def waiting(origin: float | None = None, *, within: Within | None = None, **terms: Any) -> Waiting:
    sustained = Sustained(**{"seconds": 60.0, "every": 10.0, **terms})
    return Waiting("test_it", Terms(within=within, sustained=sustained), run_started=0.0, origin=origin)


def look(state: Waiting, begin: float, outcome: Outcome = GOOD, *, sampled: bool = True, **ended: Any) -> Again | Done:
    state.begin(begin)
    return state.ended(Ended(now=begin, outcome=outcome, sampled=sampled, **ended))


def samples(state: Waiting, row: str) -> tuple[float, Again | Done]:
    """Look at due times: `.` good, `x` bad, `?` nothing measured; return when it ended and with what."""
    now = 0.0
    follows: Again | Done = Done()
    for letter in row:
        outcome = {".": GOOD, "x": BAD, "?": BLIND}[letter]
        follows = look(state, now, outcome, summary="" if outcome is GOOD else "why")
        if isinstance(follows, Done):
            return now, follows
        now = follows.due
    return now, follows


def test_what_is_sampled_is_looked_at_to_the_end_of_its_window() -> None:
    state = waiting()
    assert samples(state, ".......") == (60.0, Done())
    assert state.story() == [
        (
            "sustained for 1m; 7 attempts; sampled from T+0.0s to T+1m (T: the run's start, as no finish of the "
            "deployment is known)"
        ),
        "  T+0.0s to T+1m, 7 attempts: passed",
    ]


def test_a_window_that_nobody_looked_at_for_long_is_not_held() -> None:
    state = waiting()
    assert look(state, 0.0) == Again(10.0)
    assert look(state, 55.0) == Again(60.0)  # other tests took their time
    told = "looked at for only 41.7 % of the window: the run was busy with other tests"
    assert look(state, 60.0) == Done(Outcome.INCONCLUSIVE, told)


def test_a_look_may_be_a_little_late() -> None:
    state = waiting()
    for begin in (0.0, 18.0, 35.0, 52.0):
        assert isinstance(look(state, begin), Again)
    assert look(state, 61.0) == Done()


def test_without_history_the_time_before_the_first_look_does_not_count() -> None:
    state = waiting(origin=-50.0)
    assert look(state, 5.0) == Again(15.0)
    assert state.deadline == 65.0


def test_with_history_only_the_rest_is_waited_for() -> None:
    state = waiting(origin=-50.0)
    assert look(state, 0.0, sampled=False) == Again(10.0)
    assert (state.deadline, state.held_for(0.0)) == (10.0, 50.0)
    assert look(state, 10.0, sampled=False) == Done()
    assert state.headline() == (
        "sustained for 1m; 2 attempts; judged on history from T+0.0s to T+1m (T: the deployment's finish)"
    )


def test_of_a_window_that_has_gone_by_the_latest_part_counts() -> None:
    state = waiting(origin=-1000.0)
    assert look(state, 0.0, sampled=False) == Done()
    assert state.held_for(0.0) == 60.0


@pytest.mark.parametrize("since", ["deployment", "start"])
def test_a_window_since_the_start_has_no_past(since: str) -> None:
    state = waiting(origin=-50.0 if since == "start" else None, since=since)
    assert look(state, 3.0, sampled=False) == Again(13.0)
    assert state.deadline == 63.0


def test_the_first_violation_ends_it_at_once() -> None:
    assert samples(waiting(), "..x") == (20.0, Done())


def test_a_violation_in_history_ends_it_whatever_is_tolerated_as_the_judgement_has_applied_that() -> None:
    state = waiting(allow=(2, 30))
    assert look(state, 0.0, BAD, sampled=False) == Done()


def test_tolerated_blips_among_samples() -> None:
    assert samples(waiting(allow=(1, 3)), ".x..x..") == (60.0, Done())
    assert samples(waiting(allow=(1, 3)), ".x.x...") == (30.0, Done())
    assert samples(waiting(consecutive=3), ".xx.xx.") == (60.0, Done())
    assert samples(waiting(consecutive=3), ".xxx...") == (30.0, Done())


def test_a_tolerated_blip_at_the_very_end_is_still_tolerated() -> None:
    assert samples(waiting(allow=(1, 30)), "......x") == (60.0, Done(Outcome.PASSED))


def test_what_could_not_be_measured_lowers_the_coverage() -> None:
    assert samples(waiting(coverage=0.8), "..?....") == (60.0, Done())
    ended, follows = samples(waiting(coverage=0.9), "..?....")
    assert ended == 20.0, "as soon as it can no longer be reached"
    assert follows == Done(Outcome.INCONCLUSIVE, "only 2 of 3 samples could be measured: why")


def test_an_end_that_cannot_be_measured_is_looked_at_again_three_times() -> None:
    state = waiting(coverage=0.5)
    assert samples(state, "......????") == (90.0, Done())
    assert state.attempts == 10
    assert samples(waiting(coverage=0.5), "......??.") == (80.0, Done())


def test_what_waiting_cannot_mend_ends_it() -> None:
    assert look(waiting(), 0.0, BLIND, mends=False) == Done()


def test_a_skip_ends_it() -> None:
    assert look(waiting(), 0.0, Outcome.NOT_RUN) == Done()


def test_spacing_follows_the_window_or_the_author() -> None:
    assert look(waiting(seconds=1800.0, every=None), 0.0) == Again(30.0)
    assert look(waiting(seconds=1800.0, every=45.0), 0.0) == Again(45.0)
    assert look(waiting(seconds=1800.0, every=0.001), 0.0) == Again(0.1)


def test_the_last_look_is_at_the_windows_end() -> None:
    state = waiting(every=25.0)
    assert look(state, 0.0) == Again(25.0)
    assert look(state, 25.0) == Again(50.0)
    assert look(state, 50.0) == Again(60.0)
    assert look(state, 60.0) == Done()


# --- converge, then hold --------------------------------------------------------------------------------------------


def test_the_window_begins_with_convergence() -> None:
    state = waiting(within=Within(seconds=100.0, every=20.0))
    assert not state.sustaining
    assert look(state, 0.0, BAD, summary="low") == Again(20.0)
    assert state.held_for(20.0) == 0.0
    assert look(state, 20.0) == Again(30.0)
    assert state.sustaining
    for when in range(30, 80, 10):
        assert look(state, float(when)) == Again(when + 10.0)
    assert look(state, 80.0) == Done()
    assert state.story() == [
        (
            "within 1m40s, then sustained for 1m; 8 attempts; converged at T+20.0s; sampled from T+20.0s to T+1m20s "
            "(T: the run's start, as no finish of the deployment is known)"
        ),
        "  T+0.0s: failed: low",
        "  T+20.0s to T+1m20s, 7 attempts: passed",
    ]


def test_the_window_begins_when_the_attempt_that_saw_it_converge_has_ended() -> None:
    """It may have converged while that attempt waited for something else: history before is not of the window."""
    state = waiting(within=Within(seconds=100.0, every=20.0))
    state.begin(20.0)
    assert state.ended(Ended(now=24.0, outcome=GOOD)) == Again(34.0)
    assert state.held_for(34.0) == 10.0
    assert look(state, 34.0, sampled=False) == Again(44.0)
    assert look(state, 84.0, sampled=False) == Done()


def test_a_look_at_history_judges_what_has_passed_since_the_one_before_and_the_last_one_everything() -> None:
    state = waiting(origin=-20.0)
    state.begin(5.0)
    assert state.unseen_for(5.5) == 25.5
    state.ended(Ended(now=6.0, outcome=GOOD))
    state.begin(16.0)
    assert (state.held_for(16.5), state.unseen_for(16.5)) == (36.5, 11.5)
    state.ended(Ended(now=17.0, outcome=BLIND))
    state.begin(27.0)
    assert state.unseen_for(27.0) == 22.0, "nothing was judged meanwhile"
    state.ended(Ended(now=27.0, outcome=GOOD))
    state.begin(40.0)
    assert state.unseen_for(40.5) == 60.5


def test_an_attempt_that_measured_nothing_leaves_a_window_with_history_as_it_is() -> None:
    state = waiting(origin=-100.0)
    assert look(state, 5.0, BLIND, sampled=False, summary="refused") == Again(15.0)
    assert look(state, 15.0, sampled=False) == Done()
    assert "judged on history from T+45.0s to T+1m55s" in state.headline()


def test_a_violation_after_convergence_fails_although_the_deadline_has_not_come() -> None:
    state = waiting(within=Within(seconds=1000.0, every=20.0))
    look(state, 0.0, BAD)
    look(state, 20.0)
    assert look(state, 30.0, BAD) == Done()


def test_what_never_converges_is_never_sustained() -> None:
    state = waiting(within=Within(seconds=30.0, every=20.0))
    assert look(state, 0.0, BAD) == Again(20.0)
    assert look(state, 20.0, BAD) == Again(29.5)
    assert look(state, 29.5, BAD) == Done()
    assert not state.sustaining


def test_the_budget_cuts_a_window_short() -> None:
    state = waiting()
    look(state, 0.0)
    assert state.cut(30.0) == Done(Outcome.INCONCLUSIVE, "cut off by the run's budget of 30s after 1 attempt")
