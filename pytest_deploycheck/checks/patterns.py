r"""Regular expressions as Prometheus and Alertmanager mean them: Go's RE2 syntax, matched against the whole value.

Python's `re` reads nearly the same language. What differs is translated (`\z`, `\Q…\E`, `[[:alpha:]]`, `\x{…}`,
`(?<name>…)`, `{,n}`) or refused: an expression that might mean something else here than on the server is not guessed.
Source of the rules: https://pkg.go.dev/regexp/syntax.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_deploycheck.model.alertmanager import Matcher

_CLASSES = {
    "alnum": "0-9A-Za-z",
    "alpha": "A-Za-z",
    "ascii": r"\x00-\x7F",
    "blank": r"\t ",
    "cntrl": r"\x00-\x1F\x7F",
    "digit": "0-9",
    "graph": "!-~",
    "lower": "a-z",
    "print": " -~",
    "punct": r"!-/:-@\[-`{-~",
    "space": r"\t\n\v\f\r ",
    "upper": "A-Z",
    "word": "0-9A-Za-z_",
    "xdigit": "0-9A-Fa-f",
}
_PAIR = 2


class UnsupportedPattern(ValueError):  # noqa: N818 - reads as what it is
    """A regular expression that cannot be judged here as the server judges it."""


@lru_cache(maxsize=1024)
def compile_go(pattern: str) -> re.Pattern[str]:
    """Return the expression for use with `fullmatch`.

    Args:
        pattern: in Go's syntax, without the anchors that the servers add.

    Raises:
        UnsupportedPattern: if it is no regular expression, or one that Python would read differently.
    """
    # The servers anchor it already, and a leading `^` would keep Python from accepting `^(?i)…`.
    try:
        # ASCII: Go's \d, \w, \s and \b know only ASCII.
        return re.compile(_translated(pattern.removeprefix("^")), re.ASCII)
    except (re.error, OverflowError, RecursionError) as error:
        message = f"cannot judge the regular expression {pattern!r}: {error}"
        raise UnsupportedPattern(message) from None


def _refuse(pattern: str, what: str) -> UnsupportedPattern:
    return UnsupportedPattern(f"cannot judge the regular expression {pattern!r}: {what} is not supported")


def _translated(pattern: str) -> str:
    out: list[str] = []
    at = 0
    while at < len(pattern):
        sign = pattern[at]
        if sign == "\\":
            text, at = _escape(pattern, at)
        elif sign == "[":
            text, at = _set(pattern, at)
        elif pattern.startswith("(?", at):
            text, at = _group(pattern, at)
        elif pattern.startswith("{,", at):
            # Python: "at most n times"; Go: the plain characters.
            text, at = r"\{", at + 1
        else:
            text, at = sign, at + 1
        out.append(text)
    return "".join(out)


def _escape(pattern: str, at: int) -> tuple[str, int]:
    following = pattern[at + 1 : at + _PAIR]
    if following == "Q":
        end = pattern.find(r"\E", at)
        literal = pattern[at + _PAIR : end if end >= 0 else len(pattern)]
        return re.escape(literal), (end + _PAIR if end >= 0 else len(pattern))
    if following == "z":
        return r"\Z", at + _PAIR
    if pattern.startswith(r"\x{", at):
        end = pattern.find("}", at)
        try:
            return re.escape(chr(int(pattern[at + 3 : end], 16))), end + 1
        except ValueError:
            raise _refuse(pattern, r"this \x{…}") from None
    if following and following in "pPCZNuU123456789":
        raise _refuse(pattern, rf"\{following}")
    return pattern[at : at + _PAIR], at + _PAIR


def _group(pattern: str, at: int) -> tuple[str, int]:
    if re.compile(r"\(\?<[A-Za-z_]").match(pattern, at):
        return "(?P<", at + 3
    if re.compile(r"\(\?(P<[A-Za-z_]|[ims]*(-[ims]+)?[:)])").match(pattern, at) is None:
        raise _refuse(pattern, repr(pattern[at : at + 4]))
    return "(?", at + _PAIR


def _set(pattern: str, at: int) -> tuple[str, int]:
    out = ["["]
    at += 1
    if pattern.startswith("^", at):
        out.append("^")
        at += 1
    if pattern.startswith("]", at):
        out.append(r"\]")
        at += 1
    while at < len(pattern) and pattern[at] != "]":
        if pattern.startswith("[:", at):
            end = pattern.find(":]", at)
            name = pattern[at + _PAIR : end] if end >= 0 else ""
            if name not in _CLASSES:
                raise _refuse(pattern, f"the class {pattern[at : at + 8]!r}")
            out.append(_CLASSES[name])
            at = end + _PAIR
        elif pattern[at] == "\\":
            text, at = _escape(pattern, at)
            out.append(text)
        elif pattern.startswith("--", at):
            raise _refuse(pattern, "'--' in a set")
        else:
            # Python reserves these within sets and warns of them.
            out.append("\\" + pattern[at] if pattern[at] in "[&~|" else pattern[at])
            at += 1
    if at >= len(pattern):
        raise _refuse(pattern, "a set without its end")
    return "".join([*out, "]"]), at + 1


def matches(matcher: Matcher, value: str) -> bool:
    """Return whether a matcher matches a label's value; a label that is missing has the value `""`.

    Raises:
        UnsupportedPattern: as `compile_go`.
    """
    found = compile_go(matcher.value).fullmatch(value) is not None if matcher.is_regex else matcher.value == value
    return found == matcher.is_equal
