"""The error answers of a Kubernetes API server, as one of version 1.36 words them."""

from __future__ import annotations

from typing import Any

from pytest_deploycheck.sandbox.endpoints import Reply

NOT_SERVED = "the server could not find the requested resource"


def status(code: int, reason: str, message: str, details: dict[str, Any] | None = None, **more: Any) -> Reply:
    """Return an error as a `Status` object."""
    document: dict[str, Any] = {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": more.pop("metadata", {}),
        "status": "Failure",
        "message": message,
        "reason": reason,
    }
    if details is not None:
        document["details"] = details
    return Reply.json({**document, "code": code}, code, **more)


def not_found(group: str, plural: str, name: str) -> Reply:
    """Return the answer for an object that is not there."""
    qualified = f"{plural}.{group}" if group else plural
    details = {"name": name, **({"group": group} if group else {}), "kind": plural}
    return status(404, "NotFound", f'{qualified} "{name}" not found', details)


def forbidden(user: str, verb: str, group: str, plural: str, *, name: str, namespace: str, sub: str) -> Reply:
    """Return the answer for somebody without the permission."""
    resource = f"{plural}/{sub}" if sub else plural
    qualified = f"{plural}.{group}" if group else plural
    what = f'{qualified} "{name}"' if name else qualified
    scope = f'in the namespace "{namespace}"' if namespace else "at the cluster scope"
    details = {**({"name": name} if name else {}), **({"group": group} if group else {}), "kind": plural}
    text = f'{what} is forbidden: User "{user}" cannot {verb} resource "{resource}" in API group "{group}" {scope}'
    return status(403, "Forbidden", text, details)


def forbidden_path(path: str) -> Reply:
    """Return the answer for somebody without a credential who asks what is served."""
    return status(403, "Forbidden", f'forbidden: User "system:anonymous" cannot get path "{path}"', {})


def bad_request(message: str) -> Reply:
    """Return the answer to a parameter that cannot be read."""
    return status(400, "BadRequest", message)


def not_a_number(text: str) -> Reply:
    """Return the answer to a parameter that is no number."""
    return bad_request(f'strconv.ParseInt: parsing "{text}": invalid syntax')


def unauthorized() -> Reply:
    """Return the answer to a credential that nobody issued."""
    return status(401, "Unauthorized", "Unauthorized")


def not_served() -> Reply:
    """Return the answer for a resource or version that a known group does not have."""
    return status(404, "NotFound", NOT_SERVED, {})


def no_such_path() -> Reply:
    """Return the answer for a path or an API group that nobody serves: plain text."""
    return Reply(404, b"404 page not found\n", "text/plain; charset=utf-8")


def wrong_method() -> Reply:
    """Return the answer to a method that a resource does not have."""
    return status(405, "MethodNotAllowed", "the server does not allow this method on the requested resource", {})


def not_acceptable() -> Reply:
    """Return the answer to somebody who takes no JSON."""
    kinds = "application/json, application/yaml, application/vnd.kubernetes.protobuf"
    return status(406, "NotAcceptable", f"406: Not Acceptable\n\nAvailable representations: {kinds}", {})


def too_many_requests() -> Reply:
    """Return the answer of priority and fairness: plain text, with a time to wait."""
    text = b"Too many requests, please try again later.\n"
    return Reply(429, text, "text/plain; charset=utf-8", headers={"Retry-After": "1"})


def unavailable() -> Reply:
    """Return the answer of an aggregated API whose backend is gone: plain text."""
    return Reply(503, b"service unavailable\n", "text/plain; charset=utf-8")


def expired(token: str) -> Reply:
    """Return the answer to a continue token whose revision is gone; it brings one that would mix revisions."""
    text = (
        "The provided continue parameter is too old to display a consistent list result. You can start a new list "
        "without the continue parameter, or use the continue token in this response to retrieve the remainder of the "
        "results. Continuing with the provided token results in an inconsistent list - objects that were created, "
        "modified, or deleted between the time the first chunk was returned and now may show up in the list."
    )
    return status(410, "Expired", text, metadata={"continue": token})
