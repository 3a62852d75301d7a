"""What the fixture `network` answers: names, ports and certificates, to be judged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_deploycheck.checks import certificates as certificate_checks
from pytest_deploycheck.checks import network as network_checks
from pytest_deploycheck.errors import AuthorMistake, CannotMeasure, TimedOut, TlsFailed, Unreachable
from pytest_deploycheck.face.judged import Answer, Judged, seconds_of
from pytest_deploycheck.model.outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_deploycheck.checks.asked import Asked
    from pytest_deploycheck.checks.certificates import Aspect
    from pytest_deploycheck.face.ledger import Ledger
    from pytest_deploycheck.model.network import Certificate, Connection, Lookup, TlsServer

__tracebackhide__ = True

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


def _cannot(server: TlsServer, asked: Asked) -> CannotMeasure:
    kind = _KINDS.get(server.failure, TlsFailed)
    return kind(
        f"{asked.asked}: {server.place}: {server.failure}: {server.detail}",
        evidence=", ".join(asked.evidence),
        next_step="; ".join(asked.next_steps),
    )


def _optional(value: object | None) -> float | None:
    return None if value is None else seconds_of(value, "max_latency")
