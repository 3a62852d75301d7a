"""`@pytest.mark.foreach("metrics")`: one test per entry of a table in the configuration."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

import pytest

from pytest_deploycheck.errors import ConfigError
from pytest_deploycheck.markers import NOT_CONFIGURED, PLACES
from pytest_deploycheck.session import targeting
from pytest_deploycheck.session.configured import mistakes_of, settings_of
from pytest_deploycheck.settings.models import TABLES
from pytest_deploycheck.settings.values import format_duration

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_deploycheck.settings.entries import Entry


_EVERY = "500ms"
"""Between attempts at an entry that says how long it is waited for: its latency is measured by them."""


def parametrize(metafunc: pytest.Metafunc, *, entries: bool) -> None:
    """Parametrise a test over targets, and `entry` over its table.

    Without entries the test is left out, and the report says so.

    Args:
        metafunc: of the test.
        entries: whether it is marked with `foreach`.
    """
    config = metafunc.config
    found: list[Entry] = []
    level, about = "blocker", []
    try:
        settings = settings_of(config)
        if entries:
            table, level, where = _arguments(metafunc)
            found = [entry for entry in settings.entries(table) if where is None or where(entry)]
        if found or not entries:
            about = targeting.parametrize(metafunc, settings, found)
    except ValueError as error:
        mistakes_of(config).append(f"{metafunc.definition.nodeid}: {error}")
    except ConfigError as error:
        _note(config, error)
    if not entries:
        return
    if not found:
        if "entry" not in metafunc.fixturenames:
            return  # said already; pytest must not say it again in other words
        absent = pytest.param(None, id="not-configured", marks=getattr(pytest.mark, NOT_CONFIGURED))
        metafunc.parametrize("entry", [absent])
        return
    places = [[getattr(pytest.mark, PLACES)(*names)] for names in about] or [[] for _ in found]
    metafunc.parametrize(
        "entry",
        [
            pytest.param(entry, id=entry.derived_id(), marks=[*_marks(entry, level), *marks])
            for entry, marks in zip(found, places, strict=True)
        ],
    )


def _note(config: pytest.Config, error: ConfigError) -> None:
    known = mistakes_of(config)
    for mistake in error.mistakes:
        if str(mistake) not in known:
            known.append(str(mistake))


def _arguments(metafunc: pytest.Metafunc) -> tuple[str, str, Callable[[Any], bool] | None]:
    mark = metafunc.definition.get_closest_marker("foreach")
    if mark is None:
        raise ValueError("foreach() is gone")
    if len(mark.args) != 1 or mark.args[0] not in TABLES:
        given = mark.args[0] if mark.args else "nothing"
        close = difflib.get_close_matches(str(given), TABLES, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"it takes one of {', '.join(TABLES)}"
        raise ValueError(f"foreach() does not know the table {given!r}: {hint}")
    if unknown := sorted(set(mark.kwargs) - {"level", "where"}):
        raise ValueError(f"foreach() does not know the argument {unknown[0]!r}: it takes level, where")
    level = mark.kwargs.get("level", "blocker")
    if level not in ("blocker", "warning"):
        raise ValueError(f'foreach(): level={level!r} is neither "blocker" nor "warning"')
    if "entry" not in metafunc.fixturenames:
        raise ValueError("foreach() passes each entry as the argument `entry`, which the test does not take")
    return mark.args[0], level, mark.kwargs.get("where")


def _marks(entry: Entry, level: str) -> list[pytest.MarkDecorator]:
    arguments = {
        name: value for name in ("owner", "runbook", "ticket", "reason", "tier") if (value := getattr(entry, name))
    }
    marker: pytest.MarkDecorator = getattr(pytest.mark, entry.level or level)
    wait = entry.wait()
    waits = [] if wait is None else [pytest.mark.within(format_duration(wait), since="start", every=_EVERY)]
    return [marker.with_args(**arguments), *waits]
