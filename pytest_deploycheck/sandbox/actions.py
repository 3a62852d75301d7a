"""Faults that act on the stack's processes, or on Alertmanager through its API."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pytest_deploycheck.sandbox.probe import Answer, ProbeFailed, call
from pytest_deploycheck.sandbox.process import SandboxError
from pytest_deploycheck.sandbox.pushing import PushingJob

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pytest_deploycheck.sandbox.servers import Servers

HTTP_OK = 200
DAY_SECONDS = 86400.0
HALF_AN_HOUR = 1800.0
ALERT_SECONDS = 3.0


class Actions:
    """What can be done to running servers, each with its undoing.

    Args:
        servers: the running stack.
    """

    def __init__(self, servers: Servers) -> None:
        """Begin to push if there is a Pushgateway."""
        self._servers = servers
        self._silence = ""
        self._job = PushingJob(servers.ports.url("pushgateway")) if servers.ports.pushgateway else None
        if self._job is not None:
            self._job.start()
        self._known: Mapping[str, tuple[Callable[[], None], Callable[[], None]]] = {
            "prometheus-down": (lambda: self._kill("prometheus"), lambda: self._start("prometheus")),
            "prometheus-hangs": (servers.child("prometheus").freeze, servers.child("prometheus").thaw),
            "alertmanager-down": (lambda: self._kill("alertmanager"), lambda: self._start("alertmanager")),
            "silence-all": (self._silence_all, self._end_silence),
            "silence-pages": (self._silence_pages, self._end_silence),
            "inhibit": (self._inhibit, self._no_longer_inhibit),
            "notify": (self._notify, self._restart_alertmanager),
            "stop-pushing": (self._stop_pushing, self._push_again),
        }

    def do(self, name: str) -> None:
        """Do it.

        Raises:
            SandboxError: if a server refuses.
        """
        self._known[name][0]()

    def undo(self, name: str) -> None:
        """Undo it.

        Raises:
            SandboxError: if a server refuses or does not start.
        """
        self._known[name][1]()

    def close(self) -> None:
        """End what runs in this process."""
        self._stop_pushing()

    def _kill(self, name: str) -> None:
        self._servers.child(name).kill()

    def _start(self, name: str) -> None:
        self._servers.child(name).start()
        self._servers.wait_answering(name)

    def _restart_alertmanager(self) -> None:
        # Its counters of failed notifications start at zero again, as after any restart.
        self._servers.child("alertmanager").stop()
        self._start("alertmanager")

    def _silence_all(self) -> None:
        self._begin_silence({"name": "alertname", "value": ".+", "isRegex": True, "isEqual": True}, DAY_SECONDS)

    def _silence_pages(self) -> None:
        self._begin_silence({"name": "severity", "value": "page", "isRegex": False, "isEqual": True}, HALF_AN_HOUR)

    def _begin_silence(self, matcher: dict[str, object], seconds: float) -> None:
        now = time.time()
        answer = self._alertmanager(
            "POST",
            "silences",
            {
                "matchers": [matcher],
                "startsAt": _text(now),
                "endsAt": _text(now + seconds),
                "createdBy": "sandbox",
                "comment": "maintenance",
            },
        )
        self._silence = answer.json()["silenceID"]

    def _inhibit(self) -> None:
        self._post_down(DAY_SECONDS)

    def _no_longer_inhibit(self) -> None:
        self._post_down(0.0)

    def _post_down(self, lasts: float) -> None:
        # As another Prometheus would send it: ours has no such alert. It has no job, as the routes' labels have none.
        now = time.time()
        alert = {"labels": {"alertname": "McpDown"}, "startsAt": _text(now - 1), "endsAt": _text(now + lasts)}
        self._alertmanager("POST", "alerts", [alert])

    def _end_silence(self) -> None:
        self._alertmanager("DELETE", f"silence/{self._silence}")

    def _notify(self) -> None:
        # It ends by itself: what stays is that its notification failed.
        now = time.time()
        labels = {"alertname": "SandboxNotice", "severity": "page", "team": "mcp"}
        self._alertmanager(
            "POST", "alerts", [{"labels": labels, "startsAt": _text(now), "endsAt": _text(now + ALERT_SECONDS)}]
        )

    def _stop_pushing(self) -> None:
        if self._job is not None:
            self._job.stop()

    def _push_again(self) -> None:
        if self._job is not None:
            self._job.start()

    def _alertmanager(self, method: str, path: str, body: object = None) -> Answer:
        url = f"{self._servers.ports.url('alertmanager')}/api/v2/{path}"
        try:
            answer = call(url, method, body=None if body is None else json.dumps(body).encode())
        except ProbeFailed as error:
            raise SandboxError(f"Alertmanager does not answer: {error}") from None
        if answer.status != HTTP_OK:
            raise SandboxError(
                f"Alertmanager answers {answer.status}",
                where=url,
                details=answer.body.decode("utf-8", "replace").splitlines(),
            )
        return answer


def _text(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds")
