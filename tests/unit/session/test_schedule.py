"""The schedule on a virtual clock: what waits overlaps, in an order that is always the same, and nothing sleeps."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.session.virtual import Happened


def test_many_waits_take_as_long_as_one(virtual: Callable[..., Happened]) -> None:
    ran = virtual(
        test_check="""
        import pytest

        @pytest.mark.within("10m")
        @pytest.mark.parametrize("n", range(20))
        def test_converges(deploycheck, clock_, note, n):
            note(f"{n}")
            deploycheck.record("seen", n)
            assert clock_.monotonic() >= 100
        """
    )
    assert (ran.code, ran.record["verdict"]) == (0, "GO"), ran.text
    assert 100 <= ran.elapsed < 113, "a wait is an eighth of the time so far"
    assert ran.events[:20] == [str(n) for n in range(20)], "first attempts in the suite's order"
    attempts = {check["result"]["attempts"] for check in ran.record["checks"]}
    assert max(attempts) < 50, "and few attempts"


def test_nothing_waits_while_another_test_could_run(virtual: Callable[..., Happened]) -> None:
    ran = virtual(
        test_check="""
        import pytest

        @pytest.mark.within("1m")
        def test_a(deploycheck, clock_, note):
            note("a")
            deploycheck.record("seen", 1)
            assert clock_.monotonic() >= 20

        @pytest.mark.parametrize("n", range(3))
        def test_b(deploycheck, clock_, note, n):
            note(f"b{n}")
            clock_.advance(5)
            deploycheck.record("seen", 1)
        """
    )
    assert ran.events[:4] == ["a", "b0", "b1", "b2"]
    assert (ran.outcomes()["test_a"], ran.record["verdict"]) == ("passed", "GO")
    assert 20 <= ran.elapsed < 23


def test_what_would_run_out_of_time_goes_before_first_attempts(virtual: Callable[..., Happened]) -> None:
    ran = virtual(
        test_check="""
        import pytest

        @pytest.mark.within("30s")
        def test_a(deploycheck, clock_, note):
            note("a")
            deploycheck.record("seen", 1)
            assert clock_.monotonic() >= 28

        @pytest.mark.parametrize("n", range(8))
        def test_b(deploycheck, clock_, note, n):
            note(f"b{n}")
            clock_.advance(9.5)
            deploycheck.record("seen", 1)
        """
    )
    assert ran.events.index("a", 1) == 4, ran.events
    assert ran.virtual.trace[4] == (28.5, "a")
    assert ran.outcomes()["test_a"] == "passed"


def test_what_would_run_out_of_time_is_not_held_up_by_an_older_stimulus(virtual: Callable[..., Happened]) -> None:
    ran = virtual(
        test_check="""
        import pytest

        @pytest.fixture(scope="module")
        def stimulus(deploycheck): deploycheck.ledger.stimulated = True

        @pytest.mark.within("10m")
        def test_patient(deploycheck, stimulus, clock_):
            deploycheck.record("seen", 1)
            assert clock_.monotonic() >= 60

        @pytest.mark.within("30s")
        def test_a(deploycheck, clock_, note):
            note("a")
            deploycheck.record("seen", 1)
            assert clock_.monotonic() >= 28

        @pytest.mark.parametrize("n", range(8))
        def test_b(deploycheck, clock_, n):
            clock_.advance(9.5)
            deploycheck.record("seen", 1)
        """
    )
    assert ran.times("a")[:2] == [0.0, 28.5]
    assert ran.outcomes()["test_a"] == "passed"


def test_a_window_without_history_is_looked_at_while_first_attempts_are_made(
    virtual: Callable[..., Happened],
) -> None:
    ran = virtual(
        test_check="""
        import pytest

        @pytest.mark.sustained("1m", since="start")
        @pytest.mark.parametrize("n", range(3))
        def test_holds(deploycheck, clock_, note, n):
            note("look")
            clock_.advance(0.1)
            deploycheck.record("seen", 1)

        @pytest.mark.parametrize("n", range(80))
        def test_b(deploycheck, clock_, n):
            clock_.advance(1)
            deploycheck.record("seen", 1)
        """
    )
    assert (ran.code, ran.record["verdict"]) == (0, "GO"), ran.text
    assert 100 < len(ran.times("look")) < 200


def test_looks_at_windows_do_not_keep_first_attempts_from_being_made(virtual: Callable[..., Happened]) -> None:
    """A hundred looks take ten seconds: they come between first attempts, which go on."""
    ran = virtual(
        test_check="""
        import pytest

        @pytest.mark.sustained("30s", since="start", every="1s")
        @pytest.mark.parametrize("n", range(100))
        def test_holds(deploycheck, clock_, n):
            clock_.advance(0.1)
            deploycheck.record("seen", 1)

        @pytest.mark.parametrize("n", range(20))
        def test_b(deploycheck, clock_, note, n):
            note("b")
            clock_.advance(0.5)
            deploycheck.record("seen", 1)
        """
    )
    assert len(ran.times("b")) == 20
    assert 20 * 0.5 < ran.times("b")[-1] - ran.times("b")[0] < 50


def test_the_oldest_stimulus_is_looked_after_first(virtual: Callable[..., Happened]) -> None:
    """Both are due when the third test ends: the one that depends on what was set off goes first."""
    ran = virtual(
        test_check="""
        import pytest

        @pytest.fixture(scope="module")
        def stimulus(deploycheck): deploycheck.ledger.stimulated = True

        @pytest.mark.within("1m")
        def test_without(deploycheck, clock_, note):
            note("without")
            deploycheck.record("seen", 1)
            assert clock_.monotonic() >= 10

        @pytest.mark.within("10m")
        def test_with(deploycheck, stimulus, clock_, note):
            note("with")
            deploycheck.record("seen", 1)
            assert clock_.monotonic() >= 10

        def test_long(deploycheck, clock_):
            clock_.advance(20)
            deploycheck.record("seen", 1)
        """
    )
    assert ran.events == ["without", "with", "with", "without"]


def test_no_check_is_shown_or_counted_before_it_is_over(virtual: Callable[..., Happened]) -> None:
    ran = virtual(
        "-v",
        test_check="""
        import pytest

        @pytest.mark.within("1m")
        def test_waits(deploycheck, clock_):
            deploycheck.record("seen", 1)
            assert clock_.monotonic() >= 10

        def test_looks(deploycheck): deploycheck.record("seen", 1)
        """,
    )
    lines = [line.split()[0:2] for line in ran.text.splitlines() if line.startswith("test_check.py::")]
    assert lines == [["test_check.py::test_looks", "PASSED"], ["test_check.py::test_waits", "PASSED"]]
    assert ran.phases("test_waits") == [("setup", "passed"), ("call", "passed"), ("teardown", "passed")]
    assert "2 passed" in ran.text


FAILING = """
    import pytest

    @pytest.mark.within("20s")
    def test_never(deploycheck, clock_, note):
        note("never")
        print("printed", "at", clock_.monotonic())
        deploycheck.record("seen", 1)
        assert clock_.monotonic() > 1000, f"only {clock_.monotonic():.0f}"

    @pytest.mark.within("1m")
    def test_later(deploycheck, clock_, note):
        note("later")
        deploycheck.record("seen", 1)
        assert clock_.monotonic() >= 50

    @pytest.fixture(scope="module", autouse=True)
    def module(note):
        note("up")
        yield
        note("down")
"""


def test_a_failure_tells_its_last_attempt_only_and_how_it_got_there(virtual: Callable[..., Happened]) -> None:
    ran = virtual(test_check=FAILING)
    result = ran.check("test_never")
    assert result["summary"].startswith("only 20")
    assert result["summary"].endswith(f"(still so after {result['attempts']} attempts, within 20s)")
    assert result["wait"][0] == (
        f"within 20s; {result['attempts']} attempts (T: the run's start, as no finish of the deployment is known)"
    )
    assert result["wait"][1].startswith("  T+0.0s")
    assert ran.text.count("printed at") == 1, "what earlier attempts printed is gone"
    assert "deploycheck: waiting" in ran.text
    assert (ran.code, ran.record["verdict"]) == (1, "NO-GO")
    assert ran.events[-1] == "down"
    assert ran.events.count("down") == ran.events.count("up") == 1


@pytest.mark.parametrize("option", ["-x", "--maxfail=1"])
def test_the_first_failure_stops_the_run_and_those_that_waited_are_named(
    virtual: Callable[..., Happened], option: str
) -> None:
    ran = virtual(option, test_check=FAILING)
    assert 19 < ran.elapsed < 22
    assert ran.outcomes() == {"test_never": "failed", "test_later": "no result"}
    reasons = {reason["nodeid"]: reason["text"] for reason in ran.record["reasons"]}
    assert "the run was stopped while it waited: within 1m;" in reasons["test_check.py::test_later"]
    assert ran.events[-1] == "down"
    assert ran.events.count("down") == 1


def test_maxfail_counts_checks_and_not_attempts(virtual: Callable[..., Happened]) -> None:
    ran = virtual("--maxfail=2", test_check=FAILING)
    assert ran.outcomes() == {"test_never": "failed", "test_later": "passed"}


def test_ctrl_c_within_an_attempt(virtual: Callable[..., Happened]) -> None:
    stopped = "if clock_.monotonic() > 5: raise KeyboardInterrupt\n        assert False"
    ran = virtual(test_check=FAILING.replace("assert clock_.monotonic() >= 50", stopped))
    assert ran.code == 2
    assert (ran.record["verdict"], ran.record["complete"]) == ("HOLD", True)
    reasons = {reason["nodeid"]: reason["text"] for reason in ran.record["reasons"]}
    for name in ("test_never", "test_later"):
        assert "the run was stopped while it waited" in reasons[f"test_check.py::{name}"], reasons
    assert ran.events[-1] == "down"
    assert ran.events.count("down") == 1


def test_last_failed_runs_those_that_did_not_converge(virtual: Callable[..., Happened]) -> None:
    assert virtual("-pcacheprovider", test_check=FAILING).code == 1
    ran = virtual("-pcacheprovider", "--lf")
    assert set(ran.events) == {"up", "never", "down"}
    assert ran.record["verdict"] == "NO-GO"


def test_stepwise_stops_at_the_failure_and_goes_on_there(virtual: Callable[..., Happened]) -> None:
    first = virtual("-pcacheprovider", "-pstepwise", "--stepwise", test_check=FAILING)
    assert first.code == 2
    assert first.outcomes() == {"test_never": "failed", "test_later": "no result"}
    second = virtual("-pcacheprovider", "-pstepwise", "--stepwise")
    assert set(second.events) == {"up", "never", "later", "down"}


def test_skip_and_xfail_are_not_waited_for(virtual: Callable[..., Happened]) -> None:
    ran = virtual(
        test_check="""
        import pytest

        @pytest.mark.within("10m")
        def test_skipped(deploycheck): pytest.skip("not here")

        @pytest.mark.within("10m")
        @pytest.mark.skip(reason="never here")
        def test_marked(deploycheck): pass

        @pytest.mark.within("10m")
        @pytest.mark.xfail(reason="known")
        def test_expected(deploycheck):
            deploycheck.record("seen", 1)
            assert False

        @pytest.mark.within("10m")
        @pytest.mark.xfail(strict=True)
        def test_unexpected(deploycheck): deploycheck.record("seen", 1)
        """
    )
    assert ran.elapsed == 0
    assert ran.outcomes() == {
        "test_skipped": "not run",
        "test_marked": "not run",
        "test_expected": "not run",
        "test_unexpected": "error",
    }
    assert "2 skipped, 1 xfailed" in ran.text


def test_a_warning_waits_and_does_not_gate(virtual: Callable[..., Happened]) -> None:
    ran = virtual(
        "-x",
        test_check="""
        import pytest

        @pytest.mark.warning
        @pytest.mark.within("20s")
        def test_soft(deploycheck, clock_):
            deploycheck.record("seen", 1)
            assert False, "soft"

        @pytest.mark.blocker
        @pytest.mark.within("1m")
        def test_hard(deploycheck, clock_):
            deploycheck.record("seen", 1)
            assert clock_.monotonic() >= 40
        """,
    )
    assert (ran.code, ran.record["verdict"]) == (0, "GO"), ran.text
    assert ran.outcomes() == {"test_soft": "failed", "test_hard": "passed"}
    assert "1 passed, 1 warned" in ran.text
    assert "still so after" in ran.check("test_soft")["summary"]


def test_the_budget_cuts_what_still_waits(virtual: Callable[..., Happened]) -> None:
    ran = virtual("--deploycheck-budget=30s", test_check=FAILING)
    assert 30 <= ran.elapsed < 31
    assert ran.outcomes() == {"test_never": "failed", "test_later": "inconclusive"}
    later = ran.check("test_later")
    assert later["summary"].startswith(f"cut off by the run's budget of 30s after {later['attempts']} attempts: assert")
    assert ran.phases("test_later") == [("setup", "passed"), ("call", "failed"), ("teardown", "passed")]
    assert ran.events[-1] == "down"
    assert ran.events.count("down") == 1


def test_the_budget_cuts_a_window_that_held_so_far(virtual: Callable[..., Happened]) -> None:
    ran = virtual(
        "--deploycheck-budget=30s",
        test_check="""
        import pytest

        @pytest.mark.sustained("10m")
        def test_holds(deploycheck): deploycheck.record("seen", 1)
        """,
    )
    assert (ran.code, ran.record["verdict"]) == (6, "HOLD"), ran.text
    assert ran.check("test_holds")["outcome"] == "inconclusive"
    assert ran.check("test_holds")["summary"].startswith("cut off by the run's budget of 30s after 3 attempts")


def test_sustained_is_sampled_through_its_window_and_ends_at_the_first_violation(
    virtual: Callable[..., Happened],
) -> None:
    ran = virtual(
        test_check="""
        import pytest

        @pytest.mark.sustained("60s", every="10s")
        def test_holds(deploycheck): deploycheck.record("seen", 1)

        @pytest.mark.sustained("60s", every="10s")
        def test_breaks(deploycheck, clock_, note):
            deploycheck.record("seen", 1)
            note("look")
            assert clock_.monotonic() < 25

        @pytest.mark.within("60s", every="5s")
        @pytest.mark.sustained("30s", every="10s")
        def test_both(deploycheck, clock_):
            deploycheck.record("seen", 1)
            assert clock_.monotonic() >= 15
        """
    )
    assert ran.outcomes() == {"test_holds": "passed", "test_breaks": "failed", "test_both": "passed"}
    assert ran.times("look") == [0.0, 10.0, 20.0, 30.0]
    assert ran.elapsed == 60
    assert ran.check("test_holds")["attempts"] == 7
    assert "converged at T+15.0s; sampled from T+15.0s to T+45.0s" in ran.check("test_both")["wait"][0]


def test_junit_xml_has_one_case_a_check_and_says_how_it_waited(virtual: Callable[..., Happened]) -> None:
    ran = virtual("--junitxml=found.xml", test_check=FAILING)
    cases = list(ET.parse(ran.directory / "found.xml").iter("testcase"))  # noqa: S314 - our own file
    assert [case.get("name") for case in cases] == ["test_never", "test_later"]
    for case in cases:
        properties = [str(it.get("value")) for it in case.iter("property") if it.get("name") == "deploycheck_wait"]
        assert len(set(properties)) == 1
        assert properties[0].startswith("within ")
    assert len(list(cases[0].iter("failure"))) == 1


def test_what_earlier_attempts_recorded_is_not_shown_with_the_last_one(virtual: Callable[..., Happened]) -> None:
    ran = virtual(
        test_check="""
        import pytest

        @pytest.mark.within("1m", every="5s")
        def test_it(deploycheck, clock_, record_property, caplog, tmp_path):
            record_property("at", clock_.monotonic())
            assert not list(tmp_path.iterdir())
            (tmp_path / "left").touch()
            deploycheck.record("seen", 1)
            assert clock_.monotonic() >= 10
        """
    )
    assert ran.record["verdict"] == "GO", ran.text
    call = next(report for report in ran.virtual.reports if report.when == "call")
    assert [value for name, value in call.user_properties if name == "at"] == [10.0]


def test_durations_and_quiet_output(virtual: Callable[..., Happened]) -> None:
    ran = virtual("-q", "--durations=3", "-vv", test_check=FAILING)
    assert "slowest 3 durations" in ran.text
    ran = virtual("-q")
    assert "FAILED test_check.py::test_never" in ran.text
    assert "1 failed, 1 passed" in ran.text


def test_two_runs_tell_the_same(virtual: Callable[..., Happened]) -> None:
    assert virtual(test_check=FAILING).virtual.trace == virtual().virtual.trace


def test_what_a_wider_fixture_once_saw_is_no_look_at_a_window(virtual: Callable[..., Happened]) -> None:
    ran = virtual(
        test_check="""
        import pytest

        @pytest.fixture(scope="module")
        def seen(deploycheck):
            deploycheck.record("seen", 1)
            return 1

        @pytest.mark.sustained("1m", since="start")
        def test_stale(seen):
            assert seen == 1

        @pytest.mark.sustained("1m", since="start")
        def test_looks(seen, deploycheck):
            deploycheck.record("seen", seen)
        """
    )
    assert ran.outcomes() == {"test_stale": "inconclusive", "test_looks": "passed"}
    told = "passed without having looked again at what its fixtures saw earlier (at attempt 2, sustained for 1m)"
    assert ran.check("test_stale")["summary"] == told


def test_a_window_that_was_sampled_rests_on_every_look(virtual: Callable[..., Happened]) -> None:
    ran = virtual(
        test_check="""
        import pytest

        @pytest.mark.within("1m", every="5s", since="start")
        @pytest.mark.sustained("40s", every="4s")
        def test_holds(deploycheck, clock_):
            deploycheck.record("seen", 1)
            assert clock_.monotonic() >= 10
        """
    )
    kept = (ran.directory / "reports" / "latest" / "evidence" / "observations.jsonl").read_text().splitlines()
    ids = [json.loads(line)["id"] for line in kept]
    assert ran.check("test_holds")["attempts"] == len(ids) == 13
    assert ran.check("test_holds")["evidence"] == ids[2:], "not what it saw before it converged"
    assert " and 5 more" in (ran.directory / "reports" / "latest" / "signoff.md").read_text()
