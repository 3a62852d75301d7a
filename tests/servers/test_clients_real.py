"""The clients against a real Prometheus and a real Alertmanager (the demo stack)."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from pytest_deploycheck.clients.alertmanager import AlertmanagerClient, NewAlert
from pytest_deploycheck.clients.bridge import prometheus_connect
from pytest_deploycheck.clients.exposition import scrape
from pytest_deploycheck.clients.prometheus import PrometheusClient
from pytest_deploycheck.clock import SystemClock
from pytest_deploycheck.errors import QueryFailed
from pytest_deploycheck.transport.endpoint import Endpoint
from pytest_deploycheck.transport.redaction import Redactor
from pytest_deploycheck.transport.tape import Tape
from pytest_deploycheck.transport.wire import Wire

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_deploycheck.sandbox.stack import Sandbox

CLOCK = SystemClock()


def wire_to(name: str, url: str, *, writes: bool = False) -> Wire:
    endpoint = Endpoint(name=name, base_url=url, writes_allowed=writes)
    return Wire(endpoint, tape=Tape(), redactor=Redactor(), clock=CLOCK)


@pytest.fixture
def prometheus(sandbox: Sandbox) -> Iterator[PrometheusClient]:
    with wire_to("prometheus", sandbox.urls.prometheus) as wire:
        yield PrometheusClient(wire, CLOCK)


@pytest.fixture
def alertmanager(sandbox: Sandbox) -> Iterator[AlertmanagerClient]:
    with wire_to("alertmanager", sandbox.urls.alertmanager, writes=True) as wire:
        wire.write_guard = lambda *_: None
        yield AlertmanagerClient(wire, CLOCK)


def test_ready(prometheus: PrometheusClient, alertmanager: AlertmanagerClient) -> None:
    assert prometheus.ready().text == "Prometheus Server is Ready."
    assert prometheus.healthy()
    assert alertmanager.ready().text == "OK"
    assert alertmanager.healthy()


def test_query(prometheus: PrometheusClient) -> None:
    vector = prometheus.query('up{job="prometheus"}')
    assert list(vector.values) == [1.0]
    assert vector.labels(0)["job"] == "prometheus"
    assert vector.evaluation_time == pytest.approx(time.time(), abs=5)


def test_get_and_post_ask_the_same(prometheus: PrometheusClient) -> None:
    long = "up" + " or up" * 500
    assert sorted(prometheus.query(long).values) == sorted(prometheus.query("up").values)


def test_both_clocks_are_one(prometheus: PrometheusClient) -> None:
    for _ in range(5):
        prometheus.query("1")
    bounds = prometheus.skew()
    assert bounds is not None
    assert bounds[0] - 0.005 <= 0.0 <= bounds[1] + 0.005
    assert bounds[1] - bounds[0] < 0.5


def test_range_has_the_points_asked_for(prometheus: PrometheusClient) -> None:
    end = prometheus.server_now()
    vector = prometheus.range("vector(1)", end - 10, end, 2.0)
    assert [len(series.samples) for series in vector] == [6]


def test_raw_samples_have_the_times_of_their_scrapes(prometheus: PrometheusClient) -> None:
    (series,) = prometheus.samples('up{job="prometheus"}', 10.0)
    assert len(series.samples) >= 3
    (target,) = prometheus.targets(scrape_pool="prometheus")
    assert target.last_scrape is not None
    assert any(abs(sample.timestamp - target.last_scrape) < 1.5 for sample in series.samples)


def test_the_server_refuses_what_the_client_would_refuse(prometheus: PrometheusClient) -> None:
    with pytest.raises(QueryFailed) as caught:
        prometheus.query("up{")
    assert caught.value.details[0].startswith('the server says: bad_data: invalid parameter "query"')


def test_targets(prometheus: PrometheusClient) -> None:
    targets = prometheus.targets()
    assert {target.health for target in targets} == {"up"}
    assert {"prometheus", "alertmanager"} <= {target.job for target in targets}
    assert all(target.scrape_interval for target in targets)


def test_rules_and_alerts(prometheus: PrometheusClient) -> None:
    groups = prometheus.rules()
    rules = [rule for group in groups for rule in group.rules]
    assert {rule.health for rule in rules} == {"ok"}
    assert {rule.kind for rule in rules} == {"alerting", "recording"}
    alerting = [rule for group in prometheus.rules(kind="alerting") for rule in group.rules]
    assert {rule.kind for rule in alerting} == {"alerting"}
    assert {alert.name for alert in prometheus.alerts()} <= {rule.name for rule in alerting}


def test_catalogue_and_status(prometheus: PrometheusClient) -> None:
    now = prometheus.server_now()
    assert len(prometheus.series(["up"], now - 60, now)) == len(prometheus.query("up"))
    assert {entry.type for entry in prometheus.metadata("prometheus_build_info")} == {"gauge"}
    assert prometheus.build_info()["version"]
    assert prometheus.flags()["query.lookback-delta"]
    assert prometheus.runtime_info().reload_config_success
    assert "scrape_configs:" in prometheus.config_text()
    assert len(prometheus.alertmanagers().active) == 1


def test_its_own_metrics(prometheus: PrometheusClient, alertmanager: AlertmanagerClient) -> None:
    exposition = scrape(prometheus.wire)
    assert exposition.content_type == "text/plain; version=0.0.4; charset=utf-8"
    assert exposition.families["prometheus_build_info"].type == "gauge"
    assert alertmanager.metric("alertmanager_config_last_reload_successful") == 1.0


def test_prometheus_connect(prometheus: PrometheusClient) -> None:
    assert prometheus_connect(prometheus.wire).custom_query("vector(7)")[0]["value"][1] == "7"


def test_alertmanager_status(alertmanager: AlertmanagerClient) -> None:
    status = alertmanager.status()
    assert status.version
    assert status.cluster in {"disabled", "settling", "ready"}
    configuration = alertmanager.configuration()
    assert {receiver.name for receiver in configuration.receivers} == set(alertmanager.receivers())
    assert configuration.route.receiver in alertmanager.receivers()
    assert "webhook" in {counters.integration for counters in alertmanager.notification_counters()}


def test_a_posted_alert_is_listed_until_it_is_resolved(alertmanager: AlertmanagerClient) -> None:
    alert = NewAlert(labels={"alertname": "ClientTest", "probe": "clients"}, annotations={"summary": "a test"})
    mine = ['alertname="ClientTest"']
    alertmanager.post_alerts([replace(alert, ends_at=CLOCK.now() + 60)])
    try:
        (listed,) = alertmanager.alerts(filters=mine)
        assert (listed.name, listed.annotations) == ("ClientTest", {"summary": "a test"})
        assert listed.state in {"active", "unprocessed"}
        (receiver,) = listed.receivers
        assert len(alertmanager.alerts(receiver=receiver, filters=mine)) == 1
    finally:
        alertmanager.resolve_alerts([alert])
    assert alertmanager.alerts(filters=mine) == ()


def test_silences(alertmanager: AlertmanagerClient) -> None:
    # those of other tests on the same stack stay listed when they are over
    assert [one for one in alertmanager.silences() if one.state != "expired"] == []
