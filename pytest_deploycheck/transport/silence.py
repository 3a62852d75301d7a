"""A system that answers nothing at all: noticed after a few time-outs, and then not waited for again by every check."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from pytest_deploycheck.errors import TimedOut
from pytest_deploycheck.transport.reply import place

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_deploycheck.clock import Clock
    from pytest_deploycheck.transport.endpoint import Endpoint

PAUSE_SECONDS = 10.0
"""So long a silent system is left alone before it is asked again: so much later checks that wait see it recover."""
PROBE_SECONDS = 2.0
"""How long it gets to answer the plain question that decides whether it is silent."""


class Silence:
    """What is known of one system's silence. Safe to use from several threads.

    Time-outs in a row are no proof: the questions may have been heavy. So before a system is given up it is asked
    something plain once; any answer to that, whatever its status, and everything goes on as before. Nothing is ever
    concluded but "could not measure": who is not asked gets the same kind of error as who waited in vain.

    Args:
        endpoint: whose; its `give_up_after` is how many time-outs in a row make it suspect, 0 = none ever do.
        clock: for the pause.
    """

    def __init__(self, endpoint: Endpoint, clock: Clock) -> None:
        """Start with a system that is believed to answer."""
        self._endpoint = endpoint
        self._clock = clock
        self._unanswered = 0
        self._given_up: float | None = None
        self._evidence = ""
        self._lock = threading.Lock()

    def heard(self) -> None:
        """Take note of a sign of life: an answer, a part of one, a refused or broken connection."""
        self._unanswered = 0

    def unheard(self) -> None:
        """Take note of a request that timed out without one byte of an answer."""
        with self._lock:
            self._unanswered += 1

    def heed(self, url: str, probe: Callable[[], str | None]) -> None:
        """Return if the system may be asked.

        Args:
            url: what is to be asked, redacted.
            probe: asks something plain; returns None if there was any answer, else the exchange's id.

        Raises:
            TimedOut: if the system is not to be asked now.
        """
        if not self._suspect():
            return
        with self._lock:  # one thread finds out, the others wait for what it finds
            if not self._suspect():
                return
            now = self._clock.monotonic()
            if self._given_up is None or now - self._given_up >= PAUSE_SECONDS:
                self._given_up = None
                evidence = probe()
                if evidence is None:
                    self._unanswered = 0
                    return
                self._evidence, self._given_up = evidence, self._clock.monotonic()
        raise self._error(url)

    @property
    def suspected(self) -> bool:
        """Whether so many requests in a row timed out that somebody has to find out before the next."""
        return self._suspect()

    def _suspect(self) -> bool:
        return 0 < self._endpoint.give_up_after <= self._unanswered

    def _error(self, url: str) -> TimedOut:
        name, count = self._endpoint.name, self._endpoint.give_up_after
        asked = "the last request" if count == 1 else f"the last {count} requests"
        return TimedOut(
            f"{name}: no answer to {asked}, nor to a plain GET /; not asked again for {PAUSE_SECONDS:g} s",
            where=place(url),
            details=["this request was not sent (give_up_after)"],
            evidence=self._evidence,
            next_step=f"does {name} hang, or does something on the way drop packets? The checks can wait",
        )
