"""The Alertmanager client: what is not sent, what is not believed."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

import pytest

from pytest_deploycheck.clients.alertmanager import AlertmanagerClient, NewAlert
from pytest_deploycheck.errors import (
    Ambiguous,
    AuthorMistake,
    DeploycheckError,
    Malformed,
    NoData,
    QueryFailed,
    WriteNotAllowed,
)
from tests.servers.bad_servers import answering, http, json_answer
from tests.servers.wired import wired

if TYPE_CHECKING:
    from collections.abc import Callable

ALERT = NewAlert(labels={"alertname": "Drill"})


def error_of(answer: bytes, ask: Callable[[AlertmanagerClient], object]) -> DeploycheckError:
    with (
        answering(answer) as server,
        wired(server.url, name="alertmanager") as w,
        pytest.raises(DeploycheckError) as caught,
    ):
        ask(AlertmanagerClient(w.wire, w.clock))
    return caught.value


def metrics(text: str) -> bytes:
    return http(200, text, Content_Type="text/plain; version=0.0.4")


def status(config: str) -> bytes:
    return json_answer(
        {
            "cluster": {"status": "ready", "peers": None},
            "config": {"original": config},
            "uptime": "2026-11-21T09:00:00Z",
            "versionInfo": {"version": "0.27.0"},
        }
    )


def test_a_write_needs_the_opt_in() -> None:
    with answering(http(200)) as server, wired(server.url, name="alertmanager") as w:
        with pytest.raises(WriteNotAllowed):
            AlertmanagerClient(w.wire, w.clock).post_alerts([ALERT])
        assert server.targets == []


def test_resolve_ends_the_alert_now() -> None:
    with answering(http(200)) as server, wired(server.url, name="alertmanager", writes_allowed=True) as w:
        w.wire.write_guard = lambda *_: None
        AlertmanagerClient(w.wire, w.clock).resolve_alerts([ALERT])
        body = json.loads(server.requests[0].partition(b"\r\n\r\n")[2])
    assert body == [{"labels": {"alertname": "Drill"}, "annotations": {}, "endsAt": "2027-01-15T08:00:00.000Z"}]


@pytest.mark.parametrize(
    ("alerts", "what"),
    [
        ([], "no alerts to send"),
        ([NewAlert(labels={"team": "db"})], "the alert cannot be sent: it has no alertname"),
        (
            [ALERT, NewAlert(labels={"alertname": "Past"}, ends_at=1_799_999_990.0)],
            "the alert cannot be sent: it ended 10 s ago: nobody would ever see it",
        ),
    ],
)
def test_not_sent(alerts: list[NewAlert], what: str) -> None:
    with answering(http(200)) as server, wired(server.url, name="alertmanager", writes_allowed=True) as w:
        w.wire.write_guard = lambda *_: None
        with pytest.raises(AuthorMistake) as caught:
            AlertmanagerClient(w.wire, w.clock).post_alerts(alerts)
        assert server.targets == []
    assert caught.value.what == what


def test_a_filter_that_is_none_is_not_asked() -> None:
    error = error_of(json_answer([]), lambda client: client.alerts(filters=["team"]))
    assert type(error) is QueryFailed
    assert str(error) == (
        'not asked: not a matcher: \'team\'; write it as in team="db" or severity=~"page|warn"\n'
        "  at: /api/v2/alerts\n"
        "  next: mend the filter"
    )


def test_a_receiver_is_asked_for_by_its_exact_name() -> None:
    """The API takes a regular expression: `team.a` would find `team-a` as well."""
    with (
        answering(json_answer([{"name": "team.a+b"}]), json_answer([])) as server,
        wired(server.url, name="alertmanager") as w,
    ):
        assert AlertmanagerClient(w.wire, w.clock).alerts(receiver="team.a+b") == ()
        assert server.targets[1] == "GET /api/v2/alerts?receiver=team%5C.a%5C%2Bb"


def test_a_configuration_that_cannot_be_read() -> None:
    error = error_of(status("route: {receiver: a}\nreceivers: [{name: b}]"), lambda client: client.configuration())
    assert type(error) is Malformed
    assert error.what == ("alertmanager: its configuration cannot be read: route.receiver: there is no receiver 'a'")


@pytest.mark.parametrize(
    ("ask", "document", "problem"),
    [
        (lambda c: c.status(), {}, "Object missing required field `cluster`"),
        (lambda c: c.alerts(), [{"labels": {}}], "Object missing required field `status` - at `$[0]`"),
        (lambda c: c.alerts(), None, "Expected `array`, got `null`"),
        (lambda c: c.silences(), [{"id": "x"}], "Object missing required field `status` - at `$[0]`"),
        (lambda c: c.receivers(), ["a"], "Expected `object`, got `str` - at `$[0]`"),
    ],
)
def test_other_shapes(ask: Callable[[AlertmanagerClient], object], document: object, problem: str) -> None:
    error = error_of(json_answer(document), ask)
    assert type(error) is Malformed
    assert error.what.startswith(f"alertmanager: not the answer that Alertmanager gives: {problem}")


def test_counters_are_added_up_and_missing_ones_are_nan() -> None:
    text = (
        'alertmanager_notifications_total{integration="slack"} 5\n'
        'alertmanager_notifications_failed_total{integration="slack",reason="clientError"} 1\n'
        'alertmanager_notifications_failed_total{integration="slack",reason="serverError"} 2\n'
        'alertmanager_notifications_total{integration="email"} 0\n'
    )
    with answering(metrics(text)) as server, wired(server.url, name="alertmanager") as w:
        email, slack = AlertmanagerClient(w.wire, w.clock).notification_counters()
    assert (slack.integration, slack.notifications, slack.notifications_failed) == ("slack", 5.0, 3.0)
    assert math.isnan(slack.requests)
    assert math.isnan(slack.requests_failed)
    assert (email.integration, email.notifications) == ("email", 0.0)
    assert math.isnan(email.notifications_failed)


@pytest.mark.parametrize(
    ("ask", "name"),
    [
        (lambda c: c.notification_counters(), "alertmanager_notifications_total"),
        (lambda c: c.metric("absent_metric"), "absent_metric"),
        (lambda c: c.metric("nan_metric"), "nan_metric"),
    ],
)
def test_no_such_metric(ask: Callable[[AlertmanagerClient], object], name: str) -> None:
    error = error_of(metrics("up 1\nnan_metric NaN\n"), ask)
    assert type(error) is NoData
    assert error.what == f"alertmanager: its metrics have no {name}"


def test_a_metric_with_several_series() -> None:
    error = error_of(metrics('x{a="1"} 1\nx{a="2"} 1\n'), lambda client: client.metric("x"))
    assert type(error) is Ambiguous
    assert error.what == "alertmanager: x has 2 series, and one was meant"
