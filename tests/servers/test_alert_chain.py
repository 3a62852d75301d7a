"""The chain of alerts on a real Prometheus and Alertmanager: history, ranges, references, suppression, amtool."""

from __future__ import annotations

import json
import time
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from pytest_deploycheck.errors import AuthorMistake, CannotMeasure, NoData, NotEnoughData, NotSupported
from pytest_deploycheck.face.ranges import range_uses
from pytest_deploycheck.face.references import missing_metrics
from pytest_deploycheck.model.prometheus import Rule
from pytest_deploycheck.sandbox.probe import call
from pytest_deploycheck.session.run import Run
from pytest_deploycheck.settings.checks import KnownAlert
from pytest_deploycheck.settings.load import load

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_deploycheck.face.judged import Judged
    from pytest_deploycheck.model.finding import Finding
    from pytest_deploycheck.sandbox.stack import Sandbox


@pytest.fixture
def run(sandbox: Sandbox) -> Iterator[Run]:
    settings = load(sandbox.config_path, environment=None, overrides={}, environ={}, cwd=sandbox.directory)
    made = Run(settings, allow_writes=("alertmanager",))
    yield made
    made.close()


def failed(judged: Judged) -> Finding:
    assert not judged
    return judged.finding


def rule(query: str, name: str = "R", **changed: Any) -> Rule:
    values: dict[str, Any] = {"kind": "alerting", "group": "g", "file": "f", "interval": 1.0, "health": "ok"}
    return Rule(name=name, query=query, **(values | changed))


def test_history_tells_what_fired_and_since_when(run: Run, broken_sandbox: Callable[..., Sandbox]) -> None:
    broken_sandbox("alert-firing").mend("alert-firing")
    finding = failed(run.prometheus.alert_history("20s", coverage=0.3).none())
    rows = [row for row in finding.rows if row[0].startswith("McpQueueBacklog{")]
    assert rows
    assert rows[0][1] == "firing"
    assert "not known" in rows[0][-1]
    (episode,) = [one for one in run.prometheus.alert_history("20s") if one.labels["alertname"] == "McpQueueBacklog"][
        :1
    ]
    assert episode.since is not None
    assert episode.since <= episode.begins + 1.1
    assert episode.ends >= episode.begins


def test_a_window_before_prometheus_was_started_is_no_evidence(run: Run) -> None:
    history = run.prometheus.alert_history("48h")
    assert history.history.coverage < 0.1
    known = [  # of other tests
        KnownAlert(alertname=name, owner="tests", reason="broken before", expires=date(2099, 1, 1))
        for name in {one.labels["alertname"] for one in history}
    ]
    with pytest.raises((NoData, NotEnoughData)) as caught:
        history.none(known)
    assert "of 2 d were observed" in caught.value.what
    (row,) = [line for line in caught.value.details if "nothing was scraped" in line]
    assert row


def test_history_of_what_cannot_be_meant(run: Run) -> None:
    for window, state, what in (
        ("1h", "active", "Prometheus has no alerts in state 'active'"),
        (0.5, "firing", "a window of 0.5 s"),
    ):
        with pytest.raises(AuthorMistake) as caught:
            run.prometheus.alert_history(window, state=state)
        assert caught.value.what == what


def test_ranges_and_the_intervals_behind_them(run: Run) -> None:
    api = run.prometheus.api
    rules = [
        rule("rate(mcp_errors_total[10s]) > 1", "Long"),
        rule("rate(mcp_errors_total{job=~'m.*'}[1s]) > 1", "Short"),
        rule("max_over_time(job:mcp_http_requests:rate[40s])", "Recorded"),
        rule("sum(x)", "job:mcp_http_requests:rate", kind="recording", interval=30.0),
        rule("rate(nobody_has_this[5m])", "Nothing"),
        rule("up == 0", "None"),
        rule("sum(rate(up[5m])) keep_last_value()", "MetricsQL"),
    ]
    uses, unread = range_uses(api, rules)
    assert {use.rule: (use.range, use.interval) for use in uses} == {
        "g/Long": (10.0, 1.0),
        "g/Short": (1.0, 1.0),
        "g/Recorded": (40.0, 30.0),
        "g/Nothing": (300.0, None),
    }
    assert list(unread) == ["g/MetricsQL"]
    assert run.prometheus.rules().take_long_ranges()


def test_references_leave_out_what_is_meant_to_be_absent(run: Run) -> None:
    rules = [
        rule('absent(up{job="nobody"}) or up == 0', "Absent"),
        rule("absent_over_time(nobody_has_this[5m])", "AbsentOver"),
        rule("nobody_has_this > 1 unless absent(neither_this)", "Missing"),
        rule("up{", "Broken"),
    ]
    missing, unread = missing_metrics(run.prometheus.api, rules, 60, ())
    assert missing == {"g/Absent": [], "g/AbsentOver": [], "g/Missing": ["nobody_has_this"]}
    assert list(unread) == ["g/Broken"]


def test_an_alert_would_be_heard_unless_something_is_in_its_way(
    run: Run, sandbox: Sandbox, broken_sandbox: Callable[..., Sandbox]
) -> None:
    page, warning = {"severity": "page", "team": "mcp"}, {"severity": "warning", "team": "mcp"}
    assert run.alertmanager.route(page).is_heard()
    broken_sandbox("silence-pages")
    assert failed(run.alertmanager.route(page).is_heard()).observed == "silenced by 1 silence"
    assert run.alertmanager.route(warning).is_heard()
    sandbox.mend("silence-pages")
    broken_sandbox("alert-inhibited")
    finding = failed(run.alertmanager.route(warning).is_heard())
    assert (finding.observed, finding.rows) == ("inhibited by 1 alert", (("alert", "McpDown, active", "it ends"),))
    _post(sandbox, warning | {"alertname": "Probe"})
    (held,) = run.alertmanager.alerts(filters=['alertname="Probe"'])
    assert (held.state, len(held.inhibited_by)) == ("suppressed", 1)  # Alertmanager itself comes to the same


def _post(sandbox: Sandbox, labels: dict[str, str]) -> None:
    ends = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 2))
    body = json.dumps([{"labels": labels, "endsAt": ends}]).encode()
    assert call(f"{sandbox.urls.alertmanager}/api/v2/alerts", "POST", body=body).status == 200


@pytest.mark.parametrize(
    "labels",
    [
        {},
        {"team": "db", "severity": "page"},
        {"severity": "page"},
        {"severity": "warning", "x": 'quoted " and \\ back'},
        {"severity": "page ", "team": "d,b"},
        {"team": "db", "alertname": "é"},
    ],
)
def test_amtool_comes_to_the_same_receivers(run: Run, labels: dict[str, str]) -> None:
    assert run.alertmanager.route(labels).as_amtool()


def test_amtool_that_is_not_there_or_fails(run: Run, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NotSupported, match="amtool is not on PATH"):
        run.alertmanager.route({}).as_amtool()
    program = tmp_path / "amtool"
    program.write_text("#!/bin/sh\necho no such thing >&2\nexit 3\n")
    program.chmod(0o755)
    with pytest.raises(CannotMeasure) as caught:
        run.alertmanager.route({}).as_amtool()
    assert (caught.value.what, caught.value.details) == ("amtool failed with exit code 3", ("no such thing",))
    program.write_text("#!/bin/sh\necho somebody-else\n")
    finding = failed(run.alertmanager.route({}).as_amtool())
    assert finding.observed == "amtool says somebody-else; worked out here: default"
