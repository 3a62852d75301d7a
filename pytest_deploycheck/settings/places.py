"""Where a check can take place: the environment itself, or one of its targets with the systems that it shares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_deploycheck.errors import Mistake
from pytest_deploycheck.settings.mistakes import did_you_mean, one_of
from pytest_deploycheck.settings.models import Systems
from pytest_deploycheck.settings.values import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pytest_deploycheck.settings.models import Effective, Environment

VARIABLE = "DEPLOYCHECK_TARGET"
"""The environment variable that narrows a run as the option does."""

NAMED = {"services": "service", "logs": "source"}
"""The kinds of which there may be several → the key of an entry that names one."""


@dataclass(frozen=True)
class Place:
    """One target, or the environment itself.

    Attributes:
        name: of the target; empty for the environment itself.
        own: its own systems.
        shared: the environment's, which it uses where it has none of its own; None for the environment itself.
    """

    name: str
    own: Systems
    shared: Environment | None = None

    def owned(self, kind: str) -> Any:
        """Return the system of a kind that is its own, or all of them by name; what is falsy is not there."""
        found = getattr(self.own, kind)
        if kind != "logs" or self.shared is None or self.own.kubernetes is None:
            return found
        # A shared source of pods' logs is read from each target's own cluster.
        return {name: it for name, it in self.shared.logs.items() if it.pods is not None} | found

    def all(self, kind: str) -> Any:
        """Return the system of a kind that is asked here: its own, or else the shared one; by name, both together."""
        own = self.owned(kind)
        if self.shared is None:
            return own
        return getattr(self.shared, kind) | own if kind in NAMED else own or getattr(self.shared, kind)

    def owns(self, kind: str, name: str | None = None) -> bool:
        """Return whether it has a system of its own, of this name where one is given."""
        own = self.owned(kind)
        return bool(own) if name is None else name in own

    def has(self, kind: str, name: str | None = None) -> bool:
        """Return whether there is a system that a check can ask here."""
        found = self.all(kind)
        if name is None:
            return bool(found)
        if name not in found:
            return False
        return kind != "logs" or found[name].pods is None or bool(self.all("kubernetes"))


def places(environment: Environment) -> dict[str, Place]:
    """Return the targets in the file's order, and last the environment itself, under the empty name."""
    targets = {name: Place(name, target, environment) for name, target in environment.targets.items()}
    return {**targets, "": Place("", environment)}


def narrowed_to(
    environment: Environment, name: str, option: str | None, environ: Mapping[str, str]
) -> tuple[tuple[str, ...], str, Mistake | None]:
    """Return the targets that a run is narrowed to, who says so, and what is wrong with it.

    Args:
        environment: the one that is used.
        name: its name.
        option: the text of `--deploycheck-target`: names with commas between them; None if it is not given.
        environ: the environment variables; one that is set to nothing counts as not set.

    Returns:
        No targets if all are looked at: nothing is given, or every one is named.
    """
    variable = environ.get(VARIABLE, "").strip()
    if option is not None:
        text, where = option, "option --deploycheck-target"
    elif variable:
        text, where = variable, f"environment variable {VARIABLE}"
    else:
        return (), "", None
    known = list(environment.targets)
    names = [part.strip() for part in text.split(",")]
    problem = ""
    if not text.strip():
        problem, expected = "is empty", "a name, or no such option"
    elif not known:
        problem = f"{quoted(text)} is asked for, and environment {quoted(name)} has no targets"
        expected = f"tables such as [environments.{name}.targets.{names[0] or 'eu'}.prometheus], or no such option"
    elif not all(names):
        problem, expected = f"{quoted(text)} holds an empty name", one_of(known)
    elif unknown := [one for one in names if one not in known]:
        problem, expected = f"unknown target {quoted(unknown[0])}{did_you_mean(unknown[0], known)}", one_of(known)
    if problem:
        return (), where, Mistake(where=where, key="target", problem=problem, expected=expected)
    chosen = tuple(one for one in known if one in names)
    return (chosen if len(chosen) < len(known) else ()), where, None


def uneven(environment: Environment) -> Iterator[tuple[str, str]]:
    """Yield (target, what it lacks and others have): no check looks at one there, and that may not be meant."""
    here = [place for name, place in places(environment).items() if name]
    for kind in Systems.model_fields if len(here) > 1 else ():
        names = sorted({name for place in here for name in place.owned(kind)}) if kind in NAMED else [None]
        for name in names:
            having = [place.name for place in here if place.has(kind, name)]
            noun = kind if name is None else f"{kind.removesuffix('s')} {quoted(name)}"
            for place in here if having else ():
                if place.name not in having:
                    yield place.name, f"has no {noun}, unlike {', '.join(having)}: no check looks at one there"


def looked_at(effective: Effective) -> tuple[str, ...]:
    """Return the names of the targets that a run looks at."""
    return effective.only or tuple(effective.environment.targets)
