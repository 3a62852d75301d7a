"""Certificates, read: on `cryptography`, which the extra `tls` brings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_deploycheck.errors import CannotMeasure, Malformed
from pytest_deploycheck.model.network import Certificate

if TYPE_CHECKING:
    from cryptography import x509

MISSING_EXTRA = "pip install 'pytest-deploycheck[tls]'"
_KINDS = {"RSA": "RSA", "EllipticCurve": "EC", "Ed25519": "Ed25519", "Ed448": "Ed448", "DSA": "DSA"}


def require_library() -> None:
    """Make sure that certificates can be read, before anybody is asked for one.

    Raises:
        CannotMeasure: if the extra is not installed.
    """
    try:
        import cryptography.x509  # noqa: F401 - looked for
    except ImportError:
        raise CannotMeasure(
            "certificates cannot be read: the package cryptography is not installed", next_step=MISSING_EXTRA
        ) from None


def read_certificate(der: bytes, *, place: str) -> Certificate:
    """Return a certificate.

    Args:
        der: as it was sent.
        place: whose it is, for messages.

    Raises:
        Malformed: if it is none.
    """
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes

    try:
        found = x509.load_der_x509_certificate(der)
        kind, bits = _key(found)
        names, addresses = _names(found)
        signed_with = found.signature_hash_algorithm
        return Certificate(
            subject=found.subject.rfc4514_string(),
            issuer=found.issuer.rfc4514_string(),
            common_name=_common_name(found),
            not_before=found.not_valid_before_utc.timestamp(),
            not_after=found.not_valid_after_utc.timestamp(),
            names=names,
            addresses=addresses,
            key_kind=kind,
            key_bits=bits,
            hash=signed_with.name if signed_with is not None else "",
            authority=_is_authority(found),
            self_signed=found.subject == found.issuer and _signed_itself(found),
            issuer_url=_issuer_url(found),
            serial=f"{found.serial_number:x}",
            sha256=found.fingerprint(hashes.SHA256()).hex(),
        )
    except (ValueError, TypeError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType) as error:
        raise Malformed(
            f"{place} sends a certificate that cannot be read: {' '.join(str(error).split())[:200]}",
            where=place,
            next_step="look at it with `openssl s_client -showcerts`, and have it issued anew",
        ) from None


def _key(found: x509.Certificate) -> tuple[str, int]:
    from cryptography.exceptions import UnsupportedAlgorithm

    try:
        key: Any = found.public_key()
    except (UnsupportedAlgorithm, ValueError):
        return "", 0
    name = type(key).__name__.removesuffix("PublicKey").lstrip("_")
    return _KINDS.get(name, name), getattr(key, "key_size", 0)


def _names(found: x509.Certificate) -> tuple[tuple[str, ...], tuple[str, ...]]:
    from cryptography import x509

    try:
        names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return (), ()
    addresses = names.get_values_for_type(x509.IPAddress)
    return tuple(names.get_values_for_type(x509.DNSName)), tuple(map(str, addresses))


def _common_name(found: x509.Certificate) -> str:
    from cryptography.x509.oid import NameOID

    values = found.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(values[0].value) if values else ""


def _is_authority(found: x509.Certificate) -> bool:
    from cryptography import x509

    try:
        return found.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False


def _signed_itself(found: x509.Certificate) -> bool:
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

    try:
        found.verify_directly_issued_by(found)
    except (InvalidSignature, UnsupportedAlgorithm, TypeError, ValueError):
        return False
    return True


def _issuer_url(found: x509.Certificate) -> str:
    from cryptography import x509
    from cryptography.x509.oid import AuthorityInformationAccessOID

    try:
        access = found.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
    except x509.ExtensionNotFound:
        return ""
    for one in access:
        if one.access_method == AuthorityInformationAccessOID.CA_ISSUERS and isinstance(
            one.access_location, x509.UniformResourceIdentifier
        ):
            return one.access_location.value
    return ""
