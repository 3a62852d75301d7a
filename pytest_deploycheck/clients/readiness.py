"""Whether a server says of itself that it is ready or healthy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from pytest_deploycheck.errors import NotReady

if TYPE_CHECKING:
    from pytest_deploycheck.transport.wire import Wire


class Readiness(msgspec.Struct, frozen=True, kw_only=True):
    """The answer of `/-/ready` or `/-/healthy`; true in a condition if the server says yes.

    Attributes:
        ready: whether it said yes.
        text: in its own words, or why there were none.
        evidence: the id of the exchange.
    """

    ready: bool
    text: str
    evidence: str = ""

    def __bool__(self) -> bool:
        return self.ready


def ask_readiness(wire: Wire, path: str) -> Readiness:
    """Ask one of the two management endpoints of Prometheus and Alertmanager.

    A 200 alone is no yes: a login page, an application's own catch-all page or an empty body answer 200 as well.
    Prometheus, Alertmanager, VictoriaMetrics, Thanos and Mimir all answer one short line of text.

    Args:
        wire: the way to the server.
        path: `/-/ready` or `/-/healthy`.

    Raises:
        Malformed: if the body is HTML, JSON, empty or more than one line.
        DeploycheckError: what the transport raises for anything but 200 and "service unavailable".
    """
    try:
        reply = wire.request("GET", path)
    except NotReady as error:
        return Readiness(ready=False, text=error.what, evidence=error.evidence)
    text = reply.body.decode("utf-8", "replace").strip()
    if not text:
        raise reply.malformed("an empty body where a line such as `OK` belongs")
    if text.startswith(("<", "{", "[")) or "\n" in text:
        raise reply.malformed("not the one line of text that Prometheus and Alertmanager answer here")
    return Readiness(ready=True, text=text, evidence=reply.evidence)
