"""Records of runs, made as the session makes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pytest_deploycheck.gate.decide import decide
from pytest_deploycheck.model.decision import Waiver, Waivers
from pytest_deploycheck.model.declaration import CheckResult, Declaration, Tier
from pytest_deploycheck.model.outcome import Level, Outcome
from pytest_deploycheck.model.run import (
    DeploymentRecord,
    EvidenceFile,
    RunFacts,
    RunnerRecord,
    RunRecord,
    SystemRecord,
)
from pytest_deploycheck.signoff.record import build

if TYPE_CHECKING:
    from collections.abc import Callable

START = 1_795_261_500.0  # 2026-11-21T11:45:00Z
BAD = "suites/post_deploy/test_slo.py::test_p95[a|b `c`]"
REFUSED = "suites/post_deploy/test_slo.py::test_refused"
WARNED = "suites/post_deploy/test_slo.py::test_warned"
GOOD = "suites/post_deploy/test_smoke.py::test_health[mcp]"
WAIVED = "suites/post_deploy/test_slo.py::test_known"


def _result(nodeid: str, outcome: Outcome, summary: str = "", text: str = "") -> CheckResult:
    return CheckResult(
        nodeid=nodeid,
        outcome=outcome,
        summary=summary,
        text=text,
        started=START + 1,
        duration=0.25,
        evidence=("aaaaaaaaaaaa",),
    )


RESULTS = {
    it.nodeid: it
    for it in (
        _result(
            BAD,
            Outcome.FAILED,
            "up: 1 | 3 is <b>0</b>; expected every *series* == 1",
            "asked: up\nnext: http://x/graph",
        ),
        _result(REFUSED, Outcome.ERROR, "connection refused"),
        _result(WARNED, Outcome.INCONCLUSIVE, "no data"),
        _result(GOOD, Outcome.PASSED),
        _result(WAIVED, Outcome.FAILED, "slow"),
    )
}


@pytest.fixture
def make_record() -> Callable[..., dict[str, Any]]:
    """Return a function that makes a record of the named checks."""

    def make(*nodeids: str, **more: Any) -> dict[str, Any]:
        chosen = nodeids or tuple(RESULTS)
        facts = RunFacts(
            expected=tuple(
                Declaration(
                    nodeid=it,
                    level=Level.WARNING if it == WARNED else Level.BLOCKER,
                    categories=("smoke",),
                    owner="team|sre",
                    runbook="https://runbooks/x" if it == REFUSED else "",
                    tier=Tier(kind="immediate"),
                    requirement="SM1",
                )
                for it in chosen
            ),
            selected=frozenset(chosen),
            results={it: RESULTS[it] for it in chosen if it in RESULTS},
            **more,
        )
        waivers = Waivers(
            entries=(
                Waiver(
                    check=WAIVED,
                    reason="known",
                    owner="db",
                    ticket="CHG-7",
                    expires=START + 3600,
                    expires_text="2026-11-21",
                    where="waivers.toml:1",
                ),
            )
        )
        run = RunRecord(
            run_id="20261121T114500Z-3fa9c1",
            started=START,
            finished=START + 12,
            facts=facts,
            environment="production",
            deployment=DeploymentRecord(version="1.4.2", change_ticket="CHG-9", finished_at=START - 60),
            runner=RunnerRecord(
                host="ci-1",
                user="ci",
                python="3.11.2",
                platform="Linux",
                directory="/srv/my app",
                command=("pytest", "suites/post_deploy", "-m", "blocker or warning"),
                plugins={"pytest": "9.2.0"},
            ),
            systems=(
                SystemRecord(name="prometheus", url="http://127.0.0.1:9090", version="2.42.0", clock_skew=0.0124),
            ),
            evidence=(
                EvidenceFile(name="evidence/observations.jsonl", sha256="0" * 64, size=12),
                EvidenceFile(name=f"evidence/bodies/{'1' * 64}", sha256="1" * 64, size=3),
            ),
            observations=5,
        )
        return build(run, decide(facts, waivers if WAIVED in chosen else Waivers(), clock_now=START + 12))

    return make
