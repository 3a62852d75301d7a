"""How the faults of the TLS port show themselves."""

from __future__ import annotations

import datetime as dt
import socket
import ssl
import warnings
from typing import TYPE_CHECKING, Any

from pytest_deploycheck.sandbox.configs import HOST

if TYPE_CHECKING:
    from pytest_deploycheck.sandbox.effects import Scene

SOON = dt.timedelta(days=14)
_SECONDS = 5.0


def _served(scene: Scene) -> Any:
    """Return the certificate that the port serves; None if there is none."""
    from cryptography import x509

    try:
        return x509.load_pem_x509_certificate(
            ssl.get_server_certificate((HOST, scene.ports.tls), timeout=_SECONDS).encode()
        )
    except OSError:
        return None


def expiring(scene: Scene) -> bool:
    """Whether the certificate has few days left."""
    served = _served(scene)
    return served is not None and served.not_valid_after_utc - dt.datetime.now(dt.UTC) < SOON


def wrong_name(scene: Scene) -> bool:
    """Whether the certificate is for another host."""
    from cryptography import x509

    served = _served(scene)
    if served is None:
        return False
    names = served.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return bool(names.get_values_for_type(x509.DNSName) == ["old.example.com"])


def self_signed(scene: Scene) -> bool:
    """Whether the certificate signed itself."""
    served = _served(scene)
    return served is not None and served.issuer == served.subject


def chainless(scene: Scene) -> bool:
    """Whether nobody who trusts the root alone can verify the certificate."""
    context = ssl.create_default_context(cafile=scene.log.parent / "tls-ca.pem")
    try:
        with (
            socket.create_connection((HOST, scene.ports.tls), timeout=_SECONDS) as sock,
            context.wrap_socket(sock, server_hostname="localhost"),
        ):
            return False
    except ssl.SSLCertVerificationError:
        return True
    except OSError:
        return False


def old_version(scene: Scene) -> bool:
    """Whether the port agrees to TLS 1.1."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # old on purpose
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    try:
        with (
            socket.create_connection((HOST, scene.ports.tls), timeout=_SECONDS) as sock,
            context.wrap_socket(sock) as secured,
        ):
            return secured.version() == "TLSv1.1"
    except OSError:
        return False


def closed(scene: Scene) -> bool:
    """Whether the port refuses connections."""
    try:
        socket.create_connection((HOST, scene.ports.tls), timeout=_SECONDS).close()
    except ConnectionRefusedError:
        return True
    except OSError:
        return False
    return False
