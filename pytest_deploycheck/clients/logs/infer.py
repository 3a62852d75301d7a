"""A draft of a JSON Schema from a sample of lines: something to begin with, and to be read by a person."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec

from pytest_deploycheck.clients.logs.json_line import parse
from pytest_deploycheck.clients.logs.times import parse_time
from pytest_deploycheck.clients.logs.unwrap import recognise, unwrapped
from pytest_deploycheck.errors import NoData

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_deploycheck.clients.logs.batch import Batch

LINES = 100_000
"""Lines that are looked at; more would not say more."""
_KEYS = 200
_VALUES = 1000
_FEW = 12
_REPEATED = 5
"""Values of an enumeration have each been seen so many times on average."""
_RECOGNISED_BY = 100
_DRAFT = "https://json-schema.org/draft/2020-12/schema"

_PATTERNS = (
    r"^[0-9a-f]{32}$",
    r"^[0-9a-f]{16}$",
    r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$",
    r"^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$",
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:[.,][0-9]{1,9})?(?:Z|[+-][0-9]{2}:?[0-9]{2})?$",
)
_COMPILED = tuple(re.compile(pattern[:-1] + r"\Z", re.ASCII) for pattern in _PATTERNS)


class _Key(msgspec.Struct):
    """What was seen under one key."""

    seen: int = 0
    kinds: set[str] = msgspec.field(default_factory=set)
    values: dict[str, int] = msgspec.field(default_factory=dict)
    many: bool = False
    patterns: set[int] = msgspec.field(default_factory=lambda: set(range(len(_PATTERNS))))
    least: float | None = None

    def add(self, value: Any) -> None:
        self.seen += 1
        self.kinds.add(_kind(value))
        if isinstance(value, str):
            self.patterns = {at for at in self.patterns if _COMPILED[at].match(value)}
            if len(self.values) < _VALUES or value in self.values:
                self.values[value] = self.values.get(value, 0) + 1
            else:
                self.many = True
        elif isinstance(value, int | float) and not isinstance(value, bool):
            self.least = value if self.least is None else min(self.least, value)


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """What was drafted.

    Attributes:
        schema: the draft.
        lines: how many lines were looked at.
        parsed: how many of them are a JSON object; the others say nothing of the schema.
        wrapping: what stood around the JSON.
    """

    schema: dict[str, Any]
    lines: int
    parsed: int
    wrapping: str


def draft(batches: Iterable[Batch]) -> Draft:
    """Return a schema that every parsed line of a sample matches.

    Raises:
        NoData: if no line is a JSON object.
    """
    stream = iter(batches)
    first = next(stream, None)
    if first is None:
        raise NoData("no line was given", next_step="give a file with some lines of the log")
    wrapping = recognise(first.lines[:_RECOGNISED_BY])
    keys: dict[str, _Key] = {}
    lines = parsed = 0
    for batch in unwrapped(_again(first, stream), wrapping):
        for line in batch.lines:
            if not line.strip() or lines >= LINES:
                continue
            lines += 1
            document, _ = parse(line)
            if isinstance(document, dict):
                parsed += 1
                for key, value in document.items():
                    if key in keys or len(keys) < _KEYS:
                        keys.setdefault(key, _Key()).add(value)
        if lines >= LINES:
            break
    if not parsed:
        raise NoData(
            f"none of {lines:,} lines is a JSON object",
            next_step="is it the log itself? Prefixes of compose, kubectl, CRI, Docker and journald are known",
        )
    schema = {
        "$schema": _DRAFT,
        "type": "object",
        "required": [key for key, found in keys.items() if found.seen == parsed],
        "properties": {key: _property(found) for key, found in keys.items()},
    }
    return Draft(schema=schema, lines=lines, parsed=parsed, wrapping=wrapping)


def _again(first: Batch, rest: Iterable[Batch]) -> Iterable[Batch]:
    yield first
    yield from rest


def _property(found: _Key) -> dict[str, Any]:
    kinds = found.kinds - {"integer"} if "number" in found.kinds else set(found.kinds)
    kind: Any = sorted(kinds) if len(kinds) > 1 else next(iter(kinds))
    if kinds == {"string"}:
        if found.patterns:
            return {"type": kind, "pattern": _PATTERNS[min(found.patterns)]}
        few = not found.many and len(found.values) <= _FEW
        if few and found.seen >= _REPEATED * len(found.values) and not any(map(parse_time, found.values)):
            return {"enum": sorted(found.values)}
        return {"type": kind, "minLength": 1} if all(found.values) else {"type": kind}
    if kinds <= {"number", "integer"} and found.least is not None and found.least >= 0:
        return {"type": kind, "minimum": 0}
    return {"type": kind}


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    kinds: dict[type, str] = {str: "string", int: "integer", float: "number", dict: "object", list: "array"}
    return kinds.get(type(value), "null")
