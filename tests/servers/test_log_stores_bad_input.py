"""What is no usable answer of a log store: each with its message, and its outcome for a check."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from pytest_deploycheck.clients.logs.reader import LogReader, Surroundings
from pytest_deploycheck.clients.logs.sources import elasticsearch, loki
from pytest_deploycheck.clients.logs.window import Window
from pytest_deploycheck.clock import ManualClock
from pytest_deploycheck.errors import DeploycheckError
from pytest_deploycheck.model.outcome import Outcome
from pytest_deploycheck.settings.logs import LogSource
from pytest_deploycheck.transport.endpoint import Endpoint, Retries
from pytest_deploycheck.transport.redaction import Redactor
from pytest_deploycheck.transport.tape import Tape
from pytest_deploycheck.transport.wire import Wire
from tests.servers.bad_servers import answering, http, json_answer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pytest_deploycheck.model.logs import LogSummary
    from tests.servers.bad_servers import Answer

AT = 1_795_252_000
NANOSECONDS = 10**9


def wire_to(url: str) -> Wire:
    endpoint = Endpoint(name="logs mcp", base_url=url, retries=Retries(attempts=1))
    return Wire(endpoint, tape=Tape(), redactor=Redactor(), clock=ManualClock(AT))


def ask_loki(url: str) -> None:
    with wire_to(url) as wire:
        list(loki.entries(wire, "{}", since=AT - 60, until=AT, limit=10**6))


def ask_elasticsearch(url: str) -> None:
    with wire_to(url) as wire:
        list(elasticsearch.documents(wire, "logs-1", since=AT - 60, until=AT, limit=10**6, page=1))


def typed(body: str | bytes, kind: str = "application/json", status: int = 200) -> bytes:
    return http(status, body, Content_Type=kind)


def streams(*values: Any, **more: Any) -> bytes:
    result = [{"stream": {"app": "mcp"}, "values": list(values)}]
    return json_answer({"status": "success", "data": {"resultType": "streams", "result": result}, **more})


STORED = "  next: look at the stored answer; does the base URL lead to the right system and version?"
RANGE = (
    "{url}/loki/api/v1/query_range?query=%7B%7D&start=1795251940000000000&end=1795252000000000000&limit=5000"
    "&direction=forward"
)
NO_LOKI: dict[str, tuple[Answer, Outcome, str]] = {
    "unauthorised": (
        typed("no org id", "text/plain", 401),
        Outcome.ERROR,
        f"""\
logs mcp: 401, the server wants a credential and none is configured
  at: {RANGE}
  the server says: no org id
  next: configure `auth` of logs mcp with a token or a user and password""",
    ),
    "forbidden": (
        typed("forbidden", "text/plain", 403),
        Outcome.ERROR,
        f"""\
logs mcp: 403, a request without a credential may not do this
  at: {RANGE}
  the server says: forbidden
  next: grant the missing permission, or use another credential""",
    ),
    "refused": (
        typed("parse error at line 1, col 1: syntax error: unexpected IDENTIFIER", "text/plain", 400),
        Outcome.ERROR,
        f"""\
logs mcp: 400, the question was refused
  at: {RANGE}
  the server says: parse error at line 1, col 1: syntax error: unexpected IDENTIFIER
  next: mend the expression or the parameters""",
    ),
    "an old version, or another server": (
        typed("404 page not found", "text/plain", 404),
        Outcome.ERROR,
        f"""\
logs mcp: 404, there is no such path
  at: {RANGE}
  the server says: 404 page not found
  next: is the base URL right? It is {{url}}; a path prefix may be missing""",
    ),
    "overloaded": (
        typed("too many outstanding requests", "text/plain", 429),
        Outcome.ERROR,
        f"""\
logs mcp: 429, too many requests
  at: {RANGE}
  the server says: too many outstanding requests
  next: ask less often, or raise the server's limit""",
    ),
    "a part": (
        streams(["1795251950000000000", "{}"], warnings=["some chunks could not be read"]),
        Outcome.INCONCLUSIVE,
        f"""\
logs mcp: Loki warns of its answer: what came may be a part
  at: {RANGE}
  some chunks could not be read
  next: look at what it warns of; a narrower selector or window may do without it""",
    ),
    "cut off": (
        typed('{"status":"success","data":{"res'),
        Outcome.ERROR,
        f"""\
logs mcp: not complete JSON: Input data was truncated
  at: {RANGE}
  HTTP 200, content type application/json, 32 bytes
  it begins: {{{{"status":"success","data":{{{{"res
{STORED}""",
    ),
    "a time that is none": (
        streams(["soon", "{}"]),
        Outcome.ERROR,
        f"""\
logs mcp: not the answer that Loki gives: invalid literal for int() with base 10: 'soon'
  at: {RANGE}
  HTTP 200, content type application/json, 124 bytes
  it begins: {{{{"status": "success", "data": {{{{"resultType": "streams", "result": \
[{{{{"stream": {{{{"app": "mcp"}}}}, "values": [["soon", "{{{{}}}}"]]}}}}]}}}}}}}}
{STORED}""",
    ),
    "an entry without a line": (
        streams(["1795251950000000000"]),
        Outcome.ERROR,
        f"""\
logs mcp: not the answer that Loki gives: an entry of 1 values that are no time and line
  at: {RANGE}
  HTTP 200, content type application/json, 133 bytes
  it begins: {{{{"status": "success", "data": {{{{"resultType": "streams", "result": \
[{{{{"stream": {{{{"app": "mcp"}}}}, "values": [["1795251950000000000"]]}}}}]}}}}}}}}
{STORED}""",
    ),
    "a web page": (
        typed("<html><title>Grafana</title></html>", "text/html"),
        Outcome.ERROR,
        f"""\
logs mcp: expected JSON, got an HTML page
  at: {RANGE}
  HTTP 200, content type text/html, 35 bytes
  it begins: <html><title>Grafana</title></html>
  next: is this the base URL of the API, and not of a web page or a proxy's error page?""",
    ),
}
SEARCH = "{url}/logs-1/_search?scroll=1m"
NO_ELASTICSEARCH: dict[str, tuple[tuple[Answer, ...], Outcome, str]] = {}


def refused(status: int, kind: str, reason: str) -> bytes:
    cause = {"type": kind, "reason": reason}
    return json_answer({"error": {"root_cause": [cause], "type": "outer", "reason": "outer"}, "status": status}, status)


def found(documents: int, total: Any, *, scroll: str = "s1", **hit: Any) -> bytes:
    hits = [hit or {"_source": {"n": number}} for number in range(documents)]
    shards = {"total": 1, "failed": 0}
    return json_answer(
        {"timed_out": False, "_shards": shards, "_scroll_id": scroll, "hits": {"total": total, "hits": hits}}
    )


NO_ELASTICSEARCH |= {
    "unauthorised": (
        (refused(401, "security_exception", "missing authentication credentials"),),
        Outcome.ERROR,
        f"""\
logs mcp: 401, the server wants a credential and none is configured
  at: {SEARCH}
  the server says: security_exception: missing authentication credentials
  next: configure `auth` of logs mcp with a token or a user and password""",
    ),
    "forbidden": (
        (refused(403, "security_exception", "action [indices:data/read/search] is unauthorized for user [ci]"),),
        Outcome.ERROR,
        f"""\
logs mcp: 403, a request without a credential may not do this
  at: {SEARCH}
  the server says: security_exception: action [indices:data/read/search] is unauthorized for user [ci]
  next: grant the missing permission, or use another credential""",
    ),
    "no index": (
        (refused(404, "index_not_found_exception", "no such index [logs-1]"),),
        Outcome.ERROR,
        f"""\
logs mcp: no index matches 'logs-1'
  at: {SEARCH}
  next: look at _cat/indices with the same credentials: indices that may not be read are not there""",
    ),
    "no field of time": (
        (refused(400, "query_shard_exception", "No mapping found for [@timestamp] in order to sort on"),),
        Outcome.ERROR,
        f"""\
logs mcp: 400, the question was refused
  at: {SEARCH}
  the server says: query_shard_exception: No mapping found for [@timestamp] in order to sort on
  next: is @timestamp the index's field of time (`fields.time` of the source)? Is `query` in Lucene's syntax?""",
    ),
    "failing": (
        (typed("upstream connect error", "text/plain", 502),),
        Outcome.ERROR,
        f"""\
logs mcp: 502, the server failed
  at: {SEARCH}
  the server says: upstream connect error
  next: look at the logs of logs mcp""",
    ),
    "documents without their source": (
        (found(1, 1, _id="1"),),
        Outcome.ERROR,
        f"""\
logs mcp: not the answer that Elasticsearch or OpenSearch gives: \
Object missing required field `_source` - at `$.hits.hits[0]`
  at: {SEARCH}
  HTTP 200, content type application/json, 124 bytes
  it begins: {{{{"timed_out": false, "_shards": {{{{"total": 1, "failed": 0}}}}, "_scroll_id": "s1", \
"hits": {{{{"total": 1, "hits": [{{{{"_id": "1"}}}}]}}}}}}}}
{STORED}""",
    ),
    "the scroll is gone": (
        (found(1, 9), refused(404, "search_context_missing_exception", "No search context found for id [9]")),
        Outcome.INCONCLUSIVE,
        """\
logs mcp: the scroll was gone before all documents had come: what came is a part
  at: {url}/_search/scroll
  next: is the cluster overloaded, or are too many scrolls open? Narrow the window, then run again""",
    ),
    "an old version counts with a number": (
        (found(1, 2), found(0, 2)),
        Outcome.INCONCLUSIVE,
        """\
logs mcp: 1 of 2 documents came
  at: {url}/_search/scroll""",
    ),
    "Kibana": (
        (typed("<html><title>Elastic</title></html>", "text/html"),),
        Outcome.ERROR,
        f"""\
logs mcp: expected JSON, got an HTML page
  at: {SEARCH}
  HTTP 200, content type text/html, 35 bytes
  it begins: <html><title>Elastic</title></html>
  next: is this the base URL of the API, and not of a web page or a proxy's error page?""",
    ),
}


def told(error: DeploycheckError) -> str:
    return "\n".join(line for line in str(error).splitlines() if not line.startswith("  evidence: "))


@pytest.mark.parametrize(("answer", "outcome", "message"), NO_LOKI.values(), ids=NO_LOKI)
def test_what_is_no_answer_of_loki(answer: Answer, outcome: Outcome, message: str) -> None:
    with answering(answer) as server, pytest.raises(DeploycheckError) as caught:
        ask_loki(server.url)
    assert told(caught.value) == message.format(url=server.url)
    assert caught.value.outcome is outcome


@pytest.mark.parametrize(("answers", "outcome", "message"), NO_ELASTICSEARCH.values(), ids=NO_ELASTICSEARCH)
def test_what_is_no_answer_of_elasticsearch(answers: tuple[Answer, ...], outcome: Outcome, message: str) -> None:
    with answering(*answers) as server, pytest.raises(DeploycheckError) as caught:
        ask_elasticsearch(server.url)
    assert told(caught.value) == message.format(url=server.url)
    assert caught.value.outcome is outcome


@pytest.mark.parametrize("ask", [ask_loki, ask_elasticsearch], ids=["Loki", "Elasticsearch"])
def test_nobody_listens(ask: Callable[[str], None]) -> None:
    with answering(b"") as server:
        url = server.url
    with pytest.raises(DeploycheckError) as caught:
        ask(url)
    assert caught.value.what == f"logs mcp: {url.removeprefix('http://')} refuses connections"
    assert caught.value.next_step == "does logs mcp run there, and is the port right?"
    assert caught.value.outcome is Outcome.ERROR


def test_no_index_but_a_pattern_is_an_answer_of_its_own() -> None:
    none = {"timed_out": False, "_shards": {"total": 0, "failed": 0}, "hits": {"total": 0, "hits": []}}
    with answering(json_answer(none)) as server, pytest.raises(DeploycheckError) as caught:
        ask_elasticsearch(server.url)
    assert caught.value.what == "logs mcp: no index matches 'logs-1'"


def read(url: str, directory: Path, **source: str) -> LogSummary:
    """Read a store as a check does."""
    with wire_to(url) as wire:
        around = Surroundings(
            base=directory, environ={}, clock=ManualClock(AT), tape=Tape(), redactor=Redactor(),
            wire=lambda _: wire, pods=None, stdin=lambda _: directory,
        )  # fmt: skip
        reader = LogReader("mcp", LogSource.model_validate({"url": url, **source}), around)
        return reader.summary(None, Window(since=AT - 60.0, until=None, now=float(AT), tolerance=5.0))[0]


def test_a_source_without_lines_is_an_empty_report(tmp_path: Path) -> None:
    with answering(streams()) as server:
        assert read(server.url, tmp_path, loki="{}").lines == 0
    with answering(found(0, 0)) as server:
        assert read(server.url, tmp_path, elasticsearch="logs-1").lines == 0


def test_lines_of_any_length_from_loki(tmp_path: Path) -> None:
    at = str((AT - 10) * NANOSECONDS)
    huge = json.dumps({"level": "INFO", "message": "x" * 10_000_000})
    with answering(streams([at, huge], [at, "\u0000\u001b[31m garbage"], [at, '{"level": "INFO"}'])) as server:
        summary = read(server.url, tmp_path, loki="{}")
    assert (summary.lines, summary.parsed, summary.invalid) == (3, 1, 2)
    assert [one.reason for one in summary.offenders] == ["10,000,032 bytes long: too long to be read", "not JSON"]


def test_a_clock_in_the_future(tmp_path: Path) -> None:
    later = [str((AT + 3600) * NANOSECONDS), '{"level": "INFO"}']
    now = [str((AT - 1) * NANOSECONDS), '{"level": "INFO"}']
    with answering(streams(now, later)) as server:
        summary = read(server.url, tmp_path, loki="{}")
    assert (summary.lines, summary.outside) == (2, 1)
    assert [one.reason for one in summary.outsiders] == ["3600.0 s in the future"]
