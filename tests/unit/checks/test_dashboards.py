"""Dashboards: there, as meant, and as the repository has them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from pytest_deploycheck.checks.dashboards import as_in_repository, listed, present
from pytest_deploycheck.errors import AuthorMistake
from pytest_deploycheck.model.grafana import SearchHit
from pytest_deploycheck.model.outcome import Outcome
from tests.unit.grafana.builders import dashboard, panel

if TYPE_CHECKING:
    from pytest_deploycheck.checks.asked import Asked
    from pytest_deploycheck.model.grafana import Dashboard

THERE = replace(dashboard(panel(), panel(id=2)), folder="Ops", folder_uid="ops", provisioned=True, origin="d.json")


def test_a_dashboard_as_it_is_meant(asked: Asked) -> None:
    for folder in ("Ops", "ops"):
        finding = present(THERE, asked, uid="d", title="D", folder=folder, min_panels=2, provisioned=True)
        assert finding.outcome is Outcome.PASSED
        assert finding.observed == '"D" in Ops, 2 panels, provisioned from d.json'
    assert finding.expected == 'the dashboard d: titled "D", in the folder ops, at least 2 panels, provisioned'
    root = replace(THERE, folder="", folder_uid="")
    assert present(root, asked, uid="d", folder="General").outcome is Outcome.PASSED


@pytest.mark.parametrize(
    ("found", "expected", "observed"),
    [
        (None, {}, "there is no dashboard d for this credential"),
        (THERE, {"title": "E"}, 'its title is "D"'),
        (THERE, {"folder": "Shop"}, "it is in the folder Ops"),
        (THERE, {"min_panels": 3}, "it has 2 panels"),
        (dashboard(), {}, "it has no panel"),
        (dashboard(panel()), {"provisioned": True}, "it is not provisioned: somebody saved it by hand"),
    ],
)
def test_a_dashboard_that_is_not(
    asked: Asked, found: Dashboard | None, expected: dict[str, Any], observed: str
) -> None:
    finding = present(found, asked, uid="d", **expected)
    assert (finding.outcome, finding.observed) == (Outcome.FAILED, observed)


def test_no_panel_cannot_be_expected(asked: Asked) -> None:
    with pytest.raises(AuthorMistake):
        present(THERE, asked, uid="d", min_panels=0)


def test_a_search_is_seen_through_by_what_is_expected(asked: Asked) -> None:
    hits = [SearchHit(uid="a", title="A"), SearchHit(uid="b", title="B")]
    assert listed(hits, asked, uids=["a", "b"]).outcome is Outcome.PASSED
    finding = listed(hits, asked, uids=["a", "c"])
    assert finding.outcome is Outcome.FAILED
    assert finding.observed == "1 expected dashboard not listed for this credential: c; 2 dashboards listed"
    assert listed([], asked).observed == "no data: the search lists no dashboard for this credential"
    assert listed([], asked).outcome is Outcome.INCONCLUSIVE
    assert listed(hits, asked, at_least=3).observed == "2 dashboards listed"


FILE: dict[str, Any] = {
    "id": None,
    "uid": "d",
    "version": 7,
    "title": "D",
    "refresh": "",
    "annotations": {"list": []},
    "panels": [panel(id=1, description=""), panel("b", id=2)],
}


def against(asked: Asked, document: Any, *panels: dict[str, Any]) -> tuple[str, str, tuple[tuple[str, ...], ...]]:
    found = dashboard(*(panels or (panel(id=1), panel("b", id=2, extra="of Grafana"))))
    finding = as_in_repository(found, document, asked, uid="d", file="d.json")
    return finding.outcome.value, finding.observed, finding.rows


def test_as_in_the_repository(asked: Asked) -> None:
    good = ("passed", "all of d.json is so in Grafana, version 0", ())
    assert against(asked, FILE) == good
    assert against(asked, {"dashboard": FILE, "overwrite": True}) == good
    resource = {"kind": "Dashboard", "apiVersion": "dashboard.grafana.app/v1", "metadata": {}, "spec": FILE}
    assert against(asked, resource) == good


def test_another_version_than_in_the_repository(asked: Asked) -> None:
    assert against(asked, FILE, panel("a", id=1)) == (
        "failed",
        "2 differences from d.json",
        (
            ("panels.length", "2", "1"),
            ("panels[P].targets[A].expr", "up", "a"),
        ),
    )
    assert against(asked, {**FILE, "title": "E", "timezone": "utc"})[2] == (
        ("title", "E", "D"),
        ("timezone", "utc", "(not there)"),
    )
    assert against(asked, {**FILE, "editable": True, "style": {"a": 1}})[1] == "2 differences from d.json"


def test_a_file_that_does_not_fit(asked: Asked) -> None:
    assert against(asked, [])[:2] == ("inconclusive", "no data: d.json holds no dashboard")
    assert against(asked, {**FILE, "uid": "e"})[:2] == ("inconclusive", "d.json is another dashboard: its uid is e")
    finding = as_in_repository(None, FILE, asked, uid="d", file="d.json")
    assert (finding.outcome, finding.observed) == (Outcome.FAILED, "there is no dashboard d for this credential")
