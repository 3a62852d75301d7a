"""Sixteen threads that need the same decoder for the first time, in a process that may end over it."""

from __future__ import annotations

import subprocess
import sys

MANY_AT_ONCE = """
import sys, threading
sys.setswitchinterval(1e-6)  # threads come in between as often as they can
import msgspec
from pytest_deploycheck.clients.decoders import decoder

class Inner(msgspec.Struct):
    values: list[float | None]

class Outer(msgspec.Struct):
    inner: dict[str, Inner]
    other: Inner | None = None

together = threading.Barrier(16)
found = []

def decode():
    together.wait()
    found.append(decoder(Outer).decode(b'{"inner": {"A": {"values": [1, null]}}}'))

threads = [threading.Thread(target=decode) for _ in range(16)]
for thread in threads: thread.start()
for thread in threads: thread.join()
assert len(found) == 16 and all(one == found[0] for one in found)
"""


def test_threads_that_need_the_same_decoder_at_once() -> None:
    for _ in range(5):
        done = subprocess.run([sys.executable, "-c", MANY_AT_ONCE], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")
