"""Sockets under a deadline: the lowest layer, where every single wait is bounded by what is left of the whole.

httpx's time limits are per operation: a server that sends one byte every second never runs into a read time-out of
two. Here each look-up, connect, handshake, send and receive waits at most until the attempt's deadline. The parts are
plugged into `httpcore.ConnectionPool(network_backend=…)`, which is its public interface for this.
"""

from __future__ import annotations

import socket
import ssl
import threading
import time
import weakref
from contextlib import suppress
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

from pytest_deploycheck.transport.library import httpcore, httpx

if TYPE_CHECKING:
    from collections.abc import Iterable

_Address = tuple[int, int, int, Any]


class OutOfTime(httpx.TimeoutException):
    """A wait ended before what was waited for came.

    Args:
        phase: what was going on, such as `connecting`.
        limit: the limit in seconds that was reached.
        whole: whether that was the total limit, not the one for a single step.
    """

    def __init__(self, phase: str, limit: float, *, whole: bool) -> None:
        """Keep the parts for the message."""
        super().__init__(f"{phase}: {limit:g} s")
        self.phase = phase
        self.limit = limit
        self.whole = whole


class LookupFailed(httpx.ConnectError):
    """A host name could not be resolved."""

    def __init__(self, host: str, reason: OSError) -> None:
        """Keep the parts for the message."""
        super().__init__(str(reason))
        self.host = host
        self.reason = reason


class ConnectFailed(httpx.ConnectError):
    """No connection to any address of a host."""

    def __init__(self, peer: str, reason: OSError) -> None:
        """Keep the parts for the message."""
        super().__init__(str(reason))
        self.peer = peer
        self.reason = reason


class HandshakeFailed(httpx.ConnectError):
    """TLS could not be agreed on."""

    def __init__(self, server_name: str, reason: Exception) -> None:
        """Keep the parts for the message."""
        super().__init__(str(reason))
        self.server_name = server_name
        self.reason = reason


class ReceiveFailed(httpx.ReadError):
    """The connection broke while an answer was awaited or read."""

    def __init__(self, reason: OSError) -> None:
        """Keep the reason for the message."""
        super().__init__(str(reason))
        self.reason = reason


class Budget:
    """What one attempt may still take, and how far it has come.

    Args:
        ends: on `time.monotonic()`; nothing waits longer than that.
        total: the limit in seconds that `ends` stands for, for messages.
    """

    __slots__ = ("ends", "received", "sent", "total")

    def __init__(self, *, ends: float, total: float) -> None:
        """Start with nothing sent."""
        self.ends = ends
        self.total = total
        self.sent = False
        self.received = 0

    def bound(self, phase: str, limit: float | None) -> float:
        """Return how long the next step may wait in seconds.

        Args:
            phase: for the message.
            limit: the step's own limit.

        Raises:
            OutOfTime: if nothing is left.
        """
        left = self.ends - time.monotonic()
        # written as "not more than" so that a limit that is no number ends here too, not in a traceback
        if not left > 0:
            raise OutOfTime(phase, self.total, whole=True)
        if limit is not None and not limit > 0:
            raise OutOfTime(phase, limit, whole=False)
        return left if limit is None or limit > left else limit

    def ran_out(self, phase: str, limit: float | None) -> OutOfTime:
        """Return the error for a step that waited as long as `bound` said."""
        if limit is None or self.ends - time.monotonic() <= 0:
            return OutOfTime(phase, self.total, whole=True)
        return OutOfTime(phase, limit, whole=False)


class OpenSockets:
    """The sockets of one pool, so that all waits on them can be ended from another thread."""

    def __init__(self) -> None:
        """Start with none."""
        self._lock = threading.Lock()
        self._sockets: weakref.WeakSet[socket.socket] = weakref.WeakSet()

    def add(self, sock: socket.socket) -> None:
        """Take note of a socket that is about to be waited for."""
        with self._lock:
            self._sockets.add(sock)

    def abort(self) -> None:
        """Make every wait on them end now, connecting included. Closing alone would wake nobody."""
        with self._lock:
            for sock in self._sockets:
                with suppress(OSError):  # closed already, or never connected
                    sock.shutdown(socket.SHUT_RDWR)


class BudgetHolder(threading.local):
    """The budget of the attempt that runs in this thread.

    A connection is used by one attempt at a time, from its first byte to the last, in one thread; the pool's interface
    hands the streams only per-step limits, so the deadline comes this way.
    """

    current: Budget | None = None

    def get(self) -> Budget:
        """Return it; outside of an attempt there is none, and then nothing may wait at all."""
        return self.current or Budget(ends=0.0, total=0.0)


_FRESH = 0.005
"""Seconds; an idle connection is not looked at more often."""


class SocketStream(httpcore.NetworkStream):
    """One connection, plain or TLS."""

    def __init__(
        self, sock: socket.socket, holder: BudgetHolder, opened: OpenSockets, *, server_name: str | None
    ) -> None:
        """Take over a connected socket.

        Args:
            sock: the socket.
            holder: says which budget counts.
            opened: learns of the socket that TLS makes of this one.
            server_name: the TLS name to use instead of the URL's host, if any.
        """
        self._sock = sock
        self._holder = holder
        self._opened = opened
        self._server_name = server_name
        self._bound: float | None = None
        self._looked = 0.0

    def _wait_at_most(self, seconds: float) -> None:
        """Bound the next step; setting the same bound again would be a system call for nothing."""
        if seconds != self._bound:
            self._sock.settimeout(seconds)
            self._bound = seconds

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Return what has come, at most `max_bytes`; empty at the end of the stream."""
        budget = self._holder.get()
        phase = "reading the answer" if budget.received else "waiting for the answer"
        self._wait_at_most(budget.bound(phase, timeout))
        try:
            data = self._sock.recv(max_bytes)
        except TimeoutError:
            raise budget.ran_out(phase, timeout) from None
        except OSError as error:
            raise ReceiveFailed(error) from error
        budget.received += len(data)
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send all of the buffer; a peer that takes it in sips gets no longer than the deadline."""
        budget = self._holder.get()
        rest = memoryview(buffer)
        while rest:
            self._wait_at_most(budget.bound("sending the request", timeout))
            try:
                # TLS sends a part only if it can send it whole, so keep parts small enough to make progress
                count = self._sock.send(rest[: 1 << 16])
            except TimeoutError:
                raise budget.ran_out("sending the request", timeout) from None
            except OSError as error:
                # httpcore goes on to read after this one: a server may refuse early and say why
                raise httpcore.WriteError(str(error)) from error
            budget.sent = True
            rest = rest[count:]

    def close(self) -> None:
        """Close the socket without waiting for the peer."""
        self._sock.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        """Return the connection with TLS on it."""
        name = self._server_name or server_hostname or ""
        budget = self._holder.get()
        try:
            # the module applies a socket's time-out to the handshake as a whole, however slowly it drips
            self._sock.settimeout(budget.bound("the TLS handshake", timeout))
            secured = ssl_context.wrap_socket(self._sock, server_hostname=name, do_handshake_on_connect=False)
            self._sock = secured  # it has taken over, so that closing and aborting mean this one
            self._opened.add(secured)
            secured.do_handshake()
        except TimeoutError:
            self.close()
            raise budget.ran_out("the TLS handshake", timeout) from None
        except (OSError, ValueError) as error:  # ValueError: a name that cannot be one in TLS
            self.close()
            raise HandshakeFailed(name, error) from error
        except BaseException:
            self.close()
            raise
        # a CONNECT through a proxy has written already; the request itself has not left
        budget.sent = False
        budget.received = 0
        return SocketStream(secured, self._holder, self._opened, server_name=self._server_name)

    def get_extra_info(self, info: str) -> Any:
        """Return what httpcore asks for: whether an idle connection has something to read (then it is dead)."""
        if info == "is_readable":
            return self._has_something()
        if info == "ssl_object" and isinstance(self._sock, ssl.SSLSocket):
            return self._sock
        return None

    def _has_something(self) -> bool:
        """Return whether the peer sent or ended something, as far as was to be seen some milliseconds ago.

        Each time a request is given a connection, httpcore asks this of every idle one: with 16 requests at the same
        time that was most of what they took. After its answer the peer needs longer than this to think better of it.
        """
        now = time.monotonic()
        if 0 <= now - self._looked < _FRESH:
            return False
        if _is_readable(self._sock):
            return True
        self._looked = now
        return False


class DeadlineBackend(httpcore.NetworkBackend):
    """Makes connections whose every wait is bounded by the running attempt's budget.

    Args:
        holder: says which budget counts.
        server_name: the TLS name to use instead of the URL's host, if any.

    Attributes:
        opened: the sockets it made.
    """

    def __init__(self, holder: BudgetHolder, *, server_name: str | None = None) -> None:
        """Keep both."""
        self.opened = OpenSockets()
        self._holder = holder
        self._server_name = server_name

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Look the host up and connect to the first of its addresses that answers.

        The time for connecting is shared out among the addresses that are left: one that swallows packets (IPv6 behind
        a broken tunnel, say) does not use up the time of the next.
        """
        del local_address, socket_options  # never set by our pools
        budget = self._holder.get()
        started = time.monotonic()
        addresses = look_up(host, port, budget, timeout)
        reason: OSError = OSError("the name has no address")
        for position, (family, kind, protocol, address) in enumerate(addresses):
            share = None if timeout is None else (timeout - (time.monotonic() - started)) / (len(addresses) - position)
            sock = socket.socket(family, kind, protocol)
            self.opened.add(sock)
            try:
                sock.settimeout(budget.bound("connecting", share))
                sock.connect(address)
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            except TimeoutError as error:
                sock.close()
                ran_out = budget.ran_out("connecting", timeout)
                if ran_out.whole or position == len(addresses) - 1:
                    raise ran_out from None
                reason = error
            except OSError as error:
                sock.close()
                reason = error
            except BaseException:
                sock.close()
                raise
            else:
                return SocketStream(sock, self._holder, self.opened, server_name=self._server_name)
        raise ConnectFailed(f"{host}:{port}" if ":" not in host else f"[{host}]:{port}", reason) from reason


def _is_readable(sock: socket.socket) -> bool:
    """Return whether a socket has bytes, or its end, waiting."""
    import select

    if sock.fileno() < 0:
        return True
    poll = select.poll()  # unlike select(), not limited to 1024 open files
    poll.register(sock, select.POLLIN)
    return bool(poll.poll(0))


def look_up(host: str, port: int, budget: Budget, timeout: float | None) -> list[_Address]:
    """Return a host's addresses.

    The resolver knows no time limit of its own, so a name is looked up in a thread that may be left behind.

    Raises:
        LookupFailed: if there is no such name.
        OutOfTime: if the resolver does not answer in time.
    """
    phase = "looking the name up"
    found: list[_Address] = []
    failed: list[OSError] = []

    def resolve() -> None:
        try:
            found.extend(
                (family, kind, protocol, address)
                for family, kind, protocol, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            )
        except (OSError, UnicodeError) as error:
            failed.append(error if isinstance(error, OSError) else OSError(str(error)))

    try:
        ip_address(host)
    except ValueError:
        thread = threading.Thread(target=resolve, name=f"look up {host}", daemon=True)
        thread.start()
        thread.join(budget.bound(phase, timeout))
        if thread.is_alive():
            raise budget.ran_out(phase, timeout) from None
    else:
        resolve()  # an address: nothing to ask, no thread needed
    if failed:
        raise LookupFailed(host, failed[0])
    return found
