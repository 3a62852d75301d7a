"""A question within a window that must hold: it speaks of all of the window's elapsed part, from recorded history."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pytest_deploycheck.checks import thresholds
from pytest_deploycheck.checks.combining import combine
from pytest_deploycheck.face.steps import COARSE, USUAL, observed_range, step_over
from pytest_deploycheck.face.vectors import VectorAnswer, number_of

if TYPE_CHECKING:
    from pytest_deploycheck.checks.asked import Asked
    from pytest_deploycheck.checks.comparison import Operator
    from pytest_deploycheck.face.judged import Judged
    from pytest_deploycheck.face.ledger import Ledger
    from pytest_deploycheck.face.prometheus import Prometheus
    from pytest_deploycheck.model.finding import Finding
    from pytest_deploycheck.model.prometheus import InstantVector, RangeVector
    from pytest_deploycheck.waits.terms import Sustained

__tracebackhide__ = True

_LEAST: Final = 10
"""Points that a look reads at least: of fewer one that has not arrived yet is too large a share."""


def over_window(prometheus: Prometheus, expr: str, elapsed: float, unseen: float, terms: Sustained) -> VectorAnswer:
    """Ask what holds now, and what held in a window, as far as it has passed and has not been judged.

    Args:
        prometheus: who is asked.
        expr: PromQL giving an instant vector or a scalar.
        elapsed: seconds of the window that have passed.
        unseen: seconds of these, up to now, that no look has judged; at the end of the window all of them.
        terms: the window, what is tolerated, and the least coverage.

    Raises:
        CannotMeasure: if there is no usable answer.
    """
    api, ledger = prometheus.api, prometheus._ledger  # noqa: SLF001 - same room
    rhythm = prometheus.rhythm()
    past = None
    with prometheus._asking(expr, f"graph: {api.graph_url(expr)}", looks_back=True) as box:  # noqa: SLF001 - same room
        vector = api.query(expr)
        wanted = min(USUAL, terms.seconds / COARSE) if rhythm is None else min(rhythm, terms.seconds / 4)
        step = terms.every or step_over(terms.seconds, wanted, series=len(vector))
        if elapsed >= step:
            end = vector.evaluation_time if vector.evaluation_time is not None else api.query("time()").values[0]
            past = observed_range(prometheus, expr, end - min(elapsed, max(unseen, _reach(terms) * step)), end, step)
    if past is None:
        ledger.looked_back = True  # the window has only begun: one look is all there is to judge
        return VectorAnswer(vector, ledger, box[0])
    return HeldAnswer(vector, past, ledger, box[0], step=step, terms=terms)


def _reach(terms: Sustained) -> int:
    """Return in how many points a violation shows together with those before it that were tolerated."""
    return max(_LEAST, terms.consecutive, terms.allow[1] if terms.allow is not None else 0)


class HeldAnswer(VectorAnswer):
    """The answer to an instant query within a window that must hold: comparisons speak of all of its elapsed part.

    Everything else that is asked of it speaks of this moment, which the window then samples.

    Args:
        vector: what holds now.
        past: the same over the part of the window that is judged.
        ledger: of the check that runs; with a window.
        asked: the question.
        step: seconds between the points of `past`.
        terms: what is tolerated, and the least coverage.
    """

    def __init__(
        self, vector: InstantVector, past: RangeVector, ledger: Ledger, asked: Asked, *, step: float, terms: Sustained
    ) -> None:
        """Note that somebody has to look at it."""
        super().__init__(vector, ledger, asked)
        self.past = past
        self._step = step
        self._terms = terms

    def _compare(self, op: Operator, bound: Any) -> Judged:
        if isinstance(bound, VectorAnswer):
            return super()._compare(op, bound)
        return self._looked_back(self._held(op, number_of(bound), None))

    def keeps(self, *bounds: tuple[Operator, float], series: int | None = None) -> Judged:
        """Judge several bounds at once, over the window."""
        if not bounds:
            return super().keeps(*bounds, series=series)
        return self._looked_back(combine([self._held(op, bound, series) for op, bound in bounds]))

    def between(self, minimum: float | None, maximum: float | None, *, series: int | None = None) -> Judged:
        """Judge that every series lies in a range all through the window; None leaves an end open."""
        bounds: list[tuple[Operator, float]] = []
        if minimum is not None:
            bounds.append((">=", minimum))
        if maximum is not None:
            bounds.append(("<=", maximum))
        return self.keeps(*bounds, series=series) if bounds else super().between(minimum, maximum, series=series)

    def _held(self, op: Operator, bound: float, series: int | None) -> Finding:
        terms = self._terms
        return thresholds.compare_range(
            self.past,
            op,
            bound,
            self._asked,
            step=self._step,
            coverage=terms.coverage,
            series=series,
            allow=terms.allow,
            consecutive=terms.consecutive,
        )

    def _looked_back(self, finding: Finding) -> Judged:
        self._ledger.looked_back = True
        return super()._judge(finding)

    def _judge(self, finding: Finding) -> Judged:
        self._ledger.sampled = True
        return super()._judge(finding)

    def _read(self) -> None:
        self._ledger.sampled = True
        super()._read()
