"""Nodes: ready, and alive: a node that died is called ready until its controller gives it up, 40 s and more later."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_deploycheck.checks.asked import Asked, Judgement
from pytest_deploycheck.checks.comparison import require_number
from pytest_deploycheck.checks.pods import age
from pytest_deploycheck.checks.wording import count, head, share
from pytest_deploycheck.model.kubernetes.objects import condition

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from pytest_deploycheck.model.finding import Finding
    from pytest_deploycheck.model.kubernetes.cluster import Lease, Node, Version

LEASE = 40
"""Seconds that a node's lease is good for where it does not say; the kubelet renews it every quarter of that."""
_PRESSURES = ("MemoryPressure", "DiskPressure", "PIDPressure", "NetworkUnavailable")


def silent(leases: Iterable[Lease], now: datetime) -> dict[str, str]:
    """Return node → why it cannot be trusted, for nodes that missed two renewals of their lease in a row.

    Args:
        leases: of the namespace `kube-node-lease`; each is named like its node.
        now: the server's time; the leases are stamped by the nodes' own clocks.
    """
    found = {}
    for lease in leases:
        renewed = lease.spec.renew_time
        allowed = (lease.spec.lease_duration_seconds or LEASE) / 2
        if renewed is None:
            found[lease.metadata.name] = "its lease was never renewed"
        elif (now - renewed).total_seconds() > allowed:
            found[lease.metadata.name] = f"its lease was renewed {age(now, renewed)} ago"
    return found


def ready(
    nodes: Sequence[Node], asked: Asked, *, least: int = 1, silent_nodes: Mapping[str, str] | None = None
) -> Finding:
    """Judge whether enough nodes are ready and take pods.

    FAILED: too few, or one that is not ready or under pressure. INCONCLUSIVE: no node at all, or one that calls itself
    ready and gives no sign of life. Cordoned nodes are told, and not counted.

    Args:
        nodes: all of them.
        asked: the question.
        least: how many must be ready.
        silent_nodes: node → why it cannot be trusted (see `silent`); None if that was not asked.

    Raises:
        AuthorMistake: if less than one is expected.
    """
    require_number("the least number of nodes", least, least=1)
    judgement = Judgement(asked, f"at least {count(least, 'node')} ready, and none that is not", ("node", "problem"))
    if not nodes:
        judgement.doubtful("no data: no node is listed")
        return judgement.finding("")
    bad, quiet, cordoned, good = [], [], [], 0
    for node in nodes:
        if problem := _problem(node):
            bad.append((node.metadata.name, problem))
        elif why := (silent_nodes or {}).get(node.metadata.name):
            quiet.append((node.metadata.name, f"called ready, but {why}"))
        elif node.spec.unschedulable:
            cordoned.append((node.metadata.name, "cordoned: takes no new pods; not counted"))
        else:
            good += 1
    if bad:
        judgement.bad(f"{share(len(bad), len(nodes), 'node')} not ready", bad)
    if quiet:
        judgement.doubtful(f"{share(len(quiet), len(nodes), 'node')} without a sign of life", quiet)
    if good + len(quiet) < least:
        judgement.bad(f"{count(good, 'node')} ready, fewer than the expected {least}")
    judgement.note(cordoned)
    known = "" if silent_nodes is not None else "; whether they are alive was not asked"
    return judgement.finding(f"{good} of {count(len(nodes), 'node')} ready{known}")


def _problem(node: Node) -> str:
    found = condition(node.status.conditions, "Ready")
    if found is None or found.status != "True":
        words = f"{found.reason}: {found.message}" if found is not None else "no condition Ready"
        return head(f"Ready is {found.status if found is not None else 'missing'}: {words}", 120)
    for kind in _PRESSURES:
        pressure = condition(node.status.conditions, kind)
        if pressure is not None and pressure.status == "True":
            return head(f"{kind}: {pressure.message}", 120)
    return ""


def version(found: Version, asked: Asked, *, least: str) -> Finding:
    """Judge whether the API server is of at least a version, such as `1.29`.

    INCONCLUSIVE: it does not tell numbers.

    Raises:
        AuthorMistake: if the least version is not two numbers with a dot.
    """
    from pytest_deploycheck.errors import AuthorMistake

    try:
        major, minor = (int(part) for part in least.removeprefix("v").split(".")[:2])
    except ValueError:
        raise AuthorMistake(f"the least version is {least!r}", next_step='give two numbers, such as "1.29"') from None
    judgement = Judgement(asked, f"Kubernetes of at least {major}.{minor}")
    numbers = found.numbers
    shown = f"{found.major}.{found.minor} ({found.git_version})"
    if numbers is None:
        judgement.doubtful(f"no data: the version {shown} is no number")
    elif numbers < (major, minor):
        judgement.bad(f"Kubernetes {shown}")
    return judgement.finding(f"Kubernetes {shown}")
