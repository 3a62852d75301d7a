"""Finding and reading `deploycheck.toml`, before anything in it is judged."""

from __future__ import annotations

import ast
import re
import stat
import tomllib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pytest_deploycheck.errors import ConfigError, Mistake
from pytest_deploycheck.settings.lines import KeyPath, locate

if TYPE_CHECKING:
    from pathlib import Path

FILE_NAME = "deploycheck.toml"
_LARGEST = 1 << 20
_PLACE = re.compile(r" \(at (?:line (?P<line>\d+), column (?P<column>\d+)|end of document)\)$")
_NAMESPACE = re.compile(r"\('.*\)|\(\".*\)", re.DOTALL)  # tomllib names a table as Python writes a tuple
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)


@dataclass(frozen=True)
class Source:
    """A file that is valid TOML.

    Attributes:
        path: absolute.
        shown: how messages call it: relative to the working directory where it lies below it.
        data: what `tomllib` made of it.
        lines: the line of every key.
    """

    path: Path
    shown: str
    data: dict[str, Any] = field(repr=False)
    lines: dict[KeyPath, int] = field(repr=False)

    def where(self, path: KeyPath) -> str:
        """Return `file:line` of a key, or of the nearest table around it that is written out."""
        while path:
            if path in self.lines:
                return f"{self.shown}:{self.lines[path]}"
            path = path[:-1]
        return f"{self.shown}:1"


def find_config(start: Path) -> Path | None:
    """Return the nearest `deploycheck.toml` in a directory or above it, or None."""
    for directory in (start, *start.absolute().parents):
        candidate = directory / FILE_NAME
        if candidate.exists():
            return candidate
    return None


def dotted(path: KeyPath) -> str:
    """Return a path as messages write it: `environments.prod.endpoints[2].path`; odd keys are quoted."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            escaped = part.encode("unicode_escape").decode("ascii").replace('"', '\\"')
            key = part if _BARE_KEY.fullmatch(part) else f'"{escaped}"'
            text += f".{key}" if text else key
    return text


def read(path: Path, *, cwd: Path) -> Source:
    """Read a configuration file.

    Args:
        path: the file; relative ones are taken from `cwd`.
        cwd: the working directory.

    Raises:
        ConfigError: if it does not exist, is no regular file, cannot be read, is larger than 1 MiB, is not UTF-8, or is
            not TOML.
    """
    path = cwd / path
    shown = str(path.relative_to(cwd)) if path.is_relative_to(cwd) else str(path)
    text = _text(path, shown)
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _not_toml(error, text, shown) from None
    except (RecursionError, ValueError) as error:  # tomllib lets an absurd number or nesting through as it is
        problem = "nested too deeply" if isinstance(error, RecursionError) else "a number or time that does not exist"
        raise _refused(shown, "not valid TOML", problem) from None
    return Source(path, shown, data, locate(text.replace("\r\n", "\n")))


def _text(path: Path, shown: str) -> str:
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise _refused(
                shown, "configuration file", "is a directory", f"a file, such as {shown.rstrip('/')}/{FILE_NAME}"
            )
        if not stat.S_ISREG(mode):
            raise _refused(shown, "configuration file", "is not a regular file", "a TOML file")
        with path.open("rb") as file:
            raw = file.read(_LARGEST + 1)
    except FileNotFoundError:
        raise _refused(shown, "configuration file", "does not exist", f"the path of a {FILE_NAME}") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a usable path"
        raise _refused(
            shown, "configuration file", f"cannot be read: {reason}", "a TOML file that may be read"
        ) from None
    if len(raw) > _LARGEST:
        raise _refused(shown, "configuration file", "is larger than 1 MiB", f"a {FILE_NAME}; is this the right file?")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise _refused(f"{shown}:{line}", "configuration file", "is not UTF-8", "TOML in UTF-8") from None


def _not_toml(error: tomllib.TOMLDecodeError, text: str, shown: str) -> ConfigError:
    words = str(error)
    line, column = text.rstrip("\n").count("\n") + 1, 0
    if place := _PLACE.search(words):
        words = words[: place.start()]
        if place["line"]:
            line, column = int(place["line"]), int(place["column"])
    where = f"{shown}:{line}:{column}" if column else f"{shown}:{line}"
    words = _NAMESPACE.sub(lambda match: dotted(tuple(ast.literal_eval(match[0]))), words)
    return _refused(where, "not valid TOML", words[:1].lower() + words[1:])


def _refused(where: str, key: str, problem: str, expected: str = "") -> ConfigError:
    return ConfigError([Mistake(where=where, key=key, problem=problem, expected=expected)])
