"""What containers ask for, may use, and use."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from pytest_deploycheck.checks.asked import Asked, Judgement
from pytest_deploycheck.checks.comparison import require_number
from pytest_deploycheck.checks.pods import age
from pytest_deploycheck.checks.wording import count

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from pytest_deploycheck.model.finding import Finding
    from pytest_deploycheck.model.kubernetes.cluster import PodUsage
    from pytest_deploycheck.model.kubernetes.pods import Pod

OLDEST = timedelta(minutes=3)
"""The metrics server scrapes every 15 s to 60 s and answers with what it last had, however old."""

_UNMEASURED = "not measured"

# apimachinery's resource.Quantity: decimal and binary suffixes, or an exponent
_SUFFIXES = {
    "n": Decimal("1e-9"), "u": Decimal("1e-6"), "m": Decimal("1e-3"), "": Decimal(1),
    "k": Decimal(10**3), "M": Decimal(10**6), "G": Decimal(10**9), "T": Decimal(10**12), "P": Decimal(10**15),
    "E": Decimal(10**18), "Ki": Decimal(2**10), "Mi": Decimal(2**20), "Gi": Decimal(2**30), "Ti": Decimal(2**40),
    "Pi": Decimal(2**50), "Ei": Decimal(2**60),
}  # fmt: skip


_QUANTITY = re.compile(
    r"(?P<number>[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)(?P<suffix>[numkMGTPE]|[KMGTPE]i)?"
)


def quantity(text: str) -> float:
    """Return a quantity such as `500m`, `128Mi` or `1e3` in base units.

    Raises:
        ValueError: if it is none.
    """
    found = _QUANTITY.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is no quantity")
    return float(Decimal(found["number"]) * _SUFFIXES[found["suffix"] or ""])


def limits(pods: Sequence[Pod], asked: Asked, *, resources: Collection[str] = ("memory",)) -> Finding:
    """Judge whether every container has limits. FAILED: one without, or with 0 (no limit). INCONCLUSIVE: no pod.

    Args:
        pods: as they are.
        asked: the question.
        resources: which limits; `cpu` limits are often left out on purpose.
    """
    judgement = Judgement(
        asked, f"a limit of {' and '.join(resources)} for every container", ("pod", "container", "has")
    )
    live = [pod for pod in pods if not pod.finished]
    if not live:
        judgement.doubtful("no data: no pod matches")
        return judgement.finding("")
    rows = []
    for pod in live:
        for container in (*(pod.spec.init_containers or ()), *pod.spec.containers):
            found = (container.resources.limits if container.resources is not None else None) or {}
            if any(not quantity(found.get(resource, "0")) for resource in resources):
                rows.append((pod.name, container.name, ", ".join(f"{k}={v}" for k, v in found.items()) or "no limit"))
    if rows:
        judgement.bad(f"{count(len(rows), 'container')} without", rows)
    return judgement.finding(f"every container of {count(len(live), 'pod')} has them")


def within(
    pods: Sequence[Pod],
    used: Sequence[PodUsage],
    asked: Asked,
    *,
    now: datetime,
    shares: Mapping[str, float],
) -> Finding:
    """Judge what containers use against their limits.

    FAILED: a container above its share. INCONCLUSIVE: no pod, no measurement of a ready pod, one that is too old, or a
    container without that limit (nothing to hold it against).

    Args:
        pods: as they are.
        used: what the metrics API tells of them.
        asked: the question.
        now: the server's time.
        shares: `cpu` or `memory` → the most, as a share of the limit.

    Raises:
        AuthorMistake: if a share is not positive.
    """
    for resource, most in shares.items():
        require_number(f"the share of {resource}", most, finite=True, least=0.001)
    wanted = ", ".join(f"{resource} at most {most:.0%} of its limit" for resource, most in shares.items())
    judgement = Judgement(
        asked, f"every container: {wanted}", ("pod", "container", "resource", "uses", "limit", "share")
    )
    live = [pod for pod in pods if pod.ready and not pod.terminating and not pod.finished]
    if not live:
        judgement.doubtful("no data: no ready pod matches")
        return judgement.finding("")
    known = {(one.metadata.namespace, one.metadata.name): one for one in used}
    over: list[tuple[float, tuple[str, ...]]] = []
    silent: list[tuple[str, ...]] = []
    worst = 0.0
    for pod in live:
        usage = known.get((pod.metadata.namespace, pod.name))
        if usage is None or usage.timestamp is None or now - usage.timestamp > OLDEST:
            when = "not measured" if usage is None else f"measured {age(now, usage.timestamp) or 'at no time'} ago"
            silent.append((pod.name, "", "", when, "", ""))
            continue
        for container, resource, uses, limit in _pairs(pod, usage, shares):
            if not limit or uses == _UNMEASURED:
                silent.append((pod.name, container, resource, uses, limit or "none", ""))
                continue
            ratio = quantity(uses) / quantity(limit)
            worst = max(worst, ratio)
            if ratio > shares[resource]:
                over.append((ratio, (pod.name, container, resource, uses, limit, f"{ratio:.0%}")))
    if over:
        over.sort(key=lambda pair: -pair[0])
        judgement.bad(f"{count(len(over), 'container')} above", [row for _, row in over])
    if silent:
        judgement.doubtful(f"{count(len(silent), 'container or pod', 'containers or pods')} not to be judged", silent)
    return judgement.finding(f"at most {worst:.0%} of a limit in {count(len(live), 'pod')}")


def _pairs(pod: Pod, usage: PodUsage, shares: Mapping[str, float]) -> list[tuple[str, str, str, str]]:
    """Return (container, resource, what it uses, its limit; empty for none, and for 0, which means none)."""
    used = {one.name: one.usage for one in usage.containers}
    found = []
    for container in pod.spec.containers:
        own = (container.resources.limits if container.resources is not None else None) or {}
        for resource in shares:
            limit = own.get(resource, "0")
            uses = used.get(container.name, {}).get(resource, _UNMEASURED)
            found.append((container.name, resource, uses, limit if quantity(limit) else ""))
    return found
