"""One environment out of a file: its own tables laid over the top-level ones, and where each value came from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_deploycheck.errors import Mistake
from pytest_deploycheck.settings.checks import SloCheck
from pytest_deploycheck.settings.mistakes import did_you_mean, one_of
from pytest_deploycheck.settings.models import TABLES, Environment, Settings
from pytest_deploycheck.settings.places import NAMED, places
from pytest_deploycheck.settings.promql import refusal
from pytest_deploycheck.settings.source import dotted
from pytest_deploycheck.settings.values import SecretRef, quoted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pydantic import BaseModel

    from pytest_deploycheck.settings.checks import Checks
    from pytest_deploycheck.settings.entries import Entry
    from pytest_deploycheck.settings.lines import KeyPath
    from pytest_deploycheck.settings.source import Source

NO_ENVIRONMENT = "none"
"""The name of the empty environment of a run without any."""

_REPLACED = ("rule_policy", "alerts", "soak", "cluster", "annotation")
"""Tables of which the environment's replaces the top-level one as a whole."""


@dataclass(frozen=True)
class Placed:
    """An entry and its place in the file."""

    entry: Entry
    path: KeyPath


def file_mistakes(settings: Settings, source: Source) -> Iterator[Mistake]:
    """Yield what is wrong between the tables of a file whose every value is right by itself."""
    yield from _duplicates(settings, (), source)
    for name, environment in settings.environments.items():
        base: KeyPath = ("environments", name)
        yield from _duplicates(environment, base, source)
        if name in environment.targets:
            path = (*base, "targets", name)
            problem = "has the name of its environment, which what is checked of the environment itself carries"
            yield Mistake(where=source.where(path), key=dotted(path), problem=problem, expected="another name")
        for table in TABLES:
            for placed in _placed(environment, table, base):
                yield from _service_mistake(placed, name, environment, source)


def environment_mistakes(settings: Settings, name: str, source: Source) -> Iterator[Mistake]:
    """Yield what is wrong with the top-level entries in the one environment that is used."""
    environment = chosen(settings, name)
    for table in TABLES:
        replaced = {entry.derived_id() for entry in getattr(environment, table)}
        for placed in _placed(settings, table, ()):
            if placed.entry.derived_id() not in replaced:
                yield from _service_mistake(placed, name, environment, source)


def merged(settings: Settings, name: str) -> tuple[Environment, dict[str, list[Placed]]]:
    """Return an environment with the top-level expectations in it, and the places of the entries of each table.

    An entry of the environment takes the place of the top-level one with the same id; the others follow behind.
    """
    own = chosen(settings, name)
    base: KeyPath = ("environments", name)
    tables: dict[str, list[Placed]] = {}
    for table in TABLES:
        mine = {placed.entry.derived_id(): placed for placed in _placed(own, table, base)}
        tables[table] = [mine.pop(top.entry.derived_id(), top) for top in _placed(settings, table, ())]
        tables[table] += mine.values()
    update: dict[str, Any] = {table: tuple(placed.entry for placed in found) for table, found in tables.items()}
    for key in _REPLACED:
        if getattr(own, key) is None:
            update[key] = getattr(settings, key)
    return own.model_copy(update=update), tables


def provenance(settings: Settings, name: str, tables: Mapping[str, list[Placed]], source: Source) -> dict[str, str]:
    """Return the dotted key of every value that the file gives to one environment → `file:line`."""
    own = settings.environments.get(name)
    moved: dict[KeyPath, KeyPath] = {("environments", name): ("environment",)}
    for key in _REPLACED:
        if own is None or getattr(own, key) is None:
            moved[(key,)] = ("environment", key)
    for table, placed in tables.items():
        for index, each in enumerate(placed):
            moved[each.path] = ("environment", table, index)
    skipped = {*TABLES, *_REPLACED, "environments", "default_environment", "deployment"}
    found: dict[str, str] = {}
    for path in leaves(source.data):
        new = next((moved[path[:n]] + path[n:] for n in range(len(path), 0, -1) if path[:n] in moved), None)
        if new is None and path[0] not in skipped:
            new = path
        if new is None or new[:2] == ("environment", "deployment"):  # the deployment has layers of its own
            continue
        found[dotted(new)] = source.where(path)
    return found


def place_secrets(environment: Environment, name: str, source: Source) -> None:
    """Tell every secret reference of an environment where it stands, so that messages can say so."""
    for path, ref in secrets(environment, ("environments", name)):
        ref.stands_at(source.where(path), dotted(path))


def secrets(model: BaseModel, base: KeyPath) -> Iterator[tuple[KeyPath, SecretRef]]:
    """Yield every secret reference below a model with its path."""
    for field in type(model).model_fields:
        value = getattr(model, field)
        children = value.items() if isinstance(value, dict) else [(None, value)]
        for key, child in children:
            path = (*base, field) if key is None else (*base, field, key)
            if isinstance(child, SecretRef):
                yield path, child
            elif hasattr(child, "model_fields_set"):
                yield from secrets(child, path)


def doubts(tables: Mapping[str, list[Placed]], source: Source) -> Iterator[str]:
    """Yield a warning for each expression that the parser refuses but another version of Prometheus may take."""
    for placed in tables["slos"]:
        if isinstance(placed.entry, SloCheck):
            for key in ("expr", "traffic"):
                expr = getattr(placed.entry, key)
                found = refusal(expr) if expr is not None else None
                if found is not None:
                    path = (*placed.path, key)
                    yield (
                        f"{source.where(path)}: {dotted(path)}: may not be valid PromQL: {found.words} "
                        "(the server decides; another version of Prometheus may know it)"
                    )


def leaves(data: object, path: KeyPath = ()) -> Iterator[KeyPath]:
    """Yield the path of every value that is no table; a list of plain values is one value."""
    if isinstance(data, dict) and data:
        for key, value in data.items():
            yield from leaves(value, (*path, key))
    elif isinstance(data, list) and data and all(isinstance(element, dict) for element in data):
        for index, element in enumerate(data):
            yield from leaves(element, (*path, index))
    elif path:
        yield path


def chosen(settings: Settings, name: str) -> Environment:
    """Return the environment of a name; an empty one if there is none."""
    found = settings.environments.get(name)
    return found if found is not None else Environment.model_construct()


def _placed(checks: Checks, table: str, base: KeyPath) -> list[Placed]:
    entries: tuple[Entry, ...] = getattr(checks, table)
    return [Placed(entry, (*base, table, index)) for index, entry in enumerate(entries)]


def _duplicates(checks: Checks, base: KeyPath, source: Source) -> Iterator[Mistake]:
    for table in TABLES:
        first: dict[str, Placed] = {}
        for placed in _placed(checks, table, base):
            other = first.setdefault(placed.entry.derived_id(), placed)
            if other is not placed:
                yield Mistake(
                    where=source.where(placed.path),
                    key=dotted(placed.path),
                    problem=f"has the same id as {dotted(other.path)} at {source.where(other.path)}: "
                    f"{quoted(placed.entry.derived_id())}",
                    expected="an id of its own: id = …",
                )


def _service_mistake(placed: Placed, name: str, environment: Environment, source: Source) -> Iterator[Mistake]:
    """Yield what an entry names and the environment, or the targets that it is about, do not have."""
    unknown = list(_target_mistakes(placed, name, environment, source))
    yield from unknown
    if unknown:
        return
    by_name = places(environment)
    for kind, key in NAMED.items():
        given = getattr(placed.entry, key, None)
        if given is None:
            continue
        path = (*placed.path, key)
        for target in placed.entry.targets or [None]:
            # Without targets of its own an entry is about every one that has the service.
            mine = [by_name[target]] if target is not None else list(by_name.values())
            there = sorted({one for place in mine for one in place.all(kind)})
            if given not in there:
                problem, expected = _not_there(given, there, kind, name=name, target=target)
                yield Mistake(where=source.where(path), key=dotted(path), problem=problem, expected=expected)
                break


def _target_mistakes(placed: Placed, name: str, environment: Environment, source: Source) -> Iterator[Mistake]:
    known = list(environment.targets)
    for index, target in enumerate(placed.entry.targets):
        if target not in known:
            path = (*placed.path, "targets", index)
            problem = f"environment {quoted(name)} has no target {quoted(target)}{did_you_mean(target, known)}"
            expected = one_of(known) if known else f"a table such as [{_table(name, target, 'prometheus')}]"
            yield Mistake(where=source.where(path), key=dotted(path), problem=problem, expected=expected)


def _not_there(given: str, there: list[str], kind: str, *, name: str, target: str | None) -> tuple[str, str]:
    """Return what is wrong with the name of a service or log source, and what is expected."""
    noun = {"services": "service", "logs": "log source"}[kind]
    who = f"target {quoted(target)}" if target is not None else f"environment {quoted(name)}"
    if there:
        return f"{who} has no {noun} {quoted(given)}{did_you_mean(given, there)}", one_of(there)
    if name == NO_ENVIRONMENT:
        return f"there is no environment, so no {noun} {quoted(given)}", "a table [environments.NAME]"
    return f"{who} has no {noun}s", f"a table [{_table(name, target, kind, given)}]"


def _table(name: str, target: str | None, *keys: str) -> str:
    return dotted(("environments", name, *(("targets", target) if target is not None else ()), *keys))
