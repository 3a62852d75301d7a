"""From what pydantic found to one plain sentence per mistake, with file, line and key; values are not repeated."""

from __future__ import annotations

import types
from difflib import get_close_matches
from typing import TYPE_CHECKING, Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel

from pytest_deploycheck.errors import Mistake
from pytest_deploycheck.settings.source import dotted
from pytest_deploycheck.settings.values import Wrong, kind_of, quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from pydantic import ValidationError
    from pydantic_core import ErrorDetails

    from pytest_deploycheck.settings.lines import KeyPath

_KINDS = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "dict_type": "a table",
    "mapping_type": "a table",
    "model_type": "a table",
    "model_attributes_type": "a table",
    "tuple_type": "a list",
    "list_type": "a list",
}
"""Errors of type → what was expected."""

_BOUNDS = {"greater_than": "gt", "greater_than_equal": "ge", "less_than": "lt", "less_than_equal": "le"}
_BOUND_WORDS = {"gt": "above", "ge": "at least", "lt": "below", "le": "at most"}


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return `; did you mean "x"?` for the closest known word, or nothing if none is close."""
    close = get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"; did you mean {quoted(close[0])}?" if close else ""


def one_of(known: Iterable[str]) -> str:
    """Return `"a", "b" or "c"`."""
    *head, last = [quoted(word) for word in known]
    return f"{', '.join(head)} or {last}" if head else last


def translate(
    error: ValidationError, data: Mapping[str, Any], root: type[BaseModel], where: Callable[[KeyPath], str]
) -> list[Mistake]:
    """Return the mistakes that a validation found, in file order.

    Args:
        error: of `root.model_validate(data)`.
        data: what was validated.
        root: the model it was validated against.
        where: path → `file:line`.
    """
    found: dict[tuple[KeyPath, str], Mistake] = {}
    for detail in error.errors(include_url=False, include_input=False):
        path = tuple(part for part in detail["loc"] if part != "[key]")
        if detail["type"] == "too_short" and _value_at(data, path):
            continue  # pydantic counts only the right elements, and the wrong ones have their own mistakes
        problem, expected = _sentence(detail, path, data, root)
        mistake = Mistake(where=where(path), key=dotted(path) or "the file", problem=problem, expected=expected)
        found.setdefault((path, problem), mistake)
    return in_file_order(found.values())


def in_file_order(mistakes: Iterable[Mistake]) -> list[Mistake]:
    """Return mistakes sorted by line; those without a line keep their order behind the others."""

    def line(mistake: Mistake) -> float:
        number = mistake.where.rpartition(":")[2]
        return int(number) if number.isdecimal() else float("inf")

    return sorted(mistakes, key=line)


def _sentence(detail: ErrorDetails, path: KeyPath, data: Mapping[str, Any], root: type[BaseModel]) -> tuple[str, str]:
    """Return problem and expectation of one error."""
    kind, context = detail["type"], detail.get("ctx", {})
    value = _value_at(data, path)
    # Where nothing is known, nothing of the library's wording is shown: it speaks of Python, and may repeat the value.
    problem, expected = f"{kind_of(value)} that cannot be used here", _words_of(root, path)
    if isinstance(wrong := context.get("error"), Wrong):
        problem, expected = wrong.problem, wrong.expected
    elif kind == "extra_forbidden":
        known = _known_keys(root, path[:-1])
        hint = did_you_mean(str(path[-1]), known)
        problem, expected = f"unknown key{hint}", "" if hint or not known else f"one of {', '.join(known)}"
    elif kind == "missing":
        problem = "is missing"
    elif kind == "literal_error":
        known = _choices(root, path)
        problem = (
            f"is {quoted(value)}{did_you_mean(value, known)}" if isinstance(value, str) else f"is {kind_of(value)}"
        )
        expected = one_of(known)
    elif kind == "finite_number":
        problem, expected = f"is {value}", "a finite number"
    elif kind in {"string_too_short", "too_short"}:
        problem = "is empty"
    elif kind in _KINDS:
        problem, expected = f"is {kind_of(value)}", _KINDS[kind]
    elif kind in _BOUNDS:
        bound = _BOUNDS[kind]
        problem, expected = f"is {value}", f"{_BOUND_WORDS[bound]} {context.get(bound)}"
    return problem, expected


def _value_at(data: Any, path: KeyPath) -> Any:
    for part in path:
        try:
            data = data[part]
        except (KeyError, IndexError, TypeError):
            return None
    return data


def _words_of(root: type[BaseModel], path: KeyPath) -> str:
    """Return in plain words what kind of value a key takes."""
    annotation = _bare(_annotation_at(root, path))
    origin = get_origin(annotation)
    if origin is tuple:
        return "a list that is not empty"
    if origin is dict or (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
        return "a table that is not empty"
    return {str: "text that is not empty", int: "a whole number", float: "a number", bool: "true or false"}.get(
        annotation, "a value of another kind"
    )


def _known_keys(root: type[BaseModel], path: KeyPath) -> list[str]:
    annotation = _bare(_annotation_at(root, path)) if path else root
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [info.alias or name for name, info in annotation.model_fields.items()]
    return []


def _choices(root: type[BaseModel], path: KeyPath) -> list[str]:
    return [str(choice) for choice in get_args(_bare(_annotation_at(root, path)))]


def _annotation_at(root: type[BaseModel], path: KeyPath) -> Any:
    """Follow a path of the file through the models' annotations."""
    annotation: Any = root
    for part in path:
        bare = _bare(annotation)
        origin = get_origin(bare)
        if isinstance(bare, type) and issubclass(bare, BaseModel):
            fields = {info.alias or name: info.annotation for name, info in bare.model_fields.items()}
            annotation = fields.get(str(part))
        elif origin is tuple:
            annotation = get_args(bare)[0]
        elif origin is dict:
            annotation = get_args(bare)[1]
        else:
            return None
    return annotation


def _bare(annotation: Any) -> Any:
    """Take `Annotated` and `| None` away."""
    while True:
        origin = get_origin(annotation)
        if origin is Annotated:
            annotation = get_args(annotation)[0]
        elif origin in (Union, types.UnionType):
            annotation = next(part for part in get_args(annotation) if part is not types.NoneType)
        else:
            return annotation
