"""Which setting holds, and what a run says to one that cannot: through pytest itself, and through the command."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING

import jsonschema
import pytest

from tests.e2e.three_systems import ONE
from tests.servers.bad_servers import answering

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.e2e.conftest import Ran
    from tests.servers.bad_servers import Server

    Command = Callable[..., pytest.RunResult]

CHECK = """
    import pytest

    @pytest.mark.blocker
    def test_it(prometheus):
        assert prometheus("up") == 1
"""

NEXT = "  next: mend them; `deploycheck config` shows what is read, `deploycheck schema` what is expected"

FILE = """
default_environment = "prod"
[deployment]
version = "1.0"
change_ticket = "CHG-1"
[environments.prod.prometheus]
url = "{url}"
[environments.staging.prometheus]
url = "{url}"
auth = {{ bearer = {{ env = "PROM_TOKEN" }} }}
[environments.staging.deployment]
version = "2.0"
"""


@pytest.fixture(autouse=True)
def _no_variables_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("DEPLOY")]:
        monkeypatch.delenv(name)


@pytest.fixture
def server() -> Iterator[Server]:
    with answering(ONE) as server:
        yield server


@pytest.fixture
def command(pytester: pytest.Pytester) -> Command:
    """Return a function that runs the `deploycheck` command in the test's directory."""

    def command(*arguments: str) -> pytest.RunResult:
        return pytester.run(sys.executable, "-m", "pytest_deploycheck.cli", *arguments)

    return command


MISTAKEN = {
    "values": (
        (
            'strict = 1\n[environments.prod.prometheus]\nulr = "http://h"\ntimeouts = { total = 5 }\n'
            "[[environments.prod.slos]]\nexpr = 'up'\nbelow = 1\ntier = 'later'\n"
        ),
        [
            "ERROR: deploycheck: 5 mistakes in the configuration",
            "  deploycheck.toml:1: strict: is a whole number (expected true or false)",
            "  deploycheck.toml:2: environments.prod.prometheus.url: is missing (expected text that is not empty)",
            '  deploycheck.toml:3: environments.prod.prometheus.ulr: unknown key; did you mean "url"?',
            (
                "  deploycheck.toml:4: environments.prod.prometheus.timeouts.total: is a whole number without a unit "
                '(expected text with a unit, such as "500ms", "60s", "10m" or "1h30m")'
            ),
            (
                '  deploycheck.toml:8: environments.prod.slos[0].tier: is "later" (expected immediate, investigate, or '
                "after(30m))"
            ),
        ],
    ),
    "not TOML": (
        "[environments.prod\n",
        [
            "ERROR: deploycheck: 1 mistake in the configuration",
            "  deploycheck.toml:1:19: not valid TOML: expected ']' at the end of a table declaration",
        ],
    ),
    "secrets by value": (
        '[environments.prod.prometheus]\nurl = "http://user:hunter22@h"\nauth = { bearer = "hunter22-plain" }\n',
        [
            "ERROR: deploycheck: 2 mistakes in the configuration",
            (
                "  deploycheck.toml:2: environments.prod.prometheus.url: holds a user or password, which is a secret "
                "by value (expected the address alone, and the credentials in auth)"
            ),
            (
                "  deploycheck.toml:3: environments.prod.prometheus.auth.bearer: a secret is given by reference, never "
                'by value (expected { env = "NAME" }, { file = "path" } or { command = ["program", "argument"] })'
            ),
        ],
    ),
}


@pytest.mark.parametrize("kind", MISTAKEN)
def test_mistakes_in_the_file(run: Callable[..., Ran], command: Command, pytester: pytest.Pytester, kind: str) -> None:
    text, told = MISTAKEN[kind]
    (pytester.path / "deploycheck.toml").write_text(text)
    ran = run(test_it=CHECK)
    assert_refused(ran, told)
    told_by_command = [told[0].removeprefix("ERROR: deploycheck: "), *told[1:], NEXT]
    for arguments in (["config"], ["config", "--check"]):
        printed = command(*arguments)
        assert (printed.ret, printed.outlines, printed.errlines) == (4, [], told_by_command)


REFUSED = {
    "environment": (
        ["--deploycheck-env", "stagin"],
        [
            "ERROR: deploycheck: 1 mistake in the configuration",
            (
                '  option --deploycheck-env: environment: unknown environment "stagin"; did you mean "staging"? '
                '(expected "prod" or "staging")'
            ),
        ],
    ),
    "environment, workers": (
        ["--deploycheck-env", "stagin", "-n", "2"],
        [
            "ERROR: deploycheck: 1 mistake in the configuration",
            (
                '  option --deploycheck-env: environment: unknown environment "stagin"; did you mean "staging"? '
                '(expected "prod" or "staging")'
            ),
        ],
    ),
    "file": (
        ["--deploycheck-config", "nope.toml"],
        [
            "ERROR: deploycheck: 1 mistake in the configuration",
            "  nope.toml: configuration file: does not exist (expected the path of a deploycheck.toml)",
        ],
    ),
    "deployment": (
        ["--deployment-version", "", "--deployment-started-at", "yesterday"],
        [
            "ERROR: deploycheck: 2 mistakes in the configuration",
            "  option --deployment-version: deployment.version: is empty (expected a value, or no such option)",
            (
                '  option --deployment-started-at: deployment.started_at: "yesterday" is not a time (expected a time '
                "with its offset, such as 2026-01-21T14:00:00Z, or Unix seconds)"
            ),
        ],
    ),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_mistakes_in_options(run: Callable[..., Ran], pytester: pytest.Pytester, server: Server, kind: str) -> None:
    arguments, told = REFUSED[kind]
    (pytester.path / "deploycheck.toml").write_text(FILE.format(url=server.url))
    assert_refused(run(*arguments, test_it=CHECK), told)
    assert server.requests == []


def test_a_mistake_in_a_variable(
    run: Callable[..., Ran], pytester: pytest.Pytester, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEPLOYCHECK_ENV", "prodd")
    (pytester.path / "deploycheck.toml").write_text(FILE.format(url=server.url))
    problem = 'unknown environment "prodd"; did you mean "prod"? (expected "prod" or "staging")'
    told = [
        "ERROR: deploycheck: 1 mistake in the configuration",
        f"  environment variable DEPLOYCHECK_ENV: environment: {problem}",
    ]
    assert_refused(run(test_it=CHECK), told)


@pytest.mark.parametrize(
    ("broken", "arguments", "reports"),
    [
        ('environments.prod.prometheus.x = 1\nreports = "out"\n', [], "out"),
        ("environments.prod.prometheus = [\n", [], "reports"),
        ("reports = 5\n", ["-n", "2"], "reports"),
        ("x = 1\n", ["--deploycheck-reports", "other"], "other"),
        ("", ["--deploycheck-config", "gone.toml"], "reports"),
    ],
)
def test_a_run_that_cannot_begin_does_not_leave_the_verdict_of_an_older_one_to_be_read(
    run: Callable[..., Ran], pytester: pytest.Pytester, broken: str, arguments: list[str], reports: str
) -> None:
    older = pytester.path / reports / "20260101T000000Z-aaaaaa"
    older.mkdir(parents=True)
    (older / "signoff.json").write_text('{"verdict": "GO"}')
    latest = older.parent / "latest"
    latest.symlink_to(older.name)
    (pytester.path / "deploycheck.toml").write_text(broken)
    ran = run(*arguments, test_it=CHECK)
    assert ran.code == 4
    assert f"  {latest} named an older run and was removed: this run has no verdict" in ran.text.splitlines()
    assert not latest.is_symlink()
    assert (older / "signoff.json").is_file(), "the run itself is kept"


PRECEDENCE: dict[str, tuple[list[str], dict[str, str], tuple[str, str, str], str]] = {
    "file": ([], {}, ("prod", "1.0", "CHG-1"), "deploycheck.toml:4"),
    "its environment": (["--deploycheck-env=staging"], {}, ("staging", "2.0", "CHG-1"), "deploycheck.toml:12"),
    "variables": (
        [],
        {"DEPLOYCHECK_ENV": "staging", "DEPLOYMENT_VERSION": "3.0"},
        ("staging", "3.0", "CHG-1"),
        "environment variable DEPLOYMENT_VERSION",
    ),
    "empty variables": (
        [],
        {"DEPLOYCHECK_ENV": "", "DEPLOYMENT_VERSION": " "},
        ("prod", "1.0", "CHG-1"),
        "deploycheck.toml:4",
    ),
    "options": (
        ["--deploycheck-env=prod", "--deployment-version=4.0", "--deployment-change-ticket=CHG-4"],
        {"DEPLOYCHECK_ENV": "staging", "DEPLOYMENT_VERSION": "3.0"},
        ("prod", "4.0", "CHG-4"),
        "",
    ),
}


@pytest.mark.parametrize("kind", PRECEDENCE)
def test_what_holds(
    run: Callable[..., Ran],
    command: Command,
    pytester: pytest.Pytester,
    monkeypatch: pytest.MonkeyPatch,
    server: Server,
    kind: str,
) -> None:
    """An option over a variable over the environment's table over the file's; the command agrees with pytest."""
    arguments, variables, (environment, version, ticket), origin = PRECEDENCE[kind]
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PROM_TOKEN", "s3cr3t-t0ken-9f8e")
    (pytester.path / "deploycheck.toml").write_text(FILE.format(url=server.url))
    check = f"""
        {CHECK.strip()}

        def test_deployment(prometheus, deployment):
            assert prometheus("up") == 1
            assert (deployment.version, deployment.change_ticket) == ({version!r}, {ticket!r})
    """
    ran = run(*arguments, test_it=check)
    assert (ran.code, ran.record["verdict"]) == (0, "GO"), ran.text
    assert ran.record["environment"] == environment
    deployed = ran.record["deployment"]
    assert (deployed["version"], deployed["change_ticket"]) == (version, ticket)
    assert (server.header("Authorization") is None) == (environment == "prod")
    if not origin:  # the command has no such options
        return
    chosen = [argument.replace("--deploycheck-env", "--env") for argument in arguments]
    printed = command("config", *chosen)
    assert (printed.ret, printed.errlines) == (0, [])
    assert printed.outlines[:2] == [f"# file: {pytester.path}/deploycheck.toml", f"# environment: {environment}"]
    assert f'deployment.version = "{version}"   # {origin}' in printed.outlines
    found = json.loads(command("config", "--json", *chosen).stdout.str())
    assert found["settings"]["deployment.version"] == {"value": version, "origin": origin}
    secret = [line for line in printed.outlines if "bearer" in line]
    assert secret == (
        []
        if environment == "prod"
        else [
            'environment.prometheus.auth.bearer = { env = "PROM_TOKEN" } (set, 17 characters)   # deploycheck.toml:10'
        ]
    )
    assert "s3cr3t" not in printed.stdout.str() + json.dumps(found)


def test_the_schema_knows_the_file(command: Command, pytester: pytest.Pytester) -> None:
    import tomllib

    printed = command("schema", "--output", "schema.json")
    assert (printed.ret, printed.outlines, printed.errlines) == (0, [], [])
    schema = json.loads((pytester.path / "schema.json").read_text())
    assert schema == json.loads(command("schema").stdout.str())
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    assert list(validator.iter_errors(tomllib.loads(FILE.format(url="http://h")))) == []
    for kind in ("values", "secrets by value"):
        assert list(validator.iter_errors(tomllib.loads(MISTAKEN[kind][0])))


def assert_refused(ran: Ran, told: list[str]) -> None:
    """Assert that the run is a usage error that says exactly this, and that nothing of it is left."""
    assert ran.code == 4, ran.text
    assert [line for line in ran.result.errlines if line] == [*told, NEXT]
    assert "no tests ran" in ran.text or not ran.result.outlines
    assert not (ran.directory / "reports").exists()
    for word in ("Traceback", "INTERNALERROR", "hunter22", "pytest_deploycheck/"):
        assert word not in ran.text
