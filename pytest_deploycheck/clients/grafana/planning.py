"""From a dashboard to the questions that its panels ask, one per panel and value it is repeated for."""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING, Any

import msgspec

from pytest_deploycheck.clients.grafana.formats import is_promql
from pytest_deploycheck.clients.grafana.interpolation import Value, fill, fill_query
from pytest_deploycheck.model.duration import parse_duration
from pytest_deploycheck.model.grafana import BUILT_IN, DASHBOARD, EXPRESSION, MIXED, DataSource, Reference

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pytest_deploycheck.clients.grafana.interpolation import Scope
    from pytest_deploycheck.clients.grafana.sources import Sources
    from pytest_deploycheck.model.grafana import Dashboard, Panel, Query

POINTS = 300
"""How many points a series is asked for where the panel does not say: a browser asks for one per pixel."""
_NO_QUERIES = frozenset(
    {"text", "dashlist", "alertlist", "annolist", "news", "welcome", "gettingstarted", "pluginlist", "live", "row"}
)
"""Panels that ask no data source."""


class Planned(msgspec.Struct, frozen=True, kw_only=True):
    """One question of a panel.

    Attributes:
        panel: whose.
        title: filled, and with the values that the panel is repeated for.
        body: for `/api/ds/query`; None if nothing is to be asked.
        letters: of the queries whose results are shown.
        promql: those of them that are PromQL or LogQL.
        skipped: why nothing is to be asked, and rightly so.
        refused: why it cannot be asked.
        missing: whether that is the dashboard's fault: it refers to something that is not there.
    """

    panel: Panel
    title: str
    body: dict[str, Any] | None = None
    letters: tuple[str, ...] = ()
    promql: frozenset[str] = frozenset()
    skipped: str = ""
    refused: str = ""
    missing: bool = False


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """Over which time panels are asked.

    Attributes:
        seconds: back from now.
        longest: what a panel with a time of its own is asked for at most; None = whatever it says.
        now: Unix seconds, for panels that are shifted into the past.
    """

    seconds: float
    longest: float | None
    now: float


def plan(
    dashboard: Dashboard, scope: Scope, without: Mapping[str, str], sources: Sources, window: Window
) -> Iterator[Planned]:
    """Yield the questions of all panels, in order.

    Args:
        dashboard: whose panels.
        scope: what its variables stand for.
        without: variables without a value → why.
        sources: the data sources.
        window: the time.
    """
    end = window.now * 1000
    everywhere: Scope = {
        **scope,
        "__from": Value(values=(f"{end - window.seconds * 1000:.0f}",)),
        "__to": Value(values=(f"{end:.0f}",)),
        "__dashboard": Value(values=(dashboard.title,)),
    }
    ids = {panel.id for panel in dashboard.panels}
    for panel in dashboard.panels:
        if panel.type in _NO_QUERIES and not panel.queries:
            yield Planned(panel=panel, title=panel.title, skipped=f"a panel of the type {panel.type} asks nothing")
            continue
        if lacking := [name for name in panel.repeat if name not in scope]:
            yield Planned(panel=panel, title=panel.title, refused=_without(lacking, without))
            continue
        for one, label in _repeated(panel, everywhere):
            yield _question(panel, label, one, without, sources, window, ids)


def _repeated(panel: Panel, scope: Scope) -> Iterator[tuple[Scope, str]]:
    """Yield the variables for each value that a panel is repeated for, with what to add to its title."""
    names = tuple(dict.fromkeys(panel.repeat))
    choices = [scope[name].values for name in names]
    if not names:
        yield scope, ""
        return
    for values in itertools.product(*choices):
        own = dict(scope)
        for name, value in zip(names, values, strict=True):
            whole = scope[name]
            own[name] = Value(values=(value,), several=whole.several, ready=whole.ready)
        yield own, ", ".join(f"{name}={value}" for name, value in zip(names, values, strict=True))


class _Lacking(Exception):  # noqa: N818 - ends as the reason why a panel is not asked
    """A query cannot be asked.

    Args:
        why: the reason.
        missing: whether what it refers to is not there.
    """

    def __init__(self, why: str, *, missing: bool = False) -> None:
        super().__init__(why)
        self.why = why
        self.missing = missing


def _question(
    panel: Panel,
    label: str,
    scope: Scope,
    without: Mapping[str, str],
    sources: Sources,
    window: Window,
    ids: set[int],
) -> Planned:
    title = fill(panel.title, scope).result
    if label:
        title = f"{title} [{label}]" if title else f"[{label}]"
    shown = [query for query in panel.queries if not query.hidden]
    try:
        if skipped := _skipped(panel, shown, ids):
            return Planned(panel=panel, title=title, skipped=skipped)
        return _asking(panel, title, shown, scope, without, sources, window)
    except _Lacking as lacking:
        return Planned(panel=panel, title=title, refused=lacking.why, missing=lacking.missing)


def _skipped(panel: Panel, shown: Sequence[Query], ids: set[int]) -> str:
    """Return why a panel is not asked, and rightly so; empty if it is to be asked.

    Raises:
        _Lacking: if it should be and cannot.
    """
    if panel.library and not panel.type:
        raise _Lacking(f"it is the library panel {panel.library}, which is not there", missing=True)
    if not shown:
        raise _Lacking("all its queries are hidden" if panel.queries else "it has no query", missing=not panel.queries)
    uids = {(query.source or panel.source or Reference()).uid for query in shown}
    if DASHBOARD in uids:
        wanted = [query.model.get("panelId") for query in shown if "panelId" in query.model]
        if lost := [number for number in wanted if number not in ids]:
            raise _Lacking(f"it shows the result of panel {lost[0]}, which is not there", missing=True)
        if uids == {DASHBOARD}:
            return f"it shows the result of panel {wanted[0] if wanted else '?'}"
    if uids and uids <= {*BUILT_IN, DASHBOARD}:
        return "Grafana's own data source makes its data in the browser"
    return ""


def _asking(
    panel: Panel,
    title: str,
    shown: Sequence[Query],
    scope: Scope,
    without: Mapping[str, str],
    sources: Sources,
    window: Window,
) -> Planned:
    # hidden queries are asked only where an expression may work on them, as Grafana does
    expressions = any(_is_expression(query.source) for query in shown)
    documents: list[dict[str, Any]] = []
    promql: set[str] = set()
    step = 0.0
    letters = {query.ref_id for query in panel.queries}
    in_browser = {*BUILT_IN, DASHBOARD}
    queries = [query for query in (panel.queries if expressions else shown) if _uid(query, panel) not in in_browser]
    for query in queries:
        if _is_expression(query.source):
            source = DataSource(uid="__expr__", name="__expr__", type="__expr__")
            known = letters  # `$A` is the query A there
        else:
            source, known = _source(query, panel, scope, sources), set()
            step = max(step, source.interval or 0.0)
        filled = fill_query(query.model, scope, source.type)
        if lacking := [name for name in filled.unresolved if name not in known]:
            raise _Lacking(f"query {query.ref_id}: {_without(lacking, without)}")
        if is_promql(source.type):
            promql.add(query.ref_id)
        documents.append(
            {
                **filled.result,
                "datasource": {"type": source.type, "uid": source.uid},
                **({"hide": True} if query.hidden else {}),
            }
        )
    return Planned(
        panel=panel,
        title=title,
        body=_body(panel, documents, window, step),
        letters=tuple(query.ref_id for query in queries if not query.hidden),
        promql=frozenset(promql),
    )


def _uid(query: Query, panel: Panel) -> str:
    return (query.source or panel.source or Reference()).uid


def _is_expression(source: Reference | None) -> bool:
    return source is not None and (source.uid in EXPRESSION or source.type == "__expr__")


def _source(query: Query, panel: Panel, scope: Scope, sources: Sources) -> DataSource:
    """Return whom a query is asked.

    Raises:
        _Lacking: if that is not known.
    """
    reference = query.source
    if reference is None or (not reference.uid and panel.source is not None):
        reference = panel.source
    if reference is not None and reference.uid == MIXED:
        raise _Lacking(f"query {query.ref_id}: none of the mixed data sources is named", missing=True)
    if reference is not None:
        filled = fill(reference.uid, scope)
        if filled.unresolved:
            why = f"the variable ${filled.unresolved[0]} of its data source has no value"
            raise _Lacking(f"query {query.ref_id}: {why}")
        kind = "" if "$" in reference.type else reference.type
        reference = Reference(uid=filled.result, type=kind)
    found = sources.find(reference)
    if found is None:
        named = reference.uid or reference.type if reference is not None else ""
        what = f"no data source {named}" if named else "no default data source"
        raise _Lacking(f"query {query.ref_id}: there is {what}", missing=True)
    return found


def _without(names: Sequence[str], without: Mapping[str, str]) -> str:
    name = names[0]
    why = without.get(name.partition(":")[0].partition(".")[0])
    if why is None and ":" in name:
        return f"the format of ${{{name}}} is not known here"
    return f"the variable ${name} has no value" + (f": {why}" if why else "")


def _body(panel: Panel, documents: list[dict[str, Any]], window: Window, step: float) -> dict[str, Any]:
    seconds = _seconds(panel.time_from) or window.seconds
    if window.longest is not None:
        seconds = min(seconds, window.longest)
    points = panel.max_points or POINTS
    # `>10s` is how some old dashboards write a least step
    least = _seconds(panel.interval.lstrip(">")) or step
    interval = max(seconds / points, least)
    shift = _seconds(panel.time_shift)
    start, end = f"now-{seconds:.0f}s", "now"
    if shift:
        start, end = f"{(window.now - shift - seconds) * 1000:.0f}", f"{(window.now - shift) * 1000:.0f}"
    queries = [{**document, "intervalMs": round(interval * 1000), "maxDataPoints": points} for document in documents]
    return {"from": start, "to": end, "queries": queries}


_LONG_UNITS = re.compile(r"(?P<number>[0-9]+)(?P<unit>[My])")


def _seconds(text: str) -> float:
    """Return a duration as panels write it (`1h`, `2d`, `1M`), in seconds; 0 if it is none."""
    if match := _LONG_UNITS.fullmatch(text):
        return float(match["number"]) * (30 if match["unit"] == "M" else 365) * 86400
    try:
        return parse_duration(text) if text else 0.0
    except ValueError:
        return 0.0
