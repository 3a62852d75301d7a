"""Faults in what Prometheus and Alertmanager are configured with: each changes a healthy `Configuration` in place."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pytest_deploycheck.sandbox.configs import Configuration


def _target_removed(configuration: Configuration) -> None:
    for group in configuration.targets:
        group["targets"] = group["targets"][:1]


def _target_down(configuration: Configuration) -> None:
    for group in configuration.targets:
        group["targets"][-1] = "127.0.0.1:1"  # tcpmux: nobody has served it for decades


def _timestamps_ignored(configuration: Configuration) -> None:
    configuration.job("mcp")["honor_timestamps"] = False


def _rule_missing(configuration: Configuration) -> None:
    for group in configuration.rules["groups"]:
        group["rules"] = [rule for rule in group["rules"] if rule.get("alert") != "McpHeartbeatStale"]


def _rule_error(configuration: Configuration) -> None:
    # Several series on both sides for one value of `job`: "many-to-many matching not allowed".
    configuration.rule("McpHighErrorRate")["expr"] = (
        "mcp_http_requests_total / on (job) mcp_db_connections_active > 0.05"
    )


def _rule_dangling(configuration: Configuration) -> None:
    configuration.rule("McpQueueBacklog")["expr"] = "mcp_queue_lenght > 1000"


def _range_short(configuration: Configuration) -> None:
    configuration.rule("McpHighErrorRate")["expr"] = "rate(mcp_errors_total[1s]) > 0.05"


def _rules_empty(configuration: Configuration) -> None:
    configuration.prometheus["rule_files"] = ["rules.d/*.yml"]


def _reload_failed(configuration: Configuration) -> None:
    configuration.prometheus["global"]["scrape_interval"] = "soon"


def _alertmanager_disconnected(configuration: Configuration) -> None:
    del configuration.prometheus["alerting"]


def _route_wrong(configuration: Configuration) -> None:
    for route in configuration.alertmanager["route"]["routes"]:
        if route["receiver"] == "pager":
            route["receiver"] = "chat"


def _receiver_missing(configuration: Configuration) -> None:
    alertmanager = configuration.alertmanager
    alertmanager["receivers"] = [receiver for receiver in alertmanager["receivers"] if receiver["name"] != "pager"]
    alertmanager["route"]["routes"] = [
        route for route in alertmanager["route"]["routes"] if route["receiver"] != "pager"
    ]


CONFIG_FAULTS: Mapping[str, Callable[[Configuration], None]] = {
    "target-removed": _target_removed,
    "target-down": _target_down,
    "timestamps-ignored": _timestamps_ignored,
    "rule-missing": _rule_missing,
    "rule-error": _rule_error,
    "rule-dangling": _rule_dangling,
    "rule-range-short": _range_short,
    "rules-empty": _rules_empty,
    "reload-failed": _reload_failed,
    "alertmanager-disconnected": _alertmanager_disconnected,
    "route-wrong": _route_wrong,
    "receiver-missing": _receiver_missing,
}
"""Change → what it does to the configuration."""
