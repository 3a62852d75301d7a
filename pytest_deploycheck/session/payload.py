"""What rides on a TestReport: one attribute of builtins, so that xdist, report logs and JSON can carry it."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pytest

    from pytest_deploycheck.model.declaration import Declaration
    from pytest_deploycheck.model.exchange import Exchange
    from pytest_deploycheck.model.measure import Measure
    from pytest_deploycheck.session.outcomes import Classified


def pack_body(body: bytes) -> str | dict[str, str]:
    """Return a body as text, or as base64 in a mapping if it is not UTF-8."""
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(body).decode("ascii")}


def unpack_body(packed: str | dict[str, str]) -> bytes:
    """Return the body that `pack_body` packed."""
    return packed.encode("utf-8") if isinstance(packed, str) else base64.b64decode(packed["base64"])


def pack(  # noqa: PLR0913 - one call, all by keyword
    *,
    declaration: Declaration,
    classified: Classified,
    report: pytest.TestReport,
    started: float,
    worker: str,
    exchanges: Sequence[Exchange],
    bodies: Mapping[str, bytes],
    borrowed: Sequence[str],
    text: str,
    measures: Sequence[Measure] = (),
) -> dict[str, Any]:
    """Return one phase's payload.

    Declaration and worker are on every phase's payload: a failure in setup would otherwise carry none.
    """
    return {
        "declaration": declaration.to_dict(),
        "outcome": classified.outcome.value,
        "summary": classified.summary,
        "text": text,
        "phase": str(report.when),
        "started": float(started),
        "duration": float(report.duration),
        "worker": worker,
        "exchanges": [exchange.to_dict() for exchange in exchanges],
        "ids": [exchange.id for exchange in exchanges if not exchange.unused],
        "bodies": {digest: pack_body(body) for digest, body in bodies.items()},
        "borrowed": list(borrowed),
        "measures": [measure.to_dict() for measure in measures],
    }
