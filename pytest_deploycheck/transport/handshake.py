"""TLS handshakes that are to be judged: as lenient as OpenSSL can be, to see all that a server sends, then as strict as
any client, to see whether it is trusted.

Certificates come as they are sent; `ssl` has a public way to them since Python 3.13 only.
"""  # noqa: D205 - one sentence

from __future__ import annotations

import base64
import ssl
import time
from typing import TYPE_CHECKING, Any

import msgspec

from pytest_deploycheck.errors import ConfigError, Mistake
from pytest_deploycheck.transport import hello
from pytest_deploycheck.transport.tls import load_machine_authorities

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from pytest_deploycheck.model.network import Connection, Failure

_NO_CHECK_TIME = ssl.VerifyFlags(0x200000)
"""X509_V_FLAG_NO_CHECK_TIME: an expired certificate is to be called that, not distrusted by somebody unknown."""
_DER = 2
_NO_TLS = ("wrong version number", "http request", "record layer", "unknown protocol", "packet length too long")
_UNEXPECTED = ("unexpected message", "bad record type")


class Greeting(msgspec.Struct, frozen=True, kw_only=True):
    """What came of greeting one address.

    Attributes:
        connection: the first one.
        failure: why there was no handshake.
        detail: the words of that.
        version: that was agreed on.
        cipher: that was agreed on.
        chain: certificates as they were sent, in DER.
        path: from the server's to the trusted authority's, in DER; empty if it is not trusted.
        distrust: OpenSSL's words for why it is not trusted.
        offered: older version → whether the server agrees to it.
        elapsed: until the handshake was done.
    """

    connection: Connection
    failure: Failure = ""
    detail: str = ""
    version: str = ""
    cipher: str = ""
    chain: tuple[bytes, ...] = ()
    path: tuple[bytes, ...] = ()
    distrust: str = ""
    offered: dict[str, bool | None] = {}
    elapsed: float = 0.0

    @property
    def problem(self) -> str:
        """Why there is no whole answer; empty if there is."""
        return f"{self.failure}: {self.detail}" if self.failure else ""

    def told(self) -> dict[str, Any]:
        """Return it as evidence keeps it, the certificates in PEM."""
        told = {name: getattr(self, name) for name in ("version", "cipher", "distrust", "offered", "elapsed")}
        return {**told, "chain": [_pem(one) for one in self.chain], "path": [_pem(one) for one in self.path]}


def greet(
    address: str,
    *,
    port: int,
    server_name: str,
    ca: Path | None,
    older: Sequence[str],
    timeout: float,
    opened: Callable[[str, int, float], tuple[Connection, socket.socket | None]],
) -> Greeting:
    """Greet one address.

    Args:
        address: without the port.
        port: of TCP.
        server_name: the name that is asked for.
        ca: a PEM file of the authorities to trust instead of the system's.
        older: versions to be offered alone.
        timeout: seconds for each connection.
        opened: connects.

    Raises:
        ConfigError: if the authorities cannot be read.
    """
    strict = _strict(ca)
    begun = time.perf_counter()
    connection, sock = opened(address, port, timeout)
    if sock is None:
        return Greeting(
            connection=connection,
            failure="not connected",
            detail=f"{connection.reach} ({connection.detail})",
            elapsed=time.perf_counter() - begun,
        )
    found = _Handshake(sock, _lenient(), server_name, timeout - connection.elapsed)
    elapsed = time.perf_counter() - begun
    if found.failure and found.failure != "refused":
        return Greeting(connection=connection, failure=found.failure, detail=found.detail, elapsed=elapsed)
    path: tuple[bytes, ...] = ()
    distrust = ""
    if not found.failure:
        path, distrust = _trust(opened(address, port, timeout)[1], strict, server_name, timeout)
    return Greeting(
        connection=connection,
        failure=found.failure,
        detail=found.detail,
        version=found.version,
        cipher=found.cipher,
        chain=found.chain,
        path=path,
        distrust=distrust,
        offered={
            version: _agrees(opened(address, port, timeout)[1], version, server_name, timeout) for version in older
        },
        elapsed=elapsed,
    )


class _Handshake:
    """One handshake on a connected socket, which is closed afterwards."""

    def __init__(self, sock: socket.socket, context: ssl.SSLContext, server_name: str, timeout: float) -> None:
        self.failure: Failure = ""
        self.detail = self.version = self.cipher = ""
        self.chain: tuple[bytes, ...] = ()
        self.path: tuple[bytes, ...] = ()
        self.unverified = ""
        secured: ssl.SSLSocket | None = None
        try:
            sock.settimeout(max(timeout, 0.001))
            secured = context.wrap_socket(sock, server_hostname=server_name, do_handshake_on_connect=False)
            secured.do_handshake()
            self.version = secured.version() or ""
            self.cipher = (secured.cipher() or ("",))[0]
        except TimeoutError:
            self.failure, self.detail = "timed out", f"no handshake within {timeout:g} s"
        except ssl.SSLCertVerificationError as error:
            self.unverified = error.verify_message.rstrip(".")
        except (OSError, ValueError) as error:
            self.failure, self.detail = _failed(error)
        finally:
            if secured is not None:
                # a server that wants a client's certificate has sent its own before it breaks off
                self.chain = _certificates(secured, "get_unverified_chain")
                if context.verify_mode is ssl.CERT_REQUIRED and not self.unverified:
                    self.path = _certificates(secured, "get_verified_chain")
                secured.close()
            sock.close()
        if self.chain and self.failure == "refused":
            self.failure = ""
            self.version = self.version or "TLSv1.2"  # from 1.3 on the handshake is over before it is broken off


def _certificates(secured: ssl.SSLSocket, method: str) -> tuple[bytes, ...]:
    found = getattr(secured, method, None) or getattr(secured._sslobj, method, None)  # type: ignore[attr-defined]  # noqa: SLF001 - see the module's head
    if found is None:
        return ()
    return tuple(one if isinstance(one, bytes) else one.public_bytes(_DER) for one in found() or ())


def _lenient() -> ssl.SSLContext:
    """Return a context that takes whatever OpenSSL can still speak: it is looked at, not trusted."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.set_ciphers("ALL:@SECLEVEL=0")
    return context


def _strict(ca: Path | None) -> ssl.SSLContext:
    """Return a context that verifies the chain: not its name nor its times, which are judged by themselves.

    Raises:
        ConfigError: if the authorities cannot be read.
    """
    context = _lenient()
    context.verify_mode = ssl.CERT_REQUIRED
    context.verify_flags |= _NO_CHECK_TIME
    if ca is None:
        load_machine_authorities(context)
        return context
    try:
        context.load_verify_locations(ca)
    except ssl.SSLError:
        problem = "holds no certificate"
    except OSError as error:
        problem = f"cannot be read: {error.strerror}"
    else:
        return context
    raise ConfigError([Mistake(where=str(ca), key="ca", problem=problem, expected="a readable PEM file")])


def _trust(
    sock: socket.socket | None, context: ssl.SSLContext, server_name: str, timeout: float
) -> tuple[tuple[bytes, ...], str]:
    if sock is None:
        return (), "a second connection, to verify it, was not accepted"
    found = _Handshake(sock, context, server_name, timeout)
    if found.failure:
        return (), f"a second handshake, to verify it, failed: {found.detail}"
    return found.path, found.unverified


def _agrees(sock: socket.socket | None, version: str, server_name: str, timeout: float) -> bool | None:
    if sock is None:
        return None
    ends = time.monotonic() + timeout

    def receive(size: int) -> bytes:
        sock.settimeout(max(ends - time.monotonic(), 0.001))
        try:
            return sock.recv(size)
        except ConnectionError:
            return b""  # a reset is a no, as an end is

    with sock:
        try:
            sock.settimeout(timeout)
            sock.sendall(hello.client_hello(version, _indicated(server_name)))
            return hello.agrees(version, receive)
        except ConnectionError:
            return False
        except OSError:
            return None


def _indicated(server_name: str) -> str:
    """Return the name to be indicated; an address is not (RFC 6066 3)."""
    return "" if ":" in server_name or server_name.replace(".", "").isdigit() else server_name


def _failed(error: Exception) -> tuple[Failure, str]:
    text = getattr(error, "reason", None) or str(error)
    words = text.lower().replace("_", " ")
    if any(part in words for part in _NO_TLS) or any(part in words for part in _UNEXPECTED):
        return "not TLS", "it answers something that is no TLS"
    if isinstance(error, (ssl.SSLEOFError, ssl.SSLZeroReturnError, ConnectionError)) or "eof" in words:
        return "closed", "it closes the connection during the handshake"
    return "refused", words


def _pem(der: bytes) -> str:
    return f"-----BEGIN CERTIFICATE-----\n{base64.encodebytes(der).decode()}-----END CERTIFICATE-----\n"
