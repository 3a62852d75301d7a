"""Several long answers read at the same time, each as far ahead of its reader as fits in a little memory."""

from __future__ import annotations

import queue
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final, Protocol, Self

if TYPE_CHECKING:
    from collections.abc import Callable

STREAMS: Final = 8
"""How many are read at the same time: a cluster hands every log on from its node."""

_PIECE: Final = 256 * 1024
_PIECES: Final = 16
"""Pieces of one stream that wait for its reader: 4 MiB."""
_LOOK: Final = 0.1
"""Seconds after which a thread whose reader takes nothing looks whether anybody still wants it."""


class Readable(Protocol):
    """What is read."""

    def read(self, size: int) -> bytes:
        """Return up to so many bytes; none at the end."""
        ...

    def close(self) -> None:
        """End it."""
        ...


class ReadAhead:
    """Reads streams in threads; they have to be read in the order in which they were added."""

    def __init__(self) -> None:
        """Start nothing yet."""
        self._threads = ThreadPoolExecutor(STREAMS, "read-ahead")
        self._unwanted = threading.Event()

    def add(self, opens: Callable[[], Readable]) -> Callable[[int], bytes]:
        """Have a stream opened, read and closed by one thread; return what reads it here.

        Args:
            opens: makes it. What it raises, and what reading raises, is raised by the reader, after all that came
                before.
        """
        pieces: queue.Queue[bytes | BaseException] = queue.Queue(_PIECES)
        self._threads.submit(self._pull, opens, pieces)
        rest = b""
        ended = False

        def read(size: int) -> bytes:
            nonlocal rest, ended
            if not rest and not ended:
                found = self._next(pieces)
                if isinstance(found, BaseException):
                    ended = True
                    raise found
                rest, ended = found, not found
            piece, rest = rest[:size], rest[size:]
            return piece

        return read

    def close(self) -> None:
        """End what is still being read, and wait until it is; what nobody took by then is gone."""
        self._unwanted.set()
        self._threads.shutdown(cancel_futures=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _next(self, pieces: queue.Queue[bytes | BaseException]) -> bytes | BaseException:
        while True:
            try:
                return pieces.get(timeout=_LOOK)
            except queue.Empty:
                if self._unwanted.is_set():
                    raise ValueError("read of a stream whose ReadAhead was closed") from None

    def _pull(self, opens: Callable[[], Readable], pieces: queue.Queue[bytes | BaseException]) -> None:
        try:
            stream = opens()
            try:
                while piece := stream.read(_PIECE):
                    if not self._offer(pieces, piece):
                        return
            finally:
                stream.close()
        except BaseException as error:  # noqa: BLE001 - it is the reader's, who waits for it
            self._offer(pieces, error)
        else:
            self._offer(pieces, b"")

    def _offer(self, pieces: queue.Queue[bytes | BaseException], piece: bytes | BaseException) -> bool:
        while not self._unwanted.is_set():
            try:
                pieces.put(piece, timeout=_LOOK)
            except queue.Full:
                continue
            return True
        return False
