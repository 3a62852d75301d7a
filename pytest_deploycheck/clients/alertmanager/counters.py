"""What Alertmanager's own metrics say of its notifications."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pytest_deploycheck.model.alertmanager import NotificationCounters

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_deploycheck.clients.text_format import SampleLine

_FIELDS = {
    "alertmanager_notifications_total": "notifications",
    "alertmanager_notifications_failed_total": "notifications_failed",
    "alertmanager_notification_requests_total": "requests",
    "alertmanager_notification_requests_failed_total": "requests_failed",
}


def notification_counters(samples: Iterable[SampleLine]) -> tuple[NotificationCounters, ...]:
    """Return the counters of each integration, sorted by its name.

    Newer versions split them further (by `reason`, by `receiver_name`): these are added up. A counter that this
    version does not have is NaN, never 0: "no failures" must not follow from not counting them.
    """
    found: dict[str, dict[str, float]] = {}
    for sample in samples:
        attribute = _FIELDS.get(sample.name)
        integration = sample.labels.get("integration")
        if attribute is None or integration is None:
            continue
        counters = found.setdefault(integration, {})
        counters[attribute] = counters.get(attribute, 0.0) + sample.value
    return tuple(
        NotificationCounters(
            integration=integration,
            notifications=counters.get("notifications", math.nan),
            notifications_failed=counters.get("notifications_failed", math.nan),
            requests=counters.get("requests", math.nan),
            requests_failed=counters.get("requests_failed", math.nan),
        )
        for integration, counters in sorted(found.items())
    )
