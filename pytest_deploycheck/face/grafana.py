"""The `grafana` fixture: is it ready, are its data sources healthy, and do its panels really show something?"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from pytest_deploycheck.checks import grafana as grafana_checks
from pytest_deploycheck.clients.grafana.client import GrafanaClient
from pytest_deploycheck.clients.grafana.dashboards import dashboard as ask_dashboard
from pytest_deploycheck.clients.grafana.sources import Sources
from pytest_deploycheck.errors import Ambiguous, AuthorMistake
from pytest_deploycheck.face.dashboards import WINDOW, DashboardAnswer, SearchAnswer
from pytest_deploycheck.face.judged import Answer, Judged, System, judge, seconds_of
from pytest_deploycheck.model.grafana import Annotation

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
    from pathlib import Path

    from pytest_deploycheck.checks.asked import Asked
    from pytest_deploycheck.clock import Clock
    from pytest_deploycheck.face.ledger import Ledger
    from pytest_deploycheck.model.grafana import DataSource, DataSourceHealth, GrafanaRule
    from pytest_deploycheck.settings.dashboards import (
        AnnotationPolicy,
        DashboardCheck,
        DataSourceCheck,
        GrafanaRuleCheck,
    )
    from pytest_deploycheck.settings.models import Deployment
    from pytest_deploycheck.transport.wire import Wire

__tracebackhide__ = True

_SHORTEST = 60.0
"""Seconds that panels are asked for at least, however lately the deployment has ended."""


class DataSourcesAnswer(Answer):
    """The data sources that the asker may query.

    Attributes:
        sources: what was listed.
    """

    def __init__(
        self,
        sources: Sequence[DataSource],
        ledger: Ledger,
        asked: Asked,
        *,
        health: Callable[[Sequence[DataSource]], tuple[list[DataSourceHealth], Asked]],
    ) -> None:
        """Note that somebody has to look at it."""
        super().__init__(ledger, asked)
        self.sources = tuple(sources)
        self._health = health

    def healthy(self, *names: str, type: str | None = None, unchecked: bool = False) -> Judged:  # noqa: A002 - Grafana's word
        """Judge that data sources are there and healthy, by what their plugins say: those named, or every one.

        Args:
            names: names or uids.
            type: the plugin that they must be of.
            unchecked: whether a plugin without a health check will do.
        """
        chosen = [
            one
            for one in self.sources
            if (not names or one.name in names or one.uid in names) and type in (None, one.type)
        ]
        found, asked = self._health(chosen)
        both = self._asked.__class__(
            self._asked.asked, self._asked.system, self.evidence + asked.evidence, self._asked.next_steps
        )
        return self._judge(
            grafana_checks.sources(found, both, expected=names, listed=self.sources, unchecked_allowed=unchecked)
        )

    def __iter__(self) -> Iterator[DataSource]:
        """Yield every data source.

        Raises:
            NoData: if there is none: `all(…)` over nothing would be true.
        """
        return self._each(self.sources, "data source")

    def __len__(self) -> int:
        """Return the number of data sources."""
        self._read()
        return len(self.sources)


class GrafanaRulesAnswer(Answer):
    """The alert rules that Grafana evaluates itself.

    Attributes:
        rules: what was listed.
    """

    def __init__(self, rules: Sequence[GrafanaRule], ledger: Ledger, asked: Asked, *, now: float) -> None:
        """Note that somebody has to look at it."""
        super().__init__(ledger, asked)
        self.rules = tuple(rules)
        self._now = now

    def healthy(self, *, at_least: int = 1) -> Judged:
        """Judge that every rule is evaluated, lately and with data, and that there are enough."""
        return self._judge(grafana_checks.all_rules(self.rules, self._asked, now=self._now, at_least=at_least))

    def has(self, name: str, *, folder: str | None = None) -> Judged:
        """Judge that a rule is there, and evaluated with data."""
        return self._judge(grafana_checks.rule(self.rules, self._asked, name=name, now=self._now, folder=folder))

    def none_firing(self, known: Collection[str] = ()) -> Judged:
        """Judge that no rule fires but those that may."""
        return self._judge(grafana_checks.quiet(self.rules, self._asked, known=known))

    def __iter__(self) -> Iterator[GrafanaRule]:
        """Yield every rule.

        Raises:
            NoData: if there is none: `all(…)` over nothing would be true.
        """
        return self._each(self.rules, "rule")

    def __len__(self) -> int:
        """Return the number of rules."""
        self._read()
        return len(self.rules)


class Grafana(System):
    """One Grafana.

    Args:
        wire: the way to it.
        clock: the runner's.
        ledger: of the check that runs.
        observed: grows by the id of every exchange.
        deployment: whose finish cuts the time that panels are asked for.
        external_url: where people reach it.
        org_id: the organisation, if it is configured.
        base: the directory of the configuration, where files of dashboards are found.
        keep: keeps a file as evidence: its name, its bytes, its media type.
    """

    def __init__(  # noqa: PLR0913 - what it needs of a run
        self,
        wire: Wire,
        *,
        clock: Clock,
        ledger: Ledger,
        observed: list[str],
        deployment: Deployment,
        external_url: str,
        org_id: int | None,
        base: Path,
        keep: Callable[[str, bytes, str], None],
    ) -> None:
        """Ask nothing yet."""
        super().__init__(wire.endpoint.name, external_url, ledger, observed)
        self.wire = wire
        self.api = GrafanaClient(wire)
        self.clock = clock
        self.base = base
        self.keep = keep
        self.known_version = ""
        self._org_id = org_id
        self._deployment = deployment

    @cached_property
    def client(self) -> Any:
        """A `grafana_client.GrafanaApi` on the same connections and tape, for everything else."""
        from pytest_deploycheck.clients.grafana.official import grafana_api

        return grafana_api(self.wire)

    # --- the server ---------------------------------------------------------------------------------------------------

    def ready(self) -> Judged:
        """Judge that it answers, that its database does, and that it heeds the credential in use (SM5)."""
        with self._asking("ready", f"health: {self._url}/api/health") as box:
            health = self.api.health()
            self.known_version = health.version
            signed_in, org = None, 0
            if self.wire.endpoint.auth is not None:
                user = self.api.user()
                signed_in, org = user is not None, user.org_id if user is not None else 0
            else:
                self.api.search(title="deploycheck")  # answers only where everybody may ask
        return judge(
            grafana_checks.ready(health, box[0], signed_in=signed_in, org_id=org, wanted_org=self._org_id),
            self._ledger,
        )

    @property
    def datasources(self) -> DataSourcesAnswer:
        """Ask for the data sources."""
        with self._asking("data sources", f"data sources: {self._url}/connections/datasources") as box:
            found = self.api.data_sources()

        def health(chosen: Sequence[DataSource]) -> tuple[list[DataSourceHealth], Asked]:
            with self._asking("health of data sources") as inner:
                results = [self.api.source_health(one) for one in chosen]
            return results, inner[0]

        return DataSourcesAnswer(found, self._ledger, box[0], health=health)

    def rules(self) -> GrafanaRulesAnswer:
        """Ask for the alert rules that it evaluates itself."""
        with self._asking("alert rules", f"rules: {self._url}/alerting/list") as box:
            found = self.api.rules()
        return GrafanaRulesAnswer(found, self._ledger, box[0], now=self.clock.now())

    # --- dashboards ---------------------------------------------------------------------------------------------------

    def dashboards(self, *, tag: str = "", title: str = "", folder: str = "") -> SearchAnswer:
        """Search for dashboards; the search leaves out, without a word, what the asker may not see.

        Args:
            tag: that they have.
            title: part of their title.
            folder: the title or uid of their folder.
        """
        chosen = ", ".join(
            f"{name} {value}" for name, value in (("tag", tag), ("title", title), ("folder", folder)) if value
        )
        with self._asking(
            f"dashboards{' with ' + chosen if chosen else ''}", f"dashboards: {self._url}/dashboards"
        ) as box:
            found = self.api.search(title=title, tag=tag)
        mine = [one for one in found if not folder or folder in (one.folder, one.folder_uid)]
        return SearchAnswer(mine, self._ledger, box[0])

    def dashboard(self, uid: str = "", *, title: str = "", folder: str = "") -> DashboardAnswer:
        """Ask for one dashboard, with its library panels.

        Args:
            uid: its uid; or else
            title: its whole title.
            folder: with a title: the title or uid of its folder.

        Raises:
            Ambiguous: if several have the title.
            Forbidden: if the asker may not see it.
        """
        if bool(uid) == bool(title):
            raise AuthorMistake("a dashboard is asked for by its uid, or by its title", next_step="give one of them")
        what = uid or f'"{title}"'
        with self._asking(f"dashboard {what}", f"dashboard: {self._url}/d/{quote(uid, safe='')}") as box:
            if not uid:
                uid = self._uid_of(title, folder)
            found = ask_dashboard(self.api, uid, org_id=self._org_id) if uid else None
        return DashboardAnswer(found, self, self._ledger, box[0], uid=uid or what)

    def export(
        self,
        uid: str,
        directory: str | Path | None = None,
        *,
        window: object = WINDOW,
        variables: Mapping[str, str | Sequence[str]] | None = None,
        pictures: bool = False,
    ) -> Judged:
        """Write a dashboard and its panels' data into the evidence; see `DashboardAnswer.export`."""
        return self.dashboard(uid).export(directory, window=window, variables=variables, pictures=pictures)

    def _uid_of(self, title: str, folder: str) -> str:
        hits = [
            one
            for one in self.api.search(title=title)
            if one.title == title and (not folder or folder in (one.folder, one.folder_uid))
        ]
        if len(hits) > 1:
            raise Ambiguous(
                f'grafana: {len(hits)} dashboards have the title "{title}"',
                where=self._url,
                details=[f"{one.uid} in {one.folder or 'General'}" for one in hits],
                next_step="ask for the uid",
            )
        return hits[0].uid if hits else ""

    # --- writing ------------------------------------------------------------------------------------------------------

    def annotate(
        self,
        text: str,
        *,
        tags: Sequence[str] = (),
        dashboard: str = "",
        panel: int | None = None,
        since: float | None = None,
        until: float | None = None,
    ) -> Annotation:
        """Write an annotation: a write, which check and run must both allow.

        Args:
            text: what people read.
            tags: by which dashboards show it.
            dashboard: the uid of the one dashboard it is on; empty = on all that ask for its tags.
            panel: the id of one panel of that dashboard.
            since: when it is, or begins, Unix seconds; now if it is None.
            until: when it ends.

        Raises:
            WriteNotAllowed: without the opt-ins.
            AuthorMistake: if it has no text, or a panel without a dashboard.
        """
        if not text.strip():
            raise AuthorMistake("an annotation without a text", next_step="say what happened")
        if panel is not None and not dashboard:
            raise AuthorMistake("an annotation of a panel without its dashboard", next_step="give the dashboard's uid")
        start = self.clock.now() if since is None else since
        if until is not None and until < start:
            raise AuthorMistake("an annotation ends before it begins", next_step="mend its times")
        note = Annotation(id=0, text=text, tags=tuple(tags), time=start, dashboard_uid=dashboard)
        return self.api.annotate(note, until=until, panel=panel)

    # --- judgements on configured entries -----------------------------------------------------------------------------

    def meets(self, entry: DashboardCheck) -> Judged:
        """Judge that the dashboard of an entry is there as it is meant (DB1)."""
        return self.dashboard(entry.uid).exists(
            title=entry.title, folder=entry.folder, panels=entry.min_panels, provisioned=entry.provisioned
        )

    def matches(self, entry: DashboardCheck) -> Judged:
        """Judge that the dashboard of an entry is the one in the repository (DB1)."""
        return self.dashboard(entry.uid).as_in(entry.file or "")

    def shows(self, entry: DashboardCheck) -> Judged:
        """Judge that every panel of an entry's dashboard shows data (DB3)."""
        panels = self.dashboard(entry.uid).run(window=entry.window, variables=entry.variables)
        return panels.show_data(may_be_empty=entry.may_be_empty, max_age=entry.max_age)

    def exports(self, entry: DashboardCheck) -> Judged:
        """Write the dashboard of an entry and its panels' data, and pictures if wanted, into the evidence (DB4)."""
        return self.export(entry.uid, window=entry.window, variables=entry.variables, pictures=entry.pictures)

    def source(self, entry: DataSourceCheck) -> Judged:
        """Judge that the data source of an entry is there and healthy (DB2)."""
        return self.datasources.healthy(entry.name, type=entry.type, unchecked=entry.unchecked)

    def has_rule(self, entry: GrafanaRuleCheck) -> Judged:
        """Judge that the rule of an entry is there, and evaluated with data (AL1)."""
        return self.rules().has(entry.name, folder=entry.folder)

    def marks(self, policy: AnnotationPolicy) -> Judged:
        """Write the annotation of the deployment, and judge that it is found (DB5)."""
        deployed = self._deployment
        name = f" {deployed.version}" if deployed.version else ""
        finished = deployed.finished_at.timestamp() if deployed.finished_at is not None else self.clock.now()
        since = deployed.started_at.timestamp() if deployed.started_at is not None else finished
        ticket = f" ({deployed.change_ticket})" if deployed.change_ticket else ""
        with self._asking("annotation of the deployment", f"annotations: {self._url}/dashboards") as box:
            written = self.annotate(
                f"{policy.text}{name}{ticket}",
                tags=policy.tags,
                dashboard=policy.dashboard or "",
                since=since,
                until=finished if finished > since else None,
            )
            found = self.api.annotations(tags=policy.tags, start=since - 1, end=finished + 1)
        return judge(grafana_checks.annotated(found, written, box[0]), self._ledger)

    # --- parts of other answers ---------------------------------------------------------------------------------------

    def sources(self) -> Sources:
        """Return the data sources, asked for when they are needed."""
        return Sources(self.api.data_sources)

    def since_deployment(self) -> float | None:
        """Return how many seconds ago the deployment ended; None if that is not known."""
        finished = self._deployment.finished_at
        return None if finished is None else max(_SHORTEST, self.clock.now() - finished.timestamp())

    def asking(self, asked: str, *next_steps: str) -> Any:
        """Gather the evidence of what is asked inside."""
        return self._asking(asked, *next_steps)

    @property
    def url(self) -> str:
        """Where people reach it."""
        return self._url


def window_seconds(window: object) -> float:
    """Return a window in seconds.

    Raises:
        AuthorMistake: if it is none.
    """
    seconds = seconds_of(window, "the window")
    if seconds < 1:
        raise AuthorMistake(f"a window of {seconds:g} s", next_step="give at least a second")
    return seconds
