"""From outcomes to verdict, letter and exit code, with and without xdist."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.conftest import Ran

WORKERS = pytest.mark.parametrize("workers", ["0", "2"])

HEAD = """
    import pytest
    from pytest_deploycheck.errors import NoData, Unreachable

    pytestmark = pytest.mark.blocker

    def test_good(deploycheck): deploycheck.record("seen", 1)
"""


def verdict(run: Callable[..., Ran], workers: str, body: str, *arguments: str) -> Ran:
    return run("-n", workers, *arguments, test_check=HEAD + body)


@WORKERS
def test_all_passed_is_go(run: Callable[..., Ran], workers: str) -> None:
    ran = verdict(run, workers, "")
    assert (ran.code, ran.record["verdict"], ran.record["complete"]) == (0, "GO", True)
    assert ran.outcomes() == {"test_good": "passed"}


@WORKERS
def test_a_failed_blocker_is_no_go(run: Callable[..., Ran], workers: str) -> None:
    ran = verdict(run, workers, "    def test_bad(deploycheck): deploycheck.record('x', 1); assert 1 == 2\n")
    assert (ran.code, ran.record["verdict"]) == (1, "NO-GO")
    assert ran.record["reasons"][0]["text"] == "assert 1 == 2"


@pytest.mark.parametrize(
    ("body", "outcome", "summary", "letter"),
    [
        ("    def test_bad(): raise NoData('x: no data')\n", "inconclusive", "x: no data", "I"),
        ("    def test_bad(): raise Unreachable('x refused')\n", "error", "x refused", "E"),
        ("    def test_bad(): raise KeyError('y')\n", "error", "KeyError: 'y'", "E"),
        ("    def test_bad(): pass\n", "inconclusive", "passed without having observed anything", "I"),
        ("    def test_bad(): pytest.skip('not today')\n", "not run", "skipped: not today", "s"),
        (
            "    @pytest.mark.xfail(reason='known', strict=False)\n    def test_bad(): assert 0\n",
            "not run",
            "expected to fail (xfail: known)",
            "x",
        ),
        (
            "    @pytest.fixture\n    def broken(): assert 0, 'no app'\n    def test_bad(broken): pass\n",
            "error",
            "AssertionError in setup: no app",
            "E",
        ),
        (
            (
                "    @pytest.fixture\n    def leaky(deploycheck):\n        yield\n        raise OSError('gone')\n"
                "    def test_bad(leaky, deploycheck): deploycheck.record('x', 1)\n"
            ),
            "error",
            "OSError in teardown: gone",
            "E",
        ),
        (
            "    @pytest.mark.xfail(strict=True)\n    def test_bad(deploycheck): deploycheck.record('x', 1)\n",
            "error",
            "[XPASS(strict)]",
            "E",
        ),
    ],
)
@WORKERS
def test_what_is_no_pass_and_no_failure_is_hold(
    run: Callable[..., Ran], workers: str, body: str, outcome: str, summary: str, letter: str
) -> None:
    ran = verdict(run, workers, body)
    assert (ran.code, ran.record["verdict"]) == (6, "HOLD"), ran.text
    bad = next(check for check in ran.record["checks"] if check["nodeid"].endswith("test_bad"))
    assert ran.result_of(bad) == (outcome, summary)
    if workers == "0":
        ran.result.stdout.re_match_lines([rf"test_check\.py .*{letter}"])


@WORKERS
def test_no_blocker_at_all_is_hold(run: Callable[..., Ran], workers: str) -> None:
    ran = run("-n", workers, "--deploycheck-signoff", test_check="")
    assert (ran.code, ran.record["verdict"]) == (6, "HOLD"), ran.text


@WORKERS
def test_everything_deselected_is_hold(run: Callable[..., Ran], workers: str) -> None:
    ran = verdict(run, workers, "", "-k", "nothing_is_called_so")
    assert (ran.code, ran.record["verdict"]) == (6, "HOLD"), ran.text
    assert ran.record["deselected"][0]["by"] == '-k "nothing_is_called_so"'


@WORKERS
def test_a_warning_is_shown_and_does_not_gate(run: Callable[..., Ran], workers: str) -> None:
    body = (
        "    @pytest.mark.warning(owner='sre')\n"
        "    def test_soft(deploycheck): deploycheck.record('x', 1); assert 1 == 2\n"
    )
    ran = verdict(run, workers, body, "--junitxml=junit.xml", "-x")
    assert (ran.code, ran.record["verdict"]) == (0, "GO"), ran.text
    assert ran.record["warned"][0]["nodeid"].endswith("test_soft")
    ran.result.stdout.fnmatch_lines(["*WARNED*", "*assert 1 == 2*", "*1 passed, 1 warned*"])
    strict = verdict(run, workers, body, "--deploycheck-strict")
    assert (strict.code, strict.record["verdict"]) == (1, "NO-GO")


def test_the_letter_of_a_warning_is_w(run: Callable[..., Ran]) -> None:
    body = "    @pytest.mark.warning\n    def test_soft(deploycheck): deploycheck.record('x', 1); assert 1 == 2\n"
    ran = verdict(run, "0", body)
    ran.result.stdout.fnmatch_lines(["test_check.py .W*"])
    verbose = verdict(run, "0", body, "-v")
    verbose.result.stdout.fnmatch_lines(["*::test_soft WARNED (failed)*"])


def test_junit_shows_a_warning_as_an_expected_failure(run: Callable[..., Ran], pytester: pytest.Pytester) -> None:
    verdict(
        run,
        "0",
        "    @pytest.mark.warning\n    def test_soft(deploycheck): deploycheck.record('x', 1); assert 1 == 2\n",
        "--junitxml=junit.xml",
    )
    text = (pytester.path / "junit.xml").read_text()
    assert 'failures="0"' in text
    assert 'message="warning (failed): assert 1 == 2"' in text


@WORKERS
def test_unmarked_checks_are_blockers_and_m_blocker_selects_them(run: Callable[..., Ran], workers: str) -> None:
    ran = run("-n", workers, "-m", "blocker", test_check="def test_plain(deploycheck): deploycheck.record('x', 1)\n")
    assert (ran.code, ran.record["verdict"]) == (0, "GO"), ran.text
    assert ran.outcomes() == {"test_plain": "passed"}


@WORKERS
def test_m_blocker_is_the_declared_normal_scope(run: Callable[..., Ran], workers: str) -> None:
    body = "    @pytest.mark.warning\n    def test_soft(deploycheck): assert 0\n"
    source = HEAD.replace("pytestmark = pytest.mark.blocker", "") + body
    ran = run("-n", workers, "-m", "blocker", test_check=source)
    assert (ran.code, ran.record["verdict"]) == (0, "GO"), ran.text


@WORKERS
@pytest.mark.parametrize(
    "narrowing", [("-k", "good"), ("--deselect", "test_check.py::test_other"), ("test_check.py::test_good",)]
)
def test_a_narrowed_run_cannot_say_go(run: Callable[..., Ran], workers: str, narrowing: tuple[str, ...]) -> None:
    body = "    def test_other(deploycheck): deploycheck.record('x', 1)\n"
    ran = verdict(run, workers, body, *narrowing)
    assert (ran.code, ran.record["verdict"]) == (6, "HOLD"), ran.text
    scoped = verdict(run, workers, body, *narrowing, "--deploycheck-scope", "only the good one")
    assert (scoped.code, scoped.record["verdict"]) == (0, "GO"), scoped.text
    assert "only the good one" in scoped.record["verdict_line"]


@WORKERS
def test_a_file_that_cannot_be_collected_is_hold(run: Callable[..., Ran], workers: str) -> None:
    ran = run(
        "-n",
        workers,
        "--continue-on-collection-errors",
        test_check=HEAD,
        test_broken="import no_such_module_anywhere\n",
    )
    assert (ran.code, ran.record["verdict"]) == (6, "HOLD"), ran.text
    assert "no_such_module_anywhere" in ran.record["reasons"][0]["text"]


def test_a_collection_error_keeps_pytests_own_code(run: Callable[..., Ran]) -> None:
    ran = run(test_check=HEAD, test_broken="import no_such_module_anywhere\n")
    assert (ran.code, ran.record["verdict"]) == (2, "HOLD"), ran.text


@WORKERS
def test_the_first_failure_ends_the_run_with_x(run: Callable[..., Ran], workers: str) -> None:
    source = """
    import pytest
    pytestmark = pytest.mark.blocker
    def test_a(): raise OSError("down")
    @pytest.mark.parametrize("number", range(20))
    def test_b(deploycheck, number): deploycheck.record("x", number)
    """
    ran = run("-n", workers, "-x", test_check=source)
    assert ran.record["verdict"] == "HOLD", ran.text
    assert ran.code in (2, 6)  # xdist interrupts, plain pytest stops
    assert "not run" in ran.outcomes().values()


def test_a_typo_in_m_is_a_usage_error(run: Callable[..., Ran]) -> None:
    ran = verdict(run, "0", "", "-m", "blokcer")
    assert ran.code == 4
    ran.result.stderr.fnmatch_lines(
        ["ERROR: deploycheck: -m \"blokcer\": no marker is called 'blokcer': did you mean 'blocker'?"]
    )
    assert ran.record.get("verdict") != "GO"


def test_a_typo_in_m_is_a_usage_error_under_xdist(run: Callable[..., Ran]) -> None:
    ran = verdict(run, "2", "", "-m", "blokcer")
    assert ran.code == 4, ran.text
    ran.result.stdout.fnmatch_lines(
        ["ERROR: deploycheck: -m \"blokcer\": no marker is called 'blokcer': did you mean 'blocker'?"]
    )


@WORKERS
@pytest.mark.parametrize(
    ("marker", "message"),
    [
        ("blocker(ownr='me')", "blocker() does not know the argument 'ownr': did you mean 'owner'?"),
        ("blocker('me')", "blocker() takes no positional arguments, got ('me',)"),
        ("warning(owner=3)", "warning(): owner is a text, got 3"),
        ("blocker(tier='soon')", 'blocker(): tier=\'soon\' is none of "immediate", "investigate", after("30m")'),
        ("requirement()", 'requirement() takes one text, such as requirement("MF2")'),
        ("foreach('metrix')", "foreach() does not know the table 'metrix': did you mean 'metrics'?"),
    ],
)
def test_wrong_marker_arguments_are_usage_errors(
    run: Callable[..., Ran], workers: str, marker: str, message: str
) -> None:
    ran = run("-n", workers, test_check=f"import pytest\n@pytest.mark.{marker}\ndef test_a(): pass\n")
    assert ran.code == 4, ran.text
    assert message in ran.text
    assert "test_check.py" in ran.text
    assert "Traceback" not in ran.text


def test_blocker_and_warning_in_one_place_is_a_usage_error(run: Callable[..., Ran]) -> None:
    ran = run(test_check="import pytest\n@pytest.mark.blocker\n@pytest.mark.warning\ndef test_a(): pass\n")
    assert ran.code == 4
    assert "test_check.py:2: test_a: is marked both blocker and warning in the same place: keep one" in ran.text


def test_a_functions_marker_wins_over_its_modules(run: Callable[..., Ran]) -> None:
    ran = verdict(
        run, "0", "    @pytest.mark.warning(owner='x')\n    def test_soft(deploycheck): deploycheck.record('x', 1)\n"
    )
    levels = {check["nodeid"].split("::")[1]: check["level"] for check in ran.record["checks"]}
    assert levels == {"test_good": "blocker", "test_soft": "warning"}


def test_a_parameters_marker_wins_over_the_functions(run: Callable[..., Ran]) -> None:
    ran = verdict(
        run,
        "0",
        """
    @pytest.mark.blocker(owner="all")
    @pytest.mark.parametrize("n", [1, pytest.param(2, marks=pytest.mark.warning(owner="two"))])
    def test_n(deploycheck, n): deploycheck.record("x", n)
    """,
    )
    found = {check["nodeid"].split("::")[1]: (check["level"], check["owner"]) for check in ran.record["checks"]}
    assert found["test_n[1]"] == ("blocker", "all")
    assert found["test_n[2]"] == ("warning", "two")


def test_strict_markers_know_ours(run: Callable[..., Ran]) -> None:
    ran = verdict(run, "0", "", "--strict-markers")
    assert ran.code == 0
    assert "blocker(owner=" in run("--markers").text
