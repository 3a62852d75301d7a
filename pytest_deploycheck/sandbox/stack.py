"""The demo stack as a whole: start it, wait until it is really ready, break it, mend it, end it."""

from __future__ import annotations

import atexit
import contextlib
import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from pytest_deploycheck.clock import Clock, SystemClock
from pytest_deploycheck.sandbox import configs, project_cluster, readiness, tls_port
from pytest_deploycheck.sandbox.actions import Actions
from pytest_deploycheck.sandbox.config_faults import CONFIG_FAULTS
from pytest_deploycheck.sandbox.directory import WorkingDirectory
from pytest_deploycheck.sandbox.effects import Scene
from pytest_deploycheck.sandbox.fault import FEDERATION, PUSHGATEWAY, Fault
from pytest_deploycheck.sandbox.faults import find_fault
from pytest_deploycheck.sandbox.probe import Probe, ProbeFailed, call
from pytest_deploycheck.sandbox.process import SandboxError, find_program
from pytest_deploycheck.sandbox.project import write_project
from pytest_deploycheck.sandbox.servers import Servers

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

READY_SECONDS = 100.0
EFFECT_SECONDS = 60.0
# The slow exposition takes half a second and must still fit in one scrape; ages are judged at ten seconds.
SCRAPE_INTERVAL_RANGE = (0.6, 1.0)
HTTP_OK = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Urls:
    """Where everything listens.

    Attributes:
        prometheus: base URL.
        alertmanager: base URL.
        service: replica a of the demo service.
        service_b: replica b.
        receiver: the webhook receiver; `GET /hook` tells what was received.
        cluster: the Kubernetes API.
        grafana: base URL.
    """

    prometheus: str
    alertmanager: str
    service: str
    service_b: str
    receiver: str
    cluster: str
    grafana: str


class Sandbox:
    """A real Prometheus and Alertmanager, a demo service and stand-ins on loopback; a context manager.

    Args:
        faults: what is to be broken once it runs, by name.
        directory: where files and logs go, and stay; None for a temporary directory that is removed at the end.
        scrape_interval: of scrapes and rule evaluations, in seconds.
        reports: where the written configuration sends reports; into the directory if it is not given.
        clock: to wait by.

    Raises:
        SandboxError: if a fault does not exist or takes an extra that is not installed, or the interval is out of
            range.
    """

    def __init__(
        self,
        faults: Sequence[str] = (),
        *,
        directory: Path | None = None,
        scrape_interval: float = 1.0,
        reports: Path | None = None,
        clock: Clock | None = None,
    ) -> None:
        """Check the arguments; nothing is started yet."""
        low, high = SCRAPE_INTERVAL_RANGE
        if not low <= scrape_interval <= high:
            raise SandboxError(f"the scrape interval must be from {low:g} to {high:g} s, not {scrape_interval:g}")
        self._wanted = [_possible(find_fault(name)) for name in dict.fromkeys(faults)]
        self._parts = frozenset(part for fault in self._wanted for part in fault.needs)
        self._given_directory = directory
        self._scrape_interval = scrape_interval
        self._reports = reports
        self._clock = clock or SystemClock()
        self._active: dict[str, Fault] = {}
        self._working: WorkingDirectory | None = None
        self._servers: Servers | None = None
        self._actions: Actions | None = None

    def __enter__(self) -> Self:
        """Start it."""
        self.start()
        return self

    def __exit__(self, *exception: object) -> None:
        """End it."""
        self.stop()

    @property
    def directory(self) -> Path:
        """Where its files and logs are."""
        if self._working is None:
            raise SandboxError("the sandbox does not run", next_step="start() it, or use it as a context manager")
        return self._working.path

    @property
    def config_path(self) -> Path:
        """The `deploycheck.toml` for it."""
        return self.directory / "deploycheck.toml"

    @property
    def log_path(self) -> Path:
        """The demo service's JSON log."""
        return self.directory / "mcp.jsonl"

    @property
    def urls(self) -> Urls:
        """Where everything listens."""
        url = self._running.ports.url
        return Urls(
            prometheus=url("prometheus"),
            alertmanager=url("alertmanager"),
            service=url("a"),
            service_b=url("b"),
            receiver=url("receiver"),
            cluster=url("cluster"),
            grafana=url("grafana"),
        )

    @property
    def pids(self) -> dict[str, int]:
        """The process ids of what runs, by name."""
        return self._running.pids

    @property
    def active_faults(self) -> tuple[str, ...]:
        """What is broken now, in the order in which it was broken."""
        return tuple(self._active)

    @property
    def scene(self) -> Scene:
        """Raw reads of the running stack."""
        ports = self._running.ports
        probe = Probe(ports.url("prometheus"), ports.url("alertmanager"))
        return Scene(probe, ports, configs.window(self._scrape_interval), self.log_path)

    @property
    def _running(self) -> Servers:
        if self._servers is None:
            raise SandboxError("the sandbox does not run", next_step="start() it, or use it as a context manager")
        return self._servers

    def start(self) -> None:
        """Start everything, wait until it is healthy and ready, then break what is to be broken.

        Raises:
            SandboxError: if a program is missing or dies, or it does not become ready in time.
        """
        if self._servers is not None:
            raise SandboxError("the sandbox runs already", where=str(self.directory))
        programs = [find_program(name) for name in ("prometheus", "prometheus-alertmanager")]
        gateway = find_program("prometheus-pushgateway") if PUSHGATEWAY in self._parts else None
        started_at = time.time()
        self._working = WorkingDirectory(self._given_directory)
        atexit.register(self.stop)
        try:
            self._servers = Servers(
                self.directory, prometheus=programs[0], alertmanager=programs[1], gateway=gateway,
                federation=FEDERATION in self._parts, scrape_interval=self._scrape_interval, clock=self._clock,
            )  # fmt: skip
            self._servers.start()
            self._actions = Actions(self._servers)
            write_project(
                self.config_path, self._servers.ports, log=self.log_path, scrape_interval=self._scrape_interval,
                started_at=started_at, reports=self._reports,
            )  # fmt: skip
            self._wait_ready()
            for fault in self._wanted:
                self.break_(fault.name)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End everything and remove a temporary directory; does nothing if it does not run."""
        atexit.unregister(self.stop)
        self._active.clear()
        if self._actions is not None:
            self._actions.close()
            self._actions = None
        if self._servers is not None:
            self._servers.stop()
            self._servers = None
        if self._working is not None:
            self._working.release()
            self._working = None

    def break_(self, name: str) -> None:
        """Break something, and wait until it shows; does nothing if it is broken already.

        Raises:
            SandboxError: if there is no such fault, this stack or installation lacks what it needs, or it does not show
                in time.
        """
        fault = _possible(find_fault(name))
        servers = self._running
        if missing := sorted(set(fault.needs) - self._parts):
            raise SandboxError(
                f"the fault {name} needs {' and '.join(missing)}, which this stack was started without",
                next_step=f"start a sandbox with it: Sandbox([{name!r}])",
            )
        if any(switch in tls_port.SWITCHES for switch in fault.switches) and not servers.ports.tls:
            raise SandboxError(
                f"the fault {name} needs the TLS port, which needs the package cryptography",
                next_step="pip install 'pytest-deploycheck[tls]'",
            )
        if name in self._active:
            return
        self._active[name] = fault
        for switch in fault.switches:
            self._switch("POST", switch)
        if fault.changes:
            self._configure()
        for action in fault.actions:
            self._act(action, undo=False)
        scene = self.scene
        changes = {change for active in self._active.values() for change in active.changes}
        connected = "alertmanager-disconnected" not in changes
        readiness.wait_until(
            lambda: _not_yet(fault, scene, connected=connected),
            what=f"the fault {name} did not show",
            seconds=EFFECT_SECONDS,
            clock=self._clock,
            alive=servers.check_service,
        )

    def mend(self, name: str) -> None:
        """Undo `break_`; once nothing is broken any more, wait until the stack is healthy again.

        Raises:
            SandboxError: if there is no such fault, or the stack does not become healthy in time.
        """
        fault = self._active.pop(find_fault(name).name, None)
        if fault is None:
            return
        for action in reversed(fault.actions):
            self._act(action, undo=True)
        for switch in fault.switches:
            if not any(switch in other.switches for other in self._active.values()):
                self._switch("DELETE", switch)
        if fault.changes:
            self._configure()
        if not self._active:
            self._wait_ready()

    def mend_all(self) -> None:
        """Undo everything that is broken."""
        for name in reversed(self.active_faults):
            self.mend(name)

    def received(self) -> dict[str, list[object]]:
        """Return what Alertmanager has sent, by receiver, oldest first.

        Raises:
            SandboxError: if the receiver does not answer.
        """
        try:
            found: dict[str, list[object]] = json.loads(call(f"{self.urls.receiver}/hook").body)
        except ProbeFailed as error:
            raise SandboxError(f"the webhook receiver does not answer: {error}") from None
        return found

    def _wait_ready(self) -> None:
        servers, scene = self._running, self.scene
        configuration = self._configuration()
        jobs = {job["job_name"]: 1 for job in configuration.prometheus["scrape_configs"]} | {"mcp": 2}
        rules = sum(len(group["rules"]) for group in configuration.rules["groups"])
        readiness.wait_until(
            lambda: readiness.unmet(scene, jobs, rules),
            what="the sandbox did not become ready",
            seconds=READY_SECONDS + 10 * self._scrape_interval,
            clock=self._clock,
            alive=servers.check,
        )

    def _configuration(self) -> configs.Configuration:
        configuration = configs.healthy(self._running.ports, self._scrape_interval)
        for fault in self._active.values():
            for change in fault.changes:
                CONFIG_FAULTS[change](configuration)
        return configuration

    def _configure(self) -> None:
        changed = configs.write(self.directory, self._configuration())
        ports = self._running.ports
        if changed & {configs.PROMETHEUS_FILE, configs.RULE_FILE}:
            self._reload(ports.url("prometheus"), fails="reload-failed" in self._active)
        if configs.ALERTMANAGER_FILE in changed:
            self._reload(ports.url("alertmanager"), fails=False)

    def _reload(self, url: str, *, fails: bool) -> None:
        # A server that is down or frozen just now reads its files when it comes back.
        with contextlib.suppress(ProbeFailed):
            answer = call(f"{url}/-/reload", "POST", body=b"", timeout=10.0)
            if (answer.status == HTTP_OK) == fails:
                raise SandboxError(
                    f"a reload answered {answer.status}",
                    where=url,
                    details=answer.body.decode("utf-8", "replace").splitlines(),
                )

    def _switch(self, method: str, name: str) -> None:
        try:
            answer = call(f"{self.urls.receiver}/-/fault/{name}", method)
        except ProbeFailed as error:
            self._running.check_service()
            raise SandboxError(f"the demo service does not take the switch {name}: {error}") from None
        if answer.status != HTTP_OK:
            raise SandboxError(f"the demo service refuses the switch {name}: {answer.body.decode('utf-8', 'replace')}")

    def _act(self, name: str, *, undo: bool) -> None:
        if self._actions is None:  # only while it stops
            return
        (self._actions.undo if undo else self._actions.do)(name)


def _possible(fault: Fault) -> Fault:
    if fault.extra == project_cluster.EXTRA and not project_cluster.has_client():
        raise SandboxError(f"the fault {fault.name} {project_cluster.NEEDS_EXTRA}")
    return fault


def _not_yet(fault: Fault, scene: Scene, *, connected: bool) -> str:
    try:
        if not fault.effect(scene):
            return f"not seen yet: {fault.summary}"
        return readiness.reloaded(scene, connected=connected) if fault.changes else ""
    except ProbeFailed as error:
        return str(error)
