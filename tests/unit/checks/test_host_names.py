"""Which names cover which hosts, held to OpenSSL's own judgement."""

from __future__ import annotations

import ssl
import tempfile
from contextlib import suppress
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization as how

from pytest_deploycheck.checks.host_names import matches_host
from tests.servers.tls_servers import sign

CASES = [
    ("app.example.com", "app.example.com", True),
    ("APP.example.COM", "app.Example.com", True),
    ("app.example.com.", "app.example.com", True),
    ("app.example.com", "example.com", False),
    ("app.example.com", "*.example.com", True),
    ("a.b.example.com", "*.example.com", False),
    ("example.com", "*.example.com", False),
    (".example.com", "*.example.com", False),
    ("example.com", "*.com", False),
    ("app.example.com", "a*.example.com", False),
    ("app.example.com", "*.*.com", False),
    ("app.example.com", "app.*.com", False),
    ("app.example.com", "*", False),
    ("app.example.com", "", False),
    ("app.example.com", "xapp.example.com", False),
    ("bücher.example", "xn--bcher-kva.example", True),
    ("xn--bcher-kva.example.com", "*.example.com", True),
    ("under_score.example.com", "under_score.example.com", True),
]


@pytest.mark.parametrize(("host", "name", "expected"), CASES)
def test_names(host: str, name: str, expected: bool) -> None:
    assert matches_host(host, [name], []) is expected


def test_addresses_are_covered_by_addresses_alone() -> None:
    assert matches_host("192.0.2.7", [], ["192.0.2.7"])
    assert matches_host("2001:db8::7", [], ["2001:db8:0:0::7"])
    assert matches_host("[2001:db8::7]", [], ["2001:db8::7"])
    assert not matches_host("192.0.2.7", ["192.0.2.7"], [])
    assert not matches_host("192.0.2.7", ["*.0.2.7"], ["192.0.2.8", "nonsense"])
    assert not matches_host("", ["example.com"], [])


def _openssl_agrees(host: str, name: str) -> bool:
    """Ask OpenSSL, by a handshake in memory."""
    signed = sign("x", names=(name,) if name else ())
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory, "x.pem")
        key = signed.key.private_bytes(how.Encoding.PEM, how.PrivateFormat.PKCS8, how.NoEncryption())
        file.write_bytes(key + signed.pem)
        server.load_cert_chain(file)
        client.load_verify_locations(file)
    client.verify_flags |= ssl.VerifyFlags(0x200000)
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ours = client.wrap_bio(to_client, to_server, server_hostname=host)
    theirs = server.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(4):
        try:
            ours.do_handshake()
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLCertVerificationError:
            return False
        else:
            return True
        with suppress(ssl.SSLWantReadError):
            theirs.do_handshake()
    raise AssertionError


# Of the partial wildcard alone OpenSSL thinks better than today's rules do; final and leading dots it does not know.
OPENSSLS = [case for case in CASES if case[0].strip(".") == case[0] and case[1] != "a*.example.com"]


@pytest.mark.parametrize(("host", "name", "expected"), OPENSSLS)
def test_openssl_says_the_same(host: str, name: str, expected: bool) -> None:
    assert _openssl_agrees(host, name) is expected
