from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_deploycheck.gate.checkpoints import (
    Due,
    due,
    lateness,
    missed_one,
    not_reached,
    parse_offset,
    parse_plan,
    shortcomings,
    together,
    trend,
)
from pytest_deploycheck.model.checkpoint import Checkpoint, Planned, SeenCheck
from pytest_deploycheck.model.measure import Measure
from pytest_deploycheck.model.outcome import Level, Outcome, Verdict

HOUR = 3600.0
PLAN = parse_plan("+15m,+30m,+1h,+12h")


def done(label: str, verdict: Verdict = Verdict.GO, why: str = "", *checks: SeenCheck) -> Checkpoint:
    return Checkpoint(
        label=label, offset=parse_offset(label).offset, state="done", verdict=verdict, why=why, checks=checks
    )


def missed(label: str, at: str) -> Checkpoint:
    return Checkpoint(
        label=label,
        offset=parse_offset(label).offset,
        state="missed",
        why=f"nothing was measured at {label}: the first run after it came at {at}",
    )


def test_a_plan_is_in_order_of_time_and_each_label_is_the_shortest_one() -> None:
    assert parse_plan(" +60m, +900s ,+1.5h,") == (
        Planned("+15m", 900.0),
        Planned("+1h", 3600.0),
        Planned("+1h30m", 5400.0),
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no checkpoint is given: write a list such as +15m,+30m,+1h"),
        (" , ", "no checkpoint is given: write a list such as +15m,+30m,+1h"),
        (
            "+15m,30m",
            "'30m' is no checkpoint: write it as +15m, +1h or +1h30m, counted from the deployment's finish",
        ),
        ("-15m", "'-15m' is no checkpoint: write it as +15m, +1h or +1h30m, counted from the deployment's finish"),
        ("+15", "'+15' is no checkpoint: write a duration behind the plus sign, such as +15m, +1h or +1h30m"),
        ("+", "'+' is no checkpoint: write a duration behind the plus sign, such as +15m, +1h or +1h30m"),
        ("+1h,+60m", "checkpoint +1h is given twice"),
    ],
)
def test_what_is_no_plan(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        parse_plan(text)


def test_before_the_first_checkpoint_nothing_is_due() -> None:
    assert due(PLAN, [], 899.0) == Due(following=PLAN[0])
    assert due(PLAN, [], -60.0) == Due(following=PLAN[0])


def test_only_the_latest_one_whose_time_has_come_is_due_and_the_others_were_missed() -> None:
    assert due(PLAN, [], HOUR + 120) == Due(
        now=PLAN[2], missed=(missed("+15m", "+1h2m"), missed("+30m", "+1h2m")), following=PLAN[3]
    )


def test_what_was_made_or_missed_before_is_not_due_and_not_missed_again() -> None:
    known = [done("+15m"), missed("+30m", "+1h2m"), done("+1h")]
    assert due(PLAN, known, HOUR + 120) == Due(following=PLAN[3])


def test_a_killed_run_leaves_its_checkpoint_due_while_it_is_time_and_as_it_is_afterwards() -> None:
    unfinished = Checkpoint(label="+15m", offset=900.0, state="unfinished")
    assert due(PLAN, [unfinished], 960.0) == Due(now=PLAN[0], following=PLAN[1])
    assert due(PLAN, [unfinished], 1860.0) == Due(now=PLAN[1], following=PLAN[2])


def test_a_scheduled_run_that_comes_too_late_has_missed_its_checkpoint() -> None:
    assert due(PLAN, [done("+15m"), done("+30m")], 2 * HOUR, tolerance=HOUR) == Due(now=PLAN[2], following=PLAN[3])
    assert due(PLAN, [done("+15m"), done("+30m")], 2 * HOUR + 1, tolerance=HOUR) == Due(
        missed=(missed("+1h", "+2h1s"),), following=PLAN[3]
    )


def test_a_scheduled_run_may_be_a_little_early_because_clocks_differ() -> None:
    assert due(PLAN, [], 900.0 - 45, early=True) == Due(now=PLAN[0], following=PLAN[1])
    assert due(PLAN, [], 900.0 - 46, early=True) == Due(following=PLAN[0])
    known = [done("+15m"), done("+30m"), done("+1h")]
    assert due(PLAN, known, 12 * HOUR - 60, early=True) == Due(now=PLAN[3])
    assert due(PLAN, known, 12 * HOUR - 61, early=True) == Due(following=PLAN[3])


def test_after_the_last_one_there_is_none() -> None:
    known = [done("+15m"), done("+30m"), done("+1h"), done("+12h")]
    assert due(PLAN, known, 13 * HOUR) == Due()


@given(st.lists(st.floats(0, 20 * HOUR), min_size=1, max_size=12), st.floats(0, 2 * HOUR))
def test_whenever_runs_come_each_checkpoint_is_made_once_or_missed_once(moments: list[float], tolerance: float) -> None:
    known: list[Checkpoint] = []
    for elapsed in sorted(moments):
        found = due(PLAN, known, elapsed, tolerance=tolerance)
        known += found.missed
        if found.now is not None:
            assert found.now.offset <= elapsed + 1e-3
            known.append(done(found.now.label))
        labels = [it.label for it in known]
        assert len(labels) == len(set(labels))
        assert set(labels) == {it.label for it in PLAN if it.offset <= elapsed + 1e-3}


def test_lateness_is_told_from_a_minute_on() -> None:
    assert lateness(PLAN[2], HOUR + 59) == ""
    assert lateness(PLAN[2], HOUR + 43 * 60) == "43m later than planned"


@pytest.mark.parametrize(
    ("checkpoints", "verdict", "why"),
    [
        ([], Verdict.HOLD, "no checkpoint has been made yet"),
        ([done("+15m"), done("+1h")], Verdict.GO, "GO at +15m, +1h"),
        (
            [done("+15m"), done("+30m", Verdict.HOLD, "1 blocker inconclusive"), done("+1h")],
            Verdict.HOLD,
            "HOLD at +30m: 1 blocker inconclusive",
        ),
        (
            [done("+15m", Verdict.HOLD, "x"), done("+30m", Verdict.NO_GO, "1 blocker failed: t"), done("+1h")],
            Verdict.NO_GO,
            "NO-GO at +30m: 1 blocker failed: t",
        ),
        (
            [missed("+15m", "+31m"), done("+30m", Verdict.HOLD, "x")],
            Verdict.HOLD,
            "HOLD at +15m (missed), +30m; at +15m: nothing was measured at +15m: the first run after it came at +31m",
        ),
        (
            [done("+15m"), not_reached(PLAN[1], "the run ended before it")],
            Verdict.HOLD,
            "HOLD at +30m (not reached): the run ended before it",
        ),
    ],
)
def test_the_worst_checkpoint_is_the_verdict_of_all(checkpoints: list[Checkpoint], verdict: Verdict, why: str) -> None:
    assert together(checkpoints) == (verdict, why)


def test_each_checkpoint_that_is_no_go_and_no_failure_keeps_from_go() -> None:
    found = [
        done("+15m"),
        missed_one(PLAN[1], 3600.0),
        done("+1h", Verdict.HOLD, "x"),
        done("+12h", Verdict.NO_GO, "its failed checks tell it"),
    ]
    assert shortcomings(found) == (
        "checkpoint +30m missed: nothing was measured at +30m: the first run after it came at +1h",
        "HOLD at +1h: x",
    )


def seen(nodeid: str, outcome: Outcome, *values: float, name: str = "highest value", of: str = "x") -> SeenCheck:
    measures = tuple(Measure(name=name, value=value, unit="s", of=of) for value in values)
    return SeenCheck(nodeid=nodeid, level=Level.BLOCKER, outcome=outcome, measures=measures)


def cells(*pairs: tuple[str, str | None, float | None]) -> list[dict[str, Any]]:
    return [{"checkpoint": label, "outcome": outcome, "value": value} for label, outcome, value in pairs]


def test_a_trend_has_a_row_for_each_number_and_compares_with_the_first_and_the_one_before() -> None:
    found = trend(
        [
            done("+15m", Verdict.GO, "", seen("t::a", Outcome.PASSED, 2.0, of="x[15m]"), seen("t::b", Outcome.PASSED)),
            missed("+30m", "+1h"),
            done("+1h", Verdict.GO, "", seen("t::a", Outcome.PASSED, 3.0, 9.0, of="x[1h]")),
            done("+12h", Verdict.NO_GO, "", seen("t::a", Outcome.FAILED, 5.5, of="x[12h]")),
        ]
    )
    assert found == [
        {
            "nodeid": "t::a",
            "level": "blocker",
            "measure": {"name": "highest value", "unit": "s", "of": "x[12h]"},
            "cells": cells(
                ("+15m", "passed", 2.0), ("+30m", None, None), ("+1h", "passed", 3.0), ("+12h", "failed", 5.5)
            ),
            "change": {"since_first": 3.5, "since_previous": 2.5},
        },
        {
            "nodeid": "t::a",
            "level": "blocker",
            "measure": {"name": "highest value", "unit": "s", "of": "x[1h]"},
            "cells": cells(
                ("+15m", "passed", None), ("+30m", None, None), ("+1h", "passed", 9.0), ("+12h", "failed", None)
            ),
            "change": {"since_first": None, "since_previous": None},
        },
        {
            "nodeid": "t::b",
            "level": "blocker",
            "measure": None,
            "cells": cells(("+15m", "passed", None), ("+30m", None, None), ("+1h", None, None), ("+12h", None, None)),
            "change": {"since_first": None, "since_previous": None},
        },
    ]
