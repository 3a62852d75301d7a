"""A log file with those it was rotated from, compressed or not, from the beginning of a window on.

Rotated files are those beside it whose names begin with its own: `mcp.jsonl.1`, `mcp.jsonl.2.gz`,
`mcp.jsonl-20261121`. One that was last written before the window holds nothing of it. What is appended while it is read
is left for next time.
"""

from __future__ import annotations

import gzip
import io
import os
import re
import stat
import zlib
from contextlib import contextmanager, suppress
from pathlib import Path  # noqa: TC003 - msgspec reads the annotations of its structs
from typing import TYPE_CHECKING, Any, BinaryIO

import msgspec

from pytest_deploycheck.clients.logs.engines import MISSING_EXTRA
from pytest_deploycheck.errors import CannotMeasure, Forbidden, Malformed, NotFound

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
_ROTATED = re.compile(r"[.-][0-9][0-9T._-]*(?:\.(?:gz|zst|zstd))?")
_NEAR = 1 << 20
"""Bytes from which on it is worth while to look for the window's beginning before reading."""
_PROBE = 64 * 1024


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One file of a log.

    Attributes:
        path: its place.
        packed: `gzip`, `zstd`, or empty.
        size: bytes on disk that are read.
        start: where reading begins.
    """

    path: Path
    packed: str = ""
    size: int
    start: int = 0


def parts(path: Path, since: float | None) -> list[Part]:
    """Return the files of a log that may hold lines of a window, the oldest first.

    Args:
        path: of the newest one.
        since: Unix time at which the window begins; None = only the newest file, from its beginning.

    Raises:
        CannotMeasure: if the newest one is not there, is no regular file, or may not be read.
    """
    newest = _part(path)
    if since is None:
        return [newest]
    found = []
    with suppress(OSError):  # a directory that may not be listed still has the file
        for other in path.parent.iterdir():
            if other.name.startswith(path.name) and _ROTATED.fullmatch(other.name[len(path.name) :]):
                with suppress(FileNotFoundError):
                    written = other.stat().st_mtime
                    if written >= since:
                        found.append((written, other))
    return [*(_part(other) for _, other in sorted(found)), newest]


def _part(path: Path) -> Part:
    with _reading(path), path.open("rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise CannotMeasure(f"{path} is no regular file", where=str(path), next_step="name the log file itself")
        magic = file.read(4)
    packed = "gzip" if magic.startswith(_GZIP) else "zstd" if magic == _ZSTD else ""
    return Part(path=path, packed=packed, size=status.st_size)


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise NotFound(
            f"there is no log file {path.name}",
            where=str(path),
            next_step="is the path right, and does the service write to it? An absent log is no quiet one",
        ) from None
    except PermissionError:
        raise Forbidden(
            f"the log file {path.name} may not be read", where=str(path), next_step="allow the runner's user to read it"
        ) from None
    except IsADirectoryError:
        raise CannotMeasure(f"{path} is a directory", where=str(path), next_step="name the log file itself") from None
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise Malformed(
            f"the log file {path.name} cannot be unpacked: {error}",
            where=str(path),
            next_step="was it cut off, or is it still being written?",
        ) from None
    except OSError as error:
        raise CannotMeasure(
            f"the log file {path.name} cannot be read: {error.strerror or error}", where=str(path)
        ) from None


@contextmanager
def opened(part: Part) -> Iterator[Callable[[int], bytes]]:
    """Open a part; the function reads from its start to the size it had.

    Raises:
        CannotMeasure: if it cannot be read or unpacked, or was cut while it was read.
    """
    with _reading(part.path), part.path.open("rb") as file:
        if part.packed:
            stream = _unpacked(file, part)

            def read(size: int) -> bytes:
                with _reading(part.path):
                    return stream.read(size)
        else:
            file.seek(part.start)
            left = part.size - part.start

            def read(size: int) -> bytes:
                nonlocal left
                if left <= 0:
                    return b""
                with _reading(part.path):
                    data = file.read(min(size, left))
                if not data:
                    raise CannotMeasure(
                        f"the log file {part.path.name} was cut while it was read",
                        where=str(part.path),
                        details=[f"{left:,} of {part.size:,} bytes are gone"],
                        next_step="run again; where rotation copies and truncates, it loses lines",
                    )
                left -= len(data)
                return data

        yield read


def _unpacked(file: BinaryIO, part: Part) -> BinaryIO:
    if part.packed == "gzip":
        return io.BufferedReader(gzip.GzipFile(fileobj=file))
    try:
        import zstandard
    except ImportError:
        raise CannotMeasure(
            f"the log file {part.path.name} is packed with zstd, which needs the package zstandard",
            where=str(part.path),
            next_step=MISSING_EXTRA,
        ) from None
    reader: Any = zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True)
    return _Zstd(reader, zstandard.ZstdError)  # type: ignore[return-value]


class _Zstd:
    """Reads, and says what is wrong the way gzip does."""

    def __init__(self, reader: Any, failed: type[Exception]) -> None:
        self._reader = reader
        self._failed = failed

    def read(self, size: int) -> bytes:
        try:
            return bytes(self._reader.read(size))
        except self._failed as error:
            raise zlib.error(str(error)) from None


def start_of(part: Part, since: float, time_of: Callable[[bytes], float | None]) -> int:
    """Return where in a part to begin to read: before the first line that is not older, at the beginning of a line.

    Lines are taken to stand in order, as in a log they nearly do: the place found is a little early.

    Args:
        part: of a file that is not packed.
        since: Unix time, the tolerance taken off already.
        time_of: gives the time of a line, or None.
    """
    low, high = 0, part.size
    if part.packed or part.size < _NEAR:
        return 0
    with _reading(part.path), part.path.open("rb") as file:
        while high - low > _PROBE:
            middle = (low + high) // 2
            file.seek(middle)
            at = _first_time(file.read(_PROBE), time_of)
            if at is not None and at < since:
                low = middle
            else:
                high = middle
        if low == 0:
            return 0
        file.seek(low)
        end = file.read(_PROBE).find(b"\n")
    return low + end + 1 if end >= 0 else 0


def _first_time(data: bytes, time_of: Callable[[bytes], float | None]) -> float | None:
    """Return the time of the first whole line that has one."""
    for line in data.split(b"\n")[1:-1]:
        if (at := time_of(line)) is not None:
            return at
    return None


def lines_before(part: Part) -> int:
    """Return how many lines stand before the place where reading begins."""
    counted, left = 0, part.start
    with _reading(part.path), part.path.open("rb") as file:
        while left > 0 and (data := file.read(min(_NEAR, left))):
            counted += data.count(b"\n")
            left -= len(data)
    return counted


def finished(part: Part) -> Part:
    """Return a part without a last line that has no line end yet: it is being written, or was cut off.

    A file without any line end in its last mebibyte stays as it is.
    """
    if part.packed or part.size == 0:
        return part
    with _reading(part.path), part.path.open("rb") as file:
        begin = max(0, part.size - _NEAR)
        file.seek(begin)
        end = file.read(part.size - begin).rfind(b"\n")
    return part if end < 0 else msgspec.structs.replace(part, size=begin + end + 1)
