"""The `network` fixture: names, ports and certificates, as the machine that runs the checks sees them.

Every address that a name resolves to is asked, never the first alone: behind one name stand several servers, and one of
them may have been forgotten.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pytest_deploycheck.checks import certificates as certificate_checks
from pytest_deploycheck.checks import network as network_checks
from pytest_deploycheck.clients.network.client import NetworkClient, of_family
from pytest_deploycheck.errors import AuthorMistake, CannotMeasure, TimedOut, TlsFailed, Unreachable
from pytest_deploycheck.face.judged import Answer, Judged, System, seconds_of
from pytest_deploycheck.model.network import place
from pytest_deploycheck.model.outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from pytest_deploycheck.checks.asked import Asked
    from pytest_deploycheck.checks.certificates import Aspect
    from pytest_deploycheck.clock import Clock
    from pytest_deploycheck.face.ledger import Ledger
    from pytest_deploycheck.model.network import Certificate, Connection, Lookup, TlsServer
    from pytest_deploycheck.settings.network import CertificateCheck, NameCheck, PortCheck
    from pytest_deploycheck.settings.systems import Service
    from pytest_deploycheck.transport.dialing import Dialer

__tracebackhide__ = True

TIMEOUT = 5.0
_HTTPS = 443
_HIGHEST_PORT = 65535
_KINDS: dict[str, type[CannotMeasure]] = {"not connected": Unreachable, "timed out": TimedOut}


class DnsAnswer(Answer):
    """What a name resolves to.

    Attributes:
        lookup: what the resolver said.
    """

    def __init__(self, lookup: Lookup, ledger: Ledger, asked: Asked) -> None:
        """Note that somebody has to look at it."""
        super().__init__(ledger, asked)
        self.lookup = lookup

    @property
    def addresses(self) -> tuple[str, ...]:
        """All addresses, in the resolver's order."""
        self._read()
        return self.lookup.addresses

    def resolves(
        self,
        *addresses: str,
        networks: Sequence[str] = (),
        families: Sequence[str] = (),
        at_least: int = 1,
        max_latency: object | None = None,
    ) -> Judged:
        """Judge that it resolves.

        Args:
            addresses: exactly those that must come, in any order; any if there are none.
            networks: in one of which every address must lie, such as `10.0.0.0/8`.
            families: `ipv4`, `ipv6`: of each there must be an address.
            at_least: how many addresses there must be.
            max_latency: how long it may take: seconds, a `timedelta`, or a text such as `500ms`.
        """
        return self._judge(
            network_checks.resolved(
                self.lookup,
                self._asked,
                addresses=addresses,
                networks=networks,
                families=families,
                at_least=at_least,
                max_latency=_optional(max_latency),
            )
        )


class TcpAnswer(Answer):
    """What became of a connection to each address of a host.

    Attributes:
        connections: one for each address.
        lookup: what the host resolves to.
    """

    def __init__(self, lookup: Lookup, connections: Sequence[Connection], ledger: Ledger, asked: Asked) -> None:
        """Note that somebody has to look at it."""
        super().__init__(ledger, asked)
        self.lookup = lookup
        self.connections = tuple(connections)

    @property
    def latency(self) -> float:
        """The seconds that the slowest connection took.

        Raises:
            Unreachable: if none was opened.
        """
        self._read()
        times = [one.elapsed for one in self.connections if one.reach == "open"]
        if not times:
            raise Unreachable(f"{self._asked.asked}: open on no address", evidence=", ".join(self.evidence))
        return max(times)

    def open(self, *, max_latency: object | None = None) -> Judged:
        """Judge that it is open on every address; a host without an address is not.

        Args:
            max_latency: how long connecting may take: seconds, a `timedelta`, or a text such as `100ms`.
        """
        if self.lookup.problem:
            return self._judge(network_checks.resolved(self.lookup, self._asked))
        return self._judge(network_checks.opened(self.connections, self._asked, max_latency=_optional(max_latency)))

    def closed(self) -> Judged:
        """Judge that it can be reached on no address. A host without an address is inconclusive: it may be misspelt."""
        return self._judge(network_checks.closed(self.connections, self._asked))


class TlsAnswer(Answer):
    """What every address of a host says when it is asked for TLS.

    Attributes:
        servers: one for each address.
    """

    def __init__(self, servers: Sequence[TlsServer], ledger: Ledger, asked: Asked, *, name: str, now: float) -> None:
        """Note that somebody has to look at it."""
        super().__init__(ledger, asked)
        self.servers = tuple(servers)
        self._name = name
        self._now = now

    @property
    def chain(self) -> tuple[Certificate, ...]:
        """The certificates that the first address sent, the server's own first.

        Raises:
            CannotMeasure: if it sent none.
        """
        self._read()
        if self.servers[0].failure:
            raise _cannot(self.servers[0], self._asked)
        return self.servers[0].chain

    @property
    def days_left(self) -> float:
        """The days until the first certificate expires, on any address, of any that counts.

        Raises:
            CannotMeasure: if an address sent none.
        """
        self._read()
        for server in self.servers:
            if server.failure:
                raise _cannot(server, self._asked)
        ends = [one.not_after for server in self.servers for one in certificate_checks.way(server)]
        return (min(ends) - self._now) / certificate_checks.DAY

    def trusted(self) -> Judged:
        """Judge that every chain leads to an authority that is trusted."""
        return self._judged(certificate_checks.trusted())

    def matches(self, name: str | None = None) -> Judged:
        """Judge that every certificate is for a name or address; for the one that was asked for, if none is given."""
        return self._judged(certificate_checks.named(name or self._name))

    def valid(self, *, days: float = 0) -> Judged:
        """Judge that every certificate that counts is valid, and stays so for a number of days."""
        return self._judged(certificate_checks.valid(self._now, days))

    def modern(self, least: str = "TLSv1.2") -> Judged:
        """Judge that no server agrees to an older version than this one."""
        return self._judged(certificate_checks.modern(least))

    def strong(self, *, rsa: int = 2048, ec: int = 256) -> Judged:
        """Judge that keys and signatures are strong."""
        return self._judged(certificate_checks.strong(rsa, ec))

    def issued_by(self, *issuers: str) -> Judged:
        """Judge that one of these texts is in the name of an authority above each certificate."""
        if not issuers or not all(issuers):
            raise AuthorMistake("no issuer is expected", next_step="name at least one")
        return self._judged(certificate_checks.issued_by(issuers))

    def sound(
        self,
        *,
        days: float = 14,
        least: str = "TLSv1.2",
        rsa: int = 2048,
        ec: int = 256,
        issuers: Sequence[str] = (),
        name: str | None = None,
    ) -> Judged:
        """Judge all of it at once.

        Args:
            days: that must be left.
            least: the oldest version of TLS that may be agreed to.
            rsa: the least bits of an RSA key.
            ec: the least bits of an elliptic curve.
            issuers: texts of which one must be in the name of an authority; any authority if there are none.
            name: that it must be for; the one that was asked for if it is None.
        """
        return self._judged(
            certificate_checks.trusted(),
            certificate_checks.named(name or self._name),
            certificate_checks.valid(self._now, days),
            certificate_checks.modern(least),
            certificate_checks.strong(rsa, ec),
            *([certificate_checks.issued_by(issuers)] if issuers else []),
        )

    def _judged(self, *aspects: Aspect) -> Judged:
        finding = certificate_checks.certificates(self.servers, self._asked, aspects, now=self._now)
        unmeasured = [one for one in self.servers if one.failure not in ("", "not TLS")]
        if unmeasured and finding.outcome is not Outcome.FAILED:
            self._read()
            raise _cannot(unmeasured[0], self._asked)
        return self._judge(finding)


class Network(System):
    """Names, ports and certificates.

    Args:
        dialer: the way out.
        services: of the environment, whose addresses entries may refer to.
        base: the directory that relative files start from.
        clock: the runner's.
        ledger: of the check that runs.
        observed: grows by the id of every exchange.
        missing: gives the error for a service that is not configured.
    """

    def __init__(
        self,
        dialer: Dialer,
        *,
        services: Mapping[str, Service],
        base: Path,
        clock: Clock,
        ledger: Ledger,
        observed: list[str],
        missing: Callable[[str], Exception],
    ) -> None:
        """Ask nothing yet."""
        super().__init__("network", "from here", ledger, observed)
        self.api = NetworkClient(dialer)
        self._services = services
        self._base = base
        self._clock = clock
        self._missing = missing

    def dns(self, name: str, *, timeout: object = TIMEOUT) -> DnsAnswer:
        """Ask the system's resolver for a name, as every program on this machine would.

        Args:
            name: of a host.
            timeout: seconds, a `timedelta`, or a text such as `2s`.

        Raises:
            CannotMeasure: if the resolver does not answer, or cannot tell.
        """
        limit = _limit(timeout)
        with self._asking(f"addresses of {name}", f"try: getent ahosts {name}") as box:
            lookup = self.api.look_up(_host(name), timeout=limit)
        return DnsAnswer(lookup, self._ledger, box[0])

    def tcp(self, host: str, port: int, *, family: str | None = None, timeout: object = TIMEOUT) -> TcpAnswer:
        """Connect to a port on every address of a host; nothing is sent.

        Args:
            host: a name or an address.
            port: from 1 to 65535.
            family: `ipv4` or `ipv6` for these addresses alone.
            timeout: for each address.

        Raises:
            CannotMeasure: if the resolver does not answer.
        """
        limit = _limit(timeout)
        with self._asking(f"port {place(host, _port(port))}", f"try: nc -vz {host} {port}") as box:
            lookup = self.api.look_up(_host(host), timeout=limit)
            addresses = of_family(lookup.addresses, _family(family))
            connections = self.api.connect(addresses, port, timeout=limit)
        return TcpAnswer(lookup, connections, self._ledger, box[0])

    def tls(
        self,
        host: str,
        port: int = _HTTPS,
        *,
        server_name: str | None = None,
        ca: str | Path | None = None,
        least: str = "TLSv1.2",
        family: str | None = None,
        timeout: object = TIMEOUT,
    ) -> TlsAnswer:
        """Ask every address of a host for TLS: the whole chain it sends, who trusts it, what else it agrees to.

        Args:
            host: a name or an address.
            port: from 1 to 65535.
            server_name: the name to ask for, if it is not the host.
            ca: a PEM file of authorities to trust instead of the system's, relative to the configuration.
            least: the oldest version that is fine; each older one is offered, to see whether it is refused.
            family: `ipv4` or `ipv6` for these addresses alone.
            timeout: for each step.

        Raises:
            CannotMeasure: if the name has no address, or a certificate cannot be read.
        """
        certificate_checks.require_version(least)
        name = server_name or host
        shown = place(host, _port(port))
        command = f"try: openssl s_client -showcerts -connect {shown} -servername {name} </dev/null"
        with self._asking(f"TLS of {shown}{f' as {name}' if name != host else ''}", command) as box:
            servers = self.api.servers(
                _host(host),
                port,
                family=_family(family),
                server_name=name,
                ca=self._base / ca if ca is not None else None,
                older=certificate_checks.VERSIONS[: certificate_checks.VERSIONS.index(least)],
                timeout=_limit(timeout),
            )
        return TlsAnswer(servers, self._ledger, box[0], name=name, now=self._clock.now())

    def meets(self, entry: CertificateCheck | NameCheck | PortCheck) -> Judged:
        """Judge an entry of `[[certificates]]`, `[[names]]` or `[[ports]]` (SM7)."""
        from pytest_deploycheck.settings.network import CertificateCheck, NameCheck

        if isinstance(entry, CertificateCheck):
            return self._certificate(entry)
        if isinstance(entry, NameCheck):
            return self.dns(entry.name, timeout=entry.timeout).resolves(
                *entry.addresses,
                networks=entry.networks,
                families=entry.families,
                at_least=entry.min_addresses,
                max_latency=entry.max_latency,
            )
        answer = self.tcp(entry.host, entry.port, family=entry.family, timeout=entry.timeout)
        return answer.open(max_latency=entry.max_latency) if entry.open else answer.closed()

    def _certificate(self, entry: CertificateCheck) -> Judged:
        host, port, server_name, ca = entry.host or "", entry.port or _HTTPS, entry.server_name, entry.ca
        if entry.service is not None:
            service = self._services.get(entry.service)
            if service is None:
                raise self._missing(entry.service)
            host, port = _https(entry.service, service.url)
            server_name = server_name or service.tls.server_name
            ca = ca or service.tls.ca
        answer = self.tls(
            host, port, server_name=server_name, ca=ca, least=entry.min_tls, family=entry.family, timeout=entry.timeout
        )
        return answer.sound(
            days=entry.min_days,
            least=entry.min_tls,
            rsa=entry.min_rsa_bits,
            ec=entry.min_ec_bits,
            issuers=entry.issuers,
        )

    def __repr__(self) -> str:
        return "<network, seen from here>"


def _cannot(server: TlsServer, asked: Asked) -> CannotMeasure:
    kind = _KINDS.get(server.failure, TlsFailed)
    return kind(
        f"{asked.asked}: {server.place}: {server.failure}: {server.detail}",
        evidence=", ".join(asked.evidence),
        next_step="; ".join(asked.next_steps),
    )


def _https(name: str, url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    if parts.scheme != "https":
        raise AuthorMistake(
            f"the service {name} has no certificate: its URL is {url}",
            next_step="name a service whose URL begins with https://, or give host and port",
        )
    return parts.hostname or "", parts.port or _HTTPS


def _host(host: str) -> str:
    if not isinstance(host, str) or not host or any(char.isspace() or char in "/@?#" for char in host):
        raise AuthorMistake(f"{host!r} is no host", next_step="give a name or an address, without scheme and path")
    return host.removeprefix("[").removesuffix("]")


def _port(port: int) -> int:
    if isinstance(port, bool) or not isinstance(port, int) or not 1 <= port <= _HIGHEST_PORT:
        raise AuthorMistake(f"{port!r} is no port", next_step="give a number from 1 to 65535")
    return port


def _family(family: str | None) -> str | None:
    if family not in (None, *network_checks.FAMILIES):
        raise AuthorMistake(f"there is no address family {family!r}", next_step="use ipv4 or ipv6")
    return family


def _limit(timeout: object) -> float:
    limit = seconds_of(timeout, "the time-out")
    if not limit > 0:
        raise AuthorMistake(f"a time-out of {limit:g} s", next_step="give a positive one")
    return limit


def _optional(value: object | None) -> float | None:
    return None if value is None else seconds_of(value, "max_latency")
