"""Several clusters and regions: a test for each, systems of one target together, narrowing that is said everywhere."""

from __future__ import annotations

import json
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from pytest_deploycheck.sandbox.faults import FAULTS
from tests.e2e.shipped_suites import verify
from tests.servers.bad_servers import answering, json_answer
from tests.servers.prometheus_answers import vector

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from pytest_deploycheck.sandbox.stack import Sandbox
    from tests.e2e.conftest import Ran
    from tests.servers.bad_servers import Server

OWN = """
    import pytest

    pytestmark = pytest.mark.blocker

    def test_up(prometheus):
        assert prometheus("up") == 1

    class TestOfClass:
        @pytest.mark.parametrize("name", ["a", "b"])
        def test_each(self, prometheus, name):
            assert prometheus(name) == 1

    def test_elsewhere(deploycheck):
        deploycheck.record("seen", True)
"""
IN_EACH = ["test_up[{}]", "TestOfClass::test_each[{}-a]", "TestOfClass::test_each[{}-b]"]


def value(number: float) -> bytes:
    """Every series of this Prometheus has this value."""
    return json_answer(vector({"metric": {"__name__": "up"}, "value": [1795252172.589, str(number)]}))


@dataclass
class Regions:
    """Two regions, each with a Prometheus of its own, and what the configuration says of them."""

    eu: Server
    apac: Server
    pytester: pytest.Pytester
    text: str

    def configure(self, more: str = "") -> None:
        """Write the configuration, with further tables."""
        (self.pytester.path / "deploycheck.toml").write_text(self.text + more)


def of(name: str, url: str, system: str = "prometheus") -> str:
    return f'[environments.prod.targets.{name}.{system}]\nurl = "{url}"\nretries = {{ attempts = 1 }}\n'


@pytest.fixture
def bad() -> float:
    """What is measured in apac."""
    return 1


@pytest.fixture
def regions(pytester: pytest.Pytester, bad: float) -> Iterator[Regions]:
    with ExitStack() as stack:
        eu, apac = (stack.enter_context(answering(value(number))) for number in (1, bad))
        found = Regions(eu, apac, pytester, of("eu", eu.url) + of("apac", apac.url))
        found.configure()
        yield found


def observed(ran: Ran) -> list[tuple[str, str]]:
    """Check and system of each exchange, in order."""
    text = (ran.directory / "reports" / "latest" / "evidence" / "observations.jsonl").read_text()
    rows: list[dict[str, Any]] = [json.loads(line) for line in text.splitlines()]
    return [(row["check"].partition("::")[2], row["system"]) for row in rows]


# --- one test for each target -----------------------------------------------------------------------------------------


@pytest.mark.usefixtures("regions")
@pytest.mark.parametrize("workers", ["0", "2"])
def test_each_target_is_asked_by_its_own_tests(run: Callable[..., Ran], workers: str) -> None:
    ran = run("-n", workers, test_own=OWN)
    assert (ran.code, ran.record["verdict_line"]) == (0, "GO"), ran.text
    names = [test.format(name) for name in ("eu", "apac") for test in IN_EACH]
    assert sorted(ran.outcomes()) == sorted([*names, "test_elsewhere"])
    assert set(observed(ran)) == {
        *((test.format(name), f"prometheus of {name}") for name in ("eu", "apac") for test in IN_EACH),
        ("test_elsewhere", "author"),
    }
    assert {check["nodeid"].partition("::")[2]: check["targets"] for check in ran.record["checks"]} == {
        **{test.format(name): [name] for name in ("eu", "apac") for test in IN_EACH},
        "test_elsewhere": [],
    }
    assert [(it["name"], it["looked_at"], it["coverage"]["passed"]) for it in ran.record["targets"]] == [
        ("eu", True, 3),
        ("apac", True, 3),
    ]
    assert sorted(it["name"] for it in ran.record["systems"]) == ["prometheus of apac", "prometheus of eu"]


@pytest.mark.parametrize("bad", [0])
def test_the_verdict_names_the_region(run: Callable[..., Ran], regions: Regions) -> None:
    ran = run(test_own=OWN)
    assert (ran.code, ran.record["verdict_line"]) == (1, "NO-GO")
    assert ran.record["why"].startswith("3 blockers failed in apac: test_own.py::")
    assert "target eu: 3 of 3 blockers passed\n" in ran.text
    assert "target apac: 0 of 3 blockers passed, 3 failed\n" in ran.text
    text = next(it["result"]["text"] for it in ran.record["checks"] if it["nodeid"].endswith("test_up[apac]"))
    assert f"prometheus of apac {regions.apac.url}" in text
    report = (ran.directory / "reports" / "latest" / "signoff.md").read_text()
    assert "| apac | yes | 3 | 0 | 0 | 0 | 3 |\n" in report


# --- narrowing --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bad", [0])
@pytest.mark.parametrize("how", ["option", "variable", "workers"])
def test_a_narrowed_run_speaks_for_its_target_only_and_says_so(
    run: Callable[..., Ran], regions: Regions, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    if how == "variable":
        monkeypatch.setenv("DEPLOYCHECK_TARGET", " eu ")
    options = {"option": ["--deploycheck-target", "eu"], "workers": ["--deploycheck-target=eu", "-n", "2"]}
    ran = run(*options.get(how, []), test_own=OWN)
    line = "GO for target eu (not looked at: apac with 3 blockers)"
    assert (ran.code, ran.record["verdict_line"], ran.record["scope"]) == (0, line, "target eu"), ran.text
    assert f"{line}: 4 of 4 blockers in scope passed; 3 out of scope" in ran.text
    assert "target apac: not looked at (3 blockers)" in ran.text
    assert ran.record["recommendation"] == {
        "action": "PROMOTE",
        "reasons": ["every blocker that counts passed or is waived, in eu alone", "nothing is known of apac"],
    }
    by = "environment variable DEPLOYCHECK_TARGET eu" if how == "variable" else "--deploycheck-target eu"
    assert [(it["nodeid"].partition("::")[2], it["by"], it["out_of_scope"]) for it in ran.record["deselected"]] == [
        (test.format("apac"), by, True) for test in IN_EACH
    ]
    assert regions.apac.requests == []
    report = (ran.directory / "reports" / "latest" / "signoff.md").read_text()
    assert report.startswith(f"# {line}\n")
    assert "| apac | **no** | 3 | 0 | 0 | 3 | 0 |\n" in report


@pytest.mark.usefixtures("regions")
def test_all_targets_by_name_is_no_narrowing(run: Callable[..., Ran]) -> None:
    ran = run("--deploycheck-target", "apac, eu", test_own=OWN)
    assert (ran.record["verdict_line"], ran.record["scope"], ran.record["deselected"]) == ("GO", None, [])


@pytest.mark.usefixtures("regions")
def test_narrowing_to_a_target_declares_nothing_else(run: Callable[..., Ran]) -> None:
    ran = run("--deploycheck-target", "eu", "-k", "test_up", test_own=OWN)
    assert (ran.code, ran.record["verdict"]) == (6, "HOLD"), ran.text
    assert ran.record["why"] == "no blocker failed, but 3 blockers did not run (eu 2)"
    declared = run("--deploycheck-target", "eu", "-k", "test_up", "--deploycheck-scope", "only up", test_own=OWN)
    assert declared.record["verdict_line"] == (
        'GO for target eu (scope "only up"; not looked at: apac with 3 blockers)'
    ), declared.text
    assert declared.record["scope"] == "target eu; only up"


@pytest.mark.usefixtures("regions")
@pytest.mark.parametrize("workers", ["0", "2"])
@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("eus", 'unknown target "eus"; did you mean "eu"? (expected "eu" or "apac")'),
        ("eu,,apac", '"eu,,apac" holds an empty name (expected "eu" or "apac")'),
        ("", "is empty (expected a name, or no such option)"),
    ],
)
def test_a_target_that_is_not_there_is_a_usage_error(
    run: Callable[..., Ran], given: str, said: str, workers: str
) -> None:
    ran = run(f"--deploycheck-target={given}", "-n", workers, test_own=OWN)
    assert ran.code == 4
    assert f"option --deploycheck-target: target: {said}" in ran.text


def test_narrowing_where_there_are_no_targets_is_a_usage_error(
    run: Callable[..., Ran], pytester: pytest.Pytester
) -> None:
    (pytester.path / "deploycheck.toml").write_text('[environments.prod.prometheus]\nurl = "http://127.0.0.1:9"\n')
    ran = run("--deploycheck-target=eu", test_own=OWN)
    assert ran.code == 4
    assert 'target: "eu" is asked for, and environment "prod" has no targets (expected tables such as' in ran.text


# --- which targets a check is about -----------------------------------------------------------------------------------


def test_what_is_shared_is_asked_once_or_with_each_targets_own(run: Callable[..., Ran], regions: Regions) -> None:
    with answering(value(1)) as shared:
        regions.configure(
            f'[environments.prod.alertmanager]\nurl = "{shared.url}"\n'
            f'[environments.prod.services.app]\nurl = "{shared.url}"\n' + of("eu", regions.eu.url, "services.edge")
        )
        ran = run(
            test_own="""
            def test_shared_alone(alertmanager):
                alertmanager.wire.request("GET", "/")

            def test_with_own(alertmanager, prometheus):
                alertmanager.wire.request("GET", "/")
                assert prometheus("up") == 1

            def test_shared_service(health):
                assert health("app").get("/").status == 200
            """
        )
    assert ran.outcomes() == {
        "test_shared_alone": "passed",
        "test_with_own[eu]": "passed",
        "test_with_own[apac]": "passed",
        "test_shared_service[eu]": "passed",
    }, ran.text
    assert observed(ran) == [
        ("test_shared_alone", "alertmanager"),
        ("test_with_own[eu]", "alertmanager"),
        ("test_with_own[eu]", "prometheus of eu"),
        ("test_shared_service[eu]", "service app"),
        ("test_with_own[apac]", "alertmanager"),
        ("test_with_own[apac]", "prometheus of apac"),
    ]


def test_the_environments_own_system_beside_its_targets(run: Callable[..., Ran], regions: Regions) -> None:
    with answering(value(0)) as shared:
        regions.configure(f'[environments.prod.prometheus]\nurl = "{shared.url}"\n')
        ran = run("--deploycheck-target=eu", test_own="def test_up(prometheus):\n    assert prometheus('up') == 1\n")
    assert ran.outcomes() == {"test_up[eu]": "passed", "test_up[apac]": "not run", "test_up[prod]": "failed"}, ran.text
    assert ran.record["verdict_line"] == "NO-GO for target eu (not looked at: apac with 1 blocker)"


def test_entries_are_about_the_targets_that_have_it_or_that_they_name(
    run: Callable[..., Ran], regions: Regions
) -> None:
    with answering(value(1)) as app:
        regions.configure(
            f"""
            [environments.prod.services.portal]
            url = "{app.url}"
            {of("eu", app.url, "services.api")}
            {of("apac", app.url, "services.api")}
            {of("eu", app.url, "services.edge")}
            [[slos]]
            id = "everywhere"
            expr = "up"
            above = 0
            [[slos]]
            id = "european"
            expr = "up"
            above = 0
            targets = ["eu"]
            [[endpoints]]
            service = "api"
            [[endpoints]]
            service = "edge"
            [[endpoints]]
            service = "portal"
            [[ports]]
            id = "app"
            host = "127.0.0.1"
            port = {app.port}
            """.replace("            ", "")
        )
        ran = run(
            test_own="""
            import pytest

            @pytest.mark.foreach("slos")
            @pytest.mark.asks(questions=lambda ask, entry: ask.prometheus(entry.expr))
            def test_slo(prometheus, entry):
                assert prometheus(entry.expr).keeps(*entry.bounds())

            @pytest.mark.foreach("endpoints")
            @pytest.mark.asks(questions=lambda ask, entry: ask.health(entry.service).meets(entry))
            def test_endpoint(health, entry):
                assert health(entry.service).meets(entry)

            @pytest.mark.foreach("ports")
            def test_port(network, entry):
                assert network.tcp(entry.host, entry.port).open()
            """
        )
    assert list(ran.outcomes().items()) == [
        ("test_slo[eu-everywhere]", "passed"),
        ("test_slo[eu-european]", "passed"),
        ("test_slo[apac-everywhere]", "passed"),
        ("test_endpoint[eu-api:/health]", "passed"),
        ("test_endpoint[eu-edge:/health]", "passed"),
        ("test_endpoint[apac-api:/health]", "passed"),
        ("test_endpoint[prod-portal:/health]", "passed"),
        ("test_port[app]", "passed"),
    ], ran.text
    rows = observed(ran)
    assert ("test_endpoint[eu-api:/health]", "service api of eu") in rows
    assert ("test_endpoint[prod-portal:/health]", "service portal") in rows
    assert {system for check, system in rows if "[apac" in check} == {"prometheus of apac", "service api of apac"}


@pytest.mark.parametrize("workers", ["0", "2"])
def test_what_is_asked_ahead_is_asked_of_the_checks_own_target(
    run: Callable[..., Ran], regions: Regions, workers: str
) -> None:
    del regions
    ran = run(
        "-n",
        workers,
        test_own="""
        import pytest

        @pytest.mark.parametrize("name", ["a", "b", "c", "d"])
        @pytest.mark.asks(questions=lambda ask, name: ask.prometheus(name))
        def test_one(prometheus, name):
            assert prometheus(name) == 1
        """,
    )
    assert (ran.code, len(ran.outcomes())) == (0, 8), ran.text
    text = (ran.directory / "reports" / "latest" / "evidence" / "observations.jsonl").read_text()
    rows = [json.loads(line) for line in text.splitlines()]
    assert all(row["system"].removeprefix("prometheus of ") in row["check"] for row in rows if not row["unused"])
    assert {row["system"] for row in rows if row["age"] is not None} == {"prometheus of eu", "prometheus of apac"}


def test_a_target_of_which_nothing_is_said_keeps_the_run_from_go(run: Callable[..., Ran], regions: Regions) -> None:
    with answering(value(1)) as alone:
        regions.configure(of("us", alone.url, "alertmanager"))
        ran = run(test_own=OWN)
        narrowed = run("--deploycheck-target=eu,apac", test_own=OWN)
    assert (ran.code, ran.record["verdict_line"]) == (6, "HOLD (not looked at: us)"), ran.text
    assert ran.record["why"] == (
        "no blocker failed, but no blocker is about target us: nothing was verified there; "
        "--deploycheck-target eu,apac looks at the others alone"
    )
    assert (narrowed.code, narrowed.record["verdict_line"]) == (0, "GO for targets eu, apac (not looked at: us)")


@pytest.mark.usefixtures("regions")
def test_a_run_that_is_about_no_target_says_so(run: Callable[..., Ran]) -> None:
    ran = run(
        test_own="import pytest\n\n@pytest.mark.blocker\ndef test_a(deploycheck):\n    deploycheck.record('a', 1)\n"
    )
    assert (ran.code, ran.record["verdict_line"]) == (0, "GO (not looked at: eu, apac)"), ran.text


def test_a_waived_target_was_not_measured(run: Callable[..., Ran], pytester: pytest.Pytester) -> None:
    with answering(value(1)) as eu, answering(value(0)) as apac:
        waivers = 'waivers = "waivers.toml"\n'
        (pytester.path / "deploycheck.toml").write_text(waivers + of("eu", eu.url) + of("apac", apac.url))
        (pytester.path / "waivers.toml").write_text(
            "[[waiver]]\ncheck = 'test_own.py::test_up[apac]'\nreason = 'r'\nowner = 'o'\nticket = 't'\n"
            "expires = 2026-12-31\n"
        )
        ran = run(test_own="def test_up(prometheus):\n    assert prometheus('up') == 1\n")
    assert ran.record["verdict"] == "HOLD", ran.text
    assert ran.record["why"] == "no blocker failed, but no blocker of target apac passed: all of them are waived"


# --- real servers -----------------------------------------------------------------------------------------------------


def test_of_two_regions_the_shipped_suite_finds_the_one_with_the_fault(
    sandbox: Sandbox, broken_sandbox: Callable[..., Sandbox], tmp_path: Path
) -> None:
    regions = {"eu": sandbox, "apac": broken_sandbox("frozen-counter", fresh=True)}
    config = tmp_path / "deploycheck.toml"
    config.write_text(together(regions))
    verified = verify(Stack(config), tmp_path / "reports")
    assert verified.verdict == ("NO-GO", 1), verified.told()
    assert verified.record["why"].partition(":")[0].endswith("failed in apac")
    assert {check["targets"][0] for check in verified.red} == {"apac"}
    assert {check["requirement"] for check in verified.red} == {FAULTS["frozen-counter"].check}
    named = [check["nodeid"] for check in verified.record["checks"]]
    assert "suites/post_deploy/test_metrics.py::test_metric_is_fresh[eu-sessions]" in named
    for it in verified.record["targets"]:
        assert it["coverage"]["expected"] == len([name for name in named if f"[{it['name']}" in name])
    narrowed = verify(Stack(config), tmp_path / "narrowed", "--deploycheck-target", "eu", "-n", "2")
    count = verified.record["targets"][1]["coverage"]["expected"]
    assert narrowed.code == 0, narrowed.told()
    assert narrowed.record["verdict_line"] == f"GO for target eu (not looked at: apac with {count} blockers)"


@dataclass
class Stack:
    """What `verify` needs of a stack."""

    config_path: Path


def together(regions: Mapping[str, Sandbox]) -> str:
    """The configuration of several stacks as targets of one environment; what is expected is that of the last one."""
    texts = {name: stack.config_path.read_text() for name, stack in regions.items()}
    systems = [
        block.replace("[environments.sandbox.", f"[environments.sandbox.targets.{name}.", 1)
        for name, text in texts.items()
        for block in text.split("\n\n")
        if block.startswith("[environments.sandbox.")
    ]
    last = next(reversed(texts.values()))
    others = [block for block in last.split("\n\n") if not block.startswith("[environments.sandbox.")]
    return "\n\n".join(others + systems)


# --- authors' own fixtures --------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("regions")
def test_a_test_that_compares_has_all_targets(run: Callable[..., Ran]) -> None:
    test = """
        def test_alike(targets):
            assert [one.name for one in targets] == ["eu", "apac"]
            first, second = (one.prometheus("up").value() for one in targets)
            assert first == second

        def test_named(target):
            assert target.prometheus("up") == 1 and target.name in ("eu", "apac")
    """
    ran = run(test_own=test)
    assert ran.outcomes() == {"test_alike": "passed", "test_named[eu]": "passed", "test_named[apac]": "passed"}, (
        ran.text
    )
    assert {check["nodeid"]: check["targets"] for check in ran.record["checks"]}["test_own.py::test_alike"] == [
        "eu",
        "apac",
    ]
    narrowed = run("--deploycheck-target=eu", test_own=test)
    assert narrowed.outcomes() == {"test_alike": "not run", "test_named[eu]": "passed", "test_named[apac]": "not run"}
    assert narrowed.record["verdict_line"] == "GO for target eu (not looked at: apac with 2 blockers)"


def test_without_targets_a_target_is_the_environment_and_a_comparison_cannot_be_made(
    run: Callable[..., Ran], pytester: pytest.Pytester
) -> None:
    with answering(value(1)) as alone:
        (pytester.path / "deploycheck.toml").write_text(f'[environments.prod.prometheus]\nurl = "{alone.url}"\n')
        ran = run(
            test_own="""
            import pytest

            def test_named(target):
                assert target.prometheus("up") == 1 and not target.name

            def test_alike(targets):
                assert len({one.prometheus("up").value() for one in targets}) == 1

            @pytest.mark.needs("targets")
            def test_where_there_are_some(targets):
                raise AssertionError
            """
        )
    assert ran.outcomes() == {"test_named": "passed", "test_alike": "error"}, ran.text
    assert "environments.prod.targets: a check compares targets, and the environment has none" in ran.text
    assert "1 test left out, because the configuration has no targets (1)" in ran.text


@pytest.mark.usefixtures("regions")
@pytest.mark.parametrize("workers", ["0", "2"])
def test_fixtures_made_from_a_targets_system_are_made_once_for_each_while_checks_wait(
    run: Callable[..., Ran], workers: str
) -> None:
    ran = run(
        *("-n", workers, "--dist", "loadfile", "-s"),
        conftest="""
        import pytest

        @pytest.fixture(scope="session")
        def prometheus(prometheus):
            return prometheus

        @pytest.fixture(scope="session")
        def made(prometheus, pytestconfig):
            with open(pytestconfig.rootpath / "made", "a") as file:
                file.write(repr(prometheus) + "\\n")
            assert prometheus("up") == 1
            return []
        """,
        test_own="""
        import pytest

        @pytest.mark.within("30s", since="start", every="50ms")
        def test_waits(made, prometheus):
            made.append(repr(prometheus))
            assert set(made) == {repr(prometheus)}
            assert prometheus("up") == (1 if len(made) > 2 else 2)

        def test_between(made, prometheus):
            assert prometheus("up") == 1

        @pytest.mark.sustained("300ms", since="start", every="100ms")
        def test_holds(prometheus):
            assert prometheus.wire.request("GET", "/").status == 200
        """,
    )
    assert set(ran.outcomes().values()) == {"passed"}, ran.text
    assert sorted(ran.outcomes()) == sorted(
        f"{test}[{name}]" for test in ("test_waits", "test_between", "test_holds") for name in ("eu", "apac")
    )
    made = (ran.directory / "made").read_text().splitlines()
    assert sorted(line.split()[2] for line in made) == ["apac", "eu"], made
    for check in ran.record["checks"]:
        wrong = "apac" if check["targets"] == ["eu"] else "eu"
        assert not set(evidence_of(ran, f"prometheus of {wrong}")) & set(check["result"]["evidence"]), check["nodeid"]


def evidence_of(ran: Ran, system: str) -> list[str]:
    text = (ran.directory / "reports" / "latest" / "evidence" / "observations.jsonl").read_text()
    return [row["id"] for row in map(json.loads, text.splitlines()) if row["system"] == system]


@pytest.mark.usefixtures("regions")
def test_a_prometheus_of_the_authors_own_is_nobodys_target(run: Callable[..., Ran]) -> None:
    ran = run(
        conftest="""
        import pytest

        @pytest.fixture(scope="session")
        def prometheus():
            return "mine"
        """,
        test_own="def test_a(prometheus, deploycheck):\n    deploycheck.record('it is', prometheus)\n",
    )
    assert (ran.outcomes(), ran.record["verdict_line"]) == ({"test_a": "passed"}, "GO (not looked at: eu, apac)"), (
        ran.text
    )


@pytest.mark.usefixtures("regions")
def test_a_system_that_is_asked_for_by_the_way_has_to_be_named(run: Callable[..., Ran]) -> None:
    ran = run(
        test_own="""
        def test_dynamic(deploycheck, request):
            request.getfixturevalue("prometheus")

        def test_of_the_run(deploycheck):
            assert deploycheck.at("eu").prometheus("up") == 1
            deploycheck.prometheus

        def test_unknown(deploycheck):
            deploycheck.at("eus")
        """
    )
    assert ran.outcomes() == {"test_dynamic": "error", "test_of_the_run": "error", "test_unknown": "error"}, ran.text
    told = (
        "environments.prod.prometheus: the environment itself has none, only targets do: eu, apac (expected the "
        'fixture `prometheus` among the arguments of the test, or deploycheck.at("eu"))'
    )
    assert ran.text.count(told) > 1
    assert """there is no target 'eus'; did you mean "eu"?""" in ran.text


def test_writes_are_allowed_by_the_systems_name_in_every_target(run: Callable[..., Ran], regions: Regions) -> None:
    with answering(json_answer({})) as app:
        regions.configure(of("eu", app.url, "services.app") + of("apac", app.url, "services.app"))
        test = """
            import pytest

            @pytest.mark.writes("app")
            def test_declared(health):
                assert health("app").request("POST", "/").status == 200

            def test_undeclared(health):
                assert health("app").request("POST", "/").status == 200
        """
        ran = run("--deploycheck-allow-writes=app", test_own=test)
        refused = run(test_own=test)
    assert {name: outcome for name, outcome in ran.outcomes().items() if outcome == "passed"} == {
        "test_declared[eu]": "passed",
        "test_declared[apac]": "passed",
    }, ran.text
    assert set(refused.outcomes().values()) == {"error"}
    assert 'mark the check `@pytest.mark.writes("app")`' in refused.text
