"""What an author declares about time: `within` (converge before a deadline) and `sustained` (hold through a window)."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from pytest_deploycheck.model.duration import format_duration, parse_duration

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Since = Literal["deployment", "start"]
"""From when a time counts: the deployment's finish, or the check's first attempt."""

_ALLOW = re.compile(r"(\d+) of (\d+)")
_WITHIN = ("since", "every", "retry")
_SUSTAINED = ("since", "every", "allow", "consecutive", "coverage")


class Within(msgspec.Struct, frozen=True, kw_only=True):
    """The check must pass at some moment before a deadline.

    Attributes:
        seconds: from `since` to the deadline.
        since: the deployment's finish (the run's start where that is not known), or the first attempt.
        every: seconds between attempts, if the author fixes it.
        retry: exceptions that are tried again although waiting does not seem to mend them; `True` = all.
    """

    seconds: float
    since: Since = "deployment"
    every: float | None = None
    retry: tuple[type[BaseException], ...] | bool = False

    def __str__(self) -> str:
        """Return it as a person says it."""
        return f"within {format_duration(self.seconds)}"


class Sustained(msgspec.Struct, frozen=True, kw_only=True):
    """The check must hold all through a window.

    Attributes:
        seconds: the window's length.
        since: where it begins: at the deployment's finish (or convergence, with `within`), or at the first attempt.
        every: seconds between samples, if the author fixes it.
        allow: (k, n): at most k violations among any n samples in a row are tolerated.
        consecutive: how many violations in a row make it fail; 1 = the first one does.
        coverage: the least share of the window that must have been seen, above 0 and at most 1.
    """

    seconds: float
    since: Since = "deployment"
    every: float | None = None
    allow: tuple[int, int] | None = None
    consecutive: int = 1
    coverage: float = 0.9

    def __str__(self) -> str:
        """Return it as a person says it."""
        return f"sustained for {format_duration(self.seconds)}"


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """What one check declares about time; at least one of the two is there."""

    within: Within | None = None
    sustained: Sustained | None = None

    def __str__(self) -> str:
        """Return both as a person says them."""
        return ", then ".join(str(part) for part in (self.within, self.sustained) if part is not None)


def read_within(args: Sequence[Any], kwargs: Mapping[str, Any]) -> Within:
    """Return what `within(...)` says.

    Raises:
        ValueError: if it says it wrongly; the text names the argument and what it takes.
    """
    _known("within", kwargs, _WITHIN)
    retry = kwargs.get("retry", False)
    if isinstance(retry, type):
        retry = (retry,)
    if not isinstance(retry, bool) and not (
        isinstance(retry, tuple | list)
        and all(isinstance(one, type) and issubclass(one, BaseException) for one in retry)
    ):
        message = f"within(): retry={retry!r} is neither True nor exception types"
        raise ValueError(message)
    return Within(
        seconds=_length("within", args),
        since=_since("within", kwargs),
        every=_every("within", kwargs),
        retry=retry if isinstance(retry, bool) else tuple(retry),
    )


def read_sustained(args: Sequence[Any], kwargs: Mapping[str, Any]) -> Sustained:
    """Return what `sustained(...)` says.

    Raises:
        ValueError: if it says it wrongly; the text names the argument and what it takes.
    """
    _known("sustained", kwargs, _SUSTAINED)
    consecutive = kwargs.get("consecutive", 1)
    if not isinstance(consecutive, int) or isinstance(consecutive, bool) or consecutive < 1:
        message = f"sustained(): consecutive={consecutive!r} is no number of violations in a row, 1 or more"
        raise ValueError(message)
    coverage = kwargs.get("coverage", 0.9)
    if not isinstance(coverage, int | float) or isinstance(coverage, bool) or not 0 < coverage <= 1:
        message = f"sustained(): coverage={coverage!r} is no share of the window, above 0 and at most 1"
        raise ValueError(message)
    allow = _allow(kwargs.get("allow"))
    if allow is not None and consecutive > 1:
        message = "sustained(): allow= and consecutive= are two rules for the same thing: keep one"
        raise ValueError(message)
    terms = Sustained(
        seconds=_length("sustained", args),
        since=_since("sustained", kwargs),
        every=_every("sustained", kwargs),
        allow=allow,
        consecutive=consecutive,
        coverage=float(coverage),
    )
    if terms.every is not None and terms.every > terms.seconds:
        message = f"sustained(): every={kwargs['every']!r} is longer than the window, which would be seen once at most"
        raise ValueError(message)
    return terms


def _known(marker: str, kwargs: Mapping[str, Any], names: Sequence[str]) -> None:
    for name in kwargs:
        if name not in names:
            close = difflib.get_close_matches(name, names, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"it takes {', '.join(names)}"
            message = f"{marker}() does not know the argument {name!r}: {hint}"
            raise ValueError(message)


def _length(marker: str, args: Sequence[Any]) -> float:
    if len(args) != 1 or not isinstance(args[0], str):
        message = f'{marker}() takes one duration, such as {marker}("10m"), got {", ".join(map(repr, args)) or "none"}'
        raise ValueError(message)
    return _positive(f"{marker}()", args[0])


def _every(marker: str, kwargs: Mapping[str, Any]) -> float | None:
    every = kwargs.get("every")
    if every is None:
        return None
    if not isinstance(every, str):
        message = f'{marker}(): every={every!r} is no duration, such as "15s"'
        raise ValueError(message)  # noqa: TRY004 - all mistakes of markers are told alike
    return _positive(f"{marker}(): every", every)


def _positive(what: str, text: str) -> float:
    try:
        seconds = parse_duration(text)
    except ValueError:
        message = f'{what}: {text!r} is no duration, such as "90s", "10m" or "1h30m"'
        raise ValueError(message) from None
    if seconds <= 0:
        message = f"{what}: {text!r} is no time at all"
        raise ValueError(message)
    return seconds


def _since(marker: str, kwargs: Mapping[str, Any]) -> Since:
    since = kwargs.get("since", "deployment")
    if since == "deployment":
        return "deployment"
    if since == "start":
        return "start"
    message = f'{marker}(): since={since!r} is neither "deployment" nor "start"'
    raise ValueError(message)


def _allow(text: object) -> tuple[int, int] | None:
    if text is None:
        return None
    match = _ALLOW.fullmatch(text) if isinstance(text, str) else None
    if match is None or not 0 < int(match[1]) < int(match[2]):
        message = f'sustained(): allow={text!r} is no "2 of 30"'
        raise ValueError(message)
    return int(match[1]), int(match[2])
