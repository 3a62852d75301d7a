"""JSON bodies: strict reading, dotted paths, and equality as JSON means it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pytest_deploycheck.checks.wording import head, names

if TYPE_CHECKING:
    from pytest_deploycheck.model.http import HttpAnswer


class NotJson(ValueError):  # noqa: N818 - reads as what it is
    """A body that is no JSON document."""


class NotThere(LookupError):  # noqa: N818 - reads as what it is
    """A path that leads nowhere in a document."""


def parsed(answer: HttpAnswer) -> Any:
    """Return the body as JSON; NaN and infinities, which Python would accept, are none.

    Raises:
        NotJson: with the reason and the head of the body.
    """
    if not answer.body.strip():
        raise NotJson("the body is empty")
    try:
        return json.loads(answer.body, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise NotJson(f"not JSON ({reason}): {head(answer.head)}") from None


def _refuse(constant: str) -> None:
    message = f"{constant} is no JSON value"
    raise ValueError(message)


def lookup(document: Any, path: str) -> Any:
    """Return what a dotted path leads to; a number is an index where there is a list.

    A key that itself has dots is found if it stands at the end of the path (`checks.db.primary` finds
    `{"checks": {"db.primary": …}}`). An empty path is the document itself.

    Raises:
        NotThere: telling where the path ended, and what there is instead.
    """
    value, rest, walked = document, path, ""
    while rest:
        place = f" in {walked}" if walked else ""
        first, _, after = rest.partition(".")
        if isinstance(value, dict):
            if rest in value:
                return value[rest]
            if first not in value:
                raise NotThere(f"no {first!r}{place}; there are: {names(map(str, value))}")
            value = value[first]
        elif isinstance(value, list):
            # Not isdigit alone: it also holds for superscripts and other scripts' digits.
            if not (first.isascii() and first.isdigit()) or int(first) >= len(value):
                raise NotThere(f"no {first!r}{place}, a list of {len(value)}")
            value = value[int(first)]
        else:
            raise NotThere(f"no {first!r}{place}, which is {shown(value)}")
        walked, rest = f"{walked}.{first}" if walked else first, after
    return value


def same(value: Any, expected: Any) -> bool:
    """Return whether two JSON values are equal: true is not 1 and "1" is not 1, but 1 is 1.0."""
    if isinstance(value, bool) or isinstance(expected, bool):
        return value is expected
    return (isinstance(value, str) == isinstance(expected, str)) and bool(value == expected)


def shown(value: Any) -> str:
    """Return a JSON value on one line, cut if it is long."""
    return head(json.dumps(value, ensure_ascii=False, default=str))
