"""Prometheus, and whatever answers its HTTP API: VictoriaMetrics, Thanos, Mimir."""

from pytest_deploycheck.clients.prometheus.client import PrometheusClient

__all__ = ["PrometheusClient"]
