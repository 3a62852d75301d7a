"""Names that resolve as expected, and ports that can be reached, or must not be."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING

from pytest_deploycheck.checks.asked import Asked, Judgement
from pytest_deploycheck.checks.comparison import require_number
from pytest_deploycheck.checks.wording import count, names, seconds, share
from pytest_deploycheck.errors import AuthorMistake

if TYPE_CHECKING:
    from collections.abc import Sequence
    from ipaddress import IPv4Network, IPv6Network

    from pytest_deploycheck.model.finding import Finding
    from pytest_deploycheck.model.network import Connection, Lookup

FAMILIES = ("ipv4", "ipv6")
_SAID = {
    "refused": "refusing connections",
    "reset": "resetting connections",
    "timed out": "not answering in time",
    "unreachable": "not reachable",
}
"""What became of a connection → what its address then is, to follow `1 of 2 addresses is`."""


def resolved(
    lookup: Lookup,
    asked: Asked,
    *,
    addresses: Sequence[str] = (),
    networks: Sequence[str] = (),
    families: Sequence[str] = (),
    at_least: int = 1,
    max_latency: float | None = None,
) -> Finding:
    """Judge what a name resolves to. That there is no such name is FAILED.

    Args:
        lookup: what the resolver says.
        asked: the question.
        addresses: exactly those that must come, in any order; any if there are none.
        networks: in one of which every address must lie, such as `10.0.0.0/8`; any if there are none.
        families: `ipv4`, `ipv6`: of each there must be an address.
        at_least: how many addresses there must be.
        max_latency: seconds it may take.

    Raises:
        AuthorMistake: for an address, network or family that is none.
    """
    require_number("the number of addresses", at_least, least=1)
    wanted, allowed = _read(addresses, networks, families)
    parts = [f"exactly {names(wanted)}"] if wanted else [f"at least {count(at_least, 'address', 'addresses')}"]
    parts += [f"all of them in {names(networks)}"] if networks else []
    parts += [f"{names(families)} among them"] if families else []
    judgement = Judgement(asked, f"resolves to {', '.join(parts)}", ("address", "problem"))
    found = [str(ip_address(one.partition("%")[0])) for one in lookup.addresses]
    if lookup.problem or not found:
        judgement.bad(f"does not resolve: {lookup.problem or 'the answer has no address'}")
        return judgement.finding("")
    rows = [(one, "not expected") for one in found if wanted and one not in wanted]
    rows += [(one, "does not come") for one in sorted(wanted - set(found))]
    if rows:
        judgement.bad(f"resolves to {names(found)}", rows)
    if len(found) < at_least:
        judgement.bad(f"{count(len(found), 'address', 'addresses')}: {names(found)}")
    outside = [one for one in found if allowed and not any(ip_address(one) in network for network in allowed)]
    if outside:
        remark = f"{share(len(outside), len(found), 'address', 'addresses')} outside of the networks"
        judgement.bad(remark, [(one, "outside") for one in outside])
    for family in families:
        if not any((":" in one) == (family == "ipv6") for one in found):
            judgement.bad(f"no {family} address")
    if max_latency is not None:
        judgement.measured("time to resolve", [lookup.elapsed], unit="s")
        if lookup.elapsed > max_latency:
            judgement.bad(f"took {seconds(lookup.elapsed, max_latency)}, more than {seconds(max_latency)}")
    return judgement.finding(f"resolves to {names(found)}")


def _read(
    addresses: Sequence[str], networks: Sequence[str], families: Sequence[str]
) -> tuple[set[str], list[IPv4Network | IPv6Network]]:
    try:
        found = {str(ip_address(one)) for one in addresses}, [ip_network(one) for one in networks]
    except ValueError as error:
        raise AuthorMistake(f"the name cannot be judged: {error}", next_step="give addresses and networks") from None
    if unknown := [one for one in families if one not in FAMILIES]:
        raise AuthorMistake(f"there is no address family {unknown[0]!r}", next_step="use ipv4 or ipv6")
    return found


def opened(connections: Sequence[Connection], asked: Asked, *, max_latency: float | None = None) -> Finding:
    """Judge whether a port is open on every address.

    INCONCLUSIVE where this machine has no way to an address: that tells nothing of the other side.

    Args:
        connections: one for each address.
        asked: the question.
        max_latency: seconds a connection may take.
    """
    bound = f" within {seconds(max_latency)}" if max_latency is not None else ""
    judgement = Judgement(asked, f"open on every address{bound}", ("address", "state", "problem"))
    _require_some(judgement, connections)
    for reach, said in _SAID.items():
        if rows := [_row(one) for one in connections if one.reach == reach]:
            judgement.bad(f"{_share(rows, connections)} {said}", rows)
    if rows := [_row(one) for one in connections if one.reach == "no route"]:
        judgement.doubtful(f"{_share(rows, connections)} without a route from here", rows)
    times = [one.elapsed for one in connections if one.reach == "open"]
    judgement.measured("time to connect", times, unit="s")
    if max_latency is not None:
        slow = sorted((one for one in connections if one.reach == "open"), key=lambda one: -one.elapsed)
        if rows := [
            (one.place, "open", f"took {seconds(one.elapsed, max_latency)}")
            for one in slow
            if one.elapsed > max_latency
        ]:
            judgement.bad(f"{_share(rows, connections)} slow to connect", rows)
    slowest = f", the slowest in {seconds(max(times))}" if times else ""
    return judgement.finding(f"open on {count(len(connections), 'address', 'addresses')}{slowest}")


def closed(connections: Sequence[Connection], asked: Asked) -> Finding:
    """Judge whether a port can be reached on no address: refused, filtered, or unreachable.

    INCONCLUSIVE where this machine has no way to an address.

    Args:
        connections: one for each address.
        asked: the question.
    """
    judgement = Judgement(asked, "open on no address", ("address", "state", "problem"))
    _require_some(judgement, connections)
    if there := [(one.place, one.reach, "can be reached") for one in connections if one.reach in ("open", "reset")]:
        judgement.bad(f"{_share(there, connections)} open", there)
    if rows := [_row(one) for one in connections if one.reach == "no route"]:
        judgement.doubtful(f"{_share(rows, connections)} without a route from here", rows)
    return judgement.finding(
        f"closed on {count(len(connections), 'address', 'addresses')}: {names(one.reach for one in connections)}"
    )


def _require_some(judgement: Judgement, connections: Sequence[Connection]) -> None:
    if not connections:
        judgement.doubtful("no data: there is no address to connect to")


def _share(rows: Sequence[object], connections: Sequence[Connection]) -> str:
    return share(len(rows), len(connections), "address", "addresses")


def _row(one: Connection) -> tuple[str, str, str]:
    return (one.place, one.reach, one.detail)
