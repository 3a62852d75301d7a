"""Ids across lines and services, in bounded memory: all of them while they are few, then a sample by hash."""

from __future__ import annotations

import re
from itertools import repeat
from typing import TYPE_CHECKING

from pytest_deploycheck.model.logs import Ids, Offender

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

KINDS = ("trace", "correlation")

_KEPT = 1 << 14
_HEX = b"0123456789abcdef"
_TOKEN = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.:/+="
_ZERO = "0" * 32
_NO_TRACE = f"0x{_ZERO}"
"""What OpenTelemetry's SDK writes outside of a span: no id, and not a bad one."""
_TRACE = re.compile(r"(?:0x)?(?P<id>[0-9a-f]{32})", re.ASCII)
_TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-(?P<id>[0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?", re.ASCII)
_GCP = re.compile(r"projects/[^/]+/traces/(?P<id>[0-9a-f]{32})", re.ASCII)
_SHORTEST, _LONGEST_ID = 6, 128
_PLACEHOLDERS = frozenset(
    {
        "undefined",
        "unknown",
        "missing",
        "correlation-id",
        "request-id",
        "00000000-0000-0000-0000-000000000000",
        "0" * 32,
    }
)
_LONGEST_WORD = 16
"""Of the words among the placeholders; only texts as short are looked at as words."""
_REASONS = {
    "trace": "no trace id of 32 lower-case hexadecimal digits, not all zero",
    "correlation": "no id: 6 to 128 letters, digits and any of -_.:/+=",
}
_FIRST = 10
_EXCERPT = 80


PROVEN = {
    "trace": {"^[0-9a-f]{32}$"},
    "correlation": {"^[0-9a-f]{32}$", "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"},
}
"""Kind → patterns of a schema that leave nothing to be shown but that an id is no placeholder."""


def identity(kind: str, value: object) -> str | None:
    """Return an id as it is known by, whatever its spelling; None if it is not well formed.

    Trace ids are W3C's: on their own, with `0x` before them, in a `traceparent`, or as Google Cloud names them.
    """
    if isinstance(value, str):
        if kind == "trace":
            match = _TRACE.fullmatch(value) or _TRACEPARENT.fullmatch(value) or _GCP.fullmatch(value)
            if match is not None and match["id"] != _ZERO:
                return match["id"]
        elif (
            _SHORTEST <= len(value) <= _LONGEST_ID
            and value.isascii()
            and not value.encode().translate(None, _TOKEN)
            and not _stands_for_nothing(value)
        ):
            return value
    return None


class IdTally:
    """What is known of the ids of one kind so far.

    Args:
        kind: `trace` or `correlation`.
    """

    def __init__(self, kind: str) -> None:
        """Know none."""
        self.kind = kind
        self.present = 0
        self.malformed = 0
        self.offenders: list[Offender] = []
        self.mask = 0
        self.seen: dict[str, int] = {}  # id → bits of the services that logged it

    def column(
        self, values: Sequence[str | None], bit_of: Callable[[int], int], first: int, *, proven: bool = False
    ) -> None:
        """Add a column.

        Args:
            values: of lines in a row; None or empty = no id.
            bit_of: index → the bit of that line's service.
            first: number of the first line.
            proven: whether the schema has shown already that all of them are well formed, but for placeholders.
        """
        bare = _bare(values) if self.kind == "trace" else values
        if (proven and self._stands_for_something(values)) or (None not in values and self._plain(bare)):
            self.present += len(values)
            mask, seen = self.mask, self.seen
            for at in [at for at, hashed in enumerate(map(hash, bare)) if not hashed & mask]:
                value = bare[at]
                seen[value] = seen.get(value, 0) | bit_of(at)  # type: ignore[index, arg-type]
            if len(seen) > _KEPT:
                self._thin()
            return
        for at, value in enumerate(values):
            if value is not None:
                self.add(value, bit_of(at), first + at)

    def add(self, value: object, service: int, number: int) -> None:
        """Add one line's id, whatever it is."""
        if value is None or value in ("", _NO_TRACE):
            return
        self.present += 1
        text = identity(self.kind, value)
        if text is None:
            self.malformed += 1
            if len(self.offenders) < _FIRST:
                self.offenders.append(Offender(line=number, reason=_REASONS[self.kind], excerpt=str(value)[:_EXCERPT]))
            return
        if not hash(text) & self.mask:
            self.seen[text] = self.seen.get(text, 0) | service
            if len(self.seen) > _KEPT:
                self._thin()

    def _plain(self, values: Sequence[str | None]) -> bool:
        """Return whether all of them are well formed, in the plain spelling, by looking at the whole column at once."""
        try:
            lengths = set(map(len, values))  # type: ignore[arg-type]
            joined = "".join(values).encode()  # type: ignore[arg-type]
        except (TypeError, UnicodeEncodeError):
            return False
        if self.kind == "trace":
            return lengths == {32} and not joined.translate(None, _HEX) and _ZERO not in values
        return (
            min(lengths) >= _SHORTEST
            and max(lengths) <= _LONGEST_ID
            and not joined.translate(None, _TOKEN)
            and _PLACEHOLDERS.isdisjoint(values)
            and (min(lengths) > _LONGEST_WORD or not any(_stands_for_nothing(value) for value in set(values) if value))
        )

    @staticmethod
    def _stands_for_something(values: Sequence[str | None]) -> bool:
        return _PLACEHOLDERS.isdisjoint(values) and None not in values

    def _thin(self) -> None:
        while len(self.seen) > _KEPT // 2:
            self.mask = self.mask << 1 | 1
            self.seen = {one: bits for one, bits in self.seen.items() if not hash(one) & self.mask}

    def merge(self, later: IdTally, renamed: Sequence[int]) -> None:
        """Add another's, of lines further down, whose hashes are this process's.

        Args:
            later: the other.
            renamed: the other's service number → the bit here.
        """
        self.present += later.present
        self.malformed += later.malformed
        self.offenders = (self.offenders + later.offenders)[:_FIRST]
        self.mask |= later.mask
        self.seen = {one: bits for one, bits in self.seen.items() if not hash(one) & self.mask}
        for one, bits in later.seen.items():
            if not hash(one) & self.mask:
                here = sum(bit for at, bit in enumerate(renamed) if bits >> at & 1)
                self.seen[one] = self.seen.get(one, 0) | here
        if len(self.seen) > _KEPT:
            self._thin()

    def found(self) -> Ids:
        """Return the result."""
        return Ids(
            present=self.present,
            malformed=self.malformed,
            offenders=tuple(self.offenders),
            distinct=len(self.seen) * (self.mask + 1),
            exact=self.mask == 0,
            sampled=len(self.seen),
            shared=sum(1 for bits in self.seen.values() if bits & (bits - 1)),
        )


def _bare(values: Sequence[str | None]) -> Sequence[str | None]:
    """Return trace ids without the `0x` that OpenTelemetry's SDK writes, if all of them have it."""
    first = values[0]
    if not isinstance(first, str) or not first.startswith("0x"):
        return values
    try:
        prefixed = all(map(str.startswith, values, repeat("0x")))  # type: ignore[arg-type]
    except TypeError:  # some are None
        return values
    return [value[2:] for value in values] if prefixed else values  # type: ignore[index]


def _stands_for_nothing(value: str) -> bool:
    if len(value) > _LONGEST_WORD:
        return value in _PLACEHOLDERS
    return value.lower() in _PLACEHOLDERS or set(value) == {"0"}
