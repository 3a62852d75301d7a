"""The one client of the network: names, ports, and what TLS servers send."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_deploycheck.clients.network.certificates import read_certificate, require_library
from pytest_deploycheck.errors import Unreachable
from pytest_deploycheck.model.network import Connection, Lookup, TlsServer

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pytest_deploycheck.transport.dialing import Dialer
    from pytest_deploycheck.transport.handshake import Greeting


class NetworkClient:
    """Asks the resolver, ports and TLS servers.

    Args:
        dialer: the way out.
    """

    def __init__(self, dialer: Dialer) -> None:
        self._dialer = dialer

    def look_up(self, name: str, *, timeout: float) -> Lookup:
        """Return what the system's resolver says of a name.

        Raises:
            CannotMeasure: if it does not answer, or cannot tell.
        """
        return self._dialer.look_up(name, timeout=timeout)

    def connect(self, addresses: Sequence[str], port: int, *, timeout: float) -> tuple[Connection, ...]:
        """Return what becomes of a connection to each address; nothing is sent."""
        return self._dialer.connect(addresses, port, timeout=timeout)

    def servers(
        self,
        host: str,
        port: int,
        *,
        family: str | None,
        server_name: str,
        ca: Path | None,
        older: Sequence[str],
        timeout: float,
    ) -> tuple[TlsServer, ...]:
        """Return what every address of a host says when it is asked for TLS.

        Args:
            host: a name or an address.
            port: of TCP.
            family: `ipv4` or `ipv6` for these addresses alone; None for all.
            server_name: the name that is asked for.
            ca: a PEM file of the authorities to trust instead of the system's.
            older: versions to be offered alone.
            timeout: seconds for each step.

        Raises:
            CannotMeasure: if the name has no address, or a certificate cannot be read.
        """
        require_library()
        lookup = self.look_up(host, timeout=timeout)
        addresses = of_family(lookup.addresses, family)
        if not addresses:
            why = lookup.problem or f"it has no {family} address, only {', '.join(lookup.addresses)}"
            raise Unreachable(
                f"{host} has no address to be asked for TLS: {why}", next_step=f"look: getent ahosts {host}"
            )
        greetings = self._dialer.greet(addresses, port, server_name=server_name, ca=ca, older=older, timeout=timeout)
        return tuple(_server(one) for one in greetings)


def of_family(addresses: Sequence[str], family: str | None) -> tuple[str, ...]:
    """Return the addresses of one family, `ipv4` or `ipv6`; all of them for None."""
    return tuple(one for one in addresses if family is None or (":" in one) == (family == "ipv6"))


def _server(greeting: Greeting) -> TlsServer:
    connection = greeting.connection
    return TlsServer(
        address=connection.address,
        port=connection.port,
        failure=greeting.failure,
        detail=greeting.detail,
        version=greeting.version,
        cipher=greeting.cipher,
        chain=tuple(read_certificate(der, place=connection.place) for der in greeting.chain),
        path=tuple(read_certificate(der, place=connection.place) for der in greeting.path),
        distrust=greeting.distrust,
        offered=greeting.offered,
        elapsed=greeting.elapsed,
    )
