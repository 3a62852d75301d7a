"""From a configured source to a summary: opens it, reads it, and puts what is kept of it on the tape."""

from __future__ import annotations

import time
from contextlib import closing
from itertools import chain
from pathlib import Path  # noqa: TC003 - msgspec reads the annotations of its structs
from typing import TYPE_CHECKING, Any

import msgspec

from pytest_deploycheck.clients.logs import evidence, parallel
from pytest_deploycheck.clients.logs.batch import Batch, Meter, batches, cut
from pytest_deploycheck.clients.logs.json_line import parse
from pytest_deploycheck.clients.logs.reading import Form, Plan, Reading, form_of, read
from pytest_deploycheck.clients.logs.roles import SAMPLE
from pytest_deploycheck.clients.logs.sources import file as files
from pytest_deploycheck.clients.logs.times import moment_of, parse_time
from pytest_deploycheck.clients.logs.unwrap import unwrapped
from pytest_deploycheck.errors import DeploycheckError, NotSupported

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Mapping

    from pytest_deploycheck.clients.logs.sources.pods import PodLogs
    from pytest_deploycheck.clients.logs.window import Window
    from pytest_deploycheck.clock import Clock
    from pytest_deploycheck.model.logs import LogSummary
    from pytest_deploycheck.settings.logs import LogSource
    from pytest_deploycheck.transport.redaction import Redactor
    from pytest_deploycheck.transport.tape import Tape
    from pytest_deploycheck.transport.wire import Wire

_DAY = 86400.0
_SAMPLED = 1 << 20


class Surroundings(msgspec.Struct, frozen=True, kw_only=True):
    """What a source needs besides its settings.

    Attributes:
        base: the directory in which programs run.
        environ: their environment.
        clock: the runner's.
        tape: gets the evidence.
        redactor: knows the secrets.
        wire: gives the way to a log store by the source's name.
        pods: gives what can read the logs of pods; None where nothing can.
        stdin: gives a file with what came on standard input.
        called: gives what messages and evidence call a source, by its name in the configuration.
    """

    base: Path
    environ: Mapping[str, str]
    clock: Clock
    tape: Tape
    redactor: Redactor
    wire: Callable[[str], Wire]
    pods: Callable[[], PodLogs] | None
    stdin: Callable[[int], Path]
    called: Callable[[str], str] = "logs {}".format


class LogReader:
    """Reads one source.

    Args:
        name: its name in the configuration.
        source: its settings.
        around: what it needs besides.
    """

    def __init__(self, name: str, source: LogSource, around: Surroundings) -> None:
        """Open nothing yet."""
        self.name = name
        self.source = source
        self.called = around.called(name)
        self._around = around

    @property
    def place(self) -> str:
        """Where the lines come from, as messages and evidence tell it."""
        source = self.source
        if source.file is not None:
            return f"file://{source.file}"
        if source.command is not None:
            from pytest_deploycheck.settings.masking import masked_arguments

            return self._around.redactor.text(" ".join(masked_arguments(source.command)))
        if source.pods is not None:
            return f"pods:{source.namespace + '/' if source.namespace else ''}{source.pods}"
        if source.stdin:
            return "standard input"
        return f"{source.url} {source.loki or source.elasticsearch}"

    def summary(self, schema: dict[str, Any] | None, window: Window) -> tuple[LogSummary, str]:
        """Read the source once.

        Args:
            schema: what every line must match; None = any JSON object.
            window: the time that is looked at.

        Returns:
            The summary, and the id of the exchange that is its evidence.

        Raises:
            CannotMeasure: if the source cannot be read.
            AuthorMistake: if the schema is none.
        """
        around, meter = self._around, Meter()
        plan = Plan(schema=schema, fields=self.source.fields.given(), wrapping=self.source.wrapping, window=window)
        started, begun = around.clock.now(), time.perf_counter()
        found: Reading | None = None
        notes: tuple[str, ...] = ()
        ended = "interrupted"
        body: bytes | None = None
        digests: tuple[str, ...] = ()
        try:
            found, notes, digests = self._read(plan, meter)
            ended = ""
        except DeploycheckError as error:
            ended = around.redactor.text(error.what)
            raise
        finally:
            if found is not None:
                summary = found.tally.summary(
                    size=meter.size,
                    digest=digests,
                    wrapping=found.wrapping,
                    fields=found.fields,
                    notes=notes,
                    read_at=window.now,
                    since=window.since,
                    until=window.until,
                    tolerance=window.tolerance,
                )
                body = evidence.report(summary, around.redactor)
            exchange = around.tape.record(
                system=self.called,
                method=evidence.METHOD,
                url=self.place,
                request_body=_asked(window),
                started=started,
                elapsed=time.perf_counter() - begun,
                body=body,
                error=ended or None,
            )
        return evidence.masked(summary, around.redactor), exchange.id

    def _read(self, plan: Plan, meter: Meter) -> tuple[Reading, tuple[str, ...], tuple[str, ...]]:
        source, around = self.source, self._around
        if source.file is not None:
            return read_file(source.file, plan, meter)
        if source.stdin:
            return read_file(around.stdin(source.max_bytes), plan, meter)
        with closing(self._stream(plan, meter)) as stream:
            return read(stream, plan), (), (meter.digest,)

    def _stream(self, plan: Plan, meter: Meter) -> Generator[Batch, None, None]:
        source, around, window = self.source, self._around, plan.window
        since = window.since if window.since is not None else window.now - _DAY
        until = window.until if window.until is not None else window.now + window.tolerance
        if source.command is not None:
            from pytest_deploycheck.clients.logs.sources.command import Output

            with closing(
                Output(
                    source.command,
                    cwd=around.base,
                    environ=around.environ,
                    timeout=source.timeout.total_seconds(),
                    limit=source.max_bytes,
                    clock=around.clock,
                )
            ) as output:
                yield from batches(output.read, meter)
        elif source.pods is not None:
            if around.pods is None:
                raise NotSupported(
                    f"the log source {self.name} reads pods, and no cluster is configured",
                    next_step="configure kubernetes for this environment, or read with a command such as kubectl logs",
                )
            from pytest_deploycheck.clients.logs.sources import pods

            yield from pods.lines(
                around.pods(), source.pods, namespace=source.namespace, since=window.since, meter=meter
            )
        elif source.loki is not None:
            from pytest_deploycheck.clients.logs.sources import loki

            wire = around.wire(self.name)
            yield from _metered(
                loki.entries(wire, source.loki, since=since, until=until, limit=source.max_bytes), meter
            )
        else:
            from pytest_deploycheck.clients.logs.sources import elasticsearch

            yield from _metered(
                elasticsearch.documents(
                    around.wire(self.name),
                    source.elasticsearch or "",
                    since=since,
                    until=until,
                    limit=source.max_bytes,
                    query=source.query,
                    time_field=source.fields.time or "@timestamp",
                ),
                meter,
            )


def _metered(stream: Iterator[Batch], meter: Meter) -> Iterator[Batch]:
    for batch in stream:
        for line in batch.lines:
            meter.add(line + b"\n")
        if batch.lines:
            cut(batch)
        yield batch


def _asked(window: Window) -> str:
    return msgspec.json.encode({"since": window.since, "until": window.until}).decode()


def read_file(path: Path, plan: Plan, meter: Meter) -> tuple[Reading, tuple[str, ...], tuple[str, ...]]:
    """Read a file and those it was rotated from.

    Returns:
        What was read, what a reader must know, and the hashes.
    """
    since = plan.window.since
    found = files.parts(path, since)
    begin, form = found[0], None
    if since is not None and not begin.packed:
        form = form_of(_sample(begin), plan)
        begin = found[0] = _from_window(begin, plan, form)
    number = files.lines_before(begin) if begin.start else 0
    notes = [f"also read: {', '.join(part.path.name for part in found[:-1])}"] if len(found) > 1 else []
    whole = files.finished(found[-1])
    if torn := found[-1].size - whole.size:
        found[-1] = whole
        notes.append(f"left out: {torn:,} bytes of a last line without line end, which is being written or was cut off")
    job = _shared(found, plan, number)
    if job is not None:
        outcome = parallel.read_on_all_cores(job)
        meter.size += outcome.size
        return outcome.reading, tuple(notes), outcome.digests
    stream = chain.from_iterable(_batches(part, meter) for part in found)
    return read(stream, plan, form=form if begin.start == 0 else None, number=number), tuple(notes), (meter.digest,)


def _shared(found: list[files.Part], plan: Plan, number: int) -> parallel.Job | None:
    """Return the job for all cores, if the log is one large plain file whose lines stand for themselves."""
    part = found[0]
    alone = len(found) == 1 and not part.packed and plan.window.until is None
    if not alone or part.size - part.start < parallel.WORTHWHILE or parallel.cores() == 1:
        return None
    form = form_of(_sample(part), plan)
    return parallel.Job(part, plan, form, number, parallel.cores()) if form.wrapping == "none" else None


def _batches(part: files.Part, meter: Meter) -> Iterator[Batch]:
    with files.opened(part) as reading:
        yield from batches(reading, meter)


def _sample(part: files.Part) -> list[Batch]:
    """Return the first lines of a part, by which the form of all is told."""
    sample: list[Batch] = []
    with files.opened(msgspec.structs.replace(part, size=min(part.size, _SAMPLED))) as reading:
        for batch in batches(reading, Meter()):
            sample.append(batch)
            if sum(len(one.lines) for one in sample) >= SAMPLE:
                break
    return sample


def _from_window(part: files.Part, plan: Plan, form: Form) -> files.Part:
    """Return the part from a little before the window on."""

    def time_of(line: bytes) -> float | None:
        for one in unwrapped([Batch([line])], form.wrapping):
            for at, payload in enumerate(one.lines):
                document, _ = parse(payload)
                moment = parse_time(form.roles.value(document, "time")) if isinstance(document, dict) else None
                if moment is not None:
                    return moment.at
                wrapped = moment_of(one.times[at]) if one.times is not None else None
                return wrapped.at if wrapped is not None else None
        return None

    since = plan.window.since
    assert since is not None  # noqa: S101 - for the type checker
    start = files.start_of(part, since - plan.window.tolerance, time_of)
    return msgspec.structs.replace(part, start=start)
