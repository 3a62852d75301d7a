"""The output of a program as a log: `docker compose logs`, `journalctl -o json`, `kubectl logs`.

No shell is involved. The program is ended, with everything it has started, when its time or its output's limit is up,
or when nobody reads on. An exit code other than 0 is an error: half a log is no log.
"""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
from contextlib import suppress
from typing import TYPE_CHECKING

from pytest_deploycheck.errors import CannotMeasure, TimedOut, TooLarge

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pytest_deploycheck.clock import Clock

_ERRORS = 16 * 1024
_SHOWN_LINES, _SHOWN_WIDTH = 5, 200


class Output:
    """A running program's output.

    Args:
        command: the program and its arguments.
        cwd: where it runs.
        environ: its environment.
        timeout: seconds it may take.
        limit: bytes it may print.
        clock: whose monotonic time counts.

    Raises:
        CannotMeasure: if it cannot be started.
    """

    def __init__(
        self, command: Sequence[str], *, cwd: Path, environ: Mapping[str, str], timeout: float, limit: int, clock: Clock
    ) -> None:
        """Start it."""
        self._command = tuple(command)
        self._timeout, self._limit = timeout, limit
        self._clock = clock
        self._ends = clock.monotonic() + timeout
        self._size = 0
        self._told = b""
        try:
            self._process = subprocess.Popen(  # noqa: S603 - a list of arguments, of a reviewed file, without a shell
                list(command),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd=cwd,
                env=dict(environ),
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "an argument holds a NUL character"
            raise CannotMeasure(
                f"{self.name} cannot be started: {reason}",
                where=self.shown,
                next_step="is it installed where the check runs, and on PATH?",
            ) from None
        self._selector = selectors.DefaultSelector()
        assert self._process.stdout is not None  # noqa: S101 - for the type checker: both are pipes
        assert self._process.stderr is not None  # noqa: S101 - the same
        self._out, self._err = self._process.stdout, self._process.stderr
        self._selector.register(self._out, selectors.EVENT_READ)
        self._selector.register(self._err, selectors.EVENT_READ)

    @property
    def name(self) -> str:
        """The program's name."""
        return self._command[0].rpartition("/")[2]

    @property
    def shown(self) -> str:
        """The command as messages show it; the arguments of its options may be secrets, and are masked."""
        from pytest_deploycheck.settings.masking import masked_arguments

        return " ".join(masked_arguments(self._command))

    def read(self, size: int) -> bytes:
        """Return the next piece of its output; an empty one at its end.

        Raises:
            TimedOut: if its time is up.
            TooLarge: if it prints more than is allowed.
            CannotMeasure: if it ends with another exit code than 0.
        """
        while self._selector.get_map():
            left = self._ends - self._clock.monotonic()
            ready = self._selector.select(max(0.0, left)) if left > 0 else []
            if not ready:
                raise TimedOut(
                    f"{self.name} did not end within {self._timeout:g} s",
                    where=self.shown,
                    details=self._errors(),
                    next_step="does it follow the log (`-f`)? It must end by itself; or allow it a longer `timeout`",
                )
            for key, _ in ready:
                if data := self._piece(key.fileobj is self._err, size):
                    return data
        self._finish()
        return b""

    def _piece(self, is_error: bool, size: int) -> bytes:
        pipe = self._err if is_error else self._out
        data = os.read(pipe.fileno(), size)
        if not data:
            self._selector.unregister(pipe)
            return b""
        if is_error:
            self._told = (self._told + data)[-_ERRORS:]
            return b""
        self._size += len(data)
        if self._size > self._limit:
            raise TooLarge(
                f"{self.name} prints more than {self._limit:,} bytes",
                where=self.shown,
                next_step="ask it for less, such as `--since 10m`, or raise `max_bytes` of the source",
            )
        return data

    def _finish(self) -> None:
        try:
            code = self._process.wait(timeout=max(0.1, self._ends - self._clock.monotonic()))
        except subprocess.TimeoutExpired:
            raise TimedOut(
                f"{self.name} closed its output and did not end within {self._timeout:g} s", where=self.shown
            ) from None
        if code != 0:
            ended = f"exit code {code}" if code > 0 else f"signal {-code}"
            raise CannotMeasure(
                f"{self.name} failed with {ended}",
                where=self.shown,
                details=self._errors(),
                next_step="run it by hand where the check runs, as the same user",
            )

    def _errors(self) -> list[str]:
        lines = [
            "".join(char for char in line if char.isprintable()).strip()
            for line in self._told.decode("utf-8", "replace").splitlines()
        ]
        return [f"it says: {line[:_SHOWN_WIDTH]}" for line in lines if line][-_SHOWN_LINES:]

    def close(self) -> None:
        """End it with everything it has started; nothing is left running."""
        self._selector.close()
        if self._process.returncode is None:  # not waited for yet: its group is still its own
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
        self._out.close()
        self._err.close()
        self._process.wait()
