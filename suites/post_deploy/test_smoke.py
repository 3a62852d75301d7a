"""Smoke: does it answer, in the right version, with its dependencies, and can it be measured? SM1 to SM6."""

import pytest

from pytest_deploycheck.suite import (
    Alertmanager,
    Deployment,
    EndpointCheck,
    ExpositionCheck,
    Health,
    Prometheus,
    TransactionCheck,
    VersionCheck,
)

pytestmark = pytest.mark.smoke


@pytest.mark.requirement("SM1")
@pytest.mark.foreach("endpoints", where=lambda entry: not entry.functional)
@pytest.mark.asks(questions=lambda ask, entry: ask.health(entry.service).meets(entry))
def test_health_endpoint(health: Health, entry: EndpointCheck) -> None:
    """The endpoint answers as expected, in time, and not by way of a redirect."""
    assert health(entry.service).meets(entry)


@pytest.mark.requirement("SM2")
@pytest.mark.foreach("endpoints", where=lambda entry: entry.functional)
@pytest.mark.asks(questions=lambda ask, entry: ask.health(entry.service).meets(entry))
def test_functional_endpoint(health: Health, entry: EndpointCheck) -> None:
    """The endpoint answers, and what it depends on is healthy."""
    assert health(entry.service).meets(entry)


@pytest.mark.requirement("SM3")
@pytest.mark.foreach("versions", where=lambda entry: entry.service is not None)
@pytest.mark.asks(questions=lambda ask, entry: ask.health(entry.service).runs_version(entry))
def test_version_answers(health: Health, deployment: Deployment, entry: VersionCheck) -> None:
    """The version that answers is the version that was deployed."""
    assert health(entry.service or "").runs_version(entry, deployment)


@pytest.mark.requirement("SM3")
@pytest.mark.foreach("versions", where=lambda entry: entry.metric is not None)
@pytest.mark.asks(questions=lambda ask, entry: ask.prometheus.runs_version(entry))
def test_version_in_every_replica(prometheus: Prometheus, deployment: Deployment, entry: VersionCheck) -> None:
    """Every replica's info metric carries the version that was deployed."""
    assert prometheus.runs_version(entry, deployment)


@pytest.mark.requirement("SM4")
@pytest.mark.foreach("expositions")
def test_metrics_endpoint(health: Health, entry: ExpositionCheck) -> None:
    """The metrics endpoint gives a valid exposition with the required families, in time."""
    assert health(entry.service).exposes(entry)


@pytest.mark.requirement("SM5")
@pytest.mark.blocker
@pytest.mark.needs("prometheus")
@pytest.mark.asks(questions=lambda ask: ask.prometheus.ready())
def test_prometheus_is_ready(prometheus: Prometheus) -> None:
    """Prometheus is ready, answers queries with the credentials in use, and has loaded its configuration."""
    assert prometheus.ready()


@pytest.mark.requirement("SM5")
@pytest.mark.blocker
@pytest.mark.needs("alertmanager")
@pytest.mark.asks(questions=lambda ask: ask.alertmanager.ready())
def test_alertmanager_is_ready(alertmanager: Alertmanager) -> None:
    """Alertmanager is ready, answers with the credentials in use, has loaded its configuration and is not settling."""
    assert alertmanager.ready()


@pytest.mark.requirement("SM6")
@pytest.mark.writes
@pytest.mark.foreach("transactions")
def test_transaction(health: Health, entry: TransactionCheck) -> None:
    """The synthetic command succeeds, in time."""
    assert health(entry.service).performs(entry)
