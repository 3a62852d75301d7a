"""One attempt of a check that waits: it begins as a fresh test, and nothing of it is told before it counts."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator

    from pytest_deploycheck.waits.waiting import Waiting


_URGENT = 2.0
"""Seconds before its deadline, or three of its last attempt's durations: then it goes before first attempts."""

_OVERDUE = 30.0
"""Seconds: a check that has been due for so long goes before first attempts, however many there are."""


class Aside:
    """A check that waits, with what pytest made of its latest attempt.

    Attributes:
        item: pytest's test.
        waiting: how far it has come.
        order: its place among those that wait.
        due: when it is to be tried again.
        took: seconds that its latest attempt took.
        stimulus: when what it waits for was set off; infinite if nothing was.
        reports: of its latest attempt, held back.
        seen: ids of what earlier looks at a window that must hold observed: the result rests on them too.
    """

    __slots__ = ("_properties", "due", "item", "order", "reports", "seen", "stimulus", "took", "waiting")

    def __init__(self, item: pytest.Item, waiting: Waiting, order: int) -> None:
        """Nothing was attempted yet."""
        self.item = item
        self.waiting = waiting
        self.order = order
        self.due = 0.0
        self.took = 0.0
        self.stimulus = float("inf")
        self.reports: list[pytest.TestReport] = []
        self.seen: list[str] = []
        self._properties = list(item.user_properties)

    @property
    def urgent(self) -> float:
        """From when on it cannot wait any longer."""
        return min(self.waiting.deadline - max(_URGENT, 3 * self.took), self.due + _OVERDUE)

    @contextmanager
    def afresh(self) -> Generator[None, None, None]:
        """Begin with nothing that earlier attempts printed, recorded or set on `self`, as pytest's first run does."""
        item: Any = self.item
        item.user_properties[:] = self._properties
        item._report_sections.clear()  # noqa: SLF001 - pytest offers no way to run a test again; nor for the rest here
        forget_subtests(item)
        if getattr(item, "cls", None) is not None:
            item._obj = None  # noqa: SLF001 - the same
            vars(item).pop("_instance", None)
        if hasattr(item, "_request") and not item._request:  # noqa: SLF001 - the same
            item._initrequest()  # noqa: SLF001 - the same
        try:
            yield
        finally:
            if hasattr(item, "_request"):
                item._request = False  # noqa: SLF001 - the same
                item.funcargs = None


class HeldBack(Exception):  # noqa: N818 - says what is done, not that something is wrong
    """A report went no further: its attempt may not count."""


class Reports:
    """Keeps what an attempt reports while it runs (subtests do) from everybody until it is clear that it counts."""

    def __init__(self) -> None:
        """No attempt runs."""
        self._held: list[pytest.TestReport] | None = None
        self.errors: list[BaseException] = []

    @contextmanager
    def held_back(self) -> Generator[list[pytest.TestReport], None, None]:
        """Give the list that grows by what is reported inside; `errors` then holds what was raised."""
        self._held, self.errors = [], []
        try:
            yield self._held
        finally:
            self._held = None

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(self, call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:
        """Note what was raised; in a subtest nobody else is told."""
        report = yield
        if self._held is not None and call.excinfo is not None:
            self.errors.append(call.excinfo.value)
        return report

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take a report before everybody else.

        Raises:
            HeldBack: the one way to keep it from the others; caught below.
        """
        if self._held is not None:
            self._held.append(report)
            raise HeldBack

    @pytest.hookimpl(wrapper=True, tryfirst=True, specname="pytest_runtest_logreport")
    def pytest_runtest_logreport_ends_here(self) -> Generator[None, list[Any], list[Any]]:
        """End the way of a report quietly (pytest looks at nothing whose name does not begin with its own)."""
        try:
            return (yield)
        except HeldBack:
            return []


def forget_subtests(item: pytest.Item) -> None:
    """Forget how many subtests failed: pytest would hold them against the attempt that passes."""
    try:
        from _pytest.subtests import failed_subtests_key
    except ImportError:  # before pytest 9 there are none
        return
    failed: dict[Any, int] = item.config.stash.get(failed_subtests_key, {})  # type: ignore[arg-type]
    for name in (item.nodeid, getattr(item, "id", item.nodeid)):
        failed.pop(name, None)
