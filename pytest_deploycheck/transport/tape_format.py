"""Observations on disk: one exchange a line in `observations.jsonl`, bodies in `bodies/<sha256>`.

A run may be killed at any moment. Bodies are therefore written before the lines that name them, each under another name
first and then renamed; lines are appended in one write. What a kill can leave is one torn line, which the loader
reports and the next append puts an end to.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_deploycheck.model.exchange import Exchange

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

OBSERVATIONS = "observations.jsonl"
BODIES = "bodies"
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Observations:
    """What was loaded.

    Attributes:
        exchanges: with their stored bodies, in the order of recording; the body is None if there was none, or if it is
            not to be had (then `problems` says so).
        problems: everything that is missing, torn or altered, with its line; empty if the evidence is whole.
    """

    exchanges: tuple[tuple[Exchange, bytes | None], ...]
    problems: tuple[str, ...] = ()


def append_observations(directory: Path, exchanges: Iterable[Exchange], bodies: Mapping[str, bytes]) -> None:
    """Add exchanges and bodies to a directory; both may be there already in part.

    Args:
        directory: usually `evidence`; made if need be.
        exchanges: to be appended, in order.
        bodies: by SHA-256.

    Raises:
        ValueError: if a body's name is not its SHA-256 (it would be found altered later, or be a path).
        OSError: if it cannot be written.
    """
    store = directory / BODIES
    store.mkdir(parents=True, exist_ok=True)
    for digest, body in bodies.items():
        _store_body(store, digest, body)
    lines = "".join(dump_line(exchange) for exchange in exchanges)
    if not lines:
        return
    file = os.open(directory / OBSERVATIONS, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        size = os.fstat(file).st_size
        if size and os.pread(file, 1, size - 1) != b"\n":
            lines = "\n" + lines  # end a line that was torn by a kill, so that only it is lost
        rest = memoryview(lines.encode())
        while rest:
            rest = rest[os.write(file, rest) :]
    finally:
        os.close(file)


def dump_line(exchange: Exchange) -> str:
    """Return an exchange as one line of JSON."""
    # ASCII only: no reader can take U+2028 or the like for the end of a line
    return json.dumps(exchange.to_dict(), separators=(",", ":")) + "\n"


def parse_line(line: str) -> Exchange:
    """Return the exchange that a line describes.

    Raises:
        ValueError: if it describes none.
    """
    record = json.loads(line)
    if not isinstance(record, dict):
        message = "not an exchange: not a JSON object"
        raise ValueError(message)  # noqa: TRY004 - one kind of error for all that is wrong with a line
    try:
        return Exchange.from_dict(record)
    except (TypeError, AttributeError) as error:  # headers that are no pairs
        message = f"not an exchange: {error}"
        raise ValueError(message) from None


def load_observations(directory: Path) -> Observations:
    """Read back what `append_observations` wrote; what is damaged is reported, never passed over.

    Args:
        directory: the same.

    Raises:
        OSError: if there are no observations at all.
    """
    problems: list[str] = []
    pairs: list[tuple[Exchange, bytes | None]] = []
    bodies: dict[str, bytes | None] = {}
    raw = (directory / OBSERVATIONS).read_bytes()
    lines = raw.split(b"\n")
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            exchange = parse_line(line.decode())
        except ValueError as error:
            torn = number == len(lines)
            told = "the line is torn: the run was interrupted while writing it" if torn else f"not readable: {error}"
            problems.append(f"{OBSERVATIONS}:{number}: {told}")
            continue
        digest = exchange.body_sha256
        if digest is not None and digest not in bodies:
            bodies[digest], problem = _load_body(directory / BODIES, digest)
            if problem:
                problems.append(f"{OBSERVATIONS}:{number}: {problem}")
        pairs.append((exchange, None if digest is None else bodies[digest]))
    return Observations(exchanges=tuple(pairs), problems=tuple(problems))


def _store_body(store: Path, digest: str, body: bytes) -> None:
    if hashlib.sha256(body).hexdigest() != digest:
        message = f"a body of {len(body)} bytes is not the one its SHA-256 names: {digest!r}"
        raise ValueError(message)
    target = store / digest
    if target.exists() and target.stat().st_size == len(body):
        return
    handle, name = tempfile.mkstemp(dir=store, prefix=".")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(body)
        Path(name).chmod(0o644)
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _load_body(store: Path, digest: str) -> tuple[bytes | None, str]:
    """Return a body, or None and what is the matter with it."""
    if not _SHA256.fullmatch(digest):
        return None, f"{digest!r} is not a SHA-256"
    try:
        body = (store / digest).read_bytes()
    except OSError as error:
        return None, f"the body {digest} cannot be read: {error.strerror}"
    if hashlib.sha256(body).hexdigest() != digest:
        return None, f"the body {digest} was altered: its SHA-256 is another"
    return body, ""
