"""What every line must be: a JSON object, and valid by a JSON Schema.

The meaning of a schema is that of the `jsonschema` package. Where a schema is simple enough, lines are decoded straight
into a struct that accepts nothing which the schema refuses; whatever it does not accept is looked at again, slowly.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import msgspec

from pytest_deploycheck.clients.logs.engines import ANNOTATIONS, REASON, has_patterns, kind_of, twin, validator
from pytest_deploycheck.clients.logs.patterns import misses

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pytest_deploycheck.clients.logs.roles import Roles

_FAST_ROOT = ANNOTATIONS | {"type", "properties", "required", "additionalProperties"}
_FAST_PROPERTY = ANNOTATIONS | {"type", "enum", "const", "pattern", "minLength", "maxLength", "minimum", "maximum"}
_parse = msgspec.json.decode
_TYPES: dict[str, Any] = {
    "string": str, "integer": int, "number": float, "boolean": bool, "null": None,
    "object": dict[str, Any], "array": list[Any],
}  # fmt: skip


class Place(msgspec.Struct, frozen=True):
    """Where in the struct of a line a value is.

    Attributes:
        attribute: of the struct.
        below: the key within it, if it is an object; empty if the attribute is the value.
    """

    attribute: str
    below: str = ""


class Contract:
    """One schema, compiled once.

    Args:
        schema: a JSON Schema (any draft that `jsonschema` knows); None = every line must be a JSON object.
        roles: whose keys are read as well.

    Attributes:
        decode: from a line to a struct, raising for whatever it does not accept; None if nothing tells quickly whether
            a line is valid.
        places: role → where in the struct its value is looked for, in order.
        strict: attribute → its pattern, where there is one.
        checks: (attribute, function from its column to the indexes of what has to be looked at again).

    Raises:
        AuthorMistake: if it is no valid schema, or `jsonschema` is not installed.
    """

    def __init__(self, schema: Mapping[str, Any] | None, roles: Roles) -> None:
        """Compile it."""
        self.schema = schema
        self._validator = validator(schema) if schema is not None else None
        self._twin = twin(schema) if schema is not None else None
        self._guarded = schema is not None and has_patterns(schema)
        self._loose = False
        self.decode: Callable[[bytes], Any] | None = None
        self.places: dict[str, tuple[Place, ...]] = {}
        self.checks: list[tuple[str, Callable[[Sequence[Any]], list[int]]]] = []
        self.strict: dict[str, str] = {}
        if schema is None or _is_fast(schema):
            self._compile(schema or {}, roles)
        elif self._twin is not None:
            # Columns are taken as if there were no schema; another judge tells whether it holds.
            self._loose = True
            self._compile({}, roles)

    def reason(self, document: Any) -> str:
        """Return why a parsed line is not valid; empty if it is."""
        if not isinstance(document, dict):
            return f"JSON, and no object: {kind_of(document)}"
        if self._validator is None:
            return ""
        from jsonschema.exceptions import best_match

        error = best_match(self._validator.iter_errors(document))
        if error is None:
            return ""
        where = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error.absolute_path).lstrip(
            "."
        )
        text = error.message if len(error.message) <= REASON else f"{error.message[:REASON]}…"
        return f"{where}: {text}" if where else text

    def accepts(self, document: Any, line: bytes) -> bool:
        """Return whether a parsed line is valid, as quickly as can be told.

        Args:
            document: the line, parsed.
            line: the line itself: engines differ on patterns only where there are escapes or more than ASCII.
        """
        if not isinstance(document, dict):
            return False
        if self._validator is None:
            return True
        if self._twin is not None and not (self._guarded and (b"\\" in line or not line.isascii())):
            return bool(self._twin(document))
        return bool(self._validator.is_valid(document))

    def holds(self, lines: Sequence[bytes], *, ascii_only: bool) -> bool:
        """Return whether all of some lines that `decode` accepts are valid.

        Args:
            lines: of UTF-8.
            ascii_only: whether all bytes are known to be ASCII.
        """
        if not self._loose:
            return True
        documents = map(_parse, lines)
        if self._guarded and (not ascii_only or b"\\" in b"".join(lines)):
            return all(map(self.accepts, documents, lines))
        assert self._twin is not None  # noqa: S101 - for the type checker: else there would be no `decode`
        return all(map(self._twin, documents))

    def _compile(self, schema: Mapping[str, Any], roles: Roles) -> None:
        properties = schema.get("properties", {})
        closed = schema.get("additionalProperties", True) is False
        fields: list[tuple[str, Any] | tuple[str, Any, Any]] = []
        names: dict[str, str] = {}
        required = schema.get("required", ())
        for key in [*properties, *(key for key in required if key not in properties)]:
            names[key] = name = f"f{len(names)}"
            kind = _type_of(properties.get(key, {}))
            fields.append((name, kind) if key in required else (name, kind, None))
            self.checks += [(name, check) for check in _checks_of(properties.get(key, {}))]
            if "pattern" in properties.get(key, {}):
                self.strict[name] = properties[key]["pattern"]
        for role, keys in roles.keys.items():
            places = []
            for key in keys:
                for head in {key, key.partition(".")[0]}:
                    if head not in names and not closed:
                        names[head] = f"f{len(names)}"
                        fields.append((names[head], Any, None))
                if key in names:
                    places.append(Place(names[key]))
                head, dot, rest = key.partition(".")
                if dot and head in names:
                    places.append(Place(names[head], rest))
            self.places[role] = tuple(places)
        fields.sort(key=len)  # those without a default come first
        rename = {name: key for key, name in names.items()}
        struct = msgspec.defstruct("Line", fields, rename=rename, forbid_unknown_fields=closed, gc=False)
        self.decode = msgspec.json.Decoder(struct).decode


def _is_fast(schema: Mapping[str, Any]) -> bool:
    if set(schema) - _FAST_ROOT or schema.get("type", "object") != "object":
        return False
    required, additional = schema.get("required", []), schema.get("additionalProperties", True)
    if additional not in (True, False) or not isinstance(required, list):
        return False
    if additional is False and set(required) - set(schema.get("properties", {})):
        return False  # no line is valid: a key has to be there, and may not
    return all(isinstance(one, dict) and _is_fast_property(one) for one in schema.get("properties", {}).values())


def _is_fast_property(schema: Mapping[str, Any]) -> bool:
    if set(schema) - _FAST_PROPERTY:
        return False
    values = [*schema.get("enum", ()), *([schema["const"]] if "const" in schema else [])]
    if not all(isinstance(value, str) for value in values) or ("enum" in schema and "const" in schema):
        return False
    kinds = _kinds(schema)
    if values and kinds is not None and "string" not in kinds:
        return False  # no value is both
    if kinds is None:
        # Without a type the keywords below speak of some values only.
        return not set(schema) - ANNOTATIONS - {"enum", "const"}
    if {"object", "array"} & kinds and len(kinds - {"null"}) > 1:
        return False
    numeric = {"minimum", "maximum"} & set(schema)
    lengths = {"minLength", "maxLength"} & set(schema)
    return (
        (not numeric or kinds <= {"integer", "number", "null"})
        and (not lengths or kinds <= {"string", "null"})
        and ("pattern" not in schema or kinds <= {"string", "number", "null"})
    )


def _kinds(schema: Mapping[str, Any]) -> set[str] | None:
    kind = schema.get("type")
    if kind is None:
        return None
    return {kind} if isinstance(kind, str) else set(kind)


def _type_of(schema: Mapping[str, Any]) -> Any:
    values = [*schema.get("enum", ()), *([schema["const"]] if "const" in schema else [])]
    kinds = _kinds(schema)
    if values and (kinds is None or "string" in kinds):
        return Literal[tuple(values)]
    if kinds is None:
        return Any
    found: Any = None
    for kind in sorted(kinds - {"null"}):
        # A number that is no integer still is one where both are named.
        part = _TYPES["number" if kind == "integer" and "number" in kinds else kind]
        found = part if found is None else found | part
    return found | None if "null" in kinds and found is not None else found


def _checks_of(schema: Mapping[str, Any]) -> list[Callable[[Sequence[Any]], list[int]]]:
    found: list[Callable[[Sequence[Any]], list[int]]] = []
    if "pattern" in schema:
        found.append(misses(schema["pattern"]))
    least, most = schema.get("minLength", 0), schema.get("maxLength")
    if least or most is not None:
        found.append(_outside(len, least, most))
    if "minimum" in schema or "maximum" in schema:
        found.append(_outside(None, schema.get("minimum"), schema.get("maximum")))
    return found


def _outside(
    measure: Callable[[Any], Any] | None, least: float | None, most: float | None
) -> Callable[[Sequence[Any]], list[int]]:
    def misfit(value: Any) -> bool:
        size = measure(value) if measure is not None else value
        return (least is not None and not size >= least) or (most is not None and not size <= most)

    def column(values: Sequence[Any]) -> list[int]:
        try:
            sizes = set(map(measure, values)) if measure is not None else values
            fits = (least is None or min(sizes) >= least) and (most is None or max(sizes) <= most)
        except TypeError:  # some are None
            fits = False
        return [] if fits else [at for at, value in enumerate(values) if value is not None and misfit(value)]

    return column
