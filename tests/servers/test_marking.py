"""Marks: what increased since, and what only seems to have. The server answers as a real Prometheus 2.42 did."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest

from pytest_deploycheck.errors import NoData, NotEnoughData
from pytest_deploycheck.face.ledger import Ledger
from pytest_deploycheck.face.prometheus import Prometheus
from pytest_deploycheck.settings.models import Deployment
from tests.servers.bad_servers import Connection, answering, json_answer
from tests.servers.wired import wired

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

A = {"__name__": "x_total", "job": "mcp", "instance": "a:1"}
AT, LATER = 1000.0, 1010.0
SHOWN = 'x_total{instance="a:1", job="mcp"}'


@pytest.fixture
def increased() -> Iterator[Callable[..., float]]:
    """Return a function that marks, and asks for the increase of `x_total` at one target.

    It takes the raw samples since, and the value at the mark (None: not there), whether the target was well then, and
    the last value within the hour before (None: none).
    """
    said: dict[str, Any] = {}

    def answer(connection: Connection) -> None:
        query = parse_qs(urlsplit(connection.server.targets[-1].split()[1]).query)["query"][0]
        connection.send(json_answer({"status": "success", "data": said[query]}))

    def ask(*samples: float, mark: float | None, well: bool = True, past: float | None = None) -> float:
        def vector(labels: dict[str, str], value: float | None) -> dict[str, Any]:
            found = [] if value is None else [{"metric": labels, "value": [AT, f"{value:g}"]}]
            return {"resultType": "vector", "result": found}

        said["x_total"] = vector(A, mark)
        said["time()"] = {"resultType": "scalar", "result": [AT, str(AT)]}
        said["last_over_time(x_total[3600s])"] = vector(A, past)
        said["up == 1"] = vector({**A, "__name__": "up"}, 1.0 if well else None)
        before = prometheus.mark("x_total").now()
        values = [[AT + 1 + place, f"{value:g}"] for place, value in enumerate(samples)]
        early = [] if mark is None else [[AT - 0.5, f"{mark:g}"]]
        raw = [{"metric": A, "values": [*early, *values]}] if early or values else []
        said["x_total[12s]"] = {"resultType": "matrix", "result": raw}
        said["time()"] = {"resultType": "scalar", "result": [LATER, str(LATER)]}
        return prometheus.increase(since=before).value()

    with answering(answer) as server, wired(server.url) as w:
        prometheus = Prometheus(
            w.wire, clock=w.clock, ledger=Ledger(), observed=[], deployment=Deployment(), external_url=server.url
        )
        yield ask


def test_what_moved_since_the_mark(increased: Callable[..., float]) -> None:
    assert increased(7, 7, 9, mark=7) == 2
    assert increased(7, 7, mark=7) == 0


def test_a_series_that_its_target_did_not_expose_at_the_mark_began_at_zero(increased: Callable[..., float]) -> None:
    assert increased(1, 2, mark=None) == 2


def test_a_series_that_was_only_out_of_sight_at_the_mark_has_not_moved(increased: Callable[..., float]) -> None:
    assert increased(100, 100, mark=None, past=100) == 0
    assert increased(100, 103, mark=None, well=False, past=100) == 3


def test_no_sample_since(increased: Callable[..., float]) -> None:
    with pytest.raises(NoData, match="no sample since the mark"):
        increased(mark=7)


@pytest.mark.parametrize(
    ("samples", "seen", "why"),
    [
        ((3,), {"mark": 100}, "fell from 100 to 3: the counter was reset"),
        ((101, 101, 0, 1), {"mark": 100}, "fell from 101 to 0: the counter was reset"),
        ((3,), {"mark": None, "past": 100}, "fell from 100 to 3: the counter was reset"),
        ((500,), {"mark": None, "well": False}, "appeared with 500, from a target not scraped at the mark"),
    ],
    ids=["at once", "after it moved", "out of sight", "unknown past"],
)
def test_a_movement_that_nobody_saw_is_none(
    increased: Callable[..., float], samples: tuple[float, ...], seen: dict[str, Any], why: str
) -> None:
    """Neither a restart nor a target that comes back satisfies a check that awaits the effect of its stimulus."""
    with pytest.raises(NotEnoughData) as caught:
        increased(*samples, **seen)
    error = caught.value
    assert error.what == "increase of x_total since 1000.000: 1 of 1 series cannot be counted from the mark"
    assert list(error.details) == [f"{SHOWN}: {why}"]
    assert error.next_step == "act again when nothing restarts, or mark only the instances that keep running"
