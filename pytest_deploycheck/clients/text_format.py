r"""Prometheus's text format 0.0.4, line by line.

The grammar is that of the exposition format's documentation and of Prometheus's scraper (model/textparse): names,
label values with `\\`, `\"` and `\n` escaped, Go floats, timestamps in whole milliseconds. Metric names in quotes
inside the braces (Prometheus 3) are understood as well.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_STRING = r'"(?:[^"\\\n]|\\.)*"'
_SAMPLE = re.compile(
    r"[ \t]*(?P<name>[a-zA-Z_:][a-zA-Z0-9_:]*)?[ \t]*"
    rf"(?:\{{(?P<labels>(?:[^\"{{}}]|{_STRING})*)\}}[ \t]*|[ \t])"
    r"(?P<value>[^ \t#{}\"]+)(?:[ \t]+(?P<timestamp>-?[0-9]+))?[ \t]*",
    re.ASCII,
)
_LABEL = re.compile(
    rf"\s*(?P<name>[a-zA-Z_][a-zA-Z0-9_]*|{_STRING})\s*(?:=\s*(?P<value>{_STRING})\s*)?(?:,\s*|$)", re.ASCII
)
_TYPE = re.compile(
    rf"[ \t]*#[ \t]+TYPE[ \t]+(?P<name>[a-zA-Z_:][a-zA-Z0-9_:]*|{_STRING})[ \t]+(?P<type>\S+)[ \t]*", re.ASCII
)
_TYPE_LINE = re.compile(r"[ \t]*#[ \t]+TYPE[ \t]")
_TYPES = frozenset(
    {"counter", "gauge", "histogram", "summary", "untyped", "unknown", "info", "stateset", "gaugehistogram"}
)
_GO_FLOAT = re.compile(
    r"[+-]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|0x(?:[0-9a-f]+\.?[0-9a-f]*|\.[0-9a-f]+)(?:p[+-]?[0-9]+)?|inf|infinity)|nan",
    re.IGNORECASE | re.ASCII,
)
_ESCAPES = {"\\\\": "\\", '\\"': '"', "\\n": "\n"}
_ESCAPE = re.compile(r'\\[\\"n]')
_SUFFIXES = {
    "histogram": ("_bucket", "_sum", "_count"),
    "gaugehistogram": ("_bucket", "_gsum", "_gcount", "_sum", "_count"),
    "summary": ("_sum", "_count"),
}


class BadLine(ValueError):  # noqa: N818 - becomes errors.Malformed
    """A line that is not in the format.

    Args:
        number: of the line, from 1.
        line: as it is.
        reason: what is wrong with it.
    """

    def __init__(self, number: int, line: str, reason: str) -> None:
        super().__init__(f"line {number}: {reason}")
        self.number = number
        self.line = line
        self.reason = reason


class SampleLine(msgspec.Struct, frozen=True):
    """One sample.

    Attributes:
        family: the name of its family; a counter's without `_total`.
        type: of the family; `unknown` if no TYPE line told.
        name: of the sample.
        labels: unescaped.
        value: NaN and infinities included.
        timestamp: Unix seconds, if it was exposed with one.
    """

    family: str
    type: str
    name: str
    labels: Mapping[str, str]
    value: float
    timestamp: float | None = None


def parse_text_format(text: str) -> Iterator[SampleLine]:
    """Yield every sample.

    Raises:
        BadLine: at the first line that is not in the format, is not ended, or repeats a sample or a TYPE.
    """
    types: dict[str, str] = {}
    seen: set[tuple[str, frozenset[tuple[str, str]], str | None]] = set()
    lines = text.split("\n")
    if lines[-1]:
        raise BadLine(len(lines), lines[-1], "the last line does not end with a line feed: the answer may be cut off")
    for number, line in enumerate(lines, start=1):
        stripped = line.lstrip(" \t")
        if not stripped:
            continue
        if stripped[0] == "#":
            if _TYPE_LINE.match(line):
                _note_type(number, line, types)
            continue
        name, labels, value, stamp = _sample(number, line)
        identity = (name, frozenset(labels.items()), stamp)
        if identity in seen:
            raise BadLine(number, line, "the same sample stands there twice")
        seen.add(identity)
        family, kind = _family(name, types)
        yield SampleLine(family, kind, name, labels, value, None if stamp is None else int(stamp) / 1000)


def _note_type(number: int, line: str, types: dict[str, str]) -> None:
    match = _TYPE.fullmatch(line)
    if match is None:
        raise BadLine(number, line, "a TYPE line is `# TYPE name type`")
    name, kind = _unquoted(match["name"]), match["type"]
    if kind not in _TYPES:
        raise BadLine(number, line, f"there is no type {kind!r}")
    if name in types:
        raise BadLine(number, line, f"a second TYPE line for {name}")
    types[name] = kind


def _sample(number: int, line: str) -> tuple[str, dict[str, str], float, str | None]:
    match = _SAMPLE.fullmatch(line)
    if match is None:
        raise BadLine(number, line, 'a sample is `name{label="value"} number`, and a time in milliseconds if need be')
    name = match["name"] or ""
    labels: dict[str, str] = {}
    if match["labels"]:
        name, labels = _labels(number, line, name, match["labels"])
    if not name:
        raise BadLine(number, line, "a sample without a name")
    value = match["value"]
    if not _GO_FLOAT.fullmatch(value):
        raise BadLine(number, line, f"{value!r} is no number")
    return name, labels, float.fromhex(value) if "x" in value.lower() else float(value), match["timestamp"]


def _labels(number: int, line: str, name: str, text: str) -> tuple[str, dict[str, str]]:
    """Return the metric's name, which may stand in quotes among the labels, and the labels."""
    labels: dict[str, str] = {}
    at = 0
    text = text.strip()
    while at < len(text):
        match = _LABEL.match(text, at)
        if match is None:
            raise BadLine(number, line, 'labels are `name="value"`, with commas between them')
        at = match.end()
        label = _unquoted(match["name"])
        if match["value"] is None:
            if name or not match["name"].startswith('"'):
                raise BadLine(number, line, f"the label {label} has no value")
            name = label
        elif label in labels:
            raise BadLine(number, line, f"the label {label} stands there twice")
        else:
            labels[label] = _unquoted(match["value"])
    return name, labels


def _family(name: str, types: Mapping[str, str]) -> tuple[str, str]:
    """Return the family a sample belongs to, and its type."""
    kind = types.get(name)
    if kind == "counter":
        return name.removesuffix("_total"), kind
    if kind is not None:
        return name, kind
    for suffix in ("_bucket", "_sum", "_count", "_gsum", "_gcount"):
        base = name.removesuffix(suffix)
        if base != name and suffix in _SUFFIXES.get(types.get(base, ""), ()):
            return base, types[base]
    return name, "unknown"


def _unquoted(text: str) -> str:
    if not text.startswith('"'):
        return text
    return _ESCAPE.sub(lambda found: _ESCAPES[found[0]], text[1:-1])
