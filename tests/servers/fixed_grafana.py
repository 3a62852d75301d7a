"""A small Grafana of fixed answers behind real HTTP, for what a whole stand-in would not do."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from pytest_deploycheck.clients.grafana.client import GrafanaClient
from pytest_deploycheck.sandbox.endpoints import Reply
from pytest_deploycheck.sandbox.service import Listener
from tests.servers.wired import ONCE, wired

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.servers.wired import Wired

SOURCES = [
    {"uid": "prom", "name": "Prometheus", "type": "prometheus", "isDefault": True, "jsonData": {"timeInterval": "1s"}},
    {"uid": "edge", "name": "Edge", "type": "prometheus", "isDefault": False},
]
TIMES = [1_799_999_985_000, 1_800_000_000_000]


def frame(*values: float | None, kind: str = "number", executed: str = "Expr: up\nStep: 1s") -> dict[str, Any]:
    """A frame of a time series."""
    return {
        "schema": {
            "meta": {"type": "timeseries-multi", "executedQueryString": executed},
            "fields": [{"name": "Time", "type": "time"}, {"name": "Value", "type": kind, "labels": {"job": "a"}}],
        },
        "data": {"values": [TIMES[: len(values)], list(values)]},
    }


NO_DATA = {"schema": {"refId": "A", "meta": {"executedQueryString": "Expr: up"}, "fields": []}, "data": {"values": []}}


class Fixed:
    """Fixed answers by method and path; a callable is given the query and the body."""

    def __init__(self, answers: dict[str, Any]) -> None:
        self.answers = {"GET /api/datasources": SOURCES, **answers}
        self.asked: list[str] = []
        self.bodies: list[Any] = []
        self.headers: list[dict[str, str]] = []
        self.most = 0
        self._now = 0
        self._lock = threading.Lock()

    def __call__(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Reply:
        with self._lock:
            self.asked.append(f"{method} {path}{'?' + headers[':query'] if headers[':query'] else ''}")
            self.headers.append(headers)
            if body:
                self.bodies.append(json.loads(body))
            self._now += 1
            self.most = max(self.most, self._now)
        try:
            found: Any = self.answers.get(f"{method} {path}")
            if callable(found):
                found = found(headers[":query"], json.loads(body) if body else None)
            if found is None:
                return Reply.json({"message": "Not found"}, 404)
            return found if isinstance(found, Reply) else Reply.json(found)
        finally:
            with self._lock:
                self._now -= 1


@contextmanager
def grafana(answers: dict[str, Any], **fields: Any) -> Iterator[tuple[GrafanaClient, Fixed, Wired]]:
    """Serve them; `fields` are those of `Endpoint`."""
    fixed = Fixed(answers)
    with listening(fixed) as url, wired(url, name="grafana", retries=ONCE, **fields) as w:
        yield GrafanaClient(w.wire), fixed, w


@contextmanager
def listening(answer: Callable[..., Reply]) -> Iterator[str]:
    listener = Listener(answer)
    listener.open()
    try:
        yield f"http://127.0.0.1:{listener.port}"
    finally:
        listener.end()


def error(status: int, message: str, **more: Any) -> Reply:
    return Reply.json({"message": message, **more}, status)
