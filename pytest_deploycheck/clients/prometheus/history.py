"""What Prometheus recorded of its own alerts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_deploycheck.model.prometheus import Alert

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_deploycheck.clients.prometheus.client import PrometheusClient

_OWN = frozenset({"__name__", "alertstate"})


def past_alerts(api: PrometheusClient, states: Sequence[str], window: float, now: float) -> tuple[Alert, ...]:
    """Return the alerts that were in one of the states at some evaluation within a window.

    Prometheus writes a sample of `ALERTS` for every active alert at each evaluation of its rule: the raw samples tell
    of each one, however short.

    Args:
        api: who is asked.
        states: of `pending` and `firing`.
        window: seconds.
        now: its end, Unix seconds on Prometheus's clock.

    Raises:
        CannotMeasure: if there is no usable answer.
    """
    found = api.samples(f'ALERTS{{alertstate=~"{"|".join(states)}"}}', window, time=now)
    return tuple(
        Alert(
            labels={name: value for name, value in one.labels.items() if name not in _OWN},
            state=one.labels.get("alertstate", ""),
            active_at=one.samples[0].timestamp if one.samples else None,
        )
        for one in found
    )
