"""The commands that repeat a run: with the variables and options that said what was verified."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

_VALUED: Final = frozenset(
    {
        *("--deploycheck-config", "--deploycheck-env", "--deploycheck-target", "--deploycheck-allow-writes"),
        *("--deployment-version", "--deployment-image-digest", "--deployment-started-at", "--deployment-finished-at"),
        "--deployment-change-ticket",
    }
)
"""Options with a value that say what is verified; a part of the suite needs them as the whole does."""

_FLAGS: Final = frozenset({"--deploycheck-strict"})


def whole(runner: Mapping[str, Any]) -> list[str]:
    """Return the commands that repeat the run, one a line.

    Args:
        runner: of the record.
    """
    directory = [f"cd {shlex.quote(runner['directory'])}"] if runner["directory"] else []
    return [*directory, _line(runner, runner["command"])]


def part(runner: Mapping[str, Any], nodeids: Iterable[str]) -> str:
    """Return the command that repeats some checks of it.

    Args:
        runner: of the record.
        nodeids: which.
    """
    return _line(runner, ["pytest", *_carried(runner["command"]), *nodeids])


def _line(runner: Mapping[str, Any], command: Sequence[str]) -> str:
    variables = (f"{name}={shlex.quote(value)}" for name, value in runner["variables"].items())
    return " ".join([*variables, shlex.join(command)])


def _carried(command: Sequence[str]) -> Iterator[str]:
    """Yield the options that say what is verified, as they were given."""
    following = False
    for argument in command:
        if following or argument in _FLAGS or argument.partition("=")[0] in _VALUED:
            yield argument
        following = argument in _VALUED
