"""The commands that repeat a run carry what said what was verified."""

from __future__ import annotations

from pytest_deploycheck.report.reproduce import part, whole

RUNNER = {
    "directory": "/srv/my app",
    "command": [
        *("pytest", "suites/post_deploy", "-m", "blocker", "--deploycheck-env", "prod", "--deploycheck-target=eu"),
        *("-n", "2", "--deploycheck-strict", "--deployment-version", "1.4 rc", "--deploycheck-scope", "smoke"),
    ],
    "variables": {"DEPLOYCHECK_CONFIG": "my config.toml", "DEPLOYMENT_FINISHED_AT": "1795261440"},
}
VARIABLES = "DEPLOYCHECK_CONFIG='my config.toml' DEPLOYMENT_FINISHED_AT=1795261440"


def test_the_whole_run() -> None:
    directory, command = whole(RUNNER)
    assert directory == "cd '/srv/my app'"
    assert command == (
        f"{VARIABLES} pytest suites/post_deploy -m blocker --deploycheck-env prod --deploycheck-target=eu -n 2 "
        "--deploycheck-strict --deployment-version '1.4 rc' --deploycheck-scope smoke"
    )
    assert whole({"directory": "", "command": ["pytest"], "variables": {}}) == ["pytest"]


def test_a_part_verifies_the_same_thing() -> None:
    assert part(RUNNER, ["t.py::test_a[eu-x y]"]) == (
        f"{VARIABLES} pytest --deploycheck-env prod --deploycheck-target=eu --deploycheck-strict "
        "--deployment-version '1.4 rc' 't.py::test_a[eu-x y]'"
    )
