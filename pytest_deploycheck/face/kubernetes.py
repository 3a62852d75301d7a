"""The `kubernetes` fixture: rollouts, pods, events, nodes, permissions: fast where lists are long, never vacuous."""

from __future__ import annotations

from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from pytest_deploycheck.checks import nodes as node_checks
from pytest_deploycheck.checks import objects
from pytest_deploycheck.clients.kubernetes.client import KubernetesClient
from pytest_deploycheck.clients.kubernetes.permissions import needed, permission
from pytest_deploycheck.errors import Forbidden
from pytest_deploycheck.face import rights
from pytest_deploycheck.face.clusters import (
    EventsAnswer,
    KeysAnswer,
    NodesAnswer,
    VersionAnswer,
    deployed_image,
)
from pytest_deploycheck.face.judged import Judged, System, judge
from pytest_deploycheck.face.workloads import JobAnswer, PodsAnswer, RolloutAnswer, moment_of
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

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from pytest_deploycheck.checks.asked import Asked
    from pytest_deploycheck.checks.revisions import Revisions
    from pytest_deploycheck.clients.kubernetes.access import Access
    from pytest_deploycheck.clients.kubernetes.official import Official
    from pytest_deploycheck.clients.kubernetes.refusal import Resource
    from pytest_deploycheck.clock import Clock
    from pytest_deploycheck.face.ledger import Ledger
    from pytest_deploycheck.model.kubernetes.workloads import Workload
    from pytest_deploycheck.settings.clusters import PermissionCheck, WorkloadCheck
    from pytest_deploycheck.settings.models import Deployment as Deployed
    from pytest_deploycheck.transport.redaction import Redactor
    from pytest_deploycheck.transport.streaming import Stream
    from pytest_deploycheck.transport.wire import Wire

__tracebackhide__ = True

T = TypeVar("T")


class Kubernetes(System):
    """One cluster.

    Args:
        wire: the way to it.
        access: the credential.
        redactor: learns to mask the values of Secrets.
        clock: the runner's.
        ledger: of the check that runs.
        observed: grows by the id of every exchange.
        namespace: where names without one are looked up.
    """

    def __init__(
        self,
        wire: Wire,
        access: Access,
        *,
        redactor: Redactor,
        clock: Clock,
        ledger: Ledger,
        observed: list[str],
        namespace: str,
    ) -> None:
        """Ask nothing yet."""
        super().__init__(wire.endpoint.name, wire.endpoint.base_url, ledger, observed)
        self.wire = wire
        self.namespace = namespace
        self.api = KubernetesClient(wire, access, redactor, clock)
        self.known_version = ""

    @cached_property
    def client(self) -> Official:
        """The official client, through the same connections and onto the same tape: `client.CoreV1Api().…`."""
        from pytest_deploycheck.clients.kubernetes.official import Official

        return Official(self.api.access, self.wire)

    @property
    def clock_skew(self) -> float | None:
        """The cluster's clock minus the runner's, in seconds; None if it was not measured."""
        return self.api.skew

    # --- workloads ----------------------------------------------------------------------------------------------------

    def deployment(self, name: str, namespace: str | None = None) -> RolloutAnswer:
        """Ask for a Deployment."""
        return self._workload(Deployment, name, namespace)

    def statefulset(self, name: str, namespace: str | None = None) -> RolloutAnswer:
        """Ask for a StatefulSet."""
        return self._workload(StatefulSet, name, namespace)

    def daemonset(self, name: str, namespace: str | None = None) -> RolloutAnswer:
        """Ask for a DaemonSet."""
        return self._workload(DaemonSet, name, namespace)

    def job(self, name: str, namespace: str | None = None) -> JobAnswer:
        """Ask for a Job."""
        where = namespace or self.namespace
        what = f"job {where}/{name}"
        with self._asking(what, f"kubectl -n {where} describe job {name}") as box:
            found = self.api.get(Job, name, where)
        return JobAnswer(found, self._ledger, box[0], what=what)

    def pods(self, selector: str = "", namespace: str | None = None, *, fields: str = "") -> PodsAnswer:
        """Ask for pods.

        Args:
            selector: a label selector such as `app=web`; empty for all pods of the namespace.
            namespace: the configured one if it is None; empty for all.
            fields: a field selector such as `status.phase=Running`.
        """
        where = self.namespace if namespace is None else namespace
        chosen = f" -l {selector}" if selector else ""
        scope = f"-n {where}" if where else "-A"
        with self._asking(f"pods {scope}{chosen}", f"kubectl {scope} get pods -o wide{chosen}") as box:
            found = self.api.listed(PodHead, where, labels=selector, fields=fields)
        return PodsAnswer(found.items, self, self._ledger, box[0], namespace=where, closer=lambda: found.again(Pod))

    def rollout(self, entry: WorkloadCheck) -> RolloutAnswer:
        """Ask for the workload of an entry of `[[workloads]]` that has a rollout."""
        kinds: dict[str, type[Workload]] = {"statefulset": StatefulSet, "daemonset": DaemonSet}
        return self._workload(kinds.get(entry.kind, Deployment), entry.name, entry.namespace)

    # --- the cluster --------------------------------------------------------------------------------------------------

    def events(self, about: str = "", namespace: str | None = None) -> EventsAnswer:
        """Ask for events.

        Args:
            about: the name of one object; empty for all.
            namespace: the configured one if it is None; empty for all.
        """
        where = self.namespace if namespace is None else namespace
        asked = f"events {'of ' + about if about else ''} -n {where}".replace("  ", " ")
        with self._asking(asked, f"kubectl -n {where} get events --sort-by=.lastTimestamp", looks_back=True) as box:
            fields = f"involvedObject.name={about}" if about else ""
            found = self.api.list(cluster.Event, where, fields=fields)
        return EventsAnswer(found, self, self._ledger, box[0])

    @property
    def nodes(self) -> NodesAnswer:
        """Ask for the nodes."""
        with self._asking("nodes", "kubectl get nodes -o wide") as box:
            found = self.api.list(cluster.Node)
            silent = self._silent_nodes()
        return NodesAnswer(found, silent, self._ledger, box[0])

    @property
    def version(self) -> VersionAnswer:
        """Ask for the API server's version."""
        with self._asking("version", "kubectl version") as box:
            found = self.api.version()
        self.known_version = f"{found.major}.{found.minor}"
        return VersionAnswer(found, self._ledger, box[0])

    def has_namespace(self, name: str) -> Judged:
        """Judge that a namespace is there and not going away."""
        with self._asking(f"namespace {name}", f"kubectl get namespace {name} -o yaml") as box:
            found = self.api.get(cluster.Namespace, name)
        return judge(objects.namespace(found, box[0], name=name), self._ledger)

    def has_storage_classes(self, *names: str) -> Judged:
        """Judge that storage classes are there."""
        with self._asking("storage classes", "kubectl get storageclasses") as box:
            found = self.api.list(cluster.StorageClass)
        return judge(objects.storage_classes(found, box[0], expected=names), self._ledger)

    def secret_keys(self, name: str, namespace: str | None = None) -> KeysAnswer:
        """Ask for the keys of a Secret; its values reach neither evidence nor messages."""
        return self._keys("secrets", "secret", name, namespace)

    def config_map_keys(self, name: str, namespace: str | None = None) -> KeysAnswer:
        """Ask for the keys of a ConfigMap."""
        return self._keys("configmaps", "config map", name, namespace)

    def logs(
        self,
        pod: str,
        container: str = "",
        *,
        namespace: str | None = None,
        previous: bool = False,
        since: object = None,
        timestamps: bool = False,
    ) -> Stream:
        """Open the log of a container, to be read piece by piece: `.read(size)` gives bytes, none at its end.

        Args:
            pod: its name.
            container: its name; may be left out where there is only one.
            namespace: the configured one if it is None.
            previous: that of the instance before the last restart.
            since: a moment, or how long ago (`"10m"`); None = all there is.
            timestamps: whether each line begins with its time.
        """
        return self.api.log(
            pod,
            namespace or self.namespace,
            container=container,
            previous=previous,
            since=None if since is None else self.moment(since),
            timestamps=timestamps,
        )

    def containers(self, selector: str, *, namespace: str | None = None) -> list[tuple[str, str, bool]]:
        """Return (pod, container, whether it is the instance before the last restart) of all logs that can be read.

        Containers that never started have none; they are left out.

        Args:
            selector: a label selector.
            namespace: the configured one if it is None.
        """
        found = []
        for pod in self.api.list(Pod, namespace or self.namespace, labels=selector):
            for status in pod.statuses:
                state, last = status.state, status.last_state
                if last is not None and last.terminated is not None:
                    found.append((pod.name, status.name, True))
                if state is not None and (state.running is not None or state.terminated is not None):
                    found.append((pod.name, status.name, False))
        return found

    # --- permissions --------------------------------------------------------------------------------------------------

    def can(self, verb: str, resource: str, subresource: str = "", **where: Any) -> Judged:
        """Judge that whoever runs the checks may do something.

        Args:
            verb: such as `get`.
            resource: the plural: `pods`, `deployments`, `widgets.example.com`.
            subresource: such as `log`.
            where: `namespace` (the configured one if it is not given; empty for all), `name`, `group`.
        """
        what = self._permission(verb, resource, subresource, **where)
        return judge(rights.granted(self.api, self._asking, [what], f"may I {what.permission}?"), self._ledger)

    def cannot(self, verb: str, resource: str, subresource: str = "", **where: Any) -> Judged:
        """Judge that whoever runs the checks may not do something; arguments as for `can`."""
        what = self._permission(verb, resource, subresource, **where)
        return judge(rights.denied(self.api, self._asking, what), self._ledger)

    def permits(self, entry: PermissionCheck) -> Judged:
        """Judge an entry of `[[permissions]]` (KU5)."""
        ask = self.can if entry.allowed else self.cannot
        namespace = self.namespace if entry.namespace is None else entry.namespace
        return ask(entry.verb, entry.resource, namespace=namespace, group=entry.group)

    def preflight(self) -> Judged:
        """Judge that every permission of the shipped RBAC manifest is granted."""
        wanted, step = needed(self.namespace), f"deploycheck rbac --namespace {self.namespace} | kubectl apply -f -"
        question = "the permissions of the shipped manifest"
        return judge(rights.granted(self.api, self._asking, wanted, question, step), self._ledger)

    # --- parts of other answers ---------------------------------------------------------------------------------------

    def now(self) -> datetime:
        """Return the server's time."""
        return self.api.now()

    def moment(self, since: object) -> datetime:
        """Return a moment, given as a time or as how long ago."""
        return moment_of(since, self.now())

    def pods_of(self, workload: Workload, what: str) -> PodsAnswer:
        """Ask for the pods of a workload: those that belong to it, of every revision."""
        from pytest_deploycheck.checks.revisions import by_revision

        where = workload.metadata.namespace
        selector = str(workload.spec.selector)
        with self._asking(f"pods of {what}", f"kubectl -n {where} get pods -o wide -l '{selector}'") as box:
            found = self.api.list(Pod, where, labels=selector)
            sorted_ = by_revision(workload, found, self._revisions(workload))
        mine = {pod.metadata.uid for part in sorted_.parts for pod in part}
        owned = [pod for pod in found if pod.metadata.uid in mine]
        return PodsAnswer(owned, self, self._ledger, box[0], namespace=where, closer=lambda: owned)

    def parts_of(self, workload: Workload) -> tuple[Sequence[Pod], Revisions, dict[str, str] | None, tuple[str, ...]]:
        """Ask for what a rollout is judged by besides its workload.

        Returns:
            What its selector matches; its revisions; node → why it gives no sign of life (None without the right to
            ask for that); the evidence.
        """
        before = len(self._observed)
        pods = self.api.list(Pod, workload.metadata.namespace, labels=str(workload.spec.selector))
        revisions = self._revisions(workload)
        return pods, revisions, self._silent_nodes(), tuple(self._observed[before:])

    def revisions_of(self, workload: Workload, what: str) -> tuple[Revisions, Asked]:
        """Ask for the revisions of a workload."""
        with self._asking(f"revisions of {what}") as box:
            found = self._revisions(workload)
        return found, box[0]

    def usage(self, namespace: str) -> tuple[Sequence[cluster.PodUsage], Asked]:
        """Ask what the pods of a namespace use."""
        with self._asking(f"usage of pods -n {namespace}", f"kubectl -n {namespace} top pods --containers") as box:
            found = self.api.list(cluster.PodUsage, namespace)
        return found, box[0]

    def network_policies(self, namespace: str) -> Sequence[cluster.NetworkPolicy]:
        """Ask for the network policies of a namespace."""
        return self._listed(cluster.NetworkPolicy, namespace)

    def disruption_budgets(self, namespace: str) -> Sequence[cluster.DisruptionBudget]:
        """Ask for the disruption budgets of a namespace."""
        return self._listed(cluster.DisruptionBudget, namespace)

    def autoscalers(self, namespace: str) -> Sequence[cluster.Autoscaler]:
        """Ask for the autoscalers of a namespace."""
        return self._listed(cluster.Autoscaler, namespace)

    # --- judgements on configured entries -----------------------------------------------------------------------------

    def completes(self, entry: WorkloadCheck, deployed: Deployed) -> Judged:
        """Judge the rollout, or the job, of an entry of `[[workloads]]` (KU1)."""
        if entry.kind == "job":
            return self.job(entry.name, entry.namespace).complete
        return self.rollout(entry).is_complete(
            image=entry.image or (deployed_image(deployed) if entry.deployed else None),
            replicas=entry.replicas,
            allow_partition=entry.allow_partition,
            old_gone=entry.old_gone,
            stable=entry.stable,
        )

    def runs_deployed(self, entry: WorkloadCheck, deployed: Deployed) -> Judged:
        """Judge that every pod of an entry runs the deployed image (SM3)."""
        return self.rollout(entry).pods.run(deployed_image(deployed))

    def quiet(self, entry: WorkloadCheck, deployed: Deployed) -> Judged:
        """Judge that nothing was complained of about an entry's workload and its pods (KU3)."""
        makers = self.rollout(entry).makers
        return self.events(namespace=entry.namespace).no_warnings(
            since=deployed.finished_at, allowed=entry.allowed_events, names={entry.name, *makers}, makers=makers
        )

    # --- inside -------------------------------------------------------------------------------------------------------

    def _workload(self, kind: type[Workload], name: str, namespace: str | None) -> RolloutAnswer:
        where = namespace or self.namespace
        plural = kind.__name__.lower()
        what = f"{plural} {where}/{name}"
        hint = f"kubectl -n {where} describe {plural} {name}"
        with self._asking(what, f"kubectl -n {where} rollout status {plural}/{name}", hint) as box:
            found: Workload | None = self.api.get(kind, name, where)
        return RolloutAnswer(found, self, self._ledger, box[0], what=what, namespace=where)

    def _revisions(self, workload: Workload) -> Revisions:
        where, selector = workload.metadata.namespace, str(workload.spec.selector)
        if isinstance(workload, Deployment):
            return self.api.list(ReplicaSet, where, labels=selector)
        return self.api.list(ControllerRevision, where, labels=selector)

    def _silent_nodes(self) -> dict[str, str] | None:
        """Return node → why it gives no sign of life; None without the right to ask for that."""
        with suppress(Forbidden):
            return node_checks.silent(self.api.list(cluster.Lease, "kube-node-lease"), self.now())
        return None

    def _listed(self, kind: type[T], namespace: str) -> Sequence[T]:
        with self._asking(f"{kind.__name__} -n {namespace}"):
            return self.api.list(kind, namespace)

    def _keys(self, resource: str, kind: str, name: str, namespace: str | None) -> KeysAnswer:
        where = namespace or self.namespace
        what = f"{kind} {where}/{name}"
        with self._asking(f"keys of {what}", f"kubectl -n {where} describe {resource} {name}") as box:
            found = self.api.keys(resource, name, where)
        return KeysAnswer(found, self._ledger, box[0], what=what)

    def _permission(self, verb: str, resource: str, subresource: str, **where: Any) -> Resource:
        where.setdefault("namespace", self.namespace)
        return permission(verb, resource, subresource=subresource, **where)
