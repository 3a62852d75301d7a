"""Silences and inhibitions that would keep an alert from being heard."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pytest_deploycheck.checks.suppression import heard
from pytest_deploycheck.clients.alertmanager.configuration import parse_configuration
from pytest_deploycheck.model.alertmanager import AmAlert, Matcher, Silence
from pytest_deploycheck.model.outcome import Outcome

if TYPE_CHECKING:
    from pytest_deploycheck.checks.asked import Asked

CONFIGURATION = parse_configuration(
    """
route: {receiver: a}
receivers: [{name: a}]
inhibit_rules:
- source_matchers: [severity="critical"]
  target_matchers: [severity="warning"]
  equal: [cluster, service]
- source_match: {alertname: Down}
  target_match_re: {alertname: ".*"}
"""
)
WARNING = {"alertname": "Slow", "severity": "warning", "cluster": "eu"}


def alert(state: str = "active", **labels: str) -> AmAlert:
    return AmAlert(labels=labels, state=state)


def silence(**changed: Any) -> Silence:
    values: dict[str, Any] = {
        "id": "s1",
        "state": "active",
        "matchers": (Matcher(name="severity", value="warn.*", is_regex=True),),
        "comment": "maintenance",
        "created_by": "ann",
        "starts_at": 1_800_000_000.0,
        "ends_at": 1_800_003_600.0,
    }
    return Silence(**(values | changed))


def test_nothing_in_the_way(asked: Asked) -> None:
    others = [alert(alertname="X", severity="critical", cluster="us"), alert(alertname="Y", severity="warning")]
    finding = heard(CONFIGURATION, WARNING, [silence(state="expired")], others, asked)
    assert finding.outcome is Outcome.PASSED
    assert finding.observed == "would be heard: 1 silence, 2 inhibition rules looked at, 2 alerts there"


def test_a_silence(asked: Asked) -> None:
    finding = heard(CONFIGURATION, WARNING, [silence(), silence(id="s2", matchers=())], [], asked)
    assert finding.outcome is Outcome.FAILED
    assert finding.observed == "silenced by 2 silences"
    assert finding.rows[0] == ("silence s1", '{severity=~"warn.*"}: maintenance (ann)', "2027-01-15T09:00:00Z")


def test_a_silence_to_come_is_told(asked: Asked) -> None:
    finding = heard(CONFIGURATION, WARNING, [silence(state="pending")], [], asked)
    assert finding.outcome is Outcome.PASSED
    assert finding.rows[0][0] == "silence s1, from 2027-01-15T08:00:00Z on"


@pytest.mark.parametrize("state", ["active", "suppressed"])
def test_an_inhibition_whatever_state_its_source_is_in(asked: Asked, state: str) -> None:
    source = alert(state, alertname="Dead", severity="critical", cluster="eu")
    finding = heard(CONFIGURATION, WARNING, [], [source], asked)
    assert finding.outcome is Outcome.FAILED
    assert finding.observed == "inhibited by 1 alert"
    assert finding.rows == (("alert", f'Dead{{cluster="eu", severity="critical"}}, {state}', "it ends"),)


def test_alerts_that_match_both_sides_do_not_inhibit_each_other(asked: Asked) -> None:
    other = alert(alertname="Down", instance="b")
    assert heard(CONFIGURATION, {"alertname": "Down", "instance": "a"}, [], [other], asked).outcome is Outcome.PASSED
    assert heard(CONFIGURATION, {"alertname": "Slow"}, [], [other], asked).outcome is Outcome.FAILED


def test_what_cannot_be_judged_is_inconclusive(asked: Asked) -> None:
    odd = silence(matchers=(Matcher(name="severity", value="(?U)w", is_regex=True),))
    assert heard(CONFIGURATION, WARNING, [odd], [], asked).outcome is Outcome.INCONCLUSIVE


def test_a_broken_inhibition_rule_is_refused() -> None:
    with pytest.raises(ValueError, match=r"inhibit_rules\[0\]\.source_matchers: not a matcher: 'x'"):
        parse_configuration("route: {receiver: a}\nreceivers: [{name: a}]\ninhibit_rules: [{source_matchers: [x]}]")
