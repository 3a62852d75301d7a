"""The one client of Kubernetes's API: asks and parses, without judgement."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from pytest_deploycheck.clients.decoders import decoder
from pytest_deploycheck.clients.kubernetes import lists
from pytest_deploycheck.clients.kubernetes.refusal import Resource, refusal, status_of
from pytest_deploycheck.clients.kubernetes.veil import veil
from pytest_deploycheck.errors import AuthorMistake, Malformed
from pytest_deploycheck.model.kubernetes import cluster
from pytest_deploycheck.model.kubernetes.pods import Pod, PodHead
from pytest_deploycheck.model.kubernetes.workloads import (
    ControllerRevision,
    DaemonSet,
    Deployment,
    Job,
    ReplicaSet,
    StatefulSet,
)
from pytest_deploycheck.transport.ahead import Ahead

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_deploycheck.clients.kubernetes.access import Access
    from pytest_deploycheck.clock import Clock
    from pytest_deploycheck.transport.endpoint import Timeouts
    from pytest_deploycheck.transport.redaction import Redactor
    from pytest_deploycheck.transport.reply import Reply
    from pytest_deploycheck.transport.streaming import Stream
    from pytest_deploycheck.transport.wire import Wire

T = TypeVar("T")

_NOT_FOUND = 404
_REVIEWS = Resource(verb="create", name="selfsubjectaccessreviews", group="authorization.k8s.io")

# type → (group, version, plural), all of them GA since Kubernetes 1.23 or longer (metrics.k8s.io has never been)
RESOURCES: dict[type[Any], tuple[str, str, str]] = {
    Pod: ("", "v1", "pods"),
    PodHead: ("", "v1", "pods"),
    cluster.Event: ("", "v1", "events"),
    cluster.Node: ("", "v1", "nodes"),
    cluster.Namespace: ("", "v1", "namespaces"),
    Deployment: ("apps", "v1", "deployments"),
    StatefulSet: ("apps", "v1", "statefulsets"),
    DaemonSet: ("apps", "v1", "daemonsets"),
    ReplicaSet: ("apps", "v1", "replicasets"),
    ControllerRevision: ("apps", "v1", "controllerrevisions"),
    Job: ("batch", "v1", "jobs"),
    cluster.Lease: ("coordination.k8s.io", "v1", "leases"),
    cluster.DisruptionBudget: ("policy", "v1", "poddisruptionbudgets"),
    cluster.Autoscaler: ("autoscaling", "v2", "horizontalpodautoscalers"),
    cluster.StorageClass: ("storage.k8s.io", "v1", "storageclasses"),
    cluster.NetworkPolicy: ("networking.k8s.io", "v1", "networkpolicies"),
    cluster.PodUsage: ("metrics.k8s.io", "v1beta1", "pods"),
}
CLUSTER_WIDE = (cluster.Node, cluster.Namespace, cluster.StorageClass)
"""Kinds without a namespace."""


class _Keyed(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A Secret or ConfigMap, its values left undecoded."""

    data: dict[str, msgspec.Raw] | None = None
    binary_data: dict[str, msgspec.Raw] | None = None
    type: str = ""


class _ReviewStatus(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    allowed: bool
    denied: bool = False
    reason: str = ""
    evaluation_error: str = ""


class _Review(msgspec.Struct, frozen=True, kw_only=True):
    status: _ReviewStatus


class _Version(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    group_version: str


class _Group(msgspec.Struct, frozen=True, kw_only=True):
    versions: tuple[_Version, ...]


class _Served(msgspec.Struct, frozen=True, kw_only=True):
    name: str


class _Resources(msgspec.Struct, frozen=True, kw_only=True):
    """What an API group serves in one version: `pods`, `pods/log`, …."""

    resources: tuple[_Served, ...]


class Permission(msgspec.Struct, frozen=True, kw_only=True):
    """What the server says about one permission of the asker.

    Attributes:
        resource: which one.
        allowed: whether the asker has it. Absent namespaces and resources may be "allowed" too.
        reason: in the server's words.
        problem: why the server could not evaluate all of its rules; empty if it could.
    """

    resource: Resource
    allowed: bool
    reason: str = ""
    problem: str = ""


class KubernetesClient:
    """Asks one cluster. Thread-safe.

    Every method raises `CannotMeasure` (Unreachable, Forbidden, Malformed, …) if there is no usable answer: a missing
    permission is never an empty list.

    Args:
        wire: the way to it.
        access: the credential.
        redactor: learns to mask the values of Secrets, whoever asks for them.
        clock: the runner's.
    """

    def __init__(self, wire: Wire, access: Access, redactor: Redactor, clock: Clock) -> None:
        self.wire = wire
        self.access = access
        self._clock = clock
        self._server_time: tuple[datetime, float] | None = None
        redactor.add_veil(veil)

    def now(self) -> datetime:
        """Return the server's time, as its last answer told it; the runner's if none did."""
        if self._server_time is None:
            return datetime.fromtimestamp(self._clock.now(), UTC)
        told, at = self._server_time
        return datetime.fromtimestamp(told.timestamp() + self._clock.now() - at, UTC)

    @property
    def skew(self) -> float | None:
        """Seconds that the server's clock is ahead of the runner's, at the least; None if it is not known.

        The server tells whole seconds: within the one that it tells, the clocks may agree.
        """
        if self._server_time is None:
            return None
        begins = self._server_time[0].timestamp() - self._server_time[1]
        return begins if begins > 0 else min(0.0, begins + 1)

    def get(self, kind: type[T], name: str, namespace: str = "") -> T | None:
        """Return one object; None if there is none of that name."""
        resource = self._resource(kind, "get", namespace, name)
        reply = self._ask(resource)
        if reply.status == _NOT_FOUND and _is_absent(reply):
            return None
        found: T = lists.read(reply, kind, resource, self.access)
        return found

    def list(self, kind: type[T], namespace: str = "", *, labels: str = "", fields: str = "") -> tuple[T, ...]:
        """Return all objects of a kind, of one namespace or of all.

        An absent namespace has no objects, and says so without an error.

        Args:
            kind: one of `RESOURCES`.
            namespace: empty for all.
            labels: a label selector.
            fields: a field selector.
        """
        return self.listed(kind, namespace, labels=labels, fields=fields).items

    def listed(self, kind: type[T], namespace: str = "", *, labels: str = "", fields: str = "") -> lists.Listed[T]:
        """Return the same as `list` in such a way that more can be read from what came, without asking again."""
        resource = self._resource(kind, "list", namespace)
        params = {name: text for name, text in (("labelSelector", labels), ("fieldSelector", fields)) if text}
        return lists.list_all(
            lambda query: self._ask(resource, query),
            lambda query, thread: Ahead(self.wire, resource.path, params=query, headers=self._headers(), thread=thread),
            kind,
            resource,
            self.access,
            params=params,
        )

    def version(self) -> cluster.Version:
        """Return the API server's version."""
        resource = Resource(name="version")
        reply = self._send("GET", "/version")
        found: cluster.Version = lists.read(reply, cluster.Version, resource, self.access)
        return found

    def keys(self, resource: str, name: str, namespace: str) -> cluster.KeyNames | None:
        """Return the keys of a Secret or ConfigMap, without decoding a value; None if there is none of that name.

        The values come over the wire, for the API has no way to ask for keys alone; they are masked before anything is
        kept, and no error quotes them.

        Args:
            resource: `secrets` or `configmaps`.
            name: the object's.
            namespace: the object's.
        """
        what = Resource(name=resource, namespace=namespace, object=name)
        reply = self._ask(what)
        if reply.status == _NOT_FOUND and _is_absent(reply):
            return None
        if not 200 <= reply.status < 300:  # noqa: PLR2004 - success
            raise refusal(reply, what, self.access)
        try:
            found: _Keyed = decoder(_Keyed).decode(reply.body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise Malformed(
                f"{self.access.endpoint.name}: not the answer that Kubernetes gives to {what.permission}",
                where=reply.url,
                details=["it is not quoted here: it may hold secret values"],
                evidence=reply.evidence,
                next_step="does the server's URL lead to a Kubernetes API?",
            ) from None
        keys = sorted({*(found.data or {}), *(found.binary_data or {})})
        return cluster.KeyNames(name=name, namespace=namespace, keys=tuple(keys), type=found.type)

    def log(
        self,
        pod: str,
        namespace: str,
        *,
        container: str = "",
        previous: bool = False,
        since: datetime | None = None,
        timestamps: bool = False,
        timeouts: Timeouts | None = None,
    ) -> Stream:
        """Open the log of a container; it is read piece by piece, to its end as of now.

        A pod that is not scheduled yet has an empty log.

        Args:
            pod: its name.
            namespace: its namespace.
            container: its name; may be left out where there is only one.
            previous: that of the instance before the last restart.
            since: only lines from then on.
            timestamps: whether each line begins with its time.
            timeouts: instead of the cluster's own; `total` counts to the last byte.
        """
        resource = Resource(name="pods", namespace=namespace, object=pod, subresource="log")
        params = {
            "container": container or None,
            "previous": previous or None,
            "sinceTime": since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if since is not None else None,
            "timestamps": timestamps or None,
        }
        headers = [("Accept", "*/*"), *self.access.headers()]
        stream = self.wire.stream(resource.path, params=params, headers=headers, timeouts=timeouts)
        if not 200 <= stream.status < 300:  # noqa: PLR2004 - success
            raise refusal(stream.reply(), resource, self.access)
        return stream

    def review(self, resource: Resource) -> Permission:
        """Ask whether the asker has a permission.

        Args:
            resource: with its API group: the server says no to a resource asked for without its group.
        """
        attributes = {
            "namespace": resource.namespace,
            "verb": resource.verb,
            "group": resource.group,
            "resource": resource.name,
            "subresource": resource.subresource,
            "name": resource.object,
        }
        reply = self._send(
            "POST",
            _REVIEWS.path,
            json={
                "apiVersion": f"{_REVIEWS.group}/{_REVIEWS.version}",
                "kind": "SelfSubjectAccessReview",
                "spec": {"resourceAttributes": {key: value for key, value in attributes.items() if value}},
            },
        )
        answer: _Review = lists.read(reply, _Review, _REVIEWS, self.access)
        status = answer.status
        return Permission(
            resource=resource,
            allowed=status.allowed and not status.denied,
            reason=status.reason,
            problem=status.evaluation_error,
        )

    def serves(self, resource: Resource) -> bool:
        """Return whether the cluster has a resource, and its subresource, in any version of its group."""
        versions = ["/api/v1"]
        if resource.group:
            reply = self._send("GET", f"/apis/{resource.group}")
            if reply.status == _NOT_FOUND:
                return False
            what = Resource(name=f"apis/{resource.group}")
            group: _Group = lists.read(reply, _Group, what, self.access)
            versions = [f"/apis/{one.group_version}" for one in group.versions]
        wanted = f"{resource.name}/{resource.subresource}" if resource.subresource else resource.name
        for path in versions:
            found: _Resources = lists.read(
                self._send("GET", path), _Resources, Resource(name=path.lstrip("/")), self.access
            )
            if any(one.name == wanted for one in found.resources):
                return True
        return False

    def _resource(self, kind: type[Any], verb: str, namespace: str, name: str = "") -> Resource:
        if kind not in RESOURCES:
            raise AuthorMistake(f"{kind.__name__} is no kind that can be asked for")
        group, version, plural = RESOURCES[kind]
        if kind in CLUSTER_WIDE:
            namespace = ""
        return Resource(verb=verb, name=plural, group=group, version=version, namespace=namespace, object=name)

    def _ask(self, resource: Resource, params: Mapping[str, str] | None = None) -> Reply:
        return self._send("GET", resource.path, params=params)

    def _headers(self) -> Sequence[tuple[str, str]]:
        return [("Accept", "application/json"), *self.access.headers()]

    def _send(self, method: str, path: str, **body: Any) -> Reply:
        reply = self.wire.request(
            method,
            path,
            headers=self._headers(),
            statuses="any",
            **body,
        )
        if (date := reply.headers.get("date")) is not None:
            try:
                self._server_time = (parsedate_to_datetime(date), reply.started + reply.elapsed)
            except ValueError:
                self._server_time = None
        return reply


def _is_absent(reply: Reply) -> bool:
    """Return whether a 404 says that the object is not there; an API that is not there says so in plain text."""
    status = status_of(reply)
    details = status.get("details") if status is not None else None
    return isinstance(details, dict) and bool(details.get("name"))
