"""Alertmanager, by its API v2 and its own metrics."""

from pytest_deploycheck.clients.alertmanager.client import AlertmanagerClient
from pytest_deploycheck.clients.alertmanager.posting import NewAlert

__all__ = ["AlertmanagerClient", "NewAlert"]
