"""Pods: whether they are ready, and what keeps those that are not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_deploycheck.checks.asked import Asked, Judgement
from pytest_deploycheck.checks.comparison import require_number
from pytest_deploycheck.checks.wording import count, head, seconds, share
from pytest_deploycheck.model.kubernetes.objects import condition

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from datetime import datetime

    from pytest_deploycheck.model.finding import Finding
    from pytest_deploycheck.model.kubernetes.pods import ContainerStatus, Pod, PodHead, Terminated

Rows = list[tuple[str, ...]]
COLUMNS = ("pod", "state", "age", "problem")
STUCK = frozenset(
    {
        "CrashLoopBackOff",
        "ImagePullBackOff",
        "ErrImagePull",
        "ErrImageNeverPull",
        "InvalidImageName",
        "CreateContainerConfigError",
        "CreateContainerError",
        "RunContainerError",
    }
)
"""Reasons for which a container waits that no waiting cures."""
_TROUBLE = 160


def ready(
    heads: Sequence[PodHead],
    asked: Asked,
    *,
    now: datetime,
    closer: Callable[[], Sequence[Pod]],
    least: int = 1,
    finished_allowed: bool = True,
) -> Finding:
    """Judge whether every pod is ready.

    The condition Ready decides: the phase Running says nothing of it, and on a dead node the containers still call
    themselves ready. FAILED: not ready, terminating in place of a ready one, or fewer pods than expected. INCONCLUSIVE:
    no pod at all.

    Args:
        heads: what a selector matches.
        asked: the question.
        now: the server's time.
        closer: gives the same pods whole; called only if one of them is not simply ready.
        least: how many must be ready.
        finished_allowed: whether pods that have ended (evicted ones, those of jobs) are only told, not counted.

    Raises:
        AuthorMistake: if less than one is expected.
    """
    require_number("the least number of pods", least, least=1)
    judgement = Judgement(asked, f"at least {count(least, 'pod')}, every one ready", COLUMNS)
    if not heads:
        judgement.doubtful("no data: no pod matches")
        return judgement.finding("")
    calm = all(pod.ready and not pod.finished and not pod.terminating for pod in heads)
    finished, leaving, good, unready = _sorted(() if calm else closer())
    amount = len(heads) if calm else len(good)
    if unready:
        judgement.bad(f"{share(len(unready), len(heads) - len(finished), 'pod')} not ready", pod_rows(unready, now))
    if finished and not finished_allowed:
        judgement.bad(f"{share(len(finished), len(heads), 'pod')} ended", pod_rows(finished, now))
    if amount < least:
        judgement.bad(f"{count(amount, 'ready pod')}, fewer than the expected {least}")
    rows: Rows = [
        (pod.name, "terminating", age(now, pod.metadata.creation_timestamp), "not counted") for pod in leaving
    ]
    if finished_allowed:
        rows += [(*row[:3], f"has ended, not counted: {row[3]}") for row in pod_rows(finished, now)]
    judgement.note(rows)
    said = f"all {count(amount, 'pod')} ready"
    return judgement.finding(f"{said}; {count(len(rows), 'pod')} not counted" if rows else said)


def _sorted(pods: Iterable[Pod]) -> tuple[list[Pod], list[Pod], list[Pod], list[Pod]]:
    """Return those that have ended, those that terminate, those that are ready, and the others, in one pass."""
    finished: list[Pod] = []
    leaving: list[Pod] = []
    good: list[Pod] = []
    unready: list[Pod] = []
    for pod in pods:
        if pod.finished:
            finished.append(pod)
        elif pod.terminating:
            leaving.append(pod)
        else:
            (good if pod.ready else unready).append(pod)
    return finished, leaving, good, unready


def stuck(pods: Sequence[Pod], asked: Asked, *, now: datetime) -> Finding:
    """Judge whether a container waits for something that waiting does not cure, or was killed for its memory.

    FAILED: CrashLoopBackOff, ImagePullBackOff, ErrImagePull, InvalidImageName, CreateContainerConfigError and their
    kin, in init containers too; last ended OOMKilled. INCONCLUSIVE: no pod at all, or one whose containers have no
    state yet.
    """
    judgement = Judgement(
        asked, "no container in a back-off, without its image or configuration, or OOMKilled", COLUMNS
    )
    live = [pod for pod in pods if not pod.finished]
    if not live:
        judgement.doubtful("no data: no pod matches")
        return judgement.finding("")
    rows: Rows = []
    silent: Rows = []
    for pod in live:
        found = [problem for problem in _container_problems(pod) if _is_stuck(problem)]
        made = age(now, pod.metadata.creation_timestamp)
        rows += [(pod.name, state(pod), made, problem) for problem in found]
        if not found and not pod.statuses:
            silent.append((pod.name, state(pod), made, trouble(pod)))
    if rows:
        judgement.bad(f"{count(len(rows), 'container')} stuck or killed", rows)
    if silent:
        judgement.doubtful(f"{share(len(silent), len(live), 'pod')} without any container state", silent)
    return judgement.finding(f"no container of {count(len(live), 'pod')} is stuck")


def _is_stuck(problem: str) -> bool:
    return "OOMKilled" in problem or any(reason in problem for reason in STUCK)


def trouble(pod: Pod) -> str:  # noqa: PLR0911 - the first cause that fits
    """Return why a pod is not ready, on one line: the first cause that the pod itself tells."""
    if pod.finished:
        return head(f"{pod.status.reason or pod.status.phase}: {pod.status.message}".rstrip(": "), _TROUBLE)
    scheduled = condition(pod.status.conditions, "PodScheduled")
    if scheduled is not None and scheduled.status != "True":
        return head(f"not scheduled: {scheduled.reason}: {scheduled.message}".rstrip(": "), _TROUBLE)
    if found := list(_container_problems(pod)):
        more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        return head(found[0], _TROUBLE) + more
    if not pod.status.conditions:
        return "no scheduler has looked at it"
    if not pod.statuses:
        return f"no word from the kubelet of {pod.spec.node_name or 'its node'}"
    found_ready = condition(pod.status.conditions, "Ready")
    if found_ready is None:
        return "no condition Ready"
    if found_ready.status == "True":
        return "terminating" if pod.terminating else ""
    words = f"{found_ready.reason}: {found_ready.message}".strip(": ") or "no reason is given"
    if all(one.ready for one in pod.status.container_statuses or ()):
        known = f" ({words})" if found_ready.reason else ""
        return head(f"not ready though its containers are{known}: a dead node, or a readiness gate", _TROUBLE)
    return head(words, _TROUBLE)


def _container_problems(pod: Pod) -> Iterator[str]:
    """Yield what is wrong with single containers, init containers first, for they hold up the others."""
    for kind, statuses in (
        ("init container", pod.status.init_container_statuses),
        ("container", pod.status.container_statuses),
    ):
        for status in statuses or ():
            if problem := _container_problem(status, init=kind != "container"):
                yield f"{kind} {status.name}: {problem}"


def _container_problem(status: ContainerStatus, *, init: bool) -> str:
    now, before = status.state, status.last_state.terminated if status.last_state else None
    last = f"; last {_ended(before)}" if before is not None else ""
    times = f" ({count(status.restart_count, 'restart')}{last})" if status.restart_count else ""
    if now is not None and now.waiting is not None and now.waiting.reason != "PodInitializing":
        message = f": {now.waiting.message}" if now.waiting.message and not times else ""
        return f"{now.waiting.reason or 'waiting'}{times}{message}"
    if now is not None and now.terminated is not None and not (init and now.terminated.exit_code == 0):
        return f"{_ended(now.terminated)}{times}"
    if before is not None and before.reason == "OOMKilled":
        return f"was OOMKilled{times}"
    if not status.ready and status.restart_count and not init:
        return f"not ready{times}"
    return ""


def _ended(terminated: Terminated) -> str:
    return f"{terminated.reason or 'ended'} with exit code {terminated.exit_code}"


def state(pod: Pod) -> str:
    """Return one word for what a pod is."""
    if pod.terminating:
        return "terminating"
    return "ready" if pod.ready else pod.status.phase.lower() or "unknown"


def age(now: datetime, since: datetime | None) -> str:
    """Return how long ago something was; empty if that is not known."""
    return "" if since is None else seconds(max(0.0, (now - since).total_seconds()))


def pod_rows(pods: Iterable[Pod], now: datetime) -> list[tuple[str, ...]]:
    """Return a row of `COLUMNS` for each pod."""
    return [(pod.name, state(pod), age(now, pod.metadata.creation_timestamp), trouble(pod)) for pod in pods]
