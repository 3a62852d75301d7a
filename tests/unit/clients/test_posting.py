from __future__ import annotations

import pytest

from pytest_deploycheck.clients.alertmanager.posting import NewAlert, require_open, require_sendable
from pytest_deploycheck.errors import AuthorMistake


def test_payload() -> None:
    alert = NewAlert(
        labels={"alertname": "A"},
        annotations={"summary": "s"},
        starts_at=1795252172.5,
        ends_at=1795252232.0,
        generator_url="http://g",
    )
    assert alert.payload() == {
        "labels": {"alertname": "A"},
        "annotations": {"summary": "s"},
        "startsAt": "2026-11-21T09:09:32.500Z",
        "endsAt": "2026-11-21T09:10:32.000Z",
        "generatorURL": "http://g",
    }
    assert NewAlert(labels={"alertname": "A"}).payload() == {"labels": {"alertname": "A"}, "annotations": {}}


@pytest.mark.parametrize(
    ("alert", "problem"),
    [
        (NewAlert(labels={}), "it has no alertname"),
        (NewAlert(labels={"alertname": ""}), "it has no alertname"),
        (NewAlert(labels={"alertname": "A", "bad-name": "x"}), "'bad-name' is no label name"),
        (NewAlert(labels={"alertname": "A", "team": ""}), "the label team has the value '', not a text"),
        (NewAlert(labels={"alertname": "A"}, starts_at=10.0, ends_at=9.0), "it ends before it starts"),
    ],
)
def test_what_cannot_be_sent(alert: NewAlert, problem: str) -> None:
    with pytest.raises(AuthorMistake) as caught:
        require_sendable(alert)
    assert str(caught.value) == (
        f"the alert cannot be sent: {problem}\n  at: labels {dict(alert.labels)}\n  next: mend the alert"
    )


def test_an_alert_that_is_over_is_refused() -> None:
    with pytest.raises(AuthorMistake) as caught:
        require_open(NewAlert(labels={"alertname": "A"}, ends_at=90.0), now=100.0)
    assert str(caught.value) == (
        "the alert cannot be sent: it ended 10 s ago: nobody would ever see it\n"
        "  at: labels {'alertname': 'A'}\n"
        "  next: mend the alert"
    )
    require_open(NewAlert(labels={"alertname": "A"}, ends_at=101.0), now=100.0)
    require_open(NewAlert(labels={"alertname": "A"}), now=100.0)
