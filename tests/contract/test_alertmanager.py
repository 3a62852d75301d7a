"""Every recorded answer of Alertmanager 0.25 that the client can receive."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from pytest_deploycheck.clients.alertmanager import NewAlert
from pytest_deploycheck.errors import DeploycheckError, Malformed, QueryFailed
from pytest_deploycheck.model.alertmanager import Matcher, NotificationCounters, Receiver, Silence
from tests.contract.recorded import RECORDINGS, played, recording, recordings
from tests.servers.bad_servers import http


def unix(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def listed() -> list[Any]:
    return [
        pytest.param(one.name, id=one.name)
        for one in recordings("alertmanager")
        if one.path == "/api/v2/alerts" and one.request["method"] == "GET" and one.status == 200
    ]


@pytest.mark.parametrize("name", listed())
def test_alerts(name: str) -> None:
    with played(name) as p:
        alerts = p.alertmanager.alerts()
        assert p.server.targets == ["GET /api/v2/alerts"]
    assert [
        (
            dict(a.labels),
            dict(a.annotations),
            a.state,
            a.receivers,
            a.silenced_by,
            a.inhibited_by,
            a.starts_at,
            a.ends_at,
            a.fingerprint,
        )
        for a in alerts
    ] == [
        (
            one["labels"],
            one["annotations"],
            one["status"]["state"],
            tuple(receiver["name"] for receiver in one["receivers"]),
            tuple(one["status"]["silencedBy"]),
            tuple(one["status"]["inhibitedBy"]),
            unix(one["startsAt"]),
            unix(one["endsAt"]),
            one["fingerprint"],
        )
        for one in recording(name).body
    ]


def test_there_are_alerts() -> None:
    assert len(listed()) == 10


def test_filters_are_sent_as_alertmanager_writes_them() -> None:
    with played("alertmanager/alerts_filter") as p:
        (alert,) = p.alertmanager.alerts(
            silenced=False, filters=['alertname="Synthetic"', Matcher(name="team", value='d".*', is_regex=True)]
        )
        assert p.server.targets == [
            "GET /api/v2/alerts?silenced=false&filter=alertname%3D%22Synthetic%22&filter=team%3D~%22d%5C%22.%2A%22"
        ]
    assert alert.name == "Synthetic"


def test_bad_filter_is_refused_by_the_server() -> None:
    with played("alertmanager/alerts_filter_bad") as p, pytest.raises(QueryFailed) as caught:
        p.alertmanager.alerts(filters=["alertname=~("])
    assert caught.value.details[0] == "the server says: error parsing regexp: missing closing ): `^(?:()$`"


def test_unknown_receiver_is_not_taken_for_no_alerts() -> None:
    with played("alertmanager/receivers", "alertmanager/alerts_receiver_unknown") as p:
        with pytest.raises(QueryFailed) as caught:
            p.alertmanager.alerts(receiver="nope")
        url = p.server.url
    assert str(caught.value) == (
        "alertmanager: there is no receiver 'nope'\n"
        f"  at: {url}/api/v2/receivers\n"
        "  configured: default, page, db, broken, flaky, null\n"
        "  next: name a receiver of the loaded configuration; was its last reload successful?"
    )


def test_receiver() -> None:
    with played("alertmanager/receivers", "alertmanager/alerts_receiver") as p:
        (alert,) = p.alertmanager.alerts(receiver="db")
        assert p.server.targets == ["GET /api/v2/receivers", "GET /api/v2/alerts?receiver=db"]
    assert alert.receivers == ("db",)


def test_receivers() -> None:
    with played("alertmanager/receivers") as p:
        assert p.alertmanager.receivers() == ("default", "page", "db", "broken", "flaky", "null")


@pytest.mark.parametrize(
    ("name", "cluster", "peers"),
    [
        ("status", "disabled", ()),
        ("cluster_status_settling", "settling", ("127.0.0.1:21193", "127.0.0.1:21194")),
        ("cluster_status_ready", "ready", ("127.0.0.1:21193", "127.0.0.1:21194")),
        ("cluster_status_peer_lost", "ready", ("127.0.0.1:21193",)),
    ],
)
def test_status(name: str, cluster: str, peers: tuple[str, ...]) -> None:
    with played(f"alertmanager/{name}") as p:
        status = p.alertmanager.status()
        assert status.evidence == p.evidence
    document = recording(f"alertmanager/{name}").body
    assert (status.version, status.cluster, status.peers) == ("0.25.0", cluster, peers)
    assert status.uptime == unix(document["uptime"])
    assert status.config == document["config"]["original"]


def test_configuration() -> None:
    with played("alertmanager/status") as p:
        configuration = p.alertmanager.configuration()
    root = configuration.route
    assert (root.receiver, root.group_by, root.group_wait, root.group_interval, root.repeat_interval) == (
        "default",
        ("alertname",),
        2.0,
        5.0,
        3600.0,
    )
    assert [
        (r.receiver, [str(m) for m in r.matchers], r.continue_, r.group_wait, r.group_interval, r.repeat_interval)
        for r in root.routes
    ] == [
        ("page", ['severity="page"'], False, 2.0, 5.0, 3600.0),
        ("db", ['team="db"'], False, 0.5, 2.0, 3600.0),
        ("broken", ['probe="broken"'], False, 0.5, 5.0, 3600.0),
        ("flaky", ['probe="flaky"'], False, 0.5, 5.0, 3600.0),
        ("null", ['severity="info"'], False, 2.0, 5.0, 3600.0),
        ("db", ['probe="cont"'], True, 2.0, 5.0, 3600.0),
        ("page", ['probe="cont"'], False, 2.0, 5.0, 3600.0),
    ]
    assert {route.group_by for route in root.routes} == {("alertname",)}
    assert configuration.receivers == (
        *(Receiver(name=name, integrations=("webhook",)) for name in ("default", "page", "db", "broken", "flaky")),
        Receiver(name="null"),
    )


def test_silences() -> None:
    with played("alertmanager/silences") as p:
        silences = p.alertmanager.silences(filters='alertname="Quiet"')
        assert p.server.targets == ["GET /api/v2/silences?filter=alertname%3D%22Quiet%22"]
    assert silences == (
        Silence(
            id="ff5649a9-200f-4495-9a9b-b4833a75fcd2",
            state="active",
            matchers=(Matcher(name="alertname", value="Quiet"),),
            comment="deploy",
            created_by="deploycheck",
            starts_at=unix("2026-11-21T09:19:51.949Z"),
            ends_at=unix("2026-11-21T09:20:51.948Z"),
        ),
    )


def test_ready_and_healthy() -> None:
    with played("alertmanager/ready") as p:
        assert p.alertmanager.ready().text == "OK"
    with played("alertmanager/healthy") as p:
        assert p.alertmanager.healthy().text == "OK"


def metrics() -> bytes:
    return http(200, (RECORDINGS / "alertmanager" / "metrics_notifications.txt").read_text(), Content_Type="text/plain")


def test_notification_counters() -> None:
    with played(metrics(), name="alertmanager") as p:
        assert p.alertmanager.notification_counters() == (
            NotificationCounters(
                integration="webhook", notifications=54, notifications_failed=7, requests=60, requests_failed=23
            ),
        )


def test_metric() -> None:
    with played(metrics(), name="alertmanager") as p:
        assert p.alertmanager.metric("alertmanager_config_last_reload_successful") == 1.0


@pytest.mark.parametrize("name", ["alerts_post_ok"])
def test_post_accepted(name: str) -> None:
    with played(f"alertmanager/{name}", writes_allowed=True) as p:
        p.wired.wire.write_guard = lambda *_: None
        p.alertmanager.post_alerts([NewAlert(labels={"alertname": "Synthetic"})])
        assert p.server.targets == ["POST /api/v2/alerts"]


@pytest.mark.parametrize(
    "name", ["alerts_post_bad_label", "alerts_post_end_before_start", "alerts_post_no_labels", "alerts_post_not_list"]
)
def test_post_refused(name: str) -> None:
    with played(f"alertmanager/{name}", writes_allowed=True) as p:
        p.wired.wire.write_guard = lambda *_: None
        with pytest.raises(QueryFailed) as caught:
            p.alertmanager.post_alerts([NewAlert(labels={"alertname": "Synthetic"})])
    body = recording(f"alertmanager/{name}").body
    assert caught.value.details == (f"the server says: {body if isinstance(body, str) else body['message']}",)


@pytest.mark.parametrize(
    ("name", "likeness"),
    [
        ("prometheus/alerts", "an answer of Prometheus's API to another question"),
        ("prometheus/error_400_parse", ""),
        ("alertmanager/status_v1", "Alertmanager's API v1"),
        ("alertmanager/alerts_v1", "Alertmanager's API v1"),
    ],
)
def test_another_system(name: str, likeness: str) -> None:
    with played(name, name="alertmanager") as p, pytest.raises(DeploycheckError) as caught:
        p.alertmanager.alerts()
    if not likeness:
        assert type(caught.value) is QueryFailed
    else:
        assert type(caught.value) is Malformed
        assert caught.value.what == (
            "alertmanager: not the answer that Alertmanager gives: Expected `array`, got `object`; "
            f"it looks like {likeness}"
        )
