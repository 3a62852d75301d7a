"""Small real servers that misbehave on purpose: raw sockets on free loopback ports, ended with their context."""

from __future__ import annotations

import gzip
import json
import socket
import ssl
import struct
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TypeAlias

    Script: TypeAlias = "Callable[[Connection], None]"
    Answer: TypeAlias = "bytes | Script"


@dataclass
class Server:
    """A running server: its address, and what it was sent."""

    port: int
    scheme: str = "http"
    requests: list[bytes] = field(default_factory=list)
    connections: int = 0
    stopping: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}"

    @property
    def targets(self) -> list[str]:
        """The request lines without the version, such as `GET /x`."""
        return [request.split(b"\r\n", 1)[0].rpartition(b" ")[0].decode() for request in self.requests]

    def header(self, name: str, request: int = -1) -> str | None:
        """One header of a request, or None if it was not sent."""
        for line in self.requests[request].partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")[1:]:
            key, _, value = line.partition(": ")
            if key.lower() == name.lower():
                return value
        return None


@dataclass
class Connection:
    """One accepted connection, for a script that answers by itself."""

    sock: socket.socket
    server: Server
    request: bytes

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def drip(self, data: bytes, pause: float = 0.02) -> None:
        """Send one byte after the other until the end, or until the server is ended or the client gone."""
        with suppress(OSError):
            for byte in data:
                if self.server.stopping.wait(pause):
                    return
                self.sock.sendall(bytes([byte]))

    def hold(self) -> None:
        """Do nothing until the client goes or the server is ended."""
        with suppress(OSError):
            self.sock.settimeout(0.05)
            while not self.server.stopping.is_set():
                try:
                    if not self.sock.recv(1024):
                        return
                except TimeoutError:
                    continue

    def reset(self) -> None:
        """Close with a TCP reset."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()


def http(status: int = 200, body: bytes | str = b"", **headers: str) -> bytes:
    """Return an answer; an underscore in a header's name stands for a hyphen. `length` replaces Content-Length."""
    data = body.encode() if isinstance(body, str) else body
    length = headers.pop("length", str(len(data)))
    lines = [f"HTTP/1.1 {status} X", *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items())]
    if length != "none":
        lines.append(f"Content-Length: {length}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + data


def json_answer(document: Any, status: int = 200, **headers: str) -> bytes:
    return http(status, json.dumps(document), Content_Type="application/json", **headers)


def gzipped(body: bytes, **headers: str) -> bytes:
    return http(200, gzip.compress(body), Content_Encoding="gzip", **headers)


@contextmanager
def answering(*answers: Answer, tls: ssl.SSLContext | None = None) -> Iterator[Server]:
    """Serve one answer a request, in order, the last one for ever; connections are kept open.

    Args:
        answers: bytes to send as they are, or a script (after which the connection is closed).
        tls: to serve https.
    """
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        server = Server(port=listener.getsockname()[1], scheme="https" if tls else "http")
        listener.settimeout(0.05)
        threads: list[threading.Thread] = []
        lock = threading.Lock()

        def serve(raw: socket.socket) -> None:
            with suppress(OSError), raw:
                raw.settimeout(10)
                sock = tls.wrap_socket(raw, server_side=True, do_handshake_on_connect=False) if tls else raw
                with sock:
                    if not isinstance(sock, ssl.SSLSocket) or _shaken_hands(sock, server):
                        _converse(sock, server, answers, lock)

        def accept() -> None:
            while not server.stopping.is_set():
                try:
                    sock, _ = listener.accept()
                except TimeoutError:
                    continue
                server.connections += 1
                thread = threading.Thread(target=serve, args=(sock,))
                threads.append(thread)
                thread.start()

        acceptor = threading.Thread(target=accept)
        acceptor.start()
        try:
            yield server
        finally:
            server.stopping.set()
            acceptor.join()
            for thread in threads:
                thread.join()


def _shaken_hands(sock: ssl.SSLSocket, server: Server) -> bool:
    """Do the handshake; after a failure wait for the client to go, lest a reset overtakes the alert."""
    try:
        sock.do_handshake()
    except ssl.SSLError:
        with socket.socket(fileno=sock.detach()) as plain:
            Connection(plain, server, b"").hold()
        return False
    return True


def _converse(sock: socket.socket, server: Server, answers: tuple[Answer, ...], lock: threading.Lock) -> None:
    while not server.stopping.is_set():
        request = _read_request(sock, server)
        if request is None:
            return
        with lock:
            server.requests.append(request)
            answer = answers[min(len(server.requests), len(answers)) - 1]
        if callable(answer):
            answer(Connection(sock, server, request))
            return
        sock.sendall(answer)


def _read_request(sock: socket.socket, server: Server) -> bytes | None:
    data = b""
    sock.settimeout(0.05)
    while not server.stopping.is_set():
        try:
            chunk = sock.recv(65536)
        except TimeoutError:
            continue
        if not chunk:
            return None
        data += chunk
        head, mark, body = data.partition(b"\r\n\r\n")
        if mark:
            length = next(
                (int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0
            )
            if len(body) >= length:
                sock.settimeout(10)
                return data
    return None


@contextmanager
def refused_port() -> Iterator[int]:
    """Yield a loopback port on which nobody listens, and nobody can begin to."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


@contextmanager
def deaf_port() -> Iterator[int]:
    """Yield a port that accepts connections (in the kernel) and never reads or writes."""
    with socket.create_server(("127.0.0.1", 0), backlog=8) as listener:
        yield listener.getsockname()[1]


@contextmanager
def forward_proxy(*, credentials: str | None = None) -> Iterator[Server]:
    """Serve an HTTP proxy: CONNECT tunnels and absolute URLs, to loopback; 407 without the base64 `credentials`."""

    def relay(connection: Connection) -> None:
        head, _, rest = connection.request.partition(b"\r\n\r\n")
        if credentials is not None and f"proxy-authorization: basic {credentials}".lower() not in head.decode().lower():
            connection.send(http(407, "no credentials", Proxy_Authenticate="Basic"))
            return
        method, target, _ = head.split(b"\r\n", 1)[0].decode().split(" ")
        address = target if method == "CONNECT" else target.split("/")[2]
        host, _, port = address.partition(":")
        with socket.create_connection((host, int(port)), timeout=5) as upstream:
            if method == "CONNECT":
                connection.send(b"HTTP/1.1 200 OK\r\n\r\n")
            else:
                path = "/" + target.split("/", 3)[3]
                upstream.sendall(head.replace(target.encode(), path.encode(), 1) + b"\r\n\r\n" + rest)
            _pump_both(connection, upstream)

    with answering(relay) as server:
        yield server


def _pump_both(connection: Connection, upstream: socket.socket) -> None:
    """Copy bytes both ways until either side ends."""
    import select

    with suppress(OSError):
        while not connection.server.stopping.is_set():
            for sock in select.select([connection.sock, upstream], [], [], 0.05)[0]:
                data = sock.recv(65536)
                if not data:
                    return
                (upstream if sock is connection.sock else connection.sock).sendall(data)
