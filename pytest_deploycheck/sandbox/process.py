"""The stack's child processes: found, started, watched, stopped; none outlives its owner."""

from __future__ import annotations

import os
import random
import shutil
import signal
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_deploycheck.errors import DeploycheckError

if TYPE_CHECKING:
    from collections.abc import Sequence

LAUNCHER = Path(__file__).with_name("launch.py")
LOG_TAIL_LINES = 12
STOP_SECONDS = 5.0

# Below the kernel's default ephemeral range (32768 and up): a port from that range may be given to any outgoing
# connection between our choosing it and the server's binding it.
PORT_RANGE = (20_000, 32_000)

DEBIAN_PACKAGES = {
    "prometheus": "prometheus",
    "prometheus-alertmanager": "prometheus-alertmanager",
    "prometheus-pushgateway": "prometheus-pushgateway",
}

# The parent-death signal comes when the *thread* that started the child ends, not only when the process does
# (prctl(2)). This one lives as long as the process, whichever thread asks for a sandbox.
_spawner = ThreadPoolExecutor(max_workers=1, thread_name_prefix="deploycheck-sandbox-spawner")


class SandboxError(DeploycheckError):
    """The demo stack cannot be started or changed."""


def find_program(name: str) -> str:
    """Return the path of a server's program.

    Args:
        name: the program's name as Debian installs it.

    Raises:
        SandboxError: if it is not on PATH; the text names the Debian package.
    """
    if (path := shutil.which(name)) is not None:
        return path
    package = DEBIAN_PACKAGES.get(name, name)
    packages = "prometheus prometheus-alertmanager" if package in {"prometheus", "prometheus-alertmanager"} else package
    raise SandboxError(
        f"the program {name} is not installed",
        where=f"PATH={os.environ.get('PATH', '')}",
        next_step=f"on Debian or Ubuntu: apt-get install {packages}",
    )


def free_port() -> int:
    """Return a loopback TCP port that nobody listens on now.

    Raises:
        SandboxError: if no free port is found in a hundred tries.
    """
    for _ in range(100):
        port = random.randrange(*PORT_RANGE)  # noqa: S311 - nothing secret about it
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise SandboxError(
        "no free TCP port found in 100 tries",
        where=f"127.0.0.1, ports {PORT_RANGE[0]}-{PORT_RANGE[1]}",
        next_step="`ss -ltn` shows who listens",
    )


def launch(command: Sequence[str], *, own_group: bool) -> list[str]:
    """Return a command line that runs a command so that it dies with this process.

    Args:
        command: the program and its arguments.
        own_group: whether it gets a process group of its own, out of reach of the terminal's Ctrl-C.
    """
    group = "own" if own_group else "same"
    return [sys.executable, "-I", "-S", str(LAUNCHER), str(os.getpid()), group, *command]


class Child:
    """One process of the stack, with its log.

    Args:
        name: what it is called in messages, and its log file's stem.
        command: the program and its arguments.
        log: where stdout and stderr go; appended to, so that a restart keeps what was before.
    """

    def __init__(self, name: str, command: Sequence[str], log: Path) -> None:
        """Remember what to run; nothing is started yet."""
        self.name = name
        self.command = tuple(command)
        self.log = log
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """The process id of the running process, else None."""
        return self._process.pid if self._process is not None and self.running else None

    @property
    def running(self) -> bool:
        """Whether it has been started and has not ended (a stopped one counts as running)."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it.

        Raises:
            SandboxError: if it runs already, or cannot be started at all.
        """
        if self.running:
            raise SandboxError(f"{self.name} runs already", where=f"process {self.pid}")
        try:
            self._process = _spawner.submit(self._spawn).result()
        except (OSError, RuntimeError) as error:  # RuntimeError: the interpreter is shutting down
            raise SandboxError(f"{self.name} cannot be started: {error}", where=" ".join(self.command)) from None

    def _spawn(self) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            return subprocess.Popen(
                launch(self.command, own_group=True),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.log.parent,
            )

    def tail(self) -> list[str]:
        """Return the last lines of its log."""
        try:
            text = self.log.read_text(encoding="utf-8", errors="replace")
        except OSError:
            return []
        return text.splitlines()[-LOG_TAIL_LINES:]

    def port_was_taken(self) -> bool:
        """Whether its log ends in a complaint that its address is in use."""
        return any("address already in use" in line for line in self.tail())

    def check(self) -> None:
        """Make sure that it still runs.

        Raises:
            SandboxError: if it has ended; the text has its last log lines.
        """
        if self.running:
            return
        code = self._process.returncode if self._process is not None else None
        ended = (
            "was not started"
            if code is None
            else f"ended with code {code}"
            if code >= 0
            else f"died of {_signal_name(-code)}"
        )
        raise SandboxError(
            f"{self.name} {ended}",
            where=" ".join(self.command),
            details=["its last log lines:", *(f"  {line}" for line in self.tail() or ["(none)"])],
            next_step=f"the whole log is {self.log}",
        )

    def freeze(self) -> None:
        """Stop it in its tracks (SIGSTOP): it accepts connections, and answers none."""
        self._send(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on (SIGCONT)."""
        self._send(signal.SIGCONT)

    def ask_to_end(self) -> None:
        """Send SIGTERM; a frozen one is woken so that it can obey."""
        self._send(signal.SIGTERM)
        self._send(signal.SIGCONT)

    def kill(self) -> None:
        """End it at once (SIGKILL), as a crash would."""
        self._send(signal.SIGKILL)
        self._reap(STOP_SECONDS)

    def stop(self) -> None:
        """End it: SIGTERM, and SIGKILL if that is not enough; does nothing if it has ended."""
        self.ask_to_end()
        if not self._reap(STOP_SECONDS):
            self.kill()

    def _send(self, number: signal.Signals) -> None:
        if self.running and self._process is not None:
            self._process.send_signal(number)

    def _reap(self, seconds: float) -> bool:
        if self._process is None:
            return True
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
