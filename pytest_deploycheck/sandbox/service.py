"""The demo service's process: two replicas, an edge instance, a webhook receiver with the switches, the stand-ins.

Run as `python -m pytest_deploycheck.sandbox.service --directory DIR`; it chooses its ports itself and writes them to
`DIR/service.json`, so no port can be taken between choosing and binding.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import socket
import sys
import threading
import time
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_deploycheck.sandbox import tls_port
from pytest_deploycheck.sandbox.endpoints import Instance, Reply
from pytest_deploycheck.sandbox.journal import ROUTINE, Journal
from pytest_deploycheck.sandbox.standins import STAND_IN_FAULTS, StandIns
from pytest_deploycheck.sandbox.switches import EDGE, INSTANCES, REPLICAS, SERVICE_FAULTS, Switches

if TYPE_CHECKING:
    from collections.abc import Callable

PORTS_FILE = "service.json"
LOG_FILE = "mcp.jsonl"
HOST = "127.0.0.1"
TICK_SECONDS = 0.25
BACKLOG = 128
MAX_BODY = 2**20
MAX_NOTIFICATIONS = 1000

Answer = "Callable[[str, str, dict[str, str], bytes], Reply]"


class _Handler(BaseHTTPRequestHandler):
    """Turn a request into a `Reply` and write it."""

    protocol_version = "HTTP/1.1"
    # Head and body leave in one segment. Unbuffered, the body would be held back (Nagle's algorithm) until the client
    # acknowledges the head, which it delays by some 40 ms.
    wbufsize = -1
    disable_nagle_algorithm = True
    server: _Server

    def do(self) -> None:
        """Answer one request of any method."""
        length = self.headers.get("Content-Length", "0")
        if not length.isdigit() or int(length) > MAX_BODY:
            self.close_connection = True
            self._write(Reply.json({"error": "Content-Length must be a number up to 1 MiB"}, 413))
            return
        body = self.rfile.read(int(length))
        path, _, query = self.path.partition("?")
        headers = {name.lower(): value for name, value in self.headers.items()} | {":query": query}
        while self.server.hangs():
            time.sleep(TICK_SECONDS)
        reply = self.server.answer(self.command, path, headers, body)
        time.sleep(reply.delay)
        with contextlib.suppress(ConnectionError):  # who asked has gone away
            self._write(reply)
            self.wfile.flush()

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = do  # noqa: N815 - the names http.server calls

    def _write(self, reply: Reply) -> None:
        self.send_response(reply.status)
        self.send_header("Content-Type", reply.content_type)
        self.send_header("Content-Length", str(len(reply.body)))
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(reply.body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base's name
        """Say nothing: requests are in the JSON log."""


class _Server(ThreadingHTTPServer):
    """A server on a socket that is bound already; it knows its connections, so that it can cut them."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, bound: socket.socket, answer: Any, hangs: Callable[[], bool]) -> None:
        super().__init__(bound.getsockname()[:2], _Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = bound
        self.answer = answer
        self.hangs = hangs
        self._connections: set[socket.socket] = set()
        self.socket.listen(BACKLOG)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of connections that were cut; everything else goes to the log."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)

    def cut_connections(self) -> None:
        for connection in list(self._connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class Listener:
    """One address that can be taken down and up again without losing its port.

    Args:
        answer: what answers its requests.
        hangs: whether answers are held back just now.
    """

    def __init__(self, answer: Any, hangs: Callable[[], bool] = lambda: False) -> None:
        """Bind a port that the kernel chooses; connections are refused until `open`."""
        self._answer = answer
        self._hangs = hangs
        self._server: _Server | None = None
        self._bound = _bind(0)
        self.port: int = self._bound.getsockname()[1]

    def open(self) -> None:
        """Serve; does nothing if it serves already."""
        if self._server is None:
            self._server = _Server(self._bound, self._answer, self._hangs)
            threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        """Refuse connections as a dead process would, and cut the open ones; the port stays ours."""
        if self._server is None:
            return
        self._server.shutdown()
        self._server.server_close()
        self._server.cut_connections()
        self._server = None
        self._bound = _bind(self.port)

    def end(self) -> None:
        """Refuse connections for good, and give the port back."""
        self.close()
        self._bound.close()


def _bind(port: int) -> socket.socket:
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind((HOST, port))
    return bound


class Service:
    """All instances, the receiver and the switches.

    Args:
        directory: where the log and the file with the ports go.
    """

    def __init__(self, directory: Path) -> None:
        """Bind all ports."""
        self._directory = directory
        self._switches = Switches()
        self._journal = Journal(directory / LOG_FILE)
        self._instances = {name: Instance(name, self._switches, self._journal) for name in INSTANCES}
        self._listeners = {
            name: Listener(partial(_answer_of, instance), partial(self._switches.on, "service-hangs", name))
            for name, instance in self._instances.items()
        }
        self._stand_ins = StandIns()
        self._listeners |= {
            "cluster": Listener(self._stand_ins.cluster),
            "grafana": Listener(self._stand_ins.grafana),
        }
        self._receiver = Listener(self._control)
        active = self._switches.active
        self._tls = tls_port.TlsPort(directory, lambda name: name in active()) if tls_port.available() else None
        self._received: dict[str, list[Any]] = {}

    def run(self) -> None:
        """Serve until killed."""
        for listener in (*self._listeners.values(), self._receiver):
            listener.open()
        ports = {name: listener.port for name, listener in self._listeners.items()}
        ports["tls"] = 0
        if self._tls is not None:
            self._tls.open()
            ports["tls"] = self._tls.port
        temporary = self._directory / f"{PORTS_FILE}.new"
        temporary.write_text(json.dumps({**ports, "receiver": self._receiver.port, "pid": os.getpid()}))
        temporary.replace(self._directory / PORTS_FILE)
        last = time.monotonic()
        while True:
            time.sleep(TICK_SECONDS)
            now = time.monotonic()
            for name, instance in self._instances.items():
                instance.metrics.tick(now - last)
                if name in REPLICAS and not self._switches.on("service-down", name):
                    instance.log("INFO", ROUTINE)
            self._stand_ins.tick()
            last = now

    def _control(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Reply:  # noqa: ARG002 - an `Answer`
        _, area, *rest = path.split("/")
        if area == "hook":
            return self._hook(method, "/".join(rest), body)
        if [area, *rest[:1]] == ["-", "fault"]:
            return self._fault(method, "/".join(rest[1:]))
        if [area, *rest] == ["-", "grafana"] and method == "PUT":
            self._stand_ins.connect(**json.loads(body))
            return Reply.json({})
        return Reply.json({"error": f"there is no {path}"}, 404)

    def _hook(self, method: str, receiver: str, body: bytes) -> Reply:
        if method == "GET":
            return Reply.json(self._received)
        if method == "DELETE":
            self._received.clear()
            return Reply.json({})
        if "receiver-fails" in self._switches.active():
            return Reply.json({"error": "the receiver is out of order"}, 500)
        try:
            payload = json.loads(body)
        except ValueError:
            return Reply.json({"error": "not JSON"}, 400)
        kept = self._received.setdefault(receiver, [])
        kept.append(payload)
        del kept[:-MAX_NOTIFICATIONS]
        return Reply.json({})

    def _fault(self, method: str, name: str) -> Reply:
        if method == "GET" and not name:
            return Reply.json({**self._switches.active(), **self._stand_ins.active()})
        if name not in SERVICE_FAULTS and name not in STAND_IN_FAULTS:
            known = sorted((*SERVICE_FAULTS, *STAND_IN_FAULTS))
            return Reply.json({"error": f"there is no fault {name}", "faults": known}, 404)
        if method not in {"POST", "DELETE"}:
            return Reply.json({"error": "POST switches a fault on, DELETE off"}, 405)
        if name in STAND_IN_FAULTS:
            self._stand_ins.turn(name, on=method == "POST")
        else:
            self._switch(name, on=method == "POST")
        return Reply.json({**self._switches.active(), **self._stand_ins.active()})

    def _switch(self, name: str, *, on: bool) -> None:
        change = self._switches.turn_on if on else self._switches.turn_off
        change(name)
        if not on or name.startswith("log-"):
            # What was written before would be found for as long as the window lasts.
            self._journal.begin_anew()
        if name in {"service-down", "edge-down"}:
            listener = self._listeners[EDGE if name == "edge-down" else SERVICE_FAULTS[name][0]]
            (listener.close if on else listener.open)()
        if name == tls_port.CLOSED and self._tls is not None:
            (self._tls.close if on else self._tls.open)()


def _answer_of(instance: Instance, method: str, path: str, headers: dict[str, str], body: bytes) -> Reply:  # noqa: ARG001
    return instance.answer(method, path, headers)


def main(arguments: list[str] | None = None) -> int:
    """Run the service until it is killed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--directory", type=Path, required=True, help="where the log and the file with the ports go")
    options = parser.parse_args(arguments)
    Service(options.directory).run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
