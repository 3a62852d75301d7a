"""One waiting check: its deadline or window, its attempts so far, and what follows from the latest one."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final

import msgspec

from pytest_deploycheck.model.duration import format_duration
from pytest_deploycheck.model.outcome import Outcome
from pytest_deploycheck.model.tolerance import tolerated
from pytest_deploycheck.waits.spacing import FLOOR, LEAST, next_wait, sample_wait

if TYPE_CHECKING:
    from pytest_deploycheck.waits.terms import Terms

_TRAIL: Final = 12
"""Lines of the trail that are kept: the first ones and the last ones say how a value moved."""

_PRECISE: Final = 60
"""Seconds below which tenths are told."""

_GRACE: Final = 3
"""A window's end may be looked at so many times more if just then nothing could be measured."""


class Again(msgspec.Struct, frozen=True):
    """The check is to be tried again.

    Attributes:
        due: when, on the clock that the times were given by.
    """

    due: float


class Done(msgspec.Struct, frozen=True):
    """Nothing is to be waited for any more.

    Attributes:
        outcome: what the check came to, where that is not what its last attempt came to.
        summary: the one line that says why, with an outcome of its own.
    """

    outcome: Outcome | None = None
    summary: str = ""


class Step(msgspec.Struct):
    """Attempts in a row that came to the same.

    Attributes:
        first: when the first of them began.
        last: when the last of them began.
        outcome: what they came to.
        summary: why.
        count: how many they are.
    """

    first: float
    last: float
    outcome: Outcome
    summary: str
    count: int = 1


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """What is known when an attempt ends.

    Attributes:
        now: the time.
        outcome: what it came to.
        summary: why, in one line.
        mends: whether waiting may mend it.
        sampled: whether something was asked of which there is no history.
        rhythm: seconds between the system's own steps, if known.
    """

    now: float
    outcome: Outcome
    summary: str = ""
    mends: bool = True
    sampled: bool = False
    rhythm: float | None = None


class Waiting:
    """The state of one check that waits. All times are seconds on one monotonic clock.

    Args:
        key: the check's name.
        terms: what it declares.
        run_started: when the run began.
        origin: the deployment's finish; None if it is not known.
    """

    def __init__(self, key: str, terms: Terms, *, run_started: float, origin: float | None) -> None:
        """Nothing was attempted yet."""
        self.key = key
        self.terms = terms
        self.attempts = 0
        self.trail: list[Step] = []
        self.skipped_steps = 0
        self.converged: float | None = None
        self._run_started = run_started
        self._origin = origin
        self._first = 0.0
        self._began = 0.0
        self._deadline = float("inf")
        self._expired = False
        self._window: tuple[float, float] | None = None
        self._violations: list[bool] = []
        self._judged: float | None = None  # up to when a look has judged the window's history
        self._looks: list[float] = []  # when something was measured within the window
        self._longest = 0.0
        self._missed = 0
        self._late = 0
        self._sampled = False

    # --- what others may know -----------------------------------------------------------------------------------------

    @property
    def sustaining(self) -> bool:
        """Whether the next attempt looks at a window that must hold."""
        return self.terms.sustained is not None and (self.terms.within is None or self.converged is not None)

    @property
    def samples(self) -> bool:
        """Whether the next attempt looks at a window of which there is no history: nobody can look later."""
        return self.sustaining and self._sampled

    @property
    def deadline(self) -> float:
        """When it must have converged, or its window ends."""
        if self.sustaining and self._window is not None:
            return self._window[1]
        return self._deadline

    def held_for(self, now: float) -> float:
        """Return the seconds of the window that lie before now, from its begin on; 0 outside of one."""
        return max(0.0, now - self._window[0]) if self._window is not None and self.sustaining else 0.0

    def unseen_for(self, now: float) -> float:
        """Return the seconds of the window, up to now, that no look has judged: at its end again all of it."""
        held = self.held_for(now)
        if self._judged is None or self._window is None or now >= self._window[1]:
            return held
        return min(held, now - self._judged)

    def moment(self, when: float) -> str:
        """Return a time as `T+43s`, T being what the deadline counts from."""
        return f"T{'+' if when >= self._base else '-'}{_text(abs(when - self._base))}"

    # --- an attempt ---------------------------------------------------------------------------------------------------

    def begin(self, now: float) -> None:
        """Note that an attempt begins."""
        self.attempts += 1
        self._began = now
        if self.attempts == 1:
            self._first = now
            if self.terms.within is not None:
                self._deadline = self._base + self.terms.within.seconds
                self._expired = self._deadline <= max(self._run_started, self._first)
        if self.sustaining and self._window is None:
            self._open_window(now)

    def ended(self, end: Ended) -> Again | Done:
        """Note what the attempt came to, and return what follows."""
        self._note(end)
        if self.sustaining:
            return self._held(end)
        return self._tried(end)

    def cut(self, budget: float) -> Done:
        """Return what it comes to if the run's budget of so many seconds ends first."""
        last = self.trail[-1].summary if self.trail else ""
        done = f"cut off by the run's budget of {format_duration(budget)} after {_attempts(self.attempts)}"
        return Done(Outcome.INCONCLUSIVE, f"{done}{': ' + last if last else ''}")

    # --- converging ---------------------------------------------------------------------------------------------------

    def _tried(self, end: Ended) -> Again | Done:
        within = self.terms.within
        if within is None:
            return Done()
        if end.outcome is Outcome.PASSED:
            return self._passed(end)
        if end.outcome is Outcome.NOT_RUN or self._expired or not end.mends:
            return Done()
        wait = next_wait(end.now - self._first, attempt=self.attempts, key=self.key, rhythm=end.rhythm)
        if within.every is not None:
            wait = max(within.every, LEAST)
        # The last attempt begins just before the deadline, so that what converges late is still seen.
        last_chance = self._deadline - min(FLOOR, within.seconds / 20)
        due = min(end.now + wait, last_chance)
        return Again(due) if self._began < last_chance and end.now <= due else Done()

    def _passed(self, end: Ended) -> Again | Done:
        if self._began > self._deadline and not self._expired:
            late = _text(self._began - self._deadline)
            return Done(
                Outcome.INCONCLUSIVE,
                f"passed {late} after its deadline; the attempt before, in time, did not: nobody saw when it converged",
            )
        self.converged = self._began
        if self.terms.sustained is None:
            return Done()
        self._open_window(end.now)
        return Again(end.now + self._sample_wait(end))

    # --- holding ------------------------------------------------------------------------------------------------------

    def _held(self, end: Ended) -> Again | Done:
        sustained, window = self.terms.sustained, self._window
        if sustained is None or window is None or end.outcome is Outcome.NOT_RUN:
            return Done()
        if end.sampled and not self._sampled:
            # there is no history to judge the elapsed part by: the window begins with the first look, which may be the
            # one that saw it converge
            self._sampled = True
            begin = self._began if self.converged is None else window[0]
            window = self._window = (begin, begin + sustained.seconds)
            self._judged = None
            self._violations += [False] * (self.converged is not None)
            self._looks += [begin] * (self.converged is not None)
        self._longest = max(self._longest, end.now - self._began)
        if end.outcome in (Outcome.PASSED, Outcome.FAILED):
            self._looks.append(self._began)
        if end.outcome is Outcome.PASSED:
            self._violations.append(False)
            self._judged = self._began
        elif end.outcome is Outcome.FAILED:
            self._violations.append(True)
            # with history the judgement itself applies what is tolerated
            if not self._sampled or not tolerated(self._violations, sustained.allow, sustained.consecutive):
                return Done()
        elif not end.mends:
            return Done()
        else:
            self._missed += 1
        return self._window_goes_on(end, window)

    def _window_goes_on(self, end: Ended, window: tuple[float, float]) -> Again | Done:
        wait = self._sample_wait(end)
        measured = end.outcome in (Outcome.PASSED, Outcome.FAILED)
        if self._began < window[1]:
            if self._sampled and not measured and not self._coverage_possible(wait, window):
                return Done(Outcome.INCONCLUSIVE, self._too_few(end.summary))
            return Again(min(end.now + wait, max(window[1], end.now)))
        if not measured and self._late < _GRACE:
            self._late += 1
            return Again(end.now + wait)
        seen = len(self._violations)
        if self._sampled and seen < (self.terms.sustained.coverage if self.terms.sustained else 1) * (
            seen + self._missed
        ):
            return Done(Outcome.INCONCLUSIVE, self._too_few(end.summary))
        if self._sampled and (unseen := self._unseen(wait, window)):
            return Done(Outcome.INCONCLUSIVE, unseen)
        # what was tolerated on the way holds at the end too
        return Done(Outcome.PASSED) if end.outcome is Outcome.FAILED else Done()

    def _unseen(self, wait: float, window: tuple[float, float]) -> str:
        """Return what is wrong if nobody looked for long, the run being busy with other tests; empty if nothing is.

        A look speaks for the time since the one before it, if that is no more than two waits and an attempt away.
        """
        reach = 2 * wait + self._longest
        edges = [window[0], *(look for look in self._looks if window[0] <= look <= window[1]), window[1]]
        seen = sum(min(after - before, reach) for before, after in pairwise(edges)) / (window[1] - window[0])
        if self.terms.sustained is None or seen >= self.terms.sustained.coverage - 1e-9:
            return ""
        return f"looked at for only {seen * 100:.3g} % of the window: the run was busy with other tests"

    def _coverage_possible(self, wait: float, window: tuple[float, float]) -> bool:
        sustained = self.terms.sustained
        if sustained is None:
            return True
        expected = len(self._violations) + self._missed + max(0.0, window[1] - self._began) / wait
        return expected - self._missed >= sustained.coverage * expected

    def _too_few(self, why: str) -> str:
        seen, of = len(self._violations), len(self._violations) + self._missed
        return f"only {seen} of {of} samples could be measured: {why}" if why else f"only {seen} of {of} samples"

    def _open_window(self, now: float) -> None:
        sustained = self.terms.sustained
        if sustained is None:
            return
        if self.converged is not None:
            begin = now  # the end of the attempt that saw it converge: it may have done so while that went on
        elif sustained.since == "deployment" and self._origin is not None:
            # of a window that has gone by, the latest part counts: it must hold now
            begin = max(min(self._origin, now), now - sustained.seconds)
        else:
            begin = now
        self._window = (begin, begin + sustained.seconds)

    def _sample_wait(self, end: Ended) -> float:
        sustained = self.terms.sustained
        if sustained is None:
            return FLOOR
        if sustained.every is not None:
            return max(sustained.every, LEAST)
        return sample_wait(sustained.seconds, end.rhythm)

    # --- telling ------------------------------------------------------------------------------------------------------

    def story(self) -> list[str]:
        """Return how it went, for reports: one line on the whole, and one for each change."""
        lines = [self.headline()]
        for index, step in enumerate(self.trail):
            if self.skipped_steps and index == _TRAIL // 2:
                lines.append(f"  … {self.skipped_steps} changes not shown")
            span = self.moment(step.first)
            if step.count > 1:
                span += f" to {self.moment(step.last)}, {step.count} attempts"
            lines.append(f"  {span}: {step.outcome}{': ' + step.summary if step.summary else ''}")
        return lines

    def headline(self) -> str:
        """Return in one line what was waited for and what came of it."""
        parts = [str(self.terms), _attempts(self.attempts)]
        if self._expired:  # nobody knows when it converged
            ago = _text(max(self._run_started, self._first) - self._deadline)
            parts.append(f"the deadline had passed {ago} before, so there was one attempt")
        elif self.converged is not None:
            parts.append(f"converged at {self.moment(self.converged)}")
        if self._window is not None and self.sustaining:
            kind = "sampled" if self._sampled else "judged on history"
            parts.append(f"{kind} from {self.moment(self._window[0])} to {self.moment(self._began)}")
        return f"{'; '.join(parts)} (T: {self._named_base})"

    @property
    def _base(self) -> float:
        term = self.terms.within or self.terms.sustained
        if term is not None and term.since == "start":
            return self._first
        return self._origin if self._origin is not None else self._run_started

    @property
    def _named_base(self) -> str:
        term = self.terms.within or self.terms.sustained
        if term is not None and term.since == "start":
            return "the first attempt"
        if self._origin is not None:
            return "the deployment's finish"
        return "the run's start, as no finish of the deployment is known"

    def _note(self, end: Ended) -> None:
        last = self.trail[-1] if self.trail else None
        if last is not None and (last.outcome, last.summary) == (end.outcome, end.summary):
            last.last, last.count = self._began, last.count + 1
            return
        if len(self.trail) >= _TRAIL:
            del self.trail[_TRAIL // 2]
            self.skipped_steps += 1
        self.trail.append(Step(self._began, self._began, end.outcome, end.summary))


def _attempts(count: int) -> str:
    return f"{count} attempt{'s' * (count != 1)}"


def _text(seconds: float) -> str:
    """Return a length of time as a person reads it."""
    return f"{seconds:.1f}s" if seconds < _PRECISE else format_duration(round(seconds))
