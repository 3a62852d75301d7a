"""Finds secrets in texts that were made for reading: wrapped to a width, or cut in their middle.

pytest shows values so: a long literal goes over several lines, each with quotes and margin of its own, and a long
representation loses its middle. A plain search finds no secret through which such a break goes.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

SHORTEST = 4
"""A shorter piece of a secret beside a cut is left: it tells next to nothing, and is found everywhere."""

# the end of a literal, a line break, pytest's margin (`E`, `>`, a diff's sign), the beginning of the next literal
_BREAK = r"(?:['\"]?[ \t]*\n[ \tE>|+?-]*b?['\"]?)?"
_CUT = re.compile(r"\.{3}|…")


def mask(text: str, forms: Iterable[str], replacement: str) -> str:
    """Return a text without the secrets that are wrapped or cut in it.

    Args:
        text: any; unbroken secrets have been masked before.
        forms: the secrets in all their spellings, longest first.
        replacement: what takes their place.
    """
    wrapped, cut = "\n" in text, bool(_CUT.search(text))
    for form in forms if wrapped or cut else ():
        if len(form) <= SHORTEST:
            continue
        if wrapped:
            text = _wrapped(form).sub(lambda _: replacement, text)
        if cut:
            for start, end in sorted(_beside_cuts(text, form), reverse=True):
                text = text[:start] + replacement + text[end:]
    return text


@lru_cache(maxsize=256)
def _wrapped(form: str) -> re.Pattern[str]:
    return re.compile(_BREAK.join(re.escape(char) for char in form))


def _beside_cuts(text: str, form: str) -> Iterator[tuple[int, int]]:
    """Yield where the beginning of a secret stands before a cut, or its end behind one."""
    lengths = range(len(form) - 1, SHORTEST - 1, -1)
    for cut in _CUT.finditer(text):
        start, end = cut.span()
        before = next((length for length in lengths if text.endswith(form[:length], 0, start)), 0)
        if before:
            yield start - before, start
        behind = next((length for length in lengths if text.startswith(form[-length:], end)), 0)
        if behind:
            yield end, end + behind
