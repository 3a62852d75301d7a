"""docs/configuration.md: every example loads, its mistakes are what is said, and no key is left out."""

from __future__ import annotations

import json
import re
import tomllib
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from pytest_deploycheck.errors import ConfigError
from pytest_deploycheck.settings.load import load
from pytest_deploycheck.settings.schema import schema

TARGETS = (Path(__file__).parents[2] / "docs" / "targets.md").read_text(encoding="utf-8")
TEXT = (Path(__file__).parents[2] / "docs" / "configuration.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```toml\n(.*?)^```", TEXT + TARGETS, re.DOTALL | re.MULTILINE)


def _as_json(value: object) -> Any:
    return json.loads(
        json.dumps(value, default=lambda each: each.isoformat() if isinstance(each, date | datetime) else each)
    )


@pytest.mark.parametrize("block", BLOCKS, ids=range(len(BLOCKS)))
def test_every_block_loads_in_every_environment(block: str, tmp_path: Path) -> None:
    file = tmp_path / "deploycheck.toml"
    file.write_text(block, encoding="utf-8")
    for name in tomllib.loads(block).get("environments", {}) or [None]:
        effective = load(file, environment=name, overrides={}, environ={}, cwd=tmp_path)
        assert effective.warnings == ()


@pytest.mark.parametrize("block", BLOCKS, ids=range(len(BLOCKS)))
def test_every_block_fits_the_schema(block: str) -> None:
    Draft202012Validator(schema()).validate(_as_json(tomllib.loads(block)))


def test_every_key_of_the_schema_is_in_the_reference() -> None:
    whole = schema()
    keys = set(whole["properties"])
    for definition in whole["$defs"].values():
        keys |= set(definition.get("properties", {}))
    assert {key for key in keys if not re.search(rf"(?<![\w]){re.escape(key)}(?![\w])", TEXT)} == set()
    assert {key for key in keys if not any(re.search(rf"(?<![\w]){key}(?![\w])", block) for block in BLOCKS)} == {
        "in_cluster"  # the other way into a cluster, of which a file has one
    }


def test_the_mistakes_that_are_shown_are_real(tmp_path: Path) -> None:
    file = tmp_path / "deploycheck.toml"
    file.write_text(
        "# one\n# two\nwaiver_max_day = 30\n\n\n\n[[metrics]]\nmetric = 'up'\nmax_age = 60\n\n\n"
        "[environments.prod.prometheus]\nurl = 'http://127.0.0.1'\nauth = { bearer = 'abc' }\n",
        encoding="utf-8",
    )
    with pytest.raises(ConfigError) as caught:
        load(file, environment=None, overrides={}, environ={}, cwd=tmp_path)
    shown = re.search(r"```text\n(.*?)```", TEXT, re.DOTALL)
    assert shown is not None
    assert [str(mistake) for mistake in caught.value.mistakes] == shown[1].splitlines()
