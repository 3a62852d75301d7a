"""How each fault shows itself in the raw answers of the stack: the sandbox waits for it, tests look at it."""

from __future__ import annotations

import contextlib
import json
import math
import time
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pytest_deploycheck.sandbox.configs import (
    ERROR_RATIO,
    FEDERATED,
    P95_SECONDS,
    PARSER_FAILURE_RATIO,
    PUSHED_JOB,
    RECORDED_MEMORY,
    Ports,
)
from pytest_deploycheck.sandbox.probe import Answer, Probe, ProbeFailed, call

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

STALE_SECONDS = 10.0
"""Older than this is stale everywhere in the demo stack (its scrapes are a second apart)."""
SETTLED_SECONDS = 31.0
"""So long after a reload nobody can think any more that Prometheus is still looking for its Alertmanagers."""
STORM = 10
SILENT_SECONDS = 6.0
SLOW_HEALTH_SECONDS = 1.0
SLOW_METRICS_SECONDS = 0.4
FEW_SAMPLES = 20


@dataclass(frozen=True, slots=True)
class Scene:
    """Where to look.

    Attributes:
        probe: for the APIs.
        ports: for the service's own endpoints.
        window: the range that the stack's rates are taken over, as PromQL writes it.
        log: the service's JSON log.
    """

    probe: Probe
    ports: Ports
    window: str
    log: Path

    def get(self, path: str, *, instance: str = "b") -> Answer:
        """Return what an instance of the service answers.

        Raises:
            ProbeFailed: if it does not answer.
        """
        return call(self.ports.url(instance) + path, timeout=5.0)

    def logged(self, *, instance: str = "") -> list[str]:
        """Return the lines of the log, of all instances or of one, oldest first; the last may be torn."""
        wanted = f'"instance": "{instance}"' if instance else ""
        return [line for line in self.log.read_text(encoding="utf-8").splitlines() if wanted in line]

    def second(self, metric: str, matchers: str = "") -> str:
        """Return a selector of the second replica's series."""
        return f'{metric}{{job="mcp",instance="{self.ports.address("b")}"{matchers}}}'


if TYPE_CHECKING:
    Effect = Callable[[Scene], bool]


def answers(path: str, **expected: Any) -> Effect:
    """Return an effect: the second replica answers with these values in its JSON body."""

    def effect(scene: Scene) -> bool:
        body = scene.get(path).json()
        return all(body.get(key) == value for key, value in expected.items())

    return effect


def status(path: str, code: int) -> Effect:
    """Return an effect: the second replica answers with this HTTP status."""
    return lambda scene: scene.get(path).status == code


def firing(name: str, *, state: str = "firing", more_than: int = 0) -> Effect:
    """Return an effect: more than so many alerts of a name are in a state."""
    return lambda scene: scene.probe.alerts(state).count(name) > more_than


def empty(selector: str) -> Effect:
    """Return an effect: an expression has no series."""
    return lambda scene: not scene.probe.query(selector)


def holds(expression: str) -> Effect:
    """Return an effect: a comparison has series left; `{window}` is replaced by the stack's range."""
    return lambda scene: bool(scene.probe.query(expression.format(window=scene.window)))


def slow_health(scene: Scene) -> bool:
    """Whether the second replica takes long over its health."""
    started = time.monotonic()
    scene.get("/health")
    return time.monotonic() - started > SLOW_HEALTH_SECONDS


def second_down(scene: Scene) -> bool:
    """Whether Prometheus calls the second replica's target down."""
    return any(
        target["health"] == "down" and target["labels"].get("instance") == scene.ports.address("b")
        for target in scene.probe.targets()
    )


def some_mcp_target_down(scene: Scene) -> bool:
    """Whether a target of the service is down."""
    return any(target["health"] == "down" and target["labels"]["job"] == "mcp" for target in scene.probe.targets())


def scraped_below(samples: int, *, at_least: int = 0) -> Effect:
    """Return an effect: the second replica is up, and a scrape of it brings fewer samples."""

    def effect(scene: Scene) -> bool:
        up = scene.probe.values(scene.second("up"))
        found = scene.probe.values(scene.second("scrape_samples_scraped"))
        return up == [1.0] and all(at_least <= value < samples for value in found) and bool(found)

    return effect


def slow_scrape(scene: Scene) -> bool:
    """Whether scraping the second replica takes long."""
    return any(value > SLOW_METRICS_SECONDS for value in scene.probe.values(scene.second("scrape_duration_seconds")))


def old_version(scene: Scene) -> bool:
    """Whether Prometheus sees the second replica with the old version, and no more with the new one."""
    return [labels.get("version") for labels, _ in scene.probe.query(scene.second("mcp_build_info"))] == ["1.4.1"]


def one_of_two(scene: Scene) -> bool:
    """Whether one replica has the series and the other has not."""
    return len(scene.probe.query('mcp_db_connections_active{job="mcp"}')) == 1


def frozen_counter(scene: Scene) -> bool:
    """Whether the second replica's counter has stood still for the whole window."""
    return scene.probe.values(f"increase({scene.second('mcp_journal_sessions_total')}[{scene.window}])") == [0.0]


def timestamps_ignored(scene: Scene) -> bool:
    """Whether the sample looks fresh and only the batch's own time betrays it."""
    fresh = scene.probe.values(f"time() - timestamp({scene.second('mcp_vector_memory_count')})")
    betrayed = scene.probe.values(f"time() - {scene.second('mcp_vector_refresh_timestamp_seconds')}")
    return bool(fresh and betrayed) and max(fresh) < STALE_SECONDS < min(betrayed)


def recording_hides(scene: Scene) -> bool:
    """Whether the recorded series looks fresh although its source is old."""
    source = scene.probe.values(f"time() - timestamp({scene.second('mcp_vector_memory_bytes')})")
    recorded = scene.probe.values(f'time() - timestamp({RECORDED_MEMORY}{{job="mcp"}})')
    return bool(source and recorded) and max(recorded) < STALE_SECONDS < min(source)


def not_a_number(scene: Scene) -> bool:
    """Whether the second replica's ratio is 0/0."""
    ratios = scene.probe.query(PARSER_FAILURE_RATIO.format(window=scene.window))
    return any(labels.get("instance") == scene.ports.address("b") and math.isnan(value) for labels, value in ratios)


def one_target(scene: Scene) -> bool:
    """Whether the service has one target left, and no `up` of the other."""
    jobs = [target["labels"]["job"] for target in scene.probe.targets()]
    return jobs.count("mcp") == 1 and not scene.probe.query(scene.second("up"))


def rule_absent(scene: Scene) -> bool:
    """Whether rules are loaded, but not the one that is missing."""
    names = [rule["name"] for rule in scene.probe.rules()]
    return bool(names) and "McpHeartbeatStale" not in names


def rule_fails(scene: Scene) -> bool:
    """Whether a rule's evaluation fails."""
    return any(rule["health"] == "err" for rule in scene.probe.rules())


def rule_dangles(scene: Scene) -> bool:
    """Whether a rule over a metric that nobody has is loaded, and looks well."""
    return any("mcp_queue_lenght" in rule["query"] and rule["health"] == "ok" for rule in scene.probe.rules())


def no_rules(scene: Scene) -> bool:
    """Whether no rule is loaded."""
    return not scene.probe.rules()


def reload_failed(scene: Scene) -> bool:
    """Whether Prometheus says that its last reload failed."""
    return not scene.probe.reload_succeeded()


def alertmanager_down(scene: Scene) -> bool:
    """Whether Alertmanager's target is down."""
    return any(t["health"] == "down" and t["labels"]["job"] == "alertmanager" for t in scene.probe.targets())


def disconnected(scene: Scene) -> bool:
    """Whether Prometheus knows no Alertmanager, and not only because it was reloaded just now."""
    settled = f"time() - prometheus_config_last_reload_success_timestamp_seconds > {SETTLED_SECONDS}"
    return not scene.probe.alertmanagers() and bool(scene.probe.query(settled))


def pages_go_elsewhere(scene: Scene) -> bool:
    """Whether no route leads to the pager, which is still there."""
    routed = "receiver: pager" in scene.probe.alertmanager_api("status")["config"]["original"]
    return not routed and "pager" in _receivers(scene)


def pager_missing(scene: Scene) -> bool:
    """Whether there is no receiver for pages."""
    return "pager" not in _receivers(scene)


def _receivers(scene: Scene) -> list[str]:
    return [receiver["name"] for receiver in scene.probe.alertmanager_api("receivers")]


def silenced(scene: Scene) -> bool:
    """Whether a silence is active."""
    return any(silence["status"]["state"] == "active" for silence in scene.probe.alertmanager_api("silences"))


def held_back(by: str) -> Effect:
    """Return an effect: Alertmanager has an active silence, or an alert that inhibits others."""

    def effect(scene: Scene) -> bool:
        if by == "silence":
            return silenced(scene)
        return any(alert["labels"]["alertname"] == "McpDown" for alert in scene.probe.alertmanager_api("alerts"))

    return effect


def range_is_short(scene: Scene) -> bool:
    """Whether a rule over a range of one scrape is loaded, and looks well."""
    return any("[1s]" in rule["query"] and rule["health"] == "ok" for rule in scene.probe.rules())


def prometheus_gone(scene: Scene) -> bool:
    """Whether Prometheus gives no answer."""
    try:
        call(f"{scene.probe.prometheus}/-/ready", timeout=0.5)
    except ProbeFailed:
        return True
    return False


def logs(text: str, *, instance: str = "b", lines: int = 3) -> Effect:
    """Return an effect: several lines of the log hold a text; a line that is torn may tell no instance."""
    return lambda scene: sum(text in line for line in scene.logged(instance=instance)) >= lines


def torn(scene: Scene) -> bool:
    """Whether lines of the log end within."""
    return sum(not line.endswith("}") for line in scene.logged()) >= 3  # noqa: PLR2004 - one may be being written


def silent(scene: Scene) -> bool:
    """Whether the second replica has logged nothing lately, and the first has."""
    newest = {name: _last_time(scene.logged(instance=name)) for name in ("a", "b")}
    return newest["b"] < time.time() - SILENT_SECONDS < newest["a"]


def wrong_clock(scene: Scene) -> bool:
    """Whether the second replica logs at another time than the first."""
    return abs(_last_time(scene.logged(instance="a")) - _last_time(scene.logged(instance="b"))) > SILENT_SECONDS * 10


def _last_time(lines: list[str]) -> float:
    for line in reversed(lines):
        with contextlib.suppress(ValueError):
            return datetime.fromisoformat(json.loads(line)["timestamp"]).timestamp()
    return 0.0


def no_levels(scene: Scene) -> bool:
    """Whether both replicas log without levels."""
    return all(logs('"level": null', instance=name)(scene) for name in ("a", "b"))


def no_trace_ids(scene: Scene) -> bool:
    """Whether the second replica logs lines without trace ids."""
    return any("trace_id" not in line and line.endswith("}") for line in scene.logged(instance="b"))


ERRORS = holds(ERROR_RATIO + " > 0.05")
SLOW = holds(P95_SECONDS + " > 0.5")
HEARTBEAT_OLD = holds('time() - mcp_heartbeat_timestamp_seconds{{job="mcp"}} > 60')
COUNT_OLD = holds(f'time() - timestamp(mcp_vector_memory_count{{{{job="mcp"}}}}) > {STALE_SECONDS}')
FEDERATED_OLD = holds(f'time() - timestamp({FEDERATED}{{{{job="mcp-edge"}}}}) > {STALE_SECONDS}')
PUSH_OLD = holds(f'time() - push_time_seconds{{{{job="{PUSHED_JOB}"}}}} > {STALE_SECONDS}')
NOTIFICATIONS_FAIL = holds('alertmanager_notification_requests_failed_total{{integration="webhook"}} > 0')
