"""A cluster of the recordings behind real HTTP, and the `kubernetes` fixture's object on it."""

from __future__ import annotations

import copy
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import yaml

from pytest_deploycheck.clients.kubernetes.access import find_access
from pytest_deploycheck.clock import SystemClock
from pytest_deploycheck.face.kubernetes import Kubernetes
from pytest_deploycheck.face.ledger import Ledger
from pytest_deploycheck.sandbox.cluster_api import EVERYTHING, Cluster, ClusterApi
from pytest_deploycheck.sandbox.service import Listener
from pytest_deploycheck.transport.endpoint import Retries, Timeouts
from pytest_deploycheck.transport.redaction import Redactor
from pytest_deploycheck.transport.tape import Tape
from pytest_deploycheck.transport.wire import Wire
from tests.contract.kubernetes_recordings import archive, reply

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TOKEN = "a-token-that-nobody-may-see"  # noqa: S105 - of a test
PLURALS = {
    "deployment": ("apps", "deployments"),
    "statefulset": ("apps", "statefulsets"),
    "daemonset": ("apps", "daemonsets"),
    "replicasets": ("apps", "replicasets"),
    "controllerrevisions": ("apps", "controllerrevisions"),
    "pods": ("", "pods"),
    "events": ("", "events"),
}


def cluster(*stages: str, lists: bool = False) -> Cluster:
    """Return a cluster in which these rollout stages stand, and the objects of the recorded lists if asked for."""
    found = Cluster(users={TOKEN: "admin", "nobody-token": "nobody"}, rules={"admin": [EVERYTHING]})
    for name in sorted(archive("rollout")):
        stage, _, file = name.removeprefix("rollout/").partition("/")
        if stage in stages:
            body = copy.deepcopy(reply(name)["response"]["body"])
            items = body.get("items", [body])
            found.objects.setdefault(PLURALS[file.removesuffix(".json")], []).extend(items)
    if lists:
        for name in archive("lists"):
            path = reply(name)["request"]["path"].split("/")
            key = (path[2] if path[1] == "apis" else "", path[-1])
            found.objects.setdefault(key, []).extend(copy.deepcopy(reply(name)["response"]["body"]["items"]))
    return found


def kubeconfig(path: Path, url: str, **user: Any) -> Path:
    """Write a kubeconfig with one context and one user."""
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "test",
        "clusters": [{"name": "test", "cluster": {"server": url}}],
        "users": [{"name": "test", "user": user}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
    }
    path.write_text(yaml.safe_dump(document))
    return path


class Served:
    """A cluster that is served, and the face on it."""

    def __init__(self, found: Cluster, url: str, directory: Path, *, token: str, namespace: str, **more: Any) -> None:
        self.cluster = found
        self.url = url
        self.tape = Tape()
        self.observed: list[str] = []
        self.tape.on_record.append(lambda exchange, _: self.observed.append(exchange.id))
        self.redactor = Redactor()
        self.ledger = Ledger()
        self.access = find_access(
            kubeconfig=kubeconfig(directory / "kubeconfig", url, token=token),
            timeouts=Timeouts(connect=2, read=5, total=10),
            retries=Retries(attempts=1),
            **more,
        )
        self.wire = Wire(self.access.endpoint, tape=self.tape, redactor=self.redactor, clock=SystemClock())
        self.kubernetes = Kubernetes(
            self.wire,
            self.access,
            redactor=self.redactor,
            clock=SystemClock(),
            ledger=self.ledger,
            observed=self.observed,
            namespace=namespace,
        )

    @property
    def recorded(self) -> bytes:
        """Everything on the tape, as one text."""
        return b"\n".join([*(repr(one).encode() for one in self.tape.take()), *self.tape.take_bodies().values()])


@contextmanager
def serving(
    found: Cluster, directory: Path, *, token: str = TOKEN, namespace: str = "rollouts", **more: Any
) -> Iterator[Served]:
    """Serve a cluster on loopback."""
    listener = Listener(ClusterApi(found).answer)
    listener.open()
    try:
        served = Served(found, f"http://127.0.0.1:{listener.port}", directory, token=token, namespace=namespace, **more)
        try:
            yield served
        finally:
            served.wire.close()
    finally:
        listener.end()
