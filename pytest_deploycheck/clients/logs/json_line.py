"""Whether a line is JSON, as strictly as RFC 8259 has it, and if not, why."""

from __future__ import annotations

import json
from typing import Any

import msgspec


def parse(line: bytes) -> tuple[Any, str]:
    """Return (the parsed line, why it is no JSON): one of both.

    RFC 8259 as strictly as msgspec reads it: no bare NaN or Infinity, no lone surrogates, no byte order mark, UTF-8.
    """
    try:
        line.decode()
    except UnicodeDecodeError as error:
        return None, f"not UTF-8 (byte {error.start})"
    try:
        return msgspec.json.decode(line), ""
    except RecursionError:
        return None, "not JSON: nested too deeply"
    except msgspec.DecodeError as error:
        return None, _why(line, str(error))


def _why(line: bytes, problem: str) -> str:
    if line.startswith(b"\xef\xbb\xbf"):
        return "not JSON: begins with a byte order mark"
    if not line.lstrip().startswith((b"{", b"[", b'"')):
        return "not JSON"
    strange: list[str] = []

    def constant(name: str) -> None:
        strange.append(name)

    try:
        json.loads(line, parse_constant=constant)
    except RecursionError:
        return "not JSON: nested too deeply"
    except ValueError:
        return f"not JSON: {problem.removeprefix('JSON is malformed: ')}"
    if strange:
        return f"not JSON: a bare {strange[0]}"
    return (
        "not JSON: a lone surrogate" if b"\\u" in line else f"not JSON: {problem.removeprefix('JSON is malformed: ')}"
    )
