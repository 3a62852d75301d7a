"""Lets clients that are built on `requests`, such as prometheus-api-client, send through a wire.

Import this module only where a bridge is made: importing `requests` takes a tenth of a second.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests
from msgspec.structs import replace
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict
from requests.utils import get_encoding_from_headers

from pytest_deploycheck.errors import AuthorMistake

if TYPE_CHECKING:
    from pytest_deploycheck.transport.endpoint import Timeouts
    from pytest_deploycheck.transport.reply import Reply
    from pytest_deploycheck.transport.wire import Wire

_NOT_FORWARDED = frozenset({"content-length", "transfer-encoding", "connection", "host"})


class WireAdapter(BaseAdapter):
    """Sends prepared requests through a wire.

    Every status is handed back as `requests` users expect; what is no answer at all (unreachable, a time-out, a page
    instead of JSON from an API path, a refused write) raises our own error, which `requests` lets through. The
    arguments for certificates and proxies are not heeded: the endpoint decides these.

    Args:
        wire: all requests go through it; it stays its owner's to close.
    """

    def __init__(self, wire: Wire) -> None:
        """Keep the wire."""
        super().__init__()
        self._wire = wire

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: Any = True,
        cert: Any = None,
        proxies: Any = None,
    ) -> requests.Response:
        """Send it, and return the answer as `requests` knows it."""
        del stream, verify, cert, proxies
        url = request.url or ""
        of_api = "/api/" in urlsplit(url).path
        reply = self._wire.request(
            request.method or "GET",
            url,
            content=_body(self._wire, request),
            headers=[
                (name, _text(value)) for name, value in request.headers.items() if name.lower() not in _NOT_FORWARDED
            ],
            timeouts=_timeouts(self._wire.endpoint.timeouts, timeout),
            # an API that redirects is not the API; a bare page may (Prometheus sends / on to /graph)
            redirects="refuse" if of_api else "follow",
            statuses="any",
            expect="json" if of_api else "any",
        )
        return self._answered(request, reply)

    def close(self) -> None:
        """Do nothing: the wire belongs to somebody else."""

    def _answered(self, request: requests.PreparedRequest, reply: Reply) -> requests.Response:
        response = requests.Response()
        response.status_code = reply.status
        response.headers = CaseInsensitiveDict(reply.headers)
        response._content = reply.body  # noqa: SLF001 - how requests' own and other adapters hand over a read body
        response.raw = io.BytesIO(reply.body)
        response.encoding = get_encoding_from_headers(response.headers)
        response.url = reply.url
        response.reason = _reason(reply.status)
        response.request = request
        return response


def bridged_session(wire: Wire) -> requests.Session:
    """Return a `requests` session all of whose requests go through a wire, whatever is mounted on it later.

    For `prometheus_api_client.PrometheusConnect(url=wire.endpoint.base_url, session=bridged_session(wire))`, which
    mounts an adapter of its own on every session that it is given (0.5.5 to 0.7), and would so go around the wire.
    """
    session = _BridgedSession(WireAdapter(wire))
    session.trust_env = False  # no proxies, no .netrc of the environment
    session.headers = CaseInsensitiveDict()  # the wire sets its own
    return session


class _BridgedSession(requests.Session):
    """A session that knows one adapter only."""

    def __init__(self, adapter: WireAdapter) -> None:
        super().__init__()
        self._only = adapter

    def get_adapter(self, url: str | bytes) -> BaseAdapter:
        """Return it for every URL (the wire refuses those of other hosts)."""
        del url
        return self._only


def _body(wire: Wire, request: requests.PreparedRequest) -> bytes | None:
    body: Any = request.body
    if body is None or isinstance(body, bytes):
        return body
    if isinstance(body, str):
        return body.encode()
    raise AuthorMistake(
        f"{wire.endpoint.name}: a request's body must be text or bytes, not {type(body).__name__}",
        where=wire.endpoint.base_url,
        next_step="read the stream first",
    )


def _timeouts(limits: Timeouts, timeout: Any) -> Timeouts:
    """Return the limits with those that a caller of `requests` gave: one number, or (connect, read)."""
    connect, read = timeout if isinstance(timeout, tuple) else (timeout, timeout)
    return replace(
        limits,
        connect=limits.connect if connect is None else float(connect),
        read=limits.read if read is None else float(read),
    )


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def _reason(status: int) -> str:
    from http.client import responses

    return responses.get(status, "")
