"""What the plugin costs where it is not used, and before the first request leaves where it is."""

from __future__ import annotations

import socket
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path

from tests.benchmarks.side_by_side import alternating, milliseconds, process, pytest_command, table

ROUNDS = 31
ANSWER = b'{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1795264075.123,"1"]}]}}'


class Door:
    """A server that notes when it was first knocked at."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self.knocked: float | None = None
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            connection, _ = self._socket.accept()
            if self.knocked is None:
                self.knocked = time.perf_counter()
            with connection:
                while data := connection.recv(65536):
                    if b"\r\n\r\n" in data:
                        head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                        connection.sendall(f"{head}Content-Length: {len(ANSWER)}\r\n\r\n".encode() + ANSWER)


def _print(title: str, base: tuple[str, list[float]], ours: tuple[str, list[float]], *, most: float) -> None:
    """Print medians and, because others may use the machine too, the least times: what they cannot have lengthened.

    The difference is the median of the rounds' differences: what slows the machine for a while slows both sides of a
    round.
    """
    rows = [("", "median", "least", "")]
    rows += [
        (name, milliseconds(statistics.median(times)), milliseconds(min(times)), "") for name, times in (base, ours)
    ]
    median = statistics.median(with_us - bare for bare, with_us in zip(base[1], ours[1], strict=True))
    least = min(ours[1]) - min(base[1])
    rows.append(("the difference", milliseconds(median), milliseconds(least), f"at most {most:g} ms wanted"))
    table(f"{title} ({ROUNDS} alternating runs)", rows)


def main() -> None:
    """Print the tables."""
    with tempfile.TemporaryDirectory() as name:
        unused, asks = Path(name) / "unused", Path(name) / "asks"
        for folder in (unused, asks):
            folder.mkdir()
        (unused / "test_unit.py").write_text("def test_one(): pass\n")
        bare = pytest_command("-p", "no:pytest_deploycheck.plugin", "-p", "no:allure_pytest")
        with_plugin = pytest_command("-p", "no:allure_pytest")
        found = alternating(
            {
                "bare": lambda: process(bare, cwd=unused),
                "installed": lambda: process(with_plugin, cwd=unused),
            },
            rounds=ROUNDS,
        )
        _print(
            "pytest, one unit test, plugin installed but unused",
            ("bare pytest", found["bare"]),
            ("with the plugin", found["installed"]),
            most=5,
        )

        door = Door()
        (asks / "deploycheck.toml").write_text(
            f'[environments.bench.prometheus]\nurl = "http://127.0.0.1:{door.port}"\n'
        )
        (asks / "test_check.py").write_text('def test_up(prometheus):\n    assert prometheus("up") == 1\n')
        (asks / "test_bare.py").write_text(
            f"import socket\ndef test_connect():\n    socket.create_connection(('127.0.0.1', {door.port})).close()\n"
        )

        def until_first_request(command: list[str]) -> float:
            door.knocked = None
            start = time.perf_counter()
            process(command, cwd=asks)
            if door.knocked is None:
                sys.exit("nobody knocked")
            return door.knocked - start

        found = alternating(
            {
                "bare": lambda: until_first_request([*bare, "test_bare.py"]),
                "check": lambda: until_first_request([*with_plugin, "test_check.py"]),
            },
            rounds=ROUNDS,
        )
        _print(
            "from the start of the process to the first connection",
            ("bare pytest, a socket in the test", found["bare"]),
            ("a Prometheus check", found["check"]),
            most=150,
        )


if __name__ == "__main__":
    main()
