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
    from pytest_deploycheck.clients.logs.sources.pods import PodLogs
    from pytest_deploycheck.session.run import Run
    from pytest_deploycheck.session.target import Target
    from pytest_deploycheck.transport.wire import Wire

_PIECE = 1 << 20


def logs_of(run: Run, target: Target) -> Logs:
    """Return the logs of a target.

    Args:
        run: whose clock, tape and settings they use.
        target: whose logs; it keeps the ways to log stores, so that they are closed with the others.
    """
    sources = target.place.all("logs")
    base = target.base()

    def called(name: str) -> str:
        return target.owner_of("logs", name).called(f"logs {name}")

    def wire(name: str) -> Wire:
        wires, key = target.owner_of("logs", name).wires, called(name)
        if key not in wires:
            from pytest_deploycheck.transport.wire import Wire

            endpoint = endpoint_for(key, sources[name].store(), base=base, environ=os.environ, writes=False)
            wires[key] = Wire(endpoint, tape=DigestingTape(run.tape), redactor=run.redactor, clock=run.clock)
        return wires[key]

    def pods() -> PodLogs:
        from pytest_deploycheck.session.podlogs import ClusterLogs

        return ClusterLogs(target.kubernetes)

    return Logs(
        sources,
        around=Surroundings(
            base=base,
            environ=os.environ,
            clock=run.clock,
            tape=run.tape,
            redactor=run.redactor,
            wire=wire,
            pods=pods if target.place.has("kubernetes") else None,
            stdin=run.stdin.file,
            called=called,
        ),
        ledger=run.ledger,
        observed=run.observed,
        deployment=run.settings.deployment,
        missing=lambda name: target.missing("logs", name),
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
