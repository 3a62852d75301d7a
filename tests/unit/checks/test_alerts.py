from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

import pytest

from pytest_deploycheck.checks.alerts import alertmanagers, notifications, storm, unexpected
from pytest_deploycheck.errors import AuthorMistake
from pytest_deploycheck.model.alertmanager import NotificationCounters
from pytest_deploycheck.model.outcome import Outcome
from pytest_deploycheck.model.prometheus import Alert, Alertmanagers
from pytest_deploycheck.settings.checks import KnownAlert as SettingsKnownAlert

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_deploycheck.checks.asked import Asked

NOW = 1_800_000_000.0
TODAY = date(2027, 1, 15)


@dataclass(frozen=True)
class KnownAlert:
    alertname: str = "Watchdog"
    labels: Mapping[str, str] = field(default_factory=dict)
    owner: str = "sre"
    reason: str = "always fires"
    expires: date = TODAY


def alert(name: str, state: str = "firing", age: float = 60.0, **labels: str) -> Alert:
    return Alert(labels={"alertname": name, **labels}, state=state, active_at=NOW - age)


def test_nothing_fires(asked: Asked) -> None:
    finding = unexpected([alert("A", "pending")], [], asked, today=TODAY)
    assert (finding.outcome, finding.expected) == (Outcome.PASSED, "no unexpected alert firing")
    assert finding.observed == "no alert firing"


def test_unexpected_alerts_fail_the_longest_first_and_known_ones_are_listed(asked: Asked) -> None:
    found = [
        alert("New", age=5, instance="b"),
        alert("Old", age=500, instance="a"),
        alert("Waits", "pending", age=9000),
        alert("Watchdog"),
        alert("Watchdog", instance="2"),
    ]
    finding = unexpected(found, [KnownAlert()], asked, today=TODAY, states=("pending", "firing"))
    assert finding.outcome is Outcome.FAILED
    assert finding.expected == "no unexpected alert firing or pending"
    assert finding.observed == "3 of 5 firing or pending alerts are unexpected"
    assert finding.rows == (
        ('Old{instance="a"}', "firing", "2027-01-15T07:51:40Z", "not known"),
        ('New{instance="b"}', "firing", "2027-01-15T07:59:55Z", "not known"),
        ("Waits", "pending", "2027-01-15T05:30:00Z", "not known"),
        ("Watchdog", "firing, 2 alerts", "2027-01-15T07:59:00Z", "known until 2027-01-15: always fires (sre)"),
    )


def test_known_alerts_pass_and_are_listed(asked: Asked) -> None:
    finding = unexpected([alert("Watchdog")], [KnownAlert()], asked, today=TODAY)
    assert (finding.outcome, finding.observed) == (Outcome.PASSED, "1 known alert firing")
    assert finding.rows == (
        ("Watchdog", "firing", "2027-01-15T07:59:00Z", "known until 2027-01-15: always fires (sre)"),
    )


def test_the_configurations_entries_are_taken_as_they_are(asked: Asked) -> None:
    known = SettingsKnownAlert(alertname="Watchdog", owner="sre", reason="always fires", expires=TODAY)
    assert unexpected([alert("Watchdog")], [known], asked, today=TODAY).passed


def test_an_expired_entry_accepts_nothing_and_the_finding_says_so(asked: Asked) -> None:
    known = [KnownAlert(expires=date(2027, 1, 14))]
    finding = unexpected([alert("Watchdog")], known, asked, today=TODAY)
    assert finding.outcome is Outcome.FAILED
    assert finding.rows[0][3] == "known until 2027-01-14, which has passed (sre)"


def test_a_known_alert_must_carry_the_labels(asked: Asked) -> None:
    known = [KnownAlert("Down", {"instance": "a"})]
    finding = unexpected([alert("Down", instance="a"), alert("Down", instance="b")], known, asked, today=TODAY)
    assert finding.observed == "1 of 2 firing alerts is unexpected"
    assert finding.rows[0][0] == 'Down{instance="b"}'


def test_known_alerts_are_listed_beside_many_unexpected_ones(asked: Asked) -> None:
    finding = unexpected(
        [*(alert("Down", i=f"{at:02}") for at in range(30)), alert("Watchdog")], [KnownAlert()], asked, today=TODAY
    )
    assert (len(finding.rows), finding.omitted) == (11, 20)
    assert finding.rows[-1][0] == "Watchdog"


def test_that_nothing_can_fire_or_a_state_is_unknown_is_inconclusive(asked: Asked) -> None:
    none = unexpected([], [], asked, today=TODAY, rules=0)
    assert (none.outcome, none.observed) == (
        Outcome.INCONCLUSIVE,
        "no alerting rule is loaded, so that nothing can fire",
    )
    assert unexpected([], [], asked, today=TODAY, rules=3).passed
    odd = unexpected([alert("A", "nodata")], [], asked, today=TODAY)
    assert (odd.outcome, odd.observed) == (Outcome.INCONCLUSIVE, "1 of 1 alert is in an unknown state")


def test_states_that_do_not_exist_are_a_mistake(asked: Asked) -> None:
    for states in ((), ("active",)):
        with pytest.raises(AuthorMistake, match="alert states"):
            unexpected([], [], asked, today=TODAY, states=states)


def test_storm(asked: Asked) -> None:
    assert storm(10, 10, asked).observed == "10 alerts firing"
    assert storm(1, 10, asked).observed == "1 alert firing"
    bad = storm(11, 10, asked)
    assert (bad.outcome, bad.expected, bad.observed) == (
        Outcome.FAILED,
        "at most 10 alerts firing",
        "an alert storm: 11 alerts firing",
    )
    assert storm(math.nan, 10, asked).outcome is Outcome.INCONCLUSIVE


def test_alertmanagers(asked: Asked) -> None:
    two = Alertmanagers(active=("http://b", "http://a"))
    good = alertmanagers(two, asked, expected=2)
    assert (good.outcome, good.observed) == (Outcome.PASSED, "2 Alertmanagers connected: http://a, http://b")
    bad = alertmanagers(Alertmanagers(active=("http://a", "http://a"), dropped=("http://c",)), asked, expected=2)
    assert bad.outcome is Outcome.FAILED
    assert bad.expected == "at least 2 Alertmanagers connected"
    assert bad.observed == "1 Alertmanager connected, 1 dropped by relabelling"
    assert bad.rows == (("http://a", "connected"), ("http://c", "dropped by relabelling"))
    assert alertmanagers(Alertmanagers(active=()), asked).outcome is Outcome.FAILED


def test_just_after_a_start_or_reload_missing_alertmanagers_are_inconclusive(asked: Asked) -> None:
    finding = alertmanagers(Alertmanagers(active=()), asked, now=NOW, since=NOW - 3)
    assert finding.outcome is Outcome.INCONCLUSIVE
    assert finding.observed == "0 Alertmanagers connected, 3 s after Prometheus started or reloaded"
    assert alertmanagers(Alertmanagers(active=()), asked, now=NOW, since=NOW - 31).outcome is Outcome.FAILED
    with pytest.raises(AuthorMistake, match="the number of Alertmanagers is 0"):
        alertmanagers(Alertmanagers(active=()), asked, expected=0)


def counters(name: str, sent: float, given_up: float = 0.0, refused: float = 0.0) -> NotificationCounters:
    return NotificationCounters(
        integration=name, notifications=sent, notifications_failed=given_up, requests=sent, requests_failed=refused
    )


def test_notifications_that_do_not_fail(asked: Asked) -> None:
    before, after = [counters("slack", 5, 2, 2)], [counters("slack", 7, 2, 2)]
    finding = notifications(before, after, asked)
    assert (finding.outcome, finding.observed) == (
        Outcome.PASSED,
        "2 notifications attempted by 1 integration, none failed",
    )
    idle = notifications(after, after, asked)
    assert (idle.outcome, idle.observed) == (Outcome.PASSED, "no notification was attempted by 1 integration")
    assert notifications(after, after, asked, at_least=1).outcome is Outcome.INCONCLUSIVE


def test_a_failed_request_fails_before_the_notification_is_given_up(asked: Asked) -> None:
    finding = notifications(
        [counters("slack", 5), counters("email", 1)], [counters("slack", 6, 0, 3), counters("email", 1)], asked
    )
    assert finding.outcome is Outcome.FAILED
    assert finding.observed == "1 of 2 integrations is failing"
    assert finding.rows == (("slack", "1", "0", "3", "requests fail, still retried"),)


def test_a_restart_between_the_readings_does_not_hide_failures(asked: Asked) -> None:
    finding = notifications([counters("slack", 50, 9, 9)], [counters("slack", 2, 1, 4)], asked)
    assert finding.rows == (("slack", "2", "1", "4", "failed, counted since a restart"),)


def test_no_counters_nan_and_lost_integrations_are_inconclusive(asked: Asked) -> None:
    assert notifications([], [], asked).observed == "no data: Alertmanager shows no notification counters"
    nan = notifications([], [counters("slack", math.nan)], asked)
    assert (nan.outcome, nan.observed) == (Outcome.INCONCLUSIVE, "1 of 1 integration is without numbers")
    lost = notifications([counters("a", 1), counters("b", 1)], [counters("a", 1)], asked)
    assert (lost.outcome, lost.observed) == (Outcome.INCONCLUSIVE, "1 of 2 integrations is no longer shown")
