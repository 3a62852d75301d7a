from __future__ import annotations

from typing import Any

import pytest

from pytest_deploycheck.clients.alertmanager.configuration import parse_configuration
from pytest_deploycheck.model.alertmanager import Matcher, Receiver, Route

ALL_NOTATIONS = """
route:
  receiver: default
  group_by: [alertname, cluster]
  group_wait: 10s
  routes:
  - receiver: db
    match: {team: db, tier: 1, paged: true}
    match_re: {severity: page|warn}
    matchers: ['env!="dev"', 'region=~"eu-.*"']
    continue: true
    mute_time_intervals: [nights]
    routes:
    - matchers: 'a="1", b!~"2"'
      group_by: ['...']
      repeat_interval: 1d12h
  - {}
receivers:
- name: default
- name: db
  slack_configs: [{channel: '#db'}]
  pagerduty_configs: [{routing_key: <secret>}]
  email_configs: []
"""


def test_all_notations_and_inheritance() -> None:
    configuration = parse_configuration(ALL_NOTATIONS)
    assert configuration.receivers == (
        Receiver(name="default"),
        Receiver(name="db", integrations=("slack", "pagerduty")),
    )
    inherited: dict[str, Any] = {"group_wait": 10.0, "group_interval": 300.0}
    assert configuration.route == Route(
        receiver="default",
        group_by=("alertname", "cluster"),
        repeat_interval=14400.0,
        **inherited,
        routes=(
            Route(
                receiver="db",
                matchers=(
                    Matcher(name="team", value="db"),
                    Matcher(name="tier", value="1"),
                    Matcher(name="paged", value="true"),
                    Matcher(name="severity", value="page|warn", is_regex=True),
                    Matcher(name="env", value="dev", is_equal=False),
                    Matcher(name="region", value="eu-.*", is_regex=True),
                ),
                continue_=True,
                group_by=("alertname", "cluster"),
                mute_time_intervals=("nights",),
                **inherited,
                routes=(
                    Route(
                        receiver="db",
                        matchers=(
                            Matcher(name="a", value="1"),
                            Matcher(name="b", value="2", is_regex=True, is_equal=False),
                        ),
                        group_by=("...",),
                        repeat_interval=129600.0,
                        **inherited,
                    ),
                ),
            ),
            Route(receiver="default", group_by=("alertname", "cluster"), **inherited),
        ),
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the configuration: a mapping was expected, not NoneType"),
        ("- a", "the configuration: a mapping was expected, not list"),
        ("receivers: []", "route: missing"),
        ("route: 5", "route: a mapping was expected, not int"),
        ("route: {}\nreceivers: []", "route.receiver: missing"),
        ("route: {receiver: a}\nreceivers: {}", "receivers: a list was expected, not dict"),
        ("route: {receiver: a}\nreceivers: [5]", "receivers[0]: a mapping was expected, not int"),
        ("route: {receiver: a}\nreceivers: [{slack_configs: []}]", "receivers[0].name: missing"),
        ("route: {receiver: a}\nreceivers: [{name: b}]", "route.receiver: there is no receiver 'a'"),
        (
            "route: {receiver: a, routes: [{receiver: b}]}\nreceivers: [{name: a}]",
            "route.routes[0].receiver: there is no receiver 'b'",
        ),
        ("route: {receiver: a, group_wait: soon}\nreceivers: [{name: a}]", "route.group_wait: not a duration: 'soon'"),
        (
            "route: {receiver: a, continue: maybe}\nreceivers: [{name: a}]",
            "route.continue: true or false was expected, not 'maybe'",
        ),
        (
            "route: {receiver: a, routes: [{matchers: ['x']}]}\nreceivers: [{name: a}]",
            'route.routes[0].matchers: not a matcher: \'x\'; write it as in team="db" or severity=~"page|warn"',
        ),
        (
            "route: {receiver: a, match: {b: [1]}}\nreceivers: [{name: a}]",
            "route.match.b: a text was expected, not list",
        ),
        ("route: {receiver: a, routes: 5}\nreceivers: [{name: a}]", "route.routes: a list was expected, not int"),
    ],
)
def test_what_is_no_configuration(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        parse_configuration(text)
    assert str(caught.value) == message


def test_not_yaml() -> None:
    with pytest.raises(ValueError, match=r"^not YAML: while parsing a flow node expected the node content"):
        parse_configuration("route: [")


def test_endless_depth_is_refused() -> None:
    text = "route: &r {receiver: a, routes: [*r]}\nreceivers: [{name: a}]"
    with pytest.raises(ValueError, match=r"routes inside of routes, more than 100 deep$"):
        parse_configuration(text)
