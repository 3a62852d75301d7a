from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest

from pytest_deploycheck.checks.targets import targets
from pytest_deploycheck.errors import AuthorMistake
from pytest_deploycheck.model.outcome import Outcome
from pytest_deploycheck.model.prometheus import Target

if TYPE_CHECKING:
    from pytest_deploycheck.checks.asked import Asked

NOW = 1_800_000_000.0


def target(
    instance: str,
    *,
    health: str = "up",
    age: float | None = 3.0,
    error: str = "",
    job: str = "app",
    interval: float | None = 15.0,
) -> Target:
    return Target(
        labels={"job": job, "instance": instance},
        scrape_pool=job,
        scrape_url=f"http://{instance}/metrics",
        health=health,
        last_error=error,
        last_scrape=None if age is None else NOW - age,
        scrape_interval=interval,
    )


def test_all_up(asked: Asked) -> None:
    finding = targets(
        [target("a"), target("b"), target("z", job="other", health="down")],
        asked,
        job="app",
        count=2,
        now=NOW,
        samples={"a": 100.0, "b": 100.0},
        since=NOW - 3600,
    )
    assert finding.outcome is Outcome.PASSED
    assert finding.expected == "exactly 2 targets of job app, each up, scraped lately, with at least 1 sample"
    assert finding.observed == "all 2 targets up: a, b"
    assert (finding.sample_time, finding.age) == (NOW - 3, 3.0)


def test_one_down_target_of_several_fails_with_its_error(asked: Asked) -> None:
    found = [target("a"), target("b", health="down", error="connection\nrefused"), target("c", health="down")]
    finding = targets(found, asked, job="app", now=NOW)
    assert finding.outcome is Outcome.FAILED
    assert finding.expected == "at least 1 target of job app, each up, scraped lately, with at least 1 sample"
    assert finding.observed == "2 of 3 targets are down"
    assert finding.columns == ("instance", "health", "last scrape", "problem")
    assert finding.rows == (
        ("b", "down", "3 s ago", "connection refused"),
        ("c", "down", "3 s ago", "down, without an error text"),
    )


def test_no_target_is_inconclusive_and_tells_the_jobs_there_are(asked: Asked) -> None:
    finding = targets([target("a", job="ap")], asked, job="app", count=1, now=NOW)
    assert finding.outcome is Outcome.INCONCLUSIVE
    assert finding.observed == "no target of job app; jobs with targets: ap"
    assert targets([], asked, job="app", now=NOW).outcome is Outcome.INCONCLUSIVE


@pytest.mark.parametrize(("expected", "word"), [(3, "fewer"), (1, "more")])
def test_another_number_of_targets_fails(asked: Asked, expected: int, word: str) -> None:
    finding = targets([target("a"), target("b")], asked, job="app", count=expected, now=NOW)
    assert (finding.outcome, finding.observed) == (Outcome.FAILED, f"2 targets, {word} than expected")


def test_a_stale_scrape_fails(asked: Asked) -> None:
    assert targets([target("a", age=31.0)], asked, job="app", now=NOW).passed
    finding = targets([target("a", age=31.5)], asked, job="app", now=NOW)
    assert (finding.outcome, finding.observed) == (Outcome.FAILED, "1 of 1 target is stale")
    assert finding.rows == (("a", "up", "31.5 s ago", "not scraped for more than 31 s (2 intervals of 15 s + 1 s)"),)


def test_an_empty_scrape_fails_although_it_is_up(asked: Asked) -> None:
    finding = targets([target("a")], asked, job="app", now=NOW, samples={"a": 0.0})
    assert (finding.outcome, finding.observed) == (Outcome.FAILED, "1 of 1 target is empty")
    assert finding.rows[0][3] == "the scrape brought 0 samples: 200 with an empty body"
    few = targets([target("a")], asked, job="app", now=NOW, samples={"a": 4.0}, min_samples=10)
    assert (few.outcome, few.rows[0][3]) == (Outcome.FAILED, "the scrape brought 4 of at least 10 samples")


@pytest.mark.parametrize(
    ("found", "observed", "problem"),
    [
        (target("a", health="unknown", age=None), "1 of 1 target is of unknown health", "not scraped yet"),
        (target("a", health="odd"), "1 of 1 target is of unknown health", "unknown health"),
        (target("a", age=None), "1 of 1 target is without a scrape time", "up, but never scraped"),
        (target("a", age=NOW), "1 of 1 target is without a scrape time", "up, but never scraped"),
        (
            target("a", interval=None),
            "1 of 1 target is of unknown scrape interval",
            "the scrape interval is not known, so neither is staleness",
        ),
        (target("a", age=-30), "1 of 1 target is ahead of the server's clock", "scraped 30 s in the future"),
    ],
)
def test_what_is_not_known_of_a_target_is_inconclusive(
    asked: Asked, found: Target, observed: str, problem: str
) -> None:
    finding = targets([found], asked, job="app", now=NOW)
    assert finding.outcome is Outcome.INCONCLUSIVE
    assert finding.observed == observed
    assert finding.rows[0][3] == problem


def test_a_missing_or_nan_sample_count_is_inconclusive(asked: Asked) -> None:
    samples: dict[str, float]
    for samples in ({}, {"a": math.nan}):
        finding = targets([target("a")], asked, job="app", now=NOW, samples=samples)
        assert (finding.outcome, finding.observed) == (
            Outcome.INCONCLUSIVE,
            "1 of 1 target is without a sample count",
        )


def test_just_after_the_servers_start_nothing_is_told(asked: Asked) -> None:
    finding = targets([target("a", age=1.0)], asked, job="app", now=NOW, since=NOW - 20)
    assert finding.outcome is Outcome.INCONCLUSIVE
    assert finding.observed == "1 of 1 target is too close to the server's start"
    assert targets([target("a", age=1.0)], asked, job="app", now=NOW, since=NOW - 40).passed


def test_a_server_that_does_not_tell_the_interval_is_given_it(asked: Asked) -> None:
    assert targets([target("a", interval=None)], asked, job="app", now=NOW, interval=15).passed


def test_a_time_that_is_no_number_is_a_mistake(asked: Asked) -> None:
    with pytest.raises(AuthorMistake, match="the server's time is nan"):
        targets([target("a")], asked, job="app", now=math.nan)
    with pytest.raises(AuthorMistake, match="the least number of samples is 0"):
        targets([target("a")], asked, job="app", now=NOW, min_samples=0)
