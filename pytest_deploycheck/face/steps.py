"""In which points a window is read: as close as the system changes, and only where it was observed at all."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from pytest_deploycheck.errors import Forbidden, NotSupported, QueryFailed

if TYPE_CHECKING:
    from pytest_deploycheck.face.prometheus import Prometheus
    from pytest_deploycheck.model.prometheus import RangeVector

__tracebackhide__ = True

SHORTEST: Final = 1.0
"""Seconds; nothing is read in smaller steps, unless its author says so."""

COARSE: Final = 200
"""Points that are always affordable."""
USUAL: Final = 15.0
"""Seconds between scrapes in most systems."""
_LEAST: Final = 4
"""Points of which a share can be told."""
_MOST_POINTS: Final = 10_000
"""Prometheus gives at most 11,000 points a series."""
_MOST_SAMPLES: Final = 1_000_000
"""Of all series together: some 20 MB."""


def step_over(length: float, wanted: float, *, series: int) -> float:
    """Return the seconds between two points, as near to what is wanted as can be afforded.

    A window of a day read in two hundred points would not show an outage of six minutes.

    Args:
        length: of the window, in seconds.
        wanted: the seconds in which the system can change.
        series: how many series are read.
    """
    points = max(COARSE, min(_MOST_POINTS, _MOST_SAMPLES // max(1, series)))
    return max(SHORTEST, wanted, length / points)


def observed_range(prometheus: Prometheus, expr: str, start: float, end: float, step: float) -> RangeVector:
    """Return a range without the points at which Prometheus itself observed nothing.

    While it was down or hung it scraped nobody; asked later it repeats the last samples from before for five minutes,
    and a gap would look like good values. A Prometheus without a single `up` in the window (one that is only written
    to) does not tell.

    Args:
        prometheus: who is asked.
        expr: PromQL giving an instant vector or a scalar.
        start: Unix seconds on Prometheus's clock.
        end: the same.
        step: seconds between points.

    Raises:
        CannotMeasure: if there is no usable answer.
    """
    vector = prometheus.api.range(expr, start, end, step)
    seen = _observed(prometheus, start, end, step)
    if seen is None or all(sample.timestamp in seen for one in vector for sample in one.samples):
        return vector
    kept = (replace(one, samples=tuple(it for it in one.samples if it.timestamp in seen)) for one in vector)
    return replace(vector, series=tuple(kept))


def gap(prometheus: Prometheus, start: float, end: float, coverage: float) -> str:
    """Return how much of a window Prometheus observed, if it is less than the least share; else an empty text.

    Args:
        prometheus: who is asked.
        start: Unix seconds on Prometheus's clock.
        end: the same.
        coverage: the least share.
    """
    prometheus.rhythm()  # reads the configuration, once
    step = max(SHORTEST, (end - start) / COARSE, prometheus.scrape_interval or 0.0)
    if end - start < _LEAST * step or (seen := _observed(prometheus, start, end, step)) is None:
        return ""
    share = len(seen) / (math.floor((end - start) / step + 1e-9) + 1)
    return "" if share >= coverage - 1e-9 else f"Prometheus scraped nothing in {(1 - share) * 100:.3g} % of the window"


def _observed(prometheus: Prometheus, start: float, end: float, step: float) -> set[float] | None:
    """Return the points of a window at which Prometheus had scraped anything lately; None if it does not tell."""
    prometheus.rhythm()  # reads the configuration, once
    if prometheus.scrape_interval is None:
        return None
    reach = math.ceil(2 * prometheus.scrape_interval + 1)
    try:
        found = prometheus.api.range(f"count(count_over_time(up[{reach}s]))", start, end, step)
    except (Forbidden, NotSupported, QueryFailed):
        return None  # a proxy that lets only some metrics through
    return {sample.timestamp for one in found for sample in one.samples} or None
