from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

import pytest

from pytest_deploycheck.checks.freshness import ages, combine, heartbeat, increase, per_instance
from pytest_deploycheck.errors import AuthorMistake
from pytest_deploycheck.model.finding import Finding
from pytest_deploycheck.model.outcome import Outcome
from pytest_deploycheck.model.prometheus import InstantVector, Target

if TYPE_CHECKING:
    from pytest_deploycheck.checks.asked import Asked

NOW = 1_800_000_000.0


def vector(*values: float, at: float | None = NOW) -> InstantVector:
    labels = [{"i": str(number)} for number in range(len(values))]
    return InstantVector(expr="x", evaluation_time=at, values=values, raw_labels=labels)


def target(instance: str, health: str = "up", job: str = "app") -> Target:
    return Target(labels={"job": job, "instance": instance}, scrape_pool=job, scrape_url="", health=health)


def test_fresh_series_pass_with_the_newest_samples_time(asked: Asked) -> None:
    finding = ages(vector(3.0, 12.0), 60, asked)
    assert finding.outcome is Outcome.PASSED
    assert finding.expected == "every series with a sample at most 60 s old"
    assert finding.observed == "2 series, the oldest sample 12 s old"
    assert (finding.sample_time, finding.age) == (NOW - 3, 3.0)


def test_one_stale_series_fails_all(asked: Asked) -> None:
    finding = ages(vector(3.0, 61.0, 300.0), 60, asked, series=3)
    assert finding.outcome is Outcome.FAILED
    assert finding.expected == "exactly 3 series, each with a sample at most 60 s old"
    assert finding.observed == "2 of 3 series are older than 60 s"
    assert finding.rows == (('{i="2"}', "5 min"), ('{i="1"}', "61 s"))


def test_a_sample_from_the_future_is_not_fresh(asked: Asked) -> None:
    assert ages(vector(-1.0), 60, asked).outcome is Outcome.PASSED
    finding = ages(vector(-120.0), 60, asked)
    assert (finding.outcome, finding.rows) == (Outcome.FAILED, (('{i="0"}', "2 min in the future"),))
    assert finding.observed == "1 of 1 series is from the future"
    assert ages(vector(-math.inf), 60, asked).outcome is Outcome.FAILED


def test_no_age_is_inconclusive(asked: Asked) -> None:
    assert ages(vector(), 60, asked).observed == "no data: the answer has no series"
    assert ages(vector(math.nan), 60, asked).outcome is Outcome.INCONCLUSIVE
    assert ages(vector(1.0), 60, asked, series=2).outcome is Outcome.INCONCLUSIVE
    assert ages(vector(1.0, at=None), 60, asked).sample_time is None


@pytest.mark.parametrize("max_age", [0.0, -1.0, math.nan, math.inf])
def test_an_age_that_cannot_be_exceeded_or_met_is_a_mistake(asked: Asked, max_age: float) -> None:
    with pytest.raises(AuthorMistake, match="the greatest age is"):
        ages(vector(1.0), max_age, asked)


def test_every_up_target_of_the_jobs_carries_the_series(asked: Asked) -> None:
    carried = [{"job": "app", "instance": "a"}, {"job": "app", "instance": "b"}]
    targets = [target("a"), target("b"), target("z", job="other")]
    good = per_instance(carried, targets, asked)
    assert (good.outcome, good.observed) == (Outcome.PASSED, "all 2 targets of app carry it")
    bad = per_instance(carried[:1], targets, asked)
    assert bad.outcome is Outcome.FAILED
    assert bad.expected == "a series from every target of its jobs"
    assert bad.observed == "1 of 2 targets is up without the series"
    assert bad.rows == (("app", "b", "up, but does not export it"),)
    dead = per_instance(carried, [*targets, target("c", "down")], asked)
    assert (dead.outcome, dead.observed) == (Outcome.FAILED, "1 of 3 targets is down and without the series")
    assert dead.rows == (("app", "c", "down"),)
    assert per_instance(carried, [target("a"), target("b", "down")], asked).passed  # its last samples are still fresh


def test_what_cannot_be_told_of_instances_is_inconclusive(asked: Asked) -> None:
    one = [{"job": "app", "instance": "a"}]
    assert per_instance([], [target("a")], asked).observed == "no data: there are no series"
    assert per_instance(one, [], asked).observed == "no target of job app is up"
    assert per_instance(one, [target("a"), target("b", "unknown")], asked).observed == (
        "1 of 2 targets is not scraped yet"
    )
    loose = per_instance([*one, {"__name__": "job:x:sum"}], [target("a")], asked)
    assert loose.outcome is Outcome.INCONCLUSIVE
    assert loose.observed == "1 of 2 series is without job and instance, so that no target can be told"


def test_heartbeats(asked: Asked) -> None:
    good = heartbeat(vector(NOW - 5, NOW - 20), 60, asked)
    assert (good.outcome, good.observed) == (Outcome.PASSED, "2 heartbeats, the oldest 20 s ago")
    assert (good.sample_time, good.age) == (NOW - 5, 5.0)
    bad = heartbeat(vector(NOW - 5, NOW - 90), 60, asked)
    assert bad.outcome is Outcome.FAILED
    assert bad.expected == "every heartbeat at most 60 s old"
    assert bad.observed == "1 of 2 heartbeats is older than 60 s"
    assert bad.rows == (('{i="1"}', "2027-01-15T07:58:30Z", "90 s"),)


def test_a_heartbeat_in_the_future_fails(asked: Asked) -> None:
    assert heartbeat(vector(NOW + 4), 60, asked).passed
    finding = heartbeat(vector(NOW + 100), 60, asked)
    assert (finding.outcome, finding.observed) == (Outcome.FAILED, "1 of 1 heartbeat is in the future")
    milliseconds = heartbeat(vector(NOW * 1000), 60, asked)
    assert milliseconds.observed == "1 of 1 heartbeat is in the future, perhaps milliseconds instead of seconds"


@pytest.mark.parametrize("value", [0.0, -1.0, -math.inf])
def test_a_heartbeat_that_was_never_set_is_inconclusive(asked: Asked, value: float) -> None:
    finding = heartbeat(vector(value), 60, asked)
    assert finding.outcome is Outcome.INCONCLUSIVE
    assert finding.observed == "1 of 1 heartbeat is not set: it never worked, or never said so"
    assert finding.rows[0][1].startswith("never (")


def test_heartbeats_without_data_or_without_a_time_are_inconclusive(asked: Asked) -> None:
    assert heartbeat(vector(), 60, asked).observed == "no data: the answer has no series"
    assert heartbeat(vector(math.nan), 60, asked).observed == "1 of 1 heartbeat is NaN, which is no data"
    assert heartbeat(vector(NOW, at=None), 60, asked).observed == (
        "the time of the answer is not known, so that no age can be told"
    )
    assert heartbeat(vector(NOW, at=None), 60, asked, now=NOW + 1).passed


def test_a_counter_that_stands_still_fails(asked: Asked) -> None:
    assert increase(vector(3.0), 1, asked).passed
    finding = increase(vector(3.0, 0.0), 1, asked)
    assert (finding.outcome, finding.observed) == (Outcome.FAILED, "1 of 2 series is not >= 1")
    assert increase(vector(), 1, asked).outcome is Outcome.INCONCLUSIVE
    with pytest.raises(AuthorMistake, match="a counter that stands still would pass"):
        increase(vector(0.0), 0, asked)


def finding_of(outcome: Outcome, name: str, columns: tuple[str, ...] = (), *rows: tuple[str, ...]) -> Finding:
    return Finding(
        outcome=outcome,
        asked=f"ask {name}",
        system="p",
        expected=f"expect {name}",
        observed=f"saw {name}",
        columns=columns,
        rows=rows,
        omitted=1 if rows else 0,
        evidence=(f"e-{name}", "shared"),
        next_steps=("look",),
        sample_time=NOW if name == "b" else None,
        age=1.0 if name == "b" else None,
    )


def test_combining_keeps_all_that_is_said_worst_first() -> None:
    combined = combine(
        [
            finding_of(Outcome.PASSED, "a"),
            finding_of(Outcome.INCONCLUSIVE, "b", ("series", "age"), ("s", "1 s")),
            finding_of(Outcome.FAILED, "c", ("series", "value"), ("s", "2"), ("t", "3")),
        ]
    )
    assert combined == Finding(
        outcome=Outcome.FAILED,
        asked="ask c; ask b",
        system="p",
        expected="expect c; expect b",
        observed="saw c; saw b",
        columns=("expected", "series", "value", "age"),
        rows=(("expect c", "s", "2", ""), ("expect c", "t", "3", ""), ("expect b", "s", "", "1 s")),
        omitted=2,
        sample_time=NOW,
        age=1.0,
        evidence=("e-a", "shared", "e-b", "e-c"),
        next_steps=("look",),
    )


def test_the_outcome_of_combining_is_the_worst_in_any_order() -> None:
    order = [Outcome.PASSED, Outcome.NOT_RUN, Outcome.INCONCLUSIVE, Outcome.ERROR, Outcome.FAILED]
    for some in itertools.permutations(order, 3):
        assert combine([finding_of(one, "x") for one in some]).outcome is max(some, key=order.index)


def test_combining_one_or_none() -> None:
    one = finding_of(Outcome.PASSED, "a")
    assert combine([one]) is one
    assert combine([one, one]).observed == "saw a"
    with_rows = finding_of(Outcome.FAILED, "b", ("series",), ("s",))
    assert (combine([one, with_rows]).columns, combine([one, with_rows]).rows) == (("series",), (("s",),))
    nothing = combine([])
    assert (nothing.outcome, nothing.observed) == (Outcome.INCONCLUSIVE, "nothing was judged")
