"""The connection pool of one endpoint, as an httpx transport."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit, urlunsplit

from pytest_deploycheck.errors import ConfigError
from pytest_deploycheck.transport.library import httpcore, httpx
from pytest_deploycheck.transport.sockets import BudgetHolder, DeadlineBackend
from pytest_deploycheck.transport.tls import make_context

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pytest_deploycheck.transport.endpoint import Endpoint
    from pytest_deploycheck.transport.sockets import Budget

MAX_CONNECTIONS = 32
"""A scheduler may ask one system from as many threads at once; the next one waits, within its deadline."""
KEEP_ALIVE = 30.0
"""Seconds an idle connection is kept. Servers that close earlier are noticed before a connection is used again."""

_MAPPED: tuple[tuple[type[Exception], type[httpx.TransportError]], ...] = (
    (httpcore.PoolTimeout, httpx.PoolTimeout),
    (httpcore.RemoteProtocolError, httpx.RemoteProtocolError),
    (httpcore.LocalProtocolError, httpx.LocalProtocolError),
    (httpcore.ProxyError, httpx.ProxyError),
    (httpcore.WriteError, httpx.WriteError),
)
_OWN = tuple(theirs for theirs, _ in _MAPPED)


def _mapped(error: Exception) -> httpx.TransportError:
    """Return httpcore's exception as the httpx one that a transport is expected to raise."""
    ours = next(mapped for theirs, mapped in _MAPPED if isinstance(error, theirs))
    return ours(str(error))


class _Body(httpx.SyncByteStream):
    """A response's raw body, still to be read."""

    def __init__(self, stream: Iterable[bytes]) -> None:
        self._stream = stream

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self._stream
        except _OWN as error:
            raise _mapped(error) from error

    def close(self) -> None:
        close = getattr(self._stream, "close", None)
        if close is not None:
            close()


class DeadlineTransport(httpx.BaseTransport):
    """Sends requests over pooled connections, every wait bounded by a `Budget`. HTTP/1.1.

    httpx's own client is not put on top: its `send` logs each URL in full, secrets included, and follows rules for
    cookies, redirects and the environment's proxies that are decided elsewhere here.

    Args:
        endpoint: whose pool this is.

    Raises:
        ConfigError: if the TLS files or the proxy cannot be used.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        """Make the pool; nothing is connected yet."""
        self._endpoint = endpoint
        self._holder = BudgetHolder()
        self._backend = DeadlineBackend(self._holder, server_name=endpoint.tls.server_name)
        self._pool = self._make_pool()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request whose `extensions["budget"]` is the attempt's budget.

        The body must be read and closed in the same thread. `extensions["timeout"]` holds the steps' limits.

        Raises:
            httpx.TransportError: of `sockets` or of httpx, if no answer came.
        """
        budget: Budget = request.extensions["budget"]
        self._holder.current = budget
        url = request.url
        try:
            answer = self._pool.handle_request(
                httpcore.Request(
                    method=request.method,
                    url=httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
                    headers=request.headers.raw,
                    content=request.stream,
                    extensions=request.extensions,
                )
            )
        except _OWN as error:
            raise _mapped(error) from error
        return httpx.Response(
            answer.status,
            headers=answer.headers,
            stream=_Body(answer.stream),  # type: ignore[arg-type]  # a synchronous pool answers synchronously
            extensions=answer.extensions,
        )

    def close(self) -> None:
        """Close all connections."""
        self._pool.close()

    def abort(self) -> None:
        """End every wait on a connection now, in whatever thread; those who wait get what a broken connection gives."""
        self._backend.opened.abort()

    def _make_pool(self) -> httpcore.ConnectionPool:
        endpoint = self._endpoint
        secure = urlsplit(endpoint.base_url).scheme == "https"
        backend = self._backend
        context = make_context(endpoint) if secure else None
        if endpoint.proxy is None:
            return httpcore.ConnectionPool(
                ssl_context=context,
                max_connections=MAX_CONNECTIONS,
                keepalive_expiry=KEEP_ALIVE,
                network_backend=backend,
            )
        address, user = split_proxy(endpoint.proxy)
        kind = httpcore.HTTPProxy if address.startswith("http:") else httpcore.SOCKSProxy
        try:
            return kind(
                proxy_url=address,
                proxy_auth=user,
                ssl_context=context,
                max_connections=MAX_CONNECTIONS,
                keepalive_expiry=KEEP_ALIVE,
                network_backend=backend,
            )
        except RuntimeError:  # what httpcore raises in place of an ImportError
            mistake = endpoint.mistake("proxy", "is a SOCKS proxy, but the package socksio is not installed")
            raise ConfigError([mistake], next_step="pip install 'pytest-deploycheck[socks]'") from None


def split_proxy(proxy: str) -> tuple[str, tuple[bytes, bytes] | None]:
    """Return a proxy's URL without its credentials, and those, if any."""
    parts = urlsplit(proxy)
    bare = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], "", "", ""))
    if parts.username is None:
        return bare, None
    return bare, (unquote(parts.username).encode(), unquote(parts.password or "").encode())
