"""The envelope around every answer of Prometheus's HTTP API, decoded straight from the bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar

import msgspec

from pytest_deploycheck.clients.decoders import decoder
from pytest_deploycheck.clients.refusal import UNREADABLE, refuse
from pytest_deploycheck.errors import NotEnoughData, NotFound, NotSupported, QueryFailed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_deploycheck.transport.reply import Reply
    from pytest_deploycheck.transport.wire import Wire

T = TypeVar("T")

API = "/api/v1"

# VictoriaMetrics 1.79 answers 400 with this text to a path it does not know; Prometheus and its kin answer 404.
_UNSUPPORTED = "unsupported path requested"


class Envelope(msgspec.Struct, Generic[T]):
    """`{"status": "success", "data": …}`; an error has no `data` and is refused by the decoder."""

    status: Literal["success"]
    data: T
    warnings: list[str] | None = None
    infos: list[str] | None = None


def decode(reply: Reply, kind: type[T], *, system: str = "Prometheus") -> Envelope[T]:
    """Decode an answer whose `data` is of the given type.

    Raises:
        Malformed: if it is not complete JSON, or of another shape; the text says what it looks like.
        QueryFailed: if it is an error in spite of its good HTTP status.
    """
    try:
        envelope: Envelope[T] = decoder(Envelope[kind]).decode(reply.body)  # type: ignore[valid-type]
    except UNREADABLE as error:
        raise refuse(reply, system, str(error)) from None
    return envelope


def ask(
    wire: Wire, path: str, kind: type[T], *, params: Mapping[str, Any] | Sequence[tuple[str, str]] | None = None
) -> tuple[T, Reply]:
    """GET an API that not every server has, and return its data.

    Raises:
        NotSupported: if this server has no such API.
        NotEnoughData: if the server warns that the answer may be partial: what is not listed may exist.
        Malformed: if the answer is of another shape.
        CannotMeasure: what the transport raises.
    """
    try:
        reply = wire.request("GET", API + path, params=params, expect="json")
    except QueryFailed as error:
        if _UNSUPPORTED in str(error):
            raise not_supported(wire, path, where=error.where, evidence=error.evidence) from None
        raise
    except NotFound as error:
        if _has_api(wire):
            raise not_supported(wire, path, where=error.where, evidence=error.evidence) from None
        raise
    envelope = decode(reply, kind)
    if envelope.warnings:
        raise NotEnoughData(
            f"{reply.system}: the server warns that its answer may be incomplete",
            where=reply.url,
            details=[f"warning: {warning}" for warning in envelope.warnings],
            next_step="look at the remote storage or the other replicas the server reads from",
            evidence=reply.evidence,
        )
    return envelope.data, reply


def not_supported(wire: Wire, path: str, *, where: str, evidence: str, details: Sequence[str] = ()) -> NotSupported:
    """Return the error for an API that the server does not have.

    Args:
        wire: the way to the server.
        path: of the API, without `/api/v1`.
        where: the URL that was asked, redacted.
        evidence: the id of the exchange.
        details: how that is known, if it did not say so itself.
    """
    return NotSupported(
        f"{wire.endpoint.name}: the server has no {API + path}",
        where=where,
        details=details,
        next_step="it is not a whole Prometheus (VictoriaMetrics, Thanos, …): leave this check out for it, or ask the "
        "component that has the API",
        evidence=evidence,
    )


def _has_api(wire: Wire) -> bool:
    """Return whether the query API is where it should be: only then a 404 means that one API is missing.

    Otherwise the base URL is wrong, and saying "not supported" would send the reader the wrong way.
    """
    try:
        reply = wire.request("GET", f"{API}/query", params={"query": "1"}, expect="json")
    except NotFound:
        return False
    try:
        decode(reply, msgspec.Raw)
    except Exception:  # noqa: BLE001 - whatever it is, it is not the API
        return False
    return True
