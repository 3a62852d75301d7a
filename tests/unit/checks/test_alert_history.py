"""What fired in a time that has passed, and whether anybody was looking."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from pytest_deploycheck.checks.alert_history import nothing_fired
from pytest_deploycheck.clients.prometheus.history import _runs, _stretches
from pytest_deploycheck.model.outcome import Outcome
from pytest_deploycheck.model.prometheus import AlertHistory, Episode, Sample
from pytest_deploycheck.settings.checks import KnownAlert

if TYPE_CHECKING:
    from pytest_deploycheck.checks.asked import Asked
    from pytest_deploycheck.model.finding import Finding

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC).timestamp()
DAY = 86400.0
TODAY = date(2026, 11, 25)
KNOWN = KnownAlert(alertname="Watchdog", owner="sre", reason="always", expires=date(2026, 12, 31))


def episode(name: str, begins: float, ends: float, **changed: Any) -> Episode:
    values: dict[str, Any] = {"labels": {"alertname": name}, "state": "firing"}
    return Episode(begins=NOW - begins, ends=NOW - ends, **(values | changed))


def judged(asked: Asked, *episodes: Episode, coverage: float = 1.0, rules: int = 3, **changed: Any) -> Finding:
    values: dict[str, Any] = {"gaps": (), "resolution": 31.0}
    history = AlertHistory(
        start=NOW - DAY, end=NOW, states=("firing",), episodes=episodes, coverage=coverage, **(values | changed)
    )
    return nothing_fired(history, [KNOWN], asked, today=TODAY, rules=rules)


def test_nothing_fired_and_somebody_looked(asked: Asked) -> None:
    finding = judged(asked, episode("Watchdog", DAY, 0))
    assert finding.outcome is Outcome.PASSED
    assert finding.expected == "no unexpected alert firing within 24 h, 90% of which were observed"
    assert finding.observed == "no unexpected alert firing within 24 h, 100% observed, 1 time of a known alert"
    assert finding.rows[0][-1] == "known until 2026-12-31: always (sre)"


def test_what_fired_is_told_with_when_and_how_long(asked: Asked) -> None:
    finding = judged(asked, episode("Slow", 7200, 6600), episode("Down", 600, 10, since=NOW - 900))
    assert finding.outcome is Outcome.FAILED
    assert finding.observed == "2 of 2 times of alerts firing are unexpected"
    assert finding.rows == (
        ("Slow", "firing", "2026-11-25T10:00:00Z", "2026-11-25T10:10:00Z", "10 min", "not known"),
        (
            "Down",
            "firing",
            "2026-11-25T11:50:00Z",
            "still",
            "10 min",
            "not known; active since 2026-11-25T11:45:00Z",
        ),
    )


def test_no_history_is_not_nothing_fired(asked: Asked) -> None:
    finding = judged(asked, coverage=0.0, gaps=((NOW - DAY, NOW),))
    assert finding.outcome is Outcome.INCONCLUSIVE
    assert finding.observed == "no data: nothing was scraped within 24 h"


def test_a_hole_in_the_history_is_told(asked: Asked) -> None:
    finding = judged(asked, coverage=0.75, gaps=((NOW - 8 * 3600, NOW - 2 * 3600),))
    assert finding.outcome is Outcome.INCONCLUSIVE
    assert finding.observed == "only 75% of 24 h were observed"
    assert finding.rows == (
        ("", "nothing was scraped", "2026-11-25T04:00:00Z", "2026-11-25T10:00:00Z", "6 h", ""),
    )  # fmt: skip


def test_what_was_seen_to_be_bad_outweighs_the_hole(asked: Asked) -> None:
    assert judged(asked, episode("Slow", 7200, 6600), coverage=0.1).outcome is Outcome.FAILED


def test_without_rules_nothing_can_fire(asked: Asked) -> None:
    finding = judged(asked, rules=0)
    assert finding.outcome is Outcome.INCONCLUSIVE
    assert finding.observed == "no alerting rule is loaded, so that nothing can fire"


def test_an_expired_entry_excuses_nothing(asked: Asked) -> None:
    history = AlertHistory(
        start=NOW - DAY, end=NOW, states=("firing",), episodes=(episode("Watchdog", 60, 60),), coverage=1.0
    )
    finding = nothing_fired(history, [KNOWN], asked, today=date(2027, 1, 1), rules=1)
    assert finding.outcome is Outcome.FAILED
    assert finding.rows[0][-1] == "known until 2026-12-31, which has passed (sre)"


def test_stretches_and_runs() -> None:
    samples = [Sample(t, 1.0) for t in (0.0, 10.0, 20.0, 60.0, 200.0)]
    assert list(_stretches(samples, 31)) == [(0.0, 20.0), (60.0, 60.0), (200.0, 200.0)]
    assert list(_stretches([], 31)) == []
    assert list(_runs([1, 2, 3, 7, 9, 10])) == [(1, 3), (7, 7), (9, 10)]
    assert list(_runs([])) == []
