"""A Kubernetes API stand-in: serves objects over HTTP as an API server of version 1.36 does, read-only.

Lists with selectors, pages and their expiry; objects; logs; watches; SelfSubjectAccessReviews; users with rights of
their own; and the error answers of the real one.
"""

from __future__ import annotations

import base64
import json
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from pytest_deploycheck.sandbox import cluster_errors as errors
from pytest_deploycheck.sandbox.cluster_discovery import discovered
from pytest_deploycheck.sandbox.cluster_selectors import BadSelector, by_fields, by_labels
from pytest_deploycheck.sandbox.endpoints import Reply

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ANONYMOUS = "system:anonymous"
VERSION = {"major": "1", "minor": "36", "gitVersion": "v1.36.0", "platform": "linux/amd64"}
# group → version → plural → kind
SERVED: Mapping[str, Mapping[str, Mapping[str, str]]] = {
    "": {"v1": {
        "pods": "Pod", "events": "Event", "nodes": "Node", "namespaces": "Namespace", "secrets": "Secret",
        "configmaps": "ConfigMap", "services": "Service", "serviceaccounts": "ServiceAccount", "endpoints": "Endpoints",
        "persistentvolumeclaims": "PersistentVolumeClaim", "resourcequotas": "ResourceQuota",
    }},
    "apps": {"v1": {
        "deployments": "Deployment", "statefulsets": "StatefulSet", "daemonsets": "DaemonSet",
        "replicasets": "ReplicaSet", "controllerrevisions": "ControllerRevision",
    }},
    "batch": {"v1": {"jobs": "Job", "cronjobs": "CronJob"}},
    "policy": {"v1": {"poddisruptionbudgets": "PodDisruptionBudget"}},
    "autoscaling": {"v2": {"horizontalpodautoscalers": "HorizontalPodAutoscaler"}},
    "networking.k8s.io": {"v1": {"networkpolicies": "NetworkPolicy", "ingresses": "Ingress"}},
    "storage.k8s.io": {"v1": {"storageclasses": "StorageClass"}},
    "coordination.k8s.io": {"v1": {"leases": "Lease"}},
    "discovery.k8s.io": {"v1": {"endpointslices": "EndpointSlice"}},
    "scheduling.k8s.io": {"v1": {"priorityclasses": "PriorityClass"}},
    "rbac.authorization.k8s.io": {"v1": {"roles": "Role", "rolebindings": "RoleBinding"}},
    "metrics.k8s.io": {"v1beta1": {"pods": "PodMetrics", "nodes": "NodeMetrics"}},
    "authorization.k8s.io": {"v1": {"selfsubjectaccessreviews": "SelfSubjectAccessReview"}},
}  # fmt: skip
CREATE_ONLY = "selfsubjectaccessreviews"
SUBRESOURCES: Mapping[str, set[str]] = {"pods": {"log", "status"}, "deployments": {"scale", "status"}}
_MAX_WATCH = 60.0


@dataclass(slots=True, kw_only=True)
class Rule:
    """One right: any of the verbs on any of the resources (`pods/log`; `*`), in a namespace or everywhere."""

    verbs: frozenset[str]
    resources: frozenset[tuple[str, str]]
    namespace: str = ""

    def allows(self, verb: str, group: str, resource: str, namespace: str) -> bool:
        """Return whether it grants something."""
        within = not self.namespace or self.namespace == namespace
        named = (group, resource) in self.resources or ("*", "*") in self.resources
        return within and named and (verb in self.verbs or "*" in self.verbs)


EVERYTHING = Rule(verbs=frozenset({"*"}), resources=frozenset({("*", "*")}))


@dataclass(slots=True)
class Request:
    """What was asked, taken apart."""

    method: str
    group: str
    plural: str
    kind: str
    api_version: str
    namespace: str
    name: str
    sub: str
    query: dict[str, str]
    body: bytes

    @property
    def verb(self) -> str:
        """As permissions call it."""
        if self.method == "GET":
            if self.query.get("watch") in ("1", "true"):
                return "watch"
            return "get" if self.name else "list"
        return {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}.get(self.method, "")


@dataclass(slots=True, kw_only=True)
class Cluster:
    """What is served; change it under `lock`.

    Attributes:
        objects: (group, plural) → objects with `metadata`.
        logs: (namespace, pod, container) → text, each line with its time before it; `previous/` before the container
            for the one before a restart.
        users: token → name.
        rules: user → rights; who is not listed has none.
        revision: the resourceVersion of lists.
        expire: how many continue tokens will be too old.
        throttle: how many requests will be told to come back later.
        metrics: `up`, `absent` or `down`.
        asked: method and target of every request so far.
    """

    objects: dict[tuple[str, str], list[dict[str, Any]]] = field(default_factory=dict)
    logs: dict[tuple[str, str, str], str] = field(default_factory=dict)
    users: dict[str, str] = field(default_factory=lambda: {"admin-token": "admin"})
    rules: dict[str, list[Rule]] = field(default_factory=lambda: {"admin": [EVERYTHING]})
    revision: int = 1000
    expire: int = 0
    throttle: int = 0
    metrics: str = "up"
    asked: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def may(self, user: str, verb: str, group: str, resource: str, namespace: str) -> bool:
        """Return whether a user may do something."""
        return any(rule.allows(verb, group, resource, namespace) for rule in self.rules.get(user, ()))


class ClusterApi:
    """Answers requests about a cluster.

    Args:
        cluster: what is served.
    """

    def __init__(self, cluster: Cluster) -> None:
        """Keep it."""
        self.cluster = cluster

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """Answer one request; the query comes as the header `:query`."""
        cluster = self.cluster
        raw = headers.get(":query", "")
        with cluster.lock:
            cluster.asked.append(f"{method} {path}{'?' + raw if raw else ''}")
            if cluster.throttle > 0:
                cluster.throttle -= 1
                return errors.too_many_requests()
        user = self._user(headers.get("authorization", ""))
        if user is None:
            return errors.unauthorized()
        if path == "/version":
            return _json(VERSION) if method == "GET" else errors.wrong_method()
        if path in ("/healthz", "/readyz", "/livez"):
            return Reply(200, b"ok", "text/plain; charset=utf-8")
        found = self._discovered(path, user) or self._request(method, path, raw, body)
        if isinstance(found, Reply):
            return found
        return self._authorized(found, user, headers.get("accept", "*/*"))

    def _user(self, authorization: str) -> str | None:
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer":
            return ANONYMOUS
        return self.cluster.users.get(token)

    def _discovered(self, path: str, user: str) -> Reply | None:
        absent = {"metrics.k8s.io"} if self.cluster.metrics == "absent" else set()
        told = discovered(path, {group: it for group, it in SERVED.items() if group not in absent}, SUBRESOURCES)
        return errors.forbidden_path(path) if told is not None and user == ANONYMOUS else told

    def _request(self, method: str, path: str, raw: str, body: bytes) -> Request | Reply:
        parts = [part for part in path.split("/") if part]
        group = ""
        if parts[:1] == ["apis"] and len(parts) >= 3:  # noqa: PLR2004 - apis, group, version
            _, group, version, *rest = parts
        elif parts[:1] == ["api"] and len(parts) >= 2:  # noqa: PLR2004 - api, version
            _, version, *rest = parts
        else:
            return errors.no_such_path()
        if group not in SERVED or (group == "metrics.k8s.io" and self.cluster.metrics == "absent"):
            return errors.no_such_path()
        if group == "metrics.k8s.io" and self.cluster.metrics == "down":
            return errors.unavailable()
        namespace = ""
        if rest[:1] == ["namespaces"] and len(rest) > 2:  # noqa: PLR2004 - namespaces, name, plural
            _, namespace, *rest = rest
        plural, name, sub, *more = [*rest, "", "", ""]
        kind = SERVED[group].get(version, {}).get(plural)
        if kind is None or (sub and sub not in SUBRESOURCES.get(plural, ())) or any(more):
            return errors.not_served()
        return Request(
            method, group, plural, kind, f"{group}/{version}" if group else version, namespace, name, sub,
            dict(parse_qsl(raw, keep_blank_values=True)), body,
        )  # fmt: skip

    def _authorized(  # noqa: PLR0911 - in the server's own order
        self, request: Request, user: str, accept: str
    ) -> Reply:
        resource = f"{request.plural}/{request.sub}" if request.sub else request.plural
        review = request.plural == CREATE_ONLY
        if review and request.method != "POST":
            return errors.wrong_method()
        allowed = user != ANONYMOUS if review else None
        if allowed is None:
            allowed = self.cluster.may(user, request.verb, request.group, resource, request.namespace)
        if not allowed:
            return errors.forbidden(
                user, request.verb, request.group, request.plural, name=request.name, namespace=request.namespace,
                sub=request.sub,
            )  # fmt: skip
        if not any(
            kind.split(";")[0].strip() in ("*/*", "application/*", "application/json") for kind in accept.split(",")
        ):
            return errors.not_acceptable()
        if review:
            return self._review(request, user)
        if request.method != "GET":
            return errors.wrong_method()
        if request.sub == "log":
            return self._log(request)
        return self._get(request) if request.name else self._list(request)

    # --- objects ------------------------------------------------------------------------------------------------------

    def _get(self, request: Request) -> Reply:
        with self.cluster.lock:
            found = self._find(request)
            if found is None:
                return errors.not_found(request.group, request.plural, request.name)
            return _json({"kind": request.kind, "apiVersion": request.api_version, **found})

    def _find(self, request: Request) -> dict[str, Any] | None:
        return next((one for one in self._all(request) if one["metadata"]["name"] == request.name), None)

    def _all(self, request: Request) -> list[dict[str, Any]]:
        found = self.cluster.objects.get((request.group, request.plural), [])
        if not request.namespace:
            return found
        return [one for one in found if one["metadata"].get("namespace", "") == request.namespace]

    def _list(self, request: Request) -> Reply:
        query = request.query
        try:
            labels = by_labels(query.get("labelSelector", ""))
            fields = by_fields(query.get("fieldSelector", ""), request.plural)
        except BadSelector as error:
            return errors.bad_request(str(error))
        limit = query.get("limit", "0") or "0"
        if not limit.removeprefix("-").isdigit():
            return errors.not_a_number(limit)
        with self.cluster.lock:
            items = [one for one in self._all(request) if labels(one) and fields(one)]
            items.sort(key=lambda one: _key(one, request.namespace))
            if request.verb == "watch":
                return _watched(items, request)
            return self._page(request, items, int(limit))

    def _page(self, request: Request, items: Sequence[dict[str, Any]], limit: int) -> Reply:
        query, revision = request.query, self.cluster.revision
        if token := query.get("continue", ""):
            after = _decoded(token)
            if after is None:
                return errors.bad_request(
                    "invalid continue token: continue key is not valid: invalid character '\\x9e' looking for "
                    "beginning of value"
                )
            revision, start = after
            if self.cluster.expire > 0:
                self.cluster.expire -= 1
                return errors.expired(_encoded(-1, start))
            items = [one for one in items if _key(one, request.namespace) > start]
        metadata: dict[str, Any] = {"resourceVersion": str(revision)}
        page = items[:limit] if limit > 0 else items
        if len(page) < len(items):
            metadata["continue"] = _encoded(revision, _key(page[-1], request.namespace))
            if not query.get("labelSelector") and not query.get("fieldSelector"):
                metadata["remainingItemCount"] = len(items) - len(page)
        kind = f"{request.kind}List"
        return _json({"kind": kind, "apiVersion": request.api_version, "metadata": metadata, "items": list(page)})

    # --- subresources and reviews -------------------------------------------------------------------------------------

    def _log(self, request: Request) -> Reply:  # noqa: PLR0911 - in the server's own order
        query = request.query
        for name in ("tailLines", "sinceSeconds", "limitBytes"):
            if not query.get(name, "0").removeprefix("-").isdigit():
                return errors.not_a_number(query[name])
        with self.cluster.lock:
            pod = self._find(request)
            if pod is None:
                return errors.not_found("", "pods", request.name)
            names = _containers(pod)
            container = query.get("container", "")
            if not container and len(names) > 1:
                text = f"a container name must be specified for pod {request.name}, choose one of: [{' '.join(names)}]"
                return errors.bad_request(text)
            container = container or names[0]
            if container not in names:
                return errors.bad_request(f"container {container} is not valid for pod {request.name}")
            if not pod["spec"].get("nodeName"):
                return Reply(204, b"", "")
            previous = query.get("previous") in ("1", "true")
            kept = self.cluster.logs.get(
                (request.namespace, request.name, f"previous/{container}" if previous else container)
            )
        if kept is None and previous:
            text = f'previous terminated container "{container}" in pod "{request.name}" not found'
            return errors.bad_request(text)
        lines = (kept or "").splitlines(keepends=True)
        if since := query.get("sinceTime"):
            lines = [line for line in lines if line[: len(since) - 1] >= since[:-1]]
        if query.get("timestamps") not in ("1", "true"):
            lines = [line.partition(" ")[2] for line in lines]
        tail = query.get("tailLines")
        text = "".join(lines[-int(tail) :] if tail and int(tail) else [] if tail == "0" else lines)
        return Reply(200, text.encode(), "text/plain")

    def _review(self, request: Request, user: str) -> Reply:
        try:
            document = json.loads(request.body)
            wanted = document["spec"]["resourceAttributes"]
        except (ValueError, KeyError, TypeError):
            text = (
                '.authorization.k8s.io "" is invalid: spec.resourceAttributes: Invalid value: null: exactly one of '
                "nonResourceAttributes or resourceAttributes must be specified"
            )
            return errors.status(422, "Invalid", text, {"group": "authorization.k8s.io"})
        resource = wanted.get("resource", "")
        if wanted.get("subresource"):
            resource = f"{resource}/{wanted['subresource']}"
        allowed = self.cluster.may(
            user, wanted.get("verb", ""), wanted.get("group", ""), resource, wanted.get("namespace", "")
        )
        return _json({**document, "metadata": {}, "status": {"allowed": allowed}}, 201)


def _json(value: Any, status: int = 200) -> Reply:
    """Return an answer with a JSON body, compact as the real one's."""
    return Reply(status, json.dumps(value, separators=(",", ":")).encode() + b"\n")


def _watched(items: Sequence[dict[str, Any]], request: Request) -> Reply:
    """Return what stands, as events, and end: the stream of a cluster in which nothing happens."""
    seconds = request.query.get("timeoutSeconds", "1")
    if not seconds.isdigit():
        return errors.not_a_number(seconds)
    shown = [] if request.query.get("resourceVersion", "0") not in ("", "0") else items
    head = {"kind": request.kind, "apiVersion": request.api_version}
    lines = [json.dumps({"type": "ADDED", "object": {**head, **one}}) + "\n" for one in shown]
    return Reply(200, "".join(lines).encode(), delay=min(float(seconds), _MAX_WATCH))


def _key(item: Mapping[str, Any], listed: str) -> str:
    """Return where an object stands in etcd's order, below the namespace that is listed."""
    metadata = item["metadata"]
    return f"{'' if listed else metadata.get('namespace', '')}/{metadata['name']}"


def _containers(pod: Mapping[str, Any]) -> list[str]:
    spec = pod["spec"]
    return [one["name"] for one in (*(spec.get("initContainers") or ()), *spec["containers"])]


def _encoded(revision: int, start: str) -> str:
    text = json.dumps({"v": "meta.k8s.io/v1", "rv": revision, "start": f"{start}\0"}, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _decoded(token: str) -> tuple[int, str] | None:
    try:
        document = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        return int(document["rv"]), str(document["start"]).rstrip("\0")
    except (ValueError, KeyError, TypeError):
        return None
