"""Intervals that a Prometheus tells by its loaded configuration."""

from __future__ import annotations

import pytest

from pytest_deploycheck.clients.prometheus.status import usual_scrape_interval


def config(*intervals: str) -> str:
    jobs = [f"- job_name: j{number}\n  scrape_interval: {text}\n" for number, text in enumerate(intervals)]
    return "global:\n  scrape_interval: 7s\nscrape_configs:\n" + "".join(jobs) + "remote_write:\n- url: http://x\n"


@pytest.mark.parametrize(
    ("intervals", "usual"),
    [((), None), (("15s",), 15), (("1s", "1m", "1h"), 60), (("15s", "1m"), 60), (("1m30s", "nonsense"), 90)],
)
def test_the_usual_scrape_interval_is_that_of_the_middle_job(intervals: tuple[str, ...], usual: float | None) -> None:
    assert usual_scrape_interval(config(*intervals)) == usual
