"""Answers of which nothing came: whoever goes through them learns that, for `all(…)` over nothing is true."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pytest_deploycheck.checks.asked import Asked
from pytest_deploycheck.errors import NoData
from pytest_deploycheck.face.chain import AlertmanagersAnswer, AlertsAnswer, RulesAnswer, TargetsAnswer
from pytest_deploycheck.face.clusters import EventsAnswer
from pytest_deploycheck.face.dashboards import SearchAnswer
from pytest_deploycheck.face.grafana import DataSourcesAnswer, GrafanaRulesAnswer
from pytest_deploycheck.face.ledger import Ledger
from pytest_deploycheck.face.workloads import PodsAnswer
from pytest_deploycheck.model.prometheus import Alertmanagers

if TYPE_CHECKING:
    from collections.abc import Callable

ASKED = Asked("what there is", "system https://one.example.com", ("e1",), ("look at it",))
ANY: Any = None


def answers() -> dict[str, Callable[[Ledger], Any]]:
    nothing = Alertmanagers(active=(), dropped=())
    return {
        "target": lambda ledger: TargetsAnswer((), ledger, ASKED, now=0.0, samples={}, started=None),
        "rule": lambda ledger: RulesAnswer((), ledger, ASKED, now=0.0, api=ANY, asking=ANY),
        "active Alertmanager": lambda ledger: AlertmanagersAnswer(
            nothing, ledger, ASKED, now=0.0, runtime=None, failures=ANY
        ),
        "pod that matches": lambda ledger: PodsAnswer((), ANY, ledger, ASKED, namespace="x", closer=tuple),
        "data source": lambda ledger: DataSourcesAnswer((), ledger, ASKED, health=ANY),
        "dashboard": lambda ledger: SearchAnswer((), ledger, ASKED),
        "rule of Grafana": lambda ledger: GrafanaRulesAnswer((), ledger, ASKED, now=0.0),
    }


@pytest.mark.parametrize("noun", answers())
def test_nothing_cannot_be_gone_through(noun: str) -> None:
    ledger = Ledger()
    answer = answers()[noun](ledger)
    assert len(answer) == 0
    with pytest.raises(NoData) as caught:
        all(one.nobody_asks for one in answer)
    assert caught.value.what == f"what there is: no data: there is no {noun.removesuffix(' of Grafana')}"
    assert caught.value.evidence == "e1"
    assert caught.value.next_step == "look at it; `len()` tells how many there are"


def test_no_alert_and_no_event_is_an_answer() -> None:
    assert list(AlertsAnswer((), Ledger(), ASKED, states=("firing",), rules=1, now=0.0)) == []
    assert list(EventsAnswer((), ANY, Ledger(), ASKED)) == []
