"""What Grafana's refusals mean, in its own words: a permission that is missing, a token of another organisation."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from pytest_deploycheck.errors import Forbidden, Unauthorized
from pytest_deploycheck.transport.refusals import refusal as plain_refusal

if TYPE_CHECKING:
    from pytest_deploycheck.errors import CannotMeasure
    from pytest_deploycheck.transport.endpoint import Endpoint
    from pytest_deploycheck.transport.reply import Reply

# `{"title": "Access denied", "message": "You'll need additional permissions to perform this action. Permissions
# needed: dashboards:read", "accessErrorId": "ACE…"}` (pkg/services/accesscontrol/middleware.go)
_NEEDED = re.compile(r"Permissions needed: (?P<needed>[^\n]{1,300})")
_OTHER_ORGANISATION = "does not belong to the requested org"
_UNAUTHORIZED, _FORBIDDEN = 401, 403


def message_of(reply: Reply) -> str | None:
    """Return the `message` of one of Grafana's error bodies; None if it is none: a proxy's page, another server."""
    try:
        document = json.loads(reply.body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(document, dict):
        return None
    found = document.get("message", document.get("error"))
    return found if isinstance(found, str) else None


def refusal(reply: Reply, endpoint: Endpoint) -> CannotMeasure:
    """Return the error for an answer whose status is not 2xx, with the permission that is missing if it says which.

    Args:
        reply: the answer.
        endpoint: who was asked.
    """
    error = plain_refusal(reply, endpoint)
    message = message_of(reply) or ""
    needed = _NEEDED.search(message)
    if reply.status == _FORBIDDEN and needed is not None:
        permission = reply.redactor.text(needed["needed"].strip())
        return Forbidden(
            f"{error.what}: it lacks the permission {permission}",
            where=error.where,
            details=error.details,
            evidence=error.evidence,
            next_step=f"grant {permission} to the service account, or a role that has it",
        )
    if reply.status == _UNAUTHORIZED and _OTHER_ORGANISATION in message:
        return Unauthorized(
            f"{endpoint.name}: 401, the token belongs to another organisation than `org_id`",
            where=error.where,
            details=error.details,
            evidence=error.evidence,
            next_step="a service account's token is bound to one organisation: give that one's token, or mend `org_id`",
        )
    return error
