"""What Grafana answers, as frozen data. Times are Unix seconds.

Queries stay the documents that they are: what belongs into one is its data source's business.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

Document = dict[str, Any]
"""A JSON object whose shape belongs to somebody else: a query, a dashboard as saved."""

MIXED = "-- Mixed --"
DASHBOARD = "-- Dashboard --"
BUILT_IN = frozenset({"-- Grafana --", "grafana"})
EXPRESSION = frozenset({"__expr__", "-100", "Expression"})
"""References to no data source of the list: each query has its own, another panel's result, Grafana's own streams,
expressions over the other queries."""


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """`/api/health`: it tells of the database only.

    Attributes:
        database: `ok` or what is wrong.
        version: empty where Grafana hides it from who is not signed in.
        evidence: the id of the exchange.
    """

    database: str
    version: str = ""
    evidence: str = ""


class DataSource(msgspec.Struct, frozen=True, kw_only=True):
    """One data source.

    Attributes:
        uid: unique in the organisation.
        name: unique as well.
        type: the plugin, such as `prometheus`.
        is_default: whether what names none asks this one.
        interval: seconds between its samples as configured; None if it does not say.
    """

    uid: str
    name: str
    type: str
    is_default: bool = False
    interval: float | None = None


class DataSourceHealth(msgspec.Struct, frozen=True, kw_only=True):
    """What a data source's plugin says of it.

    Attributes:
        source: the data source.
        state: `ok`, `unhealthy`, or `unknown` where the plugin has no health check.
        message: in its own words.
        evidence: the id of the exchange.
    """

    source: DataSource
    state: Literal["ok", "unhealthy", "unknown"]
    message: str = ""
    evidence: str = ""


class SearchHit(msgspec.Struct, frozen=True, kw_only=True):
    """A dashboard as the search lists it; the search leaves out, without a word, what the asker may not see."""

    uid: str
    title: str
    folder: str = ""
    folder_uid: str = ""
    tags: tuple[str, ...] = ()


class Reference(msgspec.Struct, frozen=True, kw_only=True):
    """Which data source a panel or query means; all empty = the default one.

    Attributes:
        uid: the uid, a variable, or one of the built-in names; older dashboards have the name here.
        type: the plugin.
    """

    uid: str = ""
    type: str = ""


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """One query of a panel.

    Attributes:
        ref_id: its letter.
        model: as saved, without data source and `hide`.
        source: its own data source, or None for the panel's.
        hidden: whether its result is not shown.
    """

    ref_id: str
    model: Mapping[str, Any]
    source: Reference | None = None
    hidden: bool = False


class Panel(msgspec.Struct, frozen=True, kw_only=True):
    """One panel, wherever in the dashboard it stands.

    Attributes:
        id: unique in the dashboard.
        title: as saved, with its variables.
        type: the plugin that draws it, such as `timeseries`.
        queries: in order.
        source: its data source; None = the default one.
        repeat: the variables by whose values it is repeated; its row's first.
        row: the title of its row or tab; empty if it has none.
        library: the uid of the library panel that it is; empty if it is none.
        max_points: how many points a series is asked for, at most; None = Grafana's choice.
        interval: the least step, as saved.
        time_from: how far back it looks, if that is not the dashboard's time.
        time_shift: how far its window is moved into the past.
    """

    id: int
    title: str
    type: str
    queries: tuple[Query, ...] = ()
    source: Reference | None = None
    repeat: tuple[str, ...] = ()
    row: str = ""
    library: str = ""
    max_points: int | None = None
    interval: str = ""
    time_from: str = ""
    time_shift: str = ""


class Variable(msgspec.Struct, frozen=True, kw_only=True):
    """One variable of a dashboard.

    Attributes:
        name: without the `$`.
        kind: `query`, `custom`, `constant`, `textbox`, `interval`, `datasource`, `adhoc`, `groupby`, `switch`, ….
        multi: whether several values may be chosen.
        include_all: whether "All" may be chosen.
        all_value: what "All" stands for; empty = every value.
        current: the chosen values as saved.
        texts: how they are shown.
        options: the values to choose from, as saved.
        query: what gives the values, by kind: a query, a list, a constant, a data source's type.
        regex: filters and cuts the values.
        source: whom a query is asked.
        refresh: whether Grafana asks for the values anew when the dashboard is opened.
    """

    name: str
    kind: str
    multi: bool = False
    include_all: bool = False
    all_value: str = ""
    current: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    query: Any = ""
    regex: str = ""
    source: Reference | None = None
    refresh: bool = False


class Dashboard(msgspec.Struct, frozen=True, kw_only=True):
    """A dashboard, of either schema.

    Attributes:
        uid: as asked for.
        title: its title.
        tags: its tags.
        folder: the title of its folder; empty where the API tells the uid alone.
        folder_uid: empty = the root.
        provisioned: whether it comes from files or other code, and cannot be saved by hand.
        origin: where it was provisioned from, if Grafana tells.
        version: counts its saves.
        slug: of its URL.
        panels: all of them: of rows (collapsed or not), tabs, and library panels.
        variables: in order.
        document: as saved: the classic document, or the `spec` of the new schema.
        schema: `v1` or `v2`.
        evidence: the ids of the exchanges.
    """

    uid: str
    title: str
    tags: tuple[str, ...] = ()
    folder: str = ""
    folder_uid: str = ""
    provisioned: bool = False
    origin: str = ""
    version: int = 0
    slug: str = ""
    panels: tuple[Panel, ...] = ()
    variables: tuple[Variable, ...] = ()
    document: Mapping[str, Any] = msgspec.field(default_factory=dict)
    schema: Literal["v1", "v2"] = "v1"
    evidence: tuple[str, ...] = ()


class RefResult(msgspec.Struct, frozen=True, kw_only=True):
    """What one query of a panel brought.

    Attributes:
        ref_id: its letter.
        values: non-null values in number fields; where a frame has no number field (log lines), non-null values of its
            other fields but time.
        points: how many values there were, null or not.
        frames: how many frames came; no data is one frame without fields.
        newest: the time of the newest non-null value; None where the frames have no time.
        error: the error that Grafana tells for it; empty if there is none.
        executed: the query as it was executed, if the data source tells.
        unfilled: variables that it was executed with: nobody has filled them.
        notices: warnings that came with the data.
    """

    ref_id: str
    values: int = 0
    points: int = 0
    frames: int = 0
    newest: float | None = None
    error: str = ""
    executed: str = ""
    unfilled: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()


class PanelResult(msgspec.Struct, frozen=True, kw_only=True):
    """What came of executing a panel's queries.

    Attributes:
        panel: the panel.
        title: with its variables filled, and the values it is repeated for.
        results: of every query whose result is shown.
        skipped: why nothing was asked although that is in order, such as a text panel; empty otherwise.
        refused: why nothing was asked because it could not be: a variable without a value, say.
        failure: why there is no usable answer; empty if there is one.
        missing: whether that failure is the dashboard's: what it refers to is not there.
        evidence: the ids of the exchanges.
        body: the answer, where it was to be kept.
    """

    panel: Panel
    title: str
    results: tuple[RefResult, ...] = ()
    skipped: str = ""
    refused: str = ""
    failure: str = ""
    missing: bool = False
    evidence: tuple[str, ...] = ()
    body: bytes = b""

    @property
    def asked(self) -> bool:
        """Whether its queries were executed, or should have been."""
        return not self.skipped


class GrafanaRule(msgspec.Struct, frozen=True, kw_only=True):
    """One alert rule that Grafana evaluates itself; `state` and `health` are in its words.

    Attributes:
        name: its title.
        group: its group.
        folder: the title of the folder.
        kind: `alerting` or `recording`.
        state: `inactive`, `pending`, `firing`, `recovering`; empty for a recording one.
        health: `ok`, `error`, `nodata`, `unknown`.
        last_error: of its last evaluation.
        interval: seconds between evaluations.
        last_evaluation: Unix seconds; None = never.
        paused: whether somebody has paused it.
        uid: its uid; empty before Grafana 10.
    """

    name: str
    group: str
    folder: str
    kind: str = "alerting"
    state: str = ""
    health: str = "unknown"
    last_error: str = ""
    interval: float = 60.0
    last_evaluation: float | None = None
    paused: bool = False
    uid: str = ""


class Annotation(msgspec.Struct, frozen=True, kw_only=True):
    """An annotation as it was written or found."""

    id: int
    text: str
    tags: tuple[str, ...] = ()
    time: float = 0.0
    dashboard_uid: str = ""
    evidence: str = ""


class Picture(msgspec.Struct, frozen=True, kw_only=True):
    """A picture that came for a panel.

    Attributes:
        panel: which.
        width: pixels of what came.
        height: the same.
        wanted: width and height that were asked for: what Grafana sends where nothing was drawn is of another size.
        evidence: the id of the exchange.
    """

    panel: Panel
    width: int
    height: int
    wanted: tuple[int, int]
    evidence: str = ""

    @property
    def drawn(self) -> bool:
        """Whether it is the panel, and not the picture that says that it could not be drawn."""
        return (self.width, self.height) == self.wanted
