"""Health and functional endpoints: the answer as it came, whatever its status."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pytest_deploycheck.model.http import HttpAnswer
from pytest_deploycheck.transport.refusals import refusal

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from pytest_deploycheck.transport.endpoint import Timeouts
    from pytest_deploycheck.transport.reply import Reply
    from pytest_deploycheck.transport.wire import Wire

UNAUTHORIZED = 401
ABOUT_THE_ASKER = frozenset({UNAUTHORIZED, 403, 407, 429})
"""Statuses that tell of the runner's credential, proxy or rate, and nothing of the service."""


class HttpClient:
    """Asks one service.

    Every status is an answer here: whether 503 is bad is for a check to say. A redirect is none, unless asked for: a
    health check that ends on a login page answers 200. A 401 is none where a credential is configured: that credential
    has expired or is wrong, which says nothing of the deployment.

    Args:
        wire: the way to the service.
    """

    def __init__(self, wire: Wire) -> None:
        self.wire = wire

    def get(
        self,
        path: str,
        *,
        params: Mapping[str, str] | Sequence[tuple[str, str]] | None = None,
        headers: Mapping[str, str] | None = None,
        timeouts: Timeouts | None = None,
        redirects: Literal["refuse", "return", "follow"] = "refuse",
        expected: Collection[int] | None = None,
    ) -> HttpAnswer:
        """GET a path. See `request`."""
        return self.request(
            "GET", path, params=params, headers=headers, timeouts=timeouts, redirects=redirects, expected=expected
        )

    def request(  # noqa: PLR0913 - each is a choice of the caller's
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | Sequence[tuple[str, str]] | None = None,
        json: Any = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeouts: Timeouts | None = None,
        redirects: Literal["refuse", "return", "follow"] = "refuse",
        expected: Collection[int] | None = None,
    ) -> HttpAnswer:
        """Send a request.

        Args:
            method: `GET`, `POST`, …; anything but GET and HEAD counts as a write and needs the opt-in.
            path: below the service's base URL.
            params: of the query.
            json: a body to be sent as JSON.
            content: a body as it is; not together with `json`.
            headers: further ones.
            timeouts: instead of the service's own.
            redirects: what to do with a 3xx; `follow` stays on the same host.
            expected: the statuses that the check accepts, if it says: then those of `ABOUT_THE_ASKER` that are not
                among them are no answers.

        Raises:
            Redirected: on a 3xx that is refused.
            Unauthorized: on a 401 in spite of a credential, and as `expected` says.
            Forbidden: as `expected` says.
            Throttled: the same.
            WriteNotAllowed: if it may change something and nobody opted in.
            CannotMeasure: what else the transport raises: unreachable, timed out, too large, ….
        """
        verb = method.upper()
        reply = self.wire.request(
            verb,
            path,
            params=params,
            json=json,
            content=content,
            headers=headers,
            timeouts=timeouts,
            redirects=redirects,
            statuses="any",
        )
        if self._is_about_the_asker(reply, expected):
            raise refusal(reply, self.wire.endpoint)
        return HttpAnswer(
            method=verb,
            url=reply.url,
            status=reply.status,
            headers=dict(reply.headers.items()),
            body=reply.body,
            elapsed=reply.elapsed,
            evidence=reply.evidence,
            shown=reply.head(),
        )

    def _is_about_the_asker(self, reply: Reply, expected: Collection[int] | None) -> bool:
        if expected is not None:
            return reply.status in ABOUT_THE_ASKER and reply.status not in expected
        return reply.status == UNAUTHORIZED and self.wire.endpoint.auth is not None
