"""A Grafana stand-in behind real HTTP, and a small Prometheus behind its data sources."""

from __future__ import annotations

import base64
import json
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from pytest_deploycheck.sandbox.endpoints import Reply
from pytest_deploycheck.sandbox.grafana_api import GrafanaApi
from pytest_deploycheck.sandbox.grafana_demo import PASSWORD, TOKEN, USER
from pytest_deploycheck.sandbox.service import Listener
from tests.contract.recorded import RECORDINGS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_deploycheck.sandbox.grafana_state import Grafana

RECORDED = {
    "app_heartbeat": "query_instant_vector",
    "app_range": "query_range_matrix",
    "app_absent": "query_empty_vector",
    "app_ratio": "query_nan_ratio",
    "app_infinite": "query_nan_inf",
    "app_scalar": "query_scalar",
    "app_text": "query_string",
    "app_histogram": "query_native_histogram",
    "app_parse": "error_400_parse",
    "app_many": "error_422_manytomany",
    "app_gone": "error_404_path",
    "1+1": "query_scalar",
}
"""Expression → the recording that answers it."""
BEARER = {"authorization": f"Bearer {TOKEN}"}
BASIC = {"authorization": "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()}


@dataclass
class CannedPrometheus:
    """What a real Prometheus answered, by expression; `asked` has the forms that were posted."""

    answers: dict[str, str]
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    url: str = ""

    def answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Reply:
        form = {key: values[0] for key, values in parse_qs(body.decode() or headers[":query"]).items()}
        self.asked.append((path, form))
        if method == "GET":
            return Reply.json({"status": "success", "data": ["mcp"]})
        recorded = json.loads((RECORDINGS / "prometheus" / f"{self.answers[form['query']]}.json").read_text())
        response = recorded["response"]
        text = response["text"] if "text" in response else json.dumps(response["body"])
        return Reply(response["status"], text.encode(), response["headers"].get("Content-Type", ""))


@contextmanager
def canned_prometheus(**answers: str) -> Iterator[CannedPrometheus]:
    """Serve recordings: expression → recording."""
    canned = CannedPrometheus(answers)
    listener = Listener(canned.answer)
    listener.open()
    canned.url = f"http://127.0.0.1:{listener.port}"
    try:
        yield canned
    finally:
        listener.end()


@contextmanager
def serving(grafana: Grafana) -> Iterator[str]:
    """Serve a Grafana on loopback; its base URL."""
    listener = Listener(GrafanaApi(grafana).answer)
    listener.open()
    try:
        yield f"http://127.0.0.1:{listener.port}"
    finally:
        listener.end()


def ask(
    grafana: Grafana, method: str, target: str, *, headers: dict[str, str] | None = None, body: Any = None
) -> Reply:
    """Ask without HTTP; as the demo's service account if no headers are given."""
    path, _, query = target.partition("?")
    sent = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    return GrafanaApi(grafana).answer(method, path, {**(BEARER if headers is None else headers), ":query": query}, sent)


def told(reply: Reply) -> Any:
    """The JSON of an answer."""
    return json.loads(reply.body)


def found(grafana: Grafana, query: str = "", **headers: str) -> list[str]:
    """The uids that a search finds."""
    return [hit["uid"] for hit in told(ask(grafana, "GET", f"/api/search{query}", headers=headers or None))]


def described(document: Any, schema: dict[str, Any]) -> None:
    """Hold a document to a schema."""
    import jsonschema

    jsonschema.validate(document, schema, cls=jsonschema.Draft202012Validator)


def token(value: str, **more: str) -> dict[str, str]:
    """Headers with a token."""
    return {"authorization": f"Bearer {value}", **more}
