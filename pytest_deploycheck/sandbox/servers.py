"""The stack's servers as processes on ports of their own."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_deploycheck.sandbox import configs
from pytest_deploycheck.sandbox.probe import ProbeFailed, call
from pytest_deploycheck.sandbox.process import Child, SandboxError, free_port
from pytest_deploycheck.sandbox.readiness import wait_until
from pytest_deploycheck.sandbox.service import PORTS_FILE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_deploycheck.clock import Clock

PORT_ATTEMPTS = 5
START_SECONDS = 30.0
PACKAGE_ROOT = Path(__file__).parents[2]
# Appended to the path: the package need not be installed, and shadows nothing when it is.
RUN_SERVICE = """
import sys
sys.path.append(sys.argv.pop(1))
from pytest_deploycheck.sandbox.service import main
sys.exit(main())
"""
HTTP_OK = 200


class PortTaken(SandboxError):  # noqa: N818 - a reason to choose again
    """Somebody else took a port between our choosing it and the server's binding it."""


class Servers:
    """Prometheus, Alertmanager, the demo service, and what some faults need besides.

    Args:
        directory: where configurations, data and logs go.
        prometheus: the program.
        alertmanager: the program.
        gateway: the Pushgateway's program, if the stack is to have one.
        federation: whether to run a second Prometheus from which the first federates.
        scrape_interval: in seconds.
        clock: to wait by.
    """

    def __init__(
        self,
        directory: Path,
        *,
        prometheus: str,
        alertmanager: str,
        gateway: str | None,
        federation: bool,
        scrape_interval: float,
        clock: Clock,
    ) -> None:
        """Remember what to run; nothing is started yet."""
        self._directory = directory
        self._programs = {"prometheus": prometheus, "alertmanager": alertmanager}
        if federation:
            self._programs["source"] = prometheus
        if gateway is not None:
            self._programs["pushgateway"] = gateway
        self._scrape_interval = scrape_interval
        self._clock = clock
        self._service = self._child(
            "service", [sys.executable, "-c", RUN_SERVICE, str(PACKAGE_ROOT), "--directory", str(directory)]
        )
        self._children: dict[str, Child] = {}
        self._ports: configs.Ports | None = None

    @property
    def ports(self) -> configs.Ports:
        """Where everything listens."""
        if self._ports is None:
            raise SandboxError("the sandbox does not run")
        return self._ports

    @property
    def pids(self) -> dict[str, int]:
        """The process ids of what runs, by name."""
        children = {"service": self._service, **self._children}
        return {name: child.pid for name, child in children.items() if child.pid is not None}

    def start(self) -> None:
        """Start all of them and wait until each answers.

        Raises:
            SandboxError: if one dies or does not answer in time.
        """
        # In a directory that was given, an earlier stack may have left its data, which would look like history.
        for name in ("data-prometheus", "data-alertmanager", "data-source"):
            shutil.rmtree(self._directory / name, ignore_errors=True)
        service = self.start_service()
        for attempt in range(1, PORT_ATTEMPTS + 1):
            chosen = {name: free_port() for name in self._programs}
            self._ports = configs.Ports(**service, **chosen)
            try:
                self._start_others()
            except PortTaken as taken:
                self._stop_others()
                if attempt == PORT_ATTEMPTS:
                    raise SandboxError(f"{taken} found its port taken {PORT_ATTEMPTS} times in a row") from None
            else:
                return

    def stop(self) -> None:
        """End all of them."""
        everyone = [*self._children.values(), self._service]
        for child in everyone:
            child.ask_to_end()
        for child in everyone:
            child.stop()

    def child(self, name: str) -> Child:
        """Return one of the processes by name."""
        return self._children[name]

    def check(self) -> None:
        """Make sure that all of them run.

        Raises:
            SandboxError: if one has died; the text has its last log lines.
        """
        for child in (self._service, *self._children.values()):
            child.check()

    def check_service(self) -> None:
        """Make sure that the demo service runs; faults may have killed the others.

        Raises:
            SandboxError: if it has died; the text has its last log lines.
        """
        self._service.check()

    def wait_answering(self, name: str) -> None:
        """Wait until one of them calls itself ready.

        Raises:
            PortTaken: if it died because its port was taken.
            SandboxError: if it died of something else, or does not answer in time.
        """
        child = self._children[name]

        def alive() -> None:
            if not child.running and child.port_was_taken():
                raise PortTaken(name)
            child.check()

        def reason() -> str:
            try:
                status = call(f"{self.ports.url(name)}/-/ready").status
            except ProbeFailed as error:
                return str(error)
            return "" if status == HTTP_OK else f"/-/ready answers {status}"

        wait_until(reason, what=f"{name} did not answer", seconds=START_SECONDS, clock=self._clock, alive=alive)
        # Whoever took the port may answer for it: what counts is that ours still runs.
        alive()

    def start_service(self) -> dict[str, int]:
        """Start the demo service alone.

        Returns:
            Its ports: `a`, `b`, `edge`, `receiver`, `tls`, and those of the stand-ins, `cluster` and `grafana`.

        Raises:
            SandboxError: if it dies or does not tell its ports in time.
        """
        ports_file = self._directory / PORTS_FILE
        ports_file.unlink(missing_ok=True)
        self._service.start()
        wait_until(
            lambda: "" if ports_file.exists() else "it has not told its ports",
            what="the demo service did not start",
            seconds=START_SECONDS,
            clock=self._clock,
            alive=self._service.check,
        )
        told = json.loads(ports_file.read_text(encoding="utf-8"))
        return {name: told[name] for name in ("a", "b", "edge", "receiver", "tls", "cluster", "grafana")}

    def _start_others(self) -> None:
        configs.write(self._directory, configs.healthy(self.ports, self._scrape_interval))
        configs.write_source(self._directory, self.ports, self._scrape_interval)
        self._children = {name: self._child(name, self._command(name)) for name in self._programs}
        for child in self._children.values():
            child.start()
        for name in self._children:
            self.wait_answering(name)
        self._connect_grafana()

    def _connect_grafana(self) -> None:
        told = {"prometheus": self.ports.url("prometheus"), "interval": configs.seconds(self._scrape_interval)}
        try:
            answer = call(f"{self.ports.url('receiver')}/-/grafana", "PUT", body=json.dumps(told).encode())
        except ProbeFailed as error:
            self._service.check()
            raise SandboxError(f"the demo service does not take Grafana's data source: {error}") from None
        if answer.status != HTTP_OK:
            raise SandboxError(f"the demo service refuses Grafana's data source: {answer.status}")

    def _stop_others(self) -> None:
        for child in self._children.values():
            child.stop()

    def _child(self, name: str, command: Sequence[str]) -> Child:
        return Child(name, command, self._directory / f"{name}.log")

    def _command(self, name: str) -> list[str]:
        listen = f"--web.listen-address={self.ports.address(name)}"
        data = self._directory / f"data-{name}"
        if name == "pushgateway":
            return [self._programs[name], listen]
        if name == "alertmanager":
            return [
                self._programs[name], listen, f"--storage.path={data}", "--cluster.listen-address=",
                f"--config.file={self._directory / configs.ALERTMANAGER_FILE}",
            ]  # fmt: skip
        file = configs.PROMETHEUS_FILE if name == "prometheus" else configs.SOURCE_FILE
        return [
            self._programs[name], listen, f"--storage.tsdb.path={data}", f"--config.file={self._directory / file}",
            "--web.enable-lifecycle",
            # Resolved alerts are sent again for 15 min, each resend delay; after a reload Prometheus knows no
            # Alertmanager for up to 5 s and drops them: faults long mended would look like lost notifications.
            "--rules.alert.resend-delay=15m",
        ]  # fmt: skip
