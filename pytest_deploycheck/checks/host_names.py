"""Whether a certificate's names cover a host, by the rules that clients keep: RFC 9525 and the Baseline Requirements.

A wildcard stands for exactly one whole label, the first one, and never right below a top-level domain. An address is
covered by an address entry alone. The common name is not looked at.
"""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_LEAST_LABELS = 3
"""Of a name with a wildcard: `*.com` covers nothing."""


def matches_host(host: str, names: Iterable[str], addresses: Iterable[str]) -> bool:
    """Return whether one of a certificate's names or addresses covers a host.

    Args:
        host: a DNS name, in Unicode or as it is sent, or an IP address.
        names: of the certificate.
        addresses: of the certificate.
    """
    try:
        address = ip_address(host.strip("[]"))
    except ValueError:
        wanted = _ascii(host)
        return bool(wanted) and any(_covers(_ascii(name), wanted) for name in names)
    return any(_same(address, other) for other in addresses)


def _covers(pattern: str, host: str) -> bool:
    if "*" not in pattern:
        return pattern == host
    first, _, rest = pattern.partition(".")
    if first != "*" or "*" in rest or pattern.count(".") + 1 < _LEAST_LABELS:
        return False
    label, _, domain = host.partition(".")
    return bool(label) and domain == rest


def _ascii(name: str) -> str:
    """Return a name as DNS carries it, in lower case and without the final dot; empty if it cannot be one."""
    try:
        # the codec refuses `*`, and empty labels with it
        head, star, rest = ("", "*.", name[2:]) if name.startswith("*.") else ("", "", name)
        return head + star + rest.encode("idna").decode().lower().removesuffix(".")
    except UnicodeError:
        return name.lower().removesuffix(".") if name.isascii() else ""


def _same(address: object, other: str) -> bool:
    try:
        return address == ip_address(other)
    except ValueError:
        return False
