"""From what pytest saw of one phase to one of the five outcomes. Pure: no hooks, no state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from pytest_deploycheck.errors import DeploycheckError, NothingObserved
from pytest_deploycheck.model.outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable

WORST_FIRST = (Outcome.FAILED, Outcome.ERROR, Outcome.INCONCLUSIVE, Outcome.NOT_RUN, Outcome.PASSED)


@dataclass(frozen=True, slots=True)
class Classified:
    """The outcome of one phase and the one line that says why (empty for a pass)."""

    outcome: Outcome
    summary: str = ""


def worst(outcomes: Iterable[Outcome]) -> Outcome:
    """Return the worst of some outcomes; a measured failure is worse than not having measured.

    Raises:
        ValueError: if there are none.
    """
    return min(outcomes, key=WORST_FIRST.index)


def classify(report: pytest.TestReport, error: BaseException | None) -> Classified:  # noqa: PLR0911 - a table of cases
    """Return what one phase's report means.

    Args:
        report: of setup, call or teardown, after pytest's own plugins have seen it.
        error: the exception the phase ended with, if any.
    """
    expected_failure = getattr(report, "wasxfail", None)
    if report.skipped:
        if expected_failure is not None:
            why = str(expected_failure).removeprefix("reason: ")
            return Classified(Outcome.NOT_RUN, f"expected to fail (xfail{': ' + why if why else ''})")
        return Classified(Outcome.NOT_RUN, f"skipped: {_skip_reason(report)}")
    if report.passed:
        return Classified(Outcome.PASSED)
    if error is None:
        # pytest turns a pass under a strict xfail into a failure without an exception: nothing bad was measured.
        return Classified(Outcome.ERROR, first_line(str(report.longrepr)) or "failed without an exception")
    if isinstance(error, DeploycheckError):
        return Classified(error.outcome, error.headline)
    if isinstance(error, pytest.FixtureLookupError) and error.argname is not None:
        return Classified(Outcome.ERROR, f"there is no fixture {error.argname!r}")
    text = first_line(str(error))
    if isinstance(error, pytest.fail.Exception) and text.startswith("Timeout"):
        return Classified(Outcome.ERROR, text)  # pytest-timeout: the check was stopped, nothing was measured
    if report.when == "call" and isinstance(error, AssertionError | pytest.fail.Exception):
        return Classified(Outcome.FAILED, text or "assertion failed")
    name = type(error).__name__
    place = "" if report.when == "call" else f" in {report.when}"
    return Classified(Outcome.ERROR, f"{name}{place}: {text}" if text else f"{name}{place}")


def nothing_observed(report: pytest.TestReport, *, earlier: bool) -> Classified:
    """Turn a pass of a check that observed nothing into what it is.

    Args:
        report: of its call.
        earlier: whether its fixtures observed something, before this look at a window that must hold.
    """
    error = NothingObserved(
        "passed without having looked again at what its fixtures saw earlier"
        if earlier
        else "passed without having observed anything",
        next_step="ask a system through the fixtures, or keep what was seen with deploycheck.record(name, value)",
    )
    report.outcome = "failed"
    report.longrepr = str(error)
    return Classified(Outcome.INCONCLUSIVE, error.what)


def first_line(text: str) -> str:
    """Return the first line that says something."""
    return next((line.strip() for line in text.splitlines() if line.strip()), "")


def _skip_reason(report: pytest.TestReport) -> str:
    if isinstance(report.longrepr, tuple):
        return str(report.longrepr[2]).removeprefix("Skipped: ").strip() or "no reason given"
    return first_line(str(report.longrepr)) or "no reason given"
