"""Every way in which the demo stack can be broken, and what the right checks make of it."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from pytest_deploycheck.sandbox import effects, network_effects, standin_faults
from pytest_deploycheck.sandbox.fault import FEDERATION, HOLD, NO_GO, PUSHGATEWAY, Fault
from pytest_deploycheck.sandbox.process import SandboxError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pytest_deploycheck.model.outcome import Verdict
    from pytest_deploycheck.sandbox.effects import Effect


def _service() -> Iterable[Fault]:
    def fault(name: str, summary: str, verdict: Verdict, check: str, effect: Effect, switch: str = "") -> Fault:
        return Fault(
            name=name, summary=summary, verdict=verdict, check=check, effect=effect, switches=(switch or name,)
        )

    yield fault("service-down", "replica b refuses connections", NO_GO, "MF1", effects.second_down)
    yield fault("service-hangs", "replica b accepts and never answers", NO_GO, "MF1", effects.second_down)
    yield fault(
        "health-unhealthy",
        'replica b: 200 with {"status": "degraded"}',
        NO_GO,
        "SM1",
        effects.answers("/health", status="degraded"),
    )
    yield fault("health-503", "replica b: /health answers 503", NO_GO, "SM1", effects.status("/health", 503))
    yield fault("health-slow", "replica b: /health takes 1.5 s", NO_GO, "SM1", effects.slow_health)
    yield fault(
        "login-redirect", "replica b redirects everything to /login", HOLD, "SM1", effects.status("/health", 302)
    )
    yield fault("wrong-version", "replica b still runs the old version", NO_GO, "SM3", effects.old_version)
    yield fault(
        "dependency-down",
        "replica b: /db-check says 200, and redis down",
        NO_GO,
        "SM2",
        effects.answers("/db-check", status="degraded"),
    )
    yield fault(
        "ping-fails",
        "replica b: the synthetic command answers 200 with an error",
        NO_GO,
        "SM6",
        effects.answers("/api/v1/ping", result="error"),
    )
    yield fault(
        "metrics-empty", "replica b: /metrics is 200 and empty (up stays 1)", NO_GO, "MF1", effects.scraped_below(1)
    )
    yield fault("metrics-html", "replica b: /metrics is an HTML page", NO_GO, "MF1", effects.second_down)
    yield fault("metrics-500", "replica b: /metrics answers 500", NO_GO, "MF1", effects.second_down)
    yield fault(
        "metrics-few",
        "replica b: /metrics has three families left",
        NO_GO,
        "SM4",
        effects.scraped_below(effects.FEW_SAMPLES, at_least=1),
    )
    yield fault("slow-metrics", "replica b: /metrics takes 0.5 s", NO_GO, "SM4", effects.slow_scrape)
    yield fault(
        "metric-missing",
        "mcp_db_connections_active left every exposition",
        HOLD,
        "MF2",
        effects.empty('mcp_db_connections_active{job="mcp"}'),
    )
    yield fault(
        "label-missing",
        "mcp_http_requests_total lost its label route",
        NO_GO,
        "MF4",
        effects.empty('mcp_http_requests_total{job="mcp",route!=""}'),
    )
    yield fault(
        "counter-missing",
        "mcp_errors_total is not initialised: absent until the first error",
        HOLD,
        "MF3",
        effects.empty('mcp_errors_total{job="mcp"}'),
    )
    yield fault(
        "nan", "replica b parses nothing: its failure ratio is 0/0", HOLD, "SL1", effects.not_a_number, "parser-idle"
    )
    yield fault("error-rate", "a quarter of replica b's requests fail", NO_GO, "SL1", effects.ERRORS, "requests-fail")
    yield fault(
        "slow-requests", "replica b's requests take 0.6 s and more", NO_GO, "SL1", effects.SLOW, "requests-slow"
    )
    yield fault(
        "alert-firing",
        "one alert fires (McpQueueBacklog)",
        NO_GO,
        "AL2",
        effects.firing("McpQueueBacklog"),
        "queue-backlog",
    )
    yield fault(
        "alert-pending",
        "one alert is pending (McpDiskFilling)",
        NO_GO,
        "AL2",
        effects.firing("McpDiskFilling", state="pending"),
        "disk-filling",
    )
    yield fault(
        "alert-storm",
        "12 alerts fire (McpShardLagging)",
        NO_GO,
        "AL2",
        effects.firing("McpShardLagging", more_than=effects.STORM),
        "shards-lagging",
    )


def _freshness() -> Iterable[Fault]:
    yield Fault(
        name="frozen-gauge", summary="replica b's heartbeat stands still; it is scraped afresh all the time",
        verdict=NO_GO, check="MF2", effect=effects.HEARTBEAT_OLD, switches=("heartbeat-frozen",),
    )  # fmt: skip
    yield Fault(
        name="frozen-counter", summary="replica b's mcp_journal_sessions_total no longer counts",
        verdict=NO_GO, check="MF2", effect=effects.frozen_counter, switches=("sessions-frozen",),
    )  # fmt: skip
    yield Fault(
        name="series-gone", summary="mcp_db_connections_active left replica b's exposition; replica a still has it",
        verdict=NO_GO, check="MF2", effect=effects.one_of_two, switches=("series-gone",),
    )  # fmt: skip
    yield Fault(
        name="old-timestamp", summary="replica b exposes mcp_vector_memory_count with a timestamp two minutes old",
        verdict=NO_GO, check="MF2", effect=effects.COUNT_OLD, switches=("count-timestamps-frozen",),
    )  # fmt: skip
    yield Fault(
        name="old-timestamp-ignored", summary="the same under honor_timestamps: false; only the batch's time shows it",
        verdict=NO_GO, check="MF2", effect=effects.timestamps_ignored,
        switches=("count-timestamps-frozen", "refresh-frozen"), changes=("timestamps-ignored",),
    )  # fmt: skip
    yield Fault(
        name="recording-rule-hides", summary="a recorded sum is fresh, replica b's part of it two minutes old",
        verdict=NO_GO, check="MF2", effect=effects.recording_hides,
        switches=("bytes-timestamps-frozen", "refresh-frozen"),
    )  # fmt: skip
    yield Fault(
        name="federation-dead", summary="the edge instance behind federation died; its series stay for 5 min",
        verdict=NO_GO, check="MF2", effect=effects.FEDERATED_OLD, switches=("edge-down",), needs=(FEDERATION,),
    )  # fmt: skip
    yield Fault(
        name="pushgateway-old", summary="the backup job no longer pushes; its last push is served for ever",
        verdict=NO_GO, check="MF2", effect=effects.PUSH_OLD, actions=("stop-pushing",), needs=(PUSHGATEWAY,),
    )  # fmt: skip
    yield Fault(
        name="target-removed", summary="replica b's target left the service discovery: no `up` of it at all",
        verdict=NO_GO, check="MF1", effect=effects.one_target, changes=("target-removed",),
    )  # fmt: skip
    yield Fault(
        name="target-down", summary="replica b's target has a wrong address; the replica itself is well",
        verdict=NO_GO, check="MF1", effect=effects.some_mcp_target_down, changes=("target-down",),
    )  # fmt: skip


def _rules_and_alerting() -> Iterable[Fault]:
    def change(name: str, summary: str, verdict: Verdict, check: str, effect: Effect) -> Fault:
        return Fault(name=name, summary=summary, verdict=verdict, check=check, effect=effect, changes=(name,))

    def action(name: str, summary: str, verdict: Verdict, check: str, effect: Effect) -> Fault:
        return Fault(name=name, summary=summary, verdict=verdict, check=check, effect=effect, actions=(name,))

    yield change("rule-missing", "the alerting rule McpHeartbeatStale is not loaded", NO_GO, "AL1", effects.rule_absent)
    yield change("rule-error", "McpHighErrorRate cannot be evaluated (many-to-many)", NO_GO, "AL1", effects.rule_fails)
    yield change(
        "rule-dangling", "McpQueueBacklog refers to a metric that nobody has", NO_GO, "AL1", effects.rule_dangles
    )
    yield change(
        "rule-range-short", "McpHighErrorRate takes a rate over one scrape", NO_GO, "AL1", effects.range_is_short
    )
    yield change("rules-empty", "rule_files matches no file", NO_GO, "AL1", effects.no_rules)
    yield change(
        "reload-failed",
        "the last reload of Prometheus failed; it runs on the old configuration",
        NO_GO,
        "SM5",
        effects.reload_failed,
    )
    yield change(
        "alertmanager-disconnected", "prometheus.yml has no alerting section", NO_GO, "AL3", effects.disconnected
    )
    yield change("route-wrong", "pages are routed to the chat", NO_GO, "AL4", effects.pages_go_elsewhere)
    yield change("receiver-missing", "there is no receiver for pages", NO_GO, "AL4", effects.pager_missing)
    yield action(
        "alertmanager-down",
        "Alertmanager was killed; Prometheus still lists it",
        NO_GO,
        "MF1",
        effects.alertmanager_down,
    )
    yield Fault(
        name="receiver-dead", summary="every notification fails: the receiver answers 500",
        verdict=NO_GO, check="AL3", effect=effects.NOTIFICATIONS_FAIL,
        switches=("receiver-fails",), actions=("notify",), lingers=True,
    )  # fmt: skip
    yield action("silence-all", "a silence hides every alert for a day", NO_GO, "AL3", effects.silenced)
    yield action(
        "silence-pages", "a silence hides the pages for half an hour", NO_GO, "AL4", effects.held_back("silence")
    )
    yield Fault(
        name="alert-inhibited", summary="an alert of another Prometheus inhibits warnings",
        verdict=NO_GO, check="AL4", effect=effects.held_back("alert"), actions=("inhibit",),
    )  # fmt: skip
    yield action(
        "prometheus-down",
        "Prometheus was killed; so Grafana's data sources fail, and that is measured",
        NO_GO,
        "DB2",
        effects.prometheus_gone,
    )
    yield action(
        "prometheus-hangs", "Prometheus accepts connections and answers nothing", HOLD, "SM5", effects.prometheus_gone
    )


def _logs() -> Iterable[Fault]:
    def fault(name: str, summary: str, verdict: Verdict, check: str, effect: Effect) -> Fault:
        return Fault(name=name, summary=summary, verdict=verdict, check=check, effect=effect, switches=(name,))

    yield fault("log-broken-line", "replica b's log lines are cut off", NO_GO, "LO1", effects.torn)
    yield fault(
        "log-banner", "replica b logs a banner that is no JSON", NO_GO, "LO1", effects.logs("is starting", instance="")
    )
    yield fault("log-schema", "replica b logs a duration as text", NO_GO, "LO1", effects.logs('"12 ms"'))
    yield fault("log-silent", "replica b logs nothing any more", NO_GO, "LO1", effects.silent)
    yield fault("log-old-timestamps", "replica b's log is an hour behind", NO_GO, "LO1", effects.wrong_clock)
    yield fault("log-future-timestamps", "replica b's log is an hour ahead", NO_GO, "LO1", effects.wrong_clock)
    yield fault("log-errors", "replica b logs an error after the other", NO_GO, "LO2", effects.logs('"ERROR"'))
    yield fault("log-debug", "replica b logs at DEBUG", NO_GO, "LO2", effects.logs('"DEBUG"'))
    yield fault("log-without-levels", "no line of the log has a level", HOLD, "LO2", effects.no_levels)
    yield fault("log-trace-malformed", "replica b logs trace ids of zeros", NO_GO, "LO3", effects.logs("0" * 32))
    yield fault("log-trace-missing", "replica b logs no trace ids", NO_GO, "LO3", effects.no_trace_ids)
    yield fault(
        "log-new-error", "replica b logs an error once that was never there", NO_GO, "LO5",
        effects.logs("user_tier", lines=1),
    )  # fmt: skip


def _network() -> Iterable[Fault]:
    def fault(name: str, summary: str, effect: Effect) -> Fault:
        return Fault(name=name, summary=summary, verdict=NO_GO, check="SM7", effect=effect, switches=(name,))

    seen = network_effects
    yield fault("certificate-expiring", "the TLS port's certificate expires in three days", seen.expiring)
    yield fault("certificate-wrong-name", "the TLS port's certificate is for another host", seen.wrong_name)
    yield fault("certificate-self-signed", "the TLS port's certificate signed itself", seen.self_signed)
    yield fault("certificate-without-chain", "the TLS port does not send its intermediate certificate", seen.chainless)
    yield fault("tls-old-version", "the TLS port still agrees to TLS 1.1", seen.old_version)
    yield fault("tls-port-closed", "nobody listens on the TLS port", seen.closed)


FAULTS: Mapping[str, Fault] = {
    fault.name: fault
    for faults in (
        *(_service(), _freshness(), _rules_and_alerting(), _logs(), _network()),
        *(standin_faults.of_cluster(), standin_faults.of_grafana()),
    )
    for fault in faults
}
"""Every fault by name."""


def find_fault(name: str) -> Fault:
    """Return a fault by name.

    Raises:
        SandboxError: if there is none; the text names the ones that are spelt alike.
    """
    if (fault := FAULTS.get(name)) is not None:
        return fault
    close = difflib.get_close_matches(name, FAULTS, n=3, cutoff=0.75)
    raise SandboxError(
        f"there is no fault {name!r}",
        where="--fault",
        details=[f"did you mean {' or '.join(close)}?"] if close else [],
        next_step="`deploycheck sandbox --list-faults` lists them all",
    )
