"""The first message of a TLS handshake, by hand: does a server agree to a version that our own library refuses?

OpenSSL no longer speaks SSL 3, and by many distributions' policy neither TLS 1.0 nor 1.1, so it cannot tell. One
message and the beginning of the answer do: RFC 5246 7.4.1, RFC 8446 4.1.2, RFC 6101 5.6.1.
"""

from __future__ import annotations

import os
import struct
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

VERSIONS: Final = {"SSLv3": 0x0300, "TLSv1": 0x0301, "TLSv1.1": 0x0302, "TLSv1.2": 0x0303}
"""Version as Python's `ssl` calls it → its number."""
NAMES: Final = (*VERSIONS, "TLSv1.3")
"""All versions, the oldest first."""

_HANDSHAKE, _ALERT, _CLIENT_HELLO, _SERVER_HELLO = 22, 21, 1, 2
_RECORD_HEAD = 5
_MOST = 1 << 14
_CIPHERS = bytes.fromhex(
    "c02c c030 c02b c02f cca9 cca8 009f 009e 009d 009c "  # AEAD, TLS 1.2 only
    "c00a c014 c009 c013 0039 0033 0035 002f 0038 0032 c008 c012 0016 000a "
    "c007 c011 0005 0004 "  # RC4: who still offers TLS 1.0 may offer nothing better
    "00ff"  # renegotiation is secure
)
_GROUPS = bytes.fromhex("001d001700180019")
_SIGNATURES = bytes.fromhex("040305030603080408050806040105010601020302010202")


def client_hello(version: str, server_name: str) -> bytes:
    """Return the message that offers one version and none above it.

    Args:
        version: one of `VERSIONS`.
        server_name: a DNS name to be told; empty for none.
    """
    number = VERSIONS[version]
    body = struct.pack("!H", number) + os.urandom(32) + b"\0"
    body += struct.pack("!H", len(_CIPHERS)) + _CIPHERS + b"\x01\x00"
    if version != "SSLv3":
        body += _counted(b"".join(_extensions(server_name)))
    handshake = bytes([_CLIENT_HELLO]) + len(body).to_bytes(3, "big") + body
    return struct.pack("!BHH", _HANDSHAKE, min(number, 0x0301), len(handshake)) + handshake


def _extensions(server_name: str) -> Iterable[bytes]:
    if server_name:
        name = b"\0" + _counted(server_name.encode("ascii"))
        yield _extension(0, _counted(name))
    yield _extension(10, _counted(_GROUPS))
    yield _extension(11, b"\x01\x00")
    yield _extension(13, _counted(_SIGNATURES))


def _extension(number: int, data: bytes) -> bytes:
    return struct.pack("!H", number) + _counted(data)


def _counted(data: bytes) -> bytes:
    return struct.pack("!H", len(data)) + data


def agrees(version: str, receive: Callable[[int], bytes]) -> bool | None:
    """Return whether the answer to `client_hello` agrees to its version; None if it is no answer.

    An alert, another version, or the connection's end is a no.

    Args:
        version: that was offered.
        receive: returns up to so many bytes, none at the end.
    """
    head = _exactly(_RECORD_HEAD, receive)
    if not head:
        return False
    if len(head) < _RECORD_HEAD:
        return None
    kind, _, length = struct.unpack("!BHH", head)
    if kind == _ALERT:
        return False
    if kind != _HANDSHAKE or not 6 <= length <= _MOST:  # noqa: PLR2004 - kind, length and version
        return None
    body = _exactly(6, receive)
    if len(body) < 6 or body[0] != _SERVER_HELLO:  # noqa: PLR2004 - as above
        return None
    return int.from_bytes(body[4:6], "big") == VERSIONS[version]


def _exactly(size: int, receive: Callable[[int], bytes]) -> bytes:
    data = b""
    while len(data) < size and (piece := receive(size - len(data))):
        data += piece
    return data
