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
from pytest_deploycheck.errors import AuthorMistake
from pytest_deploycheck.face.judged import Judged, System, seconds_of
from pytest_deploycheck.face.network_answers import DnsAnswer, TcpAnswer, TlsAnswer
from pytest_deploycheck.model.network import place

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from pytest_deploycheck.clock import Clock
    from pytest_deploycheck.face.ledger import Ledger
    from pytest_deploycheck.settings.network import CertificateCheck, NameCheck, PortCheck
    from pytest_deploycheck.settings.systems import Service
    from pytest_deploycheck.transport.dialing import Dialer

__tracebackhide__ = True

TIMEOUT = 5.0
_HTTPS = 443
_HIGHEST_PORT = 65535


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
