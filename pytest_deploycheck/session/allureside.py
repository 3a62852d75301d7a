"""Hands every stamped report to Allure while its test is still Allure's current one; each attempt is a retry there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pytest_deploycheck.report import allure

if TYPE_CHECKING:
    from collections.abc import Generator


class AllureSide:
    """Registered only with `--alluredir`, after the plugin that stamps the reports: it sees what that one did."""

    def __init__(self, config: pytest.Config) -> None:
        """Find Allure's own listener."""
        self._listener: Any = config.pluginmanager.get_plugin("allure_listener")

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Label the test when it is set up, and attach what each phase found and observed."""
        report = yield
        payload = getattr(report, "deploycheck", None)
        if payload is not None and self._listener is not None:
            result = self._listener.allure_logger.get_test(None)
            if report.when == "setup":
                known = {mark.name for mark in item.iter_markers() if not (mark.args or mark.kwargs)}
                allure.declare(payload["declaration"], known)
            allure.show(payload, result)
        return report
