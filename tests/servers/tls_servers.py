"""TLS servers on loopback, with certificates made for the test."""

from __future__ import annotations

import datetime as dt
import ipaddress
import socket
import ssl
import threading
import warnings
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

NOW = dt.datetime(2026, 11, 25, 12, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)


@dataclass
class Signed:
    """A certificate and its key."""

    certificate: x509.Certificate
    key: Any
    chain: list[x509.Certificate] = field(default_factory=list)

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)]) if text else x509.Name([])


def sign(  # noqa: PLR0913 - the fields of a certificate
    name: str,
    by: Signed | None = None,
    *,
    names: tuple[str, ...] = (),
    addresses: tuple[str, ...] = (),
    days: float = 90,
    since: float = -30,
    authority: bool = False,
    key: Any = None,
    issuer_url: str = "",
    now: dt.datetime = NOW,
) -> Signed:
    """Make a certificate that is valid from `since` to `days` from now; without `by` it signs itself."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(name))
        .issuer_name(by.certificate.subject if by else _name(name))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + since * DAY)
        .not_valid_after(now + days * DAY)
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
    )
    entries = [x509.DNSName(one) for one in names]
    entries += [x509.IPAddress(ipaddress.ip_address(one)) for one in addresses]  # type: ignore[misc]
    if entries:
        builder = builder.add_extension(x509.SubjectAlternativeName(entries), critical=False)
    if issuer_url:
        where = x509.AccessDescription(
            AuthorityInformationAccessOID.CA_ISSUERS, x509.UniformResourceIdentifier(issuer_url)
        )
        builder = builder.add_extension(x509.AuthorityInformationAccess([where]), critical=False)
    signer = by.key if by else key
    certificate = builder.sign(signer, hashes.SHA256())
    return Signed(certificate, key, [certificate, *(by.chain if by and by.chain else [])])


def authority(name: str = "Root", by: Signed | None = None, **options: Any) -> Signed:
    """Make an authority; a root does not belong to the chains that are sent."""
    made = sign(name, by, authority=True, days=options.pop("days", 3650), **options)
    made.chain = made.chain if by else []
    return made


def weak_key() -> Any:
    return rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505 - weak on purpose


def write(path: Path, *parts: Signed) -> Path:
    path.write_bytes(b"".join(part.pem for part in parts))
    return path


def context_of(signed: Signed, directory: Path, *, only: str = "", oldest: str = "") -> ssl.SSLContext:
    """Return a server's context that sends the certificate with its chain."""
    file = directory / f"{signed.certificate.serial_number}.pem"
    key = signed.key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    chain = signed.chain or [signed.certificate]
    file.write_bytes(key + b"".join(one.public_bytes(serialization.Encoding.PEM) for one in chain))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2  # what OpenSSL's configuration says differs between systems
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.load_cert_chain(file)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what is old is what is wanted here
        if only:
            context.minimum_version = context.maximum_version = getattr(ssl.TLSVersion, only)
        if oldest:
            context.minimum_version = getattr(ssl.TLSVersion, oldest)
    return context


@contextmanager
def serving(handle: Callable[[socket.socket], None], host: str = "127.0.0.1", port: int = 0) -> Iterator[int]:
    """Serve every connection in a thread of its own; yields the port."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, port), family=family) as listener:
        open_ones: list[socket.socket] = []

        def each(sock: socket.socket) -> None:
            with suppress(OSError, ValueError), sock:
                handle(sock)

        def accept() -> None:
            with suppress(OSError):
                while True:
                    sock, _ = listener.accept()
                    open_ones.append(sock)
                    threading.Thread(target=each, args=(sock,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield listener.getsockname()[1]
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        for sock in open_ones:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)


@contextmanager
def tls(context: ssl.SSLContext, host: str = "127.0.0.1", port: int = 0) -> Iterator[int]:
    """Serve TLS: the handshake, and then nothing; yields the port."""

    def handle(sock: socket.socket) -> None:
        with context.wrap_socket(sock, server_side=True) as secured:
            secured.recv(1)

    with serving(handle, host, port) as number:
        yield number
