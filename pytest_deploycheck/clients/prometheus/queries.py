"""Instant and range queries: how they are asked, and what is refused before anything is sent."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pytest_deploycheck.clients.prometheus.envelope import API
from pytest_deploycheck.clients.prometheus.vector import instant_vector, range_vector
from pytest_deploycheck.clients.promql import bare_selector
from pytest_deploycheck.errors import QueryFailed
from pytest_deploycheck.model.duration import promql_duration

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_deploycheck.clients.prometheus.skew import ClockSkew
    from pytest_deploycheck.model.prometheus import InstantVector, RangeVector
    from pytest_deploycheck.transport.reply import Reply
    from pytest_deploycheck.transport.wire import Wire

# Prometheus 2.42 takes a GET up to about 1 MB, but proxies in front of it mostly stop at 8 KB of header lines. Both
# ways take the same time (0.5 ms on loopback), and a GET's URL can be opened by a person, so GET while it is short.
_LONGEST_GET = 2000
_MOST_POINTS = 11_000
"""Prometheus's limit of points per series (web/api/v1: "exceeded maximum resolution of 11,000 points")."""


class Queries:
    """Asks the two query endpoints.

    Args:
        wire: the way to the server.
        skew: learns from every answer that tells the server's time.
    """

    def __init__(self, wire: Wire, skew: ClockSkew) -> None:
        self._wire = wire
        self._skew = skew

    def instant(self, expr: str, *, time: float | None, timeout: float | None) -> InstantVector:
        """See `PrometheusClient.query`."""
        reply = self._instant(expr, time, timeout)
        vector = instant_vector(reply, expr, asked_time=time)
        if time is None and vector.evaluation_time is not None:
            self._skew.observe(vector.evaluation_time, reply.started, reply.started + reply.elapsed)
        return vector

    def range(self, expr: str, start: float, end: float, step: float, *, timeout: float | None) -> RangeVector:
        """See `PrometheusClient.range`."""
        _require_expression(expr)
        _require_window(expr, start, end, step)
        first, last = _stamp(start), _stamp(end)
        pairs = [("query", expr), ("start", first), ("end", last), ("step", _stamp(step))]
        reply = self._send(f"{API}/query_range", [*pairs, *_timeout(expr, timeout)])
        # the window that was asked for: the first point would lie before one that was not rounded as it is sent
        return range_vector(reply, expr, start=float(first), end=float(last), step=step)

    def samples(self, selector: str, window: float, *, time: float | None, timeout: float | None) -> RangeVector:
        """See `PrometheusClient.samples`."""
        try:
            promql_duration(window)
        except ValueError as error:
            raise QueryFailed(
                f"the samples of no window: {error}", where=selector, next_step="give a positive window in seconds"
            ) from None
        expr = bare_selector(selector).over(window)
        reply = self._instant(expr, time, timeout)
        end = time if time is not None else self._server_time(reply)
        return range_vector(reply, expr, start=end - window, end=end, step=None)

    def _instant(self, expr: str, time: float | None, timeout: float | None) -> Reply:
        _require_expression(expr)
        pairs = [("query", expr)]
        if time is not None:
            if not math.isfinite(time):
                raise _bad_question(expr, f"the time {time!r} is no moment", "give Unix seconds")
            pairs.append(("time", _stamp(time)))
        return self._send(f"{API}/query", [*pairs, *_timeout(expr, timeout)])

    def _send(self, path: str, pairs: list[tuple[str, str]]) -> Reply:
        if fits_a_url(pairs):
            return self._wire.request("GET", path, params=pairs, expect="json")
        return self._wire.request("POST", path, form=pairs, expect="json", effect="read")

    def _server_time(self, reply: Reply) -> float:
        """Return when an answer without any time was evaluated: the runner's time, corrected by the measured skew."""
        return reply.started + reply.elapsed + self._skew.estimate()


def fits_a_url(pairs: Iterable[tuple[str, str]]) -> bool:
    """Return whether a question goes as a GET; longer ones are POSTed as a form, which only reads as well."""
    return sum(len(value) for _, value in pairs) <= _LONGEST_GET


def _stamp(seconds: float) -> str:
    """Return a time or a step as Prometheus reads it; it knows nothing below a millisecond."""
    return f"{seconds:.3f}"


def _timeout(expr: str, timeout: float | None) -> list[tuple[str, str]]:
    """Return the parameter for how long the server may evaluate.

    Raises:
        QueryFailed: if it is not positive: Prometheus takes 0 and answers 503.
    """
    if timeout is None:
        return []
    try:
        return [("timeout", promql_duration(timeout))]
    except ValueError:
        raise _bad_question(expr, f"a time-out of {timeout!r} s", "give at least 0.001 s, or none") from None


def _require_expression(expr: str) -> None:
    if not expr.strip():
        raise _bad_question(repr(expr), "an empty expression", "write PromQL")


def _require_window(expr: str, start: float, end: float, step: float) -> None:
    if not (math.isfinite(start) and math.isfinite(end) and math.isfinite(step)):
        raise _bad_question(expr, f"no window: start {start!r}, end {end!r}, step {step!r}", "give Unix seconds")
    if end < start:
        raise _bad_question(expr, f"the window ends {start - end:g} s before it starts", "swap start and end")
    if step < 0.001:  # noqa: PLR2004 - Prometheus's resolution; also catches zero and below
        raise _bad_question(expr, f"a step of {step!r} s", "give a step of at least 0.001 s")
    if (end - start) / step > _MOST_POINTS:
        enough = max(1.0, float(math.ceil((end - start) / _MOST_POINTS)))
        raise _bad_question(
            expr,
            f"{(end - start) / step:,.0f} points a series, and Prometheus gives at most {_MOST_POINTS:,}",
            f"a step of {enough:g} s would do for this window",
        )


def _bad_question(expr: str, problem: str, next_step: str) -> QueryFailed:
    return QueryFailed(f"not asked: {problem}", where=expr, next_step=next_step)
