"""Several streams at the same time, each for its reader, in bounded memory."""

from __future__ import annotations

import io
import threading
from typing import TYPE_CHECKING

import pytest

from pytest_deploycheck.transport.readahead import STREAMS, ReadAhead

if TYPE_CHECKING:
    from collections.abc import Callable

PATIENCE = 30  # seconds; only a failure takes them


def everything(read: Callable[[int], bytes], size: int = 7) -> bytes:
    found = b""
    while piece := read(size):
        assert len(piece) <= size
        found += piece
    return found


def test_each_reader_gets_its_own_in_pieces_of_the_size_it_wants() -> None:
    contents = [str(n).encode() * 1000 for n in range(20)]
    with ReadAhead() as ahead:
        readers = [ahead.add(lambda content=content: io.BytesIO(content)) for content in contents]  # type: ignore[misc]
        assert [everything(read, 700) for read in readers] == contents
        assert readers[0](700) == b"", "the end stays the end"


def test_they_are_under_way_at_the_same_time() -> None:
    """Each waits until all are open: one after the other none of them would be."""
    all_open = threading.Barrier(STREAMS)

    def opens() -> io.BytesIO:
        all_open.wait(PATIENCE)
        return io.BytesIO(b"a line\n")

    with ReadAhead() as ahead:
        readers = [ahead.add(opens) for _ in range(STREAMS)]
        assert [everything(read) for read in readers] == [b"a line\n"] * STREAMS


class Endless:
    def __init__(self) -> None:
        self.pieces = 0
        self.closed = threading.Event()

    def read(self, size: int) -> bytes:
        self.pieces += 1
        return b"x" * size

    def close(self) -> None:
        self.closed.set()


def test_no_more_is_read_ahead_than_fits_and_closing_ends_it() -> None:
    stream = Endless()
    with ReadAhead() as ahead:
        read = ahead.add(lambda: stream)
        assert read(10) == b"x" * 10
    assert stream.closed.is_set()
    assert stream.pieces <= 18, "what the reader took, what waits for it, and one in hand"


class Broken(io.BytesIO):
    def read(self, size: int | None = -1) -> bytes:
        found = super().read(size)
        if not found:
            raise OSError("the connection broke")
        return found


def test_what_came_before_an_error_is_read_before_it_is_raised() -> None:
    with ReadAhead() as ahead:
        read = ahead.add(lambda: Broken(b"a line\n"))
        assert read(100) == b"a line\n"
        with pytest.raises(OSError, match="the connection broke"):
            read(100)


def test_a_stream_that_cannot_be_opened_says_so_to_its_reader_alone() -> None:
    def opens() -> io.BytesIO:
        raise PermissionError("get pods/log")

    with ReadAhead() as ahead:
        first, second = ahead.add(opens), ahead.add(lambda: io.BytesIO(b"well"))
        with pytest.raises(PermissionError, match="get pods/log"):
            first(100)
        assert everything(second) == b"well"


def test_nobody_waits_for_what_was_closed() -> None:
    with ReadAhead() as ahead:
        readers = [ahead.add(Endless) for _ in range(STREAMS + 1)]
    with pytest.raises(ValueError, match="closed"):
        readers[-1](100)
