"""Targets: what each has of its own, what it shares, where its values come from, and how a run is narrowed to some."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_deploycheck.settings.places import looked_at, places
from pytest_deploycheck.settings.show import render_config, render_config_json

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_deploycheck.settings.models import Effective

TEXT = """
[environments.prod.alertmanager]
url = "http://shared"

[environments.prod.services.portal]
url = "http://portal"

[environments.prod.logs.web]
pods = "app=web"

[environments.prod.logs.file]
file = "x.log"

[environments.prod.targets.eu.prometheus]
url = "http://eu"
auth = { bearer = { env = "EU_TOKEN" } }

[environments.prod.targets.eu.kubernetes]
context = "eu-1"

[environments.prod.targets.eu.services.api]
url = "http://api.eu"

[environments.prod.targets.apac.prometheus]
url = "http://apac"
"""


def test_a_target_has_its_own_and_shares_the_rest(loaded: Callable[..., Effective]) -> None:
    here = places(loaded(TEXT).environment)
    assert list(here) == ["eu", "apac", ""]
    eu, apac, own = here.values()
    assert (eu.all("prometheus").url, apac.all("prometheus").url, own.all("prometheus")) == (
        "http://eu",
        "http://apac",
        None,
    )
    assert eu.all("alertmanager") is apac.all("alertmanager") is own.all("alertmanager")
    assert (eu.owns("alertmanager"), eu.has("alertmanager"), own.owns("alertmanager")) == (False, True, True)
    assert (sorted(eu.all("services")), sorted(apac.all("services"))) == (["api", "portal"], ["portal"])
    assert (eu.owns("services", "api"), eu.owns("services", "portal"), eu.has("services", "portal")) == (
        True,
        False,
        True,
    )


def test_logs_of_pods_are_read_where_the_cluster_is(loaded: Callable[..., Effective]) -> None:
    eu, apac, own = places(loaded(TEXT).environment).values()
    assert (eu.owns("logs", "web"), eu.owns("logs", "file")) == (True, False)
    assert [place.has("logs", "web") for place in (eu, apac, own)] == [True, False, False]
    assert [place.has("logs", "file") for place in (eu, apac, own)] == [True, True, True]


def test_values_have_their_places_and_secrets_their_lines(loaded: Callable[..., Effective]) -> None:
    effective = loaded(TEXT)
    assert effective.origin("environment.targets.apac.prometheus.url") == "deploycheck.toml:25"
    prometheus = effective.environment.targets["eu"].prometheus
    assert prometheus is not None
    assert prometheus.auth is not None
    assert prometheus.auth.bearer is not None
    assert (prometheus.auth.bearer.where, prometheus.auth.bearer.key) == (
        "deploycheck.toml:16",
        "environments.prod.targets.eu.prometheus.auth.bearer",
    )


def test_the_effective_settings_show_them(loaded: Callable[..., Effective]) -> None:
    shown = render_config(loaded(TEXT), {"EU_TOKEN": "hunter2"})
    assert shown.splitlines()[2] == "# targets: eu, apac"
    assert 'environment.targets.eu.prometheus.url = "http://eu"   # deploycheck.toml:15' in shown
    assert 'environment.targets.eu.prometheus.auth.bearer = { env = "EU_TOKEN" } (set, 7 characters)   # ' in shown
    assert "hunter2" not in shown
    narrowed = loaded(TEXT, environ={"DEPLOYCHECK_TARGET": "apac"})
    line = "# targets: eu, apac; this run looks at apac only (environment variable DEPLOYCHECK_TARGET)"
    assert render_config(narrowed, {}).splitlines()[2] == line
    assert '"looked_at": [\n    "apac"\n  ]' in render_config_json(narrowed, {})


@pytest.mark.parametrize(
    ("option", "variable", "only"),
    [
        (None, "", ()),
        (None, " ", ()),
        (None, "apac", ("apac",)),
        ("eu", "apac", ("eu",)),
        (" apac , apac", "", ("apac",)),
        ("apac,eu", "", ()),
    ],
)
def test_narrowing(loaded: Callable[..., Effective], option: str | None, variable: str, only: tuple[str, ...]) -> None:
    effective = loaded(TEXT, environ={"DEPLOYCHECK_TARGET": variable}, targets=option)
    assert effective.only == only
    assert looked_at(effective) == (only or ("eu", "apac"))


def test_what_one_lacks_and_others_have_is_told(loaded: Callable[..., Effective]) -> None:
    effective = loaded(TEXT)
    assert effective.warnings == tuple(
        f"deploycheck.toml:24: environments.prod.targets.apac: has no {what}, unlike eu: no check looks at one there"
        for what in ("kubernetes", 'service "api"', 'log "web"')
    )
