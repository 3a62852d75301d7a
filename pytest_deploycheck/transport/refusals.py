"""Turns answers that are no answers (refusals, redirects) into errors that say what to do."""

from __future__ import annotations

import html
import json
import re
from typing import TYPE_CHECKING, Any

from pytest_deploycheck.errors import (
    CannotMeasure,
    Forbidden,
    NotFound,
    NotReady,
    QueryFailed,
    Redirected,
    ServerFailed,
    Throttled,
    Unauthorized,
)
from pytest_deploycheck.transport.endpoint import BasicAuth, BearerAuth
from pytest_deploycheck.transport.reply import looks_like_login, one_line, place

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_deploycheck.transport.endpoint import Endpoint
    from pytest_deploycheck.transport.reply import Reply

_REASON_LENGTH = 500
_PARSED_LIMIT = 1024 * 1024
_TITLE = re.compile(r"(?is)<title[^>]{0,200}>(.{0,300}?)</title>")
_QUESTION_REFUSED = frozenset({400, 405, 406, 413, 414, 415, 422})


def refusal(reply: Reply, endpoint: Endpoint, *, attempts: Sequence[str] = ()) -> CannotMeasure:
    """Return the error for an answer whose status is not 2xx.

    Args:
        reply: the last attempt's answer.
        endpoint: who was asked, and how.
        attempts: a line on the attempts before, if there were any.
    """
    status = reply.status
    reason = server_reason(reply)
    kind, what, next_step = _judge(reply, endpoint, reason)
    details = [f"the server says: {reason}"] if reason else ["the server gives no reason"]
    if status == 429 and "retry-after" in reply.headers:  # noqa: PLR2004 - Too Many Requests
        details.append(f"Retry-After: {one_line(reply.headers['retry-after'])}")
    return kind(
        f"{endpoint.name}: {what}",
        where=place(reply.url),
        details=[*details, *attempts],
        evidence=reply.evidence,
        next_step=next_step,
    )


def _judge(  # noqa: PLR0911 - one line a status reads best
    reply: Reply, endpoint: Endpoint, reason: str
) -> tuple[type[CannotMeasure], str, str]:
    """Return the error's kind, what happened, and what to do."""
    status = reply.status
    match status:
        case 401:
            return Unauthorized, f"401, {_credential_state(endpoint)}", _credential_step(endpoint)
        case 403:
            what = f"403, {_credential_name(endpoint)} may not do this"
            return Forbidden, what, "grant the missing permission, or use another credential"
        case 404:
            step = f"is the base URL right? It is {endpoint.base_url}; a path prefix may be missing"
            return NotFound, "404, there is no such path", step
        case 407:
            return Unauthorized, "407, the proxy wants credentials", "put them into the proxy's setting"
        case 429:
            return Throttled, "429, too many requests", "ask less often, or raise the server's limit"
        case 503 if not _is_json(reply) and not reply.is_html:
            what = f"503, not ready: {reason or 'the server is starting'}"
            return NotReady, what, "wait until it is ready (Prometheus replays its WAL after a restart), then run again"
        case _ if status in _QUESTION_REFUSED:
            return QueryFailed, f"{status}, the question was refused", "mend the expression or the parameters"
        case _ if status >= 500:  # noqa: PLR2004 - server errors
            return ServerFailed, f"{status}, the server failed", f"look at the logs of {endpoint.name}"
    return CannotMeasure, f"{status}, not an answer to the question", "look at the stored answer"


def _is_json(reply: Reply) -> bool:
    return "json" in reply.content_type or reply.body[:1] in (b"{", b"[")


def _credential_name(endpoint: Endpoint) -> str:
    auth = endpoint.auth
    if auth is None:
        return "a request without a credential"
    if isinstance(auth, BasicAuth):
        return f"the user {auth.username!r} with the password from {auth.password.source}"
    if isinstance(auth, BearerAuth):
        return f"the bearer token from {auth.token.source}"
    return f"the {auth.name} from {auth.value.source}"


def _credential_state(endpoint: Endpoint) -> str:
    if endpoint.auth is None:
        return "the server wants a credential and none is configured"
    return f"{_credential_name(endpoint)} was not accepted"


def _credential_step(endpoint: Endpoint) -> str:
    auth = endpoint.auth
    if auth is None:
        return f"configure `auth` of {endpoint.name} with a token or a user and password"
    source = auth.password.source if isinstance(auth, BasicAuth) else _secret_source(auth)
    return f"the credential may have expired or been revoked: renew it in {source}"


def _secret_source(auth: Any) -> str:
    return str(auth.token.source if isinstance(auth, BearerAuth) else auth.value.source)


def redirect_refused(reply: Reply, endpoint: Endpoint, reason: str = "") -> Redirected:
    """Return the error for a redirect that is not followed.

    Args:
        reply: the answer with the 3xx status.
        endpoint: who was asked.
        reason: why it is not followed, where that is not the default.
    """
    location = reply.headers.get("location", "")
    shown = one_line(reply.redactor.url(location), _REASON_LENGTH)
    if not location:
        what = f"{reply.status}, a redirect without a target"
        step = "look at the stored answer"
    elif looks_like_login(location):
        what = f"{reply.status}, redirected to what looks like a login page: {shown}"
        step = "give the system credentials, or a base URL that does not lead through a login"
    else:
        what = f"{reply.status}, redirected to {shown}"
        step = f"is the base URL right? It is {endpoint.base_url}"
    details = [reason] if reason else ["redirects are not followed: the answer would be another page's"]
    return Redirected(
        f"{endpoint.name}: {what}", where=place(reply.url), details=details, evidence=reply.evidence, next_step=step
    )


def server_reason(reply: Reply) -> str:
    """Return the server's own words on one line, redacted; empty if there are none.

    Knows Prometheus (`error`, `errorType`), Alertmanager (a bare JSON string, or `message`), Grafana and Kubernetes
    (`message`), plain text, and the title of a page.
    """
    body = reply.body[:_PARSED_LIMIT]
    text = ""
    if _is_json(reply) or body[:1] == b'"':
        try:
            text = _said(json.loads(body))
        except (ValueError, RecursionError):
            text = ""
    if not text:
        text = body.decode("utf-8", "replace")
        if reply.is_html:
            title = _TITLE.search(text)
            text = f"(an HTML page) {html.unescape(title[1])}" if title else "(an HTML page without a title)"
    return one_line(" ".join(reply.redactor.text(text).split()), _REASON_LENGTH)


def _said(document: Any) -> str:
    """Return the message in a JSON error document, or an empty text."""
    if isinstance(document, str):
        return document
    if not isinstance(document, dict):
        return ""
    error = document.get("error")
    if isinstance(error, dict):
        return _said(error)
    if isinstance(error, str) and error:
        kind = document.get("errorType")
        return f"{kind}: {error}" if isinstance(kind, str) and kind else error
    for key in ("message", "detail", "title", "reason"):
        value = document.get(key)
        if isinstance(value, str) and value:
            return value
    return ""
