"""Soak: what was good right after the deployment is still good, and was all the time since. SL2, MF1, MF2, AL6.

Run it at checkpoints: all in one run with `--deploycheck-checkpoint +15m,+1h,+24h`, or one in each scheduled run with
`--deploycheck-at now`.
"""

import pytest

from pytest_deploycheck.suite import (
    AlertPolicy,
    Deploycheck,
    MetricCheck,
    Prometheus,
    ScrapeTargetCheck,
    SloCheck,
    SoakPolicy,
)


@pytest.fixture
def policy(deploycheck: Deploycheck) -> SoakPolicy:
    """What is looked back on."""
    return deploycheck.settings.environment.soak or SoakPolicy()


@pytest.fixture
def window(deploycheck: Deploycheck, policy: SoakPolicy) -> float:
    """Seconds since the deployment has settled, or as many as the policy looks back."""
    return deploycheck.since_deployment(settle=policy.settle, at_most=policy.window)


@pytest.mark.slo
@pytest.mark.requirement("SL2")
@pytest.mark.foreach("slos")
def test_service_level_was_kept(prometheus: Prometheus, entry: SloCheck, policy: SoakPolicy, window: float) -> None:
    """Every series keeps every bound now, and kept it at every point of the window."""
    assert prometheus(entry.expr).keeps(*entry.bounds(), series=entry.series)
    assert prometheus.range(entry.expr, window, coverage=policy.coverage).keeps(*entry.bounds())


@pytest.mark.slo
@pytest.mark.requirement("SL2")
@pytest.mark.foreach("metrics", where=lambda entry: entry.moving is not None)
def test_counter_was_not_reset(prometheus: Prometheus, entry: MetricCheck, window: float) -> None:
    """No counter began anew within the window: its process was not restarted."""
    assert prometheus(f"resets({entry.metric}[{max(1, round(window))}s])") == 0


@pytest.mark.slo
@pytest.mark.requirement("SL2")
@pytest.mark.foreach("metrics", where=lambda entry: entry.metric.startswith("process_start_time_seconds"))
def test_process_was_not_restarted(prometheus: Prometheus, entry: MetricCheck, window: float) -> None:
    """The processes are still those of the window's begin."""
    assert prometheus(f"changes({entry.metric}[{max(1, round(window))}s])") == 0


@pytest.mark.freshness
@pytest.mark.requirement("MF1")
@pytest.mark.foreach("scrape_targets")
def test_targets_are_up(prometheus: Prometheus, entry: ScrapeTargetCheck) -> None:
    """Every target of the job is up, recently scraped without error, and brings samples."""
    assert prometheus.targets(job=entry.job).up(count=entry.count, min_samples=entry.min_samples)


@pytest.mark.freshness
@pytest.mark.requirement("MF2")
@pytest.mark.foreach("metrics")
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


@pytest.mark.alerts
@pytest.mark.requirement("AL6")
@pytest.mark.blocker
@pytest.mark.needs("prometheus", "alerts")
def test_no_unexpected_alert_fired(
    prometheus: Prometheus, deploycheck: Deploycheck, policy: SoakPolicy, window: float
) -> None:
    """Nothing fired within the window but what is known, owned and not expired; and somebody was looking."""
    known = (deploycheck.settings.environment.alerts or AlertPolicy()).known
    assert prometheus.alert_history(window, coverage=policy.coverage).none(known=known)
