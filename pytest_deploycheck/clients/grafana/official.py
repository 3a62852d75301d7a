"""The well-known `grafana-client` on our transport, for everything that has no check of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pytest_deploycheck.errors import ConfigError, Mistake

if TYPE_CHECKING:
    from pytest_deploycheck.transport.wire import Wire


def grafana_api(wire: Wire) -> Any:
    """Return a `grafana_client.GrafanaApi` all of whose requests go through the wire: its limits, credential and tape.

    What is no answer at all (unreachable, a login page, a time-out, a refused write) raises our own typed errors; a
    refused question raises the library's exceptions, as its users expect.

    Raises:
        ConfigError: if the library is not installed.
    """
    try:
        from grafana_client import GrafanaApi
    except ImportError:
        mistake = Mistake(where="grafana.client", key="grafana", problem="the package grafana-client is not installed")
        raise ConfigError([mistake], next_step="pip install 'pytest-deploycheck[grafana]'") from None
    from pytest_deploycheck.transport.requests_bridge import bridged_session

    parts = urlsplit(wire.endpoint.base_url)
    prefix = parts.path.strip("/")
    api = GrafanaApi(
        protocol=parts.scheme,
        host=f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname,
        port=parts.port,
        url_path_prefix=f"{prefix}/" if prefix else "",
        timeout=wire.endpoint.timeouts.read,
    )
    api.client.s = bridged_session(wire)
    return api
