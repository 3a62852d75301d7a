"""A counter's mark and what it has increased by since: exact, from raw samples."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Self

from pytest_deploycheck.clients.promql import bare_selector
from pytest_deploycheck.errors import AuthorMistake, NoData
from pytest_deploycheck.face.vectors import VectorAnswer
from pytest_deploycheck.model.prometheus import InstantVector, Mark, Sample

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType

    from pytest_deploycheck.face.prometheus import Prometheus

__tracebackhide__ = True

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
    one; a fall counts as a reset (the counter began again at 0); a series that was not there at the mark began at 0.

    Raises:
        NoData: if no series has a sample since the mark.
    """
    mark = since.mark
    asked = f"increase of {mark.selector} since {mark.at:.3f}"
    with prometheus._asking(asked, f"graph: {prometheus.api.graph_url(mark.selector)}") as box:  # noqa: SLF001 - same room
        now = prometheus.api.query("time()").values[0]
        window = max(1.0, math.ceil(now - mark.at + _MARGIN))
        raw = prometheus.api.samples(mark.selector, window, time=now)
    found = []
    for one in raw:
        later = [sample for sample in one.samples if sample.timestamp > mark.at]
        if later:
            found.append((one.labels, _increase(mark.values.get(_key(one.labels), 0.0), later)))
    if not found:
        raise NoData(
            f"{asked}: no data: no sample since the mark",
            where=f"{prometheus!r}",
            evidence=", ".join(box[0].evidence),
            next_step="wait for the next scrape",
        )
    vector = InstantVector(
        expr=mark.selector,
        evaluation_time=now,
        values=[increase for _, increase in found],
        raw_labels=[labels for labels, _ in found],
        warnings=raw.warnings,
        infos=raw.infos,
        evidence=raw.evidence,
    )
    return VectorAnswer(vector, prometheus._ledger, box[0])  # noqa: SLF001 - same room


def _increase(before: float, samples: Sequence[Sample]) -> float:
    total = 0.0
    for sample in samples:
        total += sample.value - before if sample.value >= before else sample.value
        before = sample.value
    return total


def _key(labels: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(labels.items()))
