"""TLS: the context to speak it with, and plain words for why it failed."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_deploycheck.errors import ConfigError, Mistake, TlsFailed

if TYPE_CHECKING:
    from pytest_deploycheck.transport.endpoint import Endpoint

# X509_V_ERR_* of OpenSSL's x509_vfy.h
_NOT_YET_VALID = 9
_EXPIRED = 10
_SELF_SIGNED = (18, 19)
_UNKNOWN_ISSUER = (2, 20, 21)
_WRONG_NAME = (62, 64)


def make_context(endpoint: Endpoint) -> ssl.SSLContext:
    """Return the context for an endpoint; certificates are verified unless it says otherwise.

    Without `ca` the authorities of the machine are trusted, or those of `certifi` where the machine has none; with
    `ca` only those in that file.

    Raises:
        ConfigError: if a file cannot be read or used.
    """
    tls = endpoint.tls
    mistakes: list[Mistake] = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if not tls.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif tls.ca is not None:
        mistakes += _load_authorities(context, endpoint, tls.ca)
    else:
        load_machine_authorities(context)
    if tls.cert is not None:
        mistakes += _load_client_certificate(context, endpoint, tls.cert, tls.key)
    elif tls.key is not None:
        mistakes.append(endpoint.mistake("tls.key", "is given without tls.cert", "both, or neither"))
    if mistakes:
        raise ConfigError(mistakes)
    return context


def load_machine_authorities(context: ssl.SSLContext) -> None:
    """Trust the authorities of the machine, or those of `certifi` where the machine has none."""
    if _machine_has_authorities():
        context.load_default_certs()
    else:
        import certifi

        context.load_verify_locations(certifi.where())


def _machine_has_authorities() -> bool:
    paths = ssl.get_default_verify_paths()
    in_file = paths.cafile is not None and Path(paths.cafile).stat().st_size > 0
    return in_file or (paths.capath is not None and any(Path(paths.capath).iterdir()))


def _load_authorities(context: ssl.SSLContext, endpoint: Endpoint, path: Path) -> list[Mistake]:
    try:
        context.load_verify_locations(path)
    except ssl.SSLError:
        return [endpoint.mistake("tls.ca", f"{path} holds no certificate", "certificates in PEM")]
    except OSError as error:
        return [endpoint.mistake("tls.ca", f"{path} cannot be read: {error.strerror}", "a readable PEM file")]
    return []


def _load_client_certificate(
    context: ssl.SSLContext, endpoint: Endpoint, cert: Path, key: Path | None
) -> list[Mistake]:
    for name, path in (("tls.cert", cert), ("tls.key", key)):
        if path is None:
            continue
        try:
            with path.open("rb"):
                pass
        except OSError as error:
            return [endpoint.mistake(name, f"{path} cannot be read: {error.strerror}", "a readable PEM file")]
    # without a password callback OpenSSL would ask on the terminal and block the run
    asked: list[bool] = []

    def no_password() -> str:
        asked.append(True)
        return ""

    try:
        context.load_cert_chain(cert, key, password=no_password)
    except (ssl.SSLError, ValueError) as error:
        shown = key or cert
        if asked:
            return [endpoint.mistake("tls.key", f"{shown} is encrypted", "a key without a passphrase")]
        if "MISMATCH" in str(error):
            return [endpoint.mistake("tls.key", f"{shown} is not the key of {cert}", "the certificate's own key")]
        problem = f"{cert}{f' with {key}' if key else ''} holds no usable certificate and key"
        return [endpoint.mistake("tls.cert", problem, "a certificate and its key in PEM")]
    return []


def tls_failure(system: str, *, url: str, server_name: str, reason: Exception) -> TlsFailed:
    """Return the error for a handshake, or a later TLS alert, that failed.

    Args:
        system: the system's name.
        url: what was asked, redacted.
        server_name: the name that was asked for.
        reason: what Python's ssl module raised.
    """
    what, next_step = _explain(server_name, reason)
    text = reason.verify_message.rstrip(".") if isinstance(reason, ssl.SSLCertVerificationError) else str(reason)
    return TlsFailed(f"{system}: {what}", where=url, details=[f"TLS: {text}"] if text else [], next_step=next_step)


def _explain(  # noqa: PLR0911 - one case a cause reads best
    server_name: str, reason: Exception
) -> tuple[str, str]:
    """Return what went wrong, and what to do."""
    if isinstance(reason, ssl.SSLCertVerificationError):
        return _explain_certificate(server_name, reason.verify_code)
    text = str(reason).lower().replace("_", " ")
    if "certificate required" in text or "bad certificate" in text or "unknown ca" in text:
        return (
            "the server refuses the client certificate, or wants one",
            "set tls.cert and tls.key to a certificate that the server trusts",
        )
    if "alert handshake failure" in text:
        return (
            "the server broke the TLS handshake off",
            "does it want a client certificate (tls.cert, tls.key), or another TLS version or cipher?",
        )
    if "wrong version number" in text or "http request" in text or "record layer" in text:
        return "the server does not speak TLS on this port", "is the base URL's scheme http instead of https?"
    if isinstance(reason, ValueError):
        return f"{server_name!r} cannot be a TLS server name", "set tls.server_name to the name in the certificate"
    if "eof" in text or isinstance(reason, (ConnectionError, ssl.SSLEOFError)):
        return "the connection was closed during the TLS handshake", "does this port speak TLS?"
    return "the TLS handshake failed", "compare the TLS versions and ciphers of both sides"


def _explain_certificate(server_name: str, code: int) -> tuple[str, str]:
    if code == _EXPIRED:
        return "the server's certificate has expired", "renew the server's certificate"
    if code == _NOT_YET_VALID:
        return "the server's certificate is not valid yet", "compare the clocks of both machines"
    if code in _WRONG_NAME:
        return (
            f"the server's certificate is not for {server_name!r}",
            "use the name in the certificate in the base URL, or set tls.server_name to it",
        )
    if code in _SELF_SIGNED or code in _UNKNOWN_ISSUER:
        return (
            "the server's certificate is not signed by a trusted authority",
            "set tls.ca to the file of the authority that signed it",
        )
    return "the server's certificate is not acceptable", "look at the certificate with `openssl s_client -showcerts`"
