"""Precedence, choice of the environment, merging, paths and origins."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pytest_deploycheck.errors import ConfigError
from pytest_deploycheck.model.outcome import Outcome
from pytest_deploycheck.settings.load import find_config, load
from pytest_deploycheck.settings.models import TABLES, Effective

Loader = Callable[..., Effective]
Complaint = Callable[..., list[str]]

DIGEST = "sha256:" + "0" * 64
TWO = "[environments.prod]\n[environments.staging]\n"


def test_no_file_and_no_environment_is_an_empty_run(loaded: Loader, tmp_path: Path) -> None:
    effective = loaded(None)
    assert (effective.source, effective.environment_name) == (None, "none")
    assert effective.reports == tmp_path / "reports"
    assert effective.environment.prometheus is None
    assert all(effective.entries(table) == () for table in TABLES)
    assert effective.provenance == {}
    assert effective.origin("strict") == "default"


def test_an_empty_file_is_no_mistake(loaded: Loader, tmp_path: Path) -> None:
    effective = loaded("")
    assert effective.source == tmp_path / "deploycheck.toml"
    assert effective.environment_name == "none"


def test_entries_know_their_tables(loaded: Loader) -> None:
    with pytest.raises(KeyError):
        loaded(None).entries("tables")


@pytest.mark.parametrize(
    ("field", "option", "variable", "own", "top"),
    [
        ("version", "1", "2", "3", "4"),
        ("change_ticket", "CHG-1", "CHG-2", "CHG-3", "CHG-4"),
        ("image_digest", *(f"sha256:{digit * 64}" for digit in "1234")),
    ],
)
def test_each_layer_wins_over_the_next(
    loaded: Loader, field: str, option: str, variable: str, own: str, top: str
) -> None:
    text = f"[deployment]\n{field} = '{top}'\n[environments.prod]\n"
    own_text = f"{text}[environments.prod.deployment]\n{field} = '{own}'\n"
    key, name = f"deployment.{field}", f"DEPLOYMENT_{field.upper()}"
    flag = f"option --deployment-{field.replace('_', '-')}"
    found = [
        loaded("[environments.prod]"),
        loaded(text),
        loaded(own_text),
        loaded(own_text, environ={name: f" {variable}\n"}),
        loaded(own_text, environ={name: variable}, overrides={key: option}),
        loaded(own_text, environ={name: "  "}),
    ]
    assert [getattr(each.deployment, field) for each in found] == [None, top, own, variable, option, own]
    assert [each.origin(key) for each in found] == [
        "default",
        "deploycheck.toml:2",
        "deploycheck.toml:5",
        f"environment variable {name}",
        flag,
        "deploycheck.toml:5",
    ]
    assert found[3].environment.deployment == found[3].deployment


@pytest.mark.parametrize(
    "text",
    [
        "1769004000",
        "1769004000.0",
        "2026-01-21T14:00:00Z",
        "2026-01-21t14:00:00z",
        "2026-01-21 15:00:00+01:00",
        " 1769004000 ",
    ],
)
def test_times_of_options(loaded: Loader, text: str) -> None:
    effective = loaded(None, overrides={"deployment.finished_at": text})
    assert effective.deployment.finished_at == datetime(2026, 1, 21, 14, tzinfo=UTC)


INSTANT = "(expected a time with its offset, such as 2026-01-21T14:00:00Z, or Unix seconds)"


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        (
            {"overrides": {"deployment.version": ""}},
            "option --deployment-version: deployment.version: is empty (expected a value, or no such option)",
        ),
        (
            {"overrides": {"deployment.started_at": "yesterday"}},
            f'option --deployment-started-at: deployment.started_at: "yesterday" is not a time {INSTANT}',
        ),
        (
            {"environ": {"DEPLOYMENT_FINISHED_AT": "1769004000000"}},
            (
                "environment variable DEPLOYMENT_FINISHED_AT: deployment.finished_at: "
                "lies outside the years 2000 to 2099; "
                f"it looks like milliseconds {INSTANT}"
            ),
        ),
        (
            {"environ": {"DEPLOYMENT_IMAGE_DIGEST": "repo/app:1"}},
            (
                'environment variable DEPLOYMENT_IMAGE_DIGEST: deployment.image_digest: is "repo/app:1" '
                "(expected sha256: and 64 lower-case hexadecimal digits)"
            ),
        ),
        (
            {"environ": {"DEPLOYMENT_STARTED_AT": "1769004000"}, "overrides": {"deployment.finished_at": "1769003999"}},
            (
                "option --deployment-finished-at: deployment: finished_at lies before started_at "
                "(expected the time when the deployment ended)"
            ),
        ),
        (
            {"overrides": {"deployment.versoin": "1"}},
            (
                "option --deployment-versoin: deployment.versoin: cannot be set by an option; "
                'did you mean "deployment.version"? '
                '(expected "deployment.version", "deployment.image_digest", "deployment.started_at", '
                '"deployment.finished_at", "deployment.change_ticket", "reports", "waivers", '
                '"waiver_max_days", "unmarked", "strict" or "default_tier")'
            ),
        ),
        ({"overrides": {"strict": "yes"}}, "option --deploycheck-strict: strict: is text (expected true or false)"),
        (
            {"overrides": {"waiver_max_days": "400"}},
            "option --deploycheck-waiver-max-days: waiver_max_days: is 400 (expected at most 365)",
        ),
        (
            {"environment": "prod"},
            (
                'option --deploycheck-env: environment: "prod" is asked for, but there is no deploycheck.toml '
                "(expected a file that defines it)"
            ),
        ),
        (
            {"environ": {"DEPLOYCHECK_ENV": "prod"}},
            (
                'environment variable DEPLOYCHECK_ENV: environment: "prod" is asked for, but '
                "there is no deploycheck.toml (expected a file that defines it)"
            ),
        ),
        (
            {"text": "", "environment": "prod"},
            (
                'option --deploycheck-env: environment: "prod" is asked for, but deploycheck.toml '
                "defines no environment (expected a table [environments.prod])"
            ),
        ),
        (
            {"text": TWO, "environment": "prd"},
            (
                "option --deploycheck-env: environment: unknown environment "
                '"prd"; did you mean "prod"? (expected "prod" or "staging")'
            ),
        ),
        (
            {"text": TWO, "environment": ""},
            ('option --deploycheck-env: environment: unknown environment "" (expected "prod" or "staging")'),
        ),
    ],
)
def test_mistakes_of_options_and_variables(mistakes: Complaint, layers: dict[str, Any], message: str) -> None:
    assert mistakes(layers.pop("text", None), **layers) == [message]


def test_the_error_says_how_many_and_what_next(loaded: Loader) -> None:
    with pytest.raises(ConfigError) as caught:
        loaded("strict = 1\nunmarked = 2")
    assert str(caught.value) == (
        "2 mistakes in the configuration\n"
        "  deploycheck.toml:1: strict: is a whole number (expected true or false)\n"
        '  deploycheck.toml:2: unmarked: is a whole number (expected "blocker", "warning" or "ignore")\n'
        "  next: mend them; `deploycheck config` shows what is read, `deploycheck schema` what is expected"
    )
    assert caught.value.outcome is Outcome.ERROR
    assert caught.value.__cause__ is None


def test_choice_of_the_environment(loaded: Loader) -> None:
    default = f"default_environment = 'staging'\n{TWO}"
    assert loaded("[environments.only]").environment_name == "only"
    assert loaded(default).environment_name == "staging"
    assert loaded(default, environ={"DEPLOYCHECK_ENV": "prod"}).environment_name == "prod"
    assert loaded(default, environ={"DEPLOYCHECK_ENV": ""}).environment_name == "staging"
    assert loaded(default, "staging", environ={"DEPLOYCHECK_ENV": "prod"}).environment_name == "staging"


MERGED = """
[alerts]
storm = 3
[rule_policy]
min_groups = 2
[[metrics]]
metric = "a"
[[metrics]]
id = "second"
metric = "b"
[environments.prod]
[[environments.prod.metrics]]
metric = "c"
[[environments.prod.metrics]]
id = "second"
metric = "d"
max_age = "5s"
[environments.prod.alerts]
window = "1m"
"""


def test_tables_are_merged_and_the_environments_entry_takes_the_place(loaded: Loader) -> None:
    effective = loaded(MERGED)
    assert [(entry.derived_id(), entry.metric) for entry in effective.environment.metrics] == [
        ("a", "a"),
        ("second", "d"),
        ("c", "c"),
    ]
    assert effective.entries("metrics") == effective.environment.metrics
    assert effective.environment.alerts is not None
    assert (effective.environment.alerts.storm, effective.environment.alerts.window) == (10, timedelta(minutes=1))
    assert effective.environment.rule_policy is not None
    assert effective.environment.rule_policy.min_groups == 2
    assert effective.provenance == {
        "environment.rule_policy.min_groups": "deploycheck.toml:5",
        "environment.metrics[0].metric": "deploycheck.toml:7",
        "environment.metrics[1].id": "deploycheck.toml:15",
        "environment.metrics[1].metric": "deploycheck.toml:16",
        "environment.metrics[1].max_age": "deploycheck.toml:17",
        "environment.metrics[2].metric": "deploycheck.toml:13",
        "environment.alerts.window": "deploycheck.toml:19",
    }


def test_a_replaced_entry_need_not_fit_the_environment(loaded: Loader) -> None:
    text = (
        "[[endpoints]]\nid = 'x'\nservice = 'only-elsewhere'\n"
        "[environments.p.services.s]\nurl = 'http://h'\n[[environments.p.endpoints]]\nid = 'x'\nservice = 's'\n"
    )
    assert [entry.service for entry in loaded(text).environment.endpoints] == ["s"]


def test_paths_are_those_of_the_files_directory(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "deploycheck.toml").write_text(
        "waivers = 'w.toml'\nreports = '/var/reports'\n[environments.p.prometheus]\nurl = 'http://h'\n"
        "auth = { bearer = { file = '../token' } }\ntls = { ca = '~/ca.pem' }\n",
        encoding="utf-8",
    )
    path = Path("etc/deploycheck.toml")
    effective = load(path, environment=None, overrides={"waivers": "here.toml"}, environ={}, cwd=tmp_path)
    assert effective.waivers == tmp_path / "here.toml"
    assert effective.reports == Path("/var/reports")
    prometheus = effective.environment.prometheus
    assert prometheus is not None
    assert prometheus.auth is not None
    assert prometheus.auth.bearer is not None
    assert prometheus.auth.bearer.file == tmp_path / "etc" / "../token"
    assert (prometheus.auth.bearer.where, prometheus.auth.bearer.key) == (
        "etc/deploycheck.toml:5",
        "environments.p.prometheus.auth.bearer",
    )
    assert prometheus.tls.ca == Path.home() / "ca.pem"
    assert effective.origin("waivers") == "option --deploycheck-waivers"
    plain = load(path, environment=None, overrides={}, environ={}, cwd=tmp_path)
    assert plain.waivers == tmp_path / "etc" / "w.toml"


def test_options_beyond_the_deployment(loaded: Loader, tmp_path: Path) -> None:
    effective = loaded(
        "strict = false", overrides={"strict": "true", "reports": "out", "waiver_max_days": "7", "unmarked": "ignore"}
    )
    assert (effective.strict, effective.waiver_max_days, effective.unmarked) == (True, 7, "ignore")
    assert effective.reports == tmp_path / "out"
    assert effective.origin("strict") == "option --deploycheck-strict"


def test_doubtful_promql_is_a_warning(loaded: Loader) -> None:
    effective = loaded("[[slos]]\nexpr = 'holt_winters(x[1h], 0.5, 0.5)'\nbelow = 1\ntraffic = 'x smoothed'\n")
    tail = " (the server decides; another version of Prometheus may know it)"
    assert effective.warnings == (
        "deploycheck.toml:2: slos[0].expr: may not be valid PromQL: unknown function with name 'holt_winters'" + tail,
        "deploycheck.toml:4: slos[0].traffic: may not be valid PromQL: invalid promql query" + tail,
    )


def test_a_version_that_nobody_gave_is_no_mistake_of_loading(loaded: Loader) -> None:
    assert loaded("[[versions]]\nmetric = 'app_info'\n").environment.versions[0].expected is None


def test_the_file_is_found_upwards(tmp_path: Path) -> None:
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    assert find_config(below) is None or tmp_path not in (find_config(below) or Path()).parents
    (tmp_path / "deploycheck.toml").touch()
    assert find_config(below) == tmp_path / "deploycheck.toml"
    (below / "deploycheck.toml").touch()
    assert find_config(below) == below / "deploycheck.toml"
