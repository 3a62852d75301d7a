"""Answers as Prometheus gives them, made by hand."""

from __future__ import annotations

from typing import Any

UP = {"metric": {"__name__": "up"}, "value": [1795252172.589, "1"]}


def vector(*entries: Any, **extra: Any) -> dict[str, Any]:
    return {"status": "success", "data": {"resultType": "vector", "result": list(entries)}, **extra}
