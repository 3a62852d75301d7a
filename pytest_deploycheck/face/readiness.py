"""Readiness of a monitoring system: it says so, it answers, and it runs the configuration it was given."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_deploycheck.checks.asked import Asked, Judgement

if TYPE_CHECKING:
    from pytest_deploycheck.model.finding import Finding


def judge_ready(
    asked: Asked, *, answered: bool, config_loaded: bool | None, cluster: str | None = None, version: str = ""
) -> Finding:
    """Judge what a ready system said.

    A failed reload leaves `/-/ready` at 200 and the old configuration in force (measured on Prometheus 2.42 and
    Alertmanager 0.25); a cluster that settles says ready too, and does not notify yet.

    Args:
        asked: the question.
        answered: whether a trivial query was answered.
        config_loaded: whether the last load of the configuration succeeded; None where the system does not tell.
        cluster: Alertmanager's cluster status, or None.
        version: what the system says of itself.
    """
    judgement = Judgement(asked, "ready, answering, the last configuration loaded")
    if not answered:
        judgement.doubtful("a trivial query was not answered with one value")
    if config_loaded is False:
        judgement.bad("the last reload of its configuration failed: the old one is in force")
    if config_loaded is None:
        judgement.doubtful("it does not tell whether its configuration was loaded")
    if cluster is not None and cluster not in ("ready", "disabled"):
        judgement.doubtful(f"its cluster is {cluster}: it does not notify yet")
    return judgement.finding(f"ready{', version ' + version if version else ''}")
