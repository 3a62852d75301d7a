"""Turns broken connections, time limits and unreadable bodies into errors that say what to do."""

from __future__ import annotations

import socket
import ssl
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec

from pytest_deploycheck.errors import CannotMeasure, Malformed, TimedOut, TooLarge, Unreachable
from pytest_deploycheck.transport.answer_body import BodyBroken, BodyTooLarge
from pytest_deploycheck.transport.library import httpx
from pytest_deploycheck.transport.pool import split_proxy
from pytest_deploycheck.transport.reply import one_line, place
from pytest_deploycheck.transport.sockets import (
    Budget,
    ConnectFailed,
    HandshakeFailed,
    LookupFailed,
    OutOfTime,
    ReceiveFailed,
)
from pytest_deploycheck.transport.tls import tls_failure

if TYPE_CHECKING:
    from pytest_deploycheck.transport.endpoint import Endpoint

FAILURES = (httpx.TransportError, httpx.InvalidURL, BodyTooLarge, BodyBroken)
"""What an attempt may raise."""


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """Why an attempt brought no whole answer.

    Attributes:
        error: for the caller.
        again: whether it was a connection's fault, so that a question that only reads may be asked again.
        silent: whether the time was up without one byte of an answer.
    """

    error: CannotMeasure
    again: bool = False
    silent: bool = False


def describe(  # noqa: C901, PLR0911 - one case a kind of exception reads best
    error: Exception, endpoint: Endpoint, *, url: str, budget: Budget, received: int
) -> Failure:
    """Return what an exception means.

    Asked again is after a failure of the connection: refused, reset, closed before or in the middle of the answer, a
    connect time-out, a name server that failed for the moment. Not asked again is after a time-out once the request
    was sent (the server may be busy with it, and would only be given more to do), nor after what would only repeat
    itself: an unknown name, TLS, an answer that is too large or broken.

    Args:
        error: one of `FAILURES`.
        endpoint: who was asked.
        url: what was asked, redacted.
        budget: the attempt's.
        received: how many bytes of the body had come.
    """
    name, url = endpoint.name, place(url)
    match error:
        case OutOfTime():
            return Failure(
                error=_timed_out(error, endpoint, url, (budget.received, received)),
                again=not budget.sent and not error.whole,
                silent=not budget.received,
            )
        case httpx.TimeoutException():
            step = "ask less at the same time, or raise timeouts.total"
            return Failure(error=TimedOut(f"{name}: no free connection in time", where=url, next_step=step))
        case LookupFailed():
            return _lookup_failed(error, endpoint, url)
        case ConnectFailed():
            return Failure(error=_connect_failed(error, endpoint, url), again=True)
        case HandshakeFailed():
            failed = tls_failure(name, url=url, server_name=error.server_name, reason=error.reason)
            return Failure(error=failed, again=isinstance(error.reason, ConnectionError))
        case ReceiveFailed() if isinstance(error.reason, ssl.SSLError):
            host = urlsplit(url).hostname or ""
            return Failure(error=tls_failure(name, url=url, server_name=host, reason=error.reason))
        case BodyTooLarge():
            return Failure(error=_too_large(error, endpoint, url))
        case BodyBroken():
            what = f"{name}: the answer's body cannot be unpacked"
            step = "look at the proxies between here and the server"
            return Failure(error=Malformed(what, where=url, details=[str(error)], next_step=step))
        case httpx.ProxyError():
            return Failure(error=_proxy_refused(error, endpoint, url), again=False)
        case httpx.RemoteProtocolError():
            return _protocol_broken(error, endpoint, url, budget)
        case httpx.NetworkError():
            return Failure(error=_broken_off(error, endpoint, url, received), again=True)
    # what is left was refused before anything was sent: h11 and httpx check what they are given
    what = f"{name}: the request cannot be sent"
    too_long = isinstance(error, httpx.InvalidURL) and "too long" in str(error)
    step = "send a question this long as a form, with POST" if too_long else "look at the path and the parameters"
    return Failure(error=CannotMeasure(what, where=url, details=[one_line(str(error))], next_step=step))


def _timed_out(error: OutOfTime, endpoint: Endpoint, url: str, came: tuple[int, int]) -> TimedOut:
    limit = f"{error.limit:g} s"
    if error.whole:
        what, key = f"no whole answer within {limit}", "timeouts.total"
    elif error.phase in ("looking the name up", "connecting", "the TLS handshake"):
        what, key = f"no connection within {limit}", "timeouts.connect"
    else:
        what, key = f"nothing came for {limit}", "timeouts.read"
    details = [f"the time was up while {_WHILE.get(error.phase, error.phase)}"]
    raw, of_body = came
    if of_body:
        details.append(f"{of_body} bytes of the body had come")
    elif raw:
        details.append(f"{raw} bytes had come, none of them of a body")
    step = f"is {endpoint.name} overloaded, or the network slow? Else raise its {key}"
    return TimedOut(f"{endpoint.name}: {what} ({key})", where=url, details=details, next_step=step)


_WHILE = {"the TLS handshake": "shaking hands for TLS"}


def _lookup_failed(error: LookupFailed, endpoint: Endpoint, url: str) -> Failure:
    reason = error.reason
    code = reason.errno if isinstance(reason, socket.gaierror) else None
    failed = Unreachable(
        f"{endpoint.name}: the host name {error.host!r} cannot be resolved",
        where=url,
        details=[reason.strerror or str(reason)],
        next_step=(
            f"is the host name in the base URL of {endpoint.name} right, and known to this machine's name server?"
        ),
    )
    return Failure(error=failed, again=code == socket.EAI_AGAIN)


def _connect_failed(error: ConnectFailed, endpoint: Endpoint, url: str) -> Unreachable:
    refused = isinstance(error.reason, ConnectionRefusedError)
    details = [] if refused else [error.reason.strerror or str(error.reason)]
    if endpoint.proxy is not None:
        what = f"the proxy {split_proxy(endpoint.proxy)[0]} {'refuses connections' if refused else 'cannot be reached'}"
        step = "does the proxy run, and is its address right?"
    else:
        what = f"{error.peer} {'refuses connections' if refused else 'cannot be reached'}"
        step = f"does {endpoint.name} run there, and is the port right?"
    return Unreachable(f"{endpoint.name}: {what}", where=url, details=details, next_step=step)


def _proxy_refused(error: httpx.ProxyError, endpoint: Endpoint, url: str) -> Unreachable:
    proxy = split_proxy(endpoint.proxy or "")[0]
    return Unreachable(
        f"{endpoint.name}: the proxy {proxy} does not connect",
        where=url,
        details=[f"the proxy says: {one_line(str(error))}"],
        next_step="may this machine use the proxy, with which credentials, and may the proxy reach the host?",
    )


def _protocol_broken(error: httpx.RemoteProtocolError, endpoint: Endpoint, url: str, budget: Budget) -> Failure:
    """Judge what h11 says: a connection closed too early, or something that is not HTTP."""
    text = one_line(str(error))
    if "without sending a response" in text and budget.received:
        what = f"{endpoint.name}: the answer was cut off in its head"
        step = f"look at the logs of {endpoint.name}; does it speak HTTP on this port?"
        details = [f"{budget.received} bytes had come"]
        return Failure(error=Malformed(what, where=url, details=details, next_step=step), again=True)
    if "without sending a response" in text:
        failed: CannotMeasure = Unreachable(
            f"{endpoint.name}: the connection was closed without an answer",
            where=url,
            next_step=f"look at the logs of {endpoint.name}; did it restart or crash?",
        )
        return Failure(error=failed, again=True)
    if "closed connection" in text:
        what = f"{endpoint.name}: the answer was cut off"
        step = f"look at the logs of {endpoint.name} and of the proxies before it"
        return Failure(error=Malformed(what, where=url, details=[text], next_step=step), again=True)
    failed = Malformed(
        f"{endpoint.name}: the answer is not HTTP",
        where=url,
        details=[text, f"{budget.received} bytes had come"],
        next_step="does another service listen on this port, or does it want https?",
    )
    return Failure(error=failed)


def _broken_off(error: httpx.NetworkError, endpoint: Endpoint, url: str, received: int) -> Unreachable:
    reason = getattr(error, "reason", error)
    when = f"after {received} bytes of the body" if received else "before the answer came"
    return Unreachable(
        f"{endpoint.name}: the connection broke {when}",
        where=url,
        details=[one_line(getattr(reason, "strerror", None) or str(reason))],
        next_step=f"look at the logs of {endpoint.name}; did it restart or crash?",
    )


def _too_large(error: BodyTooLarge, endpoint: Endpoint, url: str) -> TooLarge:
    size = f"{error.size:,} bytes"
    known = f"announces {size}" if error.announced else f"had sent {size} when reading stopped"
    return TooLarge(
        f"{endpoint.name}: the answer is larger than the limit of {_size(error.limit)} (max_body)",
        where=url,
        details=[f"the server {known}"],
        next_step=f"ask for less (fewer series, a shorter window), or raise max_body of {endpoint.name}",
    )


def _size(size: int) -> str:
    """Return a limit as people write it: `64 MiB`, or `1,000,000 bytes`."""
    for unit, name in ((1024**3, "GiB"), (1024**2, "MiB"), (1024, "KiB")):
        if size >= unit and size % unit == 0:
            return f"{size // unit} {name}"
    return f"{size:,} byte{'' if size == 1 else 's'}"
