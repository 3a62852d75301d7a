"""The checkpoints of one deployment: what is to be made, what became of earlier ones, and what they come to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec
import pytest

from pytest_deploycheck.gate import checkpoints as rules
from pytest_deploycheck.model.checkpoint import DONE, Checkpoint, Planned, SeenCheck
from pytest_deploycheck.model.instant import rfc3339
from pytest_deploycheck.model.outcome import Level, Outcome, Verdict
from pytest_deploycheck.session.statefile import StateError
from pytest_deploycheck.signoff.checkpoints import section

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_deploycheck.clock import Clock
    from pytest_deploycheck.gate.checkpoints import Due
    from pytest_deploycheck.model.decision import Decision
    from pytest_deploycheck.model.run import RunFacts
    from pytest_deploycheck.session.statefile import StateFile

EXIT_CODES: Final = {Verdict.GO: 0, Verdict.NO_GO: 1, Verdict.HOLD: 6}
_WORSE_FIRST: Final = (1, 6, 0)


class Observation:
    """The checkpoints of one deployment.

    Args:
        plan: what is asked for, in order of time.
        finish: the deployment's, Unix seconds.
        clock: the run's.
        known: what became of earlier ones.
        go_on: whether a NO-GO lets later ones be made.
        scheduled: whether this run makes one checkpoint and ends.
        state: where they are kept between runs; None if nowhere.

    Attributes:
        checkpoints: what became of each so far.
        current: the one that is being made.
        earlier: the labels of those that other runs made.
    """

    def __init__(
        self,
        plan: Sequence[Planned],
        *,
        finish: float,
        clock: Clock,
        known: Sequence[Checkpoint] = (),
        go_on: bool = False,
        scheduled: bool = False,
        state: StateFile | None = None,
    ) -> None:
        """Nothing is being made."""
        self.plan = tuple(plan)
        self.finish = finish
        self.scheduled = scheduled
        self.current: Planned | None = None
        self.checkpoints: dict[str, Checkpoint] = {it.label: it for it in known}
        self.earlier = frozenset(self.checkpoints)
        self._clock = clock
        self._go_on = go_on
        self._state = state
        self._begun: set[str] = set()

    # --- when ---------------------------------------------------------------------------------------------------------

    @property
    def elapsed(self) -> float:
        """Seconds since the deployment's finish."""
        return self._clock.now() - self.finish

    @property
    def stopped(self) -> str:
        """Why no further checkpoint is made; empty if one may be."""
        failed = next((it for it in self.ordered() if it.verdict is Verdict.NO_GO), None)
        if failed is None or self._go_on:
            return ""
        return f"the observation ended with the NO-GO at {failed.label}"

    def look(self, *, tolerance: float = float("inf")) -> Due:
        """Return what is due, and note what was missed."""
        found = rules.due(self.plan, self.ordered(), self.elapsed, tolerance=tolerance, early=self.scheduled)
        self.checkpoints.update((it.label, it) for it in found.missed)
        return found

    def forget_hold(self, planned: Planned, *, tolerance: float) -> None:
        """Let a checkpoint that is HOLD be made again while it is time: nothing bad was measured. Others stand."""
        known = self.checkpoints.get(planned.label)
        if known is None or known.state != DONE or known.verdict is not Verdict.HOLD:
            return
        others = [it for it in self.ordered() if it is not known]
        if rules.due(self.plan, others, self.elapsed, tolerance=tolerance, early=True).now == planned:
            del self.checkpoints[planned.label]

    def moment(self, planned: Planned) -> str:
        """Return when a checkpoint is due."""
        return rfc3339(self.finish + planned.offset)

    # --- making one ---------------------------------------------------------------------------------------------------

    def begin(self, run_id: str, report: str) -> None:
        """Note that the current checkpoint begins: a run that is killed leaves it unfinished.

        Args:
            run_id: of its record.
            report: the folder of its report, as people are shown it.
        """
        if self.current is None or self.current.label in self._begun:
            return
        self._begun.add(self.current.label)
        self.checkpoints[self.current.label] = Checkpoint(
            label=self.current.label,
            offset=self.current.offset,
            state="unfinished",
            why="its run is going on or was killed",
            began=self._clock.now(),
            run_id=run_id,
            report=report,
        )
        self.save()

    def conclude(self, decision: Decision, facts: RunFacts) -> None:
        """Note what the current checkpoint came to."""
        known = self.checkpoints.get(self.current.label) if self.current is not None else None
        if known is None:
            return
        # What was cut short and found nothing bad says nothing: a scheduled run may make it again.
        cut = bool(facts.interrupted) and decision.verdict is Verdict.HOLD
        self.checkpoints[known.label] = msgspec.structs.replace(
            known,
            state="unfinished" if cut else DONE,
            verdict=decision.verdict,
            why=decision.why,
            finished=self._clock.now(),
            checks=_seen(facts),
        )

    def end(self) -> None:
        """Note that a long run makes no further checkpoint; after a scheduled one others follow."""
        why = self.stopped or "the run ended before it"
        for planned in self.plan if not self.scheduled else ():
            if planned.label not in self.checkpoints:
                self.checkpoints[planned.label] = rules.not_reached(planned, why)

    def save(self) -> None:
        """Keep what is known for the next run.

        Raises:
            pytest.UsageError: if that is impossible.
        """
        if self._state is None:
            return
        try:
            self._state.write([it for it in self.ordered() if it.state != "not reached"])
        except StateError as error:
            raise pytest.UsageError(f"deploycheck: {error}") from None

    # --- what it comes to ---------------------------------------------------------------------------------------------

    def ordered(self) -> list[Checkpoint]:
        """Return what became of each, in order of time."""
        return sorted(self.checkpoints.values(), key=lambda it: it.offset)

    def together(self) -> tuple[Verdict, str]:
        """Return the verdict on all so far, and why."""
        return rules.together(self.ordered())

    def shortcomings(self) -> tuple[str, ...]:
        """Return what keeps a whole long run from GO beside its checks; a checkpoint's own record has none of it."""
        return () if self.current is not None else rules.shortcomings(self.ordered())

    def exit_code(self, code: int) -> tuple[int, str]:
        """Return the exit code of a run, and why if it is not its own: what was bad before is not mended by this run.

        Args:
            code: the run's own.
        """
        verdict, why = self.together()
        worse = EXIT_CODES[verdict]
        if not self.scheduled or code not in _WORSE_FIRST or _WORSE_FIRST.index(code) <= _WORSE_FIRST.index(worse):
            return code, ""
        return worse, f"the checkpoints so far are {why}"

    def section(self) -> dict[str, Any]:
        """Return what a record tells of the checkpoints."""
        following = next((it for it in self.plan if it.label not in self.checkpoints), None)
        return section(
            self.ordered(),
            finish=self.finish,
            current=self.current.label if self.current is not None else None,
            following=following if not self.stopped else None,
        )

    def lines(self) -> list[str]:
        """Return what the terminal tells of the checkpoints: one line each, and what they come to."""
        found = []
        for it in self.ordered():
            late = rules.lateness(it.planned, it.began - self.finish) if it.began is not None else ""
            state = f"{it.verdict}" if it.state == DONE else f"{it.verdict} ({it.state})"
            found.append(f"checkpoint {it.label}: {state}{f', {late}' if late else ''}: {it.why}")
        return [*found, f"checkpoints so far: {self.together()[1]}"]


def _seen(facts: RunFacts) -> tuple[SeenCheck, ...]:
    levels = {it.nodeid: it.level for it in facts.expected}
    return tuple(
        SeenCheck(
            nodeid=nodeid,
            level=levels.get(nodeid, Level.BLOCKER),
            outcome=facts.results[nodeid].outcome if nodeid in facts.results else Outcome.NOT_RUN,
            measures=facts.results[nodeid].measures if nodeid in facts.results else (),
        )
        for nodeid in dict.fromkeys([*levels, *facts.results])
        if nodeid in facts.selected
    )
