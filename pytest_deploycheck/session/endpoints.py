"""From the settings of a system to the transport's endpoint: secrets stay references until the first request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_deploycheck.settings.secrets import resolve
from pytest_deploycheck.settings.systems import Grafana
from pytest_deploycheck.transport.endpoint import (
    PROMETHEUS_READ_POSTS,
    BasicAuth,
    BearerAuth,
    Endpoint,
    HeaderAuth,
    Retries,
    Secret,
    Timeouts,
    Tls,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pytest_deploycheck.clients.kubernetes.access import Access
    from pytest_deploycheck.settings.systems import Kubernetes, System
    from pytest_deploycheck.settings.values import SecretRef

_READ_POSTS = {"prometheus": PROMETHEUS_READ_POSTS, "grafana": ("/api/ds/query",)}
_ORGANISATION = "X-Grafana-Org-Id"


def endpoint_for(name: str, system: System, *, base: Path, environ: Mapping[str, str], writes: bool) -> Endpoint:
    """Return how to reach a system.

    Args:
        name: what messages and evidence call it.
        system: its settings.
        base: the directory that relative secret files start from.
        environ: where secret variables are looked up.
        writes: whether this run may change something there.

    Raises:
        ConfigError: if the settings can never work.
    """

    def secret(ref: SecretRef) -> Secret:
        return Secret(ref.source, lambda: resolve(ref, base=base, environ=environ))

    auth: BearerAuth | BasicAuth | HeaderAuth | None = None
    if system.auth is not None:
        if system.auth.bearer is not None:
            auth = BearerAuth(secret(system.auth.bearer))
        elif system.auth.username is not None and system.auth.password is not None:
            auth = BasicAuth(system.auth.username, secret(system.auth.password))
        elif system.auth.header is not None and system.auth.value is not None:
            auth = HeaderAuth(system.auth.header, secret(system.auth.value))
    return Endpoint(
        name=name,
        base_url=system.url,
        auth=auth,
        headers=(*system.headers.items(), *_organisation(system)),
        tls=Tls(
            verify=system.tls.verify,
            ca=system.tls.ca,
            cert=system.tls.cert,
            key=system.tls.key,
            server_name=system.tls.server_name,
        ),
        proxy=system.proxy,
        timeouts=_timeouts(system),
        retries=_retries(system),
        give_up_after=system.give_up_after,
        max_body=system.max_body,
        compression=system.compression,
        read_posts=_READ_POSTS.get(name.partition(" of ")[0], ()),
        writes_allowed=writes,
    )


def _organisation(system: System) -> tuple[tuple[str, str], ...]:
    org_id = system.org_id if isinstance(system, Grafana) else None
    return () if org_id is None else ((_ORGANISATION, str(org_id)),)


def cluster_access(name: str, system: Kubernetes, *, base: Path, environ: Mapping[str, str], writes: bool) -> Access:
    """Return the way into a cluster.

    Args:
        name: what messages and evidence call it.
        system: its settings.
        base: the directory that a relative kubeconfig starts from.
        environ: where `KUBECONFIG` is looked up.
        writes: whether this run may change something there.

    Raises:
        ConfigError: if there is no way in.
    """
    from pytest_deploycheck.clients.kubernetes.access import find_access

    return find_access(
        name=name,
        kubeconfig=base / system.kubeconfig if system.kubeconfig is not None else None,
        context=system.context,
        in_cluster=system.in_cluster,
        environ=environ,
        timeouts=_timeouts(system),
        retries=_retries(system),
        max_body=system.max_body,
        give_up_after=system.give_up_after,
        writes=writes,
    )


def _timeouts(system: System | Kubernetes) -> Timeouts:
    return Timeouts(
        connect=system.timeouts.connect.total_seconds(),
        read=system.timeouts.read.total_seconds(),
        total=system.timeouts.total.total_seconds(),
    )


def _retries(system: System | Kubernetes) -> Retries:
    return Retries(
        attempts=system.retries.attempts,
        base=system.retries.base.total_seconds(),
        cap=system.retries.cap.total_seconds(),
    )
