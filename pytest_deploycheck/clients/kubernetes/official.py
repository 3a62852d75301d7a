"""The well-known official client on our transport, for everything that has no check of its own."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from pytest_deploycheck.clients.kubernetes.access import official

if TYPE_CHECKING:
    from pytest_deploycheck.clients.kubernetes.access import Access
    from pytest_deploycheck.transport.wire import Wire


class Official:
    """`kubernetes.client`, its API classes bound to this cluster: `Official.CoreV1Api().list_namespaced_pod("shop")`.

    All requests go through the wire: its limits, its guard of writes, and its tape. What is no answer at all raises our
    own errors; every other status raises the library's `ApiException`, as its users expect. Retries are the wire's.

    Args:
        access: the credential.
        wire: the way to the cluster.

    Attributes:
        api_client: the library's `ApiClient`, for dynamic clients and the like.
    """

    def __init__(self, access: Access, wire: Wire) -> None:
        from pytest_deploycheck.transport.urllib3_bridge import WirePool

        self._module = official().client
        self.api_client: Any = self._module.ApiClient(configuration=access.configuration)
        self.api_client.rest_client.pool_manager = WirePool(wire)

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._module, name)
        return partial(found, self.api_client) if name.endswith("Api") else found

    def __repr__(self) -> str:
        return f"<official client of Kubernetes at {self.api_client.configuration.host}>"
