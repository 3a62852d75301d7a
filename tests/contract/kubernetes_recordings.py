"""Stored replies of a real API server, packed one archive a directory: `{"rollout/complete/pods.json": {…}, …}`."""

from __future__ import annotations

import gzip
import json
from functools import cache
from pathlib import Path
from typing import Any

DIRECTORY = Path(__file__).parent / "recordings" / "kubernetes"


@cache
def archive(name: str) -> dict[str, Any]:
    """Return the recordings of one archive by their paths."""
    with gzip.open(DIRECTORY / f"{name}.json.gz") as file:
        found: dict[str, Any] = json.load(file)
    return found


def reply(path: str) -> dict[str, Any]:
    """Return one recording: `request`, `response`, `note`."""
    found: dict[str, Any] = archive(path.partition("/")[0])[path]
    return found


def body(path: str) -> bytes:
    """Return the body of one recording as it was sent, but for white space."""
    document = reply(path)["response"]["body"]
    return document.encode() if isinstance(document, str) else json.dumps(document, separators=(",", ":")).encode()


def stages() -> list[str]:
    """Return the names of the recorded rollout situations."""
    return sorted({path.split("/")[1] for path in archive("rollout") if path.count("/") == 2})
