"""The `grafana` fixture against the stand-in, sound and broken: what it judges, what it asks, what it keeps."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

import pytest

from pytest_deploycheck.errors import (
    Ambiguous,
    AuthorMistake,
    CannotMeasure,
    DeploycheckError,
    Forbidden,
    Malformed,
    NoData,
    NotEnoughData,
    NotSupported,
    Redirected,
    Unauthorized,
    WriteNotAllowed,
)
from pytest_deploycheck.sandbox.grafana_demo import CAPACITY, EDGE, JOURNAL, OVERVIEW, VECTORS, VIEWER_TOKEN
from pytest_deploycheck.sandbox.grafana_faults import GRAFANA_FAULTS
from tests.servers.grafana_faces import Served, said, served

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

# the stand-in's threads drop their connections when they end
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")

ALL = (OVERVIEW, JOURNAL, VECTORS, CAPACITY)


@pytest.mark.parametrize("version", ["12.1.1", "10.4.19"])
def test_a_sound_grafana(tmp_path: Path, version: str) -> None:
    with served(tmp_path, version=version) as found:
        grafana = found.grafana
        assert said(grafana.ready()) == ("passed", f"ready, version {version}")
        assert grafana.known_version == version
        assert said(grafana.datasources.healthy("Prometheus", EDGE)) == ("passed", "2 data sources healthy")
        expected = ALL if version.startswith("12") else (OVERVIEW, JOURNAL, CAPACITY)
        assert said(grafana.dashboards().has(*expected)) == ("passed", f"{len(expected)} dashboards listed")
        for uid in expected:
            assert grafana.dashboard(uid).panels.show_data()
        assert said(grafana.rules().healthy(at_least=2)) == ("passed", "2 rules, all ok")
        assert grafana.rules().has("Heartbeat is old", folder="MCP")
        assert grafana.rules().none_firing()


def test_the_panels_of_a_dashboard(tmp_path: Path) -> None:
    with served(tmp_path) as found:
        overview = found.grafana.dashboard(title="MCP overview", folder="MCP")
        assert said(overview.exists(title="MCP overview", folder="MCP", panels=10, provisioned=True)) == (
            "passed",
            '"MCP overview" in MCP, 10 panels, provisioned from mcp-overview.json',
        )
        panels = overview.run(window="5m", variables={"job": "other"})
        judged = panels.show_data(max_age="1m")
        assert said(judged) == ("passed", "10 panels with data, 2 that ask nothing")
        assert judged.finding.asked == "panels of mcp-overview over 300 s"
        assert judged.finding.next_steps == (f"dashboard: {found.url}/d/mcp-overview?from=now-300s&to=now",)
        titles = [one.title for one in panels]
        assert "Requests of /sessions [route=/sessions]" in titles
        queries = _queries(found)
        assert {query["datasource"]["uid"] for query in queries} == {"mcp-prometheus", "mcp-archive"}
        assert 'mcp_threads{job="other"}' in [query["expr"] for query in queries]
        # judged: nothing is left that nobody looked at
        assert found.ledger.unjudged() == []


def _queries(found: Served) -> list[dict[str, Any]]:
    bodies = [one.request_body for one in found.tape.take() if one.url.endswith("/api/ds/query")]
    return [query for body in bodies if body for query in json.loads(body)["queries"]]


# --- every fault of the stand-in is said by the right check -----------------------------------------------------------


def show(uid: str) -> Callable[[Served], object]:
    return lambda found: found.grafana.dashboard(uid).panels.show_data()


def exists(uid: str) -> Callable[[Served], object]:
    return lambda found: found.grafana.dashboard(uid).exists()


def rules(found: Served) -> object:
    return found.grafana.rules().healthy()


def ready(found: Served) -> object:
    return found.grafana.ready()


def sources(found: Served) -> object:
    return found.grafana.datasources.healthy("Prometheus", EDGE)


@pytest.mark.parametrize(
    ("fault", "check", "outcome", "says"),
    [
        ("dashboard-missing", exists(JOURNAL), "failed", "there is no dashboard mcp-journal for this credential"),
        ("dashboard-empty", exists(JOURNAL), "failed", "it has no panel"),
        ("dashboard-empty", show(JOURNAL), "failed", "the dashboard has no panel"),
        ("panel-without-data", show(JOURNAL), "failed", "1 of 3 panels is empty"),
        ("panel-error", show(CAPACITY), "failed", "1 of 2 panels is in error"),
        ("variable-unresolved", show(VECTORS), "inconclusive", "1 of 3 panels is not asked"),
        ("library-panel-missing", show(VECTORS), "failed", "1 of 3 panels is broken"),
        ("datasource-unhealthy", sources, "failed", "1 of 2 data sources is unhealthy"),
        ("datasource-missing", sources, "failed", "there is no data source mcp-archive; there are: Prometheus"),
        ("datasource-missing", show(OVERVIEW), "failed", "1 of 10 panels is broken"),
        ("grafana-rule-error", rules, "failed", "1 of 2 rules is unfit"),
        ("grafana-rule-without-data", rules, "failed", "1 of 2 rules is unfit"),
        ("grafana-database-down", ready, "failed", "its database is failing"),
    ],
)
def test_a_fault_is_found(tmp_path: Path, fault: str, check: Callable[[Served], Any], outcome: str, says: str) -> None:
    with served(tmp_path, GRAFANA_FAULTS[fault]) as found:
        if outcome == "failed":
            assert said(check(found)) == (outcome, says)
            return
        with pytest.raises(NotEnoughData) as caught:
            check(found)
        assert says in caught.value.what


@pytest.mark.parametrize(
    ("fault", "check", "kind", "says"),
    [
        (
            "dashboard-hidden",
            exists(CAPACITY),
            Forbidden,
            "403, the bearer token from GRAFANA_TOKEN may not do this: it lacks the permission dashboards:read",
        ),
        ("dashboard-schema", exists(VECTORS), Malformed, "a dashboard of a schema that is not known here"),
        ("grafana-login-wall", ready, Redirected, "302, redirected to what looks like a login page"),
        ("grafana-token-refused", ready, Unauthorized, "401, the bearer token from GRAFANA_TOKEN was not accepted"),
        ("grafana-role-lost", sources, Forbidden, "it lacks the permission datasources:read"),
        ("grafana-role-lost", show(JOURNAL), Forbidden, "it lacks the permission dashboards:read"),
    ],
)
def test_a_fault_that_keeps_from_measuring(
    tmp_path: Path, fault: str, check: Callable[[Served], Any], kind: type[DeploycheckError], says: str
) -> None:
    with served(tmp_path, GRAFANA_FAULTS[fault]) as found:
        with pytest.raises(kind) as caught:
            check(found)
        assert says in caught.value.what


def test_a_nan_is_no_data(tmp_path: Path) -> None:
    def broken(demo: Any) -> None:
        GRAFANA_FAULTS["panel-not-a-number"](demo)
        target = next(one for one in demo.dashboard(JOURNAL).spec["panels"] if one["title"] == "Tool calls")
        target["targets"][0]["instant"] = True

    with served(tmp_path, broken) as found:
        judged = found.grafana.dashboard(JOURNAL).panels.show_data()
        assert said(judged) == ("failed", "1 of 3 panels is empty")
        assert judged.finding.rows[0][3] == "no number among 1 value"


def test_a_credential_that_is_ignored(tmp_path: Path) -> None:
    def everybody(demo: Any) -> None:
        GRAFANA_FAULTS["grafana-anonymous"](demo)

    with served(tmp_path, everybody, token=None) as found:
        assert said(found.grafana.ready()) == ("passed", "ready, version 12.1.1, asked without a credential")

    # a proxy that strips the Authorization header: Grafana answers as to nobody
    from pytest_deploycheck.sandbox.grafana_api import GrafanaApi

    with served(tmp_path, everybody) as found:
        api = GrafanaApi(found.demo)
        strip = lambda method, path, headers, body: api.answer(  # noqa: E731 - a proxy in one line
            method, path, {name: value for name, value in headers.items() if name != "authorization"}, body
        )
        from tests.servers.fixed_grafana import listening

        with listening(strip) as url:
            stripped = Served(found.demo, url, tmp_path, token="t")  # noqa: S106 - of a test
            with pytest.raises(NotEnoughData) as caught:
                stripped.grafana.ready()
            assert "the credential is ignored: Grafana answers as to nobody (anonymous access)" in caught.value.what
            stripped.wire.close()


# --- what only some may see -------------------------------------------------------------------------------------------


def test_a_viewer_may_run_panels_without_listing_data_sources(tmp_path: Path) -> None:
    with served(tmp_path, token=VIEWER_TOKEN) as found:
        assert found.grafana.dashboard(OVERVIEW).panels.show_data()
        with pytest.raises(CannotMeasure) as caught:
            bool(found.grafana.dashboard(JOURNAL).panels.show_data())  # its data source is told by name
        assert "it lacks the permission datasources:read" in caught.value.what
        judged = found.grafana.dashboards().has(OVERVIEW, CAPACITY)
        assert said(judged) == (
            "failed",
            "1 expected dashboard not listed for this credential: platform-capacity; 3 dashboards listed",
        )


# --- bad input --------------------------------------------------------------------------------------------------------


def test_a_dashboard_by_its_title(tmp_path: Path) -> None:
    def twice(demo: Any) -> None:
        demo.dashboard(JOURNAL).spec["title"] = "MCP overview"

    with served(tmp_path, twice) as found:
        with pytest.raises(Ambiguous) as caught:
            found.grafana.dashboard(title="MCP overview")
        assert caught.value.what == 'grafana: 2 dashboards have the title "MCP overview"'
        assert sorted(caught.value.details) == ["mcp-journal in MCP", "mcp-overview in MCP"]
        judged = found.grafana.dashboard(title="MCP over").exists()  # a part of the title is not the title
        assert said(judged) == ("failed", 'there is no dashboard "MCP over" for this credential')
        with pytest.raises(AuthorMistake):
            found.grafana.dashboard()


def test_panels_of_a_dashboard_that_is_not_there(tmp_path: Path) -> None:
    with served(tmp_path) as found:
        with pytest.raises(NoData) as caught:
            found.grafana.dashboard("nope").panels  # noqa: B018 - reading it asks
        assert caught.value.what == "no data: there is no dashboard nope for this credential"
        with pytest.raises(AuthorMistake):
            found.grafana.dashboard(OVERVIEW).run(window="0s")
        with pytest.raises(AuthorMistake):
            found.grafana.dashboard(OVERVIEW).run(variables={"jub": "x"})


def test_as_in_the_repository(tmp_path: Path) -> None:
    with served(tmp_path) as found:
        spec = found.demo.dashboard(OVERVIEW)
        assert spec is not None
        (tmp_path / "overview.json").write_text(json.dumps(spec.spec))
        judged = found.grafana.dashboard(OVERVIEW).as_in("overview.json")
        assert said(judged) == ("passed", "all of overview.json is so in Grafana, version 7")
        GRAFANA_FAULTS["dashboard-outdated"](found.demo)
        judged = found.grafana.dashboard(OVERVIEW).as_in("overview.json")
        assert judged.finding.outcome.value == "failed"
        assert judged.finding.rows[0] == ("panels.length", "9", "8")
        for name, text in (("no.json", None), ("bad.json", "{")):
            if text:
                (tmp_path / name).write_text(text)
            with pytest.raises(AuthorMistake) as caught:
                found.grafana.dashboard(OVERVIEW).as_in(name)
            assert caught.value.where == str(tmp_path / name)


# --- annotations, exports, pictures, the other client -------------------------------------------------------------


def test_an_annotation_needs_both_opt_ins(tmp_path: Path) -> None:
    with served(tmp_path) as found, pytest.raises(WriteNotAllowed):
        found.grafana.annotate("deployed", tags=["deployment"])
    with served(tmp_path, writes_allowed=True) as found:
        found.wire.write_guard = lambda *_: None
        note = found.grafana.annotate("deployed 1.4.2", tags=["deployment"], dashboard=OVERVIEW)
        assert note.id == 1
        assert [one["text"] for one in found.demo.annotations] == ["deployed 1.4.2"]
        for wrong in ({"text": " "}, {"text": "x", "panel": 1}, {"text": "x", "until": 5.0}):
            with pytest.raises(AuthorMistake):
                found.grafana.annotate(**wrong)


def test_an_export(tmp_path: Path) -> None:
    with served(tmp_path) as found:
        judged = found.grafana.export(JOURNAL, "out")
        outcome, observed = said(judged)
        assert outcome == "passed"
        assert observed.startswith("4 files with ")
        assert sorted(found.kept) == [
            "grafana/mcp-journal-1-Entries.csv",
            "grafana/mcp-journal-2-Sessions.csv",
            "grafana/mcp-journal-3-Tool-calls.csv",
            "grafana/mcp-journal.json",
        ]
        assert json.loads(found.kept["grafana/mcp-journal.json"])["title"] == "MCP journal"
        rows = list(csv.DictReader(io.StringIO(found.kept["grafana/mcp-journal-2-Sessions.csv"].decode())))
        assert [(row["panel"], row["query"], row["value"]) for row in rows] == [("Sessions", "A", "1.0")]
        assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
            "mcp-journal-1-Entries.csv",
            "mcp-journal-2-Sessions.csv",
            "mcp-journal-3-Tool-calls.csv",
            "mcp-journal.json",
        ]


def test_an_export_without_data(tmp_path: Path) -> None:
    def silent(demo: Any) -> None:
        for panel in demo.dashboard(CAPACITY).spec["panels"]:
            panel["targets"][0]["expr"] = "absent"

    with served(tmp_path, silent) as found, pytest.raises(NoData) as caught:
        found.grafana.export(CAPACITY)
    assert "no data: no panel brings a value" in caught.value.what


def test_pictures(tmp_path: Path) -> None:
    with served(tmp_path) as found, pytest.raises(NotSupported) as caught:
        found.grafana.export(CAPACITY, pictures=True)
    assert caught.value.what == "grafana: it has no image renderer"
    with served(tmp_path, lambda demo: setattr(demo, "renderer", True)) as found:
        judged = found.grafana.export(CAPACITY, "out", pictures=True)
        assert said(judged)[0] == "passed"
        assert said(judged)[1].endswith("; 2 panels drawn")
        assert (tmp_path / "out" / "platform-capacity-1-Memory.png").read_bytes().startswith(b"\x89PNG")


def test_a_placeholder_is_no_picture(tmp_path: Path) -> None:
    """A Grafana that does not say whether it has a renderer, and answers 200 without one."""
    from pytest_deploycheck.sandbox import grafana_render
    from pytest_deploycheck.sandbox.endpoints import Reply
    from pytest_deploycheck.sandbox.grafana_api import GrafanaApi
    from tests.servers.fixed_grafana import listening

    with served(tmp_path) as found:
        api = GrafanaApi(found.demo)

        def silent(method: str, path: str, headers: dict[str, str], body: bytes) -> Reply:
            if path == "/api/frontend/settings":
                return Reply.json({})
            if path.startswith("/render/"):
                return Reply(200, grafana_render.placeholder(), "image/png")
            return api.answer(method, path, headers, body)

        with listening(silent) as url:
            from pytest_deploycheck.sandbox.grafana_demo import TOKEN

            other = Served(found.demo, url, tmp_path, token=TOKEN)
            judged = other.grafana.export(CAPACITY, pictures=True)
            assert said(judged) == ("failed", "2 of 2 panels are not drawn")
            assert judged.finding.rows[0] == ("Memory", "a picture of 1000 x 500 says so: is there a renderer?")
            other.wire.close()


def test_the_other_client_on_the_same_tape(tmp_path: Path) -> None:
    pytest.importorskip("grafana_client")
    with served(tmp_path) as found:
        assert found.grafana.client.health.check()["database"] == "ok"
        assert [one["uid"] for one in found.grafana.client.search.search_dashboards(tag="platform")] == [CAPACITY]
        assert [one.url.partition("?")[0] for one in found.tape.take()] == [
            f"{found.url}/api/health",
            f"{found.url}/api/search",
        ]
        with pytest.raises(WriteNotAllowed):
            found.grafana.client.annotations.add_annotation(text="x", tags=["y"])
