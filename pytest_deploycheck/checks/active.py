"""What Alertmanager holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_deploycheck.checks.asked import Asked, Judgement
from pytest_deploycheck.checks.wording import count, moment
from pytest_deploycheck.model.prometheus import format_labels

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_deploycheck.model.alertmanager import AmAlert
    from pytest_deploycheck.model.finding import Finding


def no_alerts(found: Sequence[AmAlert], asked: Asked) -> Finding:
    """Judge that there is no alert among those asked for, the longest first in the table.

    Right after a restart Alertmanager holds nothing until Prometheus sends again (up to a minute): that nothing is
    firing is for Prometheus's own alerts to say.

    Args:
        found: the alerts.
        asked: the question.
    """
    judgement = Judgement(asked, "no alert", ("alert", "state", "since", "receivers"))
    if found:
        ordered = sorted(found, key=lambda alert: (alert.starts_at or 0.0, alert.name))
        rows = [
            (
                format_labels(
                    {("__name__" if key == "alertname" else key): text for key, text in alert.labels.items()}
                ),
                alert.state,
                moment(alert.starts_at),
                ", ".join(alert.receivers),
            )
            for alert in ordered
        ]
        judgement.bad(count(len(found), "alert"), rows)
    return judgement.finding("no alert")
