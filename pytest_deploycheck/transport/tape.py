"""The tape: every exchange of a run, in order, and every body once."""

from __future__ import annotations

import hashlib
import json
import threading
from typing import TYPE_CHECKING

from pytest_deploycheck.model.exchange import Exchange

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_deploycheck.model.exchange import Effect

ReplayKey = tuple[str, str, str, str | None]
"""System, method, URL and request body, all redacted: by it a stored answer is found again."""

_ID_LENGTH = 12


def replay_key(exchange: Exchange) -> ReplayKey:
    """Return what tells the question of an exchange from other questions.

    Several exchanges may share a key (a retry, a question asked twice): their order on the tape is their order.
    """
    return exchange.system, exchange.method, exchange.url, exchange.request_body


class Tape:
    """Collects exchanges until somebody takes them. Safe to use from several threads.

    Whoever records has redacted everything before: the tape keeps what it is given.

    Attributes:
        label: the check that runs, for whoever needs to know whom an exchange belongs to.
        on_record: called with each exchange and its stored body, in the recording thread. What a listener raises goes
            to the asker: evidence that cannot be kept is not passed over.
        bodies: those not yet taken, by the SHA-256 of the stored body.
    """

    def __init__(self) -> None:
        """Start empty."""
        self.label = ""
        self.on_record: list[Callable[[Exchange, bytes], None]] = []
        self.bodies: dict[str, bytes] = {}
        self._lock = threading.Lock()
        self._exchanges: list[Exchange] = []
        self._taken: set[str] = set()

    def record(  # noqa: PLR0913 - the fields of an exchange
        self,
        *,
        system: str,
        method: str,
        url: str,
        started: float,
        elapsed: float,
        request_headers: tuple[tuple[str, str], ...] = (),
        request_body: str | None = None,
        effect: Effect = "read",
        attempt: int = 1,
        status: int | None = None,
        response_headers: tuple[tuple[str, str], ...] = (),
        body: bytes | None = None,
        digest: str | None = None,
        error: str | None = None,
        age: float | None = None,
        unused: str = "",
    ) -> Exchange:
        """Record one attempt; the arguments are the fields of `Exchange`.

        Args:
            system: who was asked.
            method: the HTTP method, or `RECORD`.
            url: redacted.
            started: Unix seconds.
            elapsed: seconds.
            request_headers: redacted.
            request_body: redacted text.
            effect: whether it may have changed anything.
            attempt: 1 for the first.
            status: None if no answer came.
            response_headers: redacted.
            body: redacted; as much as came. None if there was no answer.
            digest: its SHA-256, if somebody took it already.
            error: why there is no whole answer.
            age: seconds between the answer and its use, if it was asked ahead.
            unused: why nobody used what was asked ahead.

        Returns:
            The exchange with its id.
        """
        stored = b"" if body is None else body
        if body is None:
            digest = None
        elif digest is None:
            digest = hashlib.sha256(body).hexdigest()
        fields = (
            system, method, url, request_headers, request_body, effect, started, elapsed, attempt, status,
            response_headers, digest, len(stored), error, *((age, unused) if age is not None or unused else ()),
        )  # fmt: skip
        exchange = Exchange(
            id=hashlib.sha256(json.dumps(fields).encode()).hexdigest()[:_ID_LENGTH],
            system=system,
            method=method,
            url=url,
            request_headers=request_headers,
            request_body=request_body,
            effect=effect,
            started=started,
            elapsed=elapsed,
            attempt=attempt,
            status=status,
            response_headers=response_headers,
            body_sha256=digest,
            body_size=len(stored),
            error=error,
            age=age,
            unused=unused,
        )
        with self._lock:
            self._exchanges.append(exchange)
            if digest is not None and digest not in self._taken:
                self.bodies.setdefault(digest, stored)
        for listener in tuple(self.on_record):
            listener(exchange, stored)
        return exchange

    def take(self) -> list[Exchange]:
        """Return the exchanges since the last call, oldest first."""
        with self._lock:
            taken, self._exchanges = self._exchanges, []
        return taken

    def take_bodies(self) -> dict[str, bytes]:
        """Return the bodies since the last call, by SHA-256; each body is returned only once in the tape's life."""
        with self._lock:
            taken, self.bodies = self.bodies, {}
            self._taken.update(taken)
        return taken
