"""The types that a suite's annotations need, in one place."""

from pytest_deploycheck.face.alertmanager import Alertmanager
from pytest_deploycheck.face.health import Health
from pytest_deploycheck.face.prometheus import Prometheus
from pytest_deploycheck.session.run import Run as Deploycheck
from pytest_deploycheck.settings.checks import (
    AlertPolicy,
    EndpointCheck,
    ExpositionCheck,
    MetricCheck,
    RouteCheck,
    RuleCheck,
    RulePolicy,
    SloCheck,
    SoakPolicy,
    TargetCheck,
    TransactionCheck,
    VersionCheck,
)
from pytest_deploycheck.settings.models import Deployment

__all__ = [
    "AlertPolicy",
    "Alertmanager",
    "Deploycheck",
    "Deployment",
    "EndpointCheck",
    "ExpositionCheck",
    "Health",
    "MetricCheck",
    "Prometheus",
    "RouteCheck",
    "RuleCheck",
    "RulePolicy",
    "SloCheck",
    "SoakPolicy",
    "TargetCheck",
    "TransactionCheck",
    "VersionCheck",
]
