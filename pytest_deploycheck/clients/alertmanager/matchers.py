r"""Matchers as Alertmanager writes them: `alertname="Down"`, `team=~"db|web"`, `{severity!="info"}`.

The rules are those of Alertmanager's `pkg/labels/parse.go` (up to 0.26) widened by what `matchers/parse` allows since
0.27: names in quotes and outside of ASCII.
"""

from __future__ import annotations

import re

from pytest_deploycheck.model.alertmanager import Matcher

_MATCHER = re.compile(r'\s*("(?:[^"\\]|\\.)*"|[^\s{}!=~,\\"\'`]+)\s*(=~|!~|!=|=)\s*(.*?)\s*', re.DOTALL)
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_ESCAPES = {"\\n": "\n", '\\"': '"', "\\\\": "\\"}
_ESCAPE = re.compile(r'\\[n"\\]')


def parse_matchers(text: str) -> tuple[Matcher, ...]:
    """Return the matchers in one text: separated by commas, in braces or not.

    Raises:
        ValueError: if one is not `name operator value`, or its quotes are not closed.
    """
    inner = text.strip()
    if inner.startswith("{") != inner.endswith("}"):
        message = f"not matchers: {text!r}: a brace is missing"
        raise ValueError(message)
    if inner.startswith("{"):
        inner = inner[1:-1]
    parts = _split(inner, text)
    if parts and not parts[-1].strip():
        parts.pop()  # a comma may follow the last one
    return tuple(_matcher(part) for part in parts)


def format_matcher(matcher: Matcher) -> str:
    """Return a matcher as the API's `filter` parameter takes it, its value escaped."""
    operator = ("=" if matcher.is_equal else "!") + ("~" if matcher.is_regex else "" if matcher.is_equal else "=")
    value = matcher.value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'{matcher.name}{operator}"{value}"'


def _split(inner: str, text: str) -> list[str]:
    """Cut at the commas that are not inside of quotes."""
    parts, start, quoted, escaped = [], 0, False, False
    for index, char in enumerate(inner):
        if escaped:
            escaped = False
        elif char == "\\":
            escaped = True
        elif char == '"':
            quoted = not quoted
        elif char == "," and not quoted:
            parts.append(inner[start:index])
            start = index + 1
    if quoted:
        message = f"not matchers: {text!r}: a quote is not closed"
        raise ValueError(message)
    if inner.strip():
        parts.append(inner[start:])
    return parts


def _matcher(text: str) -> Matcher:
    match = _MATCHER.fullmatch(text)
    if match is None:
        message = f'not a matcher: {text.strip()!r}; write it as in team="db" or severity=~"page|warn"'
        raise ValueError(message)
    name, operator, value = match.groups()
    quoted = _QUOTED.fullmatch(value)
    if quoted is None and '"' in _ESCAPE.sub("", value):
        message = f"not a matcher: {text.strip()!r}: a quote inside of the value is not escaped"
        raise ValueError(message)
    return Matcher(
        name=_unescaped(name[1:-1]) if name.startswith('"') else name,
        value=_unescaped(quoted[1] if quoted else value),
        is_regex=operator.endswith("~"),
        is_equal=operator.startswith("="),
    )


def _unescaped(text: str) -> str:
    """Return a value with its three escapes resolved; any other backslash stands for itself."""
    return _ESCAPE.sub(lambda found: _ESCAPES[found[0]], text)
