"""Mistakes in `within` and `sustained` end the run before any check, each told with its place."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest


def test_every_mistake_is_told_at_once_and_nothing_runs(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        test_check="""
        import pytest

        @pytest.mark.within("soon")
        def test_a(deploycheck): raise SystemExit("must not run")

        @pytest.mark.sustained("30m", alow="2 of 30")
        def test_b(deploycheck): raise SystemExit("must not run")

        @pytest.mark.parametrize("n", [1, pytest.param(2, marks=pytest.mark.within("10m", since="boot"))])
        def test_c(deploycheck, n): raise SystemExit("must not run")

        @pytest.mark.within("10m")
        @pytest.mark.sustained("30m", coverage=90)
        def test_d(deploycheck): raise SystemExit("must not run")
        """
    )
    ran = pytester.runpytest_inprocess("-p", "no:cacheprovider")
    assert ran.ret == 4
    told = [line.strip() for line in ran.stderr.lines + ran.stdout.lines if "test_check.py:" in line]
    assert [line.removeprefix("ERROR: deploycheck: ") for line in told][:4] == [
        'test_check.py:3: test_a: within(): \'soon\' is no duration, such as "90s", "10m" or "1h30m"',
        "test_check.py:6: test_b: sustained() does not know the argument 'alow': did you mean 'allow'?",
        'test_check.py:9: test_c[2]: within(): since=\'boot\' is neither "deployment" nor "start"',
        "test_check.py:12: test_d: sustained(): coverage=90 is no share of the window, above 0 and at most 1",
    ]


def test_a_budget_that_is_no_duration_is_a_usage_error(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        test_check="""
        import pytest
        @pytest.mark.within("10m")
        def test_a(deploycheck): raise SystemExit("must not run")
        """
    )
    for budget in ("forever", "0s", "45"):
        ran = pytester.runpytest_inprocess("-p", "no:cacheprovider", f"--deploycheck-budget={budget}")
        text = ran.stdout.str() + ran.stderr.str()
        assert ran.ret == 4, text
        assert f"--deploycheck-budget: {budget!r}" in text
        assert "INTERNALERROR" not in text
        assert "Traceback" not in text


def test_a_wait_of_a_test_that_is_no_check_is_a_usage_error(pytester: pytest.Pytester) -> None:
    pytester.makefile(".toml", deploycheck='unmarked = "ignore"')
    pytester.makepyfile(
        test_it="""
        import pytest

        @pytest.mark.sustained("30m")
        def test_holds(deploycheck): deploycheck.record("seen", 1)
        """
    )
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider")
    assert int(result.ret) == 4
    why = "has sustained(), but is neither blocker nor warning, and unmarked tests are ignored: mark it"
    assert f"test_it.py:3: test_holds: {why}" in result.stdout.str() + result.stderr.str()
