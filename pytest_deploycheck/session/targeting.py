"""Which targets a check is about: how it is parametrised over them, and what a narrowed run leaves out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pytest_deploycheck.errors import ConfigError, Mistake
from pytest_deploycheck.markers import PLACES
from pytest_deploycheck.settings.places import NAMED, places

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pytest_deploycheck.session.run import Run
    from pytest_deploycheck.session.target import Target
    from pytest_deploycheck.settings.entries import Entry
    from pytest_deploycheck.settings.models import Effective
    from pytest_deploycheck.settings.places import Place

PARAMETER = "deploycheck_target"
"""The fixture whose parameter is the name of a check's target."""

KINDS = {
    "prometheus": "prometheus",
    "alertmanager": "alertmanager",
    "grafana": "grafana",
    "health": "services",
    "kubernetes": "kubernetes",
    "logs": "logs",
    "network": "services",
}
"""Fixture of a system → the kind of system that it speaks to, as `settings.models.Systems` calls it."""

_BY_NAME = frozenset({"network"})
"""Fixtures that speak to a system of ours only where an entry names one; else to whatever host they are given."""

_FIXTURES = "pytest_deploycheck.fixtures"
_LEAST_COMPARED = 2


def target_of(item: pytest.Item) -> str:
    """Return the target that a test is parametrised with; empty if it is none."""
    callspec = getattr(item, "callspec", None)
    found: str = callspec.params.get(PARAMETER, "") if callspec is not None else ""
    return found


def targets_of(item: pytest.Item, settings: Effective | None) -> tuple[str, ...]:
    """Return the targets that a check is about: the one that it is parametrised with, or all that it compares."""
    if settings is None:
        return ()
    if _compares(item):
        return tuple(settings.environment.targets)
    return (name,) if (name := target_of(item)) else ()


def outside(item: pytest.Item, settings: Effective | None) -> bool:
    """Return whether a narrowed run leaves a check out: it is about other targets, or fewer than two are left."""
    about = targets_of(item, settings)
    if settings is None or not (settings.only and about):
        return False
    left = [name for name in about if name in settings.only]
    return len(left) < (_LEAST_COMPARED if _compares(item) else 1)


def _compares(item: pytest.Item) -> bool:
    definitions = getattr(getattr(item, "_fixtureinfo", None), "name2fixturedefs", {})
    return "targets" in getattr(item, "fixturenames", ()) and "targets" in own_fixtures(["targets"], definitions)


def compared(run: Run) -> tuple[Target, ...]:
    """Return the targets that the run looks at, to be compared.

    Raises:
        ConfigError: if there are fewer than two: a comparison with nothing would always hold.
    """
    if len(run.targets) >= _LEAST_COMPARED:
        return run.targets
    settings = run.settings
    known = ", ".join(settings.environment.targets)
    name = settings.environment_name
    raise ConfigError(
        [
            Mistake(
                where=str(settings.source or "no deploycheck.toml found"),
                key=f"environments.{name}.targets",
                problem=f"a check compares targets, and the environment has {f'only {known}' if known else 'none'}",
                expected=f"at least two tables such as [environments.{name}.targets.eu.prometheus]",
            )
        ]
    )


# --- parametrising ----------------------------------------------------------------------------------------------------


def own_fixtures(names: Iterable[str], definitions: Mapping[str, Sequence[Any]]) -> set[str]:
    """Return which of this plugin's fixtures some fixtures lead to.

    One that is overridden counts if the override asks for it: then it is still what answers.

    Args:
        names: of the fixtures to begin with.
        definitions: name → its definitions, the nearest last, as pytest has them.
    """
    found: set[str] = set()
    seen: set[tuple[str, int]] = set()
    waiting = [(name, 1) for name in names]
    while waiting:
        name, nearest = waiting.pop()
        known = definitions.get(name, ())
        if (name, nearest) in seen or len(known) < nearest:
            continue
        seen.add((name, nearest))
        definition = known[-nearest]
        if definition.func.__module__ == _FIXTURES:
            found.add(name)
        waiting += [(used, nearest + 1 if used == name else 1) for used in definition.argnames]
    return found


def parametrize(metafunc: pytest.Metafunc, settings: Effective, entries: Sequence[Entry]) -> list[tuple[str, ...]]:
    """Parametrise a test over the targets whose systems it speaks to.

    Every test has the same list of parameters, the targets in the file's order and last the environment itself: what
    pytest reorders by, and what checks that wait keep alive, is the place in it. What a test is not made for is dropped
    in `leave_out`.

    Args:
        metafunc: of the test.
        settings: what is effective.
        entries: those of the table that the test is parametrised with; none if it is with none.

    Returns:
        For each entry the targets it is about; empty if the test is not parametrised over targets.
    """
    environment = settings.environment
    if not environment.targets or not (used := _used(metafunc)):
        return []
    by_name = places(environment)
    rows = [_about(entry, used, by_name) for entry in entries or (None,)]
    if not any(name for row in rows for name in row):
        return []
    if PARAMETER not in metafunc.fixturenames:  # before pytest 9: only an overridden fixture leads to it
        metafunc.fixturenames.append(PARAMETER)
    # An empty name, the environment itself, comes last.
    wanted = [*environment.targets, *([""] if any("" in row for row in rows) else [])]
    mark = [] if entries else [getattr(pytest.mark, PLACES)(*rows[0])]
    metafunc.parametrize(
        PARAMETER,
        [pytest.param(name, id=name or settings.environment_name, marks=mark) for name in wanted],
        indirect=True,
        scope="session",
    )
    return rows if entries else []


def _used(metafunc: pytest.Metafunc) -> set[str]:
    """Return the fixtures of ours that a test leads to and that differ from target to target."""
    definitions = metafunc._arg2fixturedefs  # noqa: SLF001 - what a test leads to, pytest tells nowhere else
    found = own_fixtures(metafunc.fixturenames, definitions)
    return found & {*KINDS, "target"} if PARAMETER in found else set()


def _about(entry: Entry | None, used: set[str], by_name: Mapping[str, Place]) -> tuple[str, ...]:
    """Return the targets that a test is made for, among them an empty name for the environment itself.

    These are the ones that the entry names; or else those with a system of their own of a kind that the test speaks to,
    if they have the others too, be they shared ones. Beside them the environment itself, if it has all of it: then its
    own systems are looked at as well, once.
    """
    if entry is not None and entry.targets:
        return entry.targets
    named = {kind: getattr(entry, key, None) for kind, key in NAMED.items()}
    needed = {
        (kind := KINDS[name]): named.get(kind)
        for name in used
        if name in KINDS and not (name in _BY_NAME and named[KINDS[name]] is None)
    }
    found: list[str] = []
    for place in by_name.values():
        owns = [place.owns(kind, name) for kind, name in needed.items()]
        has = all(place.has(kind, name) for kind, name in needed.items())
        if place.name:
            fits = has and (any(owns) or "target" in used)
        else:
            # Which of the services a test without an entry speaks to is not known: those of the targets, where they
            # have some.
            unknown = any(kind in NAMED and name is None for kind, name in needed.items())
            fits = has and "target" not in used and not (unknown and found)
        if fits:
            found.append(place.name)
    return tuple(found) or ("",)  # nobody has all of it: the check itself says what is missing


def leave_out(items: list[pytest.Item]) -> None:
    """Remove the tests of targets that they are not made for."""
    items[:] = [
        item
        for item in items
        if (mark := item.get_closest_marker(PLACES)) is None
        or PARAMETER not in item.fixturenames  # type: ignore[attr-defined]
        or target_of(item) in mark.args
    ]
