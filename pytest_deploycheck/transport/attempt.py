"""A request sent once, and what came of it; the tape learns of it only from whoever uses that."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from pytest_deploycheck.transport.answer_body import BodyReader
from pytest_deploycheck.transport.failures import FAILURES, Failure, describe
from pytest_deploycheck.transport.library import httpx

if TYPE_CHECKING:
    from pytest_deploycheck.clock import Clock
    from pytest_deploycheck.transport.endpoint import Endpoint
    from pytest_deploycheck.transport.outgoing import Outgoing
    from pytest_deploycheck.transport.pool import DeadlineTransport
    from pytest_deploycheck.transport.question import Question
    from pytest_deploycheck.transport.redaction import Redactor


class Attempt:
    """One sending. Filled in as it goes, so that it can be told of even if something ends it in the middle.

    Args:
        outgoing: what is sent.
        endpoint: to whom.
        redactor: keeps secrets out of the failure's text.
        number: 1 for the first.

    Attributes:
        outgoing: as given.
        number: as given.
        started: when it was sent, Unix seconds.
        came: when it was over, on the clock's monotonic time.
        elapsed: seconds from sending until the last byte or the failure.
        response: status and headers, if an answer came.
        body: as much of it as came. Not redacted.
        digest: its SHA-256.
        failure: why there is no whole answer.
        ended: the same as text, redacted; empty if there is one.
    """

    __slots__ = (
        "_endpoint", "_reader", "_redactor", "came", "elapsed", "ended", "failure", "number", "outgoing", "response",
        "started",
    )  # fmt: skip

    def __init__(self, outgoing: Outgoing, endpoint: Endpoint, redactor: Redactor, *, number: int = 1) -> None:
        """Nothing is sent yet."""
        self.outgoing = outgoing
        self.number = number
        self.started = 0.0
        self.came = 0.0
        self.elapsed = 0.0
        self.response: httpx.Response | None = None
        self.failure: Failure | None = None
        self.ended = "interrupted"  # what stands on the tape if something else ends this, such as Ctrl-C
        self._endpoint = endpoint
        self._redactor = redactor
        self._reader = BodyReader(endpoint.max_body)

    @property
    def body(self) -> bytes:
        """As much as came. Not redacted."""
        return self._reader.body

    @property
    def digest(self) -> str:
        """The SHA-256 of `body`."""
        return self._reader.digest

    def send(self, transport: DeadlineTransport, question: Question, clock: Clock) -> None:
        """Send it, and read the answer; what goes wrong on the way is kept in `failure`.

        Args:
            transport: the endpoint's connections.
            question: says how long this may take.
            clock: for the time of day.
        """
        outgoing, budget = self.outgoing, question.budget()
        self.started, begun = clock.now(), time.perf_counter()
        try:
            try:
                self.response = transport.handle_request(
                    httpx.Request(
                        outgoing.method,
                        outgoing.url,
                        headers=outgoing.headers,
                        stream=httpx.ByteStream(outgoing.body or b""),
                        extensions={"timeout": question.steps, "budget": budget},
                    )
                )
                self._reader.read(self.response, head=outgoing.method == "HEAD")
                self.ended = ""
            except FAILURES as error:
                failure = describe(
                    error, self._endpoint, url=outgoing.shown_url, budget=budget, received=len(self._reader.body)
                )
                failure.error.what = self._redactor.text(failure.error.what)
                failure.error.details = tuple(self._redactor.text(line) for line in failure.error.details)
                self.failure, self.ended = failure, failure.error.what
            finally:
                if self.response is not None:
                    self.response.close()
        finally:
            self.elapsed = time.perf_counter() - begun
            self.came = clock.monotonic()
