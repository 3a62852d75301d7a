"""TLS that must not be trusted, and TLS that must."""

from __future__ import annotations

import datetime as dt
import socket
import ssl
import threading
from typing import TYPE_CHECKING, Any

import pytest
import trustme

from pytest_deploycheck.clock import ManualClock
from pytest_deploycheck.errors import ConfigError, TimedOut, TlsFailed
from pytest_deploycheck.transport.endpoint import BearerAuth, Endpoint, Tls
from pytest_deploycheck.transport.redaction import Redactor
from pytest_deploycheck.transport.tape import Tape
from pytest_deploycheck.transport.wire import Wire
from tests.servers.bad_servers import answering, deaf_port, json_answer
from tests.servers.wired import ONCE, QUICK, secret, wired

if TYPE_CHECKING:
    from pathlib import Path

ANSWER = json_answer({"ok": True})


class Authority:
    """A certificate authority and what it has signed, as files."""

    def __init__(self, directory: Path) -> None:
        self.ca = trustme.CA()
        self.file = directory / "ca.pem"
        self.ca.cert_pem.write_to_path(self.file)
        self.directory = directory

    def server(self, name: str = "127.0.0.1", **options: Any) -> ssl.SSLContext:
        """Return a server's context with a certificate for `name`."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.ca.issue_cert(name, **options).configure_cert(context)
        return context

    def client(self, name: str = "client@example.org") -> tuple[Path, Path]:
        """Return the files of a client's certificate and key."""
        issued = self.ca.issue_cert(name)
        cert, key = self.directory / "client.pem", self.directory / "client.key"
        issued.cert_chain_pems[0].write_to_path(cert)
        issued.private_key_pem.write_to_path(key)
        return cert, key


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def test_a_trusted_certificate(authority: Authority) -> None:
    with answering(ANSWER, tls=authority.server()) as server, wired(server.url, tls=Tls(ca=authority.file)) as w:
        for _ in range(3):
            assert w.wire.request("GET", "/x").status == 200
        assert server.connections == 1
        assert w.wire.warnings == ()


def test_an_untrusted_certificate(authority: Authority) -> None:
    with answering(ANSWER, tls=authority.server()) as server, wired(server.url) as w:
        error = w.refused(TlsFailed, "GET", "/x")
        assert server.connections == 1, "not tried again: it would only repeat itself"
        assert server.requests == [], "nothing was said to a stranger"
        assert str(error) == (
            "prometheus: the server's certificate is not signed by a trusted authority\n"
            f"  at: {server.url}/x\n"
            "  TLS: unable to get local issuer certificate\n"
            f"  evidence: {w.last.id}\n"
            "  next: set tls.ca to the file of the authority that signed it"
        )


def test_a_certificate_for_another_name(authority: Authority) -> None:
    with answering(ANSWER, tls=authority.server("other.example")) as server:
        with wired(server.url, tls=Tls(ca=authority.file)) as w:
            error = w.refused(TlsFailed, "GET", "/x")
            assert str(error) == (
                "prometheus: the server's certificate is not for '127.0.0.1'\n"
                f"  at: {server.url}/x\n"
                "  TLS: IP address mismatch, certificate is not valid for '127.0.0.1'\n"
                f"  evidence: {w.last.id}\n"
                "  next: use the name in the certificate in the base URL, or set tls.server_name to it"
            )
        with wired(server.url, tls=Tls(ca=authority.file, server_name="other.example")) as w:
            assert w.wire.request("GET", "/x").status == 200


def test_an_expired_certificate(authority: Authority) -> None:
    past = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
    with (
        answering(ANSWER, tls=authority.server(not_before=past, not_after=past.replace(month=2))) as server,
        wired(server.url, tls=Tls(ca=authority.file)) as w,
    ):
        error = w.refused(TlsFailed, "GET", "/x")
        assert str(error) == (
            "prometheus: the server's certificate has expired\n"
            f"  at: {server.url}/x\n"
            "  TLS: certificate has expired\n"
            f"  evidence: {w.last.id}\n"
            "  next: renew the server's certificate"
        )


def test_verification_can_be_turned_off_and_says_so(authority: Authority) -> None:
    with (
        answering(ANSWER, tls=authority.server("other.example")) as server,
        wired(server.url, tls=Tls(verify=False)) as w,
    ):
        assert w.wire.request("GET", "/x").status == 200
        assert w.wire.warnings == ("prometheus: the server's certificate is not verified (tls.verify = false)",)


@pytest.mark.parametrize(
    ("version", "what", "alert", "step"),
    [
        (
            ssl.TLSVersion.TLSv1_2,
            "the server broke the TLS handshake off",
            "handshake failure",
            "does it want a client certificate (tls.cert, tls.key), or another TLS version or cipher?",
        ),
        (
            ssl.TLSVersion.TLSv1_3,
            "the server refuses the client certificate, or wants one",
            "certificate required",
            "set tls.cert and tls.key to a certificate that the server trusts",
        ),
    ],
)
def test_a_client_certificate(authority: Authority, version: ssl.TLSVersion, what: str, alert: str, step: str) -> None:
    context = authority.server()
    context.verify_mode = ssl.CERT_REQUIRED
    context.minimum_version = context.maximum_version = version
    authority.ca.configure_trust(context)
    cert, key = authority.client()
    with answering(ANSWER, tls=context) as server:
        with wired(server.url, tls=Tls(ca=authority.file, cert=cert, key=key)) as w:
            assert w.wire.request("GET", "/x").status == 200
        with wired(server.url, tls=Tls(ca=authority.file), retries=ONCE) as w:
            error = w.refused(TlsFailed, "GET", "/x")
            assert (error.what, error.next_step) == (f"prometheus: {what}", step)
            assert alert in error.details[0]


def test_https_to_a_server_that_answers_in_plain_text() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def plain() -> None:
            sock, _ = listener.accept()
            with sock:
                sock.recv(1024)
                sock.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        thread = threading.Thread(target=plain)
        thread.start()
        url = f"https://127.0.0.1:{listener.getsockname()[1]}"
        with wired(url) as w:
            error = w.refused(TlsFailed, "GET", "/x")
            thread.join()
            assert error.what == "prometheus: the server does not speak TLS on this port"
            assert error.next_step == "is the base URL's scheme http instead of https?"


def test_a_handshake_that_hangs_ends_at_the_deadline() -> None:
    with deaf_port() as port, wired(f"https://127.0.0.1:{port}", timeouts=QUICK) as w:
        error = w.refused(TimedOut, "GET", "/x")
        assert str(error) == (
            "prometheus: no whole answer within 0.3 s (timeouts.total)\n"
            f"  at: https://127.0.0.1:{port}/x\n"
            "  the time was up while shaking hands for TLS\n"
            f"  evidence: {w.last.id}\n"
            "  next: is prometheus overloaded, or the network slow? Else raise its timeouts.total"
        )


def test_files_that_cannot_be_used(authority: Authority, tmp_path: Path) -> None:
    junk = tmp_path / "junk.pem"
    junk.write_text("not a certificate")
    absent = tmp_path / "absent.pem"
    cert, _ = authority.client()
    (tmp_path / "other").mkdir()
    other_key = Authority(tmp_path / "other").client()[1]
    cases = [
        (Tls(ca=absent), f"tls.ca: {absent} cannot be read: No such file or directory (expected a readable PEM file)"),
        (Tls(ca=junk), f"tls.ca: {junk} holds no certificate (expected certificates in PEM)"),
        (
            Tls(cert=absent),
            f"tls.cert: {absent} cannot be read: No such file or directory (expected a readable PEM file)",
        ),
        (
            Tls(cert=junk),
            f"tls.cert: {junk} holds no usable certificate and key (expected a certificate and its key in PEM)",
        ),
        (
            Tls(cert=cert, key=other_key),
            f"tls.key: {other_key} is not the key of {cert} (expected the certificate's own key)",
        ),
        (Tls(key=other_key), "tls.key: is given without tls.cert (expected both, or neither)"),
    ]
    for tls, text in cases:
        endpoint = Endpoint(name="prometheus", base_url="https://127.0.0.1:1", tls=tls)
        with pytest.raises(ConfigError) as caught:
            Wire(endpoint, tape=Tape(), redactor=Redactor(), clock=ManualClock())
        assert [str(mistake) for mistake in caught.value.mistakes] == [f"system prometheus: {text}"]


def test_an_encrypted_key_is_not_asked_for_its_passphrase(authority: Authority, tmp_path: Path) -> None:
    from cryptography.hazmat.primitives import serialization as pem

    cert, key = authority.client()
    private = pem.load_pem_private_key(key.read_bytes(), None)
    locked = tmp_path / "locked.key"
    locked.write_bytes(
        private.private_bytes(pem.Encoding.PEM, pem.PrivateFormat.PKCS8, pem.BestAvailableEncryption(b"passphrase"))
    )
    endpoint = Endpoint(name="p", base_url="https://127.0.0.1:1", tls=Tls(ca=authority.file, cert=cert, key=locked))
    with pytest.raises(ConfigError) as caught:
        Wire(endpoint, tape=Tape(), redactor=Redactor(), clock=ManualClock())
    assert [str(mistake) for mistake in caught.value.mistakes] == [
        f"system p: tls.key: {locked} is encrypted (expected a key without a passphrase)"
    ]


def test_a_credential_over_plain_http_is_pointed_out() -> None:
    with wired("http://prometheus.example", auth=BearerAuth(secret("s3cr3t"))) as w:
        assert w.wire.warnings == ("prometheus: the credential travels unencrypted (the base URL is http)",)
    with wired("http://localhost:9090", auth=BearerAuth(secret("s3cr3t"))) as w:
        assert w.wire.warnings == ()
