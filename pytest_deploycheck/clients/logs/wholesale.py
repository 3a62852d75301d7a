"""Takes the wrapping away from many lines at once, where all of them are wrapped in the plainest way.

A line is taken apart at its first brace: what stands before it is cut at a separator into a part that comes again and
again, and one that is a time or nothing. Whatever looks different makes the whole batch one for `unwrap`, which takes
lines one by one and is what is meant.
"""

from __future__ import annotations

import re
from itertools import repeat
from typing import TYPE_CHECKING

import msgspec

from pytest_deploycheck.clients.logs.batch import Batch

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_DIGITS = bytes.maketrans(b"123456789", b"000000000")
_KEPT = 10_000
_TIME = re.compile(
    rb"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?(?:Z|[+-][0-9]{2}:[0-9]{2})"
)
_COMPOSE = re.compile(rb"([A-Za-z0-9][A-Za-z0-9_.-]*) +")
_KUBECTL = re.compile(rb"\[([^\]\s]*/[^\]\s]*)")


class _Docker(msgspec.Struct, gc=False):
    log: str
    time: str
    stream: str


_docker = msgspec.json.Decoder(_Docker).decode


class Wholesale:
    """Unwraps batches of one log.

    Args:
        wrapping: as `unwrap` names it.
    """

    def __init__(self, wrapping: str) -> None:
        """Know no name and no spelling of a time yet."""
        self._names: dict[bytes, str] = {}
        self._spellings: set[bytes] = set()
        ways: dict[str, Callable[[Batch], Batch | None]] = {
            "compose": self._compose, "kubectl": self._kubectl, "cri": self._cri, "docker": self._docker,
        }  # fmt: skip
        self._way = ways.get(wrapping)

    def unwrap(self, batch: Batch) -> Batch | None:
        """Return a batch without its wrapping; None if it needs a closer look."""
        return self._way(batch) if self._way is not None and batch.lines and not batch.too_long else None

    def _compose(self, batch: Batch) -> Batch | None:
        heads, payloads = _apart(batch.lines)
        if heads is None:
            return None
        names, bars, rests = zip(*[head.partition(b"| ") for head in heads], strict=True)
        if b"" in bars:
            return None
        services = self._services(names, _COMPOSE)
        times = self._times(rests)
        if services is None or times is None:
            return None
        return Batch(payloads, batch.ascii, times, services)

    def _kubectl(self, batch: Batch) -> Batch | None:
        heads, payloads = _apart(batch.lines)
        if heads is None:
            return None
        if not heads[0].startswith(b"["):
            times = self._times(heads)
            return None if times is None else Batch(payloads, batch.ascii, times, [None] * len(heads))
        names, brackets, rests = zip(*[head.partition(b"] ") for head in heads], strict=True)
        if b"" in brackets:
            return None
        services = self._services(names, _KUBECTL)
        times = self._times(rests)
        if services is None or times is None:
            return None
        return Batch(payloads, batch.ascii, times, services)

    def _cri(self, batch: Batch) -> Batch | None:
        heads, payloads = _apart(batch.lines)
        if heads is None:
            return None
        texts, _, rests = zip(*[head.partition(b" ") for head in heads], strict=True)
        if not {b"stdout F ", b"stderr F "}.issuperset(rests) or not self._known_spellings(texts):
            return None
        return Batch(payloads, batch.ascii, texts, [None] * len(heads))

    def _docker(self, batch: Batch) -> Batch | None:
        try:
            found = list(map(_docker, batch.lines))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None
        texts = [one.log for one in found]
        if not all(map(str.endswith, texts, repeat("\n"))):
            return None
        # Escapes may have become more than ASCII.
        joined = "".join(texts).encode("utf-8", "surrogatepass")
        lines = joined.split(b"\n")
        lines.pop()
        if len(lines) != len(found) or b"\r" in joined:
            return None  # a line break within
        return Batch(lines, times=[one.time for one in found], services=[None] * len(found))

    def _services(self, heads: Sequence[bytes], form: re.Pattern[bytes]) -> list[str] | None:
        known = self._names
        for head in set(heads).difference(known):
            match = form.fullmatch(head)
            if match is None:
                return None
            if len(known) >= _KEPT:
                known.clear()
                return None
            known[head] = match[1].decode("utf-8", "replace")
        return [known[head] for head in heads]

    def _times(self, rests: Sequence[bytes]) -> Sequence[bytes | None] | None:
        """Return the times that stand before a blank; None if something else does."""
        if not any(rests):
            return [None] * len(rests)
        texts = [rest[:-1] for rest in rests]
        if b"\n".join(rests).count(b" ") != len(rests) or not self._known_spellings(texts):
            return None
        return texts

    def _known_spellings(self, texts: Sequence[bytes]) -> bool:
        """Return whether all of them are times, by their shapes: digits are all alike."""
        shapes = set(b"\n".join(texts).translate(_DIGITS).split(b"\n"))
        for shape in shapes.difference(self._spellings):
            if not _TIME.fullmatch(shape):
                return False
            self._spellings.add(shape)
        return True


def _apart(lines: Sequence[bytes]) -> tuple[list[bytes] | None, list[bytes]]:
    """Return what stands before the first brace of each line, and the rest; None if one has none."""
    ats = [line.find(b"{") for line in lines]
    if min(ats) < 0:
        return None, []
    return [line[:at] for line, at in zip(lines, ats, strict=True)], [
        line[at:] for line, at in zip(lines, ats, strict=True)
    ]
