"""Health and functional endpoints: the answer as it came, whatever its status."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pytest_deploycheck.model.http import HttpAnswer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_deploycheck.transport.endpoint import Timeouts
    from pytest_deploycheck.transport.wire import Wire


class HttpClient:
    """Asks one service.

    Every status is an answer here: whether 503 is bad is for a check to say. A redirect is none, unless asked for: a
    health check that ends on a login page answers 200.

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
    ) -> HttpAnswer:
        """GET a path. See `request`."""
        return self.request("GET", path, params=params, headers=headers, timeouts=timeouts, redirects=redirects)

    def request(
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

        Raises:
            Redirected: on a 3xx that is refused.
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
        return HttpAnswer(
            method=verb,
            url=reply.url,
            status=reply.status,
            headers=dict(reply.headers.items()),
            body=reply.body,
            elapsed=reply.elapsed,
            evidence=reply.evidence,
        )
