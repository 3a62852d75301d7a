"""The JSON Schema of `deploycheck.toml`, for editors; its descriptions are the docstrings of the settings' fields."""

from __future__ import annotations

import ast
import inspect
import sys
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from pytest_deploycheck.settings.models import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

ID = "urn:pytest-deploycheck:deploycheck.toml:1"
_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of the file.

    It accepts what the file's grammar allows; names that must exist, PromQL and secrets are judged by `load` only.
    """
    found = Settings.model_json_schema(mode="validation")
    definitions = found.pop("$defs", {})
    for model in _models(Settings):
        target = found if model is Settings else definitions.get(model.__name__)
        if target is None:
            continue
        target["title"] = model.__name__ if model is not Settings else "deploycheck.toml"
        target["description"] = inspect.cleandoc(model.__doc__ or "")
        for key, words in _descriptions(model).items():
            if key in target.get("properties", {}):
                _describe(target["properties"][key], words)
    return {"$schema": _DIALECT, "$id": ID, **_without_null(found), "$defs": _without_null(definitions)}


def _describe(target: dict[str, Any], words: str) -> None:
    target.pop("title", None)  # pydantic's is the key again
    target["description"] = words


def _models(root: type[BaseModel]) -> set[type[BaseModel]]:
    """Return a model and all below it."""
    found = {root}
    waiting = [root]
    while waiting:
        for info in waiting.pop().model_fields.values():
            for part in _parts(info.annotation):
                if isinstance(part, type) and issubclass(part, BaseModel) and part not in found:
                    found.add(part)
                    waiting.append(part)
    return found


def _parts(annotation: Any) -> Iterator[Any]:
    yield annotation
    for part in getattr(annotation, "__args__", ()):
        yield from _parts(part)


def _descriptions(model: type[BaseModel]) -> dict[str, str]:
    """Return key of the file → the docstring below its field, the nearest class first."""
    found: dict[str, str] = {}
    for owner in reversed(model.__mro__):
        if owner is BaseModel or not issubclass(owner, BaseModel):
            continue
        body = next(
            node.body
            for node in ast.parse(inspect.getsource(sys.modules[owner.__module__])).body
            if isinstance(node, ast.ClassDef) and node.name == owner.__name__
        )
        for field, text in pairwise(body):
            if (
                isinstance(field, ast.AnnAssign)
                and isinstance(field.target, ast.Name)
                and isinstance(text, ast.Expr)
                and isinstance(text.value, ast.Constant)
            ):
                info = model.model_fields.get(field.target.id)
                found[(info.alias if info else None) or field.target.id] = inspect.cleandoc(str(text.value.value))
    return found


def _without_null(node: Any) -> Any:
    """Drop what TOML cannot say: `null` as a type, and as a default."""
    if isinstance(node, list):
        return [_without_null(child) for child in node]
    if not isinstance(node, dict):
        return node
    node = {key: _without_null(child) for key, child in node.items() if not (key == "default" and child is None)}
    if isinstance(choices := node.get("anyOf"), list):
        rest = [choice for choice in choices if choice != {"type": "null"}]
        if len(rest) == 1 and len(choices) > 1:
            del node["anyOf"]
            node = {**rest[0], **node}
        else:
            node["anyOf"] = rest
    return node
