"""The types that a suite's annotations need, in one place; those of rooms that few runs enter come on demand."""

from typing import TYPE_CHECKING, Any

from pytest_deploycheck.face.alertmanager import Alertmanager
from pytest_deploycheck.face.health import Health
from pytest_deploycheck.face.logs import Logs
from pytest_deploycheck.face.prometheus import Prometheus
from pytest_deploycheck.session.run import Run as Deploycheck
from pytest_deploycheck.session.target import Target
from pytest_deploycheck.settings.checks import (
    AlertPolicy,
    EndpointCheck,
    ExpositionCheck,
    MetricCheck,
    RouteCheck,
    RuleCheck,
    RulePolicy,
    ScrapeTargetCheck,
    SloCheck,
    SoakPolicy,
    TransactionCheck,
    VersionCheck,
)
from pytest_deploycheck.settings.clusters import ClusterPolicy, KeysCheck, PermissionCheck, WorkloadCheck
from pytest_deploycheck.settings.dashboards import AnnotationPolicy, DashboardCheck, DataSourceCheck, GrafanaRuleCheck
from pytest_deploycheck.settings.drills import FireDrillCheck
from pytest_deploycheck.settings.logs import LogCheck
from pytest_deploycheck.settings.models import Deployment
from pytest_deploycheck.settings.network import CertificateCheck, NameCheck, PortCheck

if TYPE_CHECKING:
    from pytest_deploycheck.face.fire_drill import FireDrills
    from pytest_deploycheck.face.grafana import Grafana
    from pytest_deploycheck.face.kubernetes import Kubernetes
    from pytest_deploycheck.face.network import Network

__all__ = [
    "AlertPolicy",
    "Alertmanager",
    "AnnotationPolicy",
    "CertificateCheck",
    "ClusterPolicy",
    "DashboardCheck",
    "DataSourceCheck",
    "Deploycheck",
    "Deployment",
    "EndpointCheck",
    "ExpositionCheck",
    "FireDrillCheck",
    "FireDrills",
    "Grafana",
    "GrafanaRuleCheck",
    "Health",
    "KeysCheck",
    "Kubernetes",
    "LogCheck",
    "Logs",
    "MetricCheck",
    "NameCheck",
    "Network",
    "PermissionCheck",
    "PortCheck",
    "Prometheus",
    "RouteCheck",
    "RuleCheck",
    "RulePolicy",
    "ScrapeTargetCheck",
    "SloCheck",
    "SoakPolicy",
    "Target",
    "TransactionCheck",
    "VersionCheck",
    "WorkloadCheck",
]


def __getattr__(name: str) -> Any:
    """Return a type that is imported only where a suite asks for it."""
    if name == "Kubernetes":
        from pytest_deploycheck.face.kubernetes import Kubernetes

        return Kubernetes
    if name == "Network":
        from pytest_deploycheck.face.network import Network

        return Network
    if name == "Grafana":
        from pytest_deploycheck.face.grafana import Grafana

        return Grafana
    if name == "FireDrills":
        from pytest_deploycheck.face.fire_drill import FireDrills

        return FireDrills
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
