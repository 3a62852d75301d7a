"""Where the plugin is not used it is silent: same output, same exit code, no files."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

    from tests.e2e.conftest import Ran

UNIT = """
    import pytest

    @pytest.fixture
    def health():
        return "ours"

    def test_passes(health): assert health == "ours"
    def test_fails(): assert 1 == 2
    @pytest.mark.skip(reason="later")
    def test_skipped(): pass
"""


def test_unit_tests_keep_output_and_exit_code(run: Callable[..., Ran], pytester: pytest.Pytester) -> None:
    ran = run(test_unit=UNIT)
    bare = pytester.runpytest_subprocess("-p", "no:cacheprovider", "-p", "no:pytest_deploycheck.plugin")
    assert ran.code == 1

    def stable(text: str) -> list[str]:
        return [line.rsplit(" in ", 1)[0] for line in text.splitlines() if not line.startswith("plugins:")]

    assert stable(ran.result.stdout.str()) == stable(bare.stdout.str())
    assert not (pytester.path / "reports").exists()


def test_a_users_own_smoke_marker_is_no_check(run: Callable[..., Ran], pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\nmarkers =\n    smoke: our own quick unit tests\naddopts = --strict-markers\n")
    ran = run(test_unit="import pytest\n@pytest.mark.smoke\ndef test_quick(): pass\n")
    assert ran.code == 0
    assert ran.record == {}


def test_our_category_marker_makes_a_check(run: Callable[..., Ran]) -> None:
    ran = run(test_unit="import pytest\n@pytest.mark.smoke\ndef test_quick(): pass\n")
    assert ran.code == 6
    assert ran.result_of(ran.record["checks"][0]) == ("inconclusive", "passed without having observed anything")


def test_collect_only_leaves_no_report(run: Callable[..., Ran], pytester: pytest.Pytester) -> None:
    ran = run(
        "--collect-only", "--deploycheck-signoff", test_it="import pytest\n@pytest.mark.blocker\ndef test_a(): pass\n"
    )
    assert ran.code == 0
    assert not (pytester.path / "reports").exists()


def test_in_a_mixed_run_other_tests_keep_their_meaning(run: Callable[..., Ran]) -> None:
    ran = run(
        test_unit="def test_broken(): assert 1 == 2\n",
        test_check="def test_a(deploycheck): deploycheck.record('seen', 1)\n",
    )
    assert ran.code == 1
    assert ran.record["verdict"] == "GO"
    assert ran.outcomes() == {"test_a": "passed"}
    ran.result.stdout.fnmatch_lines(["*1 failed, 1 passed*", "GO*1 of 1 blocker passed*"])


def test_heavy_libraries_stay_out_of_a_run_without_checks(run: Callable[..., Ran]) -> None:
    ran = run(
        test_unit="""
        import sys

        def test_modules():
            heavy = {"httpx", "msgspec", "pydantic", "rich", "requests", "yaml", "prometheus_client", "promql_parser"}
            assert heavy & set(sys.modules) == set()
            ours = {name for name in sys.modules if name.startswith("pytest_deploycheck")}
            assert ours == {
                "pytest_deploycheck", "pytest_deploycheck.plugin", "pytest_deploycheck.options",
                "pytest_deploycheck.markers", "pytest_deploycheck.fixtures", "pytest_deploycheck.collector",
            }
        """,
    )
    assert ran.code == 0, ran.text
