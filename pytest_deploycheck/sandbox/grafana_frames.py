"""Data frames as Grafana writes them: what a Prometheus answer becomes in the answer to a panel's query."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_LEGEND = re.compile(r"\{\{\s*(.+?)\s*\}\}")
_AUTO = "__auto"


def empty_frame(ref_id: str, executed: str) -> dict[str, Any]:
    """Return the one frame of an answer without data: it has no fields."""
    return {
        "schema": {"refId": ref_id, "meta": {"executedQueryString": executed}, "fields": []},
        "data": {"values": []},
    }


def frames(
    document: Mapping[str, Any], *, ref_id: str, expression: str, executed: str, step: int, legend: str
) -> list[dict[str, Any]]:
    """Return the frames of a Prometheus answer: one a series.

    Args:
        document: what Prometheus answered.
        ref_id: the query's.
        expression: as it was executed.
        executed: what the first frame tells of it.
        step: in milliseconds.
        legend: the query's legend format.
    """
    kind, result = document["data"]["resultType"], document["data"]["result"]
    found = []
    for series in result if kind in ("matrix", "vector") else [{"metric": {}, "value": result}]:
        labels = series["metric"]
        if "histogram" in series or "histograms" in series:
            found.append(_heatmap(labels, series.get("histograms") or [series["histogram"]], ref_id))
            continue
        samples = series["values"] if kind == "matrix" else [series["value"]]
        found.append(_frame(labels, samples, kind, ref_id, step, _name(labels, legend, expression)))
    if not found:
        found = [empty_frame(ref_id, executed)]
    found[0]["schema"]["meta"]["executedQueryString"] = executed
    for severity in ("warning", "info"):
        for text in document.get(f"{severity}s") or ():
            for frame in found:
                frame["schema"]["meta"].setdefault("notices", []).append({"severity": severity, "text": text})
    return found


def _frame(
    labels: dict[str, str], samples: Sequence[Any], kind: str, ref_id: str, step: int, name: str
) -> dict[str, Any]:
    times = [round(float(moment) * 1000) for moment, _ in samples]
    value_field: dict[str, Any] = {
        "name": labels.get("__name__", "Value"),
        "type": "number",
        "typeInfo": {"frame": "float64"},
        "labels": labels,
    }
    data: dict[str, Any]
    if kind == "string":
        value_field |= {"type": "string", "typeInfo": {"frame": "string"}}
        data = {"values": [times, [value for _, value in samples]]}
    else:
        values = [float(value) for _, value in samples]
        data = {"values": [times, [value if math.isfinite(value) else None for value in values]]}
        # JSON has no NaN: the value is null, and which null it is stands beside it.
        if odd := _entities(values):
            data["entities"] = [None, odd]
    if name:
        value_field["config"] = {"displayNameFromDS": name}
    time_field = {"name": "Time", "type": "time", "typeInfo": {"frame": "time.Time"}, "config": {"interval": step}}
    shape = "timeseries-multi" if kind in ("matrix", "string") else "numeric-multi"
    meta = {"type": shape, "typeVersion": [0, 1], "custom": {"resultType": kind}}
    return {"schema": {"refId": ref_id, "meta": meta, "fields": [time_field, value_field]}, "data": data}


def _heatmap(labels: dict[str, str], histograms: Sequence[Any], ref_id: str) -> dict[str, Any]:
    """Return the frame of a series of native histograms: one row a bucket."""
    rows = [
        (round(float(moment) * 1000), float(low), float(high), float(count), layout)
        for moment, histogram in histograms
        for layout, low, high, count in histogram.get("buckets", ())
    ]
    number = {"type": "number", "typeInfo": {"frame": "float64"}}
    fields: list[dict[str, Any]] = [{"name": "xMax", "type": "time", "typeInfo": {"frame": "time.Time"}}]
    fields += [{"name": name, **number, "labels": {}} for name in ("yMin", "yMax", "count")]
    fields[1]["labels"] = labels
    fields.append({"name": "yLayout", "type": "number", "typeInfo": {"frame": "int8"}})
    values = [list(column) for column in zip(*rows, strict=True)] or [[], [], [], [], []]
    return {
        "schema": {"refId": ref_id, "meta": {"type": "heatmap-cells"}, "fields": fields},
        "data": {"values": values},
    }


def _entities(values: Sequence[float]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for index, value in enumerate(values):
        if not math.isfinite(value):
            kind = "NaN" if math.isnan(value) else "Inf" if value > 0 else "NegInf"
            found.setdefault(kind, []).append(index)
    return found


def _name(labels: Mapping[str, str], legend: str, expression: str) -> str:
    if legend == _AUTO and labels:
        return ""
    if legend and legend != _AUTO:
        found = _LEGEND.sub(lambda match: labels.get(match[1], ""), legend)
    else:
        rest = ", ".join(f'{key}="{value}"' for key, value in sorted(labels.items()) if key != "__name__")
        found = labels.get("__name__", "") + (f"{{{rest}}}" if rest or "__name__" not in labels else "")
    return expression if found == "{}" else found
