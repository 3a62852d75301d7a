"""What is behind the data sources of the Grafana stand-in: asked, and whether it is healthy."""

from __future__ import annotations

import http.client
import json
import threading
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from pytest_deploycheck.sandbox import grafana_errors as errors

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_deploycheck.sandbox.endpoints import Reply
    from pytest_deploycheck.sandbox.grafana_state import DataSource, Grafana

TIMEOUT_SECONDS = 10.0
HTTP_OK = 200
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}
_local = threading.local()


class Unreachable(Exception):  # noqa: N818 - becomes the error of a query
    """The system behind a data source gave no answer."""


class _Kept(http.client.HTTPConnection):
    """A connection of a thread, closed when the thread ends and drops it."""

    def __del__(self) -> None:
        self.close()


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
        problem = problem or problem_of(document)
    except Unreachable as error:
        problem = str(error)
    if problem:
        message = f"{problem} - There was an error returned querying the Prometheus API."
        return errors.answer({"message": message, "status": "ERROR"}, 400)
    details = {"application": "Prometheus", "features": {"rulerApiEnabled": False}}
    message = "Successfully queried the Prometheus API."
    return errors.answer({"details": details, "message": message, "status": "OK"})


def resource(grafana: Grafana, uid: str, path: Sequence[str], query: Mapping[str, Sequence[str]]) -> Reply:
    """Return the answer to `GET /api/datasources/uid/:uid/resources/*`: what Prometheus itself answers there."""
    source = grafana.datasource(uid)
    if source is None:
        return errors.error(500, "Unable to load datasource meta data", traced=True)
    if list(path[:2]) != ["api", "v1"]:
        return errors.not_found()
    try:
        status, _, document = ask(source, "/".join(path[2:]), query, method="GET")
    except Unreachable:
        return errors.public(500, "An error occurred within the plugin", "plugin.downstreamError")
    return errors.answer(document, status)


def ask(
    source: DataSource, path: str, parameters: Mapping[str, str | Sequence[str]], *, method: str = "POST"
) -> tuple[int, str, Any]:
    """Ask the Prometheus behind a data source.

    Args:
        source: the data source.
        path: below `/api/v1`.
        parameters: of the question: a form, or with GET a query.
        method: POST or GET.

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
            whole, form = urlsplit(target).path, urlencode(parameters, doseq=True)
            if method == "GET":
                connection.request("GET", f"{whole}?{form}")
            else:
                connection.request("POST", whole, form, _FORM)
            response = connection.getresponse()
            return response.status, response.reason, _json(response.read())
        except TimeoutError:
            connection.close()
            reason = "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
            raise Unreachable(f'{method.capitalize()} "{target}": {reason}') from None
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            # One that was kept open may have been closed at the other end meanwhile.
            if fresh or last:
                reason = "connection refused" if isinstance(error, ConnectionRefusedError) else "EOF"
                dial = f"dial tcp {parts.netloc}: connect: " if isinstance(error, ConnectionRefusedError) else ""
                raise Unreachable(f'{method.capitalize()} "{target}": {dial}{reason}') from None
    raise AssertionError  # the loop returns or raises


def _connection(host: str, port: int) -> tuple[bool, http.client.HTTPConnection]:
    """Return this thread's connection to a system, and whether it is a new one."""
    kept: dict[tuple[str, int], http.client.HTTPConnection] = _local.__dict__.setdefault("connections", {})
    connection = kept.get((host, port))
    if connection is None:
        connection = kept[host, port] = _Kept(host, port, timeout=TIMEOUT_SECONDS)
    return connection.sock is None, connection


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None


def problem_of(document: Any) -> str:
    """Return what is wrong with an answer of Prometheus; empty if nothing is."""
    if not isinstance(document, dict) or "status" not in document:
        return "readObjectStart: expect { or n, but found something else"
    if document["status"] == "error":
        return f"{document.get('errorType', '')}: {document.get('error', '')}"
    return ""
