"""What a line or a row tells, by the keys that play each role."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any

import msgspec

from pytest_deploycheck.clients.logs.roles import lookup
from pytest_deploycheck.clients.logs.tally import EXCERPT

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pytest_deploycheck.clients.logs.contract import Place


def reader_of(places: Sequence[Place]) -> Callable[[list[Any], dict[str, list[Any]]], list[Any]]:
    """Return the function that takes a role's column out of rows, or from among the columns that were taken already."""
    if len(places) == 1 and not places[0].below:
        name = places[0].attribute
        value = attrgetter(name)
        return lambda rows, taken: taken[name] if name in taken else list(map(value, rows))

    def one(row: Any) -> Any:
        for place in places:
            value = getattr(row, place.attribute)
            if place.below:
                value = lookup(value, place.below) if isinstance(value, dict) else None
            if value is not None:
                return value
        return None

    return lambda rows, _: list(map(one, rows))


def is_utf8(lines: Sequence[bytes]) -> bool:
    """Return whether lines are valid UTF-8, looked at together."""
    try:
        b"\n".join(lines).decode()
    except UnicodeDecodeError:
        return False
    return True


def name_of(value: Any) -> str | None:
    """Return the name of a service, which may be told as an object; None if there is none."""
    if isinstance(value, str) and value:
        return value
    inner = value.get("name") if isinstance(value, dict) else None
    return inner if isinstance(inner, str) else None


def names_of(values: Sequence[Any] | None, writers: Sequence[str | None] | None) -> Sequence[str | None] | None:
    """Return the names of lines' services: as the wrapping tells them, else as the lines do.

    Args:
        values: what the lines tell; None if there is nowhere to look.
        writers: what the wrapping tells; None if it tells nothing.
    """
    if writers is not None and None not in writers:
        return writers
    if values is None:
        return writers
    if set(map(type, values)) != {str}:
        values = list(map(name_of, values))
    if writers is None:
        return values
    return [writer or value for writer, value in zip(writers, values, strict=True)]


def text_of(message: Any, line: bytes) -> str:
    """Return the text of a message by which its error is known."""
    if isinstance(message, str) and message:
        return message
    if message is not None:
        return msgspec.json.encode(message).decode()
    return line[:EXCERPT].decode("utf-8", "replace")
