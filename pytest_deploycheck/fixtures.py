"""The fixtures: thin, session-scoped, and overridable in a user's conftest. All of them go through `deploycheck`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_deploycheck.collector import collector_paused

if TYPE_CHECKING:
    from pytest_deploycheck.face.alertmanager import Alertmanager
    from pytest_deploycheck.face.grafana import Grafana
    from pytest_deploycheck.face.health import Health
    from pytest_deploycheck.face.kubernetes import Kubernetes
    from pytest_deploycheck.face.logs import Logs
    from pytest_deploycheck.face.network import Network
    from pytest_deploycheck.face.prometheus import Prometheus
    from pytest_deploycheck.session.run import Run
    from pytest_deploycheck.settings.models import Deployment


@pytest.fixture(scope="session")
def deploycheck(pytestconfig: pytest.Config) -> Run:
    """The run: `settings` (the effective configuration), `tape` (what was observed), `record(name, value)`."""
    with collector_paused():
        from pytest_deploycheck.session.run import run_of

        return run_of(pytestconfig)


@pytest.fixture(scope="session")
def deployment(deploycheck: Run) -> Deployment:
    """Tell what was deployed and when, as far as it is known."""
    return deploycheck.settings.deployment


@pytest.fixture(scope="session")
def prometheus(deploycheck: Run) -> Prometheus:
    """The environment's Prometheus; a comparison of its answers speaks of every series."""
    with collector_paused():  # what it needs is imported now
        return deploycheck.prometheus


@pytest.fixture(scope="session")
def alertmanager(deploycheck: Run) -> Alertmanager:
    """The environment's Alertmanager: status, alerts, silences, routing, notifications."""
    with collector_paused():  # what it needs is imported now
        return deploycheck.alertmanager


@pytest.fixture(scope="session")
def grafana(deploycheck: Run) -> Grafana:
    """The environment's Grafana: readiness, data sources, dashboards and what their panels show, alert rules."""
    with collector_paused():  # what it needs is imported now
        return deploycheck.grafana


@pytest.fixture(scope="session")
def health(deploycheck: Run) -> Health:
    """Find the services of the environment by name."""
    with collector_paused():  # what it needs is imported now
        return deploycheck.health


@pytest.fixture(scope="session")
def kubernetes(deploycheck: Run) -> Kubernetes:
    """The environment's cluster: rollouts, pods, events, nodes, permissions; needs the extra `kubernetes`."""
    with collector_paused():  # what it needs is imported now
        return deploycheck.kubernetes


@pytest.fixture(scope="session")
def logs(deploycheck: Run) -> Logs:
    """Find the logs of the environment by name."""
    with collector_paused():  # what it needs is imported now
        return deploycheck.logs


@pytest.fixture(scope="session")
def network(deploycheck: Run) -> Network:
    """Names, ports and certificates, as the machine that runs the checks sees them."""
    with collector_paused():  # what it needs is imported now
        return deploycheck.network
