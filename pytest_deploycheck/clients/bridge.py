"""The well-known `prometheus-api-client` on our transport, for those who want its own API."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prometheus_api_client import PrometheusConnect

    from pytest_deploycheck.transport.wire import Wire


def prometheus_connect(wire: Wire) -> PrometheusConnect:
    """Return a `PrometheusConnect` all of whose requests go through the wire: its limits, credentials and tape.

    What is no answer at all (unreachable, a login page, a time-out) raises our own typed errors; a refused question
    raises the library's `PrometheusApiClientException`, as its users expect.
    """
    from prometheus_api_client import PrometheusConnect

    from pytest_deploycheck.transport.requests_bridge import bridged_session

    return PrometheusConnect(url=wire.endpoint.base_url.rstrip("/"), session=bridged_session(wire))
