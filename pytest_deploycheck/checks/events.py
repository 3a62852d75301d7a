"""Events: what the cluster complained of. No event proves nothing, for they are kept for an hour or less."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from pytest_deploycheck.checks.asked import Asked, Judgement
from pytest_deploycheck.checks.pods import age
from pytest_deploycheck.checks.wording import count, head

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from pytest_deploycheck.model.finding import Finding
    from pytest_deploycheck.model.kubernetes.cluster import Event, ObjectReference

KEPT = timedelta(hours=1)
"""How long an API server keeps events unless it is told otherwise (`--event-ttl`)."""


def none(
    events: Sequence[Event],
    asked: Asked,
    *,
    now: datetime,
    since: datetime | None,
    allowed: Collection[str] = (),
    names: Collection[str] | None = None,
    makers: Collection[str] = (),
) -> Finding:
    """Judge whether nothing was complained of (type Warning) since a moment.

    FAILED: a warning whose reason is not allowed. INCONCLUSIVE: none, but the moment lies so far back that older ones
    may be forgotten.

    Args:
        events: of any type, about anything.
        asked: the question.
        now: the server's time.
        since: since when; None = as far as events are kept.
        allowed: reasons that may be complained of, such as `Unhealthy`.
        names: only events about objects whose names these are; None = about all.
        makers: names of what makes pods (ReplicaSets, StatefulSets, DaemonSets): events about their pods belong to it
            as well, also about those that are gone by now.
    """
    when = f" since {since:%Y-%m-%dT%H:%M:%SZ}" if since is not None else ""
    judgement = Judgement(asked, f"no Warning event{when}", ("object", "reason", "times", "last", "message"))
    mine = [one for one in events if names is None or _is_about(one.involved_object, names, makers)]
    bad = [
        one
        for one in mine
        if one.type == "Warning"
        and one.reason not in allowed
        and (since is None or one.last_seen is None or one.last_seen >= since)
    ]
    if bad:
        bad.sort(key=lambda one: -one.times)
        reasons: dict[str, int] = {}
        for one in bad:
            reasons[one.reason] = reasons.get(one.reason, 0) + one.times
        said = ", ".join(f"{reason} ({times})" for reason, times in sorted(reasons.items(), key=lambda item: -item[1]))
        judgement.bad(
            f"{count(len(bad), 'Warning event')}: {said}",
            [
                (
                    f"{one.involved_object.kind.lower()} {one.involved_object.name}",
                    one.reason,
                    str(one.times),
                    f"{age(now, one.last_seen)} ago" if one.last_seen is not None else "",
                    head(one.message, 120),
                )
                for one in bad
            ],
        )
    elif since is not None and now - since > KEPT:
        judgement.doubtful(
            f"no Warning event is left, and events are kept for an hour: nothing tells of {age(now, since)} ago"
        )
    return judgement.finding(f"no Warning event among {count(len(mine), 'event')}")


def _is_about(about: ObjectReference, names: Collection[str], makers: Collection[str]) -> bool:
    # a pod is called like what made it, with a number or five random characters
    return about.name in names or (about.kind == "Pod" and about.name.rpartition("-")[0] in makers)
