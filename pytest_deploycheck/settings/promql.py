"""PromQL in the settings, parsed while the file is read, so that a slip is shown with its line and not as an HTTP 400.

The parser is that of the library `promql-parser`, which follows one Prometheus version; the server may be older
(`holt_winters` was renamed in 3.0) or newer (`smoothed`, `anchored`, arithmetic in durations). What another
version may accept is therefore only *doubtful*, and becomes a warning; the server has the last word, and its refusal
is an ERROR of the check, never a pass. Everything else that the parser refuses is a mistake.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated

from pydantic import AfterValidator

from pytest_deploycheck.settings.values import Wrong

_NEWER_WORDS = re.compile(r"\b(?:smoothed|anchored)\b|\b(?:offset|@)\s*\(|\[[^\]$]*[-+*/%^(][^\]$]*\]")
_ONLY_PYTHON = re.compile(r"\(\?[=!<]|\(\?P=|\\[1-9]")
_REGEX_REFUSED = "illegal regex for "


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why the parser did not take an expression.

    Attributes:
        words: the parser's own.
        certain: False where another version of Prometheus may take it.
    """

    words: str
    certain: bool


@lru_cache(maxsize=1024)
def refusal(expr: str) -> Refusal | None:
    """Return why an expression cannot be parsed, or None if it can."""
    from promql_parser import parse

    try:
        parse(expr)
    except ValueError as error:
        words = " ".join(str(error).split()) or "no reason given"
        return Refusal(words, certain=not _another_version_may_take(expr, words))
    return None


def _another_version_may_take(expr: str, words: str) -> bool:
    if words.startswith("unknown function with name"):
        return True
    if words.startswith(_REGEX_REFUSED):
        # RE2 knows a few escapes that the library's engine does not; look-around and back references it knows not.
        pattern = words.removeprefix(_REGEX_REFUSED)
        try:
            re.compile(re.sub(r"\\[QEC]|\\p[A-Z]", "", pattern))
        except (re.error, OverflowError, RecursionError):
            return False
        return not _ONLY_PYTHON.search(pattern)
    # Words inside of strings are no operators.
    return bool(_NEWER_WORDS.search(re.sub(r'"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])*\'|`[^`]*`', '""', expr)))


def _expression(value: str) -> str:
    found = refusal(value)
    if found is not None and found.certain:
        raise Wrong(f"is not valid PromQL: {found.words}", "an expression such as sum(rate(errors_total[5m]))")
    return value


def _selector(value: str) -> str:
    words = 'a metric name or a bare selector, such as app_sessions_total{job="app"}'
    found = refusal(value)
    if found is not None:
        # A bare selector has looked the same in every version, so nothing is doubtful here.
        raise Wrong(f"is not a selector: {found.words}", words)
    from promql_parser import MatrixSelector, VectorSelector, parse

    tree = parse(value)
    if isinstance(tree, MatrixSelector):
        raise Wrong("is a selector with a range", words)
    if not isinstance(tree, VectorSelector):
        raise Wrong("is an expression, not a bare selector", words)
    if tree.offset is not None or tree.at is not None:
        raise Wrong("is a selector with offset or @", words)
    return value


PromQL = Annotated[str, AfterValidator(_expression)]
"""A PromQL expression."""

Selector = Annotated[str, AfterValidator(_selector)]
"""A metric name or a bare vector selector: others do not give the timestamps of the samples."""
