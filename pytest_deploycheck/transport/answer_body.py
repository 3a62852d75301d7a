"""Reads an answer's body: never more than the limit, also after decompression."""

from __future__ import annotations

import hashlib
import io
import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import httpx


class BodyTooLarge(Exception):  # noqa: N818 - becomes errors.TooLarge
    """The body is larger than the limit.

    Args:
        limit: in bytes.
        size: in bytes; `announced` tells how it is known.
        announced: whether the server announced that size; else it is what had come when reading stopped.
    """

    def __init__(self, *, limit: int, size: int, announced: bool) -> None:
        """Keep the numbers."""
        super().__init__(f"{size} of at most {limit}")
        self.limit = limit
        self.size = size
        self.announced = announced


class BodyBroken(Exception):  # noqa: N818 - becomes errors.Malformed
    """The body is not packed as its headers say."""


class BodyReader:
    """Collects one body; what has been read is kept also when reading fails.

    Args:
        limit: the largest size in bytes.
    """

    def __init__(self, limit: int) -> None:
        """Start empty."""
        self._limit = limit
        self._kept = io.BytesIO()  # a list of chunks would take the memory twice when it is joined
        self._size = 0
        self._hash = hashlib.sha256()

    @property
    def body(self) -> bytes:
        """What has been read so far, decompressed: the same object until more is read."""
        return self._kept.getvalue()

    @property
    def digest(self) -> str:
        """The SHA-256 of `body`, taken as it came: while a thread waits for more, or beside another one."""
        return self._hash.hexdigest()

    def read(self, response: httpx.Response, *, head: bool = False) -> None:
        """Read the whole body.

        Args:
            response: its stream unread.
            head: whether it answers a HEAD request, whose `Content-Length` announces nothing.

        Raises:
            BodyTooLarge: as soon as it is known to be larger than the limit; nothing more is read then.
            BodyBroken: if it is not packed as `Content-Encoding` says.
            httpx.TransportError: if the connection breaks or the time is up.
        """
        encoding = response.headers.get("content-encoding", "identity").strip().lower()
        length = response.headers.get("content-length", "")
        if length.isdecimal() and int(length) > self._limit and not head:
            raise BodyTooLarge(limit=self._limit, size=int(length), announced=True)
        raw: Iterable[bytes] = response.stream  # type: ignore[assignment]  # ours is always synchronous
        if encoding in ("identity", ""):
            self._collect(raw)
        elif encoding in ("gzip", "x-gzip"):
            self._collect(self._unpacked(raw, 16 + zlib.MAX_WBITS))
        elif encoding == "deflate":
            self._collect(self._unpacked(raw, zlib.MAX_WBITS))
        else:
            raise BodyBroken(f"it is packed as {encoding[:40]!r}, which was not asked for")

    def _collect(self, chunks: Iterable[bytes]) -> None:
        for chunk in chunks:
            self._size += len(chunk)
            if self._size > self._limit:
                raise BodyTooLarge(limit=self._limit, size=self._size, announced=False)
            self._kept.write(chunk)
            self._hash.update(chunk)

    def _unpacked(self, raw: Iterable[bytes], window_bits: int) -> Iterator[bytes]:
        """Yield the unpacked bytes in pieces, each only as long as the limit still allows (a bomb never goes off)."""
        unpack = zlib.decompressobj(window_bits)
        seen = False
        for packed in raw:
            rest = packed
            while rest:
                seen = True
                if unpack.eof:  # a further gzip member (RFC 1952, 2.2)
                    unpack = zlib.decompressobj(window_bits)
                try:
                    yield unpack.decompress(rest, self._limit - self._size + 1)
                except zlib.error as error:
                    raise BodyBroken(f"it does not unpack: {error}") from None
                rest = unpack.unconsumed_tail or unpack.unused_data
        if seen and not unpack.eof:
            raise BodyBroken("it ends in the middle of the packed data")
