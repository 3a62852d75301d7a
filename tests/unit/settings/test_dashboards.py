"""The tables about a Grafana: ids, defaults, and what cannot be meant."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from pytest_deploycheck.errors import ConfigError
from pytest_deploycheck.settings.load import load

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_deploycheck.settings.models import Effective


def loaded(tmp_path: Path, text: str) -> Effective:
    file = tmp_path / "deploycheck.toml"
    file.write_text(text, encoding="utf-8")
    return load(file, environment=None, overrides={}, environ={}, cwd=tmp_path)


def test_ids_and_defaults(tmp_path: Path) -> None:
    effective = loaded(
        tmp_path,
        "[[dashboards]]\nuid = 'd'\nvariables = { job = 'a', route = ['x', 'y'] }\n"
        "[[datasources]]\nname = 'Prometheus'\n"
        "[[grafana_rules]]\nname = 'R'\nfolder = 'F'\n[annotation]\n",
    )
    tables = ("dashboards", "datasources", "grafana_rules")
    assert [[entry.derived_id() for entry in effective.entries(table)] for table in tables] == [
        ["d"], ["Prometheus"], ["F/R"],
    ]  # fmt: skip
    (dashboard,) = effective.environment.dashboards
    assert dashboard.window == timedelta(minutes=15)
    assert dashboard.variables == {"job": ("a",), "route": ("x", "y")}
    annotation = effective.environment.annotation
    assert annotation is not None
    assert (annotation.text, annotation.tags) == ("deployed", ("deployment",))


def test_an_environments_own(tmp_path: Path) -> None:
    effective = loaded(
        tmp_path,
        "[[dashboards]]\nuid = 'd'\n[annotation]\ntext = 'top'\n"
        "[environments.prod.annotation]\ntext = 'own'\n[[environments.prod.dashboards]]\nuid = 'd'\nmin_panels = 3\n",
    )
    assert [entry.min_panels for entry in effective.environment.dashboards] == [3]
    assert effective.environment.annotation is not None
    assert effective.environment.annotation.text == "own"


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        (
            "[[dashboards]]\nuid = 'd'\npictures = true",
            "deploycheck.toml:1: dashboards[0]: has pictures without export (expected export = true)",
        ),
        (
            "[[dashboards]]\ntitle = 'D'",
            "deploycheck.toml:1: dashboards[0].uid: is missing (expected text that is not empty)",
        ),
        ("[annotation]\ntags = []", None),
        (
            "[[dashboards]]\nuid = 'd'\nvariables = { job = [] }",
            "deploycheck.toml:3: dashboards[0].variables.job: is an empty list (expected text, or a list of texts)",
        ),
        (
            "[[dashboards]]\nuid = 'd'\nvariables = { job = ['a', 1] }",
            "deploycheck.toml:3: dashboards[0].variables.job: is a whole number (expected text, or a list of texts)",
        ),
        ("[[dashboards]]\nuid = 'd'\nwindow = 900", None),
    ],
)
def test_what_cannot_be_meant(tmp_path: Path, text: str, mistake: str | None) -> None:
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, text + "\n")
    assert len(caught.value.mistakes) == 1
    assert mistake is None or str(caught.value.mistakes[0]) == mistake
