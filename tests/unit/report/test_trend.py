from __future__ import annotations

import pytest

from pytest_deploycheck.gate.checkpoints import missed_one, parse_offset
from pytest_deploycheck.model.checkpoint import Checkpoint, SeenCheck
from pytest_deploycheck.model.measure import Measure
from pytest_deploycheck.model.outcome import Level, Outcome, Verdict
from pytest_deploycheck.report.trend import checkpoint_rows, shown, trend_rows
from pytest_deploycheck.signoff.checkpoints import section

FINISH = 1_800_000_000.0


def checkpoint(label: str, outcome: Outcome, value: float, late: float = 0.0) -> Checkpoint:
    planned = parse_offset(label)
    return Checkpoint(
        label=label,
        offset=planned.offset,
        state="done",
        verdict=Verdict.GO if outcome is Outcome.PASSED else Verdict.NO_GO,
        why="why",
        began=FINISH + planned.offset + late,
        finished=FINISH + planned.offset + late + 2,
        run_id="20270115T080000Z-000000",
        report=f"reports/{label}",
        checks=(
            SeenCheck(
                nodeid="t::slo",
                level=Level.BLOCKER,
                outcome=outcome,
                measures=(Measure(name="highest value", value=value, unit="s"),),
            ),
            SeenCheck(nodeid="t::up", level=Level.WARNING, outcome=Outcome.INCONCLUSIVE),
        ),
    )


def test_the_tables_of_an_observation() -> None:
    found = section(
        [
            checkpoint("+1h", Outcome.FAILED, 0.4, late=720),
            checkpoint("+15m", Outcome.PASSED, 0.2),
            missed_one(parse_offset("+30m"), 4320.0),
        ],
        finish=FINISH,
        current="+1h",
        following=parse_offset("+12h"),
    )
    assert checkpoint_rows(found) == (
        ["checkpoint", "planned", "began", "verdict", "why", "report"],
        [
            ["+15m", "2027-01-15T08:15:00.000Z", "2027-01-15T08:15:00.000Z", "GO", "why", "reports/+15m"],
            [
                "+30m",
                "2027-01-15T08:30:00.000Z",
                "-",
                "HOLD (missed)",
                "nothing was measured at +30m: the first run after it came at +1h12m",
                "",
            ],
            [
                "+1h (this one)",
                "2027-01-15T09:00:00.000Z",
                "2027-01-15T09:12:00.000Z, 720 s late",
                "NO-GO",
                "why",
                "reports/+1h",
            ],
        ],
    )
    assert trend_rows(found) == (
        ["check", "measured", "+15m", "+30m", "+1h", "since the first", "since the one before"],
        [
            ["t::slo", "highest value", "P 200 ms", "missed", "F 400 ms", "+200 ms (+100 %)", "+200 ms (+100 %)"],
            ["t::up", "", "I", "missed", "I", "-", "-"],
        ],
    )
    assert (found["verdict"], found["why"], found["next"]["planned"]["utc"]) == (
        "NO-GO",
        "NO-GO at +1h: why",
        "2027-01-15T20:00:00.000Z",
    )


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.0, "s", "0 s"),
        (0.048, "s", "48 ms"),
        (61.5, "s", "61.5 s"),
        (0.9996, "s", "0.9996 s"),
        (3.0 * 1024**2, "B", "3 MiB"),
        (12.0, "B", "12 B"),
        (0.0123, "ratio", "0.0123"),
        (12_345_678.0, "", "12,345,678"),
        (2.0, "pods", "2 pods"),
        (float("inf"), "s", "inf"),
    ],
)
def test_values_read_as_people_read_them(value: float, unit: str, text: str) -> None:
    assert shown(value, unit) == text
