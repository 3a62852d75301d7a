"""The demo stack with its real servers: it starts ready, ends without a trace, breaks and mends."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_deploycheck.clock import SystemClock
from pytest_deploycheck.sandbox import configs, readiness, servers
from pytest_deploycheck.sandbox.config_faults import CONFIG_FAULTS
from pytest_deploycheck.sandbox.directory import LOCK, WorkingDirectory, remove_stale
from pytest_deploycheck.sandbox.faults import FAULTS
from pytest_deploycheck.sandbox.process import Child, SandboxError, free_port
from pytest_deploycheck.sandbox.project import write_project
from pytest_deploycheck.sandbox.readiness import wait_until
from pytest_deploycheck.sandbox.stack import Sandbox
from pytest_deploycheck.sandbox.standins import STAND_IN_FAULTS
from pytest_deploycheck.sandbox.switches import SERVICE_FAULTS
from pytest_deploycheck.settings.models import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]
JOBS = {"mcp": 2, "prometheus": 1, "alertmanager": 1}
RULES = 10
PORTS = configs.Ports(
    prometheus=20001, alertmanager=20002, a=20003, b=20004, edge=20005, receiver=20006, cluster=20007, grafana=20008
)

KILLED_OWNER = """
import json, sys, threading
sys.path.append(sys.argv[1])
from pytest_deploycheck.sandbox.stack import Sandbox
with Sandbox() as sandbox:
    print(json.dumps({"pids": sandbox.pids, "directory": str(sandbox.directory)}), flush=True)
    threading.Event().wait()
"""


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"  # a zombie has ended, and waits for init to take note


def wait_for(condition: Callable[[], bool], what: str) -> None:
    wait_until(lambda: "" if condition() else "not yet", what=what, seconds=15, clock=SystemClock())


def unmet(sandbox: Sandbox) -> str:
    return readiness.unmet(sandbox.scene, JOBS, RULES)


# --- a healthy stack -------------------------------------------------------------------------------------------------


def test_it_is_ready_when_it_has_started(sandbox: Sandbox) -> None:
    assert unmet(sandbox) == ""
    assert sandbox.active_faults == ()
    assert set(sandbox.pids) == {"service", "prometheus", "alertmanager"}


def test_its_configuration_is_one_that_we_accept(sandbox: Sandbox) -> None:
    settings = Settings.model_validate(tomllib.loads(sandbox.config_path.read_text()))
    environment = settings.environments["sandbox"]
    assert environment.prometheus is not None
    assert environment.prometheus.url == sandbox.urls.prometheus
    assert [service.url for service in environment.services.values()] == [sandbox.urls.service, sandbox.urls.service_b]
    assert environment.logs["mcp"].file == sandbox.log_path
    assert settings.deployment.version == "1.4.2"
    loaded = {rule["name"] for rule in sandbox.scene.probe.rules()}
    assert {rule.name for rule in settings.rules} == loaded


def test_an_alert_travels_from_the_service_to_the_receiver(broken_sandbox: Callable[..., Sandbox]) -> None:
    sandbox = broken_sandbox("alert-firing")
    wait_for(lambda: "chat" in sandbox.received(), "no notification came")
    payload = json.loads(json.dumps(sandbox.received()["chat"][0]))
    assert payload["receiver"] == "chat"
    assert payload["alerts"][0]["labels"]["alertname"] == "McpQueueBacklog"


# --- faults ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "service-down", "wrong-version", "metrics-empty", "series-gone", "alert-storm", "alert-pending", "frozen-gauge",
        "rule-missing", "rule-error", "rules-empty", "reload-failed", "route-wrong", "receiver-missing", "silence-all",
        "alertmanager-down", "prometheus-hangs",
    ],
)  # fmt: skip
def test_faults_show_and_go_away(sandbox: Sandbox, name: str) -> None:
    fault = FAULTS[name]
    try:
        sandbox.break_(name)
        sandbox.break_(name)  # a second time changes nothing
        assert sandbox.active_faults == (name,)
        assert fault.effect(sandbox.scene)
        assert unmet(sandbox) != ""
    finally:
        sandbox.mend(name)
    assert unmet(sandbox) == ""


def test_a_stack_can_be_started_broken_in_several_ways(tmp_path: Path) -> None:
    with Sandbox(["rule-missing", "health-503"], directory=tmp_path / "kept") as sandbox:
        assert sandbox.active_faults == ("rule-missing", "health-503")
        assert sandbox.scene.get("/health").status == 503
        assert len(sandbox.scene.probe.rules()) == RULES - 1
        log = sandbox.log_path
    assert log.exists()  # a directory that was given is kept


def test_federated_series_outlive_their_source(broken_sandbox: Callable[..., Sandbox]) -> None:
    sandbox = broken_sandbox("federation-dead")
    assert "source" in sandbox.pids
    assert len(sandbox.scene.probe.query('mcp_uptime_seconds{job="mcp-edge"}')) == 1
    with pytest.raises(SandboxError) as error:
        sandbox.break_("pushgateway-old")
    assert str(error.value) == (
        "the fault pushgateway-old needs pushgateway, which this stack was started without\n"
        "  next: start a sandbox with it: Sandbox(['pushgateway-old'])"
    )


def test_every_fault_says_what_it_is_and_is_made_of_things_that_exist() -> None:
    for name, fault in FAULTS.items():
        assert name == fault.name
        assert fault.switches or fault.changes or fault.actions
        assert set(fault.switches) <= {*SERVICE_FAULTS, *STAND_IN_FAULTS}
        assert set(fault.changes) <= set(CONFIG_FAULTS)
    used = {switch for fault in FAULTS.values() for switch in fault.switches}
    assert used == {*SERVICE_FAULTS, *STAND_IN_FAULTS}
    assert {change for fault in FAULTS.values() for change in fault.changes} == set(CONFIG_FAULTS)


def test_without_the_official_client_the_cluster_is_left_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def written() -> dict[str, Any]:
        write_project(
            tmp_path / "deploycheck.toml", PORTS, log=tmp_path / "mcp.jsonl", scrape_interval=1.0, started_at=0.0
        )
        return tomllib.loads((tmp_path / "deploycheck.toml").read_text())

    kubeconfig = tmp_path / "kubeconfig"
    whole = written()
    assert whole["environments"]["sandbox"]["kubernetes"]["kubeconfig"] == str(kubeconfig)
    kubeconfig.unlink()
    monkeypatch.setitem(sys.modules, "kubernetes", None)
    rest = written()
    assert not kubeconfig.exists()
    assert "kubernetes" not in rest["environments"]["sandbox"]
    assert whole.keys() - rest.keys() == {"cluster", "workloads", "permissions", "secrets", "config_maps"}
    with pytest.raises(SandboxError) as error:
        Sandbox(["wrong-version", "node-down"])
    assert str(error.value) == (
        "the fault node-down needs the extra kubernetes: pip install 'pytest-deploycheck[kubernetes]'"
    )


@pytest.mark.parametrize("name", [None, *CONFIG_FAULTS])
def test_configurations_are_valid_where_they_are_meant_to_be(tmp_path: Path, name: str | None) -> None:
    configuration = configs.healthy(PORTS, 1.0)
    if name is not None:
        CONFIG_FAULTS[name](configuration)
    assert configs.write(tmp_path, configuration) == {"prometheus.yml", "rules.yml", "targets.json", "alertmanager.yml"}
    assert configs.write(tmp_path, configuration) == set()
    prometheus = subprocess.run(
        ["promtool", "check", "config", tmp_path / "prometheus.yml"], capture_output=True, check=False
    )
    alertmanager = subprocess.run(
        ["amtool", "check-config", tmp_path / "alertmanager.yml"], capture_output=True, check=False
    )
    assert prometheus.returncode == (1 if name == "reload-failed" else 0)
    assert alertmanager.returncode == 0


# --- its end ---------------------------------------------------------------------------------------------------------


def test_nothing_is_left_when_it_ends_and_the_starting_thread_may_end_before() -> None:
    sandbox = Sandbox()
    thread = threading.Thread(target=sandbox.start)
    thread.start()
    thread.join()
    pids, directory = sandbox.pids, sandbox.directory
    assert unmet(sandbox) == ""
    with pytest.raises(SandboxError, match="the sandbox runs already"):
        sandbox.start()
    sandbox.stop()
    assert [pid for pid in pids.values() if alive(pid)] == []
    assert not directory.exists()
    sandbox.stop()
    with pytest.raises(SandboxError, match="the sandbox does not run"):
        _ = sandbox.urls


def test_nothing_runs_on_when_the_owner_is_killed(tmp_path: Path) -> None:
    owner = subprocess.Popen(
        [sys.executable, "-c", KILLED_OWNER, str(ROOT)],
        stdout=subprocess.PIPE,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )
    with owner:
        assert owner.stdout is not None
        told = json.loads(owner.stdout.readline())
        assert all(alive(pid) for pid in told["pids"].values())
        assert remove_stale(tmp_path, grace=0) == []
        owner.send_signal(signal.SIGKILL)
    wait_for(lambda: not any(alive(pid) for pid in told["pids"].values()), "the servers did not die")
    assert remove_stale(tmp_path) == []  # too young to be called stale
    assert remove_stale(tmp_path, grace=0) == [Path(told["directory"])]
    assert list(tmp_path.iterdir()) == []


# --- bad input and bad luck ------------------------------------------------------------------------------------------


def test_a_taken_port_is_replaced(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ports = [taken.getsockname()[1], free_port()]
        monkeypatch.setattr(servers, "free_port", lambda: ports.pop(0) if ports else free_port())
        stack = servers.Servers(
            tmp_path, prometheus="prometheus", alertmanager="prometheus-alertmanager", gateway=None, federation=False,
            scrape_interval=1.0, clock=SystemClock(),
        )  # fmt: skip
        try:
            stack.start()
            assert stack.ports.prometheus != taken.getsockname()[1]
            stack.check()
        finally:
            stack.stop()


def test_a_missing_program_names_its_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SandboxError) as error:
        Sandbox().start()
    assert str(error.value) == (
        "the program prometheus is not installed\n"
        f"  at: PATH={tmp_path}\n"
        "  next: on Debian or Ubuntu: apt-get install prometheus prometheus-alertmanager"
    )


def test_a_process_that_dies_shows_its_last_lines(tmp_path: Path) -> None:
    child = Child("server", ["sh", "-c", "echo one; echo two >&2; exit 3"], tmp_path / "server.log")
    child.start()
    wait_for(lambda: not child.running, "it did not end")
    with pytest.raises(SandboxError) as error:
        child.check()
    assert str(error.value) == (
        "server ended with code 3\n"
        "  at: sh -c echo one; echo two >&2; exit 3\n"
        "  its last log lines:\n"
        "    one\n"
        "    two\n"
        f"  next: the whole log is {tmp_path / 'server.log'}"
    )


def test_unknown_faults_and_intervals_are_refused() -> None:
    with pytest.raises(SandboxError) as error:
        Sandbox(["wrong-versoin"])
    assert str(error.value) == (
        "there is no fault 'wrong-versoin'\n"
        "  at: --fault\n"
        "  did you mean wrong-version?\n"
        "  next: `deploycheck sandbox --list-faults` lists them all"
    )
    with pytest.raises(SandboxError, match=r"the scrape interval must be from 0\.6 to 1 s, not 30"):
        Sandbox(scrape_interval=30)


def test_directories_of_others_are_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SandboxError) as error:
        WorkingDirectory(tmp_path)
    assert str(error.value) == (
        "the directory is not empty, and no sandbox made what is in it\n"
        f"  at: {tmp_path}\n"
        "  next: give a new or an empty directory"
    )
    with pytest.raises(SandboxError, match="not a directory"):
        WorkingDirectory(tmp_path / "file")
    with pytest.raises(SandboxError, match="the directory cannot be used: Not a directory"):
        WorkingDirectory(tmp_path / "file" / "below")
    first = WorkingDirectory(tmp_path / "new")
    with pytest.raises(SandboxError, match="the directory is in use by another sandbox"):
        WorkingDirectory(tmp_path / "new")
    first.release()
    assert (tmp_path / "new" / LOCK).exists()
    WorkingDirectory(tmp_path / "new").release()
