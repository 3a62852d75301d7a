"""Restarts of containers since a moment, told by (pod uid, container): a new pod's count begins at zero."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from pytest_deploycheck.checks.asked import Asked, Judgement
from pytest_deploycheck.checks.comparison import require_number
from pytest_deploycheck.checks.pods import age
from pytest_deploycheck.checks.wording import count, share

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from pytest_deploycheck.model.finding import Finding
    from pytest_deploycheck.model.kubernetes.pods import ContainerStatus, Pod, Terminated

Counts = dict[tuple[str, str], int]
"""(pod uid, container) → restarts so far."""


class Restarts(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one container's restarts since a moment.

    Attributes:
        pod: the pod's name.
        container: the container's.
        least: how many there were at least.
        most: how many there can have been.
        why: how it last ended.
    """

    pod: str
    container: str
    least: int
    most: int
    why: str = ""


def counts(pods: Iterable[Pod]) -> Counts:
    """Return the counters as they stand, to be compared with later ones."""
    return {(pod.metadata.uid, one.name): one.restart_count for pod in pods for one in pod.statuses}


def since(pods: Iterable[Pod], moment: datetime | None, before: Mapping[tuple[str, str], int] | None) -> list[Restarts]:
    """Return the restarts of every container, init containers included, that had any.

    A counter alone does not tell when. What is known: the counters at an earlier look; that a pod made since then has
    had all its restarts since then; and the end of the last restart.

    Args:
        pods: as they are.
        moment: since when; None = ever.
        before: the counters at an earlier look, which tell more than the moment.
    """
    return [
        found
        for pod in pods
        for status in pod.statuses
        if (found := _of(pod, status, moment, before)) is not None and found.most
    ]


def _of(
    pod: Pod, status: ContainerStatus, moment: datetime | None, before: Mapping[tuple[str, str], int] | None
) -> Restarts | None:
    now = status.restart_count
    ended = status.last_state.terminated if status.last_state is not None else None
    made = pod.metadata.creation_timestamp
    least = most = now
    if before is not None:
        # a counter that went down began anew: everything it counts is since then
        known = before.get((pod.metadata.uid, status.name), 0)
        least = most = now - known if now >= known else now
    elif moment is not None and (made is None or made < moment):
        last = ended.finished_at if ended is not None else None
        if last is None:
            least = 0  # restarted, and nothing tells when
        elif last < moment:
            least = most = 0
        else:
            least = min(1, now)
    return Restarts(pod=pod.name, container=status.name, least=least, most=most, why=_why(ended))


def _why(ended: Terminated | None) -> str:
    if ended is None:
        return "nothing tells when or why"
    when = f" at {ended.finished_at:%Y-%m-%dT%H:%M:%SZ}" if ended.finished_at is not None else ""
    return f"last ended {ended.reason or 'without a reason'}, exit code {ended.exit_code}{when}"


def at_most(
    pods: Sequence[Pod],
    bound: float,
    asked: Asked,
    *,
    now: datetime,
    moment: datetime | None = None,
    before: Mapping[tuple[str, str], int] | None = None,
) -> Finding:
    """Judge whether all containers together restarted at most so often.

    FAILED: more than that, for sure. INCONCLUSIVE: perhaps more; no pod; a pod none of whose containers has started,
    which could not have restarted.

    Args:
        pods: as they are.
        bound: the most restarts.
        asked: the question.
        now: the server's time.
        moment: since when; None = ever.
        before: the counters at an earlier look.

    Raises:
        AuthorMistake: if the bound is negative.
    """
    require_number("the number of restarts", bound, least=0)
    when = f" since {moment:%Y-%m-%dT%H:%M:%SZ}" if moment is not None else ""
    judgement = Judgement(
        asked, f"at most {bound:g} restarts of its containers{when}", ("pod", "container", "restarts", "last")
    )
    live = [pod for pod in pods if not pod.finished]
    if not live:
        judgement.doubtful("no data: no pod matches")
        return judgement.finding("")
    found = sorted(since(live, moment, before), key=lambda one: (-one.least, -one.most, one.pod))
    least, most = sum(one.least for one in found), sum(one.most for one in found)
    table = [(one.pod, one.container, _number(one), one.why) for one in found]
    if least > bound:
        judgement.bad(f"{count(least, 'restart')}{' or more' if most > least else ''}", table)
    elif most > bound:
        judgement.doubtful(f"up to {count(most, 'restart')}, and nothing tells whether since then", table)
    never = [pod for pod in live if not any(_started(one) for one in pod.statuses)]
    if never:
        judgement.doubtful(
            f"{share(len(never), len(live), 'pod')} without a container that ever started",
            [
                (pod.name, "", "", f"{pod.status.phase} for {age(now, pod.metadata.creation_timestamp)}")
                for pod in never
            ],
        )
    return judgement.finding(f"{count(least, 'restart')} in {count(len(live), 'pod')}")


def _number(found: Restarts) -> str:
    return str(found.least) if found.least == found.most else f"{found.least} to {found.most}"


def _started(status: ContainerStatus) -> bool:
    state = status.state
    return status.restart_count > 0 or (
        state is not None and (state.running is not None or state.terminated is not None)
    )
