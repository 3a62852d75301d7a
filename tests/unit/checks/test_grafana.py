"""Grafana's readiness, data sources and own rules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pytest_deploycheck.checks.grafana import all_rules, quiet, ready, rule, sources
from pytest_deploycheck.model.grafana import DataSource, DataSourceHealth, GrafanaRule, Health
from pytest_deploycheck.model.outcome import Outcome
from tests.unit.grafana.builders import NOW

if TYPE_CHECKING:
    from pytest_deploycheck.checks.asked import Asked

OK = Health(database="ok", version="12.1.0")


def test_ready(asked: Asked) -> None:
    finding = ready(OK, asked, signed_in=True, org_id=2, wanted_org=2)
    assert (finding.outcome, finding.observed) == (Outcome.PASSED, "ready, version 12.1.0")
    finding = ready(OK, asked, signed_in=None, wanted_org=None)
    assert finding.observed == "ready, version 12.1.0, asked without a credential"


@pytest.mark.parametrize(
    ("how", "outcome", "observed"),
    [
        ({"health": Health(database="failing")}, Outcome.FAILED, "its database is failing"),
        (
            {"signed_in": False},
            Outcome.INCONCLUSIVE,
            "the credential is ignored: Grafana answers as to nobody (anonymous access)",
        ),
        ({"org_id": 1, "wanted_org": 2}, Outcome.FAILED, "the credential acts in the organisation 1, not in 2"),
    ],
)
def test_not_ready(asked: Asked, how: dict[str, Any], outcome: Outcome, observed: str) -> None:
    given: dict[str, Any] = {"health": OK, "signed_in": True, "wanted_org": None}
    given |= how
    finding = ready(given.pop("health"), asked, **given)
    assert (finding.outcome, finding.observed) == (outcome, observed)


def source(name: str, state: Any = "ok", message: str = "") -> DataSourceHealth:
    return DataSourceHealth(source=DataSource(uid=name[0], name=name, type="t"), state=state, message=message)


def test_data_sources(asked: Asked) -> None:
    assert sources([source("a"), source("b")], asked).observed == "2 data sources healthy"
    finding = sources([source("a"), source("b", "unhealthy", "connection refused")], asked, expected=["a", "b"])
    assert (finding.outcome, finding.observed) == (Outcome.FAILED, "1 of 2 data sources is unhealthy")
    assert finding.rows == (("b", "t", "unhealthy", "connection refused"),)
    finding = sources([], asked, expected=["c"], listed=[source("a").source])
    assert (finding.outcome, finding.observed) == (Outcome.FAILED, "there is no data source c; there are: a")
    finding = sources([], asked)
    assert finding.outcome is Outcome.INCONCLUSIVE
    assert finding.observed == "no data: there is no data source for this credential"


def test_a_plugin_without_a_health_check(asked: Asked) -> None:
    finding = sources([source("a"), source("b", "unknown", "Not found")], asked)
    assert finding.outcome is Outcome.INCONCLUSIVE
    assert finding.observed == "1 of 2 data sources is without a health check"
    finding = sources([source("a"), source("b", "unknown")], asked, unchecked_allowed=True)
    assert finding.observed == "1 data source healthy, 1 without a health check"
    assert finding.outcome is Outcome.PASSED


def one(name: str = "R", **fields: Any) -> GrafanaRule:
    given: dict[str, Any] = {"health": "ok", "state": "inactive", "last_evaluation": NOW - 10, "interval": 10.0}
    return GrafanaRule(name=name, group="g", folder="F", **(given | fields))


def test_rules(asked: Asked) -> None:
    finding = all_rules([one(), one("S", state="firing")], asked, now=NOW)
    assert (finding.outcome, finding.observed) == (Outcome.PASSED, "2 rules, all ok, 1 firing")


@pytest.mark.parametrize(
    ("fields", "outcome", "problem"),
    [
        ({"health": "error", "last_error": "boom"}, Outcome.FAILED, "boom"),
        ({"health": "nodata"}, Outcome.FAILED, "its query brings no data: it cannot fire"),
        ({"paused": True}, Outcome.FAILED, "it is paused"),
        ({"last_evaluation": NOW - 60}, Outcome.FAILED, "evaluated 60 s ago, every 10 s wanted"),
        ({"last_evaluation": None}, Outcome.INCONCLUSIVE, "it was not evaluated yet"),
        ({"health": "unknown"}, Outcome.INCONCLUSIVE, "it was not evaluated yet"),
    ],
)
def test_rules_that_are_unfit(asked: Asked, fields: dict[str, Any], outcome: Outcome, problem: str) -> None:
    finding = all_rules([one(), one("S", **fields)], asked, now=NOW)
    assert finding.outcome is outcome
    assert [(row[0], row[1], row[3]) for row in finding.rows] == [("S", "F / g", problem)]


def test_an_expected_rule(asked: Asked) -> None:
    assert rule([one(), one("S", health="error")], asked, name="R", now=NOW, folder="F").outcome is Outcome.PASSED
    finding = rule([one("Latency")], asked, name="Latenzy", now=NOW)
    assert finding.observed == "no such rule among 1 rule for this credential; similar names: Latency"
    assert rule([one()], asked, name="R", now=NOW, folder="G").outcome is Outcome.FAILED


def test_no_rule_is_no_evidence(asked: Asked) -> None:
    assert all_rules([], asked, now=NOW).observed == "no data: there is no rule for this credential"
    assert all_rules([one()], asked, now=NOW, at_least=2).observed == "1 rule"
    assert quiet([], asked).outcome is Outcome.INCONCLUSIVE


def test_quiet(asked: Asked) -> None:
    assert quiet([one()], asked).observed == "none of 1 rule fires"
    finding = quiet([one(), one("S", state="firing")], asked)
    assert (finding.outcome, finding.observed) == (Outcome.FAILED, "1 of 2 rules is firing")
    assert quiet([one("S", state="firing")], asked, known=["S"]).outcome is Outcome.PASSED
    paused = quiet([one(), one("S", paused=True)], asked)
    assert (paused.outcome, paused.observed) == (Outcome.INCONCLUSIVE, "1 of 2 rules is unable to tell")
    assert paused.rows[0][-1] == "it is paused"
    finding = quiet([one(), one("S", health="nodata")], asked)
    assert (finding.outcome, finding.observed) == (Outcome.INCONCLUSIVE, "1 of 2 rules is unable to tell")
