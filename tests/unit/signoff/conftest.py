"""A run with one check of each kind, as the session would hand it over."""

from __future__ import annotations

import pytest

from pytest_deploycheck.model.declaration import CheckResult, Declaration, Tier
from pytest_deploycheck.model.measure import Measure
from pytest_deploycheck.model.outcome import Level, Outcome
from pytest_deploycheck.model.run import (
    DeploymentRecord,
    EvidenceFile,
    RunFacts,
    RunnerRecord,
    RunRecord,
    SystemRecord,
)

START = 1_795_261_500.0  # 2026-11-21T11:45:00Z


@pytest.fixture
def run() -> RunRecord:
    return RunRecord(
        run_id="20261121T114500Z-3fa9c1",
        started=START,
        finished=START + 90.5,
        facts=RunFacts(
            expected=(
                Declaration(nodeid="t.py::good", level=Level.BLOCKER, categories=("smoke",), requirement="SM1"),
                Declaration(
                    nodeid="t.py::bad", level=Level.BLOCKER, tier=Tier(kind="after", seconds=1800), owner="sre"
                ),
                Declaration(nodeid="t.py::off", level=Level.WARNING),
            ),
            selected=frozenset({"t.py::good", "t.py::bad"}),
            deselected_by={"t.py::off": '-m "blocker"'},
            results={
                "t.py::bad": CheckResult(
                    nodeid="t.py::bad",
                    outcome=Outcome.FAILED,
                    summary="0.5 is not < 0.01",
                    text="asked: x\nnext: look there",
                    started=START + 61,
                    duration=float("nan"),
                    evidence=("aaaaaaaaaaaa",),
                    worker="gw1",
                    measures=(Measure(name="highest value", value=0.5, unit="ratio", of="x"),),
                ),
                "t.py::good": CheckResult(
                    nodeid="t.py::good", outcome=Outcome.PASSED, started=START + 1, duration=0.25
                ),
            },
            lost=(("t.py::gone", "gw0 was killed"),),
            deployment_finished_at=START - 60,
        ),
        environment="production",
        deployment=DeploymentRecord(
            version="1.4.2",
            image_digest="sha256:00",
            change_ticket="CHG-9",
            started_at=START - 300,
            finished_at=START - 60,
        ),
        runner=RunnerRecord(
            host="ci-1",
            user="ci",
            python="3.11.2",
            platform="Linux x86_64",
            directory="/srv/app",
            command=("pytest", "suites/post_deploy", "-m", "blocker", "--x=\udcff"),
            variables={"DEPLOYCHECK_ENV": "production"},
            plugins={"pytest-deploycheck": "0.1.0", "pytest": "9.2.0"},
            workers=2,
        ),
        systems=(
            SystemRecord(name="prometheus", url="http://127.0.0.1:9090", version="2.42.0", clock_skew=0.012),
            SystemRecord(name="alertmanager", url="http://127.0.0.1:9093", clock_skew=float("nan")),
        ),
        evidence=(EvidenceFile(name="evidence/observations.jsonl", sha256="0" * 64, size=12),),
        observations=1,
        notes=("evidence of gw0 was not received",),
    )
