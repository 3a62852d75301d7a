"""The error answers of Grafana, as it words them."""

from __future__ import annotations

import json
from typing import Any

from pytest_deploycheck.sandbox.endpoints import Reply

CONTENT_TYPE = "application/json; charset=UTF-8"


def answer(value: Any, status: int = 200) -> Reply:
    """Return an answer with a JSON body."""
    return Reply(status, json.dumps(value, separators=(",", ":")).encode(), "application/json")


def error(status: int, message: str, *, traced: bool = False, **more: Any) -> Reply:
    """Return an error of the plain kind: a message, and a trace id where there was a cause."""
    body = {**more, "message": message, **({"traceID": ""} if traced else {})}
    return Reply(status, json.dumps(dict(sorted(body.items()))).encode(), CONTENT_TYPE)


def public(status: int, message: str, message_id: str, extra: dict[str, Any] | None = None) -> Reply:
    """Return an error of the kind with an identifier."""
    return error(status, message, traced=True, extra=extra, messageId=message_id, statusCode=status)


def denied(action: str) -> Reply:
    """Return the answer to somebody whose role does not grant an action."""
    message = f"You'll need additional permissions to perform this action. Permissions needed: {action}"
    return error(403, message, accessErrorId="ACE0000000001", title="Access denied")


def unauthorized() -> Reply:
    """Return the answer to somebody without credentials."""
    return public(401, "Unauthorized", "auth.unauthorized")


def bad_token() -> Reply:
    """Return the answer to a token that nobody issued."""
    return public(401, "Invalid API key", "api-key.invalid")


def wrong_org() -> Reply:
    """Return the answer to a token that is asked to act in another organisation than its own."""
    return public(401, "API key does not belong to the requested organization", "api-key.organization-mismatch")


def bad_password() -> Reply:
    """Return the answer to a user or password that is wrong."""
    return public(401, "Invalid username or password", "password-auth.failed")


def not_found() -> Reply:
    """Return the answer for a path of the API that does not exist."""
    return error(404, "Not found")


def bad_request() -> Reply:
    """Return the answer to a body that cannot be read."""
    return error(400, "bad request data", traced=True)


def to_login(target: str, *, cookie: bool) -> Reply:
    """Return the redirect to the login page.

    Args:
        target: path and query of what was asked for.
        cookie: whether it is remembered in a cookie, as older versions do, or in the URL.
    """
    from urllib.parse import quote

    kept = quote(target, safe="")
    location = "/login" if cookie else f"/login?redirectTo={kept}"
    headers = {"Location": location}
    if cookie:
        headers["Set-Cookie"] = f"redirect_to={kept}; Path=/; HttpOnly; SameSite=Lax"
    return Reply(302, f'<a href="{location}">Found</a>.\n\n'.encode(), "text/html; charset=utf-8", headers)
