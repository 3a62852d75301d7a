"""What checks declare is asked together: the same results with and without, ages in evidence, groups, mistakes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from pytest_deploycheck.sandbox.faults import FAULTS
from tests.e2e.shipped_suites import Verified, verify
from tests.servers.bad_servers import Connection, answering, json_answer
from tests.servers.prometheus_answers import UP, vector

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pytest_deploycheck.sandbox.stack import Sandbox
    from tests.e2e.conftest import Ran
    from tests.servers.bad_servers import Server

OTHER = "the check asked something else first"


def observed(reports: Path) -> list[dict[str, Any]]:
    """The evidence of the latest run, with short names of the checks."""
    text = (reports / "latest" / "evidence" / "observations.jsonl").read_text()
    rows = [json.loads(line) for line in text.splitlines()]
    return [{**row, "check": row["check"].partition("::")[2]} for row in rows]


def results(verified: Verified) -> dict[str, str]:
    return {check["nodeid"]: check["result"]["outcome"] for check in verified.record["checks"]}


# --- the shipped suite ------------------------------------------------------------------------------------------------


def test_a_healthy_stack_is_the_same_with_and_without(sandbox: Sandbox, tmp_path: Path) -> None:
    together = verify(sandbox, tmp_path / "together")
    alone = verify(sandbox, tmp_path / "alone", "--deploycheck-no-prefetch")
    assert together.verdict == alone.verdict == ("GO", 0), together.told() + alone.told()
    assert results(together) == results(alone)
    rows = observed(tmp_path / "together")
    ages = [row["age"] for row in rows if row["age"] is not None]
    assert len(ages) > sum(row["system"] == "prometheus" for row in rows) / 2
    assert all(0 <= age < 5 for age in ages)
    # every declared question is one that the check begins with: only recorded series lead on to others
    assert {(row["check"], row["unused"]) for row in rows if row["unused"]} == {
        ("test_metric_is_fresh[vector_bytes]", OTHER)
    }
    # nothing else is under way while latency is measured
    timed = [row for row in rows if row["check"].startswith(("test_health_endpoint", "test_metrics_endpoint"))]
    busy = [
        (row["check"], other["url"])
        for row in timed
        for other in rows
        if other is not row and other["started"] < row["started"] + row["elapsed"] < other["started"] + other["elapsed"]
    ]
    assert (len(timed) > 5, [row["age"] for row in timed if row["age"] is not None], busy) == (True, [], [])
    assert [row for row in observed(tmp_path / "alone") if row["age"] is not None or row["unused"]] == []


@pytest.mark.parametrize("name", ["health-unhealthy", "old-timestamp", "alert-firing"])
def test_a_fault_is_the_same_with_and_without(
    broken_sandbox: Callable[..., Sandbox], tmp_path: Path, name: str
) -> None:
    fault = FAULTS[name]
    stack = broken_sandbox(name)
    together = verify(stack, tmp_path / "together")
    alone = verify(stack, tmp_path / "alone", "--deploycheck-no-prefetch")
    assert together.verdict[0] == alone.verdict[0] == fault.verdict.value, together.told()
    assert results(together) == results(alone)
    assert any(row["age"] is not None for row in observed(tmp_path / "together"))


# --- an author's own tests --------------------------------------------------------------------------------------------

THREE = """
    import pytest

    pytestmark = pytest.mark.blocker

    @pytest.mark.parametrize("name", ["a", "b", "c"])
    @pytest.mark.asks(questions=lambda ask, name: ask.prometheus(name))
    def test_declared(prometheus, name):
        assert prometheus(name) == 1
"""


@pytest.fixture
def server(pytester: pytest.Pytester) -> Iterator[Server]:
    """A Prometheus of which everything is 1, and its configuration."""
    with answering(json_answer(vector(UP))) as found:
        (pytester.path / "deploycheck.toml").write_text(
            f'[environments.test.prometheus]\nurl = "{found.url}"\n'
            f'[environments.test.services.app]\nurl = "{found.url}"\nwrites = true\n'
        )
        yield found


def early(ran: Ran) -> list[tuple[str, bool, str]]:
    """Check, whether its answer was asked ahead, and why not used, of each exchange in order."""
    return [(row["check"], row["age"] is not None, row["unused"]) for row in observed(ran.directory / "reports")]


@pytest.mark.usefixtures("server")
def test_an_author_declares_the_same(run: Callable[..., Ran]) -> None:
    ran = run(test_own=THREE)
    assert ran.record["verdict"] == "GO", ran.text
    assert early(ran) == [
        ("test_declared[a]", False, ""),
        ("test_declared[b]", True, ""),
        ("test_declared[c]", True, ""),
    ]
    [one] = [check for check in ran.record["checks"] if check["nodeid"].endswith("[b]")]
    assert one["result"]["evidence"] == [
        row["id"] for row in observed(ran.directory / "reports") if "[b]" in row["check"]
    ]


@pytest.mark.usefixtures("server")
def test_a_worker_asks_ahead_for_what_it_was_sent(run: Callable[..., Ran]) -> None:
    ran = run("-n", "1", test_own=THREE)
    assert ran.record["verdict"] == "GO", ran.text
    assert sorted(early(ran)) == [
        ("test_declared[a]", False, ""),
        ("test_declared[b]", True, ""),
        ("test_declared[c]", True, ""),
    ]


BETWEEN = {
    "undeclared": """
    def test_between(prometheus):
        assert prometheus("x") == 1
    """,
    "a write": """
    @pytest.mark.writes("app")
    @pytest.mark.asks(questions=lambda ask: ())
    def test_between(health):
        assert health("app").post("/sessions").status == 200
    """,
    "in its own time": """
    @pytest.mark.asks(questions=lambda ask: None)
    def test_between(prometheus):
        assert prometheus("x") == 1
    """,
}
LAST = """
    @pytest.mark.asks(questions=lambda ask: ask.prometheus("y"))
    def test_last(prometheus):
        assert prometheus("y") == 1
"""


@pytest.mark.parametrize("between", BETWEEN)
@pytest.mark.usefixtures("server")
def test_nothing_is_asked_across_a_test_that_does_not_declare_itself(run: Callable[..., Ran], between: str) -> None:
    ran = run(test_own=THREE + BETWEEN[between] + LAST)
    assert ran.record["verdict"] == "GO", ran.text
    assert [asked for asked in early(ran) if "declared" not in asked[0]] == [
        ("test_between", False, ""),
        ("test_last", False, ""),
    ]


@pytest.mark.usefixtures("server")
def test_a_stimulus_of_a_fixture_makes_earlier_answers_useless(run: Callable[..., Ran]) -> None:
    ran = run(
        test_own="""
            import pytest

            @pytest.fixture
            def stimulus(prometheus):
                with prometheus.mark("x"):
                    pass

            @pytest.mark.asks(questions=lambda ask: ask.prometheus("a"))
            def test_a(prometheus):
                assert prometheus("a") == 1

            @pytest.mark.asks(questions=lambda ask: ask.prometheus("b"))
            def test_b(stimulus, prometheus):
                assert prometheus("b") == 1

            @pytest.mark.asks(questions=lambda ask: ask.prometheus("c"))
            def test_c(prometheus):
                assert prometheus("c") == 1
        """
    )
    assert ran.record["verdict"] == "GO", ran.text
    found = early(ran)
    assert ("test_c", False, "something may have changed meanwhile") in found
    assert [(check, used) for check, used, unused in found if used] == []


@pytest.mark.usefixtures("server")
def test_a_check_that_is_tried_again_in_between_makes_earlier_answers_useless(run: Callable[..., Ran]) -> None:
    """It may change something by a client of its own, and nobody would know."""
    ran = run(
        test_own="""
            import pytest, time

            pytestmark = pytest.mark.blocker

            tries = []

            @pytest.mark.within("2s", every="300ms", since="start")
            def test_waits(deploycheck):
                deploycheck.record("tries", tries)
                tries.append(1)
                assert len(tries) > 1

            @pytest.mark.parametrize("name", ["a", "b", "c"])
            @pytest.mark.asks(questions=lambda ask, name: ask.prometheus(name))
            def test_declared(prometheus, name):
                assert prometheus(name) == 1
                time.sleep(0.4 if name == "a" else 0)
        """
    )
    assert ran.record["verdict"] == "GO", ran.text
    assert [(check, unused) for check, used, unused in early(ran) if unused or used] == [
        ("test_declared[b]", "something may have changed meanwhile"),
        ("test_declared[c]", "something may have changed meanwhile"),
    ]


@pytest.mark.usefixtures("server")
def test_a_repeated_attempt_asks_anew(run: Callable[..., Ran]) -> None:
    ran = run(
        "--reruns",
        "1",
        test_own="""
            import pytest

            tries = []

            @pytest.mark.asks(questions=lambda ask: ask.prometheus("a"))
            def test_a(prometheus):
                assert prometheus("a") == 1

            @pytest.mark.asks(questions=lambda ask: ask.prometheus("b"))
            def test_b(prometheus):
                tries.append(1)
                assert prometheus("b") == len(tries) - 1
        """,
    )
    assert early(ran) == [("test_a", False, ""), ("test_b", True, ""), ("test_b", False, "")], ran.text


@pytest.mark.usefixtures("server")
def test_a_check_that_waits_asks_anew_and_one_that_must_hold_asks_in_its_own_time(run: Callable[..., Ran]) -> None:
    ran = run(
        test_own="""
            import pytest

            tries = []

            @pytest.mark.asks(questions=lambda ask: ask.prometheus("a"))
            def test_a(prometheus):
                assert prometheus("a") == 1

            @pytest.mark.within("20s", since="start", every="500ms")
            @pytest.mark.asks(questions=lambda ask: ask.prometheus("b"))
            def test_b(prometheus):
                tries.append(1)
                assert prometheus("b") == (1 if len(tries) == 2 else 0)

            @pytest.mark.sustained("300ms", since="start", every="300ms")
            @pytest.mark.asks(questions=lambda ask: ask.health("app").get("/c"))
            def test_c(health):
                assert health("app").get("/c").status == 200
        """
    )
    assert ran.record["verdict"] == "GO", ran.text
    rows = observed(ran.directory / "reports")
    assert [row["age"] is not None for row in rows if row["url"].endswith("query=b")] == [True, False]
    assert {row["age"] for row in rows if row["url"].endswith("/c")} == {None}


@pytest.mark.usefixtures("server")
def test_what_was_only_declared_was_not_observed(run: Callable[..., Ran]) -> None:
    ran = run(
        test_own="""
            import pytest

            @pytest.mark.asks(questions=lambda ask: ask.prometheus("a"))
            def test_a(prometheus):
                assert prometheus("a") == 1

            @pytest.mark.asks(questions=lambda ask: ask.prometheus("b"))
            def test_b(prometheus):
                pass
        """
    )
    assert ran.record["verdict"] == "HOLD", ran.text
    assert ran.outcomes() == {"test_a": "passed", "test_b": "inconclusive"}
    assert early(ran) == [("test_a", False, ""), ("test_b", False, "the check did not ask it")]
    [one] = [check for check in ran.record["checks"] if check["nodeid"].endswith("test_b")]
    assert one["result"]["evidence"] == []


@pytest.mark.usefixtures("server")
def test_answers_for_checks_that_never_ran_are_counted(run: Callable[..., Ran]) -> None:
    body = THREE.replace("== 1", "== 2")
    ran = run("-x", test_own=body)
    told = "answers that were asked ahead for checks that did not take them were not kept"
    assert [note for note in ran.record["notes"] if told in note] == [f"2 {told}"], ran.record["notes"]


@pytest.mark.parametrize(
    ("questions", "told"),
    [
        ("lambda ask: 1 / 0", "asks() raised ZeroDivisionError: division by zero: nothing was asked ahead"),
        ("lambda ask: ['up']", "asks() gave 'up', which is no question: nothing was asked ahead"),
        ("lambda ask: 7", "asks() gave 7, which is no question: nothing was asked ahead"),
    ],
)
@pytest.mark.usefixtures("server")
def test_a_declaration_that_fails_is_told_and_changes_no_result(
    run: Callable[..., Ran], questions: str, told: str
) -> None:
    body = f"""
        import pytest

        @pytest.mark.asks(questions={questions})
        def test_a(prometheus):
            assert prometheus("a") == 1
    """
    ran = run(test_own=body)
    assert ran.record["verdict"] == "GO", ran.text
    assert f"test_own.py::test_a: {told}" in ran.record["notes"]
    assert run("--deploycheck-no-prefetch").record["verdict"] == "GO"


@pytest.mark.parametrize(
    ("marker", "told"),
    [
        ("asks()", "asks() takes one function by name, such as asks(questions=lambda ask: ask.prometheus('up'))"),
        ("asks(lambda ask: ())", "asks() takes one function by name"),
        ("asks(questions='up')", "asks() takes one function by name"),
        ("asks(question=lambda ask: ())", "asks() takes one function by name"),
        ("asks(questions=lambda ask, entry: ())", "asks(): its function takes 'entry': there is only `ask`"),
        ("asks(questions=dict)", "asks(): its function takes 'an argument without a name': there is only `ask`"),
    ],
)
@pytest.mark.usefixtures("server")
def test_a_mistaken_marker_is_a_usage_error(run: Callable[..., Ran], marker: str, told: str) -> None:
    ran = run(test_own=f"import pytest\n\n@pytest.mark.{marker}\ndef test_a(prometheus):\n    pass\n")
    assert ran.code == 4, ran.text
    assert f"test_own.py:3: test_a: {told}" in ran.text


@pytest.mark.parametrize(
    "question", ["ask.alertmanager.silences()", "ask.health('nobody').get('/')", "ask.prometheus.fresh('up[')"]
)
@pytest.mark.usefixtures("server")
def test_what_cannot_be_asked_ahead_is_left_to_the_check(run: Callable[..., Ran], question: str) -> None:
    ran = run(test_own=THREE.replace("ask.prometheus(name)", f"[*{question}]"))
    assert (ran.record["verdict"], ran.record["notes"]) == ("GO", []), ran.text
    assert [used for _, used, _ in early(ran)] == [False] * 3


def test_an_interrupted_run_ends_at_once(pytester: pytest.Pytester) -> None:
    def hold(connection: Connection) -> None:
        connection.hold()

    with answering(hold) as server:
        (pytester.path / "deploycheck.toml").write_text(f'[environments.test.prometheus]\nurl = "{server.url}"\n')
        pytester.makepyfile(test_own=THREE)
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q"]
        with subprocess.Popen(command, cwd=pytester.path, env=os.environ, stdout=subprocess.PIPE, text=True) as child:
            deadline = time.monotonic() + 20
            while len(server.requests) < 3 and time.monotonic() < deadline:
                time.sleep(0.02)
            assert len(server.requests) == 3, "its own and two ahead"
            began = time.monotonic()
            child.send_signal(signal.SIGINT)
            text = child.communicate(timeout=20)[0]
        assert time.monotonic() - began < 5
    assert child.returncode in (2, 6), text
    record = json.loads((pytester.path / "reports" / "latest" / "signoff.json").read_text())
    assert record["verdict"] == "HOLD"
