"""Certificates, names and ports against real servers on loopback: what is wrong is called by its name."""

from __future__ import annotations

import errno
import json
import socket
import ssl
import sys
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from pytest_deploycheck.checks.asked import Asked
from pytest_deploycheck.checks.certificates import certificates, modern
from pytest_deploycheck.checks.network import closed, opened, resolved
from pytest_deploycheck.clients.network.certificates import read_certificate
from pytest_deploycheck.clock import ManualClock
from pytest_deploycheck.errors import (
    AuthorMistake,
    CannotMeasure,
    ConfigError,
    DeploycheckError,
    Malformed,
    NoData,
    NotEnoughData,
    TimedOut,
    TlsFailed,
    Unreachable,
)
from pytest_deploycheck.face.ledger import Ledger
from pytest_deploycheck.face.network import Network
from pytest_deploycheck.model.network import Certificate, Connection, Lookup, TlsServer
from pytest_deploycheck.settings.network import CertificateCheck, NameCheck, PortCheck
from pytest_deploycheck.settings.systems import Service
from pytest_deploycheck.transport.dialing import Dialer
from pytest_deploycheck.transport.redaction import Redactor
from pytest_deploycheck.transport.tape import Tape
from tests.servers.tls_servers import NOW, Signed, authority, context_of, serving, sign, tls, weak_key, write

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pytest_deploycheck.face.judged import Judged
    from pytest_deploycheck.model.finding import Finding

HERE: dict[str, Any] = {"names": ("localhost", "app.example.com"), "addresses": ("127.0.0.1",)}


class Room:
    """The fixture as a check has it, with its tape and a clock that stands at the certificates' now."""

    def __init__(self, base: Path, services: dict[str, Service]) -> None:
        self.tape, self.ledger, self.redactor = Tape(), Ledger(), Redactor()
        self.observed: list[str] = []
        self.tape.on_record.append(lambda exchange, _: self.observed.append(exchange.id))
        self.clock = ManualClock(NOW.timestamp())
        self.base = base
        self.network = Network(
            Dialer(tape=self.tape, redactor=self.redactor, clock=self.clock),
            services=services,
            base=base,
            clock=self.clock,
            ledger=self.ledger,
            observed=self.observed,
            missing=KeyError,
        )

    def recorded(self) -> list[tuple[str, str, Any, str | None]]:
        bodies = self.tape.take_bodies()
        return [
            (one.method, one.url, json.loads(bodies[one.body_sha256]) if one.body_sha256 else None, one.error)
            for one in self.tape.take()
        ]


@pytest.fixture
def room(tmp_path: Path) -> Room:
    return Room(tmp_path, {})


@pytest.fixture(scope="module")
def root() -> Signed:
    return authority()


def failed(judged: Judged) -> Finding:
    assert not judged
    return judged.finding


# --- certificates -----------------------------------------------------------------------------------------------------


def test_a_sound_certificate(room: Room, root: Signed, tmp_path: Path) -> None:
    inter = authority("Intermediate", root)
    leaf = sign("app", inter, **HERE)
    write(tmp_path / "ca.pem", root)
    with tls(context_of(leaf, tmp_path)) as port:
        answer = room.network.tls("127.0.0.1", port, ca="ca.pem")
        assert answer.sound(days=30, issuers=["Intermediate"])
        assert answer.matches("app.example.com")
        assert answer.days_left == pytest.approx(90)
        assert [one.common_name for one in answer.chain] == ["app", "Intermediate"]
        (server,) = answer.servers
        assert [one.common_name for one in server.path] == ["app", "Intermediate", "Root"]
        assert (server.version, server.offered) == ("TLSv1.3", {"SSLv3": False, "TLSv1": False, "TLSv1.1": False})
    finding = answer.sound().finding
    assert finding.observed == "app on 1 address, TLSv1.3, 90 days left"
    assert finding.system == "network from here"
    lookup, handshake = room.recorded()
    assert lookup[:2] == ("LOOKUP", "dns:127.0.0.1")
    assert handshake[:2] == ("HANDSHAKE", f"tls://127.0.0.1:{port}?server_name=127.0.0.1")
    told = handshake[2]["handshake"]
    assert [pem.splitlines()[0] for pem in told["chain"]] == ["-----BEGIN CERTIFICATE-----"] * 2
    assert ssl.PEM_cert_to_DER_cert(told["chain"][0])
    assert finding.evidence == tuple(room.observed)


CERTIFICATES: dict[str, tuple[Callable[[Signed], Signed], str, str]] = {
    "expired": (
        lambda root: sign("app", root, days=-2, **HERE),
        "1 of 1 address is expired",
        "expired on 2026-11-23T12:00:00Z, 2.0 days ago",
    ),
    "about to expire": (
        lambda root: sign("app", root, days=5, **HERE),
        "1 of 1 address is about to expire",
        "expires in 5.0 days, on 2026-11-30T12:00:00Z",
    ),
    "not valid yet": (
        lambda root: sign("app", root, since=1, **HERE),
        "1 of 1 address is not valid yet",
        "valid from 2026-11-26T12:00:00Z on",
    ),
    "an intermediate about to expire": (
        lambda root: sign("app", authority("Intermediate", root, days=3), **HERE),
        "1 of 1 address is about to expire",
        "expires in 3.0 days, on 2026-11-28T12:00:00Z",
    ),
    "another name": (
        lambda root: sign("app", root, names=("other.example.com",)),
        "1 of 1 address is for another name",
        "not for 127.0.0.1; it is for other.example.com",
    ),
    "the common name alone": (
        lambda root: sign("127.0.0.1", root),
        "1 of 1 address is for another name",
        "not for 127.0.0.1; it is for none (and '127.0.0.1' as its common name, which no client looks at)",
    ),
    "self-signed": (
        lambda _: sign("app", **HERE),
        "1 of 1 address is self-signed",
        "it signed itself; no authority vouches for it",
    ),
    "an unknown root that is sent": (
        lambda _: _with_root(),
        "1 of 1 address is not trusted",
        "its chain ends in Stranger, which is not trusted here",
    ),
    "a missing intermediate": (
        lambda root: _alone(
            sign("app", authority("Intermediate", root), issuer_url="http://ca.example.com/i.crt", **HERE)
        ),
        "1 of 1 address is sent without its issuer's certificate",
        (
            "CN=Intermediate was not sent and is not known here: an intermediate certificate is missing, or its "
            "authority is not trusted; it is to be had at http://ca.example.com/i.crt"
        ),
    ),
    "issued by what is no authority": (
        lambda root: sign("app", sign("Other leaf", root), **HERE),
        "1 of 1 address is not trusted",
        "invalid CA certificate",
    ),
    "a weak key": (
        lambda root: sign("app", root, key=weak_key(), **HERE),
        "1 of 1 address is with a weak key",
        "its RSA key has 1024 bits",
    ),
}  # fmt: skip


def _alone(signed: Signed) -> Signed:
    return Signed(signed.certificate, signed.key, [signed.certificate])


def _with_root() -> Signed:
    stranger = authority("Stranger")
    again = sign("app", stranger, **HERE)
    return Signed(again.certificate, again.key, [again.certificate, stranger.certificate])


@pytest.mark.parametrize("case", CERTIFICATES)
def test_a_certificate_that_is_wrong(room: Room, root: Signed, tmp_path: Path, case: str) -> None:
    make, observed, problem = CERTIFICATES[case]
    write(tmp_path / "ca.pem", root)
    with tls(context_of(make(root), tmp_path)) as port:
        finding = failed(room.network.tls("127.0.0.1", port, ca="ca.pem").sound())
    assert finding.observed == observed
    assert [row[2] for row in finding.rows] == [problem]
    assert finding.rows[0][0] == f"127.0.0.1:{port}"
    assert finding.next_steps == (
        f"try: openssl s_client -showcerts -connect 127.0.0.1:{port} -servername 127.0.0.1 </dev/null",
    )


def test_each_aspect_by_itself(room: Room, root: Signed, tmp_path: Path) -> None:
    write(tmp_path / "ca.pem", root)
    leaf = sign("app", days=-1, key=weak_key(), names=("other",))
    with tls(context_of(leaf, tmp_path)) as port:
        answer = room.network.tls("localhost", port, ca="ca.pem")
    assert [
        failed(judged).observed.removeprefix("1 of 1 address is ")
        for judged in (
            answer.trusted(),
            answer.matches(),
            answer.valid(),
            answer.strong(),
            answer.issued_by("Root", "Let's Encrypt"),
        )
    ] == ["self-signed", "for another name", "expired", "with a weak key", "of another issuer"]
    assert answer.modern()
    assert len(failed(answer.sound()).rows) == 4


def test_without_an_authority_of_ones_own_the_systems_count(room: Room, root: Signed, tmp_path: Path) -> None:
    with tls(context_of(sign("app", root, **HERE), tmp_path)) as port:
        finding = failed(room.network.tls("127.0.0.1", port).trusted())
    assert finding.observed == "1 of 1 address is sent without its issuer's certificate"


@pytest.mark.parametrize(
    ("only", "oldest", "agreed", "observed"),
    [
        ("", "TLSv1", "TLSv1.3", "1 of 1 address is agreeing to TLSv1; 1 of 1 address is agreeing to TLSv1.1"),
        ("", "TLSv1_1", "TLSv1.3", "1 of 1 address is agreeing to TLSv1.1"),
        ("TLSv1", "", "TLSv1", "1 of 1 address is agreeing to TLSv1"),
        ("TLSv1_2", "", "TLSv1.2", ""),
        ("TLSv1_3", "", "TLSv1.3", ""),
    ],
)
def test_old_versions_that_are_offered(
    room: Room, root: Signed, tmp_path: Path, only: str, oldest: str, agreed: str, observed: str
) -> None:
    write(tmp_path / "ca.pem", root)
    with tls(context_of(sign("app", root, **HERE), tmp_path, only=only, oldest=oldest)) as port:
        answer = room.network.tls("localhost", port, ca="ca.pem")
    assert answer.servers[0].version == agreed
    judged = answer.modern()
    assert (bool(judged), judged.finding.observed if observed else "") == (not observed, observed)
    assert answer.trusted()


def test_the_next_version_can_be_asked_for(room: Room, root: Signed, tmp_path: Path) -> None:
    with tls(context_of(sign("app", root, **HERE), tmp_path)) as port:
        answer = room.network.tls("localhost", port, least="TLSv1.3")
    assert answer.servers[0].offered["TLSv1.2"] is True
    assert failed(answer.modern("TLSv1.3")).observed == "1 of 1 address is agreeing to TLSv1.2"


def test_a_server_that_wants_a_clients_certificate_shows_its_own(room: Room, root: Signed, tmp_path: Path) -> None:
    write(tmp_path / "ca.pem", root)
    for only in ("TLSv1_2", "TLSv1_3"):
        context = context_of(sign("app", root, **HERE), tmp_path, only=only)
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(tmp_path / "ca.pem")
        with tls(context) as port:
            assert room.network.tls("127.0.0.1", port, ca="ca.pem").sound()


def test_every_address_is_asked(room: Room, root: Signed, tmp_path: Path) -> None:
    write(tmp_path / "ca.pem", root)
    good, old = sign("app", root, **HERE), sign("app", root, days=1, **HERE)
    with tls(context_of(good, tmp_path)) as port, tls(context_of(old, tmp_path), "127.0.0.2", port):
        servers = room.network.api._dialer.greet(
            ["127.0.0.1", "127.0.0.2"], port, server_name="localhost", ca=None, older=(), timeout=5.0
        )
    assert [one.connection.address for one in servers] == ["127.0.0.1", "127.0.0.2"]
    assert servers[0].chain != servers[1].chain
    assert [one[1] for one in room.recorded()] == [
        f"tls://127.0.0.1:{port}?server_name=localhost",
        f"tls://127.0.0.2:{port}?server_name=localhost",
    ]


def _plain(sock: socket.socket) -> None:
    sock.recv(1024)
    sock.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\nthis is no TLS")


def _huge(sock: socket.socket) -> None:
    while True:
        sock.sendall(b"\x16\x03\x03\x40\x00" + b"\x0b" * 16384)


def test_a_port_that_speaks_no_tls(room: Room) -> None:
    with serving(_plain) as port:
        answer = room.network.tls("127.0.0.1", port)
        finding = failed(answer.sound())
        assert finding.observed == "1 of 1 address is without TLS"
        assert finding.rows == ((f"127.0.0.1:{port}", "", "it answers something that is no TLS"),)
        with pytest.raises(TlsFailed) as caught:
            _ = answer.days_left
    assert caught.value.what == (
        f"TLS of 127.0.0.1:{port}: 127.0.0.1:{port}: not TLS: it answers something that is no TLS"
    )


@pytest.mark.parametrize(
    ("handle", "kind", "what"),
    [
        (lambda sock: sock.recv(0), TlsFailed, "closed: it closes the connection during the handshake"),
        (lambda sock: sock.recv(5), TlsFailed, "closed: it closes the connection during the handshake"),
        (lambda sock: [sock.recv(4096) for _ in range(3)], TimedOut, "timed out: no handshake within"),
    ],
)
def test_a_handshake_that_never_comes(room: Room, handle: Any, kind: type[DeploycheckError], what: str) -> None:
    with serving(handle) as port:
        answer = room.network.tls("127.0.0.1", port, timeout=0.3)
        with pytest.raises(kind) as caught:
            answer.sound()
    assert caught.value.what.startswith(f"TLS of 127.0.0.1:{port}: 127.0.0.1:{port}: {what}")
    assert caught.value.evidence == ", ".join(room.observed)
    assert room.recorded()[-1][3] is not None


def test_a_server_that_sends_without_end_is_left(room: Room) -> None:
    with serving(_huge) as port:
        finding = failed(room.network.tls("127.0.0.1", port, timeout=2).trusted())
    assert finding.observed == "1 of 1 address is without TLS"


def test_nobody_listens(room: Room) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(Unreachable) as caught:
        room.network.tls("127.0.0.1", port).sound()
    assert caught.value.what == (
        f"TLS of 127.0.0.1:{port}: 127.0.0.1:{port}: not connected: refused (Connection refused)"
    )


def test_a_certificate_that_cannot_be_read() -> None:
    with pytest.raises(Malformed) as caught:
        read_certificate(b"\x30\x03\x02\x01\x01", place="host:443")
    assert caught.value.what.startswith("host:443 sends a certificate that cannot be read: ")


def test_authorities_that_cannot_be_read(room: Room, tmp_path: Path) -> None:
    (tmp_path / "empty.pem").write_text("no certificate\n")
    with serving(_plain) as port:
        for name, problem in (("empty.pem", "holds no certificate"), ("none.pem", "cannot be read: No such file")):
            with pytest.raises(ConfigError) as caught:
                room.network.tls("127.0.0.1", port, ca=name)
            assert problem in str(caught.value)


# --- names ------------------------------------------------------------------------------------------------------------


def test_a_name_that_resolves(room: Room) -> None:
    answer = room.network.dns("localhost")
    assert "127.0.0.1" in answer.addresses
    assert answer.resolves(networks=["127.0.0.0/8", "::1/128"], families=["ipv4"], max_latency="5s")
    assert room.network.dns("192.0.2.7").resolves("192.0.2.7")
    (method, url, body, error), *_ = room.recorded()
    assert (method, url, error) == ("LOOKUP", "dns:localhost", None)
    assert "127.0.0.1" in body["addresses"]


def test_names_that_resolve_to_something_else(room: Room) -> None:
    answer = room.network.dns("127.0.0.1")
    for judged, observed, rows in (
        (
            answer.resolves("192.0.2.7"),
            "resolves to 127.0.0.1",
            (("127.0.0.1", "not expected"), ("192.0.2.7", "does not come")),
        ),
        (
            answer.resolves(networks=["10.0.0.0/8"]),
            "1 of 1 address is outside of the networks",
            (("127.0.0.1", "outside"),),
        ),
        (answer.resolves(families=["ipv6"]), "no ipv6 address", ()),
        (answer.resolves(at_least=2), "1 address: 127.0.0.1", ()),
    ):
        finding = failed(judged)
        assert (finding.observed, finding.rows) == (observed, rows)
    finding = failed(answer.resolves(max_latency=0))
    assert finding.observed.startswith("took ")
    assert finding.observed.endswith(", more than 0 s")


def test_a_name_that_does_not_exist(room: Room) -> None:
    """`.invalid` never resolves (RFC 6761); without any name server the resolver says that it cannot tell."""
    said = ""
    try:
        said = failed(room.network.dns("nobody.invalid", timeout=20).resolves()).observed
    except (Unreachable, TimedOut) as error:
        said = error.what
    expected = ("does not resolve: ", "the system's resolver does not tell the address of nobody.invalid: ")
    assert said.startswith(expected)
    assert room.recorded()[0][3] is None or said.startswith(expected[1])


def test_that_there_is_no_such_name_is_measured() -> None:
    finding = resolved(Lookup(name="x", problem="Name or service not known"), Asked("addresses of x", "network"))
    assert (finding.outcome, finding.observed) == ("failed", "does not resolve: Name or service not known")


# --- ports ------------------------------------------------------------------------------------------------------------


def test_an_open_port(room: Room) -> None:
    with serving(_plain) as port:
        answer = room.network.tcp("localhost", port, family="ipv4")
        assert answer.open(max_latency="5s")
        assert 0 < answer.latency < 5
        finding = failed(answer.closed())
        assert finding.observed == "1 of 1 address is open"
        finding = failed(answer.open(max_latency=0))
        assert finding.observed == "1 of 1 address is slow to connect"
    assert [one[:2] for one in room.recorded()] == [
        ("LOOKUP", "dns:localhost"),
        ("CONNECT", f"tcp://127.0.0.1:{port}"),
    ]


def test_a_closed_port(room: Room) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port = listener.getsockname()[1]
    answer = room.network.tcp("127.0.0.1", port)
    assert answer.closed()
    finding = failed(answer.open())
    assert finding.observed == "1 of 1 address is refusing connections"
    assert finding.rows == ((f"127.0.0.1:{port}", "refused", "Connection refused"),)
    with pytest.raises(Unreachable):
        _ = answer.latency
    assert room.recorded()[1][3] == "refused: Connection refused"


def test_a_port_that_swallows_packets(room: Room) -> None:
    # A listener whose queue is full drops what comes: the kernel's own way to be silent.
    with closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        for sock in waiting:
            sock.settimeout(0)
            assert sock.connect_ex(listener.getsockname()) in (0, errno.EINPROGRESS)
        answer = room.network.tcp("127.0.0.1", listener.getsockname()[1], timeout=0.3)
        for sock in waiting:
            sock.close()
    (connection,) = answer.connections
    if connection.reach == "open":  # a kernel that queues whatever comes
        pytest.skip("this kernel does not drop")
    finding = failed(answer.open())
    assert finding.observed == "1 of 1 address is not answering in time"
    assert finding.rows[0][1:] == ("timed out", "no answer within 0.3 s")


def test_nothing_is_connected_where_there_is_no_address(room: Room) -> None:
    answer = room.network.tcp("127.0.0.1", 80, family="ipv6")
    for judge in (answer.open, answer.closed):
        with pytest.raises(NoData) as caught:
            judge()
        assert "no data: there is no address to connect to" in caught.value.what


def test_no_route_tells_nothing_of_the_other_side() -> None:
    there = Connection(address="2001:db8::1", port=80, reach="no route", detail="Network is unreachable")
    asked = Asked("port", "network")
    for finding in (opened([there], asked), closed([there], asked)):
        assert (finding.outcome, finding.observed) == ("inconclusive", "1 of 1 address is without a route from here")
        assert finding.rows == (("[2001:db8::1]:80", "no route", "Network is unreachable"),)


# --- entries and mistakes ---------------------------------------------------------------------------------------------


def test_entries(root: Signed, tmp_path: Path) -> None:
    write(tmp_path / "ca.pem", root)
    with tls(context_of(sign("app", root, **HERE), tmp_path)) as port:
        url = f"https://localhost:{port}/prefix"
        tls_of = {"ca": str(tmp_path / "ca.pem"), "server_name": "app.example.com"}
        services = {
            "app": Service.model_validate({"url": url, "tls": tls_of}),
            "plain": Service.model_validate({"url": f"http://localhost:{port}"}),
        }
        room = Room(tmp_path, services)
        meets = room.network.meets
        assert meets(CertificateCheck(service="app"))
        assert meets(CertificateCheck(host="127.0.0.1", port=port, ca=tmp_path / "ca.pem"))
        assert failed(meets(CertificateCheck(service="app", min_days=91))).observed.endswith("about to expire")
        with pytest.raises(AuthorMistake) as caught:
            meets(CertificateCheck(service="plain"))
        assert caught.value.what == f"the service plain has no certificate: its URL is http://localhost:{port}"
        with pytest.raises(KeyError):
            meets(CertificateCheck(service="other"))
        assert meets(NameCheck(name="localhost"))
        assert meets(PortCheck(host="127.0.0.1", port=port, max_latency="5s"))  # type: ignore[arg-type]
        assert failed(meets(PortCheck(host="127.0.0.1", port=port, open=False))).observed == "1 of 1 address is open"


@pytest.mark.parametrize(
    ("ask", "what"),
    [
        (lambda network: network.tcp("a b", 1), "'a b' is no host"),
        (lambda network: network.tls("https://x"), "'https://x' is no host"),
        (lambda network: network.tcp("x", 0), "0 is no port"),
        (lambda network: network.tcp("x", 1, family="ip"), "there is no address family 'ip'"),
        (lambda network: network.tls("x", least="TLS1.2"), "there is no TLS version 'TLS1.2'"),
        (lambda network: network.dns("x", timeout=0), "a time-out of 0 s"),
        (lambda network: network.dns("127.0.0.1").resolves("nowhere"), "the name cannot be judged: "),
        (lambda network: network.dns("127.0.0.1").resolves(families=["v4"]), "there is no address family 'v4'"),
        (lambda network: network.tcp("x", "80"), "'80' is no port"),
    ],
)
def test_what_cannot_be_meant(room: Room, ask: Any, what: str) -> None:
    with pytest.raises(AuthorMistake) as caught:
        ask(room.network)
    assert caught.value.what.startswith(what)


def test_versions_that_stay_unknown_are_inconclusive() -> None:
    leaf = Certificate(subject="CN=a", issuer="CN=b", not_before=0, not_after=2e9)
    server = TlsServer(address="192.0.2.7", port=443, version="TLSv1.3", chain=(leaf,), offered={"TLSv1": None})
    finding = certificates([server], Asked("TLS", "network"), [modern("TLSv1.2")], now=1e9)
    assert (finding.outcome, finding.observed) == ("inconclusive", "1 of 1 address is of unknown protocol versions")
    assert NotEnoughData.outcome == finding.outcome


def test_without_the_extra_nobody_is_asked(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cryptography.x509", None)  # an import of it raises ImportError
    with pytest.raises(CannotMeasure) as caught:
        room.network.tls("127.0.0.1")
    assert str(caught.value) == (
        "certificates cannot be read: the package cryptography is not installed\n"
        "  next: pip install 'pytest-deploycheck[tls]'"
    )
    assert room.recorded() == []
