"""The public API as a user's type checker sees it: `mypy --strict` on files that annotate as the documents say."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from tests.docs.blocks import blocks

if TYPE_CHECKING:
    from pathlib import Path

HEAD = """\
from pytest_deploycheck.markers import after
from pytest_deploycheck.suite import (
    Alertmanager, Deploycheck, Deployment, Grafana, Health, MetricCheck, Prometheus, SloCheck,
)
"""
GOOD = """
def test_prometheus(prometheus: Prometheus, entry: MetricCheck, slo: SloCheck) -> None:
    number: float = prometheus("up").value()
    assert number == 1
    assert prometheus("up") == 1
    assert 0 <= prometheus("up") <= 1
    assert prometheus(slo.expr).keeps(*slo.bounds(), series=slo.series)
    assert prometheus.range("up", "10m", step="15s") >= 1
    assert prometheus.fresh(entry.metric, max_age=entry.max_age, series=entry.series, moving=entry.moving)
    assert prometheus.targets(job="app").up(count=2)
    assert prometheus.alerts(state="firing").none()
    with prometheus.mark("x_total") as before:
        pass
    assert prometheus.increase(since=before) >= 1
    jobs: list[str] = [target.job for target in prometheus.targets()]
    assert jobs


def test_grafana(grafana: Grafana) -> None:
    overview = grafana.dashboard(title="Overview", folder="Ops")
    assert overview.exists(panels=3, provisioned=True)
    panels = overview.run(window="5m", variables={"job": ["a", "b"]})
    titles: list[str] = [panel.title for panel in panels]
    assert titles
    assert panels.show_data(may_be_empty=["Errors", 7], max_age="2m")
    assert grafana.datasources.healthy("Prometheus")
    assert grafana.rules().none_firing()


def test_others(alertmanager: Alertmanager, health: Health, deployment: Deployment, deploycheck: Deploycheck) -> None:
    assert alertmanager.route({"severity": "page"}).reaches("pager")
    with alertmanager.synthetic_alert({"severity": "page"}) as alert:
        receivers: tuple[str, ...] = alert.receivers
    assert receivers
    status: int = health("app").get("/health").status
    assert status == 200
    version: str | None = deployment.version
    deploycheck.record("version", version)
    tier: str = after("30m")
    assert tier
"""


def mypy(path: Path, *sources: str) -> list[str]:
    """Return mypy's complaints about a user's files."""
    files = []
    for number, source in enumerate(sources):
        file = path / f"test_user_{number}.py"
        file.write_text(source, encoding="utf-8")
        files.append(file.name)
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "mypy",
            "--strict",
            "--no-error-summary",
            "--cache-dir",
            str(path.parent / "cache"),
            *files,
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        cwd=path,
    )
    assert done.returncode in (0, 1), done.stdout + done.stderr
    return done.stdout.splitlines()


def test_annotated_suites_are_accepted(tmp_path: Path) -> None:
    annotated = [block.text for block in blocks("python") if "pytest_deploycheck.suite" in block.text]
    assert annotated
    assert mypy(tmp_path, HEAD + GOOD, *annotated) == []


MISTAKES = {
    'prometheus.rnage("up", "10m")': '"Prometheus" has no attribute "rnage"; maybe "range"?  [attr-defined]',
    'prometheus("up").value() + "1"': 'Unsupported operand types for + ("float" and "str")  [operator]',
    'prometheus.targets(job="app").up(cuont=2)': 'Unexpected keyword argument "cuont" for "up" of "TargetsAnswer"',
    'prometheus.increase(since="x_total")': 'Argument "since" to "increase" of "Prometheus" has incompatible type',
}


def test_mistakes_are_found(tmp_path: Path) -> None:
    function = "def test_it(prometheus: Prometheus) -> None:\n    {}\n"
    found = mypy(tmp_path, *(HEAD + function.format(statement) for statement in MISTAKES))
    complaints = sorted(line for line in found if ": error: " in line)
    assert [line.partition(":")[0] for line in complaints] == [
        f"test_user_{number}.py" for number in range(len(MISTAKES))
    ]
    for line, complaint in zip(complaints, MISTAKES.values(), strict=True):
        assert complaint in line
