"""Lets clients that are built on `urllib3`, such as the official one of Kubernetes, send through a wire.

Import this module only where a bridge is made.
"""

from __future__ import annotations

import io
from http.client import responses
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import urllib3
from msgspec.structs import replace

from pytest_deploycheck.errors import AuthorMistake

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_deploycheck.transport.endpoint import Timeouts
    from pytest_deploycheck.transport.wire import Wire

_NOT_FORWARDED = frozenset({"content-length", "transfer-encoding", "connection", "host", "accept-encoding"})
_IN_URL = frozenset({"GET", "HEAD", "DELETE", "OPTIONS"})


class WirePool:
    """Stands where a client has its `urllib3.PoolManager`.

    Every status is handed back as the client expects; what is no answer at all (unreachable, a time-out, a refused
    write) raises our own error. Retries are the wire's. An answer is read whole before it is handed over: a watch must
    have a `timeout_seconds` below the system's total time limit.

    Args:
        wire: all requests go through it; it stays its owner's to close.
    """

    def __init__(self, wire: Wire) -> None:
        """Keep the wire."""
        self._wire = wire

    def request(
        self,
        method: str,
        url: str,
        *,
        body: Any = None,
        fields: Any = None,
        headers: Mapping[str, str] | None = None,
        timeout: Any = None,
        preload_content: bool = True,
        encode_multipart: bool = True,
        **unheeded: Any,
    ) -> urllib3.HTTPResponse:
        """Send it, and return the answer as `urllib3` knows it."""
        del unheeded, encode_multipart
        if fields and method.upper() in _IN_URL:
            url += ("&" if "?" in url else "?") + urlencode(fields)
        elif fields:
            body = urlencode(fields)
        reply = self._wire.request(
            method,
            url,
            content=self._content(body),
            headers=[(name, value) for name, value in (headers or {}).items() if name.lower() not in _NOT_FORWARDED],
            timeouts=_timeouts(self._wire.endpoint.timeouts, timeout),
            statuses="any",
        )
        dropped = ("content-encoding", "content-length", "transfer-encoding")  # the body is unpacked already
        return urllib3.HTTPResponse(
            body=io.BytesIO(reply.body),
            headers={name: value for name, value in reply.headers.items() if name not in dropped},
            status=reply.status,
            reason=responses.get(reply.status, ""),
            preload_content=preload_content,
            request_method=method.upper(),
        )

    def clear(self) -> None:
        """Do nothing: the connections belong to somebody else."""

    def _content(self, body: Any) -> bytes | None:
        if body is None or isinstance(body, bytes):
            return body
        if isinstance(body, str):
            return body.encode()
        raise AuthorMistake(
            f"{self._wire.endpoint.name}: a request's body must be text or bytes, not {type(body).__name__}",
            where=self._wire.endpoint.base_url,
            next_step="read the stream first",
        )


def _timeouts(limits: Timeouts, timeout: Any) -> Timeouts:
    """Return the limits with those that a caller of `urllib3` gave."""
    if not isinstance(timeout, urllib3.Timeout):
        return limits
    # urllib3 hides the total; its clone-like text is no interface, its connect and read time-outs are
    connect, read = timeout.connect_timeout, timeout._read  # noqa: SLF001 - read_timeout wants a started clock
    total = timeout.total if isinstance(timeout.total, (int, float)) else None
    return replace(
        limits,
        connect=float(connect) if isinstance(connect, (int, float)) else limits.connect,
        read=float(read) if isinstance(read, (int, float)) else limits.read,
        total=limits.total if total is None else float(total),
    )
