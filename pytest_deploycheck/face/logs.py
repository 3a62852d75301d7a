"""The `logs` fixture: a log is narrowed to a window, read once, and its report judged.

`logs("mcp").since("10m").validate(schema)` reads; what the report tells compares with numbers, or judges itself.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_deploycheck.checks.wording import seconds
from pytest_deploycheck.clients.logs.engines import read_schema
from pytest_deploycheck.clients.logs.presets import preset
from pytest_deploycheck.clients.logs.reader import LogReader
from pytest_deploycheck.clients.logs.window import Window
from pytest_deploycheck.errors import AuthorMistake
from pytest_deploycheck.face.judged import System, seconds_of
from pytest_deploycheck.face.log_report import LogReport

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pytest_deploycheck.clients.logs.reader import Surroundings
    from pytest_deploycheck.clock import Clock
    from pytest_deploycheck.face.ledger import Ledger
    from pytest_deploycheck.settings.logs import LogCheck, LogSource
    from pytest_deploycheck.settings.models import Deployment

__tracebackhide__ = True


class Log(System):
    """One log, or a window of it. Nothing is read until `validate` or `report`.

    Args:
        reader: of the source.
        clock: the runner's.
        ledger: of the check that runs.
        observed: grows by the id of every exchange.
        deployment: what was deployed; windows begin after it.
        since: Unix time at which the window begins; None = at the deployment's finish, if that is known.
        until: Unix time at which it ends; None = now.
        whole: whether the deployment's finish does not matter.
    """

    def __init__(
        self,
        reader: LogReader,
        *,
        clock: Clock,
        ledger: Ledger,
        observed: list[str],
        deployment: Deployment,
        since: float | None = None,
        until: float | None = None,
        whole: bool = False,
    ) -> None:
        """Read nothing yet."""
        super().__init__(reader.called, reader.place, ledger, observed)
        self._reader = reader
        self._clock = clock
        self._deployment = deployment
        self._since, self._until, self._whole = since, until, whole

    def since(self, begin: object) -> Log:
        """Return the log from a moment on, but no earlier than the deployment's finish, if that is known.

        Args:
            begin: how long ago (seconds, a `timedelta`, a text such as `10m`), or a `datetime` with its offset.
        """
        return self._window(self._moment(begin), None)

    def between(self, begin: object, end: object) -> Log:
        """Return the log between two moments, given as in `since`; the deployment does not matter to it."""
        since, until = self._moment(begin), self._moment(end)
        if since >= until:
            raise AuthorMistake("a window that ends before it begins", next_step="give the earlier moment first")
        return self._window(since, until, whole=True)

    def whole(self) -> Log:
        """Return the log from its first line on, whatever was deployed."""
        return self._window(None, None, whole=True)

    def before_deployment(self, length: object = "1h") -> Log:
        """Return the log of a time that ends when the deployment began.

        Args:
            length: seconds, a `timedelta`, or a text such as `1h`.

        Raises:
            AuthorMistake: if nobody knows when it was deployed.
        """
        moment = self._deployment.started_at or self._deployment.finished_at
        if moment is None:
            raise AuthorMistake(
                f"{self._name}: nobody knows when it was deployed, so nothing is before it",
                next_step="give deployment.started_at, in deploycheck.toml or as an option",
            )
        until = moment.timestamp()
        return self._window(until - seconds_of(length, "the length"), until, whole=True)

    def report(self) -> LogReport:
        """Read the log; every line must be a JSON object."""
        return self.validate(None)

    def validate(self, schema: Mapping[str, Any] | Path | str | None = None) -> LogReport:
        """Read the log once, and return the report.

        Args:
            schema: a JSON Schema, a file that holds one, or the name of a preset (`ecs`, `opentelemetry`, `gcp`,
                `structlog`, `python-json-logger`); None = every line must be a JSON object.

        Raises:
            CannotMeasure: if it cannot be read: no such file, a program that fails, a store that does not answer.
            AuthorMistake: if the schema is none.
        """
        now = self._clock.now()
        since = self._since
        finished = self._deployment.finished_at
        if finished is not None and not self._whole:
            since = finished.timestamp() if since is None else max(since, finished.timestamp())
        tolerance = self._reader.source.tolerance.total_seconds()
        window = Window(since=since, until=self._until, now=now, tolerance=tolerance)
        with self._asking(self._question(since, now), *self._next_steps()) as box:
            summary, _ = self._reader.summary(_schema_of(schema), window)
        return LogReport(summary, self._ledger, box[0], self._clock)

    def check(self, entry: LogCheck) -> LogReport:
        """Read the log as an entry of the configuration says."""
        return self.since(entry.since).validate(entry.schema_file or entry.preset)

    def _window(self, since: float | None, until: float | None, *, whole: bool = False) -> Log:
        return Log(
            self._reader,
            clock=self._clock,
            ledger=self._ledger,
            observed=self._observed,
            deployment=self._deployment,
            since=since,
            until=until,
            whole=whole,
        )

    def _moment(self, begin: object) -> float:
        if isinstance(begin, datetime):
            if begin.tzinfo is None:
                raise AuthorMistake(f"{begin} has no offset from UTC", next_step="give a datetime with its timezone")
            return begin.timestamp()
        ago = seconds_of(begin, "the window")
        if ago < 0:
            raise AuthorMistake(f"a window that begins {-ago:g} s from now", next_step="give how long ago it begins")
        return self._clock.now() - ago

    def _question(self, since: float | None, now: float) -> str:
        if since is None:
            return "the whole log"
        if self._until is not None:
            return f"the log of the {seconds(round(self._until - since))} before {_told(self._until)}"
        return f"the log of the last {seconds(round(now - since))}"

    def _next_steps(self) -> tuple[str, ...]:
        source = self._reader.source
        if source.file is not None:
            return (f"look: tail -n 50 {source.file}",)
        return (f"look: {self._reader.place}",) if source.command is not None else ()


def _told(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _schema_of(schema: Mapping[str, Any] | Path | str | None) -> dict[str, Any] | None:
    if schema is None:
        return None
    if isinstance(schema, str):
        return preset(schema)
    if isinstance(schema, Path):
        return read_schema(schema)
    return dict(schema)


class Logs:
    """The environment's logs by name: `logs("mcp")`.

    Args:
        sources: name → settings.
        around: what reading needs besides.
        ledger: of the check that runs.
        observed: grows by the id of every exchange.
        deployment: what was deployed.
        missing: gives the error for a name that is not configured.
    """

    def __init__(
        self,
        sources: Mapping[str, LogSource],
        *,
        around: Surroundings,
        ledger: Ledger,
        observed: list[str],
        deployment: Deployment,
        missing: Callable[[str], Exception],
    ) -> None:
        """Open nothing yet."""
        self._sources = sources
        self._around = around
        self._ledger = ledger
        self._observed = observed
        self._deployment = deployment
        self._missing = missing

    def __call__(self, name: str) -> Log:
        """Return a log.

        Raises:
            ConfigError: if the environment has none of this name.
        """
        source = self._sources.get(name)
        if source is None:
            raise self._missing(name)
        return Log(
            LogReader(name, source, self._around),
            clock=self._around.clock,
            ledger=self._ledger,
            observed=self._observed,
            deployment=self._deployment,
        )

    def __repr__(self) -> str:
        return f"<logs {', '.join(sorted(self._sources)) or 'none configured'}>"
