"""What an endpoint reports of the things it depends on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from pytest_deploycheck.checks.documents import NotThere, lookup, same, shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_ABSENT = object()


class DependencyReport(Protocol):
    """Where the report is and what counts as healthy."""

    @property
    def at(self) -> str:
        """Dotted path to a list of objects, or to an object by name."""

    @property
    def name_key(self) -> str:
        """In a list: the key of the dependency's name."""

    @property
    def status_key(self) -> str:
        """The key of its status."""

    @property
    def healthy(self) -> Sequence[str | float | bool]:
        """Statuses that count as healthy; strings are compared without regard to case."""

    @property
    def expected(self) -> Sequence[str]:
        """Names that must be reported."""


Problem = tuple[bool, str, str, str]
"""Whether it is bad (else doubtful), what, expected, observed."""


def dependency_problems(document: Any, report: DependencyReport) -> tuple[int, list[Problem]]:
    """Return how many dependencies are reported, and what is wrong with them.

    An unhealthy dependency, or an expected one that is not reported, is bad. An absent or empty report, and a
    dependency without name or status, are doubtful.

    Args:
        document: the JSON body.
        report: where the report is and what counts as healthy.
    """
    problems: list[Problem] = []
    wanted = f"a report at {report.at!r}"
    try:
        entries = list(_entries(lookup(document, report.at), report))
    except NotThere as error:
        entries = []
        problems.append((False, "dependencies", wanted, str(error)))
    except TypeError as error:
        entries = []
        problems.append((False, "dependencies", wanted, f"neither a list nor an object: {error}"))
    else:
        if not entries:
            problems.append((False, "dependencies", wanted, "an empty report"))
    healthy = ", ".join(map(shown, report.healthy))
    for name, status in entries:
        what = f"dependency {name}" if name else "a dependency without a name"
        if status is _ABSENT or status is None:
            problems.append((False, what, f"one of {healthy}", f"no {report.status_key!r}"))
        elif not any(_same(status, good) for good in report.healthy):
            problems.append((True, what, f"one of {healthy}", shown(status)))
        elif not name:
            problems.append((False, what, f"a {report.name_key!r}", "none"))
    reported = {name for name, _ in entries}
    problems += [
        (True, f"dependency {name}", "reported", f"missing; reported: {', '.join(sorted(reported)) or 'none'}")
        for name in sorted(set(report.expected) - reported)
    ]
    return len(entries), problems


def _entries(found: Any, report: DependencyReport) -> Iterator[tuple[str, Any]]:
    if isinstance(found, dict):
        for name, value in found.items():
            yield name, value.get(report.status_key, _ABSENT) if isinstance(value, dict) else value
    elif isinstance(found, list):
        for value in found:
            name = value.get(report.name_key) if isinstance(value, dict) else None
            status = value.get(report.status_key, _ABSENT) if isinstance(value, dict) else _ABSENT
            yield name if isinstance(name, str) else "", status
    else:
        raise TypeError(shown(found))


def _same(status: Any, good: Any) -> bool:
    if isinstance(status, str) and isinstance(good, str):
        return status.strip().casefold() == good.strip().casefold()
    return same(status, good)
