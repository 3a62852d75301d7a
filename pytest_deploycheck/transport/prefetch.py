"""Questions known in advance, asked together: answers are held for the checks that declared them.

What one check declares is one bundle. Bundles go out at the same time, the questions of one bundle one after another in
the declared order: a check sees what it would have seen by itself, only a little earlier. Whatever leaves a doubt, the
check asks again itself; nothing is ever concluded from an answer that was asked ahead and not used.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import TYPE_CHECKING

from pytest_deploycheck.transport.failures import Failure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_deploycheck.clock import Clock
    from pytest_deploycheck.transport.attempt import Attempt
    from pytest_deploycheck.transport.outgoing import Outgoing
    from pytest_deploycheck.transport.reply import Reply
    from pytest_deploycheck.transport.wire import Wire

IN_FLIGHT = 16
"""Requests under way at once, to all systems together: that of the check that runs, and the others in these threads."""
MAX_AGE = 5.0
"""Seconds: what was asked longer ago is asked again."""
_PAUSE = 1.0
"""Seconds: a check that lets so much time pass between its questions wants to see what has changed."""
_GRACE = 0.05
_END = 1.0
"""Seconds: how long ending waits before it breaks connections, and in all. Only a look-up of a name can take longer,
in a thread that holds up nothing."""

_CHANGED = "something may have changed meanwhile"
_OTHER = "the check asked something else first"
_NOT_ASKED = "the check did not ask it"
_NO_ANSWER = "not every question of the check had a good answer"
_PAUSED = "the check took its time between its questions"


class Bundle:
    """What one check will ask, and what came of it.

    Args:
        questions: in the order in which the check asks them.
        era: what had been changed when it was declared due.
    """

    __slots__ = ("answers", "asked", "begun", "era", "is_over", "opened", "problem", "questions")

    def __init__(self, questions: Sequence[tuple[Wire, Outgoing]], era: int) -> None:
        """Nothing is sent yet."""
        self.questions = tuple(questions)
        self.era = era
        self.begun = False
        self.asked = 0.0
        self.opened: float | None = None
        self.problem = ""
        self.answers: deque[tuple[Wire, Attempt]] = deque()
        self.is_over = threading.Event()


class Prefetch:
    """Asks ahead, and holds the answers until their checks come. Safe to use from several threads.

    An answer is used once, by the check that declared it, if the check's request is the same in every byte, the whole
    bundle came well (2xx), nothing may have changed since, it is young enough, and the check has asked nothing by
    itself before: no check sees time go backwards.

    Args:
        clock: for the answers' ages.
        max_age: seconds after which an answer is not used any more.

    Attributes:
        lost: how many requests were sent of whose answers there is no evidence: their check had ended before they came,
            or never began. Known after `close`.
    """

    def __init__(self, clock: Clock, *, max_age: float = MAX_AGE) -> None:
        """Ask nothing yet; threads are started as they are needed."""
        self.lost = 0
        self.max_age = max_age
        self._clock = clock
        self._era = 0
        self._closed = False
        self._bundles: dict[str, Bundle] = {}
        self._left: list[Bundle] = []
        self._queue: deque[Bundle] = deque()
        self._current: Bundle | None = None
        self._wires: set[Wire] = set()
        self._threads: list[threading.Thread] = []
        self._idle = 0
        self._lock = threading.Condition()
        self._using = threading.RLock()

    @property
    def outstanding(self) -> int:
        """The number of questions that were asked ahead, or are going to be, and whose checks have not come yet."""
        return sum(len(bundle.questions) for bundle in self._bundles.values())

    def ask(self, owner: str, questions: Sequence[tuple[Wire, Outgoing]]) -> None:
        """Ask what a check is going to ask; returns at once.

        Args:
            owner: the check.
            questions: in the order in which it asks them; they only read.
        """
        if not questions:
            return
        with self._lock:
            if self._closed or owner in self._bundles:
                return
            bundle = self._bundles[owner] = Bundle(questions, self._era)
            self._wires.update(wire for wire, _ in questions)
            self._queue.append(bundle)
            if self._idle < len(self._queue) and len(self._threads) < IN_FLIGHT - 1:
                thread = threading.Thread(target=self._work, name="deploycheck asks ahead", daemon=True)
                self._threads.append(thread)
                thread.start()
            self._lock.notify()

    def changed(self) -> None:
        """Something may have changed: what was asked before is not used any more."""
        with self._lock:
            self._era += 1

    def begin(self, owner: str) -> None:
        """An attempt of a check begins. What was asked ahead is for its first attempt only."""
        self.end()
        self._current = self._bundles.pop(owner, None)

    def end(self) -> None:
        """The attempt is over: what it did not use is recorded as unused."""
        with self._using:
            if self._current is not None:
                self._retire(self._current, _NOT_ASKED)

    def take(self, wire: Wire, outgoing: Outgoing | None) -> Reply | None:
        """Return the held answer to what the check that runs is about to ask, recorded as its own.

        Args:
            wire: whom it asks.
            outgoing: what; None for something that cannot have been declared.

        Returns:
            None if the check has to ask itself. Then nothing more of what was asked ahead is for this attempt.
        """
        with self._using:
            bundle = self._current
            if bundle is None:
                return None
            if self._withdrawn(bundle):  # asked by the check itself it is answered sooner
                self._current = None
                return None
            bundle.is_over.wait()  # each of its questions has its time limits
            if problem := self._problem(bundle):
                self._retire(bundle, problem)
                return None
            answers = bundle.answers
            place = next(
                (at for at, (asked, it) in enumerate(answers) if asked is wire and it.outgoing == outgoing), None
            )
            if place is None:
                self._retire(bundle, _OTHER)
                return None
            for _ in range(place):
                _discard(answers.popleft(), _NOT_ASKED)
            _, attempt = answers.popleft()
            now = self._clock.monotonic()
            bundle.opened = now if bundle.opened is None else bundle.opened
            reply = wire.use(attempt, max(0.0, now - attempt.came))
            assert not isinstance(reply, Failure)  # noqa: S101 - for the type checker: `_problem` has seen to that
            return reply

    def close(self) -> None:
        """End everything that is under way, and the threads; nothing is asked ahead any more."""
        with self._lock:
            self._closed = True
            self._queue.clear()
            self._lock.notify_all()
        deadline = time.monotonic() + _END
        while (alive := [it for it in self._threads if it.is_alive()]) and time.monotonic() < deadline:
            alive[0].join(_GRACE)
            if alive[0].is_alive():
                for wire in self._wires:
                    wire.abort()
        with self._using:
            current = [] if self._current is None else [self._current]
            self.lost += sum(len(bundle.answers) for bundle in (*self._left, *self._bundles.values(), *current))
            self._bundles.clear()
            self._left.clear()
            self._current = None

    # --- parts --------------------------------------------------------------------------------------------------------

    def _problem(self, bundle: Bundle) -> str:
        """Return why nothing of a bundle that is over is used any more; empty if it is."""
        if bundle.problem:
            return bundle.problem
        if bundle.era != self._era:
            return _CHANGED
        now = self._clock.monotonic()
        if bundle.opened is not None:
            return _PAUSED if now - bundle.opened > _PAUSE else ""
        return f"older than {self.max_age:g} s" if now - bundle.asked > self.max_age else ""

    def _retire(self, bundle: Bundle, why: str) -> None:
        """Record what is left of the running check's bundle as unused; the check asks itself from now on."""
        self._current = None
        if self._withdrawn(bundle):
            return
        with self._lock:
            if not bundle.is_over.is_set():
                bundle.problem = why  # its thread goes no further
                self._left.append(bundle)
                return
        while bundle.answers:
            _discard(bundle.answers.popleft(), why)

    def _withdrawn(self, bundle: Bundle) -> bool:
        """Return whether nothing of it was sent, and nothing will be."""
        with self._lock:
            if bundle.begun:
                return False
            if bundle in self._queue:
                self._queue.remove(bundle)
            return True

    def _work(self) -> None:
        """Ask one bundle after the other, in a thread."""
        while (bundle := self._next()) is not None:
            try:
                self._ask(bundle)
            except Exception as error:  # noqa: BLE001 - whatever it is, it must not keep the check from asking itself
                bundle.problem = f"asking ahead ended with {type(error).__name__}"
            finally:
                bundle.is_over.set()

    def _next(self) -> Bundle | None:
        """Wait for a bundle that is due; None at the end."""
        with self._lock:
            self._idle += 1
            while not (self._queue or self._closed):
                self._lock.wait()
            self._idle -= 1
            if self._closed:
                return None
            bundle = self._queue.popleft()
            bundle.begun = True
            return bundle

    def _ask(self, bundle: Bundle) -> None:
        bundle.asked = self._clock.monotonic()
        for wire, outgoing in bundle.questions:
            if self._closed or bundle.problem or bundle.era != self._era:
                bundle.problem = bundle.problem or _CHANGED
                return
            attempt = wire.send_ahead(outgoing)
            if attempt is not None:
                bundle.answers.append((wire, attempt))
            if attempt is None or not _is_good(attempt):
                bundle.problem = _NO_ANSWER
                return


def _is_good(attempt: Attempt) -> bool:
    """Return whether it is a whole answer with a 2xx: all else the check asks for again, with its retries."""
    return attempt.failure is None and attempt.response is not None and attempt.response.is_success


def _discard(answer: tuple[Wire, Attempt], why: str) -> None:
    wire, attempt = answer
    wire.discard(attempt, why)
