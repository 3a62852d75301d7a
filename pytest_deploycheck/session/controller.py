"""Where reports arrive: keeps the evidence, asks the gate, writes the sign-off, sets the exit code, tells people."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_deploycheck.errors import ConfigError, DeploycheckError, Mistake
from pytest_deploycheck.gate.decide import decide
from pytest_deploycheck.gate.waivers import parse_waivers
from pytest_deploycheck.markers import parse_tier
from pytest_deploycheck.model.decision import Waivers
from pytest_deploycheck.model.outcome import Level, Outcome
from pytest_deploycheck.model.run import RunFacts, RunRecord
from pytest_deploycheck.report.markdown import render as render_markdown
from pytest_deploycheck.session.books import Book
from pytest_deploycheck.session.configured import settings_of
from pytest_deploycheck.session.manifest import Manifest
from pytest_deploycheck.session.outcomes import first_line
from pytest_deploycheck.session.place import without_group
from pytest_deploycheck.session.run import run_of
from pytest_deploycheck.session.surroundings import deployment_record, runner_record
from pytest_deploycheck.signoff.record import build, incomplete
from pytest_deploycheck.signoff.write import Writer, new_run_id

if TYPE_CHECKING:
    from collections.abc import Generator

    from pytest_deploycheck.model.decision import Decision
    from pytest_deploycheck.session.checkpoints import Observation
    from pytest_deploycheck.settings.models import Effective

_LETTERS = {
    Outcome.FAILED: ("failed", "F", ("FAILED", {"red": True})),
    Outcome.ERROR: ("error", "E", ("ERROR", {"red": True})),
    Outcome.INCONCLUSIVE: ("inconclusive", "I", ("INCONCLUSIVE", {"yellow": True, "bold": True})),
}
_CODES = {2: "interrupted", 3: "an internal error of pytest or a plugin", 4: "usage error"}
"""pytest's own exit codes, which the verdict's does not replace."""

_CHECKPOINTS = frozenset(
    f"deploycheck_{name}" for name in ("at", "checkpoint", "checkpoint_continue", "checkpoint_tolerance", "state")
)
"""The options that only mean something for checkpoints."""


class ControllerSide:
    """The one place that decides and writes: the main process, or xdist's controller.

    Args:
        config: pytest's.
        asked: whether a sign-off was asked for.
    """

    def __init__(self, config: pytest.Config, *, asked: bool) -> None:
        """Read the settings and the waivers.

        Raises:
            pytest.UsageError: if they cannot be used.
        """
        self._config = config
        self._asked = asked
        self._manifest: Manifest | None = None
        self._collection_errors: list[tuple[str, str]] = []
        self._record: dict[str, Any] | None = None
        self._mistakes: list[str] = []
        try:
            self._settings = settings_of(config)
            run = run_of(config)
            self._redactor, self._now = run.redactor, run.clock.now
            self._waivers = self._read_waivers(self._settings, self._now())
            self._tier = parse_tier(self._settings.default_tier)
        except ConfigError as error:
            raise pytest.UsageError(f"deploycheck: {error}{self._withdrawn()}") from None
        given = config.option.deploycheck_reports
        reports = config.invocation_params.dir / given if given else self._settings.reports
        started = self._now()
        self.book = Book(Writer(Path(reports), new_run_id(started)), started)
        self.book.notes.extend(f"configuration: {text}" for text in self._settings.warnings)
        self.observation: Observation | None = None
        if any(value for name, value in vars(config.option).items() if name in _CHECKPOINTS):
            from pytest_deploycheck.session.observing import observe

            self.observation = observe(config, self, self._settings, reports=Path(reports))

    def _withdrawn(self) -> str:
        from pytest_deploycheck.session.withdrawn import withdraw

        try:
            return withdraw(self._config)
        except DeploycheckError as error:
            return f"\n  {error}"

    def begin(self) -> None:
        """Write the HOLD record that stands if this run is killed.

        Raises:
            pytest.UsageError: if it cannot be written.
        """
        try:
            if self.observation is not None:
                self.observation.begin(self.book.writer.run_id, self.shown_path())
            facts = RunFacts(
                scope=self._config.option.deploycheck_scope,
                targets=tuple(self._settings.environment.targets),
                only=self._settings.only,
            )
            record = incomplete(self._run_record(facts, finished=None))
            self.book.writer.write_incomplete(record, render_markdown(record))
        except DeploycheckError as error:
            raise pytest.UsageError(f"deploycheck: {error}") from None

    def take_manifest(self, manifest: Manifest) -> None:
        """Take what the run expects of itself; later copies from other workers are the same."""
        if self._manifest is None:
            self._manifest = manifest
        for mistake in manifest.mistakes:
            if mistake not in self._mistakes:
                self._mistakes.append(mistake)

    # --- what arrives -------------------------------------------------------------------------------------------------

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Note a file that could not be collected: what it would have checked is unknown."""
        if report.failed:
            lines = [line for line in str(report.longrepr).splitlines() if line.startswith("E ")]
            text = lines[-1][2:].strip() if lines else first_line(str(report.longrepr))
            self._collection_errors.append((report.nodeid or "rootdir", self._redactor.text(text)))

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take a phase's payload, and put its evidence where a dying process cannot lose it."""
        payload: dict[str, Any] | None = getattr(report, "deploycheck", None)
        if report.when not in ("setup", "call", "teardown"):  # xdist reports the check that killed its worker so
            self.book.note_crash(report)
            return
        if payload is None:
            if report.failed:
                self.book.others_failed += 1
            return
        if manifest := payload.pop("manifest", None):
            self.take_manifest(Manifest.from_dict(manifest))
        for system in payload.pop("systems", ()):
            self.book.merge_system(system)
        for entry in payload.pop("backlog", ()):
            self.take_evidence(entry["nodeid"], entry)
        self.take_evidence(report.nodeid, payload)
        exchanges = payload.pop("exchanges")
        payload.pop("bodies")
        payload.setdefault("ids", [exchange["id"] for exchange in exchanges])
        self.book.aggregate.add(report.nodeid, payload)

    def take_evidence(self, nodeid: str, payload: dict[str, Any]) -> None:
        """Write what a phase observed."""
        self.book.take_evidence(nodeid, payload)

    def take_abandoned(self, nodeid: str, why: str) -> None:
        """Note a check that still waited when the run was stopped."""
        self.book.lost.append((nodeid, self._redactor.text(why)))

    def take_note(self, text: str) -> None:
        """Note something that the record has to tell."""
        self.book.notes.append(text)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:
        """Take a worker's farewell; a worker that leaves none is lost."""
        output = getattr(node, "workeroutput", None) or {}
        if "deploycheck" in output:
            farewell = output["deploycheck"]
            self.take_manifest(Manifest.from_dict(farewell))
            for entry in farewell.get("backlog", ()):
                self.take_evidence(entry["nodeid"], entry)
            for nodeid, why in farewell.get("abandoned", ()):
                self.take_abandoned(nodeid, why)
            self.book.notes.extend(farewell.get("notes", ()))
        elif error:
            name = node.gateway.id
            self.book.lost.append(("", f"worker {name} died: {first_line(str(error))}"))

    # --- pytest's own display -----------------------------------------------------------------------------------------

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_teststatus(self, report: pytest.TestReport) -> tuple[str, str, Any] | None:
        """Keep the four ways of not passing apart: F, E, I, and W for a warning that did not pass."""
        payload = getattr(report, "deploycheck", None)
        if payload is None or str(report.outcome) == "rerun":  # pytest-rerunfailures shows its own
            return None
        outcome = Outcome(payload["outcome"])
        if outcome not in _LETTERS:
            return None
        if payload["declaration"]["level"] == Level.WARNING.value and not report.failed:
            return "warned", "W", (f"WARNED ({outcome})", {"yellow": True})
        return _LETTERS[outcome]

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Show in full what pytest has no section for."""
        for category, title in (("inconclusive", "INCONCLUSIVE"), ("warned", "WARNED")):
            reports = [report for report in terminalreporter.getreports(category) if hasattr(report, "deploycheck")]
            if not reports or self._config.option.tbstyle == "no":
                continue
            terminalreporter.write_sep("=", title, yellow=True)
            for report in reports:
                terminalreporter.write_sep("_", report.head_line or report.nodeid, yellow=True)
                terminalreporter._outrep_summary(report)  # noqa: SLF001 - what summary_failures itself calls

    # --- the end ------------------------------------------------------------------------------------------------------

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> Generator[None, None, None]:
        """Decide before pytest's summary, speak after it: the verdict is the last thing on the screen."""
        if self._mistakes and int(exitstatus) not in _CODES:
            exitstatus = session.exitstatus = pytest.ExitCode.USAGE_ERROR
        if self.observation is not None:
            self.observation.end()
        record, session.exitstatus = self.conclude(session, int(exitstatus))
        yield
        self._show(record)

    def conclude(self, session: pytest.Session, exitstatus: int, *, stopped: str = "") -> tuple[dict[str, Any], int]:
        """Decide on what has arrived in the book, and write the record.

        Args:
            session: pytest's.
            exitstatus: pytest's own.
            stopped: why a checkpoint was not made to its end; empty if it was.

        Returns:
            The record, and the exit code.
        """
        decision = self._decide(session, exitstatus, stopped)
        code, why = self._exit_code(decision, exitstatus), ""
        if self.observation is not None:
            self.observation.conclude(decision, self._facts)
            code, why = self.observation.exit_code(code)
        return self._finished(decision, code, why), code

    def _decide(self, session: pytest.Session, exitstatus: int, stopped: str) -> Decision:
        manifest = self._manifest or Manifest()
        expected = {declaration.nodeid: declaration for declaration in manifest.declarations}
        for nodeid, declaration in self.book.aggregate.declarations.items():
            expected.setdefault(nodeid, declaration)
        selected = frozenset(manifest.selected) | frozenset(self.book.aggregate.declarations)
        self._facts = RunFacts(
            expected=tuple(expected.values()),
            selected=selected & frozenset(expected),
            deselected_by={
                nodeid: self._narrowed if nodeid in manifest.outside else manifest.deselected_by
                for nodeid in expected
                if nodeid not in selected
            },
            results=self.book.aggregate.results(),
            lost=tuple((without_group(nodeid, expected), why) for nodeid, why in self.book.lost),
            collection_errors=tuple(self._collection_errors),
            interrupted=stopped or self._interrupted(session, exitstatus),
            narrowed=tuple(manifest.narrowed),
            scope=self._config.option.deploycheck_scope,
            strict=self._settings.strict,
            signoff_asked=self._asked,
            deployment_finished_at=deployment_record(self._settings.deployment).finished_at,
            default_tier=self._tier,
            others_failed=self.book.others_failed,
            targets=tuple(self._settings.environment.targets),
            only=self._settings.only,
            outside=frozenset(manifest.outside),
            began=self.book.started,
            unmeasured=self.observation.shortcomings() if self.observation is not None else (),
        )
        return decide(self._facts, self._waivers, clock_now=self._now())

    @property
    def _narrowed(self) -> str:
        """What narrows the run to targets, as people are shown it."""
        return f"{self._settings.origin('only').removeprefix('option ')} {','.join(self._settings.only)}"

    def _interrupted(self, session: pytest.Session, exitstatus: int) -> str:
        if self._mistakes:
            return f"usage error: {self._mistakes[0]}"
        for stop in (session.shouldfail, session.shouldstop):
            if stop:
                return str(stop)
        if self.book.incomplete:
            return f"evidence could not be kept: {first_line(self.book.incomplete)}"
        return _CODES.get(exitstatus, "")

    def _exit_code(self, decision: Decision, exitstatus: int) -> int:
        if exitstatus in _CODES:
            return exitstatus
        if decision.exit_code == 0 and self.book.others_failed:
            return 1  # tests that are no checks keep their own meaning
        return decision.exit_code

    def _finished(self, decision: Decision, code: int, because: str) -> dict[str, Any]:
        if self.book.incomplete:
            self.book.notes.append(f"evidence could not be kept: {self.book.incomplete}")
        manifest = self._manifest or Manifest()
        missing: dict[str, int] = {}
        for _, why in manifest.not_configured:
            missing[why] = missing.get(why, 0) + 1
        if missing:
            named = ", ".join(f"{why} ({count})" for why, count in sorted(missing.items()))
            tests = f"{sum(missing.values())} test{'s' * (sum(missing.values()) != 1)}"
            lack = (
                f"the configuration has {named}"
                if self._settings.source
                else f"there is no deploycheck.toml in {self._config.rootpath} or above"
            )
            self.book.notes.append(f"{tests} left out, because {lack}")
        if code != decision.exit_code:
            why = because or _CODES.get(code, f"{self.book.others_failed} tests that are no checks failed")
            self.book.notes.append(f"the process exits with {code} instead of {decision.exit_code}: {why}")
        run = self._run_record(self._facts, finished=self._now())
        record = build(run, decision)
        try:
            self.book.writer.write(record, render_markdown(record))
        except DeploycheckError as error:
            raise pytest.UsageError(f"deploycheck: {error}") from None
        finally:
            self.book.writer.close()
        if self.observation is not None:
            self.observation.save()
        return record

    def _show(self, record: dict[str, Any]) -> None:
        reporter = self._config.pluginmanager.get_plugin("terminalreporter")
        if reporter is None:
            return
        from pytest_deploycheck.report.terminal import render

        for mistake in self._mistakes:
            reporter.write_line(f"ERROR: deploycheck: {mistake}", red=True)
        writer = reporter._tw  # noqa: SLF001 - the only way to know whether this terminal shows colours
        encoding = str(getattr(writer._file, "encoding", "") or "")  # noqa: SLF001 - the same
        text = render(
            record,
            color=bool(writer.hasmarkup),
            width=int(writer.fullwidth),
            unicode=encoding.lower().replace("-", "") == "utf8",
            reports=self.shown_path(),
        )
        reporter.ensure_newline()
        if self.observation is not None:
            for line in self.observation.lines():
                reporter.write_line(line)
        writer._file.write(text if text.endswith("\n") else text + "\n")  # noqa: SLF001 - rich has done the markup
        writer.flush()

    def shown_path(self) -> str:
        """Return the folder of the record that is being made, as people are shown it."""
        path = self.book.writer.path
        here = self._config.invocation_params.dir
        return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)

    # --- parts --------------------------------------------------------------------------------------------------------

    def _run_record(self, facts: RunFacts, *, finished: float | None) -> RunRecord:
        workers = getattr(self._config.option, "numprocesses", None) or 0
        return RunRecord(
            run_id=self.book.writer.run_id,
            started=self.book.started,
            finished=finished,
            facts=facts,
            environment=self._settings.environment_name,
            deployment=deployment_record(self._settings.deployment),
            runner=runner_record(self._config, self._redactor, workers=int(workers)),
            systems=self.book.systems,
            evidence=self.book.writer.evidence() if finished is not None else (),
            observations=self.book.writer.observations,
            notes=tuple(self.book.notes),
            checkpoints=self.observation.section() if self.observation is not None else None,
        )

    @staticmethod
    def _read_waivers(settings: Effective, now: float) -> Waivers:
        if settings.waivers is None:
            return Waivers()
        try:
            content = settings.waivers.read_bytes()
        except OSError as error:
            problem = f"{settings.waivers} cannot be read: {error.strerror}"
            raise ConfigError([Mistake(where=str(settings.source), key="waivers", problem=problem)]) from None
        return parse_waivers(content, source=str(settings.waivers), now=now, max_days=settings.waiver_max_days)
