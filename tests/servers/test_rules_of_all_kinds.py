"""Rules as people write them, in a real Prometheus that scrapes a real node exporter.

Every rule of a file is loaded by Prometheus, read by us, and judged or refused with a reason. Other rule files join in
by the environment: `DEPLOYCHECK_RULES='~/rules/**/*.yml' pytest tests/servers/test_rules_of_all_kinds.py`.
"""

from __future__ import annotations

import glob
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from pytest_deploycheck.checks import rules as rule_checks
from pytest_deploycheck.checks.asked import Asked
from pytest_deploycheck.clients.promql import selectors
from pytest_deploycheck.face.ranges import range_uses
from pytest_deploycheck.face.references import missing_metrics, named
from tests.servers.node_exporter import RULES as OWN
from tests.servers.node_exporter import prometheus_with

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_deploycheck.clients.prometheus import PrometheusClient
    from pytest_deploycheck.model.prometheus import Rule

ASKED = Asked("rules", "prometheus")


def loaded_from(files: Sequence[str]) -> list[tuple[str, str]]:
    """Return (group, rule) of everything in rule files."""
    return sorted(
        (group["name"], rule.get("alert") or rule["record"])
        for file in files
        for group in yaml.safe_load(Path(file).read_text())["groups"]
        for rule in group["rules"] or ()
    )


@pytest.fixture
def api(node_exporter: PrometheusClient) -> PrometheusClient:
    return node_exporter


@pytest.fixture
def rules(api: PrometheusClient) -> list[Rule]:
    return [rule for group in api.rules() for rule in group.rules]


def test_every_rule_of_the_file_is_loaded_and_healthy(api: PrometheusClient, rules: list[Rule]) -> None:
    assert sorted((rule.group, rule.name) for rule in rules) == loaded_from([str(OWN)])
    finding = rule_checks.all_rules(api.rules(), ASKED, now=time.time(), min_groups=4)
    assert (finding.outcome, finding.observed) == ("passed", "23 rules, all ok in 4 groups")


def test_every_expression_is_read(rules: list[Rule]) -> None:
    without = {name for name, rule in named(rules) if not selectors(rule.query)}
    assert without == {"host.recorded/instance:node_memory_utilisation:ratio (2)", "prometheus/Watchdog"}
    assert {one.metric for rule in rules if rule.name == "HostLoadByName" for one in selectors(rule.query)} == {
        "node_load1"
    }


def test_what_a_rule_names_and_nobody_has_is_found(api: PrometheusClient, rules: list[Rule]) -> None:
    missing, unread = missing_metrics(api, rules, 3600.0, ())
    assert unread == {}
    assert len(missing) == len(rules)
    assert {name: found for name, found in missing.items() if found} == {
        "mistaken/AboutAnAbsentMetric": ["shop_orders_total"],
        "mistaken/AboutAnAbsentLabel": ['up{jbo!=""}'],
        "mistaken/AboutAnAbsentJob": ['up{job="nodes"}'],
        "mistaken/AboutNothingOfThatName": ['{__name__=~"shop_.+_total"}'],
    }
    finding = rule_checks.references(missing, ASKED, unread=unread)
    assert (finding.outcome, finding.observed) == ("failed", "4 of 23 rules are about a metric without series")


def test_a_range_without_two_samples_is_found(api: PrometheusClient, rules: list[Rule]) -> None:
    uses, unread = range_uses(api, rules)
    assert unread == {}
    finding = rule_checks.ranges(uses, ASKED, unread=unread)
    assert finding.outcome == "failed"
    assert finding.rows == (("mistaken/OverAShortRange", "node_cpu_seconds_total[1500ms] over an interval of 1 s"),)


@pytest.fixture
def elsewhere(
    request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[tuple[PrometheusClient, list[tuple[str, str]]]]:
    """Yield a Prometheus with the rule files that the environment names, or the usual one, and what they hold."""
    pattern = os.environ.get("DEPLOYCHECK_RULES", "")
    if not pattern:
        yield request.getfixturevalue("api"), loaded_from([str(OWN)])
        return
    files = sorted(glob.glob(str(Path(pattern).expanduser()), recursive=True))  # noqa: PTH207 - an absolute pattern
    assert files, f"there is no file {pattern}"
    with prometheus_with(files, tmp_path) as api:
        yield api, loaded_from(files)


def test_every_rule_is_judged_or_refused_with_a_reason(
    elsewhere: tuple[PrometheusClient, list[tuple[str, str]]],
) -> None:
    api, expected = elsewhere
    rules = [rule for group in api.rules() for rule in group.rules]
    assert sorted((rule.group, rule.name) for rule in rules) == expected
    missing, unread = missing_metrics(api, rules, 86400.0, ())
    assert all(unread.values()), "refused without a reason"
    assert len(missing) + len(unread) == len(rules)
    uses, unread_ranges = range_uses(api, rules)
    assert unread_ranges == unread
    assert {use.rule for use in uses} == {
        name
        for name, rule in named(rules)
        if name not in unread and any(one.range is not None for one in selectors(rule.query))
    }
    findings = (
        rule_checks.all_rules(api.rules(), ASKED, now=time.time(), min_groups=1),
        rule_checks.references(missing, ASKED, unread=unread),
        rule_checks.ranges(uses, ASKED, unread=unread),
    )
    assert all(finding.observed for finding in findings)
