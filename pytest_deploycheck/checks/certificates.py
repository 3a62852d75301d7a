"""What a TLS server must show: each aspect by itself, so that a finding tells of all that is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from pytest_deploycheck.checks.asked import Asked, Judgement
from pytest_deploycheck.checks.comparison import require_number
from pytest_deploycheck.checks.host_names import matches_host
from pytest_deploycheck.checks.wording import count, head, moment, names, share
from pytest_deploycheck.errors import AuthorMistake

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from pytest_deploycheck.model.finding import Finding
    from pytest_deploycheck.model.network import Certificate, TlsServer

VERSIONS = ("SSLv3", "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3")
"""The oldest first, as Python's `ssl` calls them."""
DAY = 86400.0
_WEAK_HASHES = frozenset({"md5", "sha1"})
_NO_ISSUER = ("unable to get local issuer certificate", "unable to verify the first certificate")
_UNMEASURED = frozenset({"not connected", "closed", "timed out", "refused"})


class Problem(msgspec.Struct, frozen=True):
    """One thing that is wrong with one server.

    Attributes:
        kind: what the server then is, to follow `1 of 2 addresses is`.
        text: the whole of it.
        certificate: which one, if it is one's.
        bad: whether it is bad; otherwise nobody can tell.
    """

    kind: str
    text: str
    certificate: str = ""
    bad: bool = True


class Aspect(msgspec.Struct, frozen=True):
    """Something that must hold of a server.

    Attributes:
        words: what must hold.
        problems: of one server.
    """

    words: str
    problems: Callable[[TlsServer], Iterable[Problem]]


def trusted() -> Aspect:
    """Return: its chain leads to an authority that is trusted, whatever the times of its certificates are."""
    return Aspect("trusted", _trust)


def _trust(server: TlsServer) -> Iterator[Problem]:
    if not server.distrust:
        return
    leaf, top = server.chain[0], linked(server.chain)[-1]
    if leaf.self_signed:
        yield Problem("self-signed", "it signed itself; no authority vouches for it", leaf.shown)
    elif top.self_signed:
        yield Problem("not trusted", f"its chain ends in {top.shown}, which is not trusted here", leaf.shown)
    elif server.distrust in _NO_ISSUER:
        where = f"; it is to be had at {top.issuer_url}" if top.issuer_url else ""
        yield Problem(
            "sent without its issuer's certificate",
            f"{top.issuer} was not sent and is not known here: an intermediate certificate is missing, or its "
            f"authority is not trusted{where}",
            top.shown,
        )
    else:
        yield Problem("not trusted", head(server.distrust), leaf.shown)


def named(name: str) -> Aspect:
    """Return: its certificate is for a name, or an address."""

    def problems(server: TlsServer) -> Iterator[Problem]:
        leaf = server.chain[0]
        if matches_host(name, leaf.names, leaf.addresses):
            return
        known = names((*leaf.names, *leaf.addresses))
        if known == "none":
            known = f"none (and {leaf.common_name!r} as its common name, which no client looks at)"
        yield Problem("for another name", f"not for {name}; it is for {known}", leaf.shown)

    return Aspect(f"for {name}", problems)


def valid(now: float, days: float) -> Aspect:
    """Return: every certificate on the way to the authority is valid, and stays so for a number of days.

    Args:
        now: Unix seconds.
        days: that must be left.
    """
    require_number("the days that must be left", days, finite=True, least=0)

    def problems(server: TlsServer) -> Iterator[Problem]:
        for one in way(server):
            left = (one.not_after - now) / DAY
            if one.not_before > now:
                yield Problem("not valid yet", f"valid from {moment(one.not_before)} on", one.shown)
            elif left < 0:
                yield Problem("expired", f"expired on {moment(one.not_after)}, {_days(-left)} ago", one.shown)
            elif left < days:
                text = f"expires in {_days(left)}, on {moment(one.not_after)}"
                yield Problem("about to expire", text, one.shown)

    return Aspect(f"valid for {days:g} more days", problems)


def modern(least: str) -> Aspect:
    """Return: it agrees to no version of TLS below one, neither by itself nor when asked for one.

    Raises:
        AuthorMistake: for a version that does not exist.
    """
    require_version(least)
    bound = VERSIONS.index(least)

    def problems(server: TlsServer) -> Iterator[Problem]:
        for version in VERSIONS[:bound]:
            agrees = server.offered.get(version)
            if agrees or server.version == version:
                yield Problem(f"agreeing to {version}", f"agrees to {version}")
            elif agrees is None and version in server.offered:
                text = f"gave no answer that tells whether it agrees to {version}"
                yield Problem("of unknown protocol versions", text, bad=False)

    return Aspect(f"no TLS below {least}", problems)


def require_version(version: str) -> None:
    """Refuse what is no version.

    Raises:
        AuthorMistake: if it is none.
    """
    if version not in VERSIONS:
        raise AuthorMistake(f"there is no TLS version {version!r}", next_step=f"use one of {', '.join(VERSIONS)}")


def strong(rsa: int, ec: int) -> Aspect:
    """Return: keys and signatures on the way to the authority are strong.

    Args:
        rsa: the least bits of an RSA key.
        ec: the least bits of an elliptic curve.
    """

    def problems(server: TlsServer) -> Iterator[Problem]:
        for one in way(server):
            least = {"RSA": rsa, "EC": ec}.get(one.key_kind, 0)
            if one.key_kind == "DSA" or one.key_bits < least:
                yield Problem("with a weak key", f"its {one.key_kind} key has {one.key_bits} bits", one.shown)
            elif not one.key_kind:
                yield Problem(
                    "with an unknown key", "its key is of a kind that is not known here", one.shown, bad=False
                )
            if one.hash in _WEAK_HASHES and not one.self_signed:
                yield Problem("with a weak signature", f"signed with {one.hash}", one.shown)

    return Aspect(f"keys of at least {rsa} (RSA) and {ec} bits (EC)", problems)


def issued_by(issuers: Sequence[str]) -> Aspect:
    """Return: one of these texts is in the name of an authority above its certificate."""

    def problems(server: TlsServer) -> Iterator[Problem]:
        leaf, *above = way(server)
        authorities = [leaf.issuer, *(one.subject for one in above)]
        if not any(text in name for text in issuers for name in authorities):
            yield Problem("of another issuer", f"issued by {leaf.issuer}", leaf.shown)

    return Aspect(f"issued by {names(issuers)}", problems)


def certificates(servers: Sequence[TlsServer], asked: Asked, aspects: Sequence[Aspect], *, now: float) -> Finding:
    """Judge every server by every aspect.

    An address that was not to be measured is doubtful, so that what is bad at another one still shows.

    Args:
        servers: one for each address.
        asked: the question.
        aspects: what must hold.
        now: Unix seconds.
    """
    columns = ("server", "certificate", "problem")
    judgement = Judgement(asked, ", ".join(aspect.words for aspect in aspects), columns)
    if not servers:
        judgement.doubtful("no data: there is no address to be asked")
    found: dict[tuple[bool, str], list[tuple[str, str, str]]] = {}
    for server in servers:
        for problem in _problems(server, aspects):
            row = (server.place, problem.certificate, problem.text)
            found.setdefault((problem.bad, problem.kind), []).append(row)
    for (bad, kind), rows in found.items():
        remark = f"{share(len({row[0] for row in rows}), len(servers), 'address', 'addresses')} {kind}"
        (judgement.bad if bad else judgement.doubtful)(remark, rows)
    left = [(one.not_after - now) / DAY for server in servers for one in way(server)]
    if left:
        judgement.measured("days left of the certificates", [min(left)], greatest=False, unit="d")
    return judgement.finding(_good(servers, left))


def _problems(server: TlsServer, aspects: Sequence[Aspect]) -> Iterator[Problem]:
    if server.failure == "not TLS":
        yield Problem("without TLS", server.detail)
    elif server.failure in _UNMEASURED:
        yield Problem("not measured", f"{server.failure}: {server.detail}", bad=False)
    if server.failure in ("", "refused"):
        for aspect in aspects:
            if server.chain or aspect.words.startswith("no TLS below"):
                yield from aspect.problems(server)


def _good(servers: Sequence[TlsServer], left: Sequence[float]) -> str:
    whose = names(server.chain[0].shown for server in servers if server.chain)
    versions = names(server.version for server in servers)
    days = f", {_days(min(left))} left" if left else ""
    return f"{whose} on {count(len(servers), 'address', 'addresses')}, {versions}{days}"


def way(server: TlsServer) -> tuple[Certificate, ...]:
    """Return the certificates that count: to the trusted authority, or those sent that belong together."""
    return server.path or linked(server.chain)


def linked(chain: Sequence[Certificate]) -> tuple[Certificate, ...]:
    """Return the certificates from the first one on, each followed by its issuer's as far as that was sent."""
    found = list(chain[:1])
    rest = list(chain[1:])
    while found and not found[-1].self_signed:
        above = next((one for one in rest if one.subject == found[-1].issuer), None)
        if above is None:
            break
        rest.remove(above)
        found.append(above)
    return tuple(found)


def _days(days: float) -> str:
    return f"{days:.1f} days" if days < 10 else f"{days:,.0f} days"  # noqa: PLR2004 - nobody counts hours beyond that
