"""Where tests run: takes the manifest, observes each phase, and stamps what it saw on the phase's report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from pytest_deploycheck.errors import DeploycheckError, NeverJudged
from pytest_deploycheck.model.duration import parse_duration
from pytest_deploycheck.model.outcome import Level, Outcome
from pytest_deploycheck.report.failure import headline
from pytest_deploycheck.session.borrowed import Borrowed
from pytest_deploycheck.session.configured import mistakes_of
from pytest_deploycheck.session.manifest import Manifest, collect
from pytest_deploycheck.session.outcomes import Classified, classify, nothing_observed
from pytest_deploycheck.session.payload import pack
from pytest_deploycheck.session.run import Run, known_run, run_of
from pytest_deploycheck.session.stopping import found_checks
from pytest_deploycheck.session.traces import hide_own_frames, hide_own_values, keep_authors_frames, tell
from pytest_deploycheck.session.waitreports import Backlog, strip
from pytest_deploycheck.session.waitreports import tell as tell_of_wait
from pytest_deploycheck.session.wording import SECTION, explain

if TYPE_CHECKING:
    from collections.abc import Generator

    from pytest_deploycheck.model.declaration import Declaration
    from pytest_deploycheck.model.measure import Measure
    from pytest_deploycheck.session.attempt import Aside
    from pytest_deploycheck.session.controller import ControllerSide
    from pytest_deploycheck.waits.waiting import Done, Waiting

_LONGEST_TEXT = 20_000


class WorkerSide:
    """The hooks around every test of a verification run, in the main process or in an xdist worker.

    Args:
        config: pytest's.
        is_worker: whether this is an xdist worker.
    """

    def __init__(self, config: pytest.Config, is_worker: bool) -> None:
        """Nothing is asked yet."""
        self._config = config
        self._is_worker = is_worker
        self._name = config.workerinput["workerid"] if is_worker else "main"  # type: ignore[attr-defined]
        self._manifest = Manifest()
        self._manifest_sent = False
        self._controller: ControllerSide | None = None
        self._declarations: dict[str, Declaration] = {}
        self._names: dict[pytest.Item, str] = {}
        self._borrowed = Borrowed()
        self._backlog = Backlog()
        self._abandoned: list[tuple[str, str]] = []
        self._notes: list[str] = []
        self._run: Run | None = None
        self._in_call = False
        self._observed: list[str] = []
        self._call_passed = False

    def report_manifest_to(self, controller: ControllerSide) -> None:
        """Without xdist the manifest goes to the controller side directly."""
        self._controller = controller

    def take_manifest(
        self, session: pytest.Session, items: list[pytest.Item], recognised: list[pytest.Item], *, everything: bool
    ) -> None:
        """Read every declaration before anything is deselected; leave out what is not configured.

        Raises:
            pytest.UsageError: on mistakes in markers, in `-m` or in the configuration (in an xdist worker they travel
                to the controller instead, which raises it).
        """
        self._manifest = collect(self._config, session, items, recognised, everything=everything)
        self._declarations = {declaration.nodeid: declaration for declaration in self._manifest.declarations}
        self._names = {item: item.nodeid for item in items if item.nodeid in self._declarations}
        mistakes = mistakes_of(self._config)
        if not mistakes:
            if self._is_worker and self._manifest.declarations:
                found_checks(self._config)
            if getattr(self._config.option, "allure_report_dir", None):
                from pytest_deploycheck.session.allureside import AllureSide

                self._config.pluginmanager.register(AllureSide(self._config), "deploycheck-allure")
            if self._manifest.terms and not self._config.option.collectonly:
                self._let_waits_overlap(session)
            if self._manifest.asks:
                self._ask_ahead(session)
            return
        self._manifest.mistakes.extend(mistakes)
        if not self._is_worker:
            raise pytest.UsageError("deploycheck: " + "\n  ".join(mistakes))
        items.clear()

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Note what is left after deselection, under the names that everybody else knows them by."""
        for item, name in self._names.items():
            item._nodeid = name  # type: ignore[attr-defined] # noqa: SLF001 - `--dist loadgroup` has put the group behind it, for itself
        self._manifest.selected = [item.nodeid for item in session.items]
        if self._controller is not None:
            self._controller.take_manifest(self._manifest)
        elif self._is_worker:
            self._config.workeroutput["deploycheck"] = self._manifest.to_dict()  # type: ignore[attr-defined]

    # --- around one test ----------------------------------------------------------------------------------------------

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Name the check on the tape while it runs."""
        if item.nodeid not in self._declarations:
            return (yield)
        run = self.run
        run.ledger.begin()
        run.tape.label = item.nodeid
        run.allow_writes_of(item)
        self._observed = []
        try:
            return (yield)
        finally:
            run.tape.label = ""
            run.allow_writes_of(None)
            run.ledger.window = None

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Generator[None, None, None]:
        """A repeated attempt starts with a clean ledger."""
        if self._run is not None and item.nodeid in self._declarations:
            self._run.ledger.begin()
            self._observed = []
            self._call_passed = False
        yield

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(
        self, fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest
    ) -> Generator[None, object, object]:
        """Remember what a fixture observed: it counts for every check that uses the fixture."""
        run = self._run
        if run is None:
            return (yield)
        before = len(run.observed)
        tracking = run.ledger.tracking
        if fixturedef.scope != "function":
            run.ledger.tracking = False
            run.ledger.stimulated = False
        try:
            return (yield)
        finally:
            run.ledger.tracking = tracking
            stimulated = fixturedef.scope != "function" and run.ledger.stimulated
            self._borrowed.made(
                fixturedef,
                request,
                tuple(run.observed[before:]),
                stimulus=run.clock.monotonic() if stimulated else None,
            )

    def pytest_fixture_post_finalizer(self, fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest) -> None:
        """Forget what a fixture observed once it is torn down."""
        self._borrowed.gone(request, fixturedef.argname)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self) -> Generator[None, None, None]:
        """Tell the reports of subtests, made inside the call, from the test's own."""
        self._in_call = True
        try:
            yield
        finally:
            self._in_call = False

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> Generator[None, None, None]:
        """After all fixtures are gone: an answer that nobody judged is a mistake in the check."""
        yield
        if self._run is None or item.nodeid not in self._declarations or not self._call_passed:
            return
        if unjudged := self._run.ledger.unjudged():
            what, where = unjudged[0]
            more = f" (and {len(unjudged) - 1} more)" if len(unjudged) > 1 else ""
            raise NeverJudged(
                f"never judged: {what}{more}",
                where=where,
                next_step="compare it in an `assert`, or remove the question",
            )

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Classify the phase, last of all plugins, and stamp declaration and evidence on its report."""
        if call.excinfo is not None and not self._config.getoption("fulltrace", default=False):
            hide_own_frames(call.excinfo)
        report = yield
        hide_own_values(report)
        declaration = self._declarations.get(item.nodeid)
        run = self._run
        if declaration is None or run is None:
            if (known := known_run(self._config)) is not None:
                _mask(report, known)  # no check, but it may have used our fixtures
            return report
        exchanges = run.tape.take()
        self._observed.extend(exchange.id for exchange in exchanges if not exchange.unused)
        error = call.excinfo.value if call.excinfo is not None else None
        if report.failed and isinstance(error, DeploycheckError):
            tell(report, error)
        classified = classify(report, error)
        if classified.outcome is Outcome.FAILED and run.ledger.bad:
            classified = Classified(Outcome.FAILED, headline(run.ledger.bad[-1]))
        classified = Classified(classified.outcome, run.redactor.rendered(classified.summary))
        main_call = report.when == "call" and not self._in_call
        if main_call and classified.outcome is Outcome.PASSED and not self._has_observed(item):
            classified = nothing_observed(report, earlier=bool(self._borrowed.by(item)))
        if main_call:
            self._call_passed = classified.outcome is Outcome.PASSED
        self._describe(report, classified)
        payload = pack(
            declaration=declaration,
            classified=classified,
            report=report,
            started=call.start,
            worker=self._name,
            exchanges=exchanges,
            bodies=run.tape.take_bodies(),
            borrowed=self._borrowed.by(item) if main_call else (),
            text=self._text(report, classified),
            measures=_masked_measures(run) if main_call else (),
        )
        if report.when == "teardown":
            payload["systems"] = run.systems_seen()
        report.deploycheck = payload  # type: ignore[attr-defined]
        return report

    @pytest.hookimpl(tryfirst=True)
    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Show of an interrupted question only the author's lines: `--full-trace` would tell arguments with them."""
        keep_authors_frames(excinfo)

    # --- for checks that wait -----------------------------------------------------------------------------------------

    @property
    def run(self) -> Run:
        """The process's run."""
        if self._run is None:
            self._run = run_of(self._config)
        return self._run

    def sampled(self, outcome: Outcome) -> bool:
        """Whether the attempt that runs asked something of which there is no history.

        One that measured nothing, and asked nothing of that kind either, does not tell.
        """
        ledger = self.run.ledger
        return ledger.sampled or (outcome in (Outcome.PASSED, Outcome.FAILED) and not ledger.looked_back)

    def open_window(self, window: Waiting) -> None:
        """Let the questions of the attempt that begins look back over the window that must hold."""
        self.run.ledger.window = window if window.sustaining else None

    def stimulus_of(self, item: pytest.Item) -> float:
        """Return when the oldest stimulus that a check depends on was set off; infinite if there is none."""
        return self._borrowed.stimulus_of(item)

    def keep_evidence(self, reports: list[pytest.TestReport]) -> None:
        """Keep what an attempt observed whose reports nobody will see."""
        for report in reports:
            payload = getattr(report, "deploycheck", None)
            if payload is None:
                continue
            if payload["exchanges"]:
                if self._controller is not None:
                    self._controller.take_evidence(report.nodeid, payload)
                else:
                    self._backlog.add(report.nodeid, payload)
            strip(payload)

    def tell_wait(self, reports: list[pytest.TestReport], aside: Aside, done: Done) -> None:
        """Make the reports that count say how the check waited, and on what it rests."""
        tell_of_wait(reports, aside, done, self._describe)

    def abandoned(self, nodeid: str, waiting: Waiting) -> None:
        """Note a check that still waited when the run was stopped."""
        last = waiting.trail[-1].summary if waiting.trail else ""
        why = f"the run was stopped while it waited: {waiting.headline()}{'; last: ' + last if last else ''}"
        if self._controller is not None:
            self._controller.take_abandoned(nodeid, why)
        else:
            self._abandoned.append((nodeid, why))

    def note(self, text: str) -> None:
        """Note something that the record has to tell."""
        text = self.run.redactor.text(text)
        if self._controller is not None:
            self._controller.take_note(text)
        else:
            self._notes.append(text)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """In an xdist worker the manifest travels with the first report, evidence of earlier attempts with the next."""
        payload = getattr(report, "deploycheck", None)
        if not self._is_worker or payload is None:
            return
        if not self._manifest_sent:
            self._manifest_sent = True
            payload["manifest"] = self._manifest.to_dict()
        if entries := self._backlog.take():
            payload["backlog"] = entries

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self) -> None:
        """The farewell takes along what no report did."""
        if not self._is_worker:
            return
        output = self._config.workeroutput.get("deploycheck")  # type: ignore[attr-defined]
        if output is None:
            return
        if self._backlog.dropped:
            self._notes.append(
                f"{self._name}: {self._backlog.dropped} answers of earlier attempts were not kept, only their digests"
            )
        output.update(backlog=self._backlog.take(), abandoned=[list(it) for it in self._abandoned], notes=self._notes)

    def _let_waits_overlap(self, session: pytest.Session) -> None:
        from pytest_deploycheck.session.waitside import WaitSide

        budget = self._config.option.deploycheck_budget
        side = WaitSide(
            self._config,
            session,
            self._manifest.terms,
            self,
            budget=parse_duration(budget) if budget is not None else None,
        )
        self._config.pluginmanager.register(side, "deploycheck-waits")

    def _ask_ahead(self, session: pytest.Session) -> None:
        option = self._config.option
        if option.deploycheck_no_prefetch or option.collectonly or option.setuponly:
            return
        from pytest_deploycheck.session.lookahead import LookAhead

        side = LookAhead(
            session=session,
            run=self.run,
            asks=self._manifest.asks,
            apart=frozenset(nodeid for nodeid, terms in self._manifest.terms.items() if terms.sustained is not None),
            is_worker=self._is_worker,
            note=self.note,
        )
        self._config.pluginmanager.register(side, "deploycheck-lookahead")

    # --- parts --------------------------------------------------------------------------------------------------------

    def _has_observed(self, item: pytest.Item) -> bool:
        if self._run is not None and self._run.ledger.window is not None:
            return bool(self._observed)  # what a wider fixture once saw is no look at a window that must hold
        return bool(self._observed or self._borrowed.by(item))

    def _describe(self, report: pytest.TestReport, classified: Classified) -> None:
        """Add the findings to the report, mask secrets, and turn a warning's failure into one that does not gate."""
        run = self._run
        if run is None:
            return
        if report.failed and report.when == "call" and classified.outcome is not Outcome.NOT_RUN:
            explain(report, run.ledger.bad)
        _mask(report, run)
        if classified.outcome in (Outcome.PASSED, Outcome.NOT_RUN):
            return
        declaration = self._declarations[report.nodeid]
        if report.failed and declaration.level is Level.WARNING and not run.settings.strict:
            # As an expected failure it is visible in every report (terminal, JUnit XML, Allure) and gates in none,
            # neither the exit code nor `-x`.
            report.outcome = "skipped"
            report.wasxfail = f"warning ({classified.outcome}): {classified.summary}"

    def _text(self, report: pytest.TestReport, classified: Classified) -> str:
        if classified.outcome in (Outcome.PASSED, Outcome.NOT_RUN):
            return ""
        parts = [report.longreprtext]
        parts += [content for name, content in report.sections if name == SECTION]
        return "\n\n".join(parts)[:_LONGEST_TEXT]


def _masked_measures(run: Run) -> list[Measure]:
    """Return the numbers that the check judged; what was asked may hold a secret."""
    return [msgspec.structs.replace(one, of=run.redactor.text(one.of)) for one in run.ledger.measures]


def _mask(report: pytest.TestReport, run: Run) -> None:
    """Take the known secrets out of all that a report shows."""
    report.sections = [(name, run.redactor.rendered(content)) for name, content in report.sections]
    text = report.longreprtext
    masked = run.redactor.rendered(text)
    if masked != text:
        report.longrepr = masked
