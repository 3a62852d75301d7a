"""Documents of Elasticsearch or OpenSearch as lines: a scroll over a window, oldest first, closed at the end."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import msgspec

from pytest_deploycheck.clients.logs.batch import Batch
from pytest_deploycheck.clients.refusal import UNREADABLE, refuse
from pytest_deploycheck.errors import CannotMeasure, NotEnoughData, NotFound, TooLarge
from pytest_deploycheck.transport.refusals import refusal
from pytest_deploycheck.transport.reply import one_line, place

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_deploycheck.transport.reply import Reply
    from pytest_deploycheck.transport.wire import Wire

PAGE = 5000
_KEEP = "1m"


class _Hit(msgspec.Struct):
    source: msgspec.Raw = msgspec.field(name="_source")


class _Total(msgspec.Struct):
    value: int
    relation: str = "eq"


class _Hits(msgspec.Struct):
    hits: list[_Hit]
    total: _Total | int | None = None


class _Shards(msgspec.Struct):
    total: int
    failed: int = 0


class _Answer(msgspec.Struct):
    hits: _Hits
    timed_out: bool
    shards: _Shards = msgspec.field(name="_shards")
    scroll: str | None = msgspec.field(name="_scroll_id", default=None)


_answer = msgspec.json.Decoder(_Answer)


def documents(
    wire: Wire,
    index: str,
    *,
    since: float,
    until: float,
    limit: int,
    query: str = "",
    time_field: str = "@timestamp",
    page: int = PAGE,
) -> Iterator[Batch]:
    """Yield the documents of an index in a window, each as the line of JSON that was put into it.

    Args:
        wire: to Elasticsearch or OpenSearch.
        index: a name, an alias or a pattern such as `logs-mcp-*`.
        since: Unix time.
        until: Unix time, not included.
        limit: bytes of documents that may come in all.
        query: a query string in Lucene's syntax that narrows it; empty = all documents.
        time_field: the field by which documents are in the window.
        page: documents asked for at once.

    Raises:
        NotFound: if no index matches.
        NotEnoughData: if some shards did not answer, or the search timed out: what came is a part.
        TooLarge: if there are more bytes.
        CannotMeasure: for whatever else is no usable answer.
    """
    span = {"range": {time_field: {"gte": _iso(since), "lt": _iso(until), "format": "strict_date_optional_time"}}}
    asked: dict[str, Any] = {"filter": [span]}
    if query:
        asked["must"] = [{"query_string": {"query": query}}]
    body = {"size": page, "query": {"bool": asked}, "sort": [{time_field: {"order": "asc"}}], "track_total_hits": True}
    path = f"/{quote(index, safe='*,-_.')}/_search"
    first = wire.request(
        "POST", path, params={"scroll": _KEEP}, json=body, expect="json", effect="read", statuses="any"
    )
    answer, reply = _decoded(wire, first, index, time_field)
    size = came = 0
    try:
        while answer.hits.hits:
            lines = [_one_line(bytes(hit.source)) for hit in answer.hits.hits]
            came += len(lines)
            size += sum(map(len, lines))
            if size > limit:
                raise TooLarge(
                    f"{wire.endpoint.name}: more than {limit:,} bytes of documents within the window",
                    where=reply.url,
                    next_step="narrow the query or the window, or raise `max_bytes` of the source",
                )
            yield Batch(lines)
            if answer.scroll is None or len(lines) < page:
                break
            again = wire.request(
                "POST",
                "/_search/scroll",
                json={"scroll": _KEEP, "scroll_id": answer.scroll},
                expect="json",
                effect="read",
                statuses="any",
            )
            answer, reply = _decoded(wire, again, index, time_field)
    finally:
        if answer.scroll is not None:
            with suppress(CannotMeasure):  # it ends by itself in a minute
                wire.request(
                    "DELETE", "/_search/scroll", json={"scroll_id": [answer.scroll]}, effect="read", statuses="any"
                )
    total = answer.hits.total.value if isinstance(answer.hits.total, _Total) else answer.hits.total
    if total is not None and came < total:
        raise NotEnoughData(
            f"{wire.endpoint.name}: {came:,} of {total:,} documents came", where=reply.url, evidence=reply.evidence
        )


def _refused(wire: Wire, reply: Reply, index: str, time_field: str) -> CannotMeasure | NotEnoughData:
    """Return the error for an answer whose status is not 2xx."""
    told = _causes(reply)
    match reply.status, told:
        case 404, {"index_not_found_exception": _}:
            return _no_index(wire, reply, index)
        case 404, {"search_context_missing_exception": _}:
            return NotEnoughData(
                f"{wire.endpoint.name}: the scroll was gone before all documents had come: what came is a part",
                where=place(reply.url),
                evidence=reply.evidence,
                next_step="is the cluster overloaded, or are too many scrolls open? Narrow the window, then run again",
            )
    error = refusal(reply, wire.endpoint)
    if told:
        error.details = tuple(f"the server says: {one_line(f'{kind}: {why}')}" for kind, why in told.items())
    if reply.status == 400:  # noqa: PLR2004 - Bad Request
        error.next_step = (
            f"is {time_field} the index's field of time (`fields.time` of the source)? Is `query` in Lucene's syntax?"
        )
    return error


def _causes(reply: Reply) -> dict[str, str]:
    """Return the kinds of errors in an answer, with their reasons: the roots tell more than what they led to."""
    try:
        error = msgspec.json.decode(reply.body)["error"]
        found = {str(one["type"]): str(one["reason"]) for one in error.get("root_cause") or [error]}
    except (*UNREADABLE, KeyError, TypeError, AttributeError):
        return {}
    return {kind: reply.redactor.text(why) for kind, why in found.items()}


def _no_index(wire: Wire, reply: Reply, index: str) -> NotFound:
    return NotFound(
        f"{wire.endpoint.name}: no index matches {index!r}",
        where=reply.url,
        evidence=reply.evidence,
        next_step="look at _cat/indices with the same credentials: indices that may not be read are not there",
    )


def _decoded(wire: Wire, reply: Reply, index: str, time_field: str) -> tuple[_Answer, Reply]:
    if not 200 <= reply.status < 300:  # noqa: PLR2004 - success
        raise _refused(wire, reply, index, time_field)
    try:
        answer = _answer.decode(reply.body)
    except UNREADABLE as error:
        raise refuse(reply, "Elasticsearch or OpenSearch", str(error)) from None
    if answer.shards.total == 0:
        raise _no_index(wire, reply, index)
    if answer.timed_out or answer.shards.failed:
        told = (
            "the search timed out"
            if answer.timed_out
            else f"{answer.shards.failed} of {answer.shards.total} shards failed"
        )
        raise NotEnoughData(
            f"{wire.endpoint.name}: {told}: what came is a part", where=reply.url, evidence=reply.evidence
        )
    return answer, reply


def _one_line(document: bytes) -> bytes:
    """Return a document without line breaks: those between its tokens mean nothing, within strings there are none."""
    return document.replace(b"\n", b" ") if b"\n" in document else document


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
