"""Generated suites of modules, classes and fixtures of every scope: checks that wait meet what plain pytest makes."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.unit.session.virtual import Happened, run_in

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

DEADLINE = 120.0
"""Seconds that generated checks may wait."""

SCOPES = ("session", "package", "module", "class", "function")


@dataclass(frozen=True)
class Fixture:
    """A generated fixture.

    Attributes:
        name: unique in the suite.
        scope: pytest's.
        params: how many; 0 = not parametrised.
        uses: other fixtures, none of a narrower scope.
    """

    name: str
    scope: str
    params: int
    uses: tuple[str, ...]

    def source(self) -> str:
        params = f", params={list(range(self.params))}" if self.params else ""
        value = "request.param" if self.params else "'-'"
        uses = "".join(f", {name}" for name in self.uses)
        used = "".join(f" + [{name}]" for name in self.uses)
        return f"""
@pytest.fixture(scope="{self.scope}"{params})
def {self.name}(request, note, serial_{uses}):
    me = f"{self.name}#{{next(serial_)}}"
    where = request.node.nodeid if "{self.scope}" != "function" else ""
    below = []{used}
    note(f"up {{me}} {{where}}|{{{value}}}|{{' '.join(below)}}")
    yield me
    note(f"down {{me}}")
"""


@dataclass(frozen=True)
class Check:
    """A generated test.

    Attributes:
        uses: its fixtures.
        passes_at: the attempt at which it passes; 0 = never.
        waits: whether it may be tried again.
        errs: whether it fails in a function-scoped fixture instead of its body.
    """

    uses: tuple[str, ...]
    passes_at: int
    waits: bool
    errs: bool = False

    def source(self, name: str, *, plain: bool, method: bool) -> str:
        marker = f'@pytest.mark.within("{DEADLINE:g}s")' if self.waits and not plain else ""
        seen = "" if plain else "    deploycheck.record('attempt', attempt)\n"
        uses = "".join(f", {fixture}" for fixture in self.uses)
        self_ = "self, " if method else ""
        used = ", ".join(self.uses)
        first = "deploycheck, " if not plain else ""
        broken = f", broken_{name}" if self.errs else ""
        test = f"""
{marker}
def {name}({self_}{first}request, note, tried{uses}{broken}):
    attempt = tried(request.node.nodeid{", count=False" if self.errs else ""})
{seen}    note(f"{"use" if self.errs else "run"} {{request.node.nodeid}} {{attempt}}|{{' '.join([{used}])}}")
    assert attempt == {self.passes_at}, "not yet"
"""
        if self.errs:
            test = f"""
@pytest.fixture
def broken_{name}({self_}request, note, tried{uses}):
    attempt = tried(request.node.nodeid)
    note(f"run {{request.node.nodeid}} {{attempt}}|{{' '.join([{used}])}}")
    if attempt != {self.passes_at}: raise OSError("not yet")
{test}"""
        return test


@dataclass(frozen=True)
class Suite:
    """Generated files: name → (fixtures, classes of checks; the first "class" is the module itself)."""

    shared: tuple[Fixture, ...]
    modules: dict[str, tuple[tuple[Fixture, ...], tuple[tuple[Check, ...], ...]]]

    @property
    def fixtures(self) -> dict[str, Fixture]:
        own = [fixture for fixtures, _ in self.modules.values() for fixture in fixtures]
        return {fixture.name: fixture for fixture in (*self.shared, *own)}

    def write(self, directory: Path, *, plain: bool) -> None:
        directory.mkdir(parents=True)
        head = "import pytest\n"
        conftest = (
            head
            + """
@pytest.fixture(scope="session")
def tried():
    attempts = {}
    def tried(nodeid, count=True):
        attempts[nodeid] = attempts.get(nodeid, 0) + count
        return attempts[nodeid]
    return tried
"""
        )
        (directory / "conftest.py").write_text(conftest + "".join(fixture.source() for fixture in self.shared))
        for name, (fixtures, groups) in self.modules.items():
            path = directory / name
            path.parent.mkdir(exist_ok=True)
            if path.parent != directory:
                (path.parent / "__init__.py").touch()
            text = head + "".join(fixture.source() for fixture in fixtures)
            for number, group in enumerate(groups):
                tests = "".join(
                    check.source(f"test_{number}{letter}", plain=plain, method=number > 0)
                    for letter, check in zip("abcdefgh", group, strict=False)
                )
                if number:
                    tests = f"class Test{number}:\n    pass\n" + "".join(f"    {line}\n" for line in tests.splitlines())
                text += tests
            path.write_text(text)


@st.composite
def suites(draw: st.DrawFn, *, waits: bool = True) -> Suite:
    """Suites that pytest can run: no fixture uses one of a narrower scope or of another module."""

    def fixtures(prefix: str, scopes: Sequence[str], known: tuple[Fixture, ...], most: int) -> tuple[Fixture, ...]:
        made: tuple[Fixture, ...] = ()
        for number, scope in enumerate(
            sorted(draw(st.lists(st.sampled_from(scopes), max_size=most)), key=SCOPES.index)
        ):
            wider = [it.name for it in (*known, *made) if SCOPES.index(it.scope) <= SCOPES.index(scope)]
            uses = draw(st.lists(st.sampled_from(wider), unique=True, max_size=2)) if wider else []
            params = draw(st.sampled_from([0, 0, 2, 3])) if scope != "function" else 0
            made += (Fixture(f"{prefix}_{scope}{number}", scope, params, tuple(uses)),)
        return made

    shared = fixtures("shared", ("session", "session", "package", "module"), (), 3)
    modules = {}
    for name in draw(
        st.sampled_from([("test_a.py",), ("test_a.py", "test_b.py"), ("p/test_a.py", "p/test_b.py", "q/test_c.py")])
    ):
        own = fixtures(f"of_{name[-4]}", SCOPES[2:], shared, 3)
        visible = [fixture.name for fixture in (*shared, *own)]
        uses = st.lists(st.sampled_from(visible), unique=True, max_size=2).map(tuple) if visible else st.just(())
        check = st.builds(
            Check,
            uses=uses,
            passes_at=st.sampled_from([1, 1, 2, 3, 5, 0]) if waits else st.just(1),
            waits=st.booleans() if waits else st.builds(bool),
            errs=st.sampled_from((0, 0, 1)).map(bool) if waits else st.builds(bool),
        )
        groups = draw(st.lists(st.lists(check, min_size=1, max_size=3).map(tuple), min_size=1, max_size=3))
        modules[name] = (own, tuple(groups))
    return Suite(shared, modules)


@pytest.fixture
def trials(pytester: pytest.Pytester) -> Callable[..., Happened]:
    """Return a function that runs a suite in a directory of its own."""
    numbers = iter(range(10**6))

    def run(suite: Suite, *arguments: str, plain: bool = False) -> Happened:
        directory = pytester.path / f"suite{next(numbers)}"
        suite.write(directory, plain=plain)
        return run_in(pytester, directory, *arguments, plain=plain)

    return run


def instances(ran: Happened) -> Counter[str]:
    """How often each instance (fixture, its node, its parameter) was made that outlives one test."""
    return Counter(
        f"{text.split()[1].partition('#')[0]} {text.split(' ', 2)[2].rpartition('|')[0]}"
        for text in ran.events
        if text.startswith("up ") and "::test_" not in text and "function" not in text.split()[1]
    )


def assert_fixtures_keep_their_order(suite: Suite, ran: Happened) -> None:
    """Every instance is torn down once, after its last user and before what it was made from."""
    alive: dict[str, list[str]] = {}
    gone: set[str] = set()
    for event in ran.events:
        kind, _, rest = event.partition(" ")
        if kind == "up":
            below = rest.rpartition("|")[2].split()
            assert set(below) <= set(alive), f"{rest} is made from what is gone: {ran.events}"
            alive[rest.split()[0]] = below
        elif kind == "down":
            assert rest in alive, f"{rest} is torn down twice: {ran.events}"
            del alive[rest]
            gone.add(rest)
            above = [name for name, below in alive.items() if rest in below]
            assert not above, f"{rest} is torn down before {above}: {ran.events}"
        else:
            used = rest.rpartition("|")[2].split()
            assert set(used) <= set(alive), f"{rest} uses what is gone: {ran.events}"
            for name in used:
                fixture = suite.fixtures[name.partition("#")[0]]
                assert all(below in alive for below in alive[name]), fixture
    assert not alive, f"never torn down: {alive}: {ran.events}"


DEEP = settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
    phases=(Phase.explicit, Phase.reuse, Phase.generate),  # to shrink a suite takes minutes
)


@DEEP
@given(suite=suites())
def test_no_check_is_lost_and_none_is_run_again_once_it_passed(trials: Callable[..., Happened], suite: Suite) -> None:
    ran = trials(suite)
    assert "INTERNALERROR" not in ran.text, ran.text
    runs: dict[str, list[tuple[float, int]]] = {}
    for when, event in ran.virtual.trace:
        if event.startswith("run "):
            name, attempt = event.partition("|")[0].split(" ", 1)[1].rsplit(" ", 1)
            runs.setdefault(name, []).append((when, int(attempt)))
    reported = Counter((report.nodeid, report.when) for report in ran.virtual.reports)
    assert set(reported.values()) <= {1}, "each phase is reported once"
    for check in ran.record["checks"]:
        name = check["nodeid"]
        _, groups = suite.modules[name.partition("::")[0]]
        test = name.rpartition("::")[2].partition("[")[0]
        spec = groups[int(test[5])]["abcdefgh".index(test[6])]
        attempts = [attempt for _, attempt in runs[name]]
        times = [when for when, _ in runs[name]]
        assert attempts == list(range(1, len(attempts) + 1))
        assert max(times) <= DEADLINE
        result = check["result"]
        if not spec.waits:
            assert len(attempts) == 1
        elif spec.passes_at:
            assert len(attempts) == spec.passes_at == result["attempts"]
        else:
            assert max(times) > DEADLINE - 1, "the last attempt is made just before the deadline"
        passed = spec.passes_at == 1 or (spec.waits and spec.passes_at > 0)
        bad = "error" if spec.errs else "failed"
        assert result["outcome"] == ("passed" if passed else bad), (name, result)
    assert_fixtures_keep_their_order(suite, ran)


@DEEP
@given(suite=suites())
def test_instances_are_made_as_often_as_by_plain_pytest(trials: Callable[..., Happened], suite: Suite) -> None:
    ran = trials(suite)
    plain = trials(suite, plain=True)
    expected, made = instances(plain), instances(ran)
    assert set(made) == set(expected)
    assert {name: count for name, count in made.items() if count > expected[name]} == {}, (ran.events, plain.events)


@DEEP
@given(suite=suites())
def test_two_runs_give_the_same_trace(trials: Callable[..., Happened], suite: Suite) -> None:
    assert trials(suite).virtual.trace == trials(suite).virtual.trace


@DEEP
@given(suite=suites(waits=False))
def test_without_waits_the_trace_is_plain_pytests(trials: Callable[..., Happened], suite: Suite) -> None:
    ran, plain = trials(suite), trials(suite, plain=True)
    assert ran.events == plain.events
