"""Text that is safe to show: nothing in an answer, a label or a node id may move the cursor or break a table."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_LONGEST_NUMBER: Final = 64
_HIDDEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_NUMBER: Final = re.compile(
    r"""\s*(?:[<>=~≈≤≥±]=?\s*)?[+-]?            # perhaps a comparison and a sign
        (?:(?:\d[\d,_]*)?\.?\d+(?:e[+-]?\d+)?|nan|inf)
        (?:\s*(?:%|[^\W\d_]{1,7}(?:/[^\W\d_]{1,4})?))?\s*  # perhaps a unit
    """,
    re.VERBOSE | re.IGNORECASE,
)


def printable(text: str, *, ascii_only: bool = False) -> str:
    r"""Return the text in one line, with control, format and undecodable characters written as escapes.

    Args:
        text: of any origin.
        ascii_only: escape every character that is not ASCII as well, such as `é` as `\xe9`.
    """
    if text.isascii() and text.isprintable():
        return text
    shown = "".join(
        _escape(character) if unicodedata.category(character) in _HIDDEN else character for character in text
    )
    return shown.encode("ascii", "backslashreplace").decode() if ascii_only else shown


def _escape(character: str) -> str:
    """Return a character as Python would write it in a string literal."""
    named = {"\n": "\\n", "\r": "\\r", "\t": " "}
    if character in named:
        return named[character]
    return character.encode("unicode-escape", "backslashreplace").decode()


def shorten(text: str, width: int) -> str:
    """Return the text, or its head and tail with `…` between them if it is longer than `width`.

    Heads and tails differ more often than middles do: metric names start alike and instances end alike.

    Args:
        text: one line.
        width: in characters, at least 1.
    """
    if len(text) <= width:
        return text
    tail = (width - 1) // 2
    head = width - 1 - tail
    return f"{text[:head]}…{text[len(text) - tail :]}"


def is_number(text: str) -> bool:
    """Return whether a cell is a number, with or without a unit: such a cell is never shortened."""
    return len(text) <= _LONGEST_NUMBER and _NUMBER.fullmatch(text) is not None


def next_step(text: str) -> str:
    """Return the first `next:` line of a failure text without its label, or an empty text."""
    for line in text.splitlines():
        stripped = line.removeprefix("E").strip()
        if stripped.startswith("next:"):
            return stripped.removeprefix("next:").strip()
    return ""
