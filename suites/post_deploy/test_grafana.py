"""Grafana: ready, its data sources healthy, its dashboards there and showing data. SM5, DB1 to DB5, AL1."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pytest_deploycheck.suite import (
        DashboardCheck,
        DataSourceCheck,
        Deploycheck,
        Grafana,
        GrafanaRuleCheck,
    )

pytestmark = pytest.mark.dashboards


@pytest.mark.requirement("SM5")
@pytest.mark.smoke
@pytest.mark.blocker
@pytest.mark.needs("grafana")
def test_grafana_is_ready(grafana: Grafana) -> None:
    """Grafana answers, its database does, and it heeds the credential in use."""
    assert grafana.ready()


@pytest.mark.requirement("DB1")
@pytest.mark.needs("grafana")
@pytest.mark.foreach("dashboards")
def test_dashboard_is_there(grafana: Grafana, entry: DashboardCheck) -> None:
    """The dashboard is there, is the one that is meant, and has its panels."""
    assert grafana.meets(entry)


@pytest.mark.requirement("DB1")
@pytest.mark.needs("grafana")
@pytest.mark.foreach("dashboards", where=lambda entry: entry.file is not None)
def test_dashboard_is_as_in_the_repository(grafana: Grafana, entry: DashboardCheck) -> None:
    """The dashboard is the version that the repository has."""
    assert grafana.matches(entry)


@pytest.mark.requirement("DB2")
@pytest.mark.needs("grafana")
@pytest.mark.foreach("datasources")
def test_datasource_is_healthy(grafana: Grafana, entry: DataSourceCheck) -> None:
    """The data source is there, and its plugin says that it works."""
    assert grafana.source(entry)


@pytest.mark.requirement("DB3")
@pytest.mark.needs("grafana")
@pytest.mark.foreach("dashboards", where=lambda entry: entry.data)
def test_panels_show_data(grafana: Grafana, entry: DashboardCheck) -> None:
    """Every panel's queries run with its variables filled, and bring data."""
    assert grafana.shows(entry)


@pytest.mark.requirement("DB4")
@pytest.mark.needs("grafana")
@pytest.mark.foreach("dashboards", level="warning", where=lambda entry: entry.export)
def test_dashboard_is_exported(grafana: Grafana, entry: DashboardCheck) -> None:
    """The dashboard and what its panels show are kept as evidence, with pictures where they are wanted."""
    assert grafana.exports(entry)


@pytest.mark.requirement("DB5")
@pytest.mark.warning
@pytest.mark.writes("grafana")
@pytest.mark.needs("grafana", "annotation")
def test_deployment_is_marked(grafana: Grafana, deploycheck: Deploycheck) -> None:
    """An annotation marks the deployment on the dashboards."""
    policy = deploycheck.settings.environment.annotation
    assert policy is not None, "needs() leaves this check out without it"
    assert grafana.marks(policy)


@pytest.mark.requirement("AL1")
@pytest.mark.needs("grafana")
@pytest.mark.foreach("grafana_rules")
def test_grafana_rule_is_evaluated(grafana: Grafana, entry: GrafanaRuleCheck) -> None:
    """The rule that Grafana itself evaluates is there, and its query brings data."""
    assert grafana.has_rule(entry)
