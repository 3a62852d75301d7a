"""What is asked of Prometheus to judge a window: every scrape of a day, not a point every seven minutes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest

from pytest_deploycheck.errors import NotEnoughData
from pytest_deploycheck.face.ledger import Ledger
from pytest_deploycheck.face.prometheus import Prometheus
from pytest_deploycheck.model.outcome import Outcome
from pytest_deploycheck.settings.models import Deployment
from pytest_deploycheck.waits.terms import Sustained, Terms
from pytest_deploycheck.waits.waiting import Ended, Waiting
from tests.servers.bad_servers import Connection, Server, answering, json_answer
from tests.servers.wired import wired

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_deploycheck.clock import ManualClock

DAY = 86_400
NOW = 1_800_000_000.0
CONFIG = """global:
  scrape_interval: 15s
  evaluation_interval: 1m
scrape_configs:
- job_name: mcp
  scrape_interval: 15s
"""
EVALUATED = {"lastEvaluation": "2027-01-15T08:00:00Z", "evaluationTime": 0.001, "duration": 0, "labels": {}}
DOWN = (NOW - 3600, NOW - 3500)  # Prometheus itself; what is asked of this time is repeated from before
OUTAGE = (NOW - 40_000, NOW - 39_700)  # five minutes, half a day ago


def answer(connection: Connection) -> None:
    """Answer as a Prometheus that scrapes every 15 s and saw the outage."""
    target = urlsplit(connection.server.targets[-1].split()[1])
    query = {name: values[0] for name, values in parse_qs(target.query).items()}
    if target.path.endswith("/status/config"):
        data: dict[str, Any] = {"yaml": CONFIG}
    elif target.path.endswith("/rules"):
        rule = {"type": "alerting", "name": "A", "query": "x", "health": "ok", "state": "inactive", "alerts": []}
        data = {"groups": [{"name": "g", "file": "f", "interval": 15, "rules": [{**rule, **EVALUATED}]}]}
    elif query["query"].startswith("ALERTS"):
        data = {"resultType": "matrix", "result": []}
    elif target.path.endswith("/query_range"):
        start, end, step = float(query["start"]), float(query["end"]), float(query["step"])
        times = [start + step * point for point in range(int((end - start) / step) + 1)]
        if query["query"] == "count(count_over_time(up[31s]))":
            times = [time for time in times if not DOWN[0] <= time < DOWN[1]]
        values = [[time, "0" if OUTAGE[0] <= time < OUTAGE[1] else "1"] for time in times]
        data = {"resultType": "matrix", "result": [{"metric": {"job": "mcp"}, "values": values}]}
    elif query["query"] == "time()":
        data = {"resultType": "scalar", "result": [NOW, str(NOW)]}
    else:
        data = {"resultType": "vector", "result": [{"metric": {"job": "mcp"}, "value": [NOW, "1"]}]}
    connection.send(json_answer({"status": "success", "data": data}))


@pytest.fixture
def asked() -> Iterator[tuple[Prometheus, Ledger, ManualClock, Server]]:
    with answering(answer) as server, wired(server.url) as w:
        ledger = Ledger()
        prometheus = Prometheus(
            w.wire, clock=w.clock, ledger=ledger, observed=[], deployment=Deployment(), external_url=server.url
        )
        yield prometheus, ledger, w.clock, server


def assert_ranges(server: Server, *wanted: tuple[float, float]) -> None:
    """Length and step of each range that was asked for.

    The server's clock is read at each look: how far it is ahead comes and goes by what a reply takes.
    """
    found = [parse_qs(urlsplit(it.split()[1]).query) for it in server.targets if "query_range?query=up&" in it]
    lengths = [float(it["end"][0]) - float(it["start"][0]) for it in found]
    assert lengths == pytest.approx([length for length, _ in wanted], abs=2)
    assert [float(it["step"][0]) for it in found] == [step for _, step in wanted]


def test_a_range_over_a_day_sees_an_outage_of_minutes(
    asked: tuple[Prometheus, Ledger, ManualClock, Server],
) -> None:
    prometheus, _, _, server = asked
    judged = prometheus.range("up", "24h") == 1
    assert not judged
    assert judged.finding.rows[0][3] == "20 of 5,754"
    assert_ranges(server, (DAY, 15.0))


def test_a_window_that_holds_for_a_day_sees_it_too_and_reads_it_whole_only_twice(
    asked: tuple[Prometheus, Ledger, ManualClock, Server],
) -> None:
    prometheus, ledger, clock, server = asked
    state = Waiting("test_it", Terms(sustained=Sustained(seconds=DAY)), run_started=0.0, origin=-DAY / 4)
    ledger.window = state
    for advance in (0, 60, DAY):
        clock.advance(advance)
        state.begin(clock.monotonic())
        judged = prometheus("up") == 1
        assert judged.finding.outcome is (Outcome.FAILED if advance == DAY else Outcome.PASSED)
        assert bool(judged) is (advance < DAY)
        state.ended(Ended(now=clock.monotonic(), outcome=judged.finding.outcome))
    assert_ranges(server, (DAY / 4, 15.0), (150, 15.0), (DAY + 60 + DAY / 4, 15.0))


def test_a_time_in_which_prometheus_was_down_is_a_gap_though_it_repeats_what_was_before(
    asked: tuple[Prometheus, Ledger, ManualClock, Server],
) -> None:
    prometheus, _, _, _ = asked
    with pytest.raises(NotEnoughData, match="1 of 1 series is covered for less than 99 % of the window"):
        bool(prometheus.range("up", "1h30m", coverage=0.99) == 1)
    assert prometheus.range("up", "1h30m", coverage=0.95) == 1
    assert prometheus.range("up", "50m", coverage=1.0) == 1


def test_no_alert_is_told_of_a_time_in_which_prometheus_was_down(
    asked: tuple[Prometheus, Ledger, ManualClock, Server],
) -> None:
    prometheus, ledger, clock, _ = asked
    assert prometheus.alerts(over="90m").none()
    state = Waiting("test_it", Terms(sustained=Sustained(seconds=5400, coverage=0.99)), run_started=0.0, origin=-5400.0)
    ledger.window = state
    state.begin(clock.monotonic())
    with pytest.raises(NotEnoughData, match=r"Prometheus scraped nothing in 1\.99 % of the window"):
        prometheus.alerts().none()
