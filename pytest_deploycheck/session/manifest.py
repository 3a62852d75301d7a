"""The manifest: every check the suite collected before anything was deselected, and what was left afterwards."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, get_args

import msgspec
import pytest

from pytest_deploycheck.errors import ConfigError
from pytest_deploycheck.markers import NOT_CONFIGURED, Markers, undeclared_names
from pytest_deploycheck.model.declaration import Declaration
from pytest_deploycheck.model.duration import parse_duration
from pytest_deploycheck.session.configured import mistakes_of, settings_of
from pytest_deploycheck.session.place import deselection, narrowed, place
from pytest_deploycheck.session.targeting import outside, target_of, targets_of
from pytest_deploycheck.settings.models import Environment, Systems
from pytest_deploycheck.settings.places import places

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pytest_deploycheck.settings.models import Effective
    from pytest_deploycheck.waits.terms import Terms

SYSTEMS = ("prometheus", "alertmanager", "grafana", "kubernetes", "services", "logs")


@dataclass(slots=True)
class Manifest:
    """What the run expects of itself.

    Attributes:
        declarations: every check, in collection order.
        selected: the node ids that are left after deselection.
        deselected_by: the options that deselect, as text.
        narrowed: why the collection itself was smaller than the suite.
        outside: the node ids of checks that are about other targets than the run is narrowed to.
        not_configured: (node id, what is missing) of tests that the configuration has nothing for.
        mistakes: texts of mistakes that make this run a usage error.
    """

    declarations: list[Declaration] = field(default_factory=list)
    selected: list[str] = field(default_factory=list)
    deselected_by: str = ""
    narrowed: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)
    not_configured: list[tuple[str, str]] = field(default_factory=list)
    mistakes: list[str] = field(default_factory=list)
    terms: dict[str, Terms] = field(default_factory=dict)
    """What checks declare about time, by node id; it stays in the process that read it."""
    asks: dict[str, Callable[..., Any]] = field(default_factory=dict)
    """What tells the questions that checks begin with, by node id; it stays there too."""

    def to_dict(self) -> dict[str, Any]:
        """Return the same as builtins."""
        return {
            "declarations": [declaration.to_dict() for declaration in self.declarations],
            "selected": list(self.selected),
            "deselected_by": self.deselected_by,
            "narrowed": list(self.narrowed),
            "outside": list(self.outside),
            "not_configured": [list(pair) for pair in self.not_configured],
            "mistakes": list(self.mistakes),
        }

    @classmethod
    def from_dict(cls, record: dict[str, Any]) -> Manifest:
        """Return the manifest that `to_dict` described."""
        return cls(
            declarations=[Declaration.from_dict(entry) for entry in record["declarations"]],
            selected=list(record["selected"]),
            deselected_by=record["deselected_by"],
            narrowed=list(record["narrowed"]),
            outside=list(record["outside"]),
            not_configured=[(nodeid, why) for nodeid, why in record["not_configured"]],
            mistakes=list(record["mistakes"]),
        )


def collect(
    config: pytest.Config,
    session: pytest.Session,
    items: list[pytest.Item],
    recognised: list[pytest.Item],
    *,
    everything: bool,
) -> Manifest:
    """Read the manifest off the collected items; removes from `items` what is not configured, or about other targets.

    A test is a check if it carries one of our markers or uses one of our fixtures, or stands in one module with such a
    test; with a sign-off asked for, every test is. All others keep their own meaning.
    """
    del session
    mistakes = mistakes_of(config)
    manifest = Manifest(deselected_by=deselection(config), narrowed=list(narrowed(config)))
    settings = _settings(config)
    mistakes.extend(_unknown_needs(items))
    modules = {_module(item) for item in recognised}
    markers = Markers(settings.unmarked if settings else "blocker", place)
    kept = []
    for item in items:
        if not (everything or _module(item) in modules):
            kept.append(item)
            continue
        if missing := _not_configured(item, settings):
            manifest.not_configured.append((item.nodeid, missing))
            continue
        kept.append(item)
        if outside(item, settings):
            manifest.outside.append(item.nodeid)
        declaration = markers.read(item)
        if declaration is None:
            continue
        if (terms := markers.terms(item)) is not None:
            manifest.terms[item.nodeid] = terms
        manifest.declarations.append(
            msgspec.structs.replace(
                declaration,
                targets=targets_of(item, settings),
                within=terms.within.seconds if terms is not None and terms.within is not None else None,
                sustained=terms.sustained.seconds if terms is not None and terms.sustained is not None else None,
            )
        )
        if (asks := markers.asks(item)) is not None:
            manifest.asks[item.nodeid] = asks
        if not declaration.declared:
            item.add_marker(declaration.level.value)  # so that `-m blocker` selects it too
    items[:] = kept
    _leave_outside(config, items, frozenset(manifest.outside))
    mistakes.extend(markers.mistakes)
    mistakes.extend(_unknown_markers(config, items))
    if mistake := _mistake_in_budget(config.option.deploycheck_budget):
        mistakes.append(mistake)
    return manifest


def _settings(config: pytest.Config) -> Effective | None:
    """Return the settings; None if they cannot be used, which is noted."""
    mistakes = mistakes_of(config)
    try:
        return settings_of(config)
    except ConfigError as error:
        mistakes.extend(text for mistake in error.mistakes if (text := str(mistake)) not in mistakes)
        return None


def _module(item: pytest.Item) -> Any:
    return item.getparent(pytest.Module) or item.parent


def _not_configured(item: pytest.Item, settings: Effective | None) -> str:
    """Return what the configuration lacks for this test; empty if it lacks nothing."""
    if item.get_closest_marker(NOT_CONFIGURED) is not None:
        mark = item.get_closest_marker("foreach")
        if mark is None or not mark.args:
            return "no entries"
        unfit = settings is not None and bool(settings.entries(mark.args[0]))
        return f"no fitting [[{mark.args[0]}]]" if unfit else f"no [[{mark.args[0]}]]"
    if settings is None:
        return ""
    names = [name for mark in item.iter_markers("needs") for name in mark.args]
    if not names:
        return ""
    target = target_of(item)
    here = [place for name, place in places(settings.environment).items() if not target or name == target]
    missing = [
        name
        for name in names
        if not (
            any(place.has(name) for place in here)
            if name in Systems.model_fields
            else _configured(settings.environment, name)
        )
    ]
    of = f" of {target}" if target else ""
    return f"no {', '.join(missing)}{of}" if missing else ""


def _configured(environment: Environment, name: str) -> Any:
    """Return what is configured under a name such as `alerts` or `cluster.min_version`; None if nothing is."""
    found: Any = environment
    for part in name.split("."):
        found = getattr(found, part, None)
    return found


def _leave_outside(config: pytest.Config, items: list[pytest.Item], left: frozenset[str]) -> None:
    """Deselect what is about other targets than the run is narrowed to."""
    if gone := [item for item in items if item.nodeid in left]:
        items[:] = [item for item in items if item.nodeid not in left]
        config.hook.pytest_deselected(items=gone)


def _mistake_in_budget(text: str | None) -> str:
    """Return what is wrong with `--deploycheck-budget`; empty if nothing is."""
    try:
        seconds = parse_duration(text) if text is not None else None
    except ValueError:
        seconds = 0.0
    return "" if seconds is None or seconds > 0 else f"--deploycheck-budget: {text!r} is no duration, such as 45m"


def _unknown_needs(items: Iterable[pytest.Item]) -> list[str]:
    """Return the mistakes in `needs()`: a name that no configuration can have would leave its check out for ever."""
    import difflib

    found: dict[object, str] = {}
    for item in items:
        for name in (name for mark in item.iter_markers("needs") for name in mark.args):
            if name not in found and not _can_be_configured(name):
                close = difflib.get_close_matches(str(name), Environment.model_fields, n=1)
                hint = f": did you mean {close[0]!r}?" if close else ": it takes systems and tables of an environment"
                found[name] = f"{item.nodeid}: needs() does not know {name!r}{hint}"
    return list(found.values())


def _can_be_configured(name: object) -> bool:
    fields: Any = Environment.model_fields
    for part in str(name).split("."):
        if fields is None or part not in fields:
            return False
        kinds = (fields[part].annotation, *get_args(fields[part].annotation))
        fields = next((kind.model_fields for kind in kinds if hasattr(kind, "model_fields")), None)
    return True


def _unknown_markers(config: pytest.Config, items: Iterable[pytest.Item]) -> list[str]:
    expression = getattr(config.option, "markexpr", "")
    if not expression:
        return []
    declared = {line.split(":", 1)[0].split("(", 1)[0].strip() for line in config.getini("markers")}
    used = {mark.name for item in items for mark in item.iter_markers()}
    import difflib

    found = []
    for name in undeclared_names(expression, declared | used):
        close = difflib.get_close_matches(name, sorted(declared | used), n=1)
        hint = f": did you mean {close[0]!r}?" if close else "; `pytest --markers` lists those there are"
        found.append(f'-m "{expression}": no marker is called {name!r}{hint}')
    return found
