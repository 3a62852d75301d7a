"""One long run: the whole suite again at every checkpoint, each time with a record of its own.

Everything is set up anew each time, session fixtures too: what was made or seen twelve hours ago says nothing of now.
"""

from __future__ import annotations

from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

import pytest

from pytest_deploycheck.gate.checkpoints import lateness
from pytest_deploycheck.model.checkpoint import DONE
from pytest_deploycheck.model.declaration import CheckResult
from pytest_deploycheck.model.outcome import Outcome
from pytest_deploycheck.session.attempt import forget_subtests
from pytest_deploycheck.session.books import Book
from pytest_deploycheck.session.run import run_of
from pytest_deploycheck.signoff.write import Writer, new_run_id

if TYPE_CHECKING:
    from collections.abc import Generator

    from pytest_deploycheck.model.checkpoint import Checkpoint, Planned
    from pytest_deploycheck.session.checkpoints import Observation
    from pytest_deploycheck.session.controller import ControllerSide

_TICK = 30.0
"""Seconds between two looks at the wall clock while waiting: it may be set, and a machine may have slept."""


class LongRun:
    """Repeats the session's tests at every checkpoint.

    Args:
        config: pytest's.
        controller: keeps the books and writes the records.
        observation: what is to be made.
    """

    def __init__(self, config: pytest.Config, controller: ControllerSide, observation: Observation) -> None:
        """Nothing has been made."""
        self._config = config
        self._controller = controller
        self._observation = observation
        self._clock = run_of(config).clock
        self._properties: dict[pytest.Item, list[tuple[str, object]]] = {}

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool | None:
        """Make the checkpoints one after the other, in the place of pytest's own single loop."""
        option = self._config.option
        if option.collectonly or not session.items:
            return None
        if session.testsfailed and not option.continue_on_collection_errors:
            return None  # pytest's own loop says so
        self._take_earlier()
        observation = self._observation
        while not observation.stopped:
            found = observation.look()
            for missed in found.missed:
                self._tell(f"checkpoint {missed.label}: missed: {missed.why}; with it the verdict is HOLD at best")
            if found.now is not None:
                self._make(session, found.now)
            elif found.following is not None:
                self._wait_for(session, found.following)
            else:
                return True
        self._tell(f"{observation.stopped}; --deploycheck-checkpoint-continue would go on")
        return True

    # --- waiting ------------------------------------------------------------------------------------------------------

    def _wait_for(self, session: pytest.Session, planned: Planned) -> None:
        self._tell(f"checkpoint {planned.label} is due at {self._observation.moment(planned)}")
        at = self._observation.finish + planned.offset
        while (left := at - self._clock.now()) > 0:
            self._stop_if_told(session)
            self._clock.sleep(min(left, _TICK))

    @staticmethod
    def _stop_if_told(session: pytest.Session) -> None:
        if session.shouldfail:
            raise session.Failed(session.shouldfail)
        if session.shouldstop:
            raise session.Interrupted(session.shouldstop)

    # --- making one ---------------------------------------------------------------------------------------------------

    def _make(self, session: pytest.Session, planned: Planned) -> None:
        late = lateness(planned, self._observation.elapsed)
        self._tell(f"checkpoint {planned.label}{f', {late}' if late else ''}")
        run_of(self._config).start_over()
        waits: Any = self._config.pluginmanager.get_plugin("deploycheck-waits")
        # pytest's count of failed tests is that of one go through the suite, for `--maxfail` and its own loop
        failed, session.testsfailed = session.testsfailed, 0
        try:
            with self._record(session, planned), waits.one_go(session) if waits is not None else nullcontext():
                for index, item in enumerate(session.items):
                    self._begin_afresh(item)
                    following = session.items[index + 1] if index + 1 < len(session.items) else None
                    item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
                    self._stop_if_told(session)
        finally:
            session.testsfailed += failed

    def _begin_afresh(self, item: pytest.Item) -> None:
        """Forget what the checkpoint before printed, recorded or set on `self`: it would count again."""
        known: Any = item
        known.user_properties[:] = self._properties.setdefault(item, list(item.user_properties))
        known._report_sections.clear()  # noqa: SLF001 - pytest offers no way to run a test again
        forget_subtests(item)
        if getattr(item, "cls", None) is not None:
            known._obj = None  # noqa: SLF001 - the same
            vars(item).pop("_instance", None)

    @contextmanager
    def _record(self, session: pytest.Session, planned: Planned) -> Generator[None, None, None]:
        """Let all that arrives inside go into a record of its own, which is written whatever happens."""
        controller, observation = self._controller, self._observation
        whole, now = controller.book, self._clock.now()
        writer = Writer(whole.writer.path / "checkpoints", new_run_id(now), name=planned.label)
        book = controller.book = Book(writer, now)
        observation.current = planned
        report = controller.shown_path()
        stopped = "the checkpoint was not made to its end"
        try:
            controller.begin()
            yield
            stopped = ""
        finally:
            try:
                controller.conclude(session, 0, stopped="" if session.shouldfail or session.shouldstop else stopped)
            finally:
                observation.current = None
                controller.book = whole
                whole.merge(book)
                whole.aggregate.settle(book.aggregate.results().values(), planned.label)
                whole.writer.adopt(writer)
        controller.begin()  # the HOLD that stands until the end tells of the checkpoints so far
        made = observation.checkpoints[planned.label]
        self._tell(f"checkpoint {made.label}: {made.verdict}: {made.why} (report: {report}/signoff.md)", verdict=True)

    def _take_earlier(self) -> None:
        """Let what other runs measured of this deployment count as well."""
        for checkpoint in self._observation.ordered():
            if checkpoint.label in self._observation.earlier and checkpoint.state == DONE:
                self._controller.book.aggregate.settle(_results(checkpoint), checkpoint.label)

    def _tell(self, text: str, *, verdict: bool = False) -> None:
        reporter: Any = self._config.pluginmanager.get_plugin("terminalreporter")
        if reporter is not None:
            reporter.ensure_newline()
            reporter.write_line(f"deploycheck: {text}", bold=verdict)


def _results(checkpoint: Checkpoint) -> list[CheckResult]:
    return [
        CheckResult(
            nodeid=seen.nodeid,
            outcome=seen.outcome,
            summary="" if seen.outcome is Outcome.PASSED else f"{seen.outcome} in run {checkpoint.run_id}",
            started=checkpoint.began or 0.0,
            measures=seen.measures,
        )
        for seen in checkpoint.checks
    ]
