"""Metrics: scraped everywhere, recent by sample time, plausible; service levels kept. MF1 to MF4, SL1."""

import pytest

from pytest_deploycheck.suite import MetricCheck, Prometheus, ScrapeTargetCheck, SloCheck


@pytest.mark.freshness
@pytest.mark.requirement("MF1")
@pytest.mark.foreach("scrape_targets")
@pytest.mark.asks(questions=lambda ask, entry: ask.prometheus.targets(entry.job))
def test_targets_are_up(prometheus: Prometheus, entry: ScrapeTargetCheck) -> None:
    """Every target of the job is up, recently scraped without error, and brings samples."""
    assert prometheus.targets(job=entry.job).up(count=entry.count, min_samples=entry.min_samples)


@pytest.mark.freshness
@pytest.mark.requirement("MF2")
@pytest.mark.foreach("metrics")
@pytest.mark.asks(
    questions=lambda ask, entry: ask.prometheus.fresh(
        entry.metric, per_instance=entry.per_instance, heartbeat=entry.heartbeat, moving=entry.moving
    )
)
def test_metric_is_fresh(prometheus: Prometheus, entry: MetricCheck) -> None:
    """Every series, on every instance, has a recent sample of something that still works."""
    assert prometheus.fresh(
        entry.metric,
        max_age=entry.max_age,
        series=entry.series,
        per_instance=entry.per_instance,
        heartbeat=entry.heartbeat,
        moving=entry.moving,
    )


@pytest.mark.freshness
@pytest.mark.requirement("MF3")
@pytest.mark.foreach("metrics", where=lambda entry: entry.min is not None or entry.max is not None or entry.initialised)
@pytest.mark.asks(questions=lambda ask, entry: ask.prometheus(entry.metric))
def test_metric_is_plausible(prometheus: Prometheus, entry: MetricCheck) -> None:
    """Every series holds a number in the sane range; a counter exists from the start."""
    least = 0.0 if entry.initialised and entry.min is None else entry.min
    assert prometheus(entry.metric).between(least, entry.max, series=entry.series)


@pytest.mark.freshness
@pytest.mark.requirement("MF4")
@pytest.mark.foreach("metrics", level="warning", where=lambda entry: bool(entry.labels))
@pytest.mark.asks(questions=lambda ask, entry: ask.prometheus(entry.metric))
def test_metric_is_labelled(prometheus: Prometheus, entry: MetricCheck) -> None:
    """Every series carries the expected labels."""
    assert prometheus(entry.metric).labelled(entry.labels)


@pytest.mark.slo
@pytest.mark.requirement("SL1")
@pytest.mark.foreach("slos")
@pytest.mark.asks(
    questions=lambda ask, entry: (
        *(ask.prometheus(entry.traffic) if entry.traffic is not None else ()),
        *ask.prometheus(entry.expr),
    )
)
def test_service_level(prometheus: Prometheus, entry: SloCheck) -> None:
    """Every series keeps every bound, and there is enough traffic to tell."""
    if entry.traffic is not None:
        assert prometheus(entry.traffic).traffic(entry.min_traffic)
    assert prometheus(entry.expr).keeps(*entry.bounds(), series=entry.series)
