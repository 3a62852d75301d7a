"""Fixtures of checks that wait: fresh ones for each attempt, wider ones made once and torn down after the last."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.session.virtual import Happened


def test_function_fixtures_are_fresh_and_their_errors_mend(virtual: Callable[..., Happened]) -> None:
    ran = virtual(
        test_check="""
        import pytest

        @pytest.fixture
        def fresh(clock_, note):
            note("up")
            if clock_.monotonic() < 10:
                raise ConnectionRefusedError("not there yet")
            yield
            note("down")

        @pytest.mark.within("1m", every="5s")
        def test_it(deploycheck, fresh, note):
            note("run")
            deploycheck.record("seen", 1)
        """
    )
    assert ran.record["verdict"] == "GO", ran.text
    assert ran.events == ["up", "up", "up", "run", "down"]
    assert ran.check("test_it")["wait"][1:] == [
        "  T+0.0s to T+5.0s, 2 attempts: error: ConnectionRefusedError in setup: not there yet",
        "  T+10.0s: passed",
    ]


def test_a_wider_fixture_that_fails_is_final(virtual: Callable[..., Happened]) -> None:
    ran = virtual(
        test_check="""
        import pytest

        @pytest.fixture(scope="module")
        def broken(note):
            note("up")
            raise ConnectionRefusedError("not there")

        @pytest.mark.within("1m")
        @pytest.mark.parametrize("n", range(2))
        def test_it(deploycheck, broken, n): pass
        """
    )
    assert (ran.elapsed, ran.events) == (0.0, ["up"])
    assert set(ran.outcomes().values()) == {"error"}
    assert ran.record["verdict"] == "HOLD"


def test_an_error_in_teardown_ends_the_waiting(virtual: Callable[..., Happened]) -> None:
    """What a fixture could not undo would meet the next attempt."""
    ran = virtual(
        test_check="""
        import pytest

        @pytest.fixture
        def fresh(note):
            yield
            note("down")
            raise OSError("cannot be undone")

        @pytest.mark.within("1m")
        def test_it(deploycheck, fresh):
            deploycheck.record("seen", 1)
            assert False, "not yet"
        """
    )
    assert ran.events == ["down"]
    assert ran.phases("test_it") == [("setup", "passed"), ("call", "failed"), ("teardown", "failed")]
    assert ran.check("test_it")["outcome"] == "failed"
    assert "cannot be undone" in ran.check("test_it")["text"]


def test_a_modules_teardown_error_is_told_with_its_last_check_and_nothing_else_is_lost(
    virtual: Callable[..., Happened],
) -> None:
    files = {
        name: f"""
        import pytest

        @pytest.fixture(scope="module", autouse=True)
        def module(note):
            note("up {name}")
            yield
            note("down {name}")
            raise OSError("cannot be undone")

        @pytest.mark.within("1m")
        def test_it(deploycheck, clock_):
            deploycheck.record("seen", 1)
            assert clock_.monotonic() >= 10
        """
        for name in ("test_a", "test_b")
    }
    ran = virtual(**files)
    assert ran.events == ["up test_a", "up test_b", "down test_a", "down test_b"]
    assert set(ran.outcomes().values()) == {"error"}
    assert [str(report.outcome) for report in ran.virtual.reports if report.when == "teardown"] == ["failed", "failed"]


def test_instances_of_parametrised_fixtures_wait_side_by_side(virtual: Callable[..., Happened]) -> None:
    ran = virtual(
        conftest="""
        import pytest

        @pytest.fixture(scope="session", params=["s1", "s2"])
        def site(request, note):
            note(f"up {request.param}")
            yield request.param
            note(f"down {request.param}")

        @pytest.fixture(scope="module", params=["m1", "m2"])
        def mode(request, site, note):
            note(f"up {site} {request.param}")
            yield f"{site} {request.param}"
            note(f"down {site} {request.param}")
        """,
        test_check="""
        import pytest

        @pytest.mark.within("1m")
        def test_it(deploycheck, mode, site, clock_, note):
            assert mode.startswith(site)
            deploycheck.record("seen", 1)
            note(f"run {mode}")
            assert clock_.monotonic() >= 10
        """,
    )
    assert ran.record["verdict"] == "GO", ran.text
    assert 10 <= ran.elapsed < 12, "they wait together"
    for what in ("s1", "s2", "s1 m1", "s1 m2", "s2 m1", "s2 m2"):
        assert ran.events.count(f"up {what}") == ran.events.count(f"down {what}") == 1
    last = {what: len(ran.events) - ran.events[::-1].index(what) for what in ran.events}
    for site in ("s1", "s2"):
        for mode in ("m1", "m2"):
            assert last[f"run {site} {mode}"] < last[f"down {site} {mode}"] < last[f"down {site}"]


def test_classes_and_packages_are_torn_down_once_after_the_last_attempt(
    virtual: Callable[..., Happened], pytester: pytest.Pytester
) -> None:
    package = pytester.mkpydir("suite")
    (package / "conftest.py").write_text("""
import pytest

@pytest.fixture(scope="package", autouse=True)
def package(note):
    note("up package")
    yield
    note("down package")
""")
    (package / "test_a.py").write_text("""
import pytest

class TestIt:
    tries = 0

    @classmethod
    def setup_class(cls): cls.own = ["class"]

    @classmethod
    def teardown_class(cls): cls.note("down class")

    def setup_method(self): self.mine = []

    @pytest.mark.within("1m")
    def test_first(self, deploycheck, clock_, note):
        type(self).note = staticmethod(note)
        assert self.mine == [] and not hasattr(self, "left"), "each attempt has an instance of its own"
        self.mine.append(1)
        self.left = 1
        note("first")
        deploycheck.record("seen", 1)
        assert clock_.monotonic() >= 10

    def test_second(self, deploycheck, note):
        note("second")
        deploycheck.record("seen", 1)
""")
    (package / "test_b.py").write_text("""
def test_other(deploycheck, note):
    note("other")
    deploycheck.record("seen", 1)
""")
    (pytester.path / "test_outside.py").write_text("""
def test_outside(deploycheck, note):
    note("outside")
    deploycheck.record("seen", 1)
""")
    ran = virtual()
    assert ran.record["verdict"] == "GO", ran.text
    assert ran.events[:5] == ["up package", "first", "second", "other", "outside"]
    assert ran.events[-3:] == ["first", "down class", "down package"]
    assert set(ran.events[5:-3]) == {"first"}


@pytest.mark.skipif(pytest.version_tuple < (9,), reason="the fixture `subtests` came with pytest 9")
def test_subtests_of_an_attempt_wait_with_it(virtual: Callable[..., Happened]) -> None:
    ran = virtual(
        "-x",
        test_check="""
        import pytest

        @pytest.mark.within("1m", every="5s")
        def test_mends(deploycheck, subtests, clock_):
            deploycheck.record("seen", 1)
            for n in range(3):
                with subtests.test(n=n):
                    assert clock_.monotonic() >= 5 * n, f"{n} too early"

        @pytest.mark.within("20s", every="5s")
        def test_never(deploycheck, subtests):
            deploycheck.record("seen", 1)
            with subtests.test("good"): assert True
            with subtests.test("bad"): assert False, "never"
        """,
    )
    assert ran.outcomes() == {"test_mends": "passed", "test_never": "failed"}, ran.text
    assert ran.check("test_mends")["attempts"] == 3
    assert ran.check("test_mends")["wait"][1:] == [
        "  T+0.0s: failed: 1 too early",
        "  T+5.0s: failed: 2 too early",
        "  T+10.0s: passed",
    ]
    assert ran.record["verdict"] == "NO-GO"
    assert [report.outcome for report in ran.virtual.reports if "test_never" in report.nodeid].count("failed") <= 2
    assert "too early" not in ran.text.partition("====\nNO-GO")[0], "earlier attempts are not shown as failures"


def test_methods_of_unittest_cases_wait(virtual: Callable[..., Happened]) -> None:
    ran = virtual(
        test_check="""
        import unittest, pytest

        @pytest.fixture(autouse=True)
        def tools(request, deploycheck, clock_, note):
            request.instance.see, request.instance.clock, request.instance.note = deploycheck.record, clock_, note

        class TestIt(unittest.TestCase):
            def setUp(self): self.assertFalse(hasattr(self, "left"))
            def tearDown(self): self.note("down")

            @pytest.mark.within("1m", every="5s")
            def test_mends(self):
                self.left = 1
                self.see("at", self.clock.monotonic())
                self.assertGreaterEqual(self.clock.monotonic(), 10)

            @pytest.mark.within("20s", every="5s")
            def test_never(self):
                self.see("at", 1)
                with self.subTest(n=1): self.fail("never")

            @pytest.mark.within("1m")
            def test_skips(self): self.skipTest("not here")
        """
    )
    assert ran.outcomes() == {"TestIt::test_mends": "passed", "TestIt::test_never": "failed", "TestIt::test_skips": "not run"}  # fmt: skip # noqa: E501
    assert ran.check("TestIt::test_mends")["attempts"] == 3
    assert ran.check("TestIt::test_never")["attempts"] > 3
    assert ran.record["verdict"] == "NO-GO"


def test_a_test_that_is_no_check_keeps_its_own_meaning(virtual: Callable[..., Happened]) -> None:
    ran = virtual(
        test_check="""
        import pytest

        @pytest.mark.within("1m")
        def test_it(deploycheck, clock_, note):
            note("it")
            deploycheck.record("seen", 1)
            assert clock_.monotonic() >= 10
        """,
        test_unit="""
        def test_unit(note): note("unit")
        def test_bad(note): assert 0
        """,
    )
    assert ran.record["verdict"] == "GO"
    assert ran.code == 1, "a unit test failed"
    assert ran.events[:2] == ["it", "unit"]


def test_a_fixture_that_is_asked_for_while_a_test_or_a_fixture_runs_is_kept_too(
    virtual: Callable[..., Happened],
) -> None:
    check = """
        import pytest

        @pytest.mark.within("1m")
        def test_it(deploycheck, clock_, request):
            request.getfixturevalue("above")
            deploycheck.record("seen", 1)
            assert clock_.monotonic() >= 10
        """
    ran = virtual(
        conftest="""
        import pytest

        @pytest.fixture(scope="module")
        def below(note):
            note("up below")
            yield
            note("down below")

        @pytest.fixture(scope="module")
        def above(request, note):
            request.getfixturevalue("below")
            note("up above")
            yield
            note("down above")
        """,
        test_a=check,
        test_b=check,
    )
    assert ran.record["verdict"] == "GO", ran.text
    assert ran.events == ["up below", "up above"] * 2 + ["down above", "down below"] * 2
