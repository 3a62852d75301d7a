"""Queries of panels, really executed against the Prometheus behind a data source; and the data source's health."""

from __future__ import annotations

import http.client
import json
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from pytest_deploycheck.sandbox import grafana_errors as errors
from pytest_deploycheck.sandbox.endpoints import Reply
from pytest_deploycheck.sandbox.grafana_frames import empty_frame, frames
from pytest_deploycheck.sandbox.grafana_intervals import Span, Steps, fill_in, go_duration, parse_span, steps

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_deploycheck.sandbox.grafana_state import DataSource, Grafana

TIMEOUT_SECONDS = 10.0
HTTP_OK = 200
BAD_GATEWAY = 502
INTERNAL = "grafana"
"""The uid of the built-in data source `-- Grafana --`."""
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}
_local = threading.local()


class Unreachable(Exception):  # noqa: N818 - becomes the error of a query
    """The system behind a data source gave no answer."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One query of a request, ready to be sent."""

    ref_id: str
    source: DataSource
    expression: str
    span: Span
    found: Steps
    instant: bool
    ranged: bool
    legend: str

    @property
    def executed(self) -> str:
        """What the answer tells of it."""
        return f"Expr: {self.expression}\nStep: {go_duration(self.found.step)}"


def query(grafana: Grafana, body: bytes) -> Reply:
    """Return the answer to `POST /api/ds/query`."""
    try:
        document = json.loads(body)
        queries = document.get("queries") or []
        span = parse_span(str(document.get("from", "")), str(document.get("to", "")))
        queries = [dict(one) for one in queries]
    except (ValueError, AttributeError, TypeError):
        return errors.bad_request()
    if not queries:
        return errors.public(400, "No queries found", "query.noQueries")
    results: dict[str, Any] = {}
    sources = []
    for one in queries:
        source = _source(grafana, one)
        if isinstance(source, Reply):
            return source
        sources.append(source)
    for one, source in zip(queries, sources, strict=True):
        ref_id = str(one.get("refId") or "A")
        results[ref_id] = _answer(one, ref_id, source, span)
    failed = any("error" in result for result in results.values())
    return errors.answer({"results": results}, (207 if grafana.multi_status else 400) if failed else HTTP_OK)


def health(grafana: Grafana, uid: str) -> Reply:
    """Return the answer to `GET /api/datasources/uid/:uid/health`."""
    source = grafana.datasource(uid)
    if source is None:
        return errors.error(500, "Unable to load datasource metadata", traced=True)
    if not source.checks_health:
        if not grafana.unified:
            return errors.error(404, "Not found", traced=True)
        return errors.public(501, "Method not implemented", "plugin.notImplemented")
    try:
        status, reason, document = ask(source, "query", {"query": "1+1", "time": "4"})
        problem = "" if status == HTTP_OK else f"{status} {reason}"
        problem = problem or _problem(document)
    except Unreachable as error:
        problem = str(error)
    if problem:
        message = f"{problem} - There was an error returned querying the Prometheus API."
        return errors.answer({"message": message, "status": "ERROR"}, 400)
    details = {"application": "Prometheus", "features": {"rulerApiEnabled": False}}
    message = "Successfully queried the Prometheus API."
    return errors.answer({"details": details, "message": message, "status": "OK"})


def ask(source: DataSource, path: str, parameters: Mapping[str, str]) -> tuple[int, str, Any]:
    """Ask the Prometheus behind a data source.

    Returns:
        Status, reason phrase, and the JSON document; None if it is none.

    Raises:
        Unreachable: if no answer comes; the text is what Grafana would say.
    """
    parts = urlsplit(source.url)
    target = f"{source.url.rstrip('/')}/api/v1/{path}"
    for last in (False, True):
        fresh, connection = _connection(parts.hostname or "", parts.port or 80)
        try:
            connection.request("POST", urlsplit(target).path, urlencode(parameters), _FORM)
            response = connection.getresponse()
            return response.status, response.reason, _json(response.read())
        except TimeoutError:
            connection.close()
            raise Unreachable(
                f'Post "{target}": context deadline exceeded (Client.Timeout exceeded while awaiting headers)'
            ) from None
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            # One that was kept open may have been closed at the other end meanwhile.
            if fresh or last:
                reason = "connection refused" if isinstance(error, ConnectionRefusedError) else "EOF"
                dial = f"dial tcp {parts.netloc}: connect: " if isinstance(error, ConnectionRefusedError) else ""
                raise Unreachable(f'Post "{target}": {dial}{reason}') from None
    raise AssertionError  # the loop returns or raises


def _connection(host: str, port: int) -> tuple[bool, http.client.HTTPConnection]:
    """Return this thread's connection to a system, and whether it is a new one."""
    kept: dict[tuple[str, int], http.client.HTTPConnection] = _local.__dict__.setdefault("connections", {})
    connection = kept.get((host, port))
    if connection is None:
        connection = kept[host, port] = http.client.HTTPConnection(host, port, timeout=TIMEOUT_SECONDS)
    return connection.sock is None, connection


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None


def _source(grafana: Grafana, one: Mapping[str, Any]) -> DataSource | Reply:
    given = one.get("datasource")
    uid = given.get("uid", "") if isinstance(given, dict) else str(given or "")
    if not uid:
        ref_id = str(one.get("refId") or "A")
        message = f"Query {ref_id} is missing datasource information"
        return errors.public(400, message, "query.missingDataSourceInfo", {"RefId": ref_id})
    source = grafana.datasource(uid)
    return source if source is not None else errors.error(404, "Data source not found", traced=True)


def _answer(one: Mapping[str, Any], ref_id: str, source: DataSource, span: Span) -> dict[str, Any]:
    try:
        asked = _asked(one, ref_id, source, span)
    except (ValueError, TypeError) as error:
        return {"error": str(error), "errorSource": "plugin", "status": 500, "frames": []}
    found: list[dict[str, Any]] = []
    problems: list[tuple[str, int]] = []
    for path, parameters in _requests(asked):
        try:
            status, _, document = ask(source, path, parameters)
        except Unreachable as error:
            problems.append((str(error), BAD_GATEWAY))
            continue
        if problem := _problem(document):
            problems.append((problem, status))
            found.append(empty_frame(ref_id, asked.executed))
        else:
            found += frames(
                document, ref_id=ref_id, expression=asked.expression, executed=asked.executed,
                step=asked.found.step, legend=asked.legend,
            )  # fmt: skip
    if problems:
        text = " ".join(problem for problem, _ in problems)
        return {"error": text, "errorSource": "downstream", "status": problems[-1][1], "frames": found}
    return {"status": HTTP_OK, "frames": found}


def _asked(one: Mapping[str, Any], ref_id: str, source: DataSource, span: Span) -> Asked:
    instant, ranged = bool(one.get("instant")), bool(one.get("range"))
    found = steps(
        span,
        interval=str(one.get("interval") or ""),
        interval_ms=int(one.get("intervalMs") or 0),
        points=int(one.get("maxDataPoints") or 0),
        factor=int(one.get("intervalFactor") or 0),
        scrape=source.interval,
    )
    return Asked(
        ref_id=ref_id,
        source=source,
        expression=fill_in(str(one.get("expr") or ""), span, found),
        span=span,
        found=found,
        instant=instant,
        # Old dashboards say neither, and mean a range.
        ranged=ranged or not instant,
        legend=str(one.get("legendFormat") or ""),
    )


def _requests(asked: Asked) -> list[tuple[str, dict[str, str]]]:
    found: list[tuple[str, dict[str, str]]] = []
    if asked.instant:
        found.append(("query", {"query": asked.expression, "time": f"{asked.span.end / 1000:.3f}"}))
    if asked.ranged:
        step = asked.found.step
        # The ends are moved down to multiples of the step, so that a cache can be hit.
        start, end = (moment // step * step / 1000 for moment in (asked.span.start, asked.span.end))
        found.append(
            (
                "query_range",
                {
                    "query": asked.expression,
                    "start": f"{start:.3f}",
                    "end": f"{end:.3f}",
                    "step": f"{step / 1000:g}",
                },
            )
        )
    return found


def _problem(document: Any) -> str:
    if not isinstance(document, dict) or "status" not in document:
        return "readObjectStart: expect { or n, but found something else"
    if document["status"] == "error":
        return f"{document.get('errorType', '')}: {document.get('error', '')}"
    return ""
