"""What names, ports and TLS servers answered, as frozen data. Times are Unix seconds, durations seconds."""

from __future__ import annotations

from typing import Literal

import msgspec

Reach = Literal["open", "refused", "timed out", "unreachable", "no route", "reset"]
"""What became of a connection. `unreachable` was said by a router on the way; `no route` is this machine's own lack of
a way there (no IPv6, say), which tells nothing of the server."""

Failure = Literal["", "not connected", "not TLS", "closed", "timed out", "refused"]
"""Why there was no handshake; empty = there was one. `refused` is an alert of the server's, or a message it must not
send."""


class Lookup(msgspec.Struct, frozen=True, kw_only=True):
    """What the system's resolver says of a name.

    Attributes:
        name: that was asked for.
        addresses: all of them, in its order, each once.
        problem: why there are none; empty if there are.
        elapsed: how long it took.
    """

    name: str
    addresses: tuple[str, ...] = ()
    problem: str = ""
    elapsed: float = 0.0


class Connection(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt to connect to one address.

    Attributes:
        address: without the port.
        port: of TCP.
        reach: what became of it.
        detail: the operating system's words, where it was not opened.
        elapsed: until it was open, or failed.
    """

    address: str
    port: int
    reach: Reach
    detail: str = ""
    elapsed: float = 0.0

    @property
    def place(self) -> str:
        """`address:port`."""
        return place(self.address, self.port)


class Certificate(msgspec.Struct, frozen=True, kw_only=True):
    """One certificate.

    Attributes:
        subject: its name, as RFC 4514 writes it.
        issuer: who signed it.
        common_name: of the subject; empty if it has none.
        not_before: from when on it is valid.
        not_after: until when it is valid.
        names: the DNS names it is for.
        addresses: the IP addresses it is for.
        key_kind: `RSA`, `EC`, `Ed25519`, `Ed448`, `DSA`, or empty if it is of a kind that is not known here.
        key_bits: the key's size; 0 where the kind has only one.
        hash: of its signature, such as `sha256`; empty where the kind has only one.
        authority: whether it may sign others.
        self_signed: whether its own key signed it.
        issuer_url: where its issuer's certificate is to be had; empty if it does not tell.
        serial: in hexadecimal.
        sha256: its fingerprint.
    """

    subject: str
    issuer: str
    common_name: str = ""
    not_before: float
    not_after: float
    names: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    key_kind: str = ""
    key_bits: int = 0
    hash: str = ""
    authority: bool = False
    self_signed: bool = False
    issuer_url: str = ""
    serial: str = ""
    sha256: str = ""

    @property
    def shown(self) -> str:
        """What a person calls it."""
        return self.common_name or self.subject or (self.names[0] if self.names else self.sha256[:16])


class TlsServer(msgspec.Struct, frozen=True, kw_only=True):
    """One address that was asked for TLS.

    Attributes:
        address: without the port.
        port: of TCP.
        failure: why there was no handshake.
        detail: the words of that.
        version: that was agreed on, such as `TLSv1.3`; empty without a handshake.
        cipher: that was agreed on.
        chain: every certificate as it was sent, the server's own first.
        path: from the server's own certificate to the trusted authority; empty if it is not trusted.
        distrust: why the chain is not trusted, whatever its times are; empty = it is.
        offered: older version → whether the server agrees to it; None = it did not say.
        elapsed: until the handshake was done, connecting included.
    """

    address: str
    port: int
    failure: Failure = ""
    detail: str = ""
    version: str = ""
    cipher: str = ""
    chain: tuple[Certificate, ...] = ()
    path: tuple[Certificate, ...] = ()
    distrust: str = ""
    offered: dict[str, bool | None] = {}
    elapsed: float = 0.0

    @property
    def place(self) -> str:
        """`address:port`."""
        return place(self.address, self.port)


def place(host: str, port: int) -> str:
    """Return `host:port`, an IPv6 address in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
