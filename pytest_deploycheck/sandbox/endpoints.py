"""What one instance of the demo service answers: routes, JSON log lines, and the faults in them."""

from __future__ import annotations

import json
import threading
import time
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pytest_deploycheck.sandbox.metrics import CONTENT_TYPE, Metrics

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pytest_deploycheck.sandbox.journal import Journal
    from pytest_deploycheck.sandbox.switches import Switches

VERSION = "1.4.2"
REVISION = "9f3c1d07a5be"
OLD_VERSION = "1.4.1"
HEALTH_DELAY_SECONDS = 1.5
METRICS_DELAY_SECONDS = 0.5  # longer than any sane bound, shorter than the scrape time-out: the target stays up
MAX_SESSIONS = 1000
CORRELATION_HEADER = "x-correlation-id"


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer; `delay` is how many seconds the service takes over it."""

    status: int
    body: bytes
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0

    @classmethod
    def json(
        cls, value: Any, status: int = 200, *, headers: Mapping[str, str] | None = None, delay: float = 0.0
    ) -> Reply:
        """Return an answer with a JSON body."""
        return cls(status, json.dumps(value).encode() + b"\n", headers=headers or {}, delay=delay)


class Instance:
    """One replica of the service.

    Args:
        name: `a`, `b` or `edge`.
        switches: the faults.
        journal: where it logs.
    """

    def __init__(self, name: str, switches: Switches, journal: Journal) -> None:
        """Start without sessions."""
        self.name = name
        self.metrics = Metrics(name, switches, version=VERSION, revision=REVISION)
        self._switches = switches
        self._journal = journal
        self._sessions: list[dict[str, str]] = []
        self._lock = threading.Lock()

    def answer(self, method: str, path: str, headers: Mapping[str, str]) -> Reply:
        """Return the answer to a request.

        Args:
            method: the HTTP method.
            path: without the query.
            headers: names in lower case.
        """
        started = time.perf_counter()
        correlation = headers.get(CORRELATION_HEADER) or str(uuid.uuid4())
        reply = self._route(method, path, correlation)
        self.metrics.request(path, reply.status, time.perf_counter() - started + reply.delay)
        if path != "/metrics":
            level = "ERROR" if reply.status >= 500 else "INFO"  # noqa: PLR2004 - HTTP's server errors
            self.log(level, f"{method} {path} {reply.status}", correlation)
        return reply

    def log(self, level: str, message: str, correlation: str = "") -> None:
        """Write a line to the log, as broken as the faults have it."""
        self._journal.write(self.name, self._switches, level, message, correlation or str(uuid.uuid4()))

    def _route(self, method: str, path: str, correlation: str) -> Reply:
        if path == "/metrics":
            return self._metrics()
        if path == "/login":
            return Reply(200, b"<!DOCTYPE html>\n<title>Sign in</title>\n<h1>Sign in</h1>\n", "text/html")
        if self._on("login-redirect"):
            return Reply(302, b"", "text/html", {"Location": f"/login?next={path}"})
        routes: dict[tuple[str, str], Callable[[], Reply]] = {
            ("GET", "/health"): self._health,
            ("GET", "/healthz"): lambda: Reply(200, b"ok\n", "text/plain"),
            ("GET", "/ready"): lambda: Reply.json({"status": "ready"}),
            ("GET", "/api/v1/info"): lambda: Reply.json(self._info()),
            ("GET", "/api/v1/ping"): self._ping,
            ("GET", "/db-check"): self._databases,
            ("GET", "/cache-check"): lambda: Reply.json(_dependencies({"memcached": "ok", "s3": "ok"})),
            ("GET", "/sessions"): lambda: Reply.json({"count": len(self._sessions), "sessions": self._sessions[-20:]}),
            ("POST", "/sessions"): lambda: self._create_session(correlation),
        }
        if (route := routes.get((method, path))) is not None:
            return route()
        if any(known == path for _, known in routes):
            return Reply.json({"error": f"{method} is not allowed on {path}"}, 405)
        return Reply.json({"error": f"there is no {path}"}, 404)

    def _on(self, name: str) -> bool:
        return self._switches.on(name, self.name)

    def _info(self) -> dict[str, str]:
        version, revision = (OLD_VERSION, "0" * 12) if self._on("wrong-version") else (VERSION, REVISION)
        return {"service": "mcp", "instance": self.name, "version": version, "revision": revision}

    def _health(self) -> Reply:
        delay = HEALTH_DELAY_SECONDS if self._on("health-slow") else 0.0
        version = self._info()["version"]
        if self._on("health-503"):
            return Reply.json({"status": "unhealthy", "version": version}, 503, delay=delay)
        status = "degraded" if self._on("health-unhealthy") else "healthy"
        return Reply.json({"status": status, "version": version, "instance": self.name}, delay=delay)

    def _ping(self) -> Reply:
        # The status stays 200: a synthetic command has failed when its answer says so.
        return Reply.json(
            {"result": "error", "error": "no worker took the command"} if self._on("ping-fails") else {"result": "ok"}
        )

    def _databases(self) -> Reply:
        redis = "down" if self._on("dependency-down") else "ok"
        return Reply.json(_dependencies({"postgres": "ok", "redis": redis}))

    def _metrics(self) -> Reply:
        if self._on("metrics-500"):
            return Reply(500, b"internal error\n", "text/plain")
        delay = METRICS_DELAY_SECONDS if self._on("slow-metrics") else 0.0
        html = self._on("metrics-html")
        return Reply(200, self.metrics.expose(), "text/html" if html else CONTENT_TYPE, delay=delay)

    def _create_session(self, correlation: str) -> Reply:
        with self._lock:
            session = {"id": str(uuid.uuid4()), "correlation_id": correlation}
            self._sessions.append(session)
            del self._sessions[:-MAX_SESSIONS]
            self.metrics.session_created(len(self._sessions))
        return Reply.json(session, 201, headers={"X-Correlation-ID": correlation})


def _dependencies(statuses: Mapping[str, str]) -> dict[str, Any]:
    healthy = all(status == "ok" for status in statuses.values())
    return {
        "status": "healthy" if healthy else "degraded",
        "dependencies": [{"name": name, "status": status} for name, status in statuses.items()],
    }
