r"""Takes away what stands around the JSON of a line: prefixes of compose and kubectl, CRI's parts, colours, envelopes.

| wrapping | a line of it |
| --- | --- |
| compose | `orders-1  | {…}`, coloured or not, with or without `--timestamps` |
| kubectl | `[pod/orders-7d4/app] {…}`, `2026-11-21T09:49:45.746Z {…}`, or both |
| cri | `2026-11-21T09:49:45.746Z stdout F {…}`; parts marked `P` are joined per stream until one marked `F` |
| docker | `{"log":"{…}\n","stream":"stdout","time":"…"}`; parts without a line end are joined |
| journal | `{"MESSAGE":"{…}","__REALTIME_TIMESTAMP":"…",…}`, where the message is JSON itself |
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from pytest_deploycheck.clients.logs.batch import LONGEST_LINE, Batch
from pytest_deploycheck.clients.logs.wholesale import Wholesale

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

_TIME = rb"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?(?:Z|[+-][0-9]{2}:[0-9]{2})"
_COLOUR = re.compile(rb"\x1b\[[0-9;]*[A-Za-z]")
_COMPOSE = re.compile(
    rb"(?P<service>[A-Za-z0-9][A-Za-z0-9_.-]*) +\| ?(?:(?P<time>" + _TIME + rb") )?(?P<line>.*)", re.DOTALL
)
_KUBECTL = re.compile(rb"(?:\[(?P<service>[^\]\s]+)\] )?(?:(?P<time>" + _TIME + rb") )?(?P<line>.*)", re.DOTALL)
_CRI = re.compile(
    rb"(?P<time>" + _TIME + rb") (?P<stream>stdout|stderr) (?P<tag>[PF])(?::\S*)? (?P<line>.*)", re.DOTALL
)


class _Docker(msgspec.Struct):
    log: str
    stream: str
    time: str


class _Journal(msgspec.Struct, rename={"message": "MESSAGE", "time": "__REALTIME_TIMESTAMP", "unit": "_SYSTEMD_UNIT"}):
    message: str | list[int] | None
    time: str
    unit: str | None = None


_docker = msgspec.json.Decoder(_Docker).decode
_journal = msgspec.json.Decoder(_Journal).decode


def recognise(lines: Iterable[bytes]) -> str:
    """Return the wrapping of some lines: the one that most of them have; `none` if most are bare."""
    votes: dict[str, int] = {}
    for line in lines:
        kind = _kind(_COLOUR.sub(b"", line) if b"\x1b" in line else line)
        if kind:
            votes[kind] = votes.get(kind, 0) + 1
    return max(votes, key=lambda kind: votes[kind]) if votes else "none"


def _kind(line: bytes) -> str:
    """Return the wrapping of one line; empty if it does not tell (a traceback, a banner)."""
    text = line.lstrip()
    if text.startswith(b"{"):
        if b'"__REALTIME_TIMESTAMP"' in text and b'"MESSAGE"' in text:
            return "journal"
        is_docker = text.startswith(b'{"log":') and b'"stream":"std' in text and b'"time":"' in text
        return "docker" if is_docker else "none"
    if _CRI.match(line):
        return "cri"
    match = _KUBECTL.match(line)
    if match and (match["time"] or (match["service"] and b"/" in match["service"])):
        return "kubectl"
    match = _COMPOSE.match(line)
    return "compose" if match and match["line"].lstrip().startswith((b"{", b"[", b"\x1b")) else ""


def unwrapped(batches: Iterable[Batch], wrapping: str) -> Iterator[Batch]:
    """Yield the batches without their wrapping; lines that have none stay as they are.

    Args:
        batches: as they come.
        wrapping: what `recognise` said, or what is known.
    """
    if wrapping == "none":
        yield from batches
        return
    unwrapping = Unwrapping(wrapping)
    for batch in batches:
        yield unwrapping.quickly(batch)
    yield from unwrapping.left()


def without_colours(line: bytes) -> bytes:
    """Return a line without terminal colours."""
    return _COLOUR.sub(b"", line)


_Unwrapped = tuple[bytes, bytes | str | None, str | None]


class Unwrapping:
    """The wrapping taken away from the batches of one log, one after the other.

    Args:
        wrapping: as `recognise` names it, but not `none`.
    """

    def __init__(self, wrapping: str) -> None:
        """Know no part of a line yet."""
        take: dict[str, Callable[[bytes, _Parts], _Unwrapped | None]] = {
            "compose": _compose, "kubectl": _kubectl, "cri": _cri, "docker": _docker_line, "journal": _journal_line,
        }  # fmt: skip
        self._take = take[wrapping]
        self._parts = _Parts()
        self._wholesale = Wholesale(wrapping)

    def quickly(self, batch: Batch) -> Batch:
        """Return a batch without its wrapping, as `closely` would."""
        found = None if self._parts else self._wholesale.unwrap(batch)
        return found if found is not None else self.closely(batch)

    def closely(self, batch: Batch) -> Batch:
        """Return a batch without its wrapping, line by line: this is what is meant."""
        lines: list[bytes] = []
        times: list[bytes | str | None] = []
        services: list[str | None] = []
        too_long: dict[int, int] = {}
        for at, raw in enumerate(batch.lines):
            if at in batch.too_long:
                too_long[len(lines)] = batch.too_long[at]
            found = self._take(without_colours(raw) if b"\x1b" in raw else raw, self._parts)
            if found is None:  # a part; the rest of its line follows
                continue
            lines.append(found[0])
            times.append(found[1])
            services.append(found[2])
        return Batch(lines, times=times, services=services, too_long=too_long)

    def left(self) -> Iterator[Batch]:
        """Yield the lines whose ends never came."""
        if left := self._parts.left():
            yield Batch(left)


class _Parts:
    """Parts of lines that are not whole yet, per stream."""

    def __init__(self) -> None:
        self._parts: dict[str, list[bytes]] = {}
        self._size: dict[str, int] = {}

    def __bool__(self) -> bool:
        return bool(self._size)

    def add(self, stream: str, part: bytes) -> None:
        size = self._size.get(stream, 0)
        if size <= LONGEST_LINE:  # beyond it nothing is kept; the joined line is too long, and says so
            self._parts.setdefault(stream, []).append(part)
        self._size[stream] = size + len(part)

    def join(self, stream: str, last: bytes) -> bytes:
        self._size.pop(stream, None)
        return b"".join([*self._parts.pop(stream, []), last])

    def left(self) -> list[bytes]:
        return [b"".join(parts) for parts in self._parts.values()]


def _name(service: bytes | None) -> str | None:
    return service.decode("utf-8", "replace") if service else None


def _compose(line: bytes, parts: _Parts) -> _Unwrapped:
    del parts
    match = _COMPOSE.fullmatch(line)
    if match is None:
        return line, None, None
    return match["line"], match["time"], _name(match["service"])


def _kubectl(line: bytes, parts: _Parts) -> _Unwrapped:
    del parts
    match = _KUBECTL.fullmatch(line)
    if match is None or (match["service"] and b"/" not in match["service"]):
        return line, None, None
    return match["line"], match["time"], _name(match["service"])


def _cri(line: bytes, parts: _Parts) -> _Unwrapped | None:
    match = _CRI.fullmatch(line)
    if match is None:
        return line, None, None
    stream = match["stream"].decode()
    if match["tag"] == b"P":
        parts.add(stream, match["line"])
        return None
    return parts.join(stream, match["line"]), match["time"], None


def _docker_line(line: bytes, parts: _Parts) -> _Unwrapped | None:
    try:
        found = _docker(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return line, None, None
    text = found.log.encode("utf-8", "surrogatepass")
    if not text.endswith(b"\n"):
        parts.add(found.stream, text)
        return None
    return parts.join(found.stream, text).rstrip(b"\r\n"), found.time, None


def _journal_line(line: bytes, parts: _Parts) -> _Unwrapped:
    """Return the message if it is JSON itself; else the whole entry, which has keys enough to be judged."""
    del parts
    try:
        found = _journal(line)
        message = bytes(found.message) if isinstance(found.message, list) else (found.message or "").encode()
    except (msgspec.DecodeError, UnicodeError, RecursionError, ValueError):
        return line, None, None
    at = found.time
    return (message, at, found.unit) if message.lstrip().startswith(b"{") else (line, at, found.unit)
