"""The way out for what is no HTTP: names are looked up, ports connected to, TLS is spoken; all of it goes on the tape.

Nothing is sent but a TLS handshake. Addresses are tried at the same time, so that several that swallow packets take no
longer than one; each wait ends with its limit.
"""

from __future__ import annotations

import errno
import json
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from pytest_deploycheck.errors import TimedOut, Unreachable
from pytest_deploycheck.model.network import Connection, Lookup, Reach, place
from pytest_deploycheck.transport.handshake import Greeting, greet
from pytest_deploycheck.transport.sockets import Budget, LookupFailed, OutOfTime, look_up

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from pytest_deploycheck.clock import Clock
    from pytest_deploycheck.transport.redaction import Redactor
    from pytest_deploycheck.transport.tape import Tape

SYSTEM = "network"
_TOGETHER = 8
_ABSENT = frozenset({socket.EAI_NONAME, socket.EAI_NODATA})
_REACHES: dict[int | None, Reach] = {
    errno.ECONNREFUSED: "refused",
    errno.ECONNRESET: "reset",
    errno.ETIMEDOUT: "timed out",
    errno.EHOSTUNREACH: "unreachable",
    errno.EACCES: "unreachable",  # a firewall that says so
    errno.EPERM: "unreachable",
    # both are said by this machine's own routing table, or by its lack of the protocol
    errno.ENETUNREACH: "no route",
    errno.EADDRNOTAVAIL: "no route",
    errno.EAFNOSUPPORT: "no route",
}

T = TypeVar("T")


class Dialer:
    """Looks names up, connects, and speaks TLS.

    Args:
        tape: gets every attempt.
        redactor: keeps secrets out of it.
        clock: for the time of day.
    """

    def __init__(self, *, tape: Tape, redactor: Redactor, clock: Clock) -> None:
        """Open nothing yet."""
        self._tape = tape
        self._redactor = redactor
        self._clock = clock

    def look_up(self, name: str, *, timeout: float) -> Lookup:
        """Return what the system's resolver says of a name, its files such as `/etc/hosts` included.

        Args:
            name: or an address, which stands for itself.
            timeout: seconds.

        Raises:
            Unreachable: if the resolver cannot tell; that there is no such name is an answer.
            TimedOut: if it does not answer in time.
        """
        started, begun = self._clock.now(), time.perf_counter()
        found: Sequence[tuple[int, int, int, Any]] = ()
        problem, failure = "", ""
        try:
            found = look_up(name, 0, Budget(ends=time.monotonic() + timeout, total=timeout), timeout)
        except LookupFailed as error:
            words = error.reason.strerror or str(error.reason)
            if getattr(error.reason, "errno", None) in _ABSENT:
                problem = words
            else:
                failure = words
        except OutOfTime:
            failure = f"no answer within {timeout:g} s"
        elapsed = time.perf_counter() - begun
        lookup = Lookup(
            name=name,
            addresses=tuple(dict.fromkeys(str(address[0]) for *_, address in found)),
            problem=problem,
            elapsed=elapsed,
        )
        evidence = self._record("LOOKUP", f"dns:{name}", started, elapsed, None if failure else lookup, failure)
        if failure:
            kind = TimedOut if failure.startswith("no answer") else Unreachable
            raise kind(
                f"the system's resolver does not tell the address of {name}: {failure}",
                next_step="look at this machine's resolver: getent ahosts " + name,
                evidence=evidence,
            )
        return lookup

    def connect(self, addresses: Sequence[str], port: int, *, timeout: float) -> tuple[Connection, ...]:
        """Return what becomes of a connection to each address; each is closed at once, and nothing is sent.

        Args:
            addresses: without the port.
            port: of TCP.
            timeout: seconds for each.
        """
        results = self._each([partial(_connected, address, port, timeout) for address in addresses])
        for started, connection in results:
            error = f"{connection.reach}: {connection.detail}" if connection.reach != "open" else ""
            self._record("CONNECT", f"tcp://{connection.place}", started, connection.elapsed, connection, error)
        return tuple(connection for _, connection in results)

    def greet(
        self,
        addresses: Sequence[str],
        port: int,
        *,
        server_name: str,
        ca: Path | None,
        older: Sequence[str],
        timeout: float,
    ) -> tuple[Greeting, ...]:
        """Return what each address says when it is greeted with TLS.

        Args:
            addresses: without the port.
            port: of TCP.
            server_name: the name that is asked for.
            ca: a PEM file of the authorities to trust instead of the system's.
            older: versions to be offered alone, to see whether the server agrees.
            timeout: seconds for each of the connections that this takes.

        Raises:
            ConfigError: if the authorities cannot be read.
        """
        limit = partial(greet, port=port, server_name=server_name, ca=ca, older=older, timeout=timeout, opened=_opened)
        results = self._each([partial(limit, address) for address in addresses])
        for started, greeting in results:
            told = {"connection": greeting.connection, "handshake": greeting.told()}
            url = f"tls://{place(greeting.connection.address, port)}?server_name={server_name}"
            self._record("HANDSHAKE", url, started, greeting.elapsed, told, greeting.problem)
        return tuple(greeting for _, greeting in results)

    def _each(self, tasks: Sequence[Callable[[], T]]) -> list[tuple[float, T]]:
        """Do all of it at the same time; return when it began, and what came of it, in the order given."""
        started = self._clock.now()
        if len(tasks) == 1:
            return [(started, tasks[0]())]
        with ThreadPoolExecutor(max_workers=_TOGETHER, thread_name_prefix="dial") as pool:
            return [(started, result) for result in pool.map(lambda task: task(), tasks)]

    def _record(self, method: str, url: str, started: float, elapsed: float, told: object, error: str) -> str:
        body = None if told is None else self._redactor.body(json.dumps(msgspec.to_builtins(told)).encode())
        return self._tape.record(
            system=SYSTEM,
            method=method,
            url=self._redactor.url(url),
            started=started,
            elapsed=elapsed,
            body=body,
            error=self._redactor.text(error) or None,
        ).id


def _connected(address: str, port: int, timeout: float) -> Connection:
    connection, sock = _opened(address, port, timeout)
    if sock is not None:
        sock.close()
    return connection


def _opened(address: str, port: int, timeout: float) -> tuple[Connection, socket.socket | None]:
    """Return what became of a connection, and its socket if it is open."""
    begun = time.perf_counter()
    reach: Reach = "open"
    detail = ""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    sock: socket.socket | None = None
    try:
        sock = socket.socket(family, socket.SOCK_STREAM)
        sock.settimeout(timeout)
        sock.connect((address, port))
    except TimeoutError:
        reach, detail = "timed out", f"no answer within {timeout:g} s"
    except OSError as error:
        reach = _REACHES.get(error.errno, "unreachable")
        detail = error.strerror or str(error)
    elapsed = time.perf_counter() - begun
    if reach != "open" and sock is not None:
        sock.close()
        sock = None
    return Connection(address=address, port=port, reach=reach, detail=detail, elapsed=elapsed), sock


def is_address(host: str) -> bool:
    """Return whether a host is an IP address, and no name."""
    with suppress(ValueError):
        ip_address(host)
        return True
    return False
