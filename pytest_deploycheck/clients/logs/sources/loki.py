"""Lines from Loki's HTTP API: `query_range`, page by page, oldest first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from pytest_deploycheck.clients.logs.batch import Batch
from pytest_deploycheck.clients.refusal import UNREADABLE, refuse
from pytest_deploycheck.errors import NotEnoughData, QueryFailed, TooLarge
from pytest_deploycheck.transport.reply import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_deploycheck.transport.wire import Wire

PAGE = 5000
"""Loki's own limit of entries in one answer, unless its operators raised it."""
_PATH = "/loki/api/v1/query_range"
_NANOSECONDS = 1_000_000_000
_SHOWN = 5
_SERVICE_LABELS = ("service_name", "service", "app", "container", "job")


class _Stream(msgspec.Struct):
    stream: dict[str, str]
    values: list[list[Any]]  # time and line; with structured metadata an object as well


class _Data(msgspec.Struct, rename="camel"):
    result_type: str
    result: msgspec.Raw


class _Answer(msgspec.Struct):
    data: _Data
    status: str = "success"
    warnings: list[str] | None = None


_answer = msgspec.json.Decoder(_Answer)
_streams = msgspec.json.Decoder(list[_Stream])


def entries(wire: Wire, selector: str, *, since: float, until: float, limit: int, page: int = PAGE) -> Iterator[Batch]:
    """Yield the lines that a LogQL selector finds in a window.

    Args:
        wire: to Loki.
        selector: a log query, such as `{app="mcp"}`.
        since: Unix time.
        until: Unix time, not included.
        limit: bytes of lines that may come in all.
        page: entries asked for at once.

    Raises:
        QueryFailed: if it is refused, or is a metric query.
        NotEnoughData: if Loki warns of anything, or if more entries share one nanosecond than a page holds, so that
            none behind them can be reached.
        TooLarge: if there are more bytes.
        CannotMeasure: for whatever else is no usable answer.
    """
    start, end = int(since * _NANOSECONDS), int(until * _NANOSECONDS)
    seen: set[tuple[int, str, str]] = set()  # of the last nanosecond: the next page begins with it again
    size = 0
    while True:
        found = _page(wire, selector, start, end, page)
        new = [one for one in found if (one[0], one[1], one[2]) not in seen]
        if new:
            size += sum(len(line) for _, _, line in new)
            if size > limit:
                raise TooLarge(
                    f"{wire.endpoint.name}: more than {limit:,} bytes of lines within the window",
                    where=wire.endpoint.base_url,
                    next_step="narrow the selector or the window, or raise `max_bytes` of the source",
                )
            yield Batch(
                [line.encode("utf-8", "surrogatepass") for _, _, line in new],
                times=[at / _NANOSECONDS for at, _, _ in new],
                services=[service or None for _, service, _ in new],
            )
        if len(found) < page:
            return
        last = found[-1][0]
        if not new or last == start == found[0][0]:
            raise NotEnoughData(
                f"{wire.endpoint.name}: more than {page:,} lines share one nanosecond, and hide those behind them",
                where=wire.endpoint.base_url,
                next_step="narrow the selector, so that fewer streams are read at once",
            )
        seen = {(at, service, line) for at, service, line in found if at == last}
        start = last


def _page(wire: Wire, selector: str, start: int, end: int, page: int) -> list[tuple[int, str, str]]:
    """Return (nanoseconds, service, line) of a page, in order of time."""
    reply = wire.request(
        "GET",
        _PATH,
        params={"query": selector, "start": str(start), "end": str(end), "limit": str(page), "direction": "forward"},
        expect="json",
    )
    try:
        answer = _answer.decode(reply.body)
        if answer.data.result_type != "streams":
            raise QueryFailed(
                f"{wire.endpoint.name}: {selector} gives {answer.data.result_type}, and no lines",
                where=reply.url,
                evidence=reply.evidence,
                next_step='give a log query, such as {app="mcp"}, without rate() or count_over_time()',
            )
        streams = _streams.decode(answer.data.result)
        found = [_entry(value, _service(stream.stream)) for stream in streams for value in stream.values]
    except (*UNREADABLE, ValueError) as error:
        raise refuse(reply, "Loki", str(error)) from None
    if answer.warnings:
        raise NotEnoughData(
            f"{wire.endpoint.name}: Loki warns of its answer: what came may be a part",
            where=reply.url,
            details=[one_line(reply.redactor.text(warning)) for warning in answer.warnings[:_SHOWN]],
            evidence=reply.evidence,
            next_step="look at what it warns of; a narrower selector or window may do without it",
        )
    return sorted(found, key=lambda one: one[0])


def _entry(value: list[Any], service: str) -> tuple[int, str, str]:
    match value:
        case [str(at), str(line), *_]:
            return int(at), service, line
    raise ValueError(f"an entry of {len(value)} values that are no time and line")


def _service(labels: dict[str, str]) -> str:
    """Return which service a stream is of; the pod or instance is told as well, for each may fall silent."""
    name = next((labels[key] for key in _SERVICE_LABELS if labels.get(key)), "")
    part = next((labels[key] for key in ("pod", "instance", "host") if labels.get(key)), "")
    return f"{name}/{part}" if name and part else name or part
