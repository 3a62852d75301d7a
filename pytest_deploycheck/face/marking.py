"""A counter's mark and what it has increased by since: exact, from raw samples."""

from __future__ import annotations

import math
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Self

from pytest_deploycheck.clients.promql import bare_selector
from pytest_deploycheck.errors import AuthorMistake, NoData, NotEnoughData
from pytest_deploycheck.face.vectors import VectorAnswer
from pytest_deploycheck.model.prometheus import InstantVector, Mark, Sample, format_labels

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType

    from pytest_deploycheck.clients.prometheus.client import PrometheusClient
    from pytest_deploycheck.face.prometheus import Prometheus

__tracebackhide__ = True

_PAST = 3600.0
"""Seconds before the mark in which a series that was gone at the mark may have been there."""
_SHOWN = 5
_MARGIN = 2.0
"""Seconds that the raw window reaches back beyond the mark, so that rounding cannot lose the first sample after it."""


class Marking:
    """A mark that is set when the context is entered, or by `now()`.

    Args:
        prometheus: whose counter.
        selector: a bare selector.
    """

    def __init__(self, prometheus: Prometheus, selector: str) -> None:
        """Mark nothing yet."""
        self._prometheus = prometheus
        self._selector = bare_selector(selector)
        self._mark: Mark | None = None

    def __enter__(self) -> Self:
        """Note the values."""
        return self.now()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Keep the mark."""

    def now(self) -> Self:
        """Note the values as they are now.

        Raises:
            CannotMeasure: if Prometheus does not answer. That there is no series yet is no error: a counter may first
                appear with the event that it counts.
        """
        api = self._prometheus.api
        self._prometheus._ledger.stimulated = True  # noqa: SLF001 - same room
        at = api.query("time()").values[0]
        vector = api.query(self._selector.series, time=at)
        values = {_key(vector.labels(index)): value for index, value in enumerate(vector.values)}
        self._mark = Mark(selector=self._selector.series, at=at, values=values, evidence=vector.evidence)
        return self

    @property
    def mark(self) -> Mark:
        """What was noted.

        Raises:
            AuthorMistake: if nothing was.
        """
        if self._mark is None:
            raise AuthorMistake(
                f"the mark of {self._selector.series} was never set",
                next_step="use `with prometheus.mark(selector) as before:` around the action",
            )
        return self._mark


def increase_since(prometheus: Prometheus, since: Marking) -> VectorAnswer:
    """Return how much each series has increased since the mark.

    Prometheus's own `increase` extrapolates to the ends of its window; here the samples after the mark are read one by
    one. Nothing is taken for a movement that nobody saw: not the first value after a counter's reset, which may count
    anything, nor that of a series that was not seen at the mark unless its target was, which then had no such series.

    Raises:
        NoData: if no series has a sample since the mark.
        NotEnoughData: if a counter was reset, or appeared out of an unknown past.
    """
    mark = since.mark
    asked = f"increase of {mark.selector} since {mark.at:.3f}"
    with prometheus._asking(asked, f"graph: {prometheus.api.graph_url(mark.selector)}") as box:  # noqa: SLF001 - same room
        now = prometheus.api.query("time()").values[0]
        window = max(1.0, math.ceil(now - mark.at + _MARGIN))
        raw = prometheus.api.samples(mark.selector, window, time=now)
        later = [
            (one.labels, found)
            for one in raw
            if (found := [sample for sample in one.samples if sample.timestamp > mark.at])
        ]
        past = _Past(prometheus.api, mark)
        known = [(labels, past.value_of(labels), samples) for labels, samples in later]
    if not known:
        raise NoData(
            f"{asked}: no data: no sample since the mark",
            where=f"{prometheus!r}",
            evidence=", ".join(box[0].evidence),
            next_step="wait for the next scrape",
        )
    if doubts := [doubt for labels, before, samples in known if (doubt := _doubt(labels, before, samples))]:
        raise NotEnoughData(
            f"{asked}: {len(doubts)} of {len(known)} series cannot be counted from the mark",
            where=f"{prometheus!r}",
            details=doubts[:_SHOWN] + ([f"… and {len(doubts) - _SHOWN} more"] if len(doubts) > _SHOWN else []),
            evidence=", ".join(box[0].evidence),
            next_step="act again when nothing restarts, or mark only the instances that keep running",
        )
    vector = InstantVector(
        expr=mark.selector,
        evaluation_time=now,
        values=[samples[-1].value - (before or 0.0) for _, before, samples in known],
        raw_labels=[labels for labels, _, _ in known],
        warnings=raw.warnings,
        infos=raw.infos,
        evidence=raw.evidence,
    )
    return VectorAnswer(vector, prometheus._ledger, box[0])  # noqa: SLF001 - same room


class _Past:
    """What series counted at the mark; asks only for those that were not seen there.

    Args:
        api: whom to ask.
        mark: what was seen.
    """

    def __init__(self, api: PrometheusClient, mark: Mark) -> None:
        """Ask nothing yet."""
        self._api = api
        self._mark = mark

    def value_of(self, labels: Mapping[str, str]) -> float | None:
        """Return the value that a series had at the mark, 0 if it was not there; None if nobody can know."""
        key = _key(labels)
        if key in self._mark.values:
            return self._mark.values[key]
        if key in self._earlier:
            return self._earlier[key]
        return 0.0 if (labels.get("job", ""), labels.get("instance", "")) in self._scraped else None

    @cached_property
    def _earlier(self) -> dict[tuple[tuple[str, str], ...], float]:
        """The last values of series that had been there before, and were gone at the mark."""
        vector = self._api.query(
            f"last_over_time({bare_selector(self._mark.selector).over(_PAST)})", time=self._mark.at
        )
        return {_key(vector.labels(index)): value for index, value in enumerate(vector.values)}

    @cached_property
    def _scraped(self) -> set[tuple[str, str]]:
        """Job and instance of the targets that were well at the mark: what they did not expose then was not there."""
        vector = self._api.query("up == 1", time=self._mark.at)
        found = (vector.labels(index) for index in range(len(vector)))
        return {(labels.get("job", ""), labels.get("instance", "")) for labels in found}


def _doubt(labels: Mapping[str, str], before: float | None, samples: Sequence[Sample]) -> str:
    """Return why a series' samples do not tell how much happened since the mark; empty if they do."""
    if before is None:
        return f"{format_labels(labels)}: appeared with {samples[0].value:g}, from a target not scraped at the mark"
    values = [before, *(sample.value for sample in samples)]
    fall = next(((high, low) for high, low in pairwise(values) if low < high), None)
    return f"{format_labels(labels)}: fell from {fall[0]:g} to {fall[1]:g}: the counter was reset" if fall else ""


def _key(labels: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(labels.items()))
