"""The JSON Schema: valid by itself, described throughout, and of one mind with the loader on good and broken files."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from pytest_deploycheck.settings.schema import schema

PROM = "[environments.p.prometheus]\nurl = 'http://h'\n"


def test_it_is_a_schema_of_its_draft() -> None:
    found = schema()
    assert found["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert found["$id"] == "urn:pytest-deploycheck:deploycheck.toml:1"
    Draft202012Validator.check_schema(found)


def test_every_key_has_a_description_and_every_table_a_title() -> None:
    found = schema()
    for name, table in {"deploycheck.toml": found, **found["$defs"]}.items():
        assert table["title"] == name
        assert table["description"]
        assert table["additionalProperties"] is False
        for key, value in table["properties"].items():
            assert value.get("description"), (name, key)
    assert found["properties"]["strict"]["description"] == "Whether warnings gate as blockers do."
    assert found["$defs"]["EndpointCheck"]["properties"]["owner"]["description"] == "Who answers for it."


def _nodes(node: Any) -> list[dict[str, Any]]:
    children = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    return [*([node] if isinstance(node, dict) else []), *(found for child in children for found in _nodes(child))]


def test_toml_has_no_null() -> None:
    assert not [node for node in _nodes(schema()) if node.get("type") == "null" or node.get("default", 0) is None]


@pytest.mark.parametrize(
    "text",
    [
        "reprots = 'x'",
        "strict = 'yes'",
        "waiver_max_days = 366",
        "unmarked = 'blockr'",
        "default_tier = 'later'",
        "[alerts]\nwindow = 5",
        "[alerts]\nwindow = '5'",
        "[[scrape_targets]]\ncount = 1",
        "[[scrape_targets]]\njob = ''",
        "[[endpoints]]\nservice = 's'\npath = 'x'",
        "[[endpoints]]\nservice = 's'\nstatus = []",
        "[[slos]]\nexpr = 'x'",
        "[[versions]]\nservice = 's'\nmetric = 'x'",
        "[deployment]\nimage_digest = 'x'",
        PROM.replace("http", "ftp"),
        PROM.replace("http://h", "https://u:p@h"),
        PROM + "auth = { bearer = 'x' }",
        PROM + "auth = { bearer = {} }",
        PROM + "auth = { bearer = { env = 'X', file = 'y' } }",
        PROM + "auth = { username = 'u' }",
        PROM + "max_body = '1 PiB'",
        "[environments.p.logs.a]\nfile = 'x'\npods = 'y'",
    ],
)
def test_broken_files_are_broken_by_the_schema_too(text: str, mistakes: Any) -> None:
    assert mistakes(text)
    assert not Draft202012Validator(schema()).is_valid(tomllib.loads(text))
