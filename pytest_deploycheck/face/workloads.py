"""Answers about workloads: rollouts, jobs, pods and their restarts."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pytest_deploycheck.checks import images, jobs, objects, restarts, usage
from pytest_deploycheck.checks import pods as pod_checks
from pytest_deploycheck.checks import rollout as rollouts
from pytest_deploycheck.checks.asked import Judgement
from pytest_deploycheck.checks.kubectl import rollout_status
from pytest_deploycheck.checks.revisions import unchanged
from pytest_deploycheck.errors import AuthorMistake, NoData
from pytest_deploycheck.face.judged import Answer, Judged, seconds_of
from pytest_deploycheck.face.vectors import Comparable, number_of
from pytest_deploycheck.model.kubernetes.workloads import Deployment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from pytest_deploycheck.checks.asked import Asked
    from pytest_deploycheck.checks.comparison import Operator
    from pytest_deploycheck.checks.kubectl import KubectlStatus
    from pytest_deploycheck.checks.restarts import Counts
    from pytest_deploycheck.face.kubernetes import Kubernetes
    from pytest_deploycheck.face.ledger import Ledger
    from pytest_deploycheck.model.finding import Finding
    from pytest_deploycheck.model.kubernetes.pods import Pod, PodHead
    from pytest_deploycheck.model.kubernetes.workloads import Job, Workload

__tracebackhide__ = True


class RestartsAnswer(Comparable):
    """How often containers restarted since a moment; `== 0` and `<= n` judge it."""

    def __init__(
        self,
        pods: Sequence[Pod],
        ledger: Ledger,
        asked: Asked,
        *,
        now: datetime,
        since: datetime | None,
        before: Mapping[tuple[str, str], int] | None,
    ) -> None:
        """Note that somebody has to look at it."""
        super().__init__(ledger, asked)
        self._pods = pods
        self._now = now
        self._since = since
        self._before = before

    def _compare(self, op: Operator, bound: Any) -> Judged:
        most = number_of(bound)
        if op == "<":
            most = math.ceil(most) - 1
        elif not (op == "<=" or (op == "==" and most == 0)):
            raise AuthorMistake(
                f"restarts {op} {most:g}", next_step="judge that there were none (== 0), or at most so many (<= n)"
            )
        return self._judge(
            restarts.at_most(self._pods, most, self._asked, now=self._now, moment=self._since, before=self._before)
        )


class PodsAnswer(Answer):
    """Pods, as they are.

    Args:
        heads: what came, as far as it tells who is ready.
        system: whom it came from.
        ledger: of the check.
        asked: the question.
        namespace: whose pods.
        closer: gives the same pods whole; called at most once.
    """

    def __init__(
        self,
        heads: Sequence[PodHead],
        system: Kubernetes,
        ledger: Ledger,
        asked: Asked,
        *,
        namespace: str,
        closer: Callable[[], Sequence[Pod]],
    ) -> None:
        """Note that somebody has to look at it."""
        super().__init__(ledger, asked)
        self._heads = heads
        self._closer = closer
        self._system = system
        self._namespace = namespace

    @cached_property
    def pods(self) -> tuple[Pod, ...]:
        """What came."""
        return tuple(self._closer())

    def ready(self, *, at_least: int = 1) -> Judged:
        """Judge that every pod is ready, and that there are enough."""
        return self._judge(
            pod_checks.ready(self._heads, self._asked, now=self._system.now(), least=at_least, closer=lambda: self.pods)
        )

    def unstuck(self) -> Judged:
        """Judge that no container is in a back-off, lacks its image or configuration, or was OOMKilled."""
        return self._judge(pod_checks.stuck(self.pods, self._asked, now=self._system.now()))

    def restarts(self, since: object = None) -> RestartsAnswer:
        """Return how often containers restarted.

        Args:
            since: a moment (`deployment.finished_at`), how long ago (`"10m"`), what `counters` returned at an earlier
                look, or None for ever.
        """
        moment, before = self._moment(since)
        self._read()
        return RestartsAnswer(self.pods, self._ledger, self._asked, now=self._system.now(), since=moment, before=before)

    @property
    def counters(self) -> Counts:
        """The restart counters as they stand: (pod uid, container) → number, for a later `restarts(since=…)`."""
        self._read()
        return restarts.counts(self.pods)

    def run(self, image: str | None) -> Judged:
        """Judge that every pod runs an image: a whole reference, `sha256:…`, or `:tag`."""
        return self._judge(images.runs(self.pods, self._asked, wanted=image))

    def limited(self, *resources: str) -> Judged:
        """Judge that every container has limits of these resources; of memory if none is named."""
        return self._judge(usage.limits(self.pods, self._asked, resources=resources or ("memory",)))

    def within_limits(self, *, cpu: float | None = None, memory: float | None = None) -> Judged:
        """Judge what the containers use, as shares of their limits, by the metrics API.

        Raises:
            NotSupported: if the cluster has no metrics API.
        """
        shares = {name: share for name, share in (("cpu", cpu), ("memory", memory)) if share is not None}
        if not shares:
            raise AuthorMistake("within_limits() without a share", next_step="give cpu= or memory=, such as 0.9")
        used, asked = self._system.usage(self._namespace)
        both = asked.__class__(self._asked.asked, asked.system, self.evidence + asked.evidence, self._asked.next_steps)
        return self._judge(usage.within(self.pods, used, both, now=self._system.now(), shares=shares))

    def isolated(self, direction: str = "Ingress") -> Judged:
        """Judge that a network policy restricts the traffic of every pod, `Ingress` or `Egress`."""
        policies = self._system.network_policies(self._namespace)
        return self._judge(objects.network_policies(policies, self.pods, self._asked, direction=direction))

    def __iter__(self) -> Iterator[Pod]:
        """Yield every pod.

        Raises:
            NoData: if there is none: `all(…)` over nothing would be true.
        """
        return self._each(self.pods, "pod that matches")

    def __len__(self) -> int:
        """Return the number of pods."""
        self._read()
        return len(self._heads)

    def _moment(self, since: object) -> tuple[datetime | None, Mapping[tuple[str, str], int] | None]:
        if since is None:
            return None, None
        if isinstance(since, dict):
            return None, since
        return self._system.moment(since), None


class RolloutAnswer(Answer):
    """A Deployment, StatefulSet or DaemonSet.

    Attributes:
        workload: what came; None if there is none of that name.
    """

    def __init__(
        self, workload: Workload | None, system: Kubernetes, ledger: Ledger, asked: Asked, *, what: str, namespace: str
    ) -> None:
        """Note that somebody has to look at it."""
        super().__init__(ledger, asked)
        self.workload = workload
        self._system = system
        self._what = what
        self._namespace = namespace
        self._pods: PodsAnswer | None = None

    @property
    def complete(self) -> Judged:
        """Judge that the rollout is complete: `is_complete` without further expectations."""
        return self.is_complete()

    def is_complete(
        self,
        *,
        image: str | None = None,
        replicas: int | None = None,
        allow_partition: bool = False,
        old_gone: bool = False,
        stable: object = rollouts.STABLE,
    ) -> Judged:
        """Judge that the rollout is complete: as kubectl defines it, and really (see `docs/kubernetes.md`).

        Args:
            image: that one of its containers must have: a whole reference, `sha256:…`, or `:tag`.
            replicas: how many must be desired, at least.
            allow_partition: whether pods that a StatefulSet's partition keeps old are meant to be old.
            old_gone: whether older pods that still terminate make it inconclusive.
            stable: how long readiness must have held that was lost since the rollout.
        """
        if self.workload is None:
            return self._judge(self._absent())
        pods, revisions, silent, evidence = self._system.parts_of(self.workload)
        asked = self._asked.__class__(
            self._asked.asked, self._asked.system, (*self.evidence, *evidence), self._asked.next_steps
        )
        return self._judge(
            rollouts.rollout(
                self.workload,
                pods,
                revisions,
                asked,
                now=self._system.now(),
                image=image,
                replicas=replicas,
                allow_partition=allow_partition,
                old_gone=old_gone,
                silent_nodes=silent,
                stable=timedelta(seconds=seconds_of(stable, "the stable time")),
            )
        )

    @property
    def kubectl(self) -> KubectlStatus:
        """What `kubectl rollout status` would say; needs the right to `get` it alone, and judges nothing."""
        return rollout_status(self._present())

    @property
    def pods(self) -> PodsAnswer:
        """Its pods: those that its selector matches and that belong to it, of every revision.

        Raises:
            NoData: if there is no such workload.
        """
        if self._pods is None:
            self._pods = self._system.pods_of(self._present(), self._what)
        self._read()
        return self._pods

    def unchanged(self, *, since: object) -> Judged:
        """Judge that nobody has begun another rollout since a moment.

        Args:
            since: a moment (`deployment.finished_at`), or how long ago (`"10m"`); None = it is not known.
        """
        if self.workload is None:
            return self._judge(self._absent())
        revisions, asked = self._system.revisions_of(self.workload, self._what)
        both = asked.__class__(self._asked.asked, asked.system, self.evidence + asked.evidence, self._asked.next_steps)
        moment = None if since is None else self._system.moment(since)
        return self._judge(unchanged(self.workload, revisions, both, now=self._system.now(), since=moment))

    @property
    def makers(self) -> frozenset[str]:
        """The names of what makes its pods: itself, or the ReplicaSets of a Deployment.

        Raises:
            NoData: if there is no such workload.
        """
        workload = self._present()
        if not isinstance(workload, Deployment):
            return frozenset({workload.metadata.name})
        found, _ = self._system.revisions_of(workload, self._what)
        return frozenset(one.metadata.name for one in found if one.metadata.owned_by(workload.metadata.uid))

    def protected(self, *, disruptions: int = 1) -> Judged:
        """Judge that a PodDisruptionBudget protects its pods, is kept, and allows so many disruptions now."""
        if self.workload is None:
            return self._judge(self._absent())
        labels = self.workload.spec.template.metadata.labels
        budgets = self._system.disruption_budgets(self._namespace)
        return self._judge(objects.budget(budgets, labels, self._asked, least_allowed=disruptions))

    def autoscaled(self) -> Judged:
        """Judge that a HorizontalPodAutoscaler scales it, and works."""
        if self.workload is None:
            return self._judge(self._absent())
        scalers = self._system.autoscalers(self._namespace)
        return self._judge(
            objects.autoscaler(
                scalers, self._asked, kind=type(self.workload).__name__, name=self.workload.metadata.name
            )
        )

    def _present(self) -> Workload:
        self._read()
        if self.workload is None:
            raise NoData(
                f"no data: there is no {self._what}",
                evidence=", ".join(self.evidence),
                next_step=f"kubectl -n {self._namespace} get deployments,statefulsets,daemonsets",
            )
        return self.workload

    def _absent(self) -> Finding:
        look = f"kubectl -n {self._namespace} get deployments,statefulsets,daemonsets"  # its kind may be another
        asked = self._asked.__class__(self._asked.asked, self._asked.system, self.evidence, (look,))
        judgement = Judgement(asked, f"{self._what} is rolled out")
        judgement.bad(f"there is no {self._what}")
        return judgement.finding("")


class JobAnswer(Answer):
    """A Job.

    Attributes:
        job: what came; None if there is none of that name.
    """

    def __init__(self, job: Job | None, ledger: Ledger, asked: Asked, *, what: str) -> None:
        """Note that somebody has to look at it."""
        super().__init__(ledger, asked)
        self.job = job
        self._what = what

    @property
    def complete(self) -> Judged:
        """Judge that it has completed."""
        if self.job is None:
            judgement = Judgement(self._asked, f"{self._what} is complete")
            judgement.bad(f"there is no {self._what}")
            return self._judge(judgement.finding(""))
        return self._judge(jobs.complete(self.job, self._asked))


def moment_of(since: object, now: datetime) -> datetime:
    """Return a moment, given as an aware time, as Unix seconds, or as how long ago (`"10m"`, a `timedelta`).

    Raises:
        AuthorMistake: if it is none of these.
    """
    if isinstance(since, datetime):
        if since.tzinfo is None:
            raise AuthorMistake(f"the moment {since} has no time zone", next_step="give an aware datetime")
        return since
    if isinstance(since, (int, float)) and not isinstance(since, bool):
        return datetime.fromtimestamp(since, UTC)
    return now - timedelta(seconds=seconds_of(since, "the moment"))
