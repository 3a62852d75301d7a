"""What the report says to run again is the same run, in an environment that has none of the variables."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

from tests.servers.bad_servers import answering, json_answer
from tests.servers.prometheus_answers import vector

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

    from tests.e2e.conftest import Ran

TEST = """
    import pytest

    @pytest.mark.within("50ms", since="start")
    def test_up(prometheus):
        assert prometheus("up") == 1

    @pytest.mark.sustained("10ms", since="start", every="5ms")
    def test_reached(prometheus):
        assert prometheus.wire.request("GET", "/").status == 200
"""


def again(ran: Ran, command: str) -> dict[str, object]:
    """Run a command of the report in a shell without the variables, and return the record it leaves."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("DEPLOY", "PYTEST_"))}
    shell = command.replace(" pytest ", f" {sys.executable} -m pytest -p no:cacheprovider ", 1)
    subprocess.run(["sh", "-c", shell], cwd=ran.directory, env=environ, check=False, capture_output=True)
    found: dict[str, object] = json.loads((ran.directory / "reports" / "latest" / "signoff.json").read_text())
    return found


def test_the_reports_commands_verify_the_same(
    run: Callable[..., Ran], pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    with answering(json_answer(vector({"metric": {"__name__": "up"}, "value": [1795252172.589, "0"]}))) as server:
        text = "".join(
            f'[environments.{name}.targets.{target}.prometheus]\nurl = "{server.url}"\n'
            for name in ("prod", "staging")
            for target in ("eu", "apac")
        )
        (pytester.path / "my config.toml").write_text(text)
        monkeypatch.setenv("DEPLOYCHECK_CONFIG", "my config.toml")
        monkeypatch.setenv("DEPLOYCHECK_ENV", "staging")
        monkeypatch.setenv("DEPLOYCHECK_TARGET", "apac")
        monkeypatch.setenv("DEPLOYMENT_CHANGE_TICKET", "")
        monkeypatch.setenv("PYTEST_ADDOPTS", "--deploycheck-reports=reports --tb=short")
        ran = run("--deployment-version", "1.4 rc", test_own=TEST)
        line = "NO-GO for target apac (not looked at: eu with 2 blockers)"
        assert ran.record["verdict_line"] == line, ran.text
        assert ran.record["runner"]["variables"] == {
            "DEPLOYCHECK_CONFIG": "my config.toml",
            "DEPLOYCHECK_ENV": "staging",
            "DEPLOYCHECK_TARGET": "apac",
            "PYTEST_ADDOPTS": "--deploycheck-reports=reports --tb=short",
        }
        bounds = {it["nodeid"]: (it["within_seconds"], it["sustained_seconds"]) for it in ran.record["checks"]}
        assert bounds["test_own.py::test_up[apac]"] == (0.05, None)
        assert bounds["test_own.py::test_reached[apac]"] == (None, 0.01)
        report = (ran.directory / "reports" / "latest" / "signoff.md").read_text()
        assert "<br>within 50ms<br>" in report
        whole, part = re.findall(r"(?m)^DEPLOYCHECK_CONFIG=.*$", report)
        repeated = again(ran, " " + whole)
        assert (repeated["run_id"] != ran.record["run_id"], repeated["verdict_line"]) == (True, line)
        assert repeated["deployment"] == ran.record["deployment"]
        one = again(ran, " " + part)
        assert one["deployment"] == ran.record["deployment"]
        assert one["verdict_line"] == "NO-GO for target apac (not looked at: eu)"
