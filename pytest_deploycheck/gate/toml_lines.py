"""Where things stand in a TOML file: `tomllib` parses well, but gives no lines.

This is no second parser. It runs only over text that tomllib has read or refused, and if it misses a place (an unusual
spelling of a key, say) the message names the line of the enclosing table instead.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

_HEADER: Final = re.compile(r"\s*(\[\[?)\s*([^\[\]]+?)\s*\]")
_KEY: Final = re.compile(r"""\s*("[^"]*"|'[^']*'|[A-Za-z0-9_-]+)\s*[.=]""")
_STRINGS: Final = re.compile(r'"""|\'\'\'|"(?:\\.|[^"\\])*"|\'[^\']*\'|#.*')
_POSITION: Final = re.compile(r"^(?P<what>.*?)\s*\(at line (?P<line>\d+), column (?P<column>\d+)\)$", re.DOTALL)
_AT_END: Final = re.compile(r"^(?P<what>.*?)\s*\(at end of document\)$", re.DOTALL)


class Places(msgspec.Struct):
    """Lines (from 1) of the tables of one name, of their keys, and of the keys at the top.

    Attributes:
        entries: the line of each `[[name]]`, in order.
        keys: for each of them, the lines of its keys.
        tops: the lines of keys and table names at the top level.
    """

    entries: list[int] = msgspec.field(default_factory=list)
    keys: list[dict[str, int]] = msgspec.field(default_factory=list)
    tops: dict[str, int] = msgspec.field(default_factory=dict)

    def top(self, key: str) -> int:
        """Return the line of a key at the top, or 1."""
        return self.tops.get(key, 1)

    def entry(self, number: int) -> int:
        """Return the line of a table, counted from 0; of the first mention if the tables are written inline."""
        return self.entries[number] if number < len(self.entries) else min(self.tops.values(), default=1)

    def key(self, number: int, key: str) -> int:
        """Return the line of a key in a table, or the table's line if the key is absent."""
        return self.keys[number].get(key, self.entry(number)) if number < len(self.keys) else self.entry(number)


def find_places(text: str, name: str) -> Places:
    """Return where the tables `[[name]]` of a TOML text and their keys stand.

    Args:
        text: TOML that can be parsed.
        name: of the array of tables.
    """
    places = Places()
    current: dict[str, int] = places.tops
    closing = ""
    for number, line in enumerate(text.split("\n"), start=1):
        if not closing:
            if header := _HEADER.match(line):
                path = [part.strip().strip("\"'") for part in header[2].split(".")]
                places.tops.setdefault(path[0], number)
                if path == [name] and header[1] == "[[":
                    current = {}
                    places.entries.append(number)
                    places.keys.append(current)
                elif path[0] == name and places.keys:
                    places.keys[-1].setdefault(path[1] if len(path) > 1 else path[0], number)
                    current = {}
                else:
                    current = {}
            elif key := _KEY.match(line):
                current.setdefault(key[1].strip("\"'"), number)
        closing = _still_open(line, closing)
    return places


def _still_open(line: str, closing: str) -> str:
    """Return the quotes that a multi-line string still waits for after this line; empty if none is open."""
    position = 0
    while True:
        if closing:
            end = _closing_quotes(line, closing, position)
            if end < 0:
                return closing
            position, closing = end, ""
        found = _STRINGS.search(line, position)
        if found is None:
            return ""
        position = found.end()
        if found[0] in {'"""', "'''"}:
            closing = found[0]


def _closing_quotes(line: str, quotes: str, position: int) -> int:
    """Return the index behind the closing quotes at or after `position`, or -1; escaped quotes do not close."""
    while position < len(line):
        if line[position] == "\\" and quotes == '"""':
            position += 2
        elif line.startswith(quotes, position):
            return position + len(quotes)
        else:
            position += 1
    return -1


def syntax_error(message: str, text: str) -> tuple[int, str]:
    """Return the line and the plain problem of a `tomllib.TOMLDecodeError`.

    Args:
        message: the error's text.
        text: what was parsed.
    """
    if found := _POSITION.match(message):
        return int(found["line"]), f"{found['what']} at column {found['column']}"
    if found := _AT_END.match(message):
        return text.rstrip("\n").count("\n") + 1, f"{found['what']} at the end of the file"
    return 1, message
