"""What to do with the release: the rollback tiers of failed blockers against the time since the deployment."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pytest_deploycheck.model.instant import rfc3339
from pytest_deploycheck.model.outcome import Outcome, Recommendation, Verdict

if TYPE_CHECKING:
    from pytest_deploycheck.gate.standing import Standing
    from pytest_deploycheck.model.declaration import Tier
    from pytest_deploycheck.model.run import RunFacts


def recommend(
    verdict: Verdict, rows: tuple[Standing, ...], facts: RunFacts, *, now: float
) -> tuple[Recommendation, tuple[str, ...]]:
    """Return what to do now, and why.

    A failed blocker of tier `immediate` means ROLLBACK; `after(T)` means ROLLBACK once T has passed since the
    deployment finished, HOLD before; `investigate` means HOLD. The strongest of all failed blockers wins. A run
    without a failed blocker never means ROLLBACK: what could not be measured is no proof of harm.

    Args:
        verdict: of the run.
        rows: how the checks stand.
        facts: for the default tier and the deployment's finish.
        now: Unix seconds.
    """
    if verdict is Verdict.GO:
        every = "every blocker that counts passed or is waived"
        if not facts.only:
            return Recommendation.PROMOTE, (every,)
        others = ", ".join(name for name in facts.targets if name not in facts.only)
        return Recommendation.PROMOTE, (f"{every}, in {', '.join(facts.only)} alone", f"nothing is known of {others}")
    failed = [row for row in rows if row.blocks and row.outcome is Outcome.FAILED]
    if not failed:
        return Recommendation.HOLD, ("nothing was measured as bad, but not enough was measured to promote",)
    answers = []
    for row in failed:
        declared = row.declaration.tier if row.declaration is not None else None
        answer, text = _one(declared or facts.default_tier, facts.deployment_finished_at, now)
        answers.append((answer, f"{row.nodeid}: {text}"))
    rollback = tuple(text for answer, text in answers if answer is Recommendation.ROLLBACK)
    if rollback:
        return Recommendation.ROLLBACK, rollback
    return Recommendation.HOLD, tuple(text for _, text in answers)


def _one(tier: Tier, finished: float | None, now: float) -> tuple[Recommendation, str]:
    """Return what one failed blocker of this tier means at this moment."""
    if tier.kind == "immediate":
        return Recommendation.ROLLBACK, "its tier is immediate"
    if tier.kind == "investigate":
        return Recommendation.HOLD, "somebody must look into it first (its tier is investigate)"
    if tier.seconds is None or not math.isfinite(tier.seconds):
        return Recommendation.HOLD, "its tier is after, without a time: somebody must decide"
    if finished is None or not math.isfinite(finished):
        return Recommendation.HOLD, f"its tier is {tier}, but when the deployment finished is unknown"
    due = finished + tier.seconds
    if now >= due:
        return Recommendation.ROLLBACK, f"its tier is {tier}, and that time ended at {rfc3339(due)}"
    return Recommendation.HOLD, f"its tier is {tier}: roll back if it still fails at {rfc3339(due)}"
