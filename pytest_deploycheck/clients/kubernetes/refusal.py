"""Answers of the API that are no answers, each with what is missing: a permission, a credential, an API."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import msgspec

from pytest_deploycheck.errors import (
    CannotMeasure,
    DeploycheckError,
    Forbidden,
    NotFound,
    NotSupported,
    QueryFailed,
    ServerFailed,
    Throttled,
    Unauthorized,
)
from pytest_deploycheck.transport.reply import one_line, place

if TYPE_CHECKING:
    from pytest_deploycheck.clients.kubernetes.access import Access
    from pytest_deploycheck.transport.reply import Reply

_USER = re.compile(r'User "([^"]*)"')
_ANONYMOUS = "system:anonymous"
_LONGEST = 400
_SERVER = 500


class Resource(msgspec.Struct, frozen=True, kw_only=True):
    """What a question is about, as permissions name it.

    Attributes:
        verb: `get`, `list`, `create`, ….
        name: the resource in the plural, such as `pods`.
        group: its API group; empty for the core one.
        version: of the group.
        subresource: such as `log`.
        namespace: empty for all of them, or for resources of the cluster.
        object: the name of one object; empty for a list.
    """

    verb: str = "get"
    name: str
    group: str = ""
    version: str = "v1"
    subresource: str = ""
    namespace: str = ""
    object: str = ""

    @property
    def path(self) -> str:
        """Its path on the server."""
        parts = [f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"]
        if self.namespace:
            parts.append(f"namespaces/{self.namespace}")
        parts += [part for part in (self.name, self.object, self.subresource) if part]
        return "/".join(parts)

    @property
    def permission(self) -> str:
        """The permission it needs, in words."""
        what = (
            f"{self.name}{'.' + self.group if self.group else ''}{'/' + self.subresource if self.subresource else ''}"
        )
        where = f' in the namespace "{self.namespace}"' if self.namespace else ""
        return f"{self.verb} {what}{where}"

    @property
    def rule(self) -> str:
        """The rule that grants it, as a Role has it."""
        what = f"{self.name}/{self.subresource}" if self.subresource else self.name
        return f'{{apiGroups: ["{self.group}"], resources: ["{what}"], verbs: ["{self.verb}"]}}'


def refusal(reply: Reply, resource: Resource, access: Access) -> DeploycheckError:
    """Return the error for an answer whose status is not 2xx.

    Error bodies are mostly a JSON `Status`, whatever their type says; those of proxies, of unknown API groups and of
    priority and fairness are plain text.

    Args:
        reply: the last attempt's answer.
        resource: what was asked.
        access: who asked.
    """
    kind, what, next_step = _judge(reply, resource, access)
    said = message(reply)
    details = [f"the server says: {said}"] if said else ["the server gives no reason"]
    if "retry-after" in reply.headers:
        details.append(f"Retry-After: {one_line(reply.headers['retry-after'])}")
    return kind(
        f"{reply.system}: {what}",
        where=place(reply.url),
        details=details,
        evidence=reply.evidence,
        next_step=next_step,
    )


def _judge(  # noqa: PLR0911 - one line a status reads best
    reply: Reply, resource: Resource, access: Access
) -> tuple[type[DeploycheckError], str, str]:
    match reply.status:
        case 401:
            step = f"renew it: {access.source}"
            return Unauthorized, f"401, the credential of {access.source} was not accepted", step
        case 403:
            found = _USER.search(message(reply))
            if found is not None and found[1] == _ANONYMOUS:
                step = f"give {access.source} a credential: the server took the request for anybody's"
                return Forbidden, f"403, nobody may {resource.permission}, and no credential came along", step
            who = f"the user {found[1]}" if found is not None else f"the user of {access.source}"
            scope = f'a Role in "{resource.namespace}"' if resource.namespace else "a ClusterRole"
            step = f"grant it with {scope}: {resource.rule}; `deploycheck rbac` prints all that checks need"
            return Forbidden, f"403, {who} may not {resource.permission}", step
        case 404:
            return _not_found(reply, resource, access)
        case 429:
            return Throttled, "429, the server has too many requests", "ask less often; is the API server overloaded?"
        case 400 | 405 | 406 | 415 | 422:
            return QueryFailed, f"{reply.status}, the question was refused", "mend the selector or the parameters"
        case 503 if resource.group.endswith("metrics.k8s.io"):
            step = "is the metrics server running? `kubectl get apiservice v1beta1.metrics.k8s.io`"
            return ServerFailed, "503, the metrics API is registered and nobody serves it", step
        case status if status >= _SERVER:
            return ServerFailed, f"{status}, the server failed", "look at the API server and its etcd"
    return CannotMeasure, f"{reply.status}, not an answer to the question", "look at the stored answer"


def _not_found(reply: Reply, resource: Resource, access: Access) -> tuple[type[DeploycheckError], str, str]:
    """Tell an object that is not there from an API that is not there from a server that is no API server."""
    status = status_of(reply)
    if status is not None and isinstance(details := status.get("details"), dict) and details.get("name"):
        return NotFound, f"404, not found: {resource.permission}", "look at the stored answer"
    if resource.group:
        step = "leave this check out where the cluster lacks the API, or install what serves it"
        return NotSupported, f"the cluster has no API {resource.group}/{resource.version}", step
    step = f"is the server's URL right? It is {access.endpoint.base_url} by {access.source}"
    return NotFound, "404, there is no Kubernetes API", step


def status_of(reply: Reply) -> dict[str, Any] | None:
    """Return the `Status` in an answer's body, whatever its content type is; None if there is none."""
    if reply.body[:1] != b"{":
        return None
    try:
        document = json.loads(reply.body)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) and document.get("kind") == "Status" else None


def message(reply: Reply) -> str:
    """Return the server's own words on one line, redacted; empty if there are none."""
    status = status_of(reply)
    text = status.get("message") if status is not None else reply.body[:_LONGEST].decode("utf-8", "replace")
    return one_line(" ".join(reply.redactor.text(str(text or "")).split()), _LONGEST)
