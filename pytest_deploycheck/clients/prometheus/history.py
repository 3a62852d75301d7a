"""What Prometheus recorded of its own alerts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_deploycheck.model.prometheus import Alert, AlertHistory, Episode

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pytest_deploycheck.clients.prometheus.client import PrometheusClient
    from pytest_deploycheck.model.prometheus import Sample

_OWN = frozenset({"__name__", "alertstate"})
_POINTS = 200
"""How many points a window is looked at for what was scraped."""


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


def alert_history(
    api: PrometheusClient, states: Sequence[str], window: float, now: float, *, interval: float
) -> AlertHistory:
    """Return when alerts were in one of the states within a window, and how much of it was observed at all.

    Args:
        api: who is asked.
        states: of `pending` and `firing`.
        window: seconds.
        now: its end, Unix seconds on Prometheus's clock.
        interval: seconds between scrapes or evaluations, whichever is longer.

    Raises:
        CannotMeasure: if there is no usable answer.
    """
    found = api.samples(f'ALERTS{{alertstate=~"{"|".join(states)}"}}', window, time=now)
    since = {
        _alert(one.labels): one.samples for one in api.samples("ALERTS_FOR_STATE", window, time=now) if one.samples
    }
    resolution = 2 * interval + 1
    episodes = [
        Episode(
            labels={name: value for name, value in one.labels.items() if name not in _OWN},
            state=one.labels.get("alertstate", ""),
            begins=begins,
            ends=ends,
            since=next((it.value for it in since.get(_alert(one.labels), ()) if it.timestamp >= begins), None),
        )
        for one in found
        for begins, ends in _stretches(one.samples, resolution)
    ]
    step = max(window / _POINTS, resolution)
    points = max(1, int(window / step))
    begin = now - points * step
    scraped = api.range(f"count(count_over_time(up[{max(1, round(step))}s]))", begin + step, now, step)
    seen = {round((it.timestamp - begin) / step) for one in scraped for it in one.samples}
    missing = [number for number in range(1, points + 1) if number not in seen]
    return AlertHistory(
        start=now - window,
        end=now,
        states=tuple(states),
        episodes=tuple(episodes),
        coverage=1 - len(missing) / points,
        gaps=tuple((begin + (first - 1) * step, begin + last * step) for first, last in _runs(missing)),
        resolution=resolution,
    )


def _alert(labels: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((name, value) for name, value in labels.items() if name not in _OWN))


def _stretches(samples: Sequence[Sample], gap: float) -> Iterator[tuple[float, float]]:
    """Yield (first, last) of the samples that follow each other closely."""
    begins = last = None
    for one in samples:
        if begins is None or last is None:
            begins = one.timestamp
        elif one.timestamp - last > gap:
            yield begins, last
            begins = one.timestamp
        last = one.timestamp
    if begins is not None and last is not None:
        yield begins, last


def _runs(numbers: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield (first, last) of numbers that follow each other."""
    first = previous = None
    for number in numbers:
        if first is None or previous is None:
            first = number
        elif number != previous + 1:
            yield first, previous
            first = number
        previous = number
    if first is not None and previous is not None:
        yield first, previous
