"""Runs checks that wait: sets them aside after an attempt that may yet mend, and takes them up again when they are due.

First attempts come in the suite's own order. A check that is due again is taken up when all first attempts are made, or
before the next one if its time would otherwise run out. Nothing sleeps while another test could run. In an xdist worker
a check that was set aside counts as done for the scheduler, which sends the next one; its reports follow when it is.
"""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from _pytest.runner import check_interactive_exception

from pytest_deploycheck.model.outcome import Outcome
from pytest_deploycheck.session.attempt import Aside, Reports
from pytest_deploycheck.session.mending import mends
from pytest_deploycheck.session.outcomes import worst
from pytest_deploycheck.session.scopes import Scopes, together
from pytest_deploycheck.session.speaking import Speaker
from pytest_deploycheck.session.stopping import hear
from pytest_deploycheck.session.targeting import target_of
from pytest_deploycheck.session.waitreports import ids_of
from pytest_deploycheck.waits.agenda import Agenda
from pytest_deploycheck.waits.waiting import Again, Done, Ended, Waiting

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

    from pytest_deploycheck.session.worker import WorkerSide
    from pytest_deploycheck.waits.terms import Terms

_LOOKS = 3.0
"""While first attempts are made, looks at windows without history take at most so many times as long as these: nobody
can look at such a window later, and the first attempts have to go on all the same."""

_TICK = 1.0
"""Seconds between two looks at the clock and at the display while there is nothing to run."""


class WaitSide:
    """The hooks that let waits overlap; registered only where a check declares one.

    Args:
        config: pytest's.
        session: pytest's.
        terms: node id → what the check declares.
        worker: observes the phases and stamps their reports.
        budget: seconds from now on after which nothing is tried again; None = no end.

    Attributes:
        agenda: what waits now.
        running: the check that is being tried, if any.
        started: when the run began.
        idle: is called while there is nothing to run.
    """

    def __init__(
        self,
        config: pytest.Config,
        session: pytest.Session,
        terms: Mapping[str, Terms],
        worker: WorkerSide,
        *,
        budget: float | None,
    ) -> None:
        """Nothing waits yet."""
        self._config = config
        self._session = session
        self._terms = terms
        self._worker = worker
        self._clock = worker.run.clock
        self._scopes = Scopes(session)
        self._reports = Reports()
        self._speaker = Speaker(session)
        config.pluginmanager.register(self._reports, "deploycheck-held-reports")
        self.started = self._clock.monotonic()
        self._origin = self._origin_of_time()
        self._budget = budget
        self._known: dict[str, Aside] = {}
        self._nested = False
        self._over = False
        hear(config, self._end)
        self._caught_up = self.started
        self._interrupted: Aside | None = None
        self.agenda: Agenda[Aside] = Agenda()
        self.running = ""
        self.idle: Callable[[], None] = lambda: None

    @property
    def ends(self) -> float:
        """When the budget is used up; infinite if there is none."""
        return float("inf") if self._budget is None else self.started + self._budget

    # --- hooks --------------------------------------------------------------------------------------------------------

    def pytest_collection_finish(self) -> None:
        """Let somebody see what waits, if anybody looks."""
        from pytest_deploycheck.session.progress import attach

        attach(self._config, self, self._clock)

    @pytest.hookimpl(wrapper=True, trylast=True)  # inside the terminal's, which tells at the end how far it has come
    def pytest_runtestloop(self, session: pytest.Session) -> Generator[None, object, object]:
        """After every first attempt: go on with what waits."""
        with self.one_go(session):
            return (yield)

    @contextmanager
    def one_go(self, session: pytest.Session) -> Generator[None, None, None]:
        """Every first attempt is made inside; then what waits. A long run goes several times."""
        self.started = self._clock.monotonic()
        self._origin = self._origin_of_time()
        self._known.clear()
        self._caught_up = self.started
        try:
            yield
            if not (session.shouldfail or session.shouldstop):
                self._drain(session)
        except BaseException:
            self._abandon()
            raise
        self._abandon()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(
        self, item: pytest.Item, nextitem: pytest.Item | None
    ) -> Generator[None, object, object]:
        """Before a first attempt, take up what cannot wait any longer; then note what the suite would run next."""
        if not self._nested:
            self._catch_up(item)
            self._scopes.expect(nextitem)
        return (yield)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Generator[None, None, None]:
        """Bring back what this test needs and others have parked."""
        self._scopes.before_setup(item)
        yield

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_teardown(self, item: pytest.Item, nextitem: pytest.Item | None) -> Generator[None, None, None]:
        """Park what checks that wait still need."""
        problems = self._scopes.before_teardown(item, nextitem)
        try:
            yield
        except Exception as error:  # noqa: BLE001 - told together
            problems.append(error)
        together(problems)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_fixture_setup(
        self, fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest
    ) -> Generator[None, object, object]:
        """Note a fixture that may have to be parked."""
        try:
            return (yield)
        finally:
            self._scopes.note_setup(fixturedef, request)

    def pytest_fixture_post_finalizer(self, fixturedef: pytest.FixtureDef[Any]) -> None:
        """Note that it is gone."""
        self._scopes.note_finish(fixturedef)

    # --- the schedule -------------------------------------------------------------------------------------------------

    def _catch_up(self, upcoming: pytest.Item) -> None:
        """Take up what is due and cannot wait until every first attempt is made."""
        left = _LOOKS * (self._clock.monotonic() - self._caught_up)
        later = []
        while not self._stopped() and (aside := self.agenda.take_pressing(now := self._clock.monotonic())) is not None:
            if left < 0 and aside.waiting.samples and now < aside.urgent:
                later.append(aside)
                continue
            self._scopes.interrupt(upcoming)
            looks = aside.waiting.samples
            self._again(aside)
            left -= self._clock.monotonic() - now if looks else 0.0
        for aside in later:
            self._put(aside)
        self._caught_up = self._clock.monotonic()

    def _drain(self, session: pytest.Session) -> None:
        self._scopes.expect(None)
        while len(self.agenda) and not self._over:
            now = self._clock.monotonic()
            if self._budget is not None and now >= self.started + self._budget:
                self._cut()
                return
            aside = self.agenda.take(now)
            if aside is None:
                self._wait(now)
                continue
            self._again(aside)
            if session.shouldfail:
                raise session.Failed(session.shouldfail)
            if session.shouldstop and not self._over:
                raise session.Interrupted(session.shouldstop)

    def _end(self, at_once: bool) -> None:
        """The run is over elsewhere: what waits need not be waited for."""
        self._over = True
        if at_once:
            self._session.shouldstop = "the run was interrupted"

    def _wait(self, now: float) -> None:
        due = self.agenda.next_due()
        if due is None:
            return
        if self._budget is not None:
            due = min(due, self.started + self._budget)
        self.idle()
        self._clock.sleep(max(0.0, min(due - now, _TICK)))

    def _again(self, aside: Aside | None) -> None:
        """Make another attempt, through every plugin's hooks, as if pytest's own loop had come to the test."""
        if aside is None:
            return
        self._nested = True
        try:
            # None: what others need is parked, and everything else is torn down with this attempt if it was the last
            self._config.hook.pytest_runtest_protocol(item=aside.item, nextitem=None)
        finally:
            self._nested = False

    def _stopped(self) -> bool:
        return bool(self._session.shouldfail or self._session.shouldstop)

    # --- one attempt --------------------------------------------------------------------------------------------------

    @pytest.hookimpl(tryfirst=True, specname="pytest_runtest_protocol")
    def pytest_runtest_protocol_of_waiting(self, item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
        """Run a check that waits; every other test is left to pytest and to other plugins."""
        terms = self._terms.get(item.nodeid)
        if terms is None or self._config.option.setuponly:
            return None
        aside = self._known.get(item.nodeid)
        if aside is None:
            waiting = Waiting(item.nodeid, terms, run_started=self.started, origin=self._origin)
            aside = self._known[item.nodeid] = Aside(item, waiting, len(self._known))
        self.running = item.nodeid
        try:
            self._try(aside, nextitem)
        except BaseException:
            self._interrupted = aside
            raise
        finally:
            self.running = ""
        return True

    def _try(self, aside: Aside, nextitem: pytest.Item | None) -> None:
        item, waiting = aside.item, aside.waiting
        began = self._clock.monotonic()
        waiting.begin(began)
        self._worker.open_window(waiting)
        with aside.afresh():
            with self._reports.held_back() as inner:
                calls = [self._phase(item, "setup")]
                if calls[0][0].passed:
                    calls.append(self._phase(item, "call"))
            reports = [calls[0][0], *inner, *(report for report, _ in calls[1:])]
            now = self._clock.monotonic()
            aside.took = now - began
            follows = self._follows(aside, reports, now)
            if isinstance(follows, Again):
                self._scopes.retain(item)
            else:
                self._scopes.release(item)
            if self._stopped():
                nextitem = None
            teardown, teardown_call = self._phase(item, "teardown", nextitem=nextitem)
        if isinstance(follows, Again) and teardown.passed:
            self._set_aside(aside, follows.due, [*reports, teardown])
            return
        self._scopes.release(item)
        if isinstance(follows, Again):
            follows = Done()  # what a fixture could not undo would meet the next attempt
        calls.append((teardown, teardown_call))
        self._finish(aside, follows, [*reports, teardown], calls)

    def _phase(self, item: pytest.Item, when: Any, **arguments: Any) -> tuple[pytest.TestReport, pytest.CallInfo[None]]:
        """Run one phase as pytest does, and keep its report back until it is clear that it counts."""
        hook = getattr(item.ihook, f"pytest_runtest_{when}")
        stops: tuple[type[BaseException], ...] = (pytest.exit.Exception,)
        if not self._config.option.usepdb:
            stops += (KeyboardInterrupt,)
        call = pytest.CallInfo.from_call(lambda: hook(item=item, **arguments), when=when, reraise=stops)
        report: pytest.TestReport = item.ihook.pytest_runtest_makereport(item=item, call=call)
        return report, call

    def _follows(self, aside: Aside, reports: list[pytest.TestReport], now: float) -> Again | Done:
        payloads = [payload for report in reports if (payload := getattr(report, "deploycheck", None)) is not None]
        if len(payloads) < len(reports):
            return Done()
        outcome = worst(Outcome(payload["outcome"]) for payload in payloads)
        summary = next(payload["summary"] for payload in payloads if payload["outcome"] == outcome.value)
        within = aside.waiting.terms.within
        return aside.waiting.ended(
            Ended(
                now=now,
                outcome=outcome,
                summary=summary,
                mends=self._mends(self._reports.errors, within.retry if within else False, aside.item),
                sampled=self._worker.sampled(outcome),
                rhythm=self._worker.run.at(target_of(aside.item)).rhythm(),
            )
        )

    def _mends(self, errors: list[BaseException], retry: Any, item: pytest.Item) -> bool:
        """Return whether all that an attempt raised may mend, and not by what is made only once."""
        return bool(errors) and all(mends(error, retry) for error in errors) and not self._scopes.has_failed(item)

    def _set_aside(self, aside: Aside, due: float, reports: list[pytest.TestReport]) -> None:
        aside.reports = reports
        aside.due = due
        aside.stimulus = min(aside.stimulus, self._worker.stimulus_of(aside.item))
        if aside.waiting.sustaining:
            aside.seen += ids_of(reports)
        self._worker.keep_evidence(reports)
        self._put(aside)

    def _put(self, aside: Aside) -> None:
        waiting = aside.waiting
        self.agenda.put(
            aside,
            due=aside.due,
            order=aside.order,
            stimulus=aside.stimulus,
            deadline=waiting.deadline,
            presses=aside.due if waiting.samples else aside.urgent,
        )

    # --- the result ---------------------------------------------------------------------------------------------------

    def _finish(
        self,
        aside: Aside,
        done: Done,
        reports: list[pytest.TestReport],
        calls: list[tuple[pytest.TestReport, pytest.CallInfo[None]]],
    ) -> None:
        item = aside.item
        aside.reports = []
        self._worker.tell_wait(reports, aside, done)
        for report, call in calls:
            if report.failed and check_interactive_exception(call, report):
                item.ihook.pytest_exception_interact(node=item, call=call, report=report)
        self._log(item, reports)

    def _log(self, item: pytest.Item, reports: list[pytest.TestReport]) -> None:
        with self._speaker.of(item):
            item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
            for report in reports:
                item.ihook.pytest_runtest_logreport(report=report)
            item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)

    def _cut(self) -> None:
        """The run's budget is used up: what has not converged by now is inconclusive."""
        for aside in self.agenda.clear():
            done = aside.waiting.cut(self._budget or 0.0)
            self._scopes.release(aside.item)
            reports = aside.reports
            # the item itself was torn down after its attempt; what only it still needed is torn down now
            call = pytest.CallInfo.from_call(partial(self._scopes.tear_down, aside.item), when="teardown")
            if call.excinfo is not None:
                report = aside.item.ihook.pytest_runtest_makereport(item=aside.item, call=call)
                reports = [*(it for it in reports if it.when != "teardown"), report]
            aside.reports = []
            self._worker.tell_wait(reports, aside, done)
            self._log(aside.item, reports)

    def _abandon(self) -> None:
        """The run ends before some checks did: say how far they came, and tear down what was kept for them."""
        interrupted = [self._interrupted] if self._interrupted is not None else []
        for aside in [*interrupted, *self.agenda.clear()]:
            self._worker.abandoned(aside.item.nodeid, aside.waiting)
        problems = self._scopes.finish()
        for problem in problems:
            self._worker.note(f"teardown of what was kept for checks that waited: {problem!r}")

    def _origin_of_time(self) -> float | None:
        finished = self._worker.run.settings.deployment.finished_at
        if finished is None:
            return None
        return self._clock.monotonic() - (self._clock.now() - finished.timestamp())
