"""Engines that say whether a document is valid: `jsonschema`, which has the last word, and a fast one beside it."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from pytest_deploycheck.clients.logs.patterns import is_common
from pytest_deploycheck.errors import AuthorMistake, ConfigError, Mistake

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MISSING_EXTRA = "pip install 'pytest-deploycheck[logs]'"
REASON = 200
"""The longest text of one reason."""
ANNOTATIONS = frozenset(
    {"$schema", "$id", "$comment", "title", "description", "examples", "default", "format", "deprecated"}
)
_SHARED = ANNOTATIONS | {
    "type", "properties", "required", "additionalProperties", "enum", "const", "pattern", "patternProperties",
    "minLength", "maxLength", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "items", "anyOf", "oneOf",
    "allOf", "not", "if", "then", "else", "minProperties", "maxProperties", "minItems", "maxItems", "$defs",
    "definitions", "$ref",
}  # fmt: skip
"""Keywords that `jsonschema` and `jsonschema-rs` read alike (with the guards of `_is_shared`)."""


def kind_of(document: Any) -> str:
    """Return what a JSON value is, in words."""
    names = {
        list: "an array",
        str: "a string",
        bool: "a boolean",
        int: "a number",
        float: "a number",
        type(None): "null",
    }
    return names.get(type(document), "something else")


# --- the documented meaning ------------------------------------------------------------------------------------------


def validator(schema: Mapping[str, Any]) -> Any:
    """Return `jsonschema`'s validator, of the draft that the schema names.

    Raises:
        AuthorMistake: if it is no valid schema, refers to others, or `jsonschema` is not installed.
    """
    try:
        import jsonschema
        import referencing.jsonschema
    except ImportError:
        raise AuthorMistake(
            "validating log lines against a schema needs the package jsonschema, which is not installed",
            next_step=MISSING_EXTRA,
        ) from None
    if not isinstance(schema, dict):
        raise AuthorMistake(f"the schema is {kind_of(schema)}, and no object", next_step="give a JSON Schema as a dict")
    draft = jsonschema.validators.validator_for(schema, default=jsonschema.Draft202012Validator)
    try:
        _require_patterns(schema)
        draft.check_schema(schema)
    except jsonschema.SchemaError as error:
        where = "/".join(str(part) for part in error.absolute_path)
        raise AuthorMistake(
            f"the schema is not a valid JSON Schema: {error.message[:REASON]}", where=f"#/{where}" if where else "#"
        ) from None
    for reference in _references(schema):
        if not reference.startswith("#"):
            raise AuthorMistake(
                f"the schema refers to {reference!r}: nothing is fetched for it",
                next_step="put what it refers to below $defs of the same schema",
            )
    # A registry of its own: without one, jsonschema would fetch what it does not know.
    return draft(schema, registry=referencing.jsonschema.EMPTY_REGISTRY)


def _subschemas(schema: Any) -> list[dict[str, Any]]:
    """Return a schema and everything below it that is an object (values of `enum` and the like included: harmless)."""
    found: list[dict[str, Any]] = []
    waiting = [schema]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            found.append(node)
            waiting += node.values()
        elif isinstance(node, list | tuple):
            waiting += node
    return found


def _references(schema: Mapping[str, Any]) -> list[str]:
    return [node["$ref"] for node in _subschemas(schema) if isinstance(node.get("$ref"), str)]


def _patterns(schema: Mapping[str, Any]) -> list[str]:
    found = [node["pattern"] for node in _subschemas(schema) if isinstance(node.get("pattern"), str)]
    for node in _subschemas(schema):
        if isinstance(of_names := node.get("patternProperties"), dict):
            found += of_names
    return found


def has_patterns(schema: Mapping[str, Any]) -> bool:
    """Return whether regular expressions are part of it."""
    return bool(_patterns(schema))


def _require_patterns(schema: Mapping[str, Any]) -> None:
    for pattern in _patterns(schema):
        try:
            re.compile(pattern)
        except (re.error, OverflowError, RecursionError) as error:
            raise AuthorMistake(
                f"the schema has a pattern that is no regular expression: {pattern!r}: {error}",
                next_step="patterns are read as Python's `re` reads them",
            ) from None


# --- the same, faster ------------------------------------------------------------------------------------------------


def twin(schema: Mapping[str, Any]) -> Callable[[Any], bool] | None:
    """Return jsonschema-rs's judgement, where it is installed and cannot differ."""
    if not _is_shared(schema):
        return None
    try:
        import jsonschema_rs
    except ImportError:
        return None
    try:
        judge: Callable[[Any], bool] = jsonschema_rs.validator_for(dict(schema), validate_formats=False).is_valid
    except (ValueError, TypeError):
        return None
    return judge


def _is_shared(schema: Mapping[str, Any]) -> bool:
    if any(not is_common(pattern) for pattern in _patterns(schema)):
        return False
    for node in _schemas(schema):
        if set(node) - _SHARED:
            return False
        # Numbers are compared differently (1, 1.0, true) where they are values of an enumeration.
        values = [*node.get("enum", ()), *([node["const"]] if "const" in node else [])]
        if not all(isinstance(value, str) for value in values):
            return False
        if any(isinstance(node.get(bound), bool) for bound in ("exclusiveMinimum", "exclusiveMaximum")):
            return False
    return True


def _schemas(schema: Any) -> list[dict[str, Any]]:
    """Return the schema and its subschemas, and nothing that only looks like one."""
    found: list[dict[str, Any]] = []
    waiting = [schema]
    while waiting:
        node = waiting.pop()
        if not isinstance(node, dict):
            continue
        found.append(node)
        for keyword in ("properties", "patternProperties", "$defs", "definitions"):
            waiting += node[keyword].values() if isinstance(node.get(keyword), dict) else ()
        for keyword in ("additionalProperties", "items", "not", "if", "then", "else"):
            inner = node.get(keyword)
            waiting += inner if isinstance(inner, list) else [inner]
        for keyword in ("anyOf", "oneOf", "allOf"):
            waiting += node.get(keyword, ())
    return found


def read_schema(path: Any) -> dict[str, Any]:
    """Return the schema in a file.

    Raises:
        ConfigError: if it cannot be read, or is no JSON object.
    """
    try:
        found = json.loads(path.read_bytes())
        problem = "" if isinstance(found, dict) else f"{kind_of(found)}, and no object"
    except OSError as error:
        problem = f"cannot be read: {error.strerror}"
    except (ValueError, RecursionError) as error:
        problem = f"is not JSON: {error}"
    if problem:
        raise ConfigError([Mistake(where=str(path), key="schema", problem=problem, expected="a JSON Schema")])
    return dict(found)
