"""Loki, Elasticsearch and OpenSearch over loopback: pages, partial answers, refusals."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest

from pytest_deploycheck.clients.logs.evidence import DigestingTape
from pytest_deploycheck.clients.logs.sources import elasticsearch, loki
from pytest_deploycheck.clock import ManualClock
from pytest_deploycheck.errors import Malformed, NotEnoughData, NotFound, QueryFailed, TooLarge
from pytest_deploycheck.transport.endpoint import Endpoint, Retries
from pytest_deploycheck.transport.redaction import Redactor
from pytest_deploycheck.transport.tape import Tape
from pytest_deploycheck.transport.wire import Wire

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

AT = 1_795_252_000
Answer = tuple[int, Any]


@contextmanager
def asked(
    answer: Callable[[str, str, dict[str, str], Any], Answer],
) -> Iterator[tuple[Wire, Tape, list[tuple[str, str]]]]:
    """Serve `answer(method, path, query, body)`; gives a wire, the tape, and the list of what was asked."""
    seen: list[tuple[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do(self) -> None:
            parts = urlsplit(self.path)
            raw = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            seen.append((self.command, parts.path))
            query = {key: values[0] for key, values in parse_qs(parts.query).items()}
            status, found = answer(self.command, parts.path, query, json.loads(raw) if raw else None)
            body = found if isinstance(found, bytes) else json.dumps(found).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_DELETE = do  # noqa: N815 - the names http.server calls

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    tape = Tape()
    endpoint = Endpoint(name="logs mcp", base_url=f"http://127.0.0.1:{server.server_port}", retries=Retries(attempts=1))
    try:
        with Wire(endpoint, tape=DigestingTape(tape), redactor=Redactor(), clock=ManualClock(AT)) as wire:
            yield wire, tape, seen
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


# --- Loki ------------------------------------------------------------------------------------------------------------


def lokis(entries: list[tuple[int, str, str]]) -> Callable[[str, str, dict[str, str], Any], Answer]:
    """Answer as Loki does: entries from start to end, the oldest first, no more than the limit, in streams."""

    def answer(method: str, path: str, query: dict[str, str], body: Any) -> Answer:
        assert (method, path, body) == ("GET", "/loki/api/v1/query_range", None)
        assert query["direction"] == "forward"
        start, end = int(query["start"]), int(query["end"])
        page = sorted(one for one in entries if start <= one[0] < end)[: int(query["limit"])]
        streams: dict[str, list[list[str]]] = {}
        for at, pod, line in page:
            streams.setdefault(pod, []).append([str(at), line])
        result = [{"stream": {"app": "mcp", "pod": pod}, "values": values} for pod, values in streams.items()]
        return 200, {"status": "success", "data": {"resultType": "streams", "result": result, "stats": {}}}

    return answer


def test_lokis_pages_are_read_to_the_end_without_doubles() -> None:
    entries = [(AT * 10**9 + at // 3, f"pod-{at % 2}", f'{{"n": {at}}}') for at in range(25)]
    with asked(lokis(entries)) as (wire, tape, seen):
        found = list(loki.entries(wire, '{app="mcp"}', since=AT - 1, until=AT + 1, limit=10**6, page=10))
    lines = [line for batch in found for line in batch.lines]
    assert sorted(lines) == sorted(line.encode() for *_, line in entries)
    assert {service for batch in found for service in batch.services or ()} == {"mcp/pod-0", "mcp/pod-1"}
    assert len(seen) == 3
    exchanges = tape.take()
    kept = json.loads(tape.take_bodies()[exchanges[0].body_sha256 or ""])
    assert set(kept) == {"kept", "bytes", "sha256", "begins"}
    assert len(kept["begins"]) == 300


def test_more_lines_in_one_nanosecond_than_a_page_holds_are_not_passed_over() -> None:
    with (
        asked(lokis([(AT * 10**9, "p", str(at)) for at in range(30)])) as (wire, _, _),
        pytest.raises(NotEnoughData) as error,
    ):
        list(loki.entries(wire, "{}", since=AT - 1, until=AT + 1, limit=10**6, page=10))
    assert error.value.what == "logs mcp: more than 10 lines share one nanosecond, and hide those behind them"


def test_more_bytes_than_allowed_are_refused() -> None:
    entries = [(AT * 10**9 + at, "p", "x" * 100) for at in range(30)]
    with asked(lokis(entries)) as (wire, _, _), pytest.raises(TooLarge) as error:
        list(loki.entries(wire, "{}", since=AT - 1, until=AT + 1, limit=1000, page=10))
    assert error.value.what == "logs mcp: more than 1,000 bytes of lines within the window"


def test_a_metric_query_gives_no_lines() -> None:
    matrix = {"status": "success", "data": {"resultType": "matrix", "result": []}}
    with asked(lambda *_: (200, matrix)) as (wire, _, _), pytest.raises(QueryFailed) as error:
        list(loki.entries(wire, "rate({}[1m])", since=AT - 1, until=AT, limit=10**6))
    assert error.value.what == "logs mcp: rate({}[1m]) gives matrix, and no lines"


def test_another_api_behind_the_url_is_known_by_its_answer() -> None:
    health = {"database": "ok", "version": "11"}
    with asked(lambda *_: (200, health)) as (wire, _, _), pytest.raises(Malformed) as error:
        list(loki.entries(wire, "{}", since=AT - 1, until=AT, limit=10**6))
    assert "it looks like Grafana's /api/health" in error.value.what


# --- Elasticsearch, OpenSearch ---------------------------------------------------------------------------------------


class Index:
    """Answers as Elasticsearch does: a search that opens a scroll, its next pages, and its end."""

    def __init__(self, documents: int, *, shards: int = 1, failed: int = 0, timed_out: bool = False) -> None:
        self.left = [{"@timestamp": "2026-11-21T09:00:00Z", "n": at} for at in range(documents)]
        self.total = documents
        self.head = {
            "timed_out": timed_out,
            "_shards": {"total": shards, "successful": shards - failed, "failed": failed},
        }
        self.size = 0
        self.bodies: list[Any] = []

    def __call__(self, method: str, path: str, query: dict[str, str], body: Any) -> Answer:
        self.bodies.append(body)
        if method == "DELETE":
            assert body == {"scroll_id": ["s1"]}
            return 200, {"succeeded": True, "num_freed": 1}
        if path == "/logs-*/_search":
            assert query == {"scroll": "1m"}
            self.size = body["size"]
        else:
            assert (path, body) == ("/_search/scroll", {"scroll": "1m", "scroll_id": "s1"})
        page, self.left = self.left[: self.size], self.left[self.size :]
        hits = [{"_index": "logs-1", "_id": str(at), "_source": one} for at, one in enumerate(page)]
        return 200, {
            **self.head,
            "_scroll_id": "s1",
            "hits": {"total": {"value": self.total, "relation": "eq"}, "hits": hits},
        }


def test_documents_are_scrolled_through_and_the_scroll_is_closed() -> None:
    index = Index(25)
    with asked(index) as (wire, _, seen):
        found = list(
            elasticsearch.documents(wire, "logs-*", since=AT - 60, until=AT, limit=10**6, query="level: *", page=10)
        )
    assert [json.loads(line)["n"] for batch in found for line in batch.lines] == list(range(25))
    assert [method for method, _ in seen] == ["POST", "POST", "POST", "DELETE"]
    assert index.bodies[0]["query"]["bool"] == {
        "filter": [
            {
                "range": {
                    "@timestamp": {
                        "gte": "2026-11-21T09:05:40.000Z", "lt": "2026-11-21T09:06:40.000Z",
                        "format": "strict_date_optional_time",
                    }
                }
            }
        ],
        "must": [{"query_string": {"query": "level: *"}}],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("index", "kind", "message"),
    [
        (Index(0, shards=0), NotFound, "logs mcp: no index matches 'logs-*'"),
        (Index(5, shards=3, failed=1), NotEnoughData, "logs mcp: 1 of 3 shards failed: what came is a part"),
        (Index(5, timed_out=True), NotEnoughData, "logs mcp: the search timed out: what came is a part"),
    ],
    ids=["no index", "failed shards", "timed out"],
)
def test_what_is_no_whole_answer(index: Index, kind: type[Exception], message: str) -> None:
    with asked(index) as (wire, _, _), pytest.raises(kind) as error:
        list(elasticsearch.documents(wire, "logs-*", since=AT - 60, until=AT, limit=10**6))
    assert getattr(error.value, "what", "") == message


def test_fewer_documents_than_were_counted_are_a_part() -> None:
    index = Index(5)
    index.total = 7
    with asked(index) as (wire, _, seen), pytest.raises(NotEnoughData) as error:
        list(elasticsearch.documents(wire, "logs-*", since=AT - 60, until=AT, limit=10**6))
    assert error.value.what == "logs mcp: 5 of 7 documents came"
    assert seen[-1][0] == "DELETE"
