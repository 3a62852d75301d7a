"""A dashboard as evidence: its JSON, what its panels showed as CSV, and their pictures (DB4)."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from pytest_deploycheck.checks import dashboards as dashboard_checks
from pytest_deploycheck.checks.combining import combine
from pytest_deploycheck.clients.grafana.pictures import picture, require_renderer
from pytest_deploycheck.clients.grafana.tables import to_csv
from pytest_deploycheck.face.judged import Judged, judge

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pytest_deploycheck.face.dashboards import DashboardAnswer, PanelsAnswer
    from pytest_deploycheck.face.grafana import Grafana
    from pytest_deploycheck.face.ledger import Ledger
    from pytest_deploycheck.model.finding import Finding
    from pytest_deploycheck.model.grafana import Dashboard, Panel

__tracebackhide__ = True

_UNFIT = re.compile(r"[^A-Za-z0-9._-]+")
WIDTH, HEIGHT = 960, 480


class Export:
    """Writes one dashboard's files, as evidence and into a directory if one is given.

    Args:
        system: the Grafana.
        ledger: of the check that runs.
        answer: the dashboard.
        directory: None = evidence only.
    """

    def __init__(self, system: Grafana, ledger: Ledger, answer: DashboardAnswer, directory: Path | None) -> None:
        """Write nothing yet."""
        self._system = system
        self._ledger = ledger
        self._answer = answer
        self._directory = directory
        self._files: list[str] = []

    def write(self, *, window: object, variables: Mapping[str, str | Sequence[str]] | None, pictures: bool) -> Judged:
        """Write the files, and judge that they tell something."""
        found = self._answer.present()
        document = json.dumps(found.document, ensure_ascii=False, indent=2).encode()
        self._file(f"{found.uid}.json", document, "application/json")
        panels = self._answer.run(window=window, variables=variables, keep=True)
        values = self._tables(found, panels)
        findings = [dashboard_checks.exported(found, self._files, values, panels.question)]
        if pictures:
            findings.append(self._pictures(found, panels))
        return judge(combine(findings), self._ledger, self._answer, panels)

    def _tables(self, found: Dashboard, panels: PanelsAnswer) -> int:
        values = 0
        for panel in _each(panels):
            results = [one for one in panels.results if one.panel is panel]
            values += sum(ref.values for one in results for ref in one.results)
            self._file(f"{found.uid}-{_named(panel)}.csv", to_csv(results), "text/csv")
        return values

    def _pictures(self, found: Dashboard, panels: PanelsAnswer) -> Finding:
        seconds = panels.seconds
        with self._system.asking(f"pictures of {found.uid}") as box:
            require_renderer(self._system.api)
            drawn = []
            for panel in _each(panels):
                one, body = picture(self._system.api, found, panel, seconds=seconds, width=WIDTH, height=HEIGHT)
                drawn.append(one)
                if one.drawn and self._directory is not None:  # the tape has it already
                    self._write(self._directory, f"{found.uid}-{_named(panel)}.png", body)
        return dashboard_checks.drawn(drawn, box[0])

    def _file(self, name: str, body: bytes, kind: str) -> None:
        self._system.keep(f"grafana/{name}", body, kind)
        self._files.append(name)
        if self._directory is not None:
            self._write(self._directory, name, body)

    def _write(self, directory: Path, name: str, body: bytes) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        (directory / _UNFIT.sub("-", name)).write_bytes(body)


def _each(panels: PanelsAnswer) -> list[Panel]:
    """Return the panels that were asked, each once."""
    found: list[Panel] = []
    for one in panels.results:
        if one.results and not any(one.panel is panel for panel in found):
            found.append(one.panel)
    return found


def _named(panel: Panel) -> str:
    """Return what a panel's files are called: its id, and its title as far as a file's name takes it."""
    return f"{panel.id}-{_UNFIT.sub('-', panel.title).strip('-')[:60]}".rstrip("-")
