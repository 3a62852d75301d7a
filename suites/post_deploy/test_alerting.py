"""Alerting: rules loaded and sound, nothing fires unexpectedly, alerts reach the right receiver. AL1 to AL5."""

from collections.abc import Iterator

import pytest

from pytest_deploycheck.suite import (
    Alertmanager,
    AlertPolicy,
    Deploycheck,
    FireDrillCheck,
    FireDrills,
    Prometheus,
    RouteCheck,
    RuleCheck,
    RulePolicy,
)

pytestmark = pytest.mark.alerts


@pytest.fixture
def rule_policy(deploycheck: Deploycheck) -> RulePolicy:
    """What holds for every rule."""
    return deploycheck.settings.environment.rule_policy or RulePolicy()


@pytest.fixture
def alert_policy(deploycheck: Deploycheck) -> AlertPolicy:
    """What holds for alerts and silences."""
    return deploycheck.settings.environment.alerts or AlertPolicy()


@pytest.mark.requirement("AL1")
@pytest.mark.foreach("rules")
@pytest.mark.asks(questions=lambda ask: ask.prometheus.rules())
def test_rule_is_loaded(prometheus: Prometheus, entry: RuleCheck) -> None:
    """The rule is loaded, healthy, and was evaluated recently."""
    assert prometheus.rules().has(entry.name, kind=entry.kind, group=entry.group)


@pytest.mark.requirement("AL1")
@pytest.mark.blocker
@pytest.mark.needs("prometheus", "rule_policy")
@pytest.mark.asks(questions=lambda ask: ask.prometheus.rules())
def test_rules_are_healthy(prometheus: Prometheus, rule_policy: RulePolicy) -> None:
    """Every loaded rule is healthy and evaluated in time."""
    assert prometheus.rules().healthy(min_groups=rule_policy.min_groups)


@pytest.mark.requirement("AL1")
@pytest.mark.blocker
@pytest.mark.needs("prometheus", "rule_policy")
@pytest.mark.asks(questions=lambda ask: ask.prometheus.rules())
def test_rules_refer_to_series_that_exist(prometheus: Prometheus, rule_policy: RulePolicy) -> None:
    """No rule asks for a metric that nobody has: such a rule is healthy, inactive, and blind for ever."""
    assert prometheus.rules().refer_to_series(window=rule_policy.series_window, known_absent=rule_policy.known_absent)


@pytest.mark.requirement("AL1")
@pytest.mark.blocker
@pytest.mark.needs("prometheus", "rule_policy")
@pytest.mark.asks(questions=lambda ask: ask.prometheus.rules())
def test_rules_take_long_enough_ranges(prometheus: Prometheus) -> None:
    """No rule takes a range in which there are not two samples: such a rule is healthy, inactive, and blind."""
    assert prometheus.rules().take_long_ranges()


@pytest.mark.requirement("AL2")
@pytest.mark.blocker
@pytest.mark.needs("prometheus", "alerts")
@pytest.mark.asks(questions=lambda ask: ask.prometheus.alerts(state="firing"))
def test_no_unexpected_alert_is_firing(prometheus: Prometheus, alert_policy: AlertPolicy) -> None:
    """Nothing fires but what is known, owned and not expired."""
    assert prometheus.alerts(state="firing").none(known=alert_policy.known)


@pytest.mark.requirement("AL2")
@pytest.mark.blocker
@pytest.mark.needs("prometheus", "alerts")
@pytest.mark.asks(questions=lambda ask: ask.prometheus.alerts(state="firing"))
def test_no_alert_storm(prometheus: Prometheus, alert_policy: AlertPolicy) -> None:
    """No more alerts fire than a person can read."""
    assert prometheus.alerts(state="firing").at_most(alert_policy.storm)


@pytest.mark.requirement("AL2")
@pytest.mark.blocker
@pytest.mark.needs("prometheus", "alerts")
@pytest.mark.asks(questions=lambda ask: ask.prometheus.alerts(state="pending"))
def test_no_unexpected_alert_is_pending(prometheus: Prometheus, alert_policy: AlertPolicy) -> None:
    """Nothing is about to fire."""
    assert prometheus.alerts(state="pending").none(known=alert_policy.known)


@pytest.mark.requirement("AL3")
@pytest.mark.blocker
@pytest.mark.needs("prometheus", "alerts")
@pytest.mark.asks(questions=lambda ask: ask.prometheus.alertmanagers())
def test_prometheus_is_connected_to_alertmanager(prometheus: Prometheus, alert_policy: AlertPolicy) -> None:
    """Prometheus has its Alertmanagers, and drops nothing on the way."""
    assert prometheus.alertmanagers().connected(alert_policy.alertmanagers, window=alert_policy.window)


@pytest.mark.requirement("AL3")
@pytest.mark.blocker
@pytest.mark.needs("alertmanager", "prometheus", "alerts")
@pytest.mark.asks(questions=lambda ask: ask.alertmanager.notifications())
def test_notifications_do_not_fail(
    alertmanager: Alertmanager, prometheus: Prometheus, alert_policy: AlertPolicy
) -> None:
    """What Alertmanager sends arrives."""
    assert alertmanager.notifications(prometheus, window=alert_policy.window).delivered()


@pytest.mark.requirement("AL3")
@pytest.mark.blocker
@pytest.mark.needs("alertmanager", "alerts")
@pytest.mark.asks(questions=lambda ask: ask.alertmanager.silences())
def test_no_silence_hides_everything(alertmanager: Alertmanager, alert_policy: AlertPolicy) -> None:
    """Silences are narrow, short and explained."""
    assert alertmanager.silences().sane(max_duration=alert_policy.max_silence)


@pytest.fixture(scope="module")
def fire_drills(alertmanager: Alertmanager) -> Iterator[FireDrills]:
    """Fire drills; what they have sent is ended at the end, whatever became of the checks."""
    with alertmanager.fire_drills() as drills:
        yield drills


@pytest.mark.requirement("AL4")
@pytest.mark.foreach("routes")
@pytest.mark.asks(questions=lambda ask: ask.alertmanager.route())
def test_alert_reaches_its_receivers(alertmanager: Alertmanager, entry: RouteCheck) -> None:
    """By the loaded configuration, the label set goes to exactly the intended receivers."""
    route = alertmanager.route(entry.labels)
    assert route.reaches(*entry.receivers, integration=entry.integration)
    if entry.amtool:
        assert route.as_amtool()


@pytest.mark.requirement("AL4")
@pytest.mark.foreach("routes", where=lambda entry: entry.heard)
@pytest.mark.asks(questions=lambda ask: ask.alertmanager.route() + ask.alertmanager.silences())
def test_alert_would_be_heard(alertmanager: Alertmanager, entry: RouteCheck) -> None:
    """An alert with these labels would neither be silenced nor inhibited now."""
    assert alertmanager.route(entry.labels).is_heard()


@pytest.mark.requirement("AL5")
@pytest.mark.writes("alertmanager")
@pytest.mark.foreach("fire_drills", level="warning")
def test_fire_drill(fire_drills: FireDrills, entry: FireDrillCheck) -> None:
    """A synthetic alert, sent once, travels to its receiver in time, and ends. Looked for while other checks run."""
    assert fire_drills.of(entry).delivered()
