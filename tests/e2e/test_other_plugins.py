"""Beside other plugins: checks that wait go on waiting, and the other plugin goes on working for the other tests.

How much of a window was looked at depends on how long the other tests hold the machine: here any share is enough.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.conftest import Ran

WAITS = """
import pytest

TRIED = {}

def tried(name):
    TRIED[name] = TRIED.get(name, 0) + 1
    return TRIED[name]

@pytest.mark.within("60s", every="200ms")
def test_mends(deploycheck):
    deploycheck.record("attempt", tried("mends"))
    assert TRIED["mends"] == 3

@pytest.mark.within("1s", since="start", every="300ms")
def test_never(deploycheck):
    deploycheck.record("attempt", tried("never"))
    assert False, "never"

@pytest.mark.sustained("1s", since="start", every="300ms", coverage=0.01)
def test_holds(deploycheck): deploycheck.record("attempt", tried("holds"))
"""

OUTCOMES = {"test_mends": "passed", "test_never": "failed", "test_holds": "passed"}


def assert_waited(ran: Ran) -> None:
    """The three checks waited as they do alone, whatever else ran."""
    outcomes = {name: outcome for name, outcome in ran.outcomes().items() if name in OUTCOMES}
    assert outcomes == OUTCOMES, ran.text
    results = {check["nodeid"].split("::", 1)[-1]: check["result"] for check in ran.record["checks"]}
    assert results["test_mends"]["attempts"] == 3
    assert results["test_never"]["attempts"] > 1
    assert results["test_holds"]["attempts"] > 1
    assert (ran.code, ran.record["verdict"]) == (1, "NO-GO")
    seen: dict[str, int] = {}
    for line in (ran.directory / "reports/latest/evidence/observations.jsonl").read_text().splitlines():
        name = json.loads(line)["check"].split("::", 1)[-1]
        seen[name] = seen.get(name, 0) + 1
    for name in OUTCOMES:
        assert seen[name] == results[name]["attempts"], "the evidence of every attempt is kept, of each once"
    assert "INTERNALERROR" not in ran.text


@pytest.mark.parametrize("workers", ["0", "2"])
def test_rerunfailures(run: Callable[..., Ran], workers: str) -> None:
    """What waits is not rerun as well; what does not wait is."""
    ran = run(
        "--reruns=2",
        "-n",
        workers,
        test_check=WAITS,
        test_flaky="""
        TRIED = []

        def test_flaky(deploycheck):
            TRIED.append(1)
            deploycheck.record("attempt", len(TRIED))
            assert len(TRIED) == 2
        """,
    )
    assert_waited(ran)
    assert ran.outcomes()["test_flaky"] == "passed"
    assert "1 failed, 3 passed, 1 rerun" in ran.text


def test_rerunfailures_marker_on_a_check_that_waits(run: Callable[..., Ran]) -> None:
    marked = WAITS.replace("def test_never", "@pytest.mark.flaky(reruns=5)\ndef test_never")
    ran = run(test_check=marked)
    assert_waited(ran)
    assert "rerun" not in ran.text.partition("passed")[0].rpartition("\n")[2]


@pytest.mark.parametrize("method", ["signal", "thread"])
def test_timeout_is_for_each_attempt_and_not_for_the_waiting(run: Callable[..., Ran], method: str) -> None:
    """Four seconds are less than all attempts take together, and more than any of them."""
    ran = run(
        "-p",
        "timeout",
        "--timeout=4",
        f"--timeout-method={method}",
        test_check=WAITS
        + """
@pytest.mark.within("60s", every="2s")
def test_longer(deploycheck):
    deploycheck.record("attempt", tried("longer"))
    assert TRIED["longer"] == 4
""",
    )
    assert_waited(ran)
    assert ran.outcomes()["test_longer"] == "passed"


def test_an_attempt_that_runs_into_its_time_limit_is_not_tried_again(run: Callable[..., Ran]) -> None:
    ran = run(
        "-p",
        "timeout",
        test_check=WAITS
        + """
import time

@pytest.mark.timeout(1)
@pytest.mark.within("60s")
def test_hangs(deploycheck):
    deploycheck.record("attempt", tried("hangs"))
    time.sleep(30)

@pytest.mark.timeout(1)
def test_plain_hangs():
    time.sleep(30)
""",
    )
    assert_waited(ran)
    hangs = next(check["result"] for check in ran.record["checks"] if check["nodeid"].endswith("::test_hangs"))
    assert (hangs["outcome"], hangs["attempts"]) == ("error", 1)
    assert hangs["summary"].startswith("Timeout (>1.0s)")
    assert ran.outcomes()["test_plain_hangs"] == "error"


@pytest.mark.parametrize("workers", ["0", "2"])
@pytest.mark.parametrize("seed", ["1", "2"])
def test_randomly(run: Callable[..., Ran], seed: str, workers: str) -> None:
    """Tests are shuffled, and each attempt begins with the seed that it would have alone."""
    ran = run(
        "-p",
        "randomly",
        f"--randomly-seed={seed}",
        "-n",
        workers,
        test_check=WAITS,
        test_random="""
        import random, pytest

        SEEN = set()

        @pytest.mark.within("60s", every="200ms")
        def test_seeded(deploycheck):
            number = random.random()
            deploycheck.record("attempt", number)
            SEEN.add(number)
            deploycheck.tried = getattr(deploycheck, "tried", 0) + 1
            assert len(SEEN) == 1
            if deploycheck.tried < 3: raise OSError("not yet")

        @pytest.mark.parametrize("n", range(6))
        def test_shuffled(deploycheck, n): deploycheck.record("n", n)
        """,
    )
    assert_waited(ran)
    assert ran.outcomes()["test_seeded"] == "passed"
    assert f"Using --randomly-seed={seed}" in ran.text


def test_order(run: Callable[..., Ran]) -> None:
    ran = run(
        "-p",
        "pytest_order",
        "-v",
        test_check=WAITS
        + """
@pytest.mark.order(2)
def test_second(deploycheck): deploycheck.record("seen", 1)

@pytest.mark.order(1)
def test_first(deploycheck): deploycheck.record("seen", 1)

@pytest.mark.order("last")
@pytest.mark.within("60s", every="200ms")
def test_last(deploycheck):
    deploycheck.record("attempt", tried("last"))
    assert TRIED["last"] == 2
""",
    )
    assert_waited(ran)
    assert ran.outcomes()["test_last"] == "passed"
    shown = [line.split()[0].partition("::")[2] for line in ran.text.splitlines() if line.startswith("test_check.py::")]
    assert shown[:2] == ["test_first", "test_second"]


def test_asyncio(run: Callable[..., Ran]) -> None:
    """Asynchronous checks wait too, each attempt in a loop of its own; a wider loop is kept for them."""
    ran = run(
        "-p",
        "asyncio",
        test_check=WAITS
        + """
import asyncio, pytest_asyncio

@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def module():
    await asyncio.sleep(0)
    yield asyncio.get_running_loop()

@pytest_asyncio.fixture
async def fresh():
    await asyncio.sleep(0)
    yield tried("fresh")

@pytest.mark.asyncio
@pytest.mark.within("60s", every="200ms")
async def test_async(deploycheck, fresh):
    await asyncio.sleep(0)
    deploycheck.record("attempt", fresh)
    assert fresh == 3

@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.within("60s", every="200ms")
async def test_async_in_the_modules_loop(deploycheck, module):
    assert asyncio.get_running_loop() is module
    deploycheck.record("attempt", tried("loop"))
    if TRIED["loop"] < 3: raise OSError("not yet")

@pytest.mark.asyncio
async def test_plain(deploycheck): deploycheck.record("seen", 1)
""",
    )
    assert_waited(ran)
    for name in ("test_async", "test_async_in_the_modules_loop", "test_plain"):
        assert ran.outcomes()[name] == "passed", ran.text


def test_bdd(run: Callable[..., Ran], pytester: pytest.Pytester) -> None:
    (pytester.path / "a.feature").write_text(
        """Feature: deployment
  Scenario: it converges
    Given a deployment
    Then it answers at the third time

  Scenario: it is there
    Given a deployment
"""
    )
    ran = run(
        "-p",
        "pytest-bdd",
        test_check=WAITS
        + """
from pytest_bdd import given, scenario, then

@pytest.mark.within("60s", every="200ms")
@scenario("a.feature", "it converges")
def test_converges(): pass

@scenario("a.feature", "it is there")
def test_there(): pass

@given("a deployment")
def _(deploycheck): deploycheck.record("seen", 1)

@then("it answers at the third time")
def _(deploycheck): assert tried("bdd") == 3
""",
    )
    assert_waited(ran)
    assert ran.outcomes()["test_converges"] == ran.outcomes()["test_there"] == "passed", ran.text
