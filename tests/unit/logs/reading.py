"""Reads lines as the product does, from memory."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from pytest_deploycheck.clients.logs.batch import Meter, batches
from pytest_deploycheck.clients.logs.contract import Contract
from pytest_deploycheck.clients.logs.reading import Plan, Reading, form_of, read
from pytest_deploycheck.clients.logs.single import SingleLines
from pytest_deploycheck.clients.logs.unwrap import Unwrapping
from pytest_deploycheck.clients.logs.window import Window

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_deploycheck.model.logs import LogSummary

NOW = 1_795_252_000.0  # 2026-11-21T09:06:40Z


def plan(
    schema: dict[str, Any] | None = None,
    *,
    since: float | None = None,
    until: float | None = None,
    fields: Mapping[str, str] | None = None,
    wrapping: str = "auto",
    tolerance: float = 5.0,
) -> Plan:
    window = Window(since=since, until=until, now=NOW, tolerance=tolerance)
    return Plan(schema=schema, fields=fields or {}, wrapping=wrapping, window=window)


def summarised(lines: Sequence[bytes] | bytes, how: Plan | None = None, *, slowly: bool = False) -> LogSummary:
    """Read lines; `slowly` = each by itself, which is what is meant."""
    how = how or plan()
    data = lines if isinstance(lines, bytes) else b"".join(line + b"\n" for line in lines)
    if slowly:
        stream = list(batches(io.BytesIO(data).read, Meter()))
        form = form_of(stream, how)
        if form.wrapping != "none":
            unwrapping = Unwrapping(form.wrapping)
            stream = [unwrapping.closely(batch) for batch in stream] + list(unwrapping.left())
        scan, number = SingleLines(Contract(how.schema, form.roles), form.roles, how.window), 1
        for batch in stream:
            scan.one_by_one(batch, 0, len(batch.lines), number)
            number += len(batch.lines)
        found = Reading(scan.tally, form.wrapping, form.fields, number - 1)
    else:
        found = read(batches(io.BytesIO(data).read, Meter(), block=4096), how)
    return found.tally.summary(
        size=len(data),
        digest=(),
        wrapping=found.wrapping,
        fields=found.fields,
        notes=(),
        read_at=how.window.now,
        since=how.window.since,
        until=how.window.until,
        tolerance=how.window.tolerance,
    )
