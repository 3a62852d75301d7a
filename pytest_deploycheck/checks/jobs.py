"""Jobs: they are complete, have failed, or are neither yet; `kubectl rollout status` does not know them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_deploycheck.checks.asked import Asked, Judgement
from pytest_deploycheck.model.kubernetes.objects import condition

if TYPE_CHECKING:
    from pytest_deploycheck.model.finding import Finding
    from pytest_deploycheck.model.kubernetes.workloads import Job


def complete(job: Job, asked: Asked) -> Finding:
    """Judge whether a job has completed.

    FAILED: it has failed, or is not done yet. INCONCLUSIVE: it is suspended, or was never started.
    """
    status = job.status
    judgement = Judgement(asked, f"job {job.metadata.name} is complete")
    wanted = 1 if job.spec.completions is None else job.spec.completions
    counters = f"{status.succeeded} of {wanted} succeeded, {status.failed} failed, {status.active} active"
    failed, done = condition(status.conditions, "Failed"), condition(status.conditions, "Complete")
    if failed is not None and failed.status == "True":
        judgement.bad(f"it failed: {failed.reason}: {failed.message} ({counters})")
    elif done is not None and done.status == "True":
        if job.metadata.deletion_timestamp is not None:
            judgement.bad("it is being deleted")
    elif job.spec.suspend:
        judgement.doubtful("it is suspended")
    elif status.start_time is None:
        judgement.doubtful("no data: it was never started")
    else:
        judgement.bad(f"it is not done: {counters}")
    return judgement.finding(counters)
