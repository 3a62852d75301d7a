"""The environment's logs: their sources with what reading needs of this run."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_deploycheck.clients.logs.evidence import DigestingTape
from pytest_deploycheck.clients.logs.reader import Surroundings
from pytest_deploycheck.errors import CannotMeasure, TooLarge
from pytest_deploycheck.face.logs import Logs
from pytest_deploycheck.session.endpoints import endpoint_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_deploycheck.clients.logs.sources.pods import PodLogs
    from pytest_deploycheck.session.run import Run
    from pytest_deploycheck.transport.wire import Wire

_PIECE = 1 << 20


def logs_of(run: Run, *, base: Path, wires: dict[str, Wire], missing: Callable[[str], Exception]) -> Logs:
    """Return the logs of a run's environment.

    Args:
        run: whose clock, tape and settings they use.
        base: the directory of the configuration.
        wires: where the ways to log stores are kept, so that they are closed with the others.
        missing: gives the error for a log that is not configured.
    """
    sources = run.settings.environment.logs
    stdin = StandardInput()

    def wire(name: str) -> Wire:
        key = f"logs {name}"
        if key not in wires:
            from pytest_deploycheck.transport.wire import Wire

            endpoint = endpoint_for(key, sources[name].store(), base=base, environ=os.environ, writes=False)
            wires[key] = Wire(endpoint, tape=DigestingTape(run.tape), redactor=run.redactor, clock=run.clock)
        return wires[key]

    def pods() -> PodLogs:
        from pytest_deploycheck.session.podlogs import ClusterLogs

        return ClusterLogs(run.kubernetes)

    return Logs(
        sources,
        around=Surroundings(
            base=base,
            environ=os.environ,
            clock=run.clock,
            tape=run.tape,
            redactor=run.redactor,
            wire=wire,
            pods=None if run.settings.environment.kubernetes is None else pods,
            stdin=stdin.file,
        ),
        ledger=run.ledger,
        observed=run.observed,
        deployment=run.settings.deployment,
        missing=missing,
    )


class StandardInput:
    """What came on standard input, which can be read only once, as a file, which can be read again."""

    def __init__(self) -> None:
        """Read nothing yet."""
        self._file: Path | None = None
        self._directory: tempfile.TemporaryDirectory[str] | None = None

    def file(self, limit: int) -> Path:
        """Return the file, read to its end at the first call.

        Args:
            limit: bytes it may hold.

        Raises:
            CannotMeasure: if pytest or a terminal stands where the lines should come from.
            TooLarge: if there are more bytes.
        """
        if self._file is not None:
            return self._file
        status = os.fstat(0)
        nothing = Path(os.devnull).stat()
        if stat.S_ISCHR(status.st_mode):
            taken = status.st_rdev == nothing.st_rdev
            raise CannotMeasure(
                "standard input is not there: pytest has taken it away" if taken else "standard input is a terminal",
                next_step=(
                    "run pytest with -s or --capture=sys, without xdist"
                    if taken
                    else "pipe the log into the run, such as `docker compose logs | pytest -s …`"
                ),
            )
        self._directory = tempfile.TemporaryDirectory(prefix="deploycheck-stdin-")
        path = Path(self._directory.name, "stdin")
        size = 0
        with path.open("wb") as kept:
            while data := os.read(0, _PIECE):
                size += len(data)
                if size > limit:
                    raise TooLarge(
                        f"standard input holds more than {limit:,} bytes",
                        next_step="pipe less into the run, or raise `max_bytes` of the source",
                    )
                kept.write(data)
        self._file = path
        return path
