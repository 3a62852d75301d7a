"""What a schema means is what `jsonschema` says; whatever is faster never accepts more, and tells no other count."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_deploycheck.clients.logs.contract import Contract
from pytest_deploycheck.clients.logs.json_line import parse
from pytest_deploycheck.clients.logs.roles import choose
from pytest_deploycheck.errors import AuthorMistake

ROLES = choose([], {"time": "timestamp", "level": "level", "message": "message"})

properties = st.one_of(
    st.fixed_dictionaries(
        {},
        optional={
            "type": st.sampled_from(
                [
                    *("string", "integer", "number", "boolean", "null", "object", "array"),
                    *(["string", "null"], ["number", "string"]),
                ]
            ),
            "enum": st.sampled_from([["INFO", "ERROR"], ["a"], [1, "a"], [True], [None, "a"]]),
            "pattern": st.sampled_from(
                [
                    *("^[0-9a-f]{4}$", "^[0-9]+$", "a", r"^\d{2}$", r"\Ax\Z", "^[a-c]{1,3}$", r"^\w+$"),
                    *("^[0-9]{2}:[0-9]{2}$", "[^a]", "(?i)A"),
                ]
            ),
            "minLength": st.integers(0, 3),
            "maxLength": st.integers(1, 5),
            "minimum": st.integers(-1, 3),
            "maximum": st.integers(2, 9),
        },
    ),
    st.sampled_from(
        [
            True, {"const": "a"}, {"anyOf": [{"type": "string"}, {"minimum": 2}]}, {"not": {"type": "null"}},
            {"type": "object", "required": ["x"]}, {"items": {"type": "string"}}, {"multipleOf": 0.5},
        ]
    ),
)  # fmt: skip
schemas = st.fixed_dictionaries(
    {"properties": st.dictionaries(st.sampled_from(["level", "n", "log.x"]), properties, max_size=3)},
    optional={
        "type": st.just("object"),
        "required": st.lists(st.sampled_from(["level", "n", "other"]), unique=True),
        "additionalProperties": st.booleans(),
    },
)
values = st.one_of(
    st.sampled_from(
        [
            "INFO",
            "a",
            "abc",
            "00ff",
            "00ff\n",
            "12",
            "١٢",
            "12:30",
            "",
            "x",
            "x\n",
            "ä",
            0,
            1,
            1.0,
            2.5,
            -0.0,
            True,
            False,
        ]
    ),
    st.sampled_from([None, [], ["a"], {}, {"x": 1}, 10**30, 1e300]),
)
lines = st.dictionaries(st.sampled_from(["level", "n", "log.x", "more"]), values, max_size=4)


@settings(max_examples=1500, deadline=None)
@given(schemas, lines, st.booleans())
def test_what_is_fast_accepts_nothing_that_jsonschema_refuses(
    schema: dict[str, Any], document: dict[str, Any], escaped: bool
) -> None:
    line = json.dumps(document, ensure_ascii=escaped).encode()
    contract = Contract(schema, ROLES)
    parsed, _ = parse(line)
    valid = jsonschema.Draft202012Validator(schema).is_valid(parsed)
    assert contract.accepts(parsed, line) == valid
    assert (contract.reason(parsed) == "") == valid
    if contract.decode is not None:
        try:
            row = contract.decode(line)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return
        refused = any(check([getattr(row, name)]) for name, check in contract.checks)
        assert refused or valid or not contract.holds([line], ascii_only=line.isascii())


TRAPS = {
    "trace id that is not hexadecimal": ('{"trace_id": "zz"}', "trace_id: 'zz' does not match '^[0-9a-f]{2}$'"),
    "trailing line break, as Python reads $": ('{"trace_id": "ab\\n"}', ""),
    "Arabic digits, as Python reads \\d": ('{"digits": "١٢"}', ""),
    "true is no number": ('{"ms": true}', "ms: True is not of type 'number'"),
    "a number as text": ('{"ms": "12"}', "ms: '12' is not of type 'number'"),
    "the last of duplicate keys counts": ('{"ms": "x", "ms": 1}', ""),
    "1.0 is an integer": ('{"tries": 1.0}', ""),
    "NaN": ('{"ms": NaN}', "not JSON: a bare NaN"),
    "Infinity": ('{"ms": -Infinity}', "not JSON: a bare -Infinity"),
    "an array": ("[1]", "JSON, and no object: an array"),
    "a string": ('"x"', "JSON, and no object: a string"),
    "cut off": ('{"ms": 1', "not JSON: Input data was truncated"),
    "two objects": ('{"ms": 1}{"ms": 2}', "not JSON: trailing characters (byte 10)"),
    "text": ("Traceback (most recent call last):", "not JSON"),
    "a lone surrogate": ('{"m": "\\ud800"}', "not JSON: a lone surrogate"),
    "nested without end": ("[" * 100_000, "not JSON: nested too deeply"),
    "a byte order mark": ('\ufeff{"ms": 1}', "not JSON: begins with a byte order mark"),
}
TRAP_SCHEMA: dict[str, Any] = {
    "properties": {
        "trace_id": {"type": "string", "pattern": "^[0-9a-f]{2}$"},
        "digits": {"type": "string", "pattern": r"^\d+$"},
        "ms": {"type": "number"},
        "tries": {"type": "integer"},
    }
}


@pytest.mark.parametrize(("text", "reason"), TRAPS.values(), ids=TRAPS)
def test_traps(text: str, reason: str) -> None:
    line = text.encode()
    document, why = parse(line)
    contract = Contract(TRAP_SCHEMA, ROLES)
    assert (why or contract.reason(document)) == reason
    if not why:
        assert contract.accepts(document, line) == (not reason)


def test_not_utf8() -> None:
    assert parse(b'{"m": "\xff"}') == (None, "not UTF-8 (byte 7)")


NO_SCHEMAS: dict[str, tuple[Any, str]] = {
    "kind": (
        {"type": "word"},
        """\
the schema is not a valid JSON Schema: 'word' is not valid under any of the given schemas
  at: #/type""",
    ),
    "pattern": (
        {"properties": {"a": {"pattern": "("}}},
        """\
the schema has a pattern that is no regular expression: '(': missing ), unterminated subpattern at position 0
  next: patterns are read as Python's `re` reads them""",
    ),
    "reference": (
        {"$ref": "https://example.com/schema.json"},
        """\
the schema refers to 'https://example.com/schema.json': nothing is fetched for it
  next: put what it refers to below $defs of the same schema""",
    ),
    "list": ([], "the schema is an array, and no object\n  next: give a JSON Schema as a dict"),
}


@pytest.mark.parametrize(("schema", "message"), NO_SCHEMAS.values(), ids=NO_SCHEMAS)
def test_schemas_that_are_none(schema: Any, message: str) -> None:
    with pytest.raises(AuthorMistake) as error:
        Contract(schema, ROLES)
    assert str(error.value) == message


def test_a_schema_may_refer_to_its_own_parts() -> None:
    contract = Contract({"$defs": {"id": {"type": "string"}}, "properties": {"a": {"$ref": "#/$defs/id"}}}, ROLES)
    assert contract.reason({"a": 1}) == "a: 1 is not of type 'string'"
    assert contract.decode is not None
    assert contract.holds([b'{"a": "x"}', b"{}"], ascii_only=True)
    assert not contract.holds([b'{"a": "x"}', b'{"a": 1}'], ascii_only=True)
