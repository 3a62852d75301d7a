"""Pictures of panels, as an image renderer draws them; without one Grafana answers 200 all the same."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING
from urllib.parse import quote

from pytest_deploycheck.clients.grafana.refusal import refusal
from pytest_deploycheck.errors import NotSupported
from pytest_deploycheck.model.grafana import Picture

if TYPE_CHECKING:
    from pytest_deploycheck.clients.grafana.client import GrafanaClient
    from pytest_deploycheck.model.grafana import Dashboard, Panel

_PNG = b"\x89PNG\r\n\x1a\n"
_HEAD = struct.Struct(">8s4x4sII")
_OK = 200


def require_renderer(client: GrafanaClient) -> None:
    """Refuse to draw where Grafana says that it cannot.

    Raises:
        NotSupported: if there is no renderer.
    """
    if client.has_renderer() is False:
        raise NotSupported(
            f"{client.wire.endpoint.name}: it has no image renderer",
            where=client.wire.endpoint.base_url,
            next_step="install the image renderer, or leave the pictures out",
        )


def picture(
    client: GrafanaClient, dashboard: Dashboard, panel: Panel, *, seconds: float, width: int, height: int
) -> tuple[Picture, bytes]:
    """Ask for a panel's picture; the renderer takes some seconds.

    Args:
        client: of the Grafana.
        dashboard: whose panel.
        panel: to be drawn.
        seconds: how far back it looks.
        width: pixels; what Grafana sends in the place of a picture has a size of its own.
        height: pixels.

    Returns:
        What is known of it, and its bytes.
    """
    path = f"/render/d-solo/{quote(dashboard.uid, safe='')}/{quote(dashboard.slug or 'd', safe='')}"
    params = {
        "panelId": str(panel.id),
        "width": str(width),
        "height": str(height),
        "from": f"now-{seconds:.0f}s",
        "to": "now",
        "tz": "UTC",
    }
    reply = client.send("GET", path, params=params, any_status=True)
    if reply.status != _OK:
        raise refusal(reply, client.wire.endpoint)
    size = _size(reply.body)
    if size is None:
        raise reply.malformed("expected a PNG picture")
    found = Picture(panel=panel, width=size[0], height=size[1], wanted=(width, height), evidence=reply.evidence)
    return found, reply.body


def _size(body: bytes) -> tuple[int, int] | None:
    """Return width and height of a PNG, as its first chunk tells; None if it is none."""
    if len(body) < _HEAD.size:
        return None
    signature, kind, width, height = _HEAD.unpack_from(body)
    return (width, height) if (signature, kind) == (_PNG, b"IHDR") else None
