"""Objects that must be there with what they hold: keys of Secrets and ConfigMaps, storage classes, policies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_deploycheck.checks.asked import Asked, Judgement
from pytest_deploycheck.checks.comparison import require_number
from pytest_deploycheck.checks.wording import count, names
from pytest_deploycheck.errors import AuthorMistake
from pytest_deploycheck.model.kubernetes.objects import condition

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from pytest_deploycheck.model.finding import Finding
    from pytest_deploycheck.model.kubernetes.cluster import (
        Autoscaler,
        DisruptionBudget,
        KeyNames,
        Namespace,
        NetworkPolicy,
        PolicyRule,
        StorageClass,
    )
    from pytest_deploycheck.model.kubernetes.pods import Pod


def keys(found: KeyNames | None, asked: Asked, *, what: str, expected: Collection[str]) -> Finding:
    """Judge whether a Secret or ConfigMap is there and has its keys. FAILED: absent, or a key is missing.

    INCONCLUSIVE: no key is expected, and it has none.

    Args:
        found: its keys; None if there is no such object.
        asked: the question.
        what: such as `secret shop/web`.
        expected: keys it must have.
    """
    judgement = Judgement(asked, f"{what} with {f'the keys {names(expected)}' if expected else 'any key'}")
    if found is None:
        judgement.bad(f"there is no {what}")
        return judgement.finding("")
    missing = sorted(set(expected) - set(found.keys))
    if missing:
        judgement.bad(f"missing: {', '.join(missing)}; it has {names(found.keys)}")
    elif not found.keys:
        judgement.doubtful("no data: it has no key")
    return judgement.finding(f"it has {names(found.keys)}")


def namespace(found: Namespace | None, asked: Asked, *, name: str) -> Finding:
    """Judge whether a namespace is there and not going away."""
    judgement = Judgement(asked, f"the namespace {name} is active")
    phase = found.status.phase if found is not None and found.status is not None else ""
    if found is None:
        judgement.bad(f"there is no namespace {name}")
    elif phase != "Active":
        judgement.bad(f"it is {phase or 'without a phase'}")
    return judgement.finding(f"it is {phase}")


def storage_classes(found: Sequence[StorageClass], asked: Asked, *, expected: Collection[str]) -> Finding:
    """Judge whether storage classes are there. FAILED: one is missing.

    Raises:
        AuthorMistake: if none is expected: that would hold of any cluster.
    """
    if not expected:
        raise AuthorMistake("no storage class is expected", next_step='name at least one, such as "standard"')
    judgement = Judgement(asked, f"the storage classes {names(expected)}")
    present = [one.metadata.name for one in found]
    if missing := sorted(set(expected) - set(present)):
        judgement.bad(f"missing: {', '.join(missing)}; there are: {names(present)}")
    return judgement.finding(f"there are {names(present)}")


def network_policies(
    policies: Sequence[NetworkPolicy], pods: Sequence[Pod], asked: Asked, *, direction: str = "Ingress"
) -> Finding:
    """Judge whether a policy restricts the traffic of every pod.

    FAILED: a pod without one, or with one that lets everything through: what any of a pod's policies allows is allowed.
    INCONCLUSIVE: there is no pod. Whether the network plugin heeds policies, the API does not tell.

    Args:
        policies: of the pods' namespace.
        pods: whose traffic is to be restricted.
        asked: the question.
        direction: `Ingress` or `Egress`.
    """
    judgement = Judgement(asked, f"a network policy for the {direction} of every pod", ("pod", "labels", "problem"))
    live = [pod for pod in pods if not pod.finished]
    if not live:
        judgement.doubtful("no data: no pod matches")
        return judgement.finding("")
    acting = [one for one in policies if direction in (one.spec.policy_types or ("Ingress",))]
    without, open_ = [], []
    for pod in live:
        mine = [
            one
            for one in acting
            if one.metadata.namespace == pod.metadata.namespace and one.spec.pod_selector.matches(pod.metadata.labels)
        ]
        labels = ", ".join(f"{key}={text}" for key, text in (pod.metadata.labels or {}).items())
        idle = [one.metadata.name for one in mine if any(rule.lets_all_through for rule in _rules(one, direction))]
        if not mine:
            without.append((pod.name, labels, "no policy"))
        elif idle:
            open_.append((pod.name, labels, f"{names(idle)} lets everything through"))
    if without:
        judgement.bad(f"{count(len(without), 'pod')} without one", without)
    if open_:
        judgement.bad(f"{count(len(open_), 'pod')} under one that lets everything through", open_)
    return judgement.finding(f"{count(len(live), 'pod')} under {names(one.metadata.name for one in acting)}")


def _rules(policy: NetworkPolicy, direction: str) -> Sequence[PolicyRule]:
    return (policy.spec.ingress if direction == "Ingress" else policy.spec.egress) or ()


def budget(
    budgets: Sequence[DisruptionBudget], labels: dict[str, str] | None, asked: Asked, *, least_allowed: int = 1
) -> Finding:
    """Judge whether a disruption budget protects a workload's pods, and still lets a node be drained.

    FAILED: none selects them, too few are healthy, fewer disruptions allowed than expected, or more than one selects
    them (the API server then refuses every eviction, whatever they allow). INCONCLUSIVE: its status tells of an older
    spec, or of no pods.

    Args:
        budgets: of the workload's namespace.
        labels: of its pods' template.
        asked: the question.
        least_allowed: how many pods may be evicted now, at least; 0 = any number.

    Raises:
        AuthorMistake: if the number is negative.
    """
    require_number("the least number of disruptions", least_allowed, least=0)
    judgement = Judgement(
        asked, f"a PodDisruptionBudget that is kept and allows at least {count(least_allowed, 'disruption')}"
    )
    mine = [one for one in budgets if one.spec.selector is not None and one.spec.selector.matches(labels)]
    if not mine:
        judgement.bad(f"none of {count(len(budgets), 'budget')} selects its pods")
    if len(mine) > 1:
        which = names(one.metadata.name for one in mine)
        judgement.bad(f"{count(len(mine), 'budget')} select its pods ({which}): no eviction is possible at all")
    for one in mine:
        status, name = one.status, one.metadata.name
        if status.observed_generation < one.metadata.generation:
            judgement.doubtful(f"{name}: its status tells of an older spec")
        elif status.expected_pods == 0:
            judgement.doubtful(f"{name}: no data: it counts no pods")
        elif status.current_healthy < status.desired_healthy:
            judgement.bad(f"{name}: {status.current_healthy} healthy of {status.desired_healthy} that must be")
        elif status.disruptions_allowed < least_allowed:
            judgement.bad(f"{name}: {count(status.disruptions_allowed, 'disruption')} allowed")
    told = (f"{one.metadata.name}: {count(one.status.disruptions_allowed, 'disruption')} allowed" for one in mine)
    return judgement.finding("; ".join(told))


def autoscaler(scalers: Sequence[Autoscaler], asked: Asked, *, kind: str, name: str) -> Finding:
    """Judge whether a workload is scaled by an autoscaler that works.

    FAILED: there is none, it cannot scale, or has no metrics (ScalingActive is False: its `desiredReplicas` 0 means
    nothing). INCONCLUSIVE: it has not said yet. That it is at its limit is told.

    Args:
        scalers: of the workload's namespace.
        asked: the question.
        kind: of the workload, such as `Deployment`.
        name: of the workload.
    """
    judgement = Judgement(asked, f"{kind.lower()} {name} is scaled by an autoscaler that works")
    mine = next(
        (one for one in scalers if (one.spec.scale_target_ref.kind, one.spec.scale_target_ref.name) == (kind, name)),
        None,
    )
    if mine is None:
        judgement.bad(f"none of {count(len(scalers), 'autoscaler')} scales it")
        return judgement.finding("")
    for needed in ("AbleToScale", "ScalingActive"):
        found = condition(mine.status.conditions, needed)
        if found is None or found.status == "Unknown":
            judgement.doubtful(f"{mine.metadata.name}: {needed} is not known yet")
        elif found.status != "True":
            judgement.bad(f"{mine.metadata.name}: {needed} is {found.status}: {found.reason}: {found.message}")
    limited = condition(mine.status.conditions, "ScalingLimited")
    note = f", limited: {limited.reason}" if limited is not None and limited.status == "True" else ""
    return judgement.finding(
        f"{mine.metadata.name}: {mine.status.current_replicas} of {mine.spec.min_replicas} to "
        f"{mine.spec.max_replicas} replicas{note}"
    )
