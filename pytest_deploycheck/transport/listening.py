"""The way in: a port on which others deliver something that a check waits for. What comes goes on the tape."""

from __future__ import annotations

import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

from pytest_deploycheck.errors import CannotMeasure

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_deploycheck.clock import Clock
    from pytest_deploycheck.transport.redaction import Redactor
    from pytest_deploycheck.transport.tape import Tape

SYSTEM = "listener"
_LARGEST = 1 << 20
_MOST = 1000
_SECONDS = 10.0


class Delivery:
    """One request that came.

    Attributes:
        body: as it came.
        at: when, on the clock's monotonic time.
    """

    __slots__ = ("at", "body", "evidence", "record")

    def __init__(self, body: bytes, at: float, record: Callable[[], str]) -> None:
        """Keep it; it is put on the tape when somebody looks at it, by whom it belongs to."""
        self.body = body
        self.at = at
        self.record = record
        self.evidence = ""


class Listener:
    """Takes what is posted to an address, until it is closed.

    Args:
        host: to bind.
        port: to bind.
        tape: gets what came.
        redactor: keeps secrets out of it.
        clock: for the time of arrival.

    Raises:
        CannotMeasure: if the address cannot be bound.
    """

    def __init__(self, host: str, port: int, *, tape: Tape, redactor: Redactor, clock: Clock) -> None:
        """Listen."""
        self._tape, self._redactor, self._clock = tape, redactor, clock
        self._lock = threading.Lock()
        self._came: list[Delivery] = []
        self._url = f"http://{host}:{port}"
        handler = type("Handler", (_Handler,), {"deliver": staticmethod(self._deliver)})
        try:
            self._server = ThreadingHTTPServer((host, port), handler)
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise CannotMeasure(
                f"nothing can listen on {host}:{port}: {reason}",
                next_step="give an address of this machine and a port that nobody else uses; with xdist, one a worker",
            ) from None
        self._server.daemon_threads = True
        self._server.block_on_close = False
        threading.Thread(target=self._server.serve_forever, args=(0.05,), name="listener", daemon=True).start()

    def deliveries(self) -> list[Delivery]:
        """Return what has come so far, oldest first; what is new is put on the tape now."""
        with self._lock:
            came = list(self._came)
        for one in came:
            if not one.evidence:
                one.evidence = one.record()
        return came

    def close(self) -> None:
        """Listen no more."""
        self._server.shutdown()
        self._server.server_close()

    def _deliver(self, path: str, headers: list[tuple[str, str]], body: bytes) -> None:
        started = self._clock.now()

        def record() -> str:
            return self._tape.record(
                system=SYSTEM,
                method="RECEIVE",
                url=self._redactor.url(self._url + path),
                request_headers=self._redactor.headers(headers),
                started=started,
                elapsed=0.0,
                body=self._redactor.body(body),
            ).id

        with self._lock:
            self._came.append(Delivery(body, self._clock.monotonic(), record))
            del self._came[:-_MOST]


class _Handler(BaseHTTPRequestHandler):
    """Takes posts; anything else is told that this is no place for it."""

    protocol_version = "HTTP/1.1"
    timeout = _SECONDS
    deliver: Callable[[str, list[tuple[str, str]], bytes], None]

    def do_POST(self) -> None:
        """Take a delivery."""
        length = self.headers.get("Content-Length", "")
        if not length.isdigit() or int(length) > _LARGEST:
            self.close_connection = True
            self._answer(413)
            return
        body = self.rfile.read(int(length))
        self.deliver(self.path, list(self.headers.items()), body)
        self._answer(200)

    def do_GET(self) -> None:
        """Tell that only posts are taken."""
        self._answer(405)

    def _answer(self, status: int) -> None:
        with suppress(OSError):
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Say nothing: what came is on the tape."""
