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
    from pytest_deploycheck.session.target import Target
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
def deploycheck_target(deploycheck: Run, request: pytest.FixtureRequest) -> Target:
    """Tell whose systems a check speaks to; every fixture of a system takes it, and is parametrised with it.

    Its parameter is the name of a target, empty for the environment itself. A test that asks for systems without
    naming their fixtures has none, and gets the environment's own.
    """
    with collector_paused():
        return deploycheck.at(getattr(request, "param", None))


@pytest.fixture(scope="session")
def target(deploycheck_target: Target) -> Target:
    """The target (cluster, region) that the test is about: its `name`, and its systems, such as `target.prometheus`.

    A test that takes it runs once for each target; without targets it is the environment itself, with an empty name.
    """
    return deploycheck_target


@pytest.fixture(scope="session")
def targets(deploycheck: Run) -> tuple[Target, ...]:
    """All targets that the run looks at, for a test that compares them: at least two, in the file's order."""
    from pytest_deploycheck.session.targeting import compared

    return compared(deploycheck)


@pytest.fixture(scope="session")
def prometheus(deploycheck_target: Target) -> Prometheus:
    """The target's or environment's Prometheus; a comparison of its answers speaks of every series."""
    with collector_paused():  # what it needs is imported now
        return deploycheck_target.prometheus


@pytest.fixture(scope="session")
def alertmanager(deploycheck_target: Target) -> Alertmanager:
    """The target's or environment's Alertmanager: status, alerts, silences, routing, notifications."""
    with collector_paused():  # what it needs is imported now
        return deploycheck_target.alertmanager


@pytest.fixture(scope="session")
def health(deploycheck_target: Target) -> Health:
    """Find the services of the target or environment by name."""
    with collector_paused():  # what it needs is imported now
        return deploycheck_target.health


@pytest.fixture(scope="session")
def kubernetes(deploycheck_target: Target) -> Kubernetes:
    """The target's or environment's cluster: rollouts, pods, events, nodes, permissions (extra `kubernetes`)."""
    with collector_paused():  # what it needs is imported now
        return deploycheck_target.kubernetes


@pytest.fixture(scope="session")
def logs(deploycheck_target: Target) -> Logs:
    """Find the logs of the target or environment by name."""
    with collector_paused():  # what it needs is imported now
        return deploycheck_target.logs


@pytest.fixture(scope="session")
def network(deploycheck_target: Target) -> Network:
    """Names, ports and certificates, as the machine that runs the checks sees them."""
    with collector_paused():  # what it needs is imported now
        return deploycheck_target.network


@pytest.fixture(scope="session")
def grafana(deploycheck_target: Target) -> Grafana:
    """The target's or environment's Grafana: data sources, dashboards and what their panels show, alert rules."""
    with collector_paused():  # what it needs is imported now
        return deploycheck_target.grafana
