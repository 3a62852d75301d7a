"""What can be said of a regular expression by looking at it.

Whether other engines read it alike, and which characters it cannot tell apart.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

DIGITS = frozenset("0123456789")
_SHAPES = 1000
"""Shapes of texts in a column beyond which nothing is gained by looking at shapes."""
HEX = DIGITS | frozenset("abcdef")

_TOKEN = re.compile(
    r"""(?P<group>\((?:\?:|(?!\?))|\)|\||\.)
    | (?P<anchor>\^|\$|\\A|\\Z)
    | (?P<repeat>(?:[*+?]|\{[0-9]+(?:,[0-9]*)?\})\??(?![*+?{]))
    | (?P<kind>\\[dws])
    | (?P<escaped>\\[-./:+*?()\[\]{}^$|\\])
    | \[(?P<negated>\^?)(?P<members>(?:\\[-dws./:+*?()\[\]{}^$|\\]|[^\[\]\\&~|]|\|(?!\|))+)\]
    | (?P<plain>[A-Za-z0-9_:/ ,@%=;"'!-])""",
    re.VERBOSE | re.ASCII,
)
_RANGE = re.compile(r"\\[dws]|\\?(?P<low>.)(?:-\\?(?P<high>[^\]]))?", re.ASCII)
_PLAIN_CLASS = re.compile(r"(?:\^|\\A)\[([a-zA-Z0-9_-]+)\]\{([0-9]{1,4})(?:,([0-9]{1,4}))?\}(?:\$|\\Z)", re.ASCII)


def tokens(pattern: str) -> Iterator[re.Match[str]] | None:
    """Return the tokens of a pattern; None if it holds anything but the plainest constructs."""
    found, at = [], 0
    while at < len(pattern):
        match = _TOKEN.match(pattern, at)
        if match is None:
            return None
        found.append(match)
        at = match.end()
    return iter(found)


def is_common(pattern: str) -> bool:
    r"""Return whether Python's and Rust's engines read a pattern alike, for ASCII text without line breaks.

    They differ in `\Z` and `$` before a line break, in `\d`, `\w` and `\s` beyond ASCII, and in set operations, which
    are no tokens here.
    """
    found = tokens(pattern)
    return found is not None and not any(match["anchor"] in {"\\A", "\\Z"} for match in found)


def cannot_tell_apart(pattern: str, alphabet: frozenset[str]) -> bool:
    """Return whether a pattern treats all characters of an alphabet alike, wherever they stand."""
    found = tokens(pattern)
    return found is not None and all(_blind(match, alphabet) for match in found)


def _blind(match: re.Match[str], alphabet: frozenset[str]) -> bool:
    if match["plain"] is not None:
        return match["plain"] not in alphabet
    if match["kind"] is not None:
        return match["kind"] != "\\d" or alphabet <= DIGITS
    if match["members"] is not None:
        held = members(match["members"]) & alphabet
        return not held or held == alphabet
    return True


def members(text: str) -> frozenset[str]:
    """Return the ASCII characters of a class, written as in `tokens`."""
    held: set[str] = set()
    for part in _RANGE.finditer(text):
        if part["low"] is None:
            kind = re.compile(part[0], re.ASCII)
            held.update(char for char in map(chr, range(128)) if kind.match(char))
        elif part["high"] is None:
            held.add(part["low"])
        else:
            held.update(map(chr, range(ord(part["low"]), ord(part["high"]) + 1)))
    return frozenset(held)


def misses(pattern: str) -> Callable[[Sequence[str | None]], list[int]]:
    """Return a function that gives the indexes of the texts in a column in which a pattern is not found.

    What is not found may still be right by Python's reading of `$` before a line break; what is found is. What is no
    text (a number, None) is never among them.

    Args:
        pattern: searched for, as JSON Schema does.

    Raises:
        re.error: if it is none.
    """
    search = re.compile(pattern).search

    def one_by_one(texts: Sequence[str | None]) -> list[int]:
        # With a line break at its end a text is looked at more closely, for `$` accepts it.
        return [
            at
            for at, text in enumerate(texts)
            if isinstance(text, str) and (search(text) is None or text.endswith("\n"))
        ]

    if (match := _PLAIN_CLASS.fullmatch(pattern)) is not None:
        return _of_a_class(members(match[1]), int(match[2]), int(match[3] or match[2]), one_by_one)
    for alphabet in (HEX, DIGITS):
        if cannot_tell_apart(pattern, alphabet):
            return _by_shape(alphabet, lambda shape: search(shape) is not None, one_by_one)
    return one_by_one


def _of_a_class(
    chars: frozenset[str], least: int, most: int, one_by_one: Callable[[Sequence[str | None]], list[int]]
) -> Callable[[Sequence[str | None]], list[int]]:
    allowed = "".join(sorted(chars)).encode()

    def column(texts: Sequence[str | None]) -> list[int]:
        try:
            lengths = set(map(len, texts))  # type: ignore[arg-type]
            left = "".join(texts).encode().translate(None, allowed)  # type: ignore[arg-type]
        except TypeError:  # some are None
            return one_by_one(texts)
        if left or min(lengths) < least or max(lengths) > most:
            return one_by_one(texts)
        return []

    return column


def _by_shape(
    alphabet: frozenset[str], fits: Callable[[str], bool], one_by_one: Callable[[Sequence[str | None]], list[int]]
) -> Callable[[Sequence[str | None]], list[int]]:
    """Look at each shape once: texts that differ in characters that the pattern cannot tell apart share one."""
    table = bytes.maketrans("".join(sorted(alphabet)).encode(), b"0" * len(alphabet))
    known: dict[bytes, bool] = {}

    def column(texts: Sequence[str | None]) -> list[int]:
        try:
            joined = "\n".join(texts).encode().translate(table)  # type: ignore[arg-type]
        except (TypeError, UnicodeEncodeError):
            return one_by_one(texts)
        first = joined.partition(b"\n")[0]
        if joined == (first + b"\n") * (len(texts) - 1) + first:  # mostly they are all alike
            shapes = {first}
        else:
            every = joined.split(b"\n")
            shapes = set(every)
            if len(every) != len(texts) or len(shapes) > _SHAPES:
                return one_by_one(texts)
        if len(known) > _SHAPES:
            known.clear()
        for shape in shapes.difference(known):
            known[shape] = fits(shape.decode())
        return [] if all(known[shape] for shape in shapes) else one_by_one(texts)

    return column
