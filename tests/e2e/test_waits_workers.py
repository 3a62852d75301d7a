"""Waits in xdist workers: they overlap in each worker and across them, and the verdict does not depend on how many."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.conftest import Ran

MIXED = """
    import pytest

    TRIED = {}

    def tried(name):
        TRIED[name] = TRIED.get(name, 0) + 1
        return TRIED[name]

    @pytest.mark.within("60s", every="100ms")
    @pytest.mark.parametrize("n", range(9))
    def test_converges(deploycheck, n):
        attempt = tried(n)
        deploycheck.record("attempt", attempt)
        assert attempt > n % 3, f"attempt {attempt}"

    @pytest.mark.within("60s", every="100ms")
    def test_bug(deploycheck):
        deploycheck.record("attempt", tried("bug"))
        raise KeyError("a typo")

    @pytest.mark.within("1s", since="start", every="300ms")
    def test_never(deploycheck):
        deploycheck.record("attempt", tried("never"))
        assert False, "never"

    @pytest.mark.sustained("1s", since="start", every="250ms", coverage=0.01)
    def test_holds(deploycheck):
        deploycheck.record("attempt", tried("holds"))

    @pytest.mark.warning
    @pytest.mark.within("1s", since="start", every="300ms")
    def test_soft(deploycheck):
        deploycheck.record("attempt", tried("soft"))
        assert False, "soft"

    def test_plain(deploycheck): deploycheck.record("seen", 1)
"""


def comparable(record: dict[str, Any]) -> object:
    """All that must not depend on the number of workers; how often one looks within a second is no part of it."""
    return (
        record["verdict"],
        record["coverage"],
        [
            (
                check["nodeid"],
                check["result"]["outcome"],
                check["result"]["attempts"] if "converges" in check["nodeid"] or "bug" in check["nodeid"] else None,
                bool(check["result"]["wait"]),
            )
            for check in record["checks"]
        ],
        sorted((reason["nodeid"], reason["text"].partition(" (still so")[0]) for reason in record["reasons"]),
    )


def test_the_verdict_does_not_depend_on_the_number_of_workers(run: Callable[..., Ran]) -> None:
    found = []
    for workers in ("0", "2", "8"):
        ran = run("-n", workers, test_check=MIXED)
        assert ran.code == 1, ran.text
        found.append(comparable(ran.record))
    assert found[0] == found[1] == found[2]
    outcomes = ran.outcomes()
    assert outcomes.pop("test_bug") == "error"
    assert outcomes.pop("test_never") == outcomes.pop("test_soft") == "failed"
    assert set(outcomes.values()) == {"passed"}


@pytest.mark.parametrize("dist", ["load", "loadscope", "loadfile", "loadgroup", "worksteal"])
def test_every_distribution_runs_every_check_once(run: Callable[..., Ran], dist: str) -> None:
    grouped = MIXED.replace("def test_converges", '@pytest.mark.xdist_group("one")\n    def test_converges')
    ran = run("-n", "2", f"--dist={dist}", test_check=grouped, test_other=MIXED)
    assert ran.code == 1, ran.text
    record = ran.record
    assert len(record["checks"]) == 28
    assert not [check for check in record["checks"] if "@" in check["nodeid"]]
    assert record["verdict"] == "NO-GO"
    seen: dict[str, int] = {}
    for line in (ran.directory / "reports/latest/evidence/observations.jsonl").read_text().splitlines():
        check = json.loads(line)["check"]
        seen[check] = seen.get(check, 0) + 1
    for check in record["checks"]:
        assert check["result"]["attempts"] == seen[check["nodeid"]], check["nodeid"]
        if "converges" in check["nodeid"]:
            number = int(check["nodeid"].partition("[")[2][0])
            assert (check["result"]["outcome"], check["result"]["attempts"]) == ("passed", number % 3 + 1)


def test_every_check_is_tried_before_any_is_tried_again(run: Callable[..., Ran]) -> None:
    """Forty checks that wait: in each worker all of them have begun before the first one is over."""
    ran = run(
        "-n",
        "2",
        test_check="""
        import pytest

        TRIED = {}

        @pytest.mark.within("60s")
        @pytest.mark.parametrize("n", range(40))
        def test_converges(deploycheck, n):
            TRIED[n] = TRIED.get(n, 0) + 1
            deploycheck.record("attempt", TRIED[n])
            assert TRIED[n] == 3
        """,
    )
    assert (ran.code, ran.record["verdict"]) == (0, "GO"), ran.text
    first: dict[str, float] = {}
    last: dict[str, float] = {}
    worker: dict[str, str] = {}
    lines = (ran.directory / "reports/latest/evidence/observations.jsonl").read_text().splitlines()
    for line in map(json.loads, lines):
        started = float(line["started"])
        first[line["check"]] = min(started, first.get(line["check"], started))
        last[line["check"]] = max(started, last.get(line["check"], started))
        worker[line["check"]] = line["worker"]
    assert set(worker.values()) == {"gw0", "gw1"}
    for name in ("gw0", "gw1"):
        own = [check for check in worker if worker[check] == name]
        assert max(first[check] for check in own) < min(last[check] for check in own)
    assert {check["result"]["attempts"] for check in ran.record["checks"]} == {3}


DIES = """
    import os, time, pytest

    BEGAN = time.monotonic()

    @pytest.mark.xdist_group("dies")
    @pytest.mark.within("60s")
    @pytest.mark.parametrize("n", range(6))
    def test_waits(deploycheck, n):
        deploycheck.record("waited", time.monotonic() - BEGAN)
        if time.monotonic() > BEGAN + 1:
            os._exit(9)
        assert False, "not yet"
"""


def test_a_worker_that_dies_while_checks_wait_is_hold_with_each_of_them_named(run: Callable[..., Ran]) -> None:
    ran = run("-n", "2", test_check=DIES)
    assert (ran.code, ran.record["verdict"]) == (6, "HOLD"), ran.text
    named = {reason["nodeid"] for reason in ran.record["reasons"]}
    assert {f"test_check.py::test_waits[{n}]" for n in range(6)} <= named
    assert "passed" not in ran.outcomes().values()


def test_a_dead_workers_group_is_hold_even_where_xdist_itself_fails_over_it(run: Callable[..., Ran]) -> None:
    """xdist sends the dead worker's group to the dead worker, and stops with an internal error."""
    ran = run("-n", "2", "--dist=loadgroup", "--deploycheck-signoff", test_check=DIES)
    assert ran.code in (3, 6), ran.text
    assert ran.record["verdict"] == "HOLD"
    assert not [reason for reason in ran.record["reasons"] if "@" in reason["nodeid"]]


LONG = """
    import os, pathlib, signal, time, pytest

    HERE = pathlib.Path(__file__).parent
    BEGAN = time.monotonic()

    @pytest.fixture(scope="session")
    def session():
        yield
        (HERE / f"down-{os.environ['PYTEST_XDIST_WORKER']}").touch()

    def both_wait():
        (HERE / f"waits-{os.environ['PYTEST_XDIST_WORKER']}").touch()
        return len(list(HERE.glob("waits-*"))) == 2

    @pytest.mark.within("10m")
    @pytest.mark.parametrize("n", range(4))
    def test_never(deploycheck, session, n):
        both_wait()
        deploycheck.record("seen", "never")
        assert False, "not yet"

    @pytest.mark.within("10m", every="200ms")
    def test_ends_it(deploycheck, session):
        deploycheck.record("seen", "ends it")
        if both_wait() and time.monotonic() > BEGAN + 1:
            {ending}
        assert False, "later"
"""


@pytest.mark.parametrize(
    ("ending", "code", "verdict", "why"),
    [
        ('raise RuntimeError("enough")', 2, "HOLD", "stopping after 1 failures"),
        ("os.kill(os.getppid(), signal.SIGINT)", 2, "HOLD", "interrupted"),
    ],
    ids=["-x", "ctrl-c"],
)
def test_a_run_that_is_stopped_ends_at_once_in_every_worker(
    pytester: pytest.Pytester, ending: str, code: int, verdict: str, why: str
) -> None:
    """Nobody waits ten minutes for the others: fixtures are torn down, every check is named, evidence is kept."""
    pytester.makepyfile(test_check=LONG.replace("{ending}", ending))
    arguments = ("-p", "no:cacheprovider", "-x", "-n", "2")
    result = pytester.runpytest_subprocess(*arguments, timeout=60)
    record = json.loads((pytester.path / "reports" / "latest" / "signoff.json").read_text())
    text = result.stdout.str() + result.stderr.str()
    assert (int(result.ret), record["verdict"]) == (code, verdict), text
    assert f"the run ended early: {why}" in text
    assert len(record["checks"]) == 5
    waited = [it["text"] for it in record["reasons"] if "test_never" in it["nodeid"]]
    assert len(waited) == 4
    assert all(it.startswith("lost: the run was stopped while it waited: within 10m; ") for it in waited), waited
    assert {path.name for path in pytester.path.glob("down-*")} == {"down-gw0", "down-gw1"}
    kept = (pytester.path / "reports" / "latest" / "evidence" / "observations.jsonl").read_text()
    assert len({json.loads(line)["check"] for line in kept.splitlines()}) == 5


def test_a_run_that_is_killed_while_every_check_waits_leaves_no_older_verdict(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytester.makepyfile(
        test_check="""
        import os, pathlib, signal, pytest

        @pytest.mark.within("10m", every="200ms")
        @pytest.mark.parametrize("n", range(4))
        def test_never(deploycheck, n):
            deploycheck.record("seen", "never")
            if not os.environ.get("KILL"):
                return
            latest = pathlib.Path(__file__).parent / "reports" / "latest" / "signoff.json"
            if '"HOLD"' in latest.read_text():
                os.kill(os.getppid(), signal.SIGKILL)
            assert False, "not yet"
        """
    )
    latest = pytester.path / "reports" / "latest" / "signoff.json"
    arguments = ("-p", "no:cacheprovider", "-n", "2")
    assert pytester.runpytest_subprocess(*arguments, timeout=60).ret == 0
    assert json.loads(latest.read_text())["verdict"] == "GO"
    monkeypatch.setenv("KILL", "1")
    pytester.runpytest_subprocess(*arguments, timeout=60)
    assert json.loads(latest.read_text())["verdict"] == "HOLD"
