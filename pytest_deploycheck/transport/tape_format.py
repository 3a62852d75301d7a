"""The tape on disk, read back: one exchange a line in `observations.jsonl`, bodies in `bodies/<sha256>`.

Whoever writes a run's evidence writes it in this form: each line is an exchange with the check that observed it, the
phase and the worker. A run may be killed at any moment: one torn line at the end is what that can leave, and it is
reported, as is everything else that is missing or altered.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING, Any

import msgspec

from pytest_deploycheck.model.exchange import Exchange

if TYPE_CHECKING:
    from pathlib import Path

OBSERVATIONS = "observations.jsonl"
BODIES = "bodies"
PHASES = ("setup", "call", "teardown")
_SHA256 = re.compile(r"[0-9a-f]{64}")


class Observation(msgspec.Struct, frozen=True, kw_only=True):
    """One exchange, and who observed it.

    Attributes:
        check: node id of the check; empty if it belongs to none.
        phase: `setup`, `call` or `teardown`.
        worker: the xdist worker, or `main`.
        exchange: what was asked, and what came of it.
        body: as it was stored; None if there was none, or if it is not to be had (`Observations.problems` says so).
    """

    check: str
    phase: str
    worker: str
    exchange: Exchange
    body: bytes | None = None


class Observations(msgspec.Struct, frozen=True, kw_only=True):
    """What was loaded.

    Attributes:
        records: in the order of recording.
        problems: everything that is missing, torn or altered, with its line; empty if the evidence is whole.
    """

    records: tuple[Observation, ...]
    problems: tuple[str, ...] = ()


def parse_line(line: str) -> Observation:
    """Return the observation that a line describes, without its body.

    Raises:
        ValueError: if it describes none.
    """
    try:
        record = json.loads(line)
    except RecursionError:
        record = None
    if not isinstance(record, dict):
        message = "not an observation: not a JSON object"
        raise ValueError(message)  # noqa: TRY004 - one kind of error for all that is wrong with a line
    check, phase, worker = (_text(record, name) for name in ("check", "phase", "worker"))
    if phase not in PHASES:
        message = f"not an observation: the phase is {phase!r}"
        raise ValueError(message)
    try:
        return Observation(check=check, phase=phase, worker=worker, exchange=Exchange.from_dict(record))
    except (TypeError, AttributeError) as error:  # headers that are no pairs
        message = f"not an exchange: {error}"
        raise ValueError(message) from None


def _text(record: dict[str, Any], name: str) -> str:
    """Take a text out of a line's record.

    Raises:
        ValueError: if there is none.
    """
    value = record.pop(name, None)
    if isinstance(value, str):
        return value
    message = f"not an observation: no {name}" if value is None else f"not an observation: {name} is not text"
    raise ValueError(message)


def load_observations(directory: Path) -> Observations:
    """Read the evidence of a run; what is damaged is reported, never passed over.

    Args:
        directory: the run's `evidence`.

    Raises:
        OSError: if there are no observations at all.
    """
    problems: list[str] = []
    records: list[Observation] = []
    bodies: dict[str, bytes | None] = {}
    lines = (directory / OBSERVATIONS).read_bytes().split(b"\n")
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            found = parse_line(line.decode())
        except ValueError as error:
            torn = number == len(lines)
            told = "the line is torn: the run was interrupted while writing it" if torn else f"not readable: {error}"
            problems.append(f"{OBSERVATIONS}:{number}: {told}")
            continue
        digest = found.exchange.body_sha256
        if digest is None:
            records.append(found)
            continue
        if digest not in bodies:
            bodies[digest], problem = _load_body(directory / BODIES, digest)
            if problem:
                problems.append(f"{OBSERVATIONS}:{number}: {problem}")
        records.append(
            Observation(
                check=found.check,
                phase=found.phase,
                worker=found.worker,
                exchange=found.exchange,
                body=bodies[digest],
            )
        )
    return Observations(records=tuple(records), problems=tuple(problems))


def _load_body(store: Path, digest: str) -> tuple[bytes | None, str]:
    """Return a body, or None and what is the matter with it."""
    if not isinstance(digest, str) or not _SHA256.fullmatch(digest):
        return None, f"{digest!r} is not a SHA-256"
    try:
        body = (store / digest).read_bytes()
    except OSError as error:
        return None, f"the body {digest} cannot be read: {error.strerror}"
    if hashlib.sha256(body).hexdigest() != digest:
        return None, f"the body {digest} was altered: its SHA-256 is another"
    return body, ""
