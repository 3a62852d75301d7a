"""The new dashboard schema (`dashboard.grafana.app/v2…`): elements, and a layout that puts them into rows and tabs.

Shapes: `packages/grafana-schema/src/schema/dashboard/v2beta1` of grafana/grafana; v2alpha1 has the query's plugin in
`kind` and the data source beside the query.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_deploycheck.clients.grafana.classic import reference, values
from pytest_deploycheck.model.grafana import Panel, Query, Reference, Variable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_NEVER = ("never", None, "")
_KINDS = {
    "QueryVariable": "query",
    "CustomVariable": "custom",
    "ConstantVariable": "constant",
    "TextVariable": "textbox",
    "IntervalVariable": "interval",
    "DatasourceVariable": "datasource",
    "AdhocVariable": "adhoc",
    "GroupByVariable": "groupby",
    "SwitchVariable": "switch",
}


def is_elements(document: Mapping[str, Any]) -> bool:
    """Return whether a document is a `spec` of the new schema."""
    return isinstance(document.get("elements"), dict)


def panels(document: Mapping[str, Any]) -> tuple[Panel, ...]:
    """Return every panel, in the layout's order; elements that the layout leaves out are not on the dashboard."""
    elements = document.get("elements")
    assert isinstance(elements, dict), "is_elements() says so"  # noqa: S101 - for the type checker
    layout = document.get("layout")
    if not isinstance(layout, dict):
        return tuple(panel for each in elements.values() if (panel := _panel(each, "", ())) is not None)
    found = []
    for name, row, repeat in _placed(layout, "", ()):
        if (panel := _panel(elements.get(name), row, repeat)) is not None:
            found.append(panel)
    return tuple(found)


def variables(document: Mapping[str, Any]) -> tuple[Variable, ...]:
    """Return the variables of the dashboard."""
    return tuple(_variable(each) for each in _list(document.get("variables")))


def _placed(layout: Mapping[str, Any], row: str, repeat: tuple[str, ...]) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Yield (element, title of its row or tab, variables that repeat it) for every item of a layout."""
    spec = _object(layout.get("spec"))
    for item in _list(spec.get("items")):
        inner = _object(item.get("spec"))
        name = _object(inner.get("element")).get("name")
        if isinstance(name, str):
            yield name, row, (*repeat, *_repeated(inner))
        elif item.get("kind") == "GridLayoutRow":  # v2alpha0's rows inside a grid
            for element in _list(inner.get("elements")):
                nested = {"spec": {"items": [element]}}
                yield from _placed(nested, str(inner.get("title") or row), (*repeat, *_repeated(inner)))
    for part in (*_list(spec.get("rows")), *_list(spec.get("tabs"))):
        inner = _object(part.get("spec"))
        yield from _placed(_object(inner.get("layout")), str(inner.get("title") or row), (*repeat, *_repeated(inner)))


def _repeated(spec: Mapping[str, Any]) -> tuple[str, ...]:
    name = _object(spec.get("repeat")).get("value")
    return (name,) if isinstance(name, str) and name else ()


def _panel(element: object, row: str, repeat: tuple[str, ...]) -> Panel | None:
    whole = _object(element)
    spec = _object(whole.get("spec"))
    if not spec:
        return None
    if whole.get("kind") == "LibraryPanel":
        library = _object(spec.get("libraryPanel"))
        return Panel(
            id=int(spec.get("id") or 0),
            title=str(spec.get("title") or library.get("name") or ""),
            type="",
            repeat=repeat,
            row=row,
            library=str(library.get("uid") or ""),
        )
    drawing = _object(spec.get("vizConfig"))
    group = _object(_object(spec.get("data")).get("spec"))
    options = _object(group.get("queryOptions"))
    # v2beta1 has the plugin in `group`; v2alpha1 in `kind`
    kind = drawing.get("group") or drawing.get("kind") or ""
    return Panel(
        id=int(spec.get("id") or 0),
        title=str(spec.get("title") or ""),
        type=str(kind),
        queries=tuple(_queries(group)),
        repeat=repeat,
        row=row,
        max_points=int(options.get("maxDataPoints") or 0) or None,
        interval=str(options.get("interval") or ""),
        time_from=str(options.get("timeFrom") or ""),
        time_shift=str(options.get("timeShift") or ""),
    )


def _queries(group: Mapping[str, Any]) -> Iterator[Query]:
    for number, each in enumerate(_list(group.get("queries"))):
        spec = _object(each.get("spec"))
        query = _object(spec.get("query"))
        letter = str(spec.get("refId") or chr(ord("A") + number % 26))
        yield Query(
            ref_id=letter,
            model={**_object(query.get("spec")), "refId": letter},
            source=_source(query, spec.get("datasource")),
            hidden=spec.get("hidden") is True,
        )


def _source(query: Mapping[str, Any], beside: object) -> Reference | None:
    if (found := reference(beside)) is not None:
        return found
    name = _object(query.get("datasource")).get("name")
    kind = query.get("group") or (query.get("kind") if query.get("kind") != "DataQuery" else "")
    uid = name if isinstance(name, str) else ""
    return Reference(uid=uid, type=str(kind or "")) if uid or kind else None


def _variable(each: Mapping[str, Any]) -> Variable:
    spec = _object(each.get("spec"))
    kind = _KINDS.get(str(each.get("kind")), str(each.get("kind")))
    current = spec.get("current")
    chosen = current if isinstance(current, dict) else {"value": current, "text": current}
    query: Any = spec.get("query", spec.get("filters"))
    source = None
    if kind == "datasource":
        query = spec.get("pluginId")
    elif isinstance(query, dict):
        source = _source(query, spec.get("datasource"))
        query = query.get("spec")
    return Variable(
        name=str(spec.get("name") or ""),
        kind=kind,
        multi=spec.get("multi") is True,
        include_all=spec.get("includeAll") is True,
        all_value=str(spec.get("allValue") or ""),
        current=values(chosen.get("value")),
        texts=values(chosen.get("text")),
        options=tuple(
            text for option in _list(spec.get("options")) for text in values(option.get("value")) if text != "$__all"
        ),
        query=query,
        regex=str(spec.get("regex") or ""),
        source=source,
        refresh=spec.get("refresh") not in _NEVER,
    )


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
