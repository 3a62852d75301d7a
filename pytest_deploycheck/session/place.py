"""Where things are: an item's `file:line`, and how a run's selection was narrowed."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Container

    import pytest


def place(item: pytest.Item) -> str:
    """Return `file:line` of a test, as an editor opens it."""
    path, line, _ = item.location
    return f"{path}:{line + 1}" if line is not None else str(path)


def deselection(config: pytest.Config) -> str:
    """Return the options that deselect, as they were given, such as `-k "smoke"`."""
    option = config.option
    found = []
    if getattr(option, "keyword", ""):
        found.append(f'-k "{option.keyword}"')
    if getattr(option, "markexpr", ""):
        found.append(f'-m "{option.markexpr}"')
    if getattr(option, "deselect", None):
        found.append("--deselect")
    if getattr(option, "lf", False):
        found.append("--lf")
    if getattr(option, "stepwise", False):
        found.append("--stepwise")
    return ", ".join(found) or "a plugin or conftest"


def narrowed(config: pytest.Config) -> tuple[str, ...]:
    """Return why the collection itself was smaller than the suite, which no manifest of collected tests can show."""
    option = config.option
    found = [f"{argument!r} names single tests" for argument in config.args if "::" in argument]
    for name, flag in (("ignore", "--ignore"), ("ignore_glob", "--ignore-glob")):
        if getattr(option, name, None):
            found.append(f"{flag} leaves files out")
    cache = getattr(config, "cache", None)
    if getattr(option, "lf", False) and cache is not None and cache.get("cache/lastfailed", {}):
        found.append("--lf leaves out files whose tests passed last time")
    return tuple(found)


def without_group(nodeid: str, known: Container[str]) -> str:
    """Return the name of a check as the suite has it, where xdist put its group behind it (`--dist loadgroup`)."""
    name = nodeid.rpartition("@")[0]
    return name if name in known else nodeid
