"""What a real run kept, read back: who asked what in which phase, and every body as it came."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import pytest

from pytest_deploycheck.transport.tape_format import load_observations
from tests.e2e.three_systems import ONE, configure, reports
from tests.servers.bad_servers import answering, gzipped, http

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.conftest import Ran
    from tests.servers.bad_servers import Connection

CHECKS = """
    import pytest

    pytestmark = pytest.mark.blocker

    @pytest.fixture
    def before(health):
        reply = health("mcp").get("/before")
        assert reply.status == 200
        yield reply
        assert health("mcp").get("/behind").status == 204

    def test_around(prometheus, before):
        assert prometheus("up") == 1

    def test_other_forms(health, deploycheck):
        assert health("mcp").get("/bytes").status == 200
        assert health("mcp").get("/packed").text == "Füße " * 100
        deploycheck.record("load", {"now": 0.5})

    def test_cut_off(health):
        assert health("mcp").get("/cut").status == 200
"""
BYTES = bytes(range(256))
ANSWERS = {
    b"GET /api/v1/query": ONE,
    b"GET /before": http(200, "before"),
    b"GET /behind": http(204),
    b"GET /bytes": http(200, BYTES),
    b"GET /packed": gzipped("Füße ".encode() * 100),
    b"GET /cut": http(200, "half", length="100"),
}
SEEN = {
    "test_around": [
        ("setup", "/before", 200, b"before"),
        ("call", "/api/v1/query?query=up", 200, ONE.partition(b"\r\n\r\n")[2]),
        ("teardown", "/behind", 204, b""),
    ],
    "test_other_forms": [
        ("call", "/bytes", 200, BYTES),
        ("call", "/packed", 200, "Füße ".encode() * 100),
        ("call", "record:load", None, b'{"now": 0.5}'),
    ],
    "test_cut_off": [("call", "/cut", 200, b"half")],
}


def answer(connection: Connection) -> None:
    chosen = next(answer for start, answer in ANSWERS.items() if connection.request.startswith(start))
    connection.send(chosen.replace(b"\r\n", b"\r\nConnection: close\r\n", 1))


@pytest.mark.parametrize("workers", ["0", "2"])
def test_a_round_trip(run: Callable[..., Ran], pytester: pytest.Pytester, workers: str) -> None:
    with answering(answer) as server:
        configure(pytester.path, server.url)
        ran = run("-n", workers, test_it=CHECKS)
        assert (ran.code, ran.record["verdict"]) == (6, "HOLD"), ran.text
        evidence = load_observations(reports(ran) / "evidence")
        assert evidence.problems == ()
        seen: dict[str, list[tuple[str, str, int | None, bytes | None]]] = {}
        for found in evidence.records:
            exchange = found.exchange
            place = exchange.url.removeprefix(server.url)
            seen.setdefault(found.check.partition("::")[2], []).append(
                (found.phase, place, exchange.status, found.body)
            )
            assert exchange.body_size == len(found.body or b"")
            assert found.worker in ({"main"} if workers == "0" else {"gw0", "gw1"})
        assert seen == SEEN
    ids = {found.exchange.id for found in evidence.records}
    assert len(ids) == len(evidence.records)
    named = {identity for check in ran.record["checks"] for identity in check["result"]["evidence"]}
    assert named <= ids
    assert {found.exchange.id for found in evidence.records if found.phase == "call"} <= named


def test_what_the_record_says_of_the_files_is_true(run: Callable[..., Ran], pytester: pytest.Pytester) -> None:
    with answering(answer) as server:
        configure(pytester.path, server.url)
        ran = run(test_it=CHECKS)
    listed = {file["name"]: (file["sha256"], file["size"]) for file in ran.record["evidence"]["files"]}
    directory = reports(ran)
    kept = {
        str(path.relative_to(directory)): (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_size)
        for path in (directory / "evidence").rglob("*")
        if path.is_file()
    }
    assert listed == kept
    assert json.loads((directory / "signoff.json").read_text()) == ran.record
