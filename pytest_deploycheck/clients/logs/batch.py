"""Lines as they come from a source: many at a time, none longer than is sane, in bounded memory."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

BLOCK = 256 * 1024
"""Bytes read at once: large enough to hide the cost of a call, small enough for the processor's caches."""
LONGEST_LINE = 1024 * 1024
_HEAD = 512


class Batch(msgspec.Struct):
    """Some lines in a row.

    Attributes:
        lines: without their line ends.
        ascii: whether all bytes are ASCII.
        times: of each line, as its wrapping tells it: Unix seconds, or the text itself; None if it tells none.
        services: of each line, the same.
        too_long: index → length of lines of which only the head is here.
    """

    lines: list[bytes]
    ascii: bool = False
    times: Sequence[float | bytes | str | None] | None = None
    services: Sequence[str | None] | None = None
    too_long: dict[int, int] = msgspec.field(default_factory=dict)


class Meter:
    """Counts and hashes what is read."""

    def __init__(self) -> None:
        """Start at nothing."""
        self.size = 0
        self._hash = hashlib.sha256()

    def add(self, data: bytes) -> None:
        """Add what was read."""
        self.size += len(data)
        self._hash.update(data)

    @property
    def digest(self) -> str:
        """The SHA-256 so far."""
        return self._hash.hexdigest()


def batches(
    read: Callable[[int], bytes], meter: Meter, *, longest: int = LONGEST_LINE, block: int = BLOCK
) -> Iterator[Batch]:
    """Yield the lines of a stream; the last one may lack its line end.

    Args:
        read: as a file's; an empty answer is the end.
        meter: is told of every byte.
        longest: longer lines are not kept: their head is given, and their length.
        block: how many bytes are read at once.
    """
    rest = b""
    skipping = 0  # bytes of an overlong line whose head was given already
    while data := read(block):
        meter.add(data)
        if skipping:
            end = data.find(b"\n")
            if end < 0:
                skipping += len(data)
                continue
            yield _overlong(rest, skipping + end)
            rest, skipping, data = b"", 0, data[end + 1 :]
        lines = data.split(b"\n")
        if rest:
            lines[0] = rest + lines[0]
        only_ascii = data.isascii() and rest.isascii()
        rest = lines.pop()
        if lines:
            yield _batch(lines, longest, only_ascii=only_ascii)
        if len(rest) > longest:
            rest, skipping = rest[:_HEAD], len(rest)
    if skipping:
        yield _overlong(rest, skipping)
    elif rest:
        yield _batch([rest], longest, only_ascii=rest.isascii())


def _batch(lines: list[bytes], longest: int, *, only_ascii: bool) -> Batch:
    found = Batch(lines, only_ascii)
    cut(found, longest)
    return found


def cut(batch: Batch, longest: int = LONGEST_LINE) -> None:
    """Let only the heads of lines that are too long stay in a batch, and note their lengths."""
    if max(map(len, batch.lines)) > longest:
        for at, line in enumerate(batch.lines):
            if len(line) > longest:
                batch.too_long[at] = len(line)
                batch.lines[at] = line[:_HEAD]


def _overlong(head: bytes, length: int) -> Batch:
    return Batch([head], too_long={0: length})
