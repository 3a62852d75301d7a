"""The effective settings as text or JSON: every value with its origin, and of secrets only whether they are there."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from pytest_deploycheck.settings.entries import Entry
from pytest_deploycheck.settings.masking import MASK, looks_secret, masked_arguments, masked_text
from pytest_deploycheck.settings.places import looked_at
from pytest_deploycheck.settings.source import dotted
from pytest_deploycheck.settings.values import SecretRef, format_duration

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pytest_deploycheck.settings.lines import KeyPath
    from pytest_deploycheck.settings.models import Effective

_TOP = ("reports", "waivers", "waiver_max_days", "unmarked", "strict", "default_tier", "deployment", "environment")


@dataclass(frozen=True)
class Shown:
    """One effective value.

    Attributes:
        key: dotted.
        value: builtins only, nothing secret.
        origin: where it came from.
        state: of a secret reference: whether there is something; empty for all else.
    """

    key: str
    value: Any
    origin: str
    state: str = ""


def render_config(effective: Effective, environ: Mapping[str, str] | None = None) -> str:
    """Return the effective settings as lines `key = value   # origin`.

    Args:
        effective: what holds.
        environ: where it is looked up whether a secret is set; the process's environment if it is not given.
    """
    lines = [
        f"# file: {effective.source or 'none'}",
        f"# environment: {effective.environment_name}",
        *_targets(effective),
        *(f"# warning: {warning}" for warning in effective.warnings),
    ]
    for shown in _all(effective, os.environ if environ is None else environ):
        state = f" ({shown.state})" if shown.state else ""
        lines.append(f"{shown.key} = {_toml(shown.value)}{state}   # {shown.origin}")
    return "\n".join(lines) + "\n"


def render_config_json(effective: Effective, environ: Mapping[str, str] | None = None) -> str:
    """Return the same as JSON: `source`, `environment`, `warnings`, and `settings` by dotted key."""
    settings = {}
    for shown in _all(effective, os.environ if environ is None else environ):
        settings[shown.key] = {"value": shown.value, "origin": shown.origin}
        if shown.state:
            settings[shown.key]["state"] = shown.state
    record = {
        "source": str(effective.source) if effective.source else None,
        "environment": effective.environment_name,
        "targets": list(effective.environment.targets),
        "looked_at": list(looked_at(effective)),
        "warnings": list(effective.warnings),
        "settings": settings,
    }
    return json.dumps(record, indent=2, ensure_ascii=False) + "\n"


def _targets(effective: Effective) -> Iterator[str]:
    if known := effective.environment.targets:
        narrowed = f"; this run looks at {', '.join(effective.only)} only ({effective.origin('only')})"
        yield f"# targets: {', '.join(known)}{narrowed if effective.only else ''}"


def _all(effective: Effective, environ: Mapping[str, str]) -> Iterator[Shown]:
    for key in _TOP:
        for path, value in _values(getattr(effective, key), (key,)):
            name = dotted(path)
            if isinstance(value, SecretRef):
                origin = next((effective.origin(f"{name}.{kind}") for kind in value.model_fields_set), "default")
                yield Shown(name, _reference(value), origin, _state(value, environ))
            else:
                made = path[-1] == "id" and name not in effective.provenance
                yield Shown(name, value, "made from the entry" if made else effective.origin(name))


def _values(value: Any, path: KeyPath) -> Iterator[tuple[KeyPath, Any]]:
    """Yield every leaf as a builtin, secret references as they are; nothing that is not set."""
    if isinstance(value, SecretRef):
        yield path, value
    elif isinstance(value, BaseModel):
        yield from _fields(value, path)
    elif isinstance(value, dict):
        for key, child in value.items():
            # Only keys of the user's own tables: our own `auth` or `key` hold no values.
            secret = not isinstance(child, BaseModel) and looks_secret(key)
            yield from [((*path, key), MASK)] if secret else _values(child, (*path, key))
    elif isinstance(value, tuple | list) and value and all(isinstance(child, BaseModel | dict) for child in value):
        for index, child in enumerate(value):
            yield from _values(child, (*path, index))
    elif value is not None and value != ():
        yield path, _plain(value)


def _fields(model: BaseModel, path: KeyPath) -> Iterator[tuple[KeyPath, Any]]:
    if isinstance(model, Entry):
        yield (*path, "id"), model.derived_id()
    for name, info in type(model).model_fields.items():
        # The defaults of some hundred entries would bury what was written.
        if isinstance(model, Entry) and (name == "id" or name not in model.model_fields_set):
            continue
        if path == ("environment",) and name == "deployment":
            continue
        value = getattr(model, name)
        if name == "command" and isinstance(value, tuple):
            value = tuple(masked_arguments(value))
        yield from _values(value, (*path, info.alias or name))


def _plain(value: Any) -> Any:
    if isinstance(value, timedelta):
        return format_duration(value)
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, str):
        return masked_text(value)
    if isinstance(value, list | tuple):
        return [_nested(child) for child in value]
    return value


def _nested(value: Any) -> Any:
    """Return what stands in a list of a request's body: tables there have no key of their own to be shown under."""
    if isinstance(value, dict):
        return {key: MASK if looks_secret(key) else _nested(child) for key, child in value.items()}
    return _plain(value)


def _reference(ref: SecretRef) -> dict[str, Any]:
    if ref.env is not None:
        return {"env": ref.env}
    if ref.file is not None:
        return {"file": str(ref.file)}
    return {"command": masked_arguments(ref.command or ())}


def _state(ref: SecretRef, environ: Mapping[str, str]) -> str:
    if ref.env is not None:
        length = len(environ.get(ref.env, "").rstrip())
        return f"set, {length} characters" if length else "unset!"
    if ref.file is not None:
        return "readable" if ref.file.is_file() and os.access(ref.file, os.R_OK) else "not readable!"
    return "not run"


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return (
            "{ " + ", ".join(f"{dotted((key,))} = {_toml(child)}" for key, child in value.items()) + " }"
            if value
            else "{}"
        )
    if isinstance(value, list):
        return "[" + ", ".join(_toml(child) for child in value) + "]"
    return json.dumps(value, ensure_ascii=False)  # texts, numbers and booleans look the same in TOML
