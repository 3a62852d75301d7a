"""When the stack is really ready: scraped, evaluated, connected, with enough history, and nothing wrong in it.

A Prometheus that calls itself ready has no targets for up to five seconds, then targets without samples, then counters
without rates (`all()` over any of these is true). A run against such a stack would rightly not say GO, so nobody gets
the stack before.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from pytest_deploycheck.sandbox.configs import ERROR_RATIO, FEDERATED, P95_SECONDS, PARSER_FAILURE_RATIO, PUSHED_JOB
from pytest_deploycheck.sandbox.effects import STALE_SECONDS, Scene, pager_missing, pages_go_elsewhere
from pytest_deploycheck.sandbox.probe import ProbeFailed, call
from pytest_deploycheck.sandbox.process import SandboxError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pytest_deploycheck.clock import Clock

POLL_SECONDS = 0.1
HTTP_OK = 200
MIN_SCRAPES = 3
NOTIFICATION_WINDOW = "60s"
"""How long a failed notification counts; the written `deploycheck.toml` says the same."""

_FRESH = f"< {STALE_SECONDS / 2:g}"
# Expression → why the stack is not ready while it has no series.
_REQUIRED = {
    f"count(count_over_time(up[{{window}}]) >= {MIN_SCRAPES}) == count(up)": "a target was scraped too seldom",
    'count(rate(mcp_http_requests_total{{job="mcp",code="200"}}[{window}]) > 0) == 6': "there are no request rates yet",
    'count(increase(mcp_journal_sessions_total{{job="mcp"}}[{window}]) > 0) == 2': "the session counters stand still",
    f"count({PARSER_FAILURE_RATIO} < 0.5) >= 2": "the parser's failure ratio has no value yet",
    f'({ERROR_RATIO} <= 0.001) and on (job) up{{{{job="mcp"}}}}': "requests have failed within the window",
    f'({P95_SECONDS} < 0.1) and on (job) up{{{{job="mcp"}}}}': "requests were slow within the window",
    f'count(time() - timestamp(mcp_vector_memory_count{{{{job="mcp"}}}}) {_FRESH}) == 2': "a batch gauge is old",
    f'count(time() - timestamp(mcp_vector_memory_bytes{{{{job="mcp"}}}}) {_FRESH}) == 2': "a batch gauge is old",
    f'count(time() - mcp_heartbeat_timestamp_seconds{{{{job="mcp"}}}} {_FRESH}) == 2': "a heartbeat is old",
    f'count(time() - mcp_vector_refresh_timestamp_seconds{{{{job="mcp"}}}} {_FRESH}) == 2': "a batch time is old",
    'count(mcp_build_info{{job="mcp",version="1.4.2"}}) == 2': "not every replica runs the new version",
    'count(mcp_db_connections_active{{job="mcp"}}) == 2': "a replica lacks a series",
    'count(mcp_errors_total{{job="mcp"}}) == 6': "a replica lacks its error counters",
    'count(mcp_http_requests_total{{job="mcp",route!=""}}) >= 12': "a replica lacks labels",
    'count(scrape_duration_seconds{{job="mcp"}} < 0.4) == 2': "a replica's metrics are slow",
    f"sum(increase(alertmanager_notification_requests_failed_total[{NOTIFICATION_WINDOW}])) == 0": "notifications fail",
    f"sum(increase(prometheus_notifications_dropped_total[{NOTIFICATION_WINDOW}])) == 0": "alerts were dropped",
    f"sum(increase(prometheus_notifications_errors_total[{NOTIFICATION_WINDOW}])) == 0": "Alertmanager was not reached",
}
_FEDERATED = f'count(time() - timestamp({FEDERATED}{{{{job="mcp-edge"}}}}) {_FRESH}) == 1'
_PUSHED = f'count(time() - push_time_seconds{{{{job="{PUSHED_JOB}"}}}} {_FRESH}) == 1'


def unmet(scene: Scene, jobs: Mapping[str, int], rules: int) -> str:
    """Return the first thing that keeps the stack from being healthy and ready; empty if nothing does.

    Args:
        scene: where to look.
        jobs: how many targets each job must have.
        rules: how many rules must be loaded.
    """
    conditions: tuple[Callable[[], str], ...] = (
        lambda: _servers(scene),
        lambda: _targets(scene, jobs),
        lambda: _series(scene),
        lambda: _rules(scene, rules),
        lambda: _alerting(scene),
        lambda: _replicas(scene),
    )
    try:
        return next((reason for condition in conditions if (reason := condition())), "")
    except ProbeFailed as error:
        return str(error)


def reloaded(scene: Scene, *, connected: bool) -> str:
    """Return why a reload of Prometheus is not over yet; empty if it is.

    It forgets its Alertmanagers, and finds them again within five seconds; new rules have not been evaluated at first.

    Args:
        scene: where to look.
        connected: whether an Alertmanager is configured at all.
    """
    if connected and not scene.probe.alertmanagers():
        return "Prometheus has not discovered Alertmanager again"
    return "a rule was not evaluated yet" if any(r["health"] == "unknown" for r in scene.probe.rules()) else ""


def wait_until(
    reason: Callable[[], str], *, what: str, seconds: float, clock: Clock, alive: Callable[[], None] = lambda: None
) -> None:
    """Wait until there is no reason any more.

    Args:
        reason: why not yet; empty when it is so.
        what: completes "… within 30 s" in the message.
        seconds: the longest wait.
        clock: to wait by.
        alive: called at each turn; raises if waiting has become pointless.

    Raises:
        SandboxError: if it is not so in time; the text has the last reason.
    """
    deadline = clock.monotonic() + seconds
    while last := reason():
        alive()
        if clock.monotonic() >= deadline:
            raise SandboxError(f"{what} within {seconds:g} s", details=[f"because: {last}"])
        clock.sleep(POLL_SECONDS)


def _servers(scene: Scene) -> str:
    for name, url in (("Prometheus", scene.probe.prometheus), ("Alertmanager", scene.probe.alertmanager)):
        if call(f"{url}/-/ready").status != HTTP_OK:
            return f"{name} is not ready"
    return "" if scene.probe.reload_succeeded() else "Prometheus's last reload failed"


def _targets(scene: Scene, jobs: Mapping[str, int]) -> str:
    targets = scene.probe.targets()
    counts = Counter(target["labels"]["job"] for target in targets)
    if counts != Counter(jobs):
        return f"targets by job are {dict(counts)}, not {dict(jobs)}"
    for target in targets:
        if target["health"] != "up":
            return f"target {target['scrapeUrl']} is {target['health']}: {target['lastError'] or 'never scraped'}"
    return ""


def _series(scene: Scene) -> str:
    required = dict(_REQUIRED)
    if scene.ports.source:
        required[_FEDERATED] = "the federated series is not there yet"
    if scene.ports.pushgateway:
        required[_PUSHED] = "nothing recent was pushed"
    for expression, reason in required.items():
        if not scene.probe.query(expression.format(window=scene.window)):
            return reason
    return ""


def _rules(scene: Scene, expected: int) -> str:
    rules = scene.probe.rules()
    if len(rules) != expected:
        return f"{len(rules)} rules are loaded, not {expected}"
    for rule in rules:
        if rule["health"] != "ok":
            return f"rule {rule['name']} is {rule['health']}: {rule.get('lastError') or 'never evaluated'}"
        if rule.get("state", "inactive") != "inactive":
            return f"alert {rule['name']} is {rule['state']}"
    return ""


def _alerting(scene: Scene) -> str:
    if not scene.probe.alertmanagers():
        return "Prometheus has not discovered Alertmanager"
    if pager_missing(scene) or pages_go_elsewhere(scene):
        return "pages do not reach the pager"
    if active := scene.probe.alertmanager_api("alerts?active=true"):
        return f"Alertmanager has {len(active)} alerts"
    silences = scene.probe.alertmanager_api("silences")
    return "a silence is active" if any(silence["status"]["state"] != "expired" for silence in silences) else ""


def _replicas(scene: Scene) -> str:
    for instance in ("a", "b"):
        answer = scene.get("/health", instance=instance)
        if answer.status != HTTP_OK or answer.json()["status"] != "healthy":
            return f"replica {instance} is not healthy"
    return ""
