"""pytest within pytest, in this process, on a clock that moves only when somebody waits: nothing here sleeps."""

from __future__ import annotations

import itertools
import json
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from pytest_deploycheck.clock import ManualClock
from pytest_deploycheck.session import controller, waitside, worker
from pytest_deploycheck.session.run import CLOCK

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_LOADED = (controller, waitside, worker)
"""Imported here once: pytester forgets what a run imported, and would read them again for each one."""


@dataclass(eq=False)  # plugins are kept in sets
class Virtual:
    """A plugin of the inner run: the clock that stands for time, and what happened when.

    Attributes:
        clock: the inner run's only clock.
        trace: (seconds since the start, what), written by the tests' fixture `note`.
        reports: what pytest was told, in order.
    """

    clock: ManualClock = field(default_factory=ManualClock)
    trace: list[tuple[float, str]] = field(default_factory=list)
    reports: list[pytest.TestReport] = field(default_factory=list)
    serial: Iterator[int] = field(default_factory=itertools.count)

    def pytest_configure(self, config: pytest.Config) -> None:
        config.stash[CLOCK] = self.clock

    def note(self, text: str) -> None:
        """Write a line of the trace."""
        self.trace.append((round(self.clock.monotonic(), 3), text))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.reports.append(report)


@pytest.fixture(scope="session")
def clock_(pytestconfig: pytest.Config) -> ManualClock:
    """The run's clock: `clock_.monotonic()` is the time since the run began."""
    return _virtual_of(pytestconfig).clock


@pytest.fixture(scope="session")
def note(pytestconfig: pytest.Config) -> Callable[[str], None]:
    """Write a line of the trace."""
    return _virtual_of(pytestconfig).note


@pytest.fixture(scope="session")
def serial_(pytestconfig: pytest.Config) -> Iterator[int]:
    """Numbers for instances of fixtures."""
    return _virtual_of(pytestconfig).serial


def _virtual_of(config: pytest.Config) -> Virtual:
    return next(plugin for plugin in config.pluginmanager.get_plugins() if isinstance(plugin, Virtual))


@dataclass(frozen=True)
class Happened:
    """An inner run that is over."""

    virtual: Virtual
    code: int
    text: str
    record: dict[str, Any]
    directory: Path

    @property
    def elapsed(self) -> float:
        """Seconds on the virtual clock."""
        return self.virtual.clock.monotonic()

    @property
    def events(self) -> list[str]:
        return [text for _, text in self.virtual.trace]

    def times(self, text: str) -> list[float]:
        """When a line was written."""
        return [when for when, found in self.virtual.trace if found == text]

    def check(self, name: str) -> dict[str, Any]:
        """The result of the check of this name."""
        found: dict[str, Any] = next(
            check["result"] for check in self.record["checks"] if check["nodeid"].split("::", 1)[-1] == name
        )
        return found

    def outcomes(self) -> dict[str, str]:
        return {
            check["nodeid"].split("::", 1)[-1]: check["result"]["outcome"] if check["result"] else "no result"
            for check in self.record["checks"]
        }

    def phases(self, name: str) -> list[tuple[str, str]]:
        """What pytest was told of a test: (phase, outcome), in order."""
        return [
            (str(report.when), str(report.outcome))
            for report in self.virtual.reports
            if report.nodeid.split("::", 1)[-1] == name
        ]


def run_in(pytester: pytest.Pytester, directory: Path, *arguments: str, plain: bool = False) -> Happened:
    """Run the tests of a directory in this process.

    Args:
        pytester: pytest's.
        directory: where they are.
        arguments: the command line's.
        plain: whether to do so without the plugin under test.
    """
    virtual = Virtual()
    reports = directory / "reports"
    result = pytester.runpytest_inprocess(
        f"--rootdir={directory}",
        "-c/dev/null",
        "-pno:cacheprovider",
        "-pno:faulthandler",
        "-pno:pytest_deploycheck.plugin" if plain else f"--deploycheck-reports={reports}",
        *arguments,
        str(directory),
        plugins=[virtual, sys.modules[__name__]],
        no_reraise_ctrlc=True,
    )
    latest = reports / "latest" / "signoff.json"
    record = json.loads(latest.read_text()) if latest.is_file() else {}
    return Happened(virtual, int(result.ret), result.stdout.str() + result.stderr.str(), record, directory)
