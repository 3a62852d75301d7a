"""An answer that is read piece by piece, for logs: too long to keep whole, so its head and its digest are evidence."""

from __future__ import annotations

import hashlib
import time
from typing import TYPE_CHECKING, Self

from pytest_deploycheck.transport.failures import FAILURES, describe
from pytest_deploycheck.transport.library import httpx
from pytest_deploycheck.transport.reply import Reply

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_deploycheck.clock import Clock
    from pytest_deploycheck.transport.endpoint import Endpoint
    from pytest_deploycheck.transport.outgoing import Outgoing
    from pytest_deploycheck.transport.pool import DeadlineTransport
    from pytest_deploycheck.transport.question import Question
    from pytest_deploycheck.transport.redaction import Redactor
    from pytest_deploycheck.transport.tape import Tape

KEPT = 64 * 1024
"""How many bytes of a stream are kept as evidence; the rest is told by its length and SHA-256."""
_SUCCESS = range(200, 300)


class Stream:
    """One answer that is being read, in the thread that opened it. It is on the tape once it is closed.

    Args:
        outgoing: what is asked.
        endpoint: whom.
        transport: the endpoint's connections.
        question: how long it may take, to its last byte.
        tape: gets the exchange.
        redactor: keeps secrets out of it.
        clock: for the time of day.

    Raises:
        CannotMeasure: if no answer begins.
    """

    def __init__(
        self,
        outgoing: Outgoing,
        *,
        endpoint: Endpoint,
        transport: DeadlineTransport,
        question: Question,
        tape: Tape,
        redactor: Redactor,
        clock: Clock,
    ) -> None:
        """Send the question and wait for the head of the answer."""
        self._outgoing = outgoing
        self._endpoint = endpoint
        self._tape = tape
        self._redactor = redactor
        self._budget = question.budget()
        self._started, self._begun = clock.now(), time.perf_counter()
        self._head = bytearray()
        self._digest = hashlib.sha256()
        self._size = 0
        self._rest = b""
        self._response: httpx.Response | None = None
        self.evidence = ""
        try:
            self._response = transport.handle_request(
                httpx.Request(
                    outgoing.method,
                    outgoing.url,
                    headers=outgoing.headers,
                    stream=httpx.ByteStream(b""),
                    extensions={"timeout": question.steps, "budget": self._budget},
                )
            )
        except FAILURES as error:
            raise self._failed(error) from None
        self._chunks: Iterator[bytes] = iter(self._response.stream)  # type: ignore[arg-type]  # ours is synchronous

    @property
    def status(self) -> int:
        """The HTTP status."""
        assert self._response is not None  # noqa: S101 - for the type checker: there is no stream without one
        return self._response.status_code

    def read(self, size: int) -> bytes:
        """Return up to so many bytes; none at the end.

        Raises:
            CannotMeasure: if the connection breaks, or the time is up.
        """
        while not self._rest:
            try:
                chunk = next(self._chunks, None)
            except FAILURES as error:
                raise self._failed(error) from None
            if chunk is None:
                self.close()
                return b""
            self._note(chunk)
            self._rest = chunk
        piece, self._rest = self._rest[:size], self._rest[size:]
        return piece

    def reply(self) -> Reply:
        """Return the whole answer, up to what is kept of a stream: for statuses that are refusals."""
        body = bytearray()
        while len(body) < KEPT and (piece := self.read(KEPT)):
            body += piece
        self.close()
        assert self._response is not None  # noqa: S101 - as above
        return Reply(
            system=self._endpoint.name,
            status=self.status,
            headers=dict(self._response.headers),
            body=bytes(body),
            elapsed=time.perf_counter() - self._begun,
            started=self._started,
            url=self._outgoing.shown_url,
            evidence=self.evidence,
            redactor=self._redactor,
        )

    def close(self) -> None:
        """End it, and put it on the tape; what was not read is not read any more."""
        self._record("")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Stream of {self._endpoint.name}: {self._size} bytes so far>"

    def _note(self, chunk: bytes) -> None:
        self._size += len(chunk)
        self._digest.update(chunk)
        if len(self._head) < KEPT:
            self._head += chunk[: KEPT - len(self._head)]

    def _failed(self, error: Exception) -> Exception:
        failure = describe(
            error, self._endpoint, url=self._outgoing.shown_url, budget=self._budget, received=self._size
        )
        failure.error.what = self._redactor.text(failure.error.what)
        failure.error.details = tuple(self._redactor.text(line) for line in failure.error.details)
        self._record(failure.error.what)
        failure.error.evidence = self.evidence
        return failure.error

    def _record(self, ended: str) -> None:
        if self.evidence:
            return
        response, redactor = self._response, self._redactor
        answered: tuple[tuple[str, str], ...] = ()
        if response is not None:
            response.close()
            pairs = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in response.headers.raw]
            told = f"{self._size} bytes, sha256 {self._digest.hexdigest()}"
            if self._size > KEPT:
                told += f"; the first {KEPT} are kept"
            answered = (*redactor.headers(pairs), ("x-deploycheck-streamed", told))
        exchange = self._tape.record(
            system=self._endpoint.name,
            method=self._outgoing.method,
            url=self._outgoing.shown_url,
            request_headers=self._outgoing.shown_headers,
            effect="read",
            started=self._started,
            elapsed=time.perf_counter() - self._begun,
            status=None if response is None else response.status_code,
            response_headers=answered,
            body=None if response is None else redactor.body(bytes(self._head)),
            error=ended or None,
        )
        self.evidence = exchange.id
