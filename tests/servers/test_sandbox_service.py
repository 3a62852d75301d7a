"""The demo service by itself: what it answers when it is well, and with each of its switches."""

from __future__ import annotations

import json
import re
import time
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from pytest_deploycheck.clock import SystemClock
from pytest_deploycheck.sandbox.configs import Ports
from pytest_deploycheck.sandbox.probe import Answer, ProbeFailed, call
from pytest_deploycheck.sandbox.readiness import wait_until
from pytest_deploycheck.sandbox.servers import Servers
from pytest_deploycheck.sandbox.standins import STAND_IN_FAULTS
from pytest_deploycheck.sandbox.switches import SERVICE_FAULTS, Switches

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Eventually = Callable[[Callable[[], bool]], None]


class Service:
    """The running service."""

    def __init__(self, servers: Servers, told: dict[str, int], directory: Path) -> None:
        self.servers = servers
        self.ports = Ports(prometheus=0, alertmanager=0, **told)
        self.log = directory / "mcp.jsonl"

    def get(self, path: str, *, instance: str = "b", method: str = "GET", timeout: float = 5.0) -> Answer:
        return call(self.ports.url(instance) + path, method, timeout=timeout)

    def switch(self, method: str, name: str) -> Answer:
        return self.get(f"/-/fault/{name}", instance="receiver", method=method)

    def samples(self, *, instance: str = "b") -> dict[tuple[str, tuple[tuple[str, str], ...]], tuple[float, Any]]:
        text = self.get("/metrics", instance=instance).body.decode()
        return {
            (sample.name, tuple(sorted(sample.labels.items()))): (sample.value, sample.timestamp)
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }

    def value(self, name: str, *, instance: str = "b") -> float:
        return self.samples(instance=instance)[name, ()][0]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    directory = tmp_path_factory.mktemp("service")
    servers = Servers(
        directory,
        prometheus="prometheus",
        alertmanager="prometheus-alertmanager",
        gateway=None,
        federation=False,
        scrape_interval=1.0,
        clock=SystemClock(),
    )
    try:
        yield Service(servers, servers.start_service(), directory)
    finally:
        servers.stop()


@pytest.fixture
def service(running: Service) -> Iterator[Service]:
    yield running
    for name in running.switch("GET", "").json():
        running.switch("DELETE", name)


@pytest.fixture
def eventually() -> Eventually:
    def wait(condition: Callable[[], bool]) -> None:
        wait_until(lambda: "" if condition() else "not yet", what="it did not come", seconds=10, clock=SystemClock())

    return wait


def test_a_well_service_answers_as_its_configuration_expects(service: Service) -> None:
    for instance in ("a", "b"):
        assert service.get("/health", instance=instance).json() == {
            "status": "healthy", "version": "1.4.2", "instance": instance,
        }  # fmt: skip
        assert service.get("/healthz", instance=instance).body == b"ok\n"
        assert service.get("/ready", instance=instance).json() == {"status": "ready"}
        assert service.get("/api/v1/info", instance=instance).json() == {
            "service": "mcp", "instance": instance, "version": "1.4.2", "revision": "9f3c1d07a5be",
        }  # fmt: skip
        assert service.get("/api/v1/ping", instance=instance).json() == {"result": "ok"}
    assert service.get("/db-check").json()["dependencies"] == [
        {"name": "postgres", "status": "ok"}, {"name": "redis", "status": "ok"},
    ]  # fmt: skip
    assert service.get("/cache-check").json()["status"] == "healthy"


def test_wrong_requests_are_refused(service: Service) -> None:
    missing, forbidden = service.get("/nothing"), service.get("/health", method="DELETE")
    assert (missing.status, missing.json()) == (404, {"error": "there is no /nothing"})
    assert (forbidden.status, forbidden.json()) == (405, {"error": "DELETE is not allowed on /health"})
    unknown = service.switch("POST", "nonsense")
    assert (unknown.status, unknown.json()["error"]) == (404, "there is no fault nonsense")
    assert unknown.json()["faults"] == sorted((*SERVICE_FAULTS, *STAND_IN_FAULTS))
    wrong = call(service.ports.url("receiver") + "/hook/pager", "POST", body=b"{")
    assert (wrong.status, wrong.json()) == (400, {"error": "not JSON"})


def test_the_exposition_has_more_than_fifty_families_and_counters_from_the_start(service: Service) -> None:
    families = list(text_string_to_metric_families(service.get("/metrics").body.decode()))
    assert len([family for family in families if family.name.startswith("mcp_")]) > 50
    samples = service.samples()
    assert samples["mcp_errors_total", (("kind", "internal"),)] == (0.0, None)
    assert samples["mcp_parser_failures_total", ()] == (0.0, None)
    assert samples["mcp_build_info", (("revision", "9f3c1d07a5be"), ("version", "1.4.2"))] == (1.0, None)
    assert time.time() - samples["mcp_heartbeat_timestamp_seconds", ()][0] < 5
    assert time.time() - samples["mcp_vector_memory_count", ()][1] < 5


def test_a_session_is_counted_and_its_correlation_id_comes_back_and_is_logged(service: Service) -> None:
    before = service.value("mcp_journal_sessions_total", instance="a")
    created = service.get("/sessions", instance="a", method="POST")
    assert created.status == 201
    correlation = created.json()["correlation_id"]
    assert service.value("mcp_journal_sessions_total", instance="a") >= before + 1
    assert service.get("/sessions", instance="a").json()["sessions"][-1]["id"] == created.json()["id"]
    lines = [json.loads(line) for line in service.log.read_text().splitlines()]
    line = next(line for line in lines if line["correlation_id"] == correlation)
    assert (line["level"], line["message"], line["instance"]) == ("INFO", "POST /sessions 201", "a")
    assert re.fullmatch(r"[0-9a-f]{32}", line["trace_id"])


def test_background_traffic_moves_the_counters(service: Service, eventually: Eventually) -> None:
    before = service.value("mcp_journal_sessions_total")
    eventually(lambda: service.value("mcp_journal_sessions_total") > before)


def test_notifications_are_kept_by_receiver(service: Service) -> None:
    url = service.ports.url("receiver") + "/hook"
    assert call(f"{url}/pager", "POST", body=b'{"status": "firing"}').status == 200
    assert call(url).json() == {"pager": [{"status": "firing"}]}
    service.switch("POST", "receiver-fails")
    assert call(f"{url}/pager", "POST", body=b"{}").status == 500
    call(url, "DELETE")
    assert call(url).json() == {}


@pytest.mark.parametrize(
    ("switch", "path", "status", "body"),
    [
        ("health-unhealthy", "/health", 200, {"status": "degraded"}),
        ("health-503", "/health", 503, {"status": "unhealthy"}),
        ("wrong-version", "/health", 200, {"version": "1.4.1"}),
        ("wrong-version", "/api/v1/info", 200, {"version": "1.4.1", "revision": "000000000000"}),
        ("dependency-down", "/db-check", 200, {"status": "degraded"}),
        ("ping-fails", "/api/v1/ping", 200, {"result": "error"}),
    ],
)
def test_switches_of_the_endpoints_strike_replica_b_alone(
    service: Service, switch: str, path: str, status: int, body: dict[str, str]
) -> None:
    healthy = service.get(path, instance="a").json()
    service.switch("POST", switch)
    answer = service.get(path)
    assert answer.status == status
    assert {key: answer.json()[key] for key in body} == body
    assert service.get(path, instance="a").json() == healthy
    service.switch("DELETE", switch)
    assert service.get(path).status == 200


def test_a_login_redirect_leads_to_a_page(service: Service) -> None:
    service.switch("POST", "login-redirect")
    assert service.get("/health").status == 302
    assert b"Sign in" in service.get("/login").body
    assert service.get("/metrics").body.startswith(b"# HELP mcp_")


def test_a_dead_replica_refuses_and_comes_back_on_its_port(service: Service) -> None:
    service.switch("POST", "service-down")
    with pytest.raises(ProbeFailed, match="Connection refused"):
        service.get("/health")
    assert service.get("/health", instance="a").status == 200
    service.switch("DELETE", "service-down")
    assert service.get("/health").status == 200


def test_a_hanging_replica_accepts_and_never_answers(service: Service) -> None:
    service.switch("POST", "service-hangs")
    with pytest.raises(ProbeFailed, match="timed out"):
        service.get("/health", timeout=0.3)
    assert service.get("/health", instance="a").status == 200
    service.switch("DELETE", "service-hangs")
    assert service.get("/health").status == 200


@pytest.mark.parametrize(
    ("switch", "path", "seconds"), [("health-slow", "/health", 1.5), ("slow-metrics", "/metrics", 0.5)]
)
def test_slow_answers_take_their_time_and_are_right(service: Service, switch: str, path: str, seconds: float) -> None:
    service.switch("POST", switch)
    started = time.monotonic()
    assert service.get(path).status == 200
    assert time.monotonic() - started >= seconds


@pytest.mark.parametrize(
    ("switch", "status", "beginning"),
    [("metrics-empty", 200, b""), ("metrics-html", 200, b"<!DOCTYPE html>"), ("metrics-500", 500, b"internal error\n")],
)
def test_broken_expositions(service: Service, switch: str, status: int, beginning: bytes) -> None:
    service.switch("POST", switch)
    answer = service.get("/metrics")
    assert answer.status == status
    assert answer.body.startswith(beginning)
    assert (answer.body == b"") == (switch == "metrics-empty")
    assert service.get("/metrics", instance="a").body.startswith(b"# HELP mcp_")


def test_few_missing_and_unlabelled_series(service: Service) -> None:
    service.switch("POST", "metrics-few")
    assert {name for name, _ in service.samples()} == {"mcp_build_info", "mcp_uptime_seconds", "mcp_threads"}
    service.switch("DELETE", "metrics-few")
    service.switch("POST", "series-gone")
    assert ("mcp_db_connections_active", ()) not in service.samples()
    assert ("mcp_db_connections_active", ()) in service.samples(instance="a")
    service.switch("POST", "counter-missing")
    assert not [name for name, _ in service.samples() if name == "mcp_errors_total"]
    requests = "mcp_http_requests_total"
    routed = sum(value for (name, _), (value, _) in service.samples().items() if name == requests)
    service.switch("POST", "label-missing")
    unlabelled = {labels: value for (name, labels), (value, _) in service.samples().items() if name == requests}
    assert {label for labels in unlabelled for label, _ in labels} == {"code"}
    assert sum(unlabelled.values()) >= routed


def test_frozen_values_stand_still_and_go_on(service: Service, eventually: Eventually) -> None:
    for switch in ("heartbeat-frozen", "sessions-frozen", "count-timestamps-frozen"):
        service.switch("POST", switch)
    before, uptime = service.samples(), service.value("mcp_uptime_seconds")
    eventually(lambda: service.value("mcp_uptime_seconds") > uptime)
    after = service.samples()
    for name in ("mcp_heartbeat_timestamp_seconds", "mcp_journal_sessions_total", "mcp_vector_memory_count"):
        assert after[name, ()] == before[name, ()]
    assert time.time() - after["mcp_heartbeat_timestamp_seconds", ()][0] > 100
    assert time.time() - after["mcp_vector_memory_count", ()][1] > 100
    for switch in ("heartbeat-frozen", "sessions-frozen", "count-timestamps-frozen"):
        service.switch("DELETE", switch)
    assert time.time() - service.value("mcp_heartbeat_timestamp_seconds") < 5
    assert time.time() - service.samples()["mcp_vector_memory_count", ()][1] < 5
    assert service.value("mcp_journal_sessions_total") >= before["mcp_journal_sessions_total", ()][0]


def test_traffic_and_load_go_wrong(service: Service, eventually: Eventually) -> None:
    for switch in ("requests-fail", "requests-slow", "queue-backlog", "disk-filling", "shards-lagging"):
        service.switch("POST", switch)
    eventually(lambda: service.value("mcp_queue_depth") == 5000)
    eventually(lambda: service.samples()["mcp_errors_total", (("kind", "internal"),)][0] > 0)
    samples = service.samples()
    assert samples["mcp_disk_used_ratio", ()][0] > 0.9
    assert sum(value > 60 for (name, _), (value, _) in samples.items() if name == "mcp_shard_lag_seconds") > 10
    assert service.value("mcp_queue_depth", instance="a") < 1000


def test_every_switch_strikes_instances_that_exist() -> None:
    switches = Switches()
    for name, instances in SERVICE_FAULTS.items():
        switches.turn_on(name)
        assert [instance for instance in ("a", "b", "edge") if switches.on(name, instance)] == list(instances)
        switches.turn_off(name)
    assert switches.active() == {}
    with pytest.raises(KeyError, match="nonsense"):
        switches.turn_on("nonsense")
