"""The record: valid by its schema, complete, and bound by its digest."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import jsonschema
import pytest
from msgspec.structs import replace

from pytest_deploycheck.gate.decide import decide
from pytest_deploycheck.model.decision import Waiver, Waivers
from pytest_deploycheck.model.outcome import Verdict
from pytest_deploycheck.model.run import RunFacts, RunRecord
from pytest_deploycheck.signoff.record import SCHEMA_FILE, build, canonical, digest, incomplete

NOW = 1_795_261_590.5


def valid(record: dict[str, Any]) -> dict[str, Any]:
    """Return the record as read back from JSON, having been checked against the schema."""
    schema = json.loads(SCHEMA_FILE.read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    read: dict[str, Any] = json.loads(json.dumps(record, allow_nan=False))
    jsonschema.Draft202012Validator(schema).validate(read)
    return read


def waivers(*checks: str) -> Waivers:
    return Waivers(
        entries=tuple(
            Waiver(check=it, reason="known", owner="sre", ticket="CHG-7", expires=NOW + 1, expires_text="2026-11-21")
            for it in checks
        )
    )


def test_a_whole_record(run: RunRecord) -> None:
    record = valid(build(run, decide(run.facts, Waivers(), clock_now=NOW)))
    bad = record["checks"][1]
    assert bad == {
        "nodeid": "t.py::bad",
        "collected": True,
        "level": "blocker",
        "declared": True,
        "categories": [],
        "owner": "sre",
        "runbook": "",
        "ticket": "",
        "reason": "",
        "tier": 'after("1800s")',
        "requirement": "",
        "location": "",
        "within_seconds": None,
        "sustained_seconds": None,
        "targets": [],
        "selected": True,
        "waived": False,
        "result": {
            "outcome": "failed",
            "summary": "0.5 is not < 0.01",
            "text": "asked: x\nnext: look there",
            "phase": "call",
            "started": {"utc": "2026-11-21T11:46:01.000Z", "unix": 1_795_261_561.0},
            "duration_seconds": None,
            "attempts": 1,
            "flaky": False,
            "wait": [],
            "evidence": ["aaaaaaaaaaaa"],
            "worker": "gw1",
            "measures": [{"name": "highest value", "value": 0.5, "unit": "ratio", "of": "x"}],
        },
    }
    assert [check["nodeid"] for check in record["checks"]] == ["t.py::good", "t.py::bad", "t.py::off", "t.py::gone"]
    assert (record["checks"][3]["collected"], record["checks"][3]["result"]) == (False, None)
    del record["checks"], record["digest"]
    assert record == {
        "schema": "deploycheck/signoff/v1",
        "run_id": "20261121T114500Z-3fa9c1",
        "complete": True,
        "started": {"utc": "2026-11-21T11:45:00.000Z", "unix": 1_795_261_500.0},
        "finished": {"utc": "2026-11-21T11:46:30.500Z", "unix": 1_795_261_590.5},
        "verdict": "NO-GO",
        "verdict_line": "NO-GO",
        "why": "1 blocker failed: t.py::bad",
        "exit_code": 1,
        "scope": None,
        "strict": False,
        "recommendation": {
            "action": "HOLD",
            "reasons": ['t.py::bad: its tier is after("1800s"): roll back if it still fails at 2026-11-21T12:14:00Z'],
        },
        "reasons": [
            {"nodeid": "t.py::bad", "outcome": "failed", "text": "0.5 is not < 0.01", "waived": False},
            {"nodeid": "t.py::gone", "outcome": "not run", "text": "lost: gw0 was killed", "waived": False},
        ],
        "warned": [],
        "coverage": {
            "expected": 3,
            "out_of_scope": 0,
            "ran": 2,
            "passed": 1,
            "waived": 0,
            "text": "1 of 3 blockers passed",
        },
        "counts": {
            "blocker": {"passed": 1, "failed": 1, "inconclusive": 0, "error": 0, "not run": 1},
            "warning": {"passed": 0, "failed": 0, "inconclusive": 0, "error": 0, "not run": 1},
        },
        "environment": "production",
        "targets": [],
        "deployment": {
            "version": "1.4.2",
            "image_digest": "sha256:00",
            "change_ticket": "CHG-9",
            "started": {"utc": "2026-11-21T11:40:00.000Z", "unix": 1_795_261_200.0},
            "finished": {"utc": "2026-11-21T11:44:00.000Z", "unix": 1_795_261_440.0},
        },
        "runner": {
            "host": "ci-1",
            "user": "ci",
            "python": "3.11.2",
            "platform": "Linux x86_64",
            "directory": "/srv/app",
            "command": ["pytest", "suites/post_deploy", "-m", "blocker", "--x=\\udcff"],
            "variables": {"DEPLOYCHECK_ENV": "production"},
            "plugins": {"pytest": "9.2.0", "pytest-deploycheck": "0.1.0"},
            "workers": 2,
        },
        "systems": [
            {
                "name": "prometheus",
                "url": "http://127.0.0.1:9090",
                "version": "2.42.0",
                "clock_skew_seconds": 0.012,
                "notes": [],
            },
            {
                "name": "alertmanager",
                "url": "http://127.0.0.1:9093",
                "version": "",
                "clock_skew_seconds": None,
                "notes": [],
            },
        ],
        "waivers": [],
        "deselected": [{"nodeid": "t.py::off", "level": "warning", "by": '-m "blocker"', "out_of_scope": False}],
        "collection": {
            "errors": [],
            "narrowed": [],
            "interrupted": "",
            "lost": [{"nodeid": "t.py::gone", "why": "gw0 was killed"}],
        },
        "others_failed": 0,
        "checkpoints": None,
        "notes": [
            "1 warning check deselected",
            "reported without having been collected, counted as blockers: t.py::gone",
            "evidence of gw0 was not received",
        ],
        "timeline": [
            {"minute": "2026-11-21T11:45Z", "checks": [{"nodeid": "t.py::good", "outcome": "passed"}]},
            {"minute": "2026-11-21T11:46Z", "checks": [{"nodeid": "t.py::bad", "outcome": "failed"}]},
        ],
        "evidence": {
            "observations": 1,
            "files": [{"name": "evidence/observations.jsonl", "sha256": "0" * 64, "size": 12}],
        },
    }


def test_a_waived_check_keeps_its_result(run: RunRecord) -> None:
    facts = replace(run.facts, lost=())
    decision = decide(facts, waivers("t.py::bad"), clock_now=NOW)
    record = valid(build(replace(run, facts=facts), decision))
    assert record["verdict"] == "GO"
    assert (record["checks"][1]["waived"], record["checks"][1]["result"]["outcome"]) == (True, "failed")
    assert record["waivers"] == [
        {
            "check": "t.py::bad",
            "reason": "known",
            "owner": "sre",
            "ticket": "CHG-7",
            "expires": {"utc": "2026-11-21T11:46:31.500Z", "unix": NOW + 1},
            "where": "",
            "state": "applied",
            "text": "t.py::bad is failed and waived until 2026-11-21T11:46:31Z by sre, CHG-7: known",
        }
    ]


def test_the_record_of_an_unfinished_run_says_hold(run: RunRecord) -> None:
    record = valid(incomplete(replace(run, finished=None)))
    assert (record["complete"], record["verdict"], record["exit_code"], record["finished"]) == (False, "HOLD", 6, None)
    assert record["why"] == "the run has not finished: it is running or was killed"
    assert record["coverage"]["text"] == "0 of 2 blockers passed"
    assert valid(incomplete(RunRecord(run_id=run.run_id, started=run.started)))["verdict"] == "HOLD"


def test_a_run_that_collected_nothing(run: RunRecord) -> None:
    facts = RunFacts(signoff_asked=True)
    record = valid(build(replace(run, facts=facts), decide(facts, Waivers(), clock_now=NOW)))
    assert record["why"] == "no blocker failed, but nothing was collected, although a sign-off was asked for"
    assert record["checks"] == record["timeline"] == []


def test_the_digest_covers_every_value_and_survives_a_round_trip(run: RunRecord) -> None:
    record = build(run, decide(run.facts, Waivers(), clock_now=NOW))
    read = json.loads(json.dumps(record, indent=2))
    assert read["digest"] == digest(read) == f"sha256:{hashlib.sha256(canonical(read)).hexdigest()}"
    for key in read:
        if key != "digest":
            changed = {**read, key: "changed"}
            assert digest(changed) != read["digest"], key


@pytest.mark.parametrize(
    "lie",
    [
        {"verdict": "GO", "verdict_line": "GO", "exit_code": 0},  # an unwaived reason stands in it
        {"exit_code": 0},
        {"complete": False},
        {"extra": 1},
        {"schema": "deploycheck/signoff/v2"},
    ],
)
def test_the_schema_refuses_contradictions(run: RunRecord, lie: dict[str, Any]) -> None:
    record = build(run, decide(run.facts, Waivers(), clock_now=NOW))
    assert record["verdict"] == Verdict.NO_GO
    with pytest.raises(jsonschema.ValidationError):
        valid({**record, **lie})
