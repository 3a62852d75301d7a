"""A fire drill: a synthetic alert is routed as it should be, delivered in time, and ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_deploycheck.checks.asked import Asked, Judgement
from pytest_deploycheck.checks.comparison import require_number
from pytest_deploycheck.checks.wording import names, seconds

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_deploycheck.model.drill import DrillState
    from pytest_deploycheck.model.finding import Finding


def drilled(
    state: DrillState, asked: Asked, *, receiver: str, max_latency: float, end_within: float | None = None
) -> Finding:
    """Judge how far it has come. What has not happened yet is FAILED: whoever waits for it asks again.

    INCONCLUSIVE: what was seen may have been another alert's.

    Args:
        state: as it is seen now.
        asked: the question.
        receiver: that it must be routed to.
        max_latency: seconds within which the receiver must have it.
        end_within: seconds within which the receiver must know of its end; None = it need not.

    Raises:
        AuthorMistake: if a bound is no number.
    """
    require_number("the longest time of delivery", max_latency, finite=True, least=0)
    tail = f", and told of its end within {seconds(end_within)}" if end_within is not None else ""
    judgement = Judgement(asked, f"delivered to {receiver} within {seconds(max_latency)}{tail}")
    for obstacle in _obstacles(state, receiver):
        judgement.bad(obstacle)
    if state.delivered_after is None:
        waits = f", its group waits {seconds(state.group_wait)}" if state.group_wait else ""
        judgement.bad(f"not delivered {seconds(state.elapsed)} after it was sent{waits} (looked for {state.how})")
        return judgement.finding("")
    judgement.measured("time from sending an alert to its receiver", [state.delivered_after], unit="s")
    if state.delivered_after > max_latency:
        judgement.bad(f"delivered only after {seconds(state.delivered_after, max_latency)}")
    if problem := _end_problem(state, end_within):
        judgement.bad(problem)
    if state.doubt:
        judgement.doubtful(state.doubt)
    told = f", its end after {seconds(state.ended_after)}" if state.ended_after is not None else ", and ended"
    return judgement.finding(f"delivered to {receiver} after {seconds(state.delivered_after)}{told}; seen {state.how}")


def _obstacles(state: DrillState, receiver: str) -> Iterator[str]:
    if state.receivers and receiver not in state.receivers:
        yield f"routed to {names(state.receivers)}, not to {receiver}"
    if state.silenced_by:
        yield f"silenced by {names(state.silenced_by)}"
    if state.inhibited_by:
        yield f"inhibited by the alerts {names(state.inhibited_by)}"
    if state.problem:
        yield state.problem


def _end_problem(state: DrillState, end_within: float | None) -> str:
    if state.ended_for is None:
        return "not ended yet"
    if state.listed:
        return f"still active {seconds(state.ended_for)} after it was ended"
    if end_within is None:
        return ""
    if state.ended_after is None:
        return f"its end was not delivered {seconds(state.ended_for)} after it"
    late = state.ended_after > end_within
    return f"its end was delivered only after {seconds(state.ended_after, end_within)}" if late else ""
