"""The demo service's TLS port, with certificates of an authority of its own; there is one where `cryptography` is."""

from __future__ import annotations

import datetime as dt
import socket
import ssl
import threading
import warnings
from contextlib import suppress
from importlib.util import find_spec
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

HOST = "127.0.0.1"
CA_FILE = "tls-ca.pem"
ISSUER = "Sandbox Intermediate"
SWITCHES = EXPIRING, WRONG_NAME, UNTRUSTED, CHAINLESS, OLD_VERSION, CLOSED = (
    "certificate-expiring",
    "certificate-wrong-name",
    "certificate-self-signed",
    "certificate-without-chain",
    "tls-old-version",
    "tls-port-closed",
)
"""The switches."""
_YEAR, _SOON = 365, 3
_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nok\n"
_SECONDS = 5.0


def available() -> bool:
    """Return whether certificates can be made here."""
    return find_spec("cryptography") is not None


class TlsPort:
    """A port that does a TLS handshake and answers any request with `ok`.

    Args:
        directory: where the authority's certificate goes, and the keys.
        active: whether a switch is on.
    """

    def __init__(self, directory: Path, active: Callable[[str], bool]) -> None:
        """Make the certificates and bind the port; connections are refused until `open`."""
        self._active = active
        self._contexts = _contexts(directory)
        self._bound = _bind(0)
        self.port: int = self._bound.getsockname()[1]
        self._listening = False

    def open(self) -> None:
        """Serve; does nothing if it serves already."""
        if not self._listening:
            self._listening = True
            self._bound.listen(16)
            threading.Thread(target=self._serve, args=(self._bound,), daemon=True).start()

    def close(self) -> None:
        """Refuse connections; the port stays ours."""
        if self._listening:
            self._listening = False
            with suppress(OSError):
                self._bound.shutdown(socket.SHUT_RDWR)
            self._bound.close()
            self._bound = _bind(self.port)

    def _serve(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                sock, _ = listener.accept()
                threading.Thread(target=self._answer, args=(sock,), daemon=True).start()

    def _answer(self, sock: socket.socket) -> None:
        name = next((name for name in self._contexts if name and self._active(name)), "")
        with suppress(OSError, ValueError), sock:
            sock.settimeout(_SECONDS)
            with self._contexts[name].wrap_socket(sock, server_side=True) as secured:
                if secured.recv(4096):
                    secured.sendall(_ANSWER)


def _bind(port: int) -> socket.socket:
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind((HOST, port))
    return bound


def _contexts(directory: Path) -> dict[str, ssl.SSLContext]:
    """Return switch → what is served while it is on; the empty one is what is right."""
    from cryptography.hazmat.primitives import serialization

    root, root_key = _certificate("Sandbox Root", None, days=10 * _YEAR, authority=True)
    middle, middle_key = _certificate(ISSUER, (root, root_key), days=5 * _YEAR, authority=True)
    pem = serialization.Encoding.PEM
    (directory / CA_FILE).write_bytes(root.public_bytes(pem))

    def context(name: str, parts: tuple[Any, Any], *, chain: bool = True) -> ssl.SSLContext:
        certificate, key = parts
        file = directory / f"tls-{name or 'good'}.pem"
        private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        file.write_bytes(private + certificate.public_bytes(pem) + (middle.public_bytes(pem) if chain else b""))
        file.chmod(0o600)
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        made.minimum_version = ssl.TLSVersion.TLSv1_2
        made.load_cert_chain(file)
        return made

    by = (middle, middle_key)
    good = _certificate("mcp", by, days=_YEAR)
    old = context(OLD_VERSION, good)
    old.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # old on purpose
        old.minimum_version = ssl.TLSVersion.TLSv1_1
    return {
        "": context("", good),
        EXPIRING: context(EXPIRING, _certificate("mcp", by, days=_SOON)),
        WRONG_NAME: context(WRONG_NAME, _certificate("mcp", by, days=_YEAR, name="old.example.com")),
        UNTRUSTED: context(UNTRUSTED, _certificate("mcp", None, days=_YEAR), chain=False),
        CHAINLESS: context(CHAINLESS, good, chain=False),
        OLD_VERSION: old,
    }


def _certificate(
    title: str, by: tuple[Any, Any] | None, *, days: int, authority: bool = False, name: str = "localhost"
) -> tuple[Any, Any]:
    """Return a certificate and its key; without `by` it signs itself."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, title)])
    now = dt.datetime.now(dt.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(by[0].subject if by else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
    )
    if not authority:
        entries: list[x509.GeneralName] = [x509.DNSName(name)]
        entries += [x509.IPAddress(ip_address(HOST))] if name == "localhost" else []
        builder = builder.add_extension(x509.SubjectAlternativeName(entries), critical=False)
    return builder.sign(by[1] if by else key, hashes.SHA256()), key
