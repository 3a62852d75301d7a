"""On which line each key of a TOML text stands: `tomllib` does not tell, and a mistake without its line is a search.

One pass over a text that `tomllib` has accepted, so nothing is checked again here; strings are skipped whole, because
they may hold anything that looks like a key.
"""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_right

KeyPath = tuple[str | int, ...]
"""Keys and list indices from the top of the file."""

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_BARE = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
_STRING = re.compile(
    r'"""(?:\\.|[^\\])*?"""(?:"{0,2})' + r"|'''.*?'''(?:'{0,2})" + r'|"(?:\\.|[^"\\])*"' + r"|'[^']*'", re.DOTALL
)
_PLAIN = re.compile(r"[^,\]}#\n]+")


def locate(text: str) -> dict[KeyPath, int]:
    """Return the line of every key, table and list element of a valid TOML text.

    Args:
        text: what `tomllib.loads` accepts.

    Returns:
        Path → line, counted from 1. A path that is written in several places (a table extended by dotted keys, the
        list of an array of tables) has the first of them.
    """
    scan = _Scan(text)
    scan.document()
    return scan.lines


class _Scan:
    """The pass: a position in the text, and what was found so far."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.lines: dict[KeyPath, int] = {}
        self._ends = [match.start() for match in re.finditer("\n", text)]
        self._lengths: dict[KeyPath, int] = {}

    def document(self) -> None:
        """Read headers and assignments to the end."""
        table: KeyPath = ()
        while self._next():
            if self.text.startswith("[[", self.at):
                table = self._header(2)
            elif self.text[self.at] == "[":
                table = self._header(1)
            else:
                self._assignment(table)

    def _next(self) -> str:
        """Skip white space and comments; return the next character, or nothing at the end."""
        self.at = self._end(_BLANK)
        return self.text[self.at : self.at + 1]

    def _end(self, pattern: re.Pattern[str]) -> int:
        match = pattern.match(self.text, self.at)
        return match.end() if match else self.at + 1

    def _note(self, path: KeyPath, at: int) -> None:
        self.lines.setdefault(path, bisect_right(self._ends, at - 1) + 1)

    def _header(self, brackets: int) -> KeyPath:
        start = self.at
        self.at += brackets
        keys = self._keys()
        self._next()
        self.at += brackets
        path: KeyPath = ()
        for position, key in enumerate(keys):
            path = (*path, key)
            self._note(path, start)
            if brackets == 2 and position == len(keys) - 1:  # noqa: PLR2004 - [[ begins a new element
                self._lengths[path] = self._lengths.get(path, 0) + 1
            if path in self._lengths:
                path = (*path, self._lengths[path] - 1)
                self._note(path, start)
        return path

    def _keys(self) -> list[str]:
        keys = []
        while True:
            quote = self._next()
            start = self.at
            self.at = self._end(_STRING if quote in ('"', "'") else _BARE)
            token = self.text[start : self.at]
            keys.append(str(tomllib.loads(f"k = {token}")["k"]) if quote in ('"', "'") else token)
            if self._next() != ".":
                return keys
            self.at += 1

    def _assignment(self, table: KeyPath) -> None:
        start = self.at
        path = table
        for key in self._keys():
            path = (*path, key)
            self._note(path, start)
        self._next()
        self.at += 1  # the equals sign
        self._value(path)

    def _value(self, path: KeyPath) -> None:
        first = self._next()
        if first == "[":
            self._elements(path)
        elif first == "{":
            self._inline_table(path)
        else:
            self.at = self._end(_STRING if first in ('"', "'") else _PLAIN)

    def _elements(self, path: KeyPath) -> None:
        self.at += 1
        index = 0
        while self._next() != "]":
            self._note((*path, index), self.at)
            self._value((*path, index))
            index += 1
            if self._next() == ",":
                self.at += 1
        self.at += 1

    def _inline_table(self, path: KeyPath) -> None:
        self.at += 1
        while self._next() != "}":
            self._assignment(path)
            if self._next() == ",":
                self.at += 1
        self.at += 1
