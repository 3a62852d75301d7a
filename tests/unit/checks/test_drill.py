"""Fire drills: how far they have come, and what stands in their way."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from pytest_deploycheck.checks.drill import drilled
from pytest_deploycheck.face.observers import statuses
from pytest_deploycheck.model.drill import DrillState
from pytest_deploycheck.model.outcome import Outcome

if TYPE_CHECKING:
    from pytest_deploycheck.checks.asked import Asked

PROBE = "0123456789ab"


def state(**changed: Any) -> DrillState:
    values: dict[str, Any] = {
        "receivers": (),
        "listed": False,
        "how": "by a listener on 127.0.0.1:9",
        "group_wait": 30.0,
        "elapsed": 32.0,
        "delivered_after": 31.0,
        "ended_for": 0.4,
    }
    return DrillState(**(values | changed))


def test_delivered_and_ended(asked: Asked) -> None:
    finding = drilled(state(), asked, receiver="pager", max_latency=60)
    assert finding.outcome is Outcome.PASSED
    assert finding.observed == "delivered to pager after 31 s, and ended; seen by a listener on 127.0.0.1:9"
    assert [measure.value for measure in finding.measures] == [31.0]
    finding = drilled(state(ended_after=2.0), asked, receiver="pager", max_latency=60, end_within=5)
    assert finding.observed == "delivered to pager after 31 s, its end after 2 s; seen by a listener on 127.0.0.1:9"
    assert finding.expected == "delivered to pager within 60 s, and told of its end within 5 s"


@pytest.mark.parametrize(
    ("changed", "observed"),
    [
        (
            {"delivered_after": None, "receivers": ("pager",), "listed": True, "ended_for": None},
            "not delivered 32 s after it was sent, its group waits 30 s (looked for by a listener on 127.0.0.1:9)",
        ),
        (
            {"delivered_after": None, "receivers": ("chat",), "listed": True, "group_wait": 0.0},
            (
                "routed to chat, not to pager; not delivered 32 s after it was sent "
                "(looked for by a listener on 127.0.0.1:9)"
            ),
        ),
        (
            {"receivers": ("pager",), "listed": True, "silenced_by": ("s1",), "inhibited_by": ("f1",)},
            "silenced by s1; inhibited by the alerts f1; still active 400 ms after it was ended",
        ),
        ({"problem": "requests of webhook fail: 2 since the alert was sent"}, None),
        ({"delivered_after": 61.0}, "delivered only after 61 s"),
        ({"ended_for": None}, "not ended yet"),
    ],
)
def test_what_is_wrong(asked: Asked, changed: dict[str, Any], observed: str | None) -> None:
    finding = drilled(state(**changed), asked, receiver="pager", max_latency=60)
    assert finding.outcome is Outcome.FAILED
    assert finding.observed == observed or changed["problem"]


@pytest.mark.parametrize(
    ("changed", "observed"),
    [
        ({"ended_for": 7.0}, "its end was not delivered 7 s after it"),
        ({"ended_after": 6.0}, "its end was delivered only after 6 s"),
    ],
)
def test_an_end_that_is_not_told(asked: Asked, changed: dict[str, Any], observed: str) -> None:
    finding = drilled(state(**changed), asked, receiver="pager", max_latency=60, end_within=5)
    assert (finding.outcome, finding.observed) == (Outcome.FAILED, observed)


def _alert(status: str, probe: str = PROBE) -> dict[str, Any]:
    return {"status": status, "labels": {"alertname": "X", "deploycheck_probe": probe}}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"status": "firing", "alerts": [_alert("firing")]}, {"firing"}),
        ({"pager": [{"alerts": [_alert("firing")]}, {"alerts": [_alert("resolved")]}]}, {"firing", "resolved"}),
        ({"status": "resolved", "alerts": [_alert("firing"), _alert("resolved", "another")]}, {"firing"}),
        ({"alerts": [_alert("firing", "another")]}, set()),
        ({"text": f"alert {PROBE} fires"}, {"firing"}),
    ],
)
def test_where_a_text_tells_of_the_drill(body: Any, expected: set[str]) -> None:
    assert statuses(json.dumps(body).encode(), PROBE) == expected


@pytest.mark.parametrize("body", [b"", b"\xff\xfe", b"{", b"[" * 5000])
def test_garbage_tells_of_nothing(body: bytes) -> None:
    assert statuses(body, PROBE) == set()
    assert statuses(body + PROBE.encode(), PROBE) == {"firing"}
