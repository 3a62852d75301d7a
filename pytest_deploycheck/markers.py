"""The markers: their declaration to pytest, and how they become a `Declaration`.

Wrong arguments are collected as mistakes, one line each with the test's place, and end the run as a usage error:
a misspelt argument must not quietly turn a gate into none.
"""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pytest

    from pytest_deploycheck.model.declaration import Declaration, Tier
    from pytest_deploycheck.model.outcome import Level
    from pytest_deploycheck.waits.terms import Terms

NOT_CONFIGURED = "deploycheck_not_configured"
"""Internal marker: the suite has such a test, the configuration has nothing for it."""

PLACES = "deploycheck_places"
"""Internal marker: the targets for which such a test is made."""

LEVEL_ARGUMENTS = ("owner", "runbook", "ticket", "tier", "reason")

CATEGORIES = {
    "smoke": "is it there at all: health, functional endpoints, versions, ports",
    "freshness": "metrics have recent samples and plausible values",
    "slo": "service levels keep their thresholds",
    "alerts": "rules, alerts, their routing and delivery",
    "dashboards": "panels show data",
    "rollout": "workloads are rolled out and ready",
    "logging": "logs are well formed and quiet",
    "security": "certificates, permissions, secrets",
    "e2e": "an activity is seen along the whole chain",
}
"""Category marker → what it is about. A category does not gate; it groups and selects."""

_DECLARATIONS = (
    (
        "blocker(owner=, runbook=, ticket=, tier=, reason=): deploycheck: this check gates the release; "
        'tier is "immediate", "investigate" or after("30m")'
    ),
    "warning(owner=, runbook=, ticket=, tier=, reason=): deploycheck: this check is reported but does not gate",
    "requirement(id): deploycheck: the checklist row that this check serves",
    "writes(*systems): deploycheck: this check may change something in the named systems, if the run allows it too",
    "needs(*systems): deploycheck: leave this check out where the environment has no such system; the report says so",
    (
        'foreach(table, level="blocker", where=None): deploycheck: one test per entry of a table in deploycheck.toml, '
        "passed as `entry`"
    ),
    (
        'within(duration, since="deployment", every=None, retry=False): deploycheck: must pass before this time is up; '
        "it is tried again until then, while other checks run"
    ),
    (
        'sustained(duration, since="deployment", every=None, allow=None, consecutive=1, coverage=0.9): deploycheck: '
        "must hold all through this time"
    ),
    (
        "asks(questions=function): deploycheck: the questions that this check begins with, known in advance: they are "
        "asked together with those of its neighbours; the function gets `ask` and the test's parameters by name"
    ),
    f"{NOT_CONFIGURED}: deploycheck: internal",
    f"{PLACES}(*targets): deploycheck: internal",
)

# Patterns are compiled when a marker is read: this module is imported by every run that has the plugin installed.
_TIER = r"""after\(\s*["']?(?P<duration>[0-9a-z.]+)["']?\s*\)"""


def after(duration: str) -> str:
    """Return the tier "roll back if it is not mended within this time of the deployment's finish".

    Args:
        duration: such as `30m`.
    """
    return f"after({duration})"


def parse_tier(text: object) -> Tier:
    """Read a tier as it is written in a marker or in the configuration.

    Raises:
        ValueError: if it is none of `immediate`, `investigate`, `after("30m")`.
    """
    from pytest_deploycheck.model.declaration import Tier
    from pytest_deploycheck.model.duration import parse_duration

    if text == "immediate":
        return Tier(kind="immediate")
    if text == "investigate":
        return Tier(kind="investigate")
    match = re.fullmatch(_TIER, text) if isinstance(text, str) else None
    if match:
        with suppress(ValueError):
            return Tier(kind="after", seconds=parse_duration(match["duration"]))
    message = f'tier={text!r} is none of "immediate", "investigate", after("30m")'
    raise ValueError(message)


def declare(config: pytest.Config) -> frozenset[str]:
    """Tell pytest of the markers, so that `--strict-markers` knows them.

    Returns:
        The names by which a test is recognised as a check. A category name that the user's own configuration declares
        (`smoke` is a common one) stays the user's: it does not turn unit tests into a verification run.
    """
    theirs = {line.partition(":")[0].partition("(")[0].strip() for line in config.getini("markers")}
    for line in _DECLARATIONS:
        config.addinivalue_line("markers", line)
    for name, text in CATEGORIES.items():
        if name not in theirs:
            config.addinivalue_line("markers", f"{name}: deploycheck: {text}")
    return frozenset(
        {
            *("blocker", "warning", "requirement", "writes", "foreach", "within", "sustained", "asks"),
            *(set(CATEGORIES) - theirs),
        }
    )


class Markers:
    """Reads the markers of collected items.

    Args:
        unmarked: what an item without a level counts as: `blocker`, `warning`, or `ignore`.
        place: gives an item's `file:line`.
    """

    def __init__(self, unmarked: str, place: Callable[[pytest.Item], str]) -> None:
        """Start without mistakes."""
        self._unmarked = unmarked
        self._place = place
        self.mistakes: list[str] = []

    def read(self, item: pytest.Item) -> Declaration | None:
        """Return the item's declaration; None if it is unmarked and unmarked tests are ignored.

        Mistakes in arguments are added to `mistakes`; the declaration then falls back to a plain blocker.
        """
        from pytest_deploycheck.model.declaration import Declaration
        from pytest_deploycheck.model.outcome import Level

        where = self._place(item)
        marks = list(self._levels(item))
        level: Level | None = None
        arguments: dict[str, Any] = {}
        if marks:
            rank = marks[0][0]
            nearest = {mark.name for found, mark in marks if found == rank}
            if len(nearest) > 1:
                self._mistake(where, item, "is marked both blocker and warning in the same place: keep one")
            level = Level(marks[0][1].name)
            for _, mark in reversed(marks):  # the nearest mark of the chosen level has the last word
                if mark.name == level.value:
                    arguments.update(self._level_arguments(where, item, mark))
        elif self._unmarked != "ignore":
            level = Level(self._unmarked)
        requirement = self._requirement(where, item)
        if level is None:
            for name in ("within", "sustained"):
                if item.get_closest_marker(name) is not None:
                    what = f"has {name}(), but is neither blocker nor warning, and unmarked tests are ignored: mark it"
                    self._mistake(where, item, what)
            return None
        return Declaration(
            nodeid=item.nodeid,
            level=level,
            declared=bool(marks),
            categories=tuple(sorted({mark.name for mark in item.iter_markers() if mark.name in CATEGORIES})),
            requirement=requirement,
            location=where,
            **arguments,
        )

    def terms(self, item: pytest.Item) -> Terms | None:
        """Return what the item declares about time; None if nothing. Mistakes are added to `mistakes`."""
        within, sustained = item.get_closest_marker("within"), item.get_closest_marker("sustained")
        if within is None and sustained is None:
            return None
        from pytest_deploycheck.waits.terms import Terms, read_sustained, read_within

        try:
            return Terms(
                within=read_within(within.args, within.kwargs) if within is not None else None,
                sustained=read_sustained(sustained.args, sustained.kwargs) if sustained is not None else None,
            )
        except ValueError as error:
            self._mistake(self._place(item), item, str(error))
            return None

    def asks(self, item: pytest.Item) -> Callable[..., Any] | None:
        """Return the function that tells the questions an item begins with; None if it declares none.

        Mistakes are added to `mistakes`.
        """
        mark = item.get_closest_marker("asks")
        if mark is None:
            return None
        where = self._place(item)
        function: Callable[..., Any] | None = mark.kwargs.get("questions")
        if mark.args or set(mark.kwargs) != {"questions"} or not callable(function):
            example = "asks(questions=lambda ask: ask.prometheus('up'))"
            self._mistake(where, item, f"asks() takes one function by name, such as {example}")
            return None
        callspec = getattr(item, "callspec", None)
        known = {"ask", *(callspec.params if callspec is not None else ())}
        if unknown := sorted(_required(function) - known):
            names = ", ".join(f"`{name}`" for name in sorted(known))
            self._mistake(where, item, f"asks(): its function takes {unknown[0]!r}: there is only {names}")
            return None
        return function

    def _levels(self, item: pytest.Item) -> Iterator[tuple[int, pytest.Mark]]:
        """Yield (distance, mark) of the level marks, nearest first; a parameter's mark is nearer than a decorator."""
        callspec = getattr(item, "callspec", None)
        own = list(callspec.marks) if callspec is not None else []
        for mark in own:
            if mark.name in ("blocker", "warning"):
                yield 0, mark
        for node, mark in item.iter_markers_with_node():
            if mark.name in ("blocker", "warning") and not any(mark is known for known in own):
                depth = len(item.listchain()) - item.listchain().index(node)
                yield depth, mark

    def _level_arguments(self, where: str, item: pytest.Item, mark: pytest.Mark) -> dict[str, Any]:
        if mark.args:
            self._mistake(where, item, f"{mark.name}() takes no positional arguments, got {mark.args!r}")
        found: dict[str, Any] = {}
        for name, value in mark.kwargs.items():
            if name not in LEVEL_ARGUMENTS:
                import difflib

                close = difflib.get_close_matches(name, LEVEL_ARGUMENTS, n=1)
                hint = f"did you mean {close[0]!r}?" if close else f"it takes {', '.join(LEVEL_ARGUMENTS)}"
                self._mistake(where, item, f"{mark.name}() does not know the argument {name!r}: {hint}")
            elif name == "tier":
                try:
                    found["tier"] = parse_tier(value)
                except ValueError as error:
                    self._mistake(where, item, f"{mark.name}(): {error}")
            elif not isinstance(value, str):
                self._mistake(where, item, f"{mark.name}(): {name} is a text, got {value!r}")
            else:
                found[name] = value
        return found

    def _requirement(self, where: str, item: pytest.Item) -> str:
        mark = item.get_closest_marker("requirement")
        if mark is None:
            return ""
        if len(mark.args) != 1 or mark.kwargs or not isinstance(mark.args[0], str):
            self._mistake(where, item, 'requirement() takes one text, such as requirement("MF2")')
            return ""
        return mark.args[0]

    def _mistake(self, where: str, item: pytest.Item, text: str) -> None:
        name = item.nodeid.split("::", 1)[-1]
        self.mistakes.append(f"{where}: {name}: {text}")


def _required(function: Callable[..., Any]) -> set[str]:
    """Return the names of the arguments that a function cannot do without; of a builtin, that it cannot be known."""
    import inspect

    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return {"an argument without a name"}
    varying = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return {it.name for it in parameters if it.default is it.empty and it.kind not in varying}


def undeclared_names(expression: str, known: set[str]) -> list[str]:
    """Return the marker names in a `-m` expression that nobody declared or used, in order.

    pytest accepts `-m blokcer` silently and selects nothing; a gate must not.
    """
    without_arguments = re.sub(r"\([^()]*=[^()]*\)", " ", expression)  # pytest 8.3: -m "device(serial='x')"
    names = re.findall(r"[A-Za-z_][\w.:-]*", without_arguments)
    unknown = [name for name in names if name not in {"and", "or", "not", "None", "True", "False"} | known]
    return list(dict.fromkeys(unknown))
