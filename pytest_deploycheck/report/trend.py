"""The checkpoints of an observation as rows of tables: what became of each, and how numbers moved between them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_LETTERS: Final = {"passed": "P", "failed": "F", "inconclusive": "I", "error": "E", "not run": "N"}
_NOTHING: Final = "-"
_LATE: Final = 60.0
"""Seconds below which a checkpoint is not called late."""

_MILLISECONDS_BELOW: Final = 0.9995
_BYTES: Final = ("B", "KiB", "MiB", "GiB", "TiB")
_KIB: Final = 1024.0
_EXACT_BELOW: Final = 1e6


def checkpoint_rows(checkpoints: Mapping[str, Any]) -> tuple[list[str], list[list[str]]]:
    """Return heads and rows of the table of checkpoints.

    Args:
        checkpoints: the record's part of that name.
    """
    rows = [
        [
            f"{it['label']} (this one)" if it["label"] == checkpoints["current"] else it["label"],
            it["planned"]["utc"],
            _began(it),
            it["verdict"] if it["state"] == "done" else f"{it['verdict']} ({it['state']})",
            it["why"],
            it["report"],
        ]
        for it in checkpoints["all"]
    ]
    return ["checkpoint", "planned", "began", "verdict", "why", "report"], rows


def trend_rows(checkpoints: Mapping[str, Any]) -> tuple[list[str], list[list[str]]]:
    """Return heads and rows of the trend: a row for each check and number, a column for each checkpoint.

    A cell has the outcome's letter and the worst value; the last columns tell how far the last value lies from the
    first one and from the one before it.

    Args:
        checkpoints: the record's part of that name.
    """
    labels = [it["label"] for it in checkpoints["all"] if it["state"] != "not reached"]
    missed = {it["label"] for it in checkpoints["all"] if it["state"] == "missed"}
    rows = []
    for row in checkpoints["trend"]:
        measure = row["measure"]
        unit = measure["unit"] if measure else ""
        values = [cell["value"] for cell in row["cells"] if cell["value"] is not None]
        before = {"since_first": values[0], "since_previous": values[-2]} if len(values) > 1 else {}
        rows.append(
            [
                row["nodeid"],
                measure["name"] if measure else "",
                *(_cell(cell, unit, missed=cell["checkpoint"] in missed) for cell in row["cells"]),
                *(_change(row["change"][key], before.get(key), unit) for key in ("since_first", "since_previous")),
            ]
        )
    return ["check", "measured", *labels, "since the first", "since the one before"], rows


def _began(entry: Mapping[str, Any]) -> str:
    if entry["began"] is None:
        return _NOTHING
    late = entry["late_seconds"] or 0.0
    began: str = entry["began"]["utc"]
    return f"{began}, {shown(late, 's')} late" if late >= _LATE else began


def _cell(cell: Mapping[str, Any], unit: str, *, missed: bool) -> str:
    if cell["outcome"] is None:
        return "missed" if missed else _NOTHING
    value = "" if cell["value"] is None else f" {shown(cell['value'], unit)}"
    return f"{_LETTERS.get(cell['outcome'], '?')}{value}"


def _change(difference: float | None, before: float | None, unit: str) -> str:
    if difference is None:
        return _NOTHING
    if not difference:
        return "0"
    sign = "+" if difference > 0 else "-"
    share = f" ({difference / abs(before) * 100:+.3g} %)" if before else ""
    return f"{sign}{shown(abs(difference), unit)}{share}"


def shown(value: float, unit: str) -> str:
    """Return a value in base units as a person reads it; the unit as in a measure."""
    if not math.isfinite(value):
        return str(value)
    if unit == "s":
        return f"{value * 1000:.3g} ms" if 0 < abs(value) < _MILLISECONDS_BELOW else f"{value:.6g} s"
    if unit == "B":
        size, name = value, _BYTES[0]
        for bigger in _BYTES[1:]:
            if abs(size) < _KIB:
                break
            size, name = size / _KIB, bigger
        return f"{size:.4g} {name}"
    plain = f"{value:,.0f}" if value == int(value) and abs(value) >= _EXACT_BELOW else f"{value:.6g}"
    return f"{plain} {unit}" if unit and unit != "ratio" else plain
