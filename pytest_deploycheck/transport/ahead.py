"""One question that is sent by another thread while its asker is still busy with the answer before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_deploycheck.transport.attempt import Attempt
from pytest_deploycheck.transport.failures import Failure
from pytest_deploycheck.transport.question import Question
from pytest_deploycheck.transport.retrying import RETRIED_STATUSES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from concurrent.futures import Executor

    from pytest_deploycheck.transport.reply import Reply
    from pytest_deploycheck.transport.wire import Wire


class Ahead:
    """A GET under way. It is recorded by its asker, when he takes the answer: as the next question of his.

    Args:
        wire: the way to the system.
        path: as for `Wire.request`.
        params: as for `Wire.request`.
        headers: as for `Wire.request`.
        thread: sends it.
    """

    def __init__(
        self, wire: Wire, path: str, *, params: Mapping[str, str], headers: Sequence[tuple[str, str]], thread: Executor
    ) -> None:
        """Send it."""
        self._wire = wire
        outgoing = wire._composer.compose(  # noqa: SLF001 - same room
            "GET", path, params=params, form=None, json=None, content=None, headers=headers, effect="read"
        )
        self._attempt = Attempt(outgoing, wire.endpoint, wire._redactor)  # noqa: SLF001
        question = Question(limits=wire.endpoint.timeouts, clock=wire._clock)  # noqa: SLF001
        self._sent = thread.submit(self._attempt.send, wire._transport, question, wire._clock)  # noqa: SLF001

    def reply(self) -> Reply | None:
        """Wait for the answer, record it, and return it; None if it is one after which one asks again."""
        self._sent.result()
        response = self._attempt.response
        if self._attempt.failure is not None or response is None or response.status_code in RETRIED_STATUSES:
            self.drop("it failed, and was asked again")
            return None
        result = self._wire.use(self._attempt, None)
        return None if isinstance(result, Failure) else result

    def drop(self, why: str) -> None:
        """Record it as an answer that nobody used."""
        self._sent.result()
        self._wire.discard(self._attempt, why)
