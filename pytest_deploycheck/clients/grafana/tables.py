"""Panel data as CSV: one line a value, whatever the shape of the frames."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from pytest_deploycheck.clients.grafana.frames import frames_of
from pytest_deploycheck.model.instant import rfc3339

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_deploycheck.clients.grafana.frames import Field, Frame
    from pytest_deploycheck.model.grafana import PanelResult

COLUMNS = ("panel", "query", "frame", "row", "time", "series", "value")


def to_csv(results: Sequence[PanelResult]) -> bytes:
    """Return the data of panels whose answers were kept: a head, then one line a value, null left empty."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for one in results:
        if one.body:
            for ref_id, frames in frames_of(one.body).items():
                for number, frame in enumerate(frames):
                    writer.writerows((one.title, ref_id, number, *line) for line in _lines(frame))
    return text.getvalue().encode()


def _lines(frame: Frame) -> Iterator[tuple[int, str, str, object]]:
    """Yield (row, time, series, value)."""
    fields, columns = frame.fields, frame.columns
    times = next((at for at, field in enumerate(fields) if field.type == "time"), None)
    names = [_name(field) for field in fields]
    for row in range(max((len(column) for column in columns), default=0)):
        moment = columns[times][row] if times is not None and row < len(columns[times]) else None
        time = rfc3339(moment / 1000, "milliseconds") if isinstance(moment, (int, float)) else ""
        for at, column in enumerate(columns):
            if at != times and row < len(column):
                value = column[row]
                yield row, time, names[at], "" if value is None else value


def _name(field: Field) -> str:
    labels = ", ".join(f'{name}="{value}"' for name, value in sorted((field.labels or {}).items()))
    return f"{field.name}{{{labels}}}" if labels else field.name
