"""The shipped suite against a served Grafana: GO when it is sound, and what it writes only where it may."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from pytest_deploycheck.sandbox.grafana_api import GrafanaApi
from pytest_deploycheck.sandbox.grafana_demo import TOKEN, demo_grafana
from pytest_deploycheck.sandbox.grafana_faults import GRAFANA_FAULTS
from tests.e2e.shipped_suites import ROOT, Verified
from tests.servers.fixed_grafana import listening
from tests.servers.grafana_faces import prometheus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pytest_deploycheck.sandbox.grafana_state import Grafana
    from tests.e2e.conftest import Ran

# the stand-in's threads drop their connections when they end
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")

CONFIGURATION = """
[environments.demo.grafana]
url = "URL"
auth = { bearer = { env = "GRAFANA_TOKEN" } }
org_id = 1
retries = { attempts = 1 }

[deployment]
version = "1.4.2"
change_ticket = "CHG-7"

[[datasources]]
name = "Prometheus"
type = "prometheus"

[[dashboards]]
uid = "mcp-overview"
title = "MCP overview"
folder = "MCP"
min_panels = 10
provisioned = true
file = "overview.json"
variables = { job = "mcp" }
export = true

[[dashboards]]
uid = "mcp-journal"

[[dashboards]]
uid = "mcp-vectors"
may_be_empty = ["Bytes"]

[[grafana_rules]]
name = "Heartbeat is old"
folder = "MCP"

[annotation]
tags = ["deployment", "mcp"]
"""


@contextmanager
def serving(directory: Path, break_it: Callable[[Grafana], object] = lambda _: None) -> Iterator[Grafana]:
    with listening(prometheus) as source:
        demo = demo_grafana(source)
        overview = demo.dashboard("mcp-overview")
        assert overview is not None
        (directory / "overview.json").write_text(json.dumps(overview.spec))
        break_it(demo)
        with listening(GrafanaApi(demo).answer) as url:
            (directory / "deploycheck.toml").write_text(CONFIGURATION.replace("URL", url))
            yield demo


def verify(directory: Path, *arguments: str, token: str = TOKEN) -> Verified:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(
        [
            sys.executable, "-m", "pytest", "suites/post_deploy/test_grafana.py", "-p", "no:cacheprovider",
            "--deploycheck-signoff", "--deploycheck-reports", str(directory / "reports"), *arguments,
        ],
        cwd=ROOT,
        env={**environ, "DEPLOYCHECK_CONFIG": str(directory / "deploycheck.toml"), "GRAFANA_TOKEN": token},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )  # fmt: skip
    latest = directory / "reports" / "latest" / "signoff.json"
    assert latest.is_file(), done.stdout + done.stderr
    return Verified(done.returncode, done.stdout + done.stderr, json.loads(latest.read_text()))


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_a_sound_grafana_is_go(tmp_path: Path, workers: tuple[str, ...]) -> None:
    with serving(tmp_path) as demo:
        verified = verify(tmp_path, "--deploycheck-allow-writes=grafana", *workers)
        assert verified.verdict == ("GO", 0), verified.text
        assert verified.red == []
        rows = sorted({check["requirement"] for check in verified.record["checks"]})
        assert rows == ["AL1", "DB1", "DB2", "DB3", "DB4", "DB5", "SM5"]
        assert [one["text"] for one in demo.annotations] == ["deployed 1.4.2 (CHG-7)"]
        assert TOKEN not in verified.text
        # what the panels showed is evidence, as CSV and as the dashboard's JSON
        evidence = "".join(path.read_text() for path in (tmp_path / "reports" / "latest").rglob("*.jsonl"))
        assert "record:grafana/mcp-overview.json" in evidence
        assert "record:grafana/mcp-overview-2-Requests.csv" in evidence
        assert TOKEN not in evidence
        (seen,) = [one for one in verified.record["systems"] if one["name"] == "grafana"]
        assert seen["version"] == demo.version or workers


def test_without_the_runs_consent_nothing_is_written(tmp_path: Path) -> None:
    with serving(tmp_path) as demo:
        verified = verify(tmp_path)
        assert verified.verdict == ("GO", 0), verified.text  # marking the deployment is a warning
        assert [check["requirement"] for check in verified.red] == ["DB5"]
        assert "nothing was sent" in verified.told()
        assert demo.annotations == []


def test_a_fault_is_no_go(tmp_path: Path) -> None:
    with serving(tmp_path, GRAFANA_FAULTS["panel-without-data"]):
        verified = verify(tmp_path, "-m", "blocker")
        assert verified.verdict == ("NO-GO", 1), verified.text
        (told,) = (line for line in verified.told().splitlines() if "not run" not in line)
        assert told == (
            "DB3 test_panels_show_data[mcp-journal]: failed: panels of mcp-journal over 900 s: 1 of 3 panels is empty "
            "(Tool calls: no data); expected every panel shows data"
        )
        assert "next:     dashboard: http://127.0.0.1:" in verified.text


def test_a_refused_token_is_hold(tmp_path: Path) -> None:
    with serving(tmp_path):
        verified = verify(tmp_path, "-m", "blocker", token="glsa_wrong")  # noqa: S106 - of a test
        assert verified.verdict == ("HOLD", 6), verified.text
        assert {(check["result"] or {}).get("outcome") for check in verified.red} == {"error", None}
        assert "401, the bearer token from environment variable GRAFANA_TOKEN was not accepted" in verified.told()
        assert "glsa_wrong" not in verified.text


def test_a_run_that_asks_others_does_not_import_it(run: Callable[..., Ran]) -> None:
    done = run(
        test_prometheus_only="""
        import sys

        def test_it(prometheus, deploycheck):
            deploycheck.record("seen", 1)
            rooms = ("pytest_deploycheck.clients.grafana", "pytest_deploycheck.face.grafana", "grafana_client")
            assert [name for name in sys.modules if name.startswith(rooms)] == []
        """,
        conftest="""
        import pathlib
        pathlib.Path("deploycheck.toml").write_text(
            '[environments.p.prometheus]\\nurl = "http://127.0.0.1:1"\\n[environments.p.grafana]\\nurl = "http://127.0.0.1:1"\\n'
        )
        """,
    )
    assert done.code == 0, done.text
