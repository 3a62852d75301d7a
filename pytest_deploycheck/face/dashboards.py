"""Answers about dashboards: searches, one dashboard, its panels and what they show."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_deploycheck.checks import dashboards as dashboard_checks
from pytest_deploycheck.checks import panels as panel_checks
from pytest_deploycheck.clients.grafana.planning import Window, plan
from pytest_deploycheck.clients.grafana.templating import resolve
from pytest_deploycheck.errors import AuthorMistake, NoData
from pytest_deploycheck.face.judged import Answer, Judged, seconds_of
from pytest_deploycheck.model.outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from pytest_deploycheck.checks.asked import Asked
    from pytest_deploycheck.errors import CannotMeasure
    from pytest_deploycheck.face.grafana import Grafana
    from pytest_deploycheck.face.ledger import Ledger
    from pytest_deploycheck.model.grafana import Dashboard, PanelResult, SearchHit

__tracebackhide__ = True

WINDOW = "15m"
"""How far back panels are asked, where nobody says."""


class SearchAnswer(Answer):
    """Dashboards that a search lists.

    Attributes:
        hits: what was listed.
    """

    def __init__(self, hits: Sequence[SearchHit], ledger: Ledger, asked: Asked) -> None:
        """Note that somebody has to look at it."""
        super().__init__(ledger, asked)
        self.hits = tuple(hits)

    def has(self, *uids: str) -> Judged:
        """Judge that dashboards are listed: at least one, if none is named."""
        return self._judge(dashboard_checks.listed(self.hits, self._asked, uids=uids))

    def at_least(self, number: int) -> Judged:
        """Judge that so many are listed."""
        return self._judge(dashboard_checks.listed(self.hits, self._asked, at_least=number))

    def __iter__(self) -> Iterator[SearchHit]:
        """Yield every hit.

        Raises:
            NoData: if there is none: `all(…)` over nothing would be true.
        """
        return self._each(self.hits, "dashboard")

    def __len__(self) -> int:
        """Return the number of hits."""
        self._read()
        return len(self.hits)


class PanelsAnswer(Answer):
    """What came of executing the queries of all panels.

    Attributes:
        results: one a panel and value it is repeated for.
        seconds: how far back they were asked.
    """

    def __init__(
        self,
        found: Sequence[tuple[PanelResult, CannotMeasure | None]],
        ledger: Ledger,
        asked: Asked,
        *,
        now: float,
        seconds: float,
        notes: Sequence[str],
    ) -> None:
        """Note that somebody has to look at it."""
        super().__init__(ledger, asked)
        self.results = tuple(result for result, _ in found)
        self._failures = [failure for _, failure in found if failure is not None]
        self.seconds = seconds
        self._now = now
        self._notes = tuple(notes)

    def show_data(self, *, may_be_empty: Collection[str | int] = (), max_age: object = None) -> Judged:
        """Judge that every panel's queries run and bring data (see `docs/grafana.md`).

        Args:
            may_be_empty: panels that may show nothing, by title or id, or one query of a panel, as `Errors:B`.
            max_age: how old a panel's newest value may be.

        Raises:
            CannotMeasure: if a panel could not be measured, and no other is bad.
        """
        finding = panel_checks.show_data(
            self.results,
            self._asked,
            now=self._now,
            may_be_empty=may_be_empty,
            max_age=None if max_age is None else seconds_of(max_age, "the greatest age"),
            notes=self._notes,
        )
        if finding.outcome is not Outcome.FAILED and self._failures:
            self._read()
            raise self._failures[0]
        return self._judge(finding)

    def __iter__(self) -> Iterator[PanelResult]:
        """Yield every result.

        Raises:
            NoData: if there is none: `all(…)` over nothing would be true.
        """
        return self._each(self.results, "panel")

    def __len__(self) -> int:
        """Return the number of results."""
        self._read()
        return len(self.results)


class DashboardAnswer(Answer):
    """A dashboard.

    Attributes:
        dashboard: what came; None if there is none for whoever asks.
        uid: that was asked for.
    """

    def __init__(self, found: Dashboard | None, system: Grafana, ledger: Ledger, asked: Asked, *, uid: str) -> None:
        """Note that somebody has to look at it."""
        super().__init__(ledger, asked)
        self.dashboard = found
        self.uid = uid
        self._system = system

    def exists(
        self, *, title: str | None = None, folder: str | None = None, panels: int = 1, provisioned: bool = False
    ) -> Judged:
        """Judge that it is there, as it is meant.

        Args:
            title: its whole title.
            folder: the title or uid of its folder; `General` is the root.
            panels: how many it must have, at least; rows are none.
            provisioned: whether it must come from files or other code.
        """
        return self._judge(
            dashboard_checks.present(
                self.dashboard,
                self._asked,
                uid=self.uid,
                title=title,
                folder=folder,
                min_panels=panels,
                provisioned=provisioned,
            )
        )

    def as_in(self, file: str | Path) -> Judged:
        """Judge that it is as a JSON file in the repository has it.

        Args:
            file: relative to the configuration.

        Raises:
            AuthorMistake: if the file cannot be read, or is no JSON.
        """
        path = self._system.base / file
        try:
            wanted = json.loads(path.read_bytes())
        except OSError as error:
            raise AuthorMistake(
                f"the dashboard's file cannot be read: {error.strerror}", where=str(path), next_step="mend its path"
            ) from None
        except (ValueError, RecursionError) as error:
            raise AuthorMistake(
                f"the dashboard's file is no JSON: {error}", where=str(path), next_step="mend the file"
            ) from None
        return self._judge(
            dashboard_checks.as_in_repository(self.dashboard, wanted, self._asked, uid=self.uid, file=Path(file).name)
        )

    @property
    def panels(self) -> PanelsAnswer:
        """Execute the queries of every panel over the last 15 minutes, with its variables as they are saved."""
        return self.run()

    def run(
        self,
        *,
        window: object = WINDOW,
        variables: Mapping[str, str | Sequence[str]] | None = None,
        keep: bool = False,
    ) -> PanelsAnswer:
        """Execute the queries of every panel, no more than sixteen at the same time.

        Args:
            window: how far back; cut at the deployment's finish, for what was before tells nothing of it.
            variables: values of variables, instead of those that are saved.
            keep: whether the answers are kept in memory, for `to_csv`.

        Raises:
            NoData: if there is no such dashboard.
        """
        from pytest_deploycheck.face.grafana import window_seconds

        found = self.present()
        system = self._system
        longest = system.since_deployment()
        seconds = window_seconds(window)
        seconds = seconds if longest is None else min(seconds, longest)
        now = system.clock.now()
        link = f"dashboard: {system.url}/d/{found.uid}?from=now-{seconds:.0f}s&to=now"
        with system.asking(f"panels of {self.uid} over {seconds:.0f} s", link) as box:
            sources = system.sources()
            chosen = resolve(found.variables, variables or {}, sources, system.api.label_values)
            over = Window(seconds=seconds, longest=longest, now=now)
            questions = list(plan(found, chosen.scope, chosen.without, sources, over))
            results = list(system.api.run(questions, keep=keep))
        self._read()
        both = box[0].__class__(box[0].asked, box[0].system, self.evidence + box[0].evidence, box[0].next_steps)
        return PanelsAnswer(results, self._ledger, both, now=now, seconds=seconds, notes=chosen.notes)

    def export(
        self,
        directory: str | Path | None = None,
        *,
        window: object = WINDOW,
        variables: Mapping[str, str | Sequence[str]] | None = None,
        pictures: bool = False,
    ) -> Judged:
        """Write the dashboard as JSON and what its panels show as CSV into the evidence, and judge that there is some.

        Args:
            directory: where the files go besides, relative to the configuration.
            window: as for `run`.
            variables: as for `run`.
            pictures: whether panels are drawn as well, which takes the image renderer some seconds each.

        Raises:
            NoData: if there is no such dashboard.
            NotSupported: if pictures are wanted and there is no renderer.
        """
        from pytest_deploycheck.face.exports import Export

        place = None if directory is None else self._system.base / directory
        return Export(self._system, self._ledger, self, place).write(
            window=window, variables=variables, pictures=pictures
        )

    def present(self) -> Dashboard:
        """Return the dashboard.

        Raises:
            NoData: if there is none.
        """
        if self.dashboard is None:
            self._read()
            raise NoData(
                f"no data: there is no dashboard {self.uid} for this credential",
                evidence=", ".join(self.evidence),
                next_step="is the uid right, and may the credential read its folder?",
            )
        return self.dashboard
