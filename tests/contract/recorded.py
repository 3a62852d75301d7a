"""Real servers' stored answers, served again over loopback."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_deploycheck.clients.alertmanager import AlertmanagerClient
from pytest_deploycheck.clients.prometheus import PrometheusClient
from tests.servers.bad_servers import answering, http
from tests.servers.wired import wired

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers.bad_servers import Server
    from tests.servers.wired import Wired

RECORDINGS = Path(__file__).parent / "recordings"


@dataclass(frozen=True, slots=True)
class Recording:
    """One stored answer and the question it belongs to."""

    name: str
    request: dict[str, Any]
    response: dict[str, Any]

    @property
    def path(self) -> str:
        return str(self.request["path"])

    @property
    def params(self) -> dict[str, str]:
        return self.request.get("params") or self.request.get("form") or {}

    @property
    def status(self) -> int:
        return int(self.response["status"])

    @property
    def body(self) -> Any:
        """As JSON, or as text."""
        return self.response["body"] if "body" in self.response else self.response["text"]

    @property
    def wire_bytes(self) -> bytes:
        """The whole HTTP answer; it was recorded unpacked."""
        text = self.response["text"] if "text" in self.response else json.dumps(self.response["body"])
        kind = self.response["headers"].get("Content-Type")
        return http(self.status, text, Content_Type=kind) if kind else http(self.status, text)


def recording(name: str) -> Recording:
    """Return the recording `system/name`."""
    document = json.loads((RECORDINGS / f"{name}.json").read_text())
    return Recording(name, document["request"], document["response"])


def recordings(system: str) -> list[Recording]:
    """Return all recordings of a system."""
    return [recording(f"{system}/{path.stem}") for path in sorted((RECORDINGS / system).glob("*.json"))]


@dataclass(frozen=True, slots=True)
class Played:
    """A server that gives recorded answers in order (the last one for ever), and the clients of it."""

    server: Server
    wired: Wired
    prometheus: PrometheusClient
    alertmanager: AlertmanagerClient

    @property
    def evidence(self) -> str:
        """The id of the last exchange; takes the tape's."""
        return self.wired.last.id


@contextmanager
def played(*answers: str | bytes, **endpoint: Any) -> Iterator[Played]:
    """Serve recordings by name, or raw answers."""
    raw = [answer if isinstance(answer, bytes) else recording(answer).wire_bytes for answer in answers]
    name = next((answer.partition("/")[0] for answer in answers if isinstance(answer, str)), "prometheus")
    with answering(*raw) as server, wired(server.url, name=endpoint.pop("name", name), **endpoint) as w:
        yield Played(server, w, PrometheusClient(w.wire, w.clock), AlertmanagerClient(w.wire, w.clock))
