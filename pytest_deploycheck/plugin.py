"""The entry point: declares options, markers and fixtures, and watches for a verification run.

It stays silent and costs next to nothing until a collected test turns out to be a check or a sign-off is asked for;
only then the session's plugins are imported and registered.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pytest_deploycheck import markers, options
from pytest_deploycheck.collector import collector_paused
from pytest_deploycheck.fixtures import (
    alertmanager,
    deploycheck,
    deploycheck_target,
    deployment,
    grafana,
    health,
    kubernetes,
    logs,
    network,
    prometheus,
    target,
    targets,
)

if TYPE_CHECKING:
    from pytest_deploycheck.session.controller import ControllerSide

__all__ = [
    "alertmanager",
    "deploycheck",
    "deploycheck_target",
    "deployment",
    "grafana",
    "health",
    "kubernetes",
    "logs",
    "network",
    "prometheus",
    "target",
    "targets",
]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    options.add_options(parser)


def pytest_configure(config: pytest.Config) -> None:
    """Declare the markers and start watching."""
    names = markers.declare(config)
    config.pluginmanager.register(Watch(config, names), "deploycheck-watch")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make one test per target where its systems differ, and per configured entry where it asks so with `foreach`."""
    entries = any(mark.name == "foreach" for mark in metafunc.definition.iter_markers("foreach"))
    if entries or "deploycheck" in metafunc.fixturenames:
        from pytest_deploycheck.session.foreach import parametrize

        parametrize(metafunc, entries=entries)


def pytest_assertrepr_compare(op: str, left: Any, right: Any) -> list[str] | None:
    """Explain a failed comparison of one of our answers."""
    for side in (left, right):
        explain = getattr(type(side), "deploycheck_explain", None)
        if explain is not None:
            lines: list[str] = explain(side, op, right if side is left else left)
            return lines or None
    return None


class Watch:
    """Turns the run into a verification run when it is one.

    Args:
        config: pytest's.
        names: the markers by which a test is recognised as a check.
    """

    def __init__(self, config: pytest.Config, names: frozenset[str]) -> None:
        """Watch only; nothing else is imported."""
        self._config = config
        self._names = names
        self._is_worker = hasattr(config, "workerinput")
        self._controller: ControllerSide | None = None
        self._collect_errors: list[Any] = []

    @property
    def asked(self) -> bool:
        """Whether the command line makes this a verification run."""
        option = self._config.option
        return bool(
            option.deploycheck_signoff
            or option.deploycheck_env
            or option.deploycheck_checkpoint
            or option.deploycheck_at
        )

    def controller(self) -> ControllerSide:
        """Return the controller side, made and registered at first use (never in an xdist worker)."""
        if self._controller is None:
            with collector_paused():
                from pytest_deploycheck.session.controller import ControllerSide

            self._controller = ControllerSide(self._config, asked=self.asked)
            self._config.pluginmanager.register(self._controller, "deploycheck-controller")
            for report in self._collect_errors:
                self._controller.pytest_collectreport(report)
            self._controller.begin()
        return self._controller

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self) -> None:
        """Begin at once where a sign-off was asked for: a run killed from here on leaves a HOLD."""
        option = self._config.option
        if self.asked and not self._is_worker and not option.collectonly:
            self.controller()

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, session: pytest.Session, items: list[pytest.Item]) -> None:
        """See the whole suite before `-k`, `-m`, `--lf` or `--deselect` narrow it."""
        if any("deploycheck_target" in getattr(item, "fixturenames", ()) for item in items):
            from pytest_deploycheck.session.targeting import leave_out

            leave_out(items)
        if self._config.option.collectonly:
            return
        recognised = [item for item in items if self._is_check(item)]
        if not (recognised or self.asked):
            return
        with collector_paused():
            from pytest_deploycheck.session.worker import WorkerSide

            worker = WorkerSide(self._config, self._is_worker)
            self._config.pluginmanager.register(worker, "deploycheck-worker")
            if not self._is_worker:
                worker.report_manifest_to(self.controller())
            worker.take_manifest(session, items, recognised, everything=self.asked)

    def _is_check(self, item: pytest.Item) -> bool:
        if "deploycheck" in getattr(item, "fixturenames", ()):
            return True
        return any(mark.name in self._names for mark in item.iter_markers())

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Keep what could not be collected, in case this is a verification run."""
        if report.failed and self._controller is None:
            self._collect_errors.append(report)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """An xdist controller learns from the first report of a check that this is a verification run."""
        if self._controller is None and not self._is_worker and hasattr(report, "deploycheck"):
            self.controller().pytest_runtest_logreport(report)  # pytest asks only those it knew when the report came

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """An xdist worker says that there are checks, and what it waits for; it hears when it need not wait."""
        from pytest_deploycheck.session.listening import listen
        from pytest_deploycheck.session.stopping import hold

        listen(self._config, node)
        hold(self._config, node, self.controller)

    @pytest.hookimpl(optionalhook=True, tryfirst=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:
        """An xdist worker's farewell brings its manifest even if it ran nothing."""
        output = getattr(node, "workeroutput", None) or {}
        if self._controller is None and "deploycheck" in output:
            self.controller().pytest_testnodedown(node, error)  # for the same reason
