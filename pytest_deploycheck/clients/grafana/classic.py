"""The classic dashboard schema, as `/api/dashboards/uid/…` and `/apis/dashboard.grafana.app/v1…` answer it.

Shapes: `kinds/dashboard/dashboard_kind.cue` of grafana/grafana; older files are read as well: rows that hold their
panels (before schema 16), data sources by name (before 33).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_deploycheck.model.grafana import Panel, Query, Reference, Variable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_NEVER = (0, False, None, "never")


def is_classic(document: Mapping[str, Any]) -> bool:
    """Return whether a document is one of a classic dashboard: with panels, even if there are none, or old rows."""
    return isinstance(document.get("panels"), list) or isinstance(document.get("rows"), list)


def panels(document: Mapping[str, Any]) -> tuple[Panel, ...]:
    """Return every panel: of rows that are collapsed, of rows that are not, and of none."""
    found: list[Panel] = []
    row, repeat = "", ""
    for each in _objects(document.get("panels")):
        if each.get("type") == "row":
            row, repeat = _text(each.get("title")), _text(each.get("repeat"))
            found += [_panel(child, row, repeat) for child in _objects(each.get("panels"))]
        elif not _is_copy(each):
            found.append(_panel(each, row, repeat))
    for old in _objects(document.get("rows")):
        row, repeat = _text(old.get("title")), _text(old.get("repeat"))
        found += [_panel(child, row, repeat) for child in _objects(old.get("panels")) if not _is_copy(child)]
    return tuple(found)


def variables(document: Mapping[str, Any]) -> tuple[Variable, ...]:
    """Return the variables of `templating`."""
    templating = document.get("templating")
    listed = templating.get("list") if isinstance(templating, dict) else None
    return tuple(_variable(each) for each in _objects(listed))


def with_model(panel: Panel, model: Mapping[str, Any]) -> Panel:
    """Return a library panel as its own model describes it, in the place of the reference to it."""
    found = _panel(model, panel.row, "")
    return Panel(
        id=panel.id,
        title=found.title or panel.title,
        type=found.type,
        queries=found.queries,
        source=found.source,
        repeat=(*panel.repeat, *found.repeat),
        row=panel.row,
        library=panel.library,
        max_points=found.max_points,
        interval=found.interval,
        time_from=found.time_from,
        time_shift=found.time_shift,
    )


def reference(value: object) -> Reference | None:
    """Return which data source is meant: an object, a name or uid in older files, or nothing for the default one."""
    if isinstance(value, str):
        return None if value in ("", "default") else Reference(uid=value)
    if isinstance(value, dict):
        uid, kind = _text(value.get("uid")), _text(value.get("type"))
        return Reference(uid=uid, type=kind) if uid or kind else None
    return None


def values(value: object) -> tuple[str, ...]:
    """Return one value or several as texts."""
    if value is None:
        return ()
    if isinstance(value, list):
        return tuple(_text(each) for each in value)
    return (_text(value),)


def _panel(each: Mapping[str, Any], row: str, repeat: str) -> Panel:
    library = each.get("libraryPanel")
    repeats = (repeat, _text(each.get("repeat")))
    points = each.get("maxDataPoints")
    return Panel(
        id=_whole(each.get("id")),
        title=_text(each.get("title")),
        type=_text(each.get("type")),
        queries=tuple(_queries(each)),
        source=reference(each.get("datasource")),
        repeat=tuple(name for name in repeats if name),
        row=row,
        library=_text(library.get("uid")) if isinstance(library, dict) else "",
        max_points=_whole(points) or None,
        interval=_text(each.get("interval")),
        time_from=_text(each.get("timeFrom")),
        time_shift=_text(each.get("timeShift")),
    )


def _queries(each: Mapping[str, Any]) -> Iterator[Query]:
    for number, target in enumerate(_objects(each.get("targets"))):
        model = {key: value for key, value in target.items() if key not in ("datasource", "hide")}
        # Grafana names queries without a letter by their place
        letter = _text(target.get("refId")) or (chr(ord("A") + number) if number < 26 else f"Q{number}")  # noqa: PLR2004 - letters
        model["refId"] = letter
        yield Query(
            ref_id=letter,
            model=model,
            source=reference(target.get("datasource")),
            hidden=target.get("hide") is True,
        )


def _is_copy(each: Mapping[str, Any]) -> bool:
    """Return whether it is a copy that an old Grafana saved beside the panel that it repeats."""
    return bool(each.get("repeatPanelId"))


def _variable(each: Mapping[str, Any]) -> Variable:
    current = each.get("current")
    chosen = current if isinstance(current, dict) else {}
    kind = _text(each.get("type"))
    return Variable(
        name=_text(each.get("name")),
        kind=kind,
        multi=each.get("multi") is True,
        include_all=each.get("includeAll") is True,
        all_value=_text(each.get("allValue")),
        current=values(chosen.get("value")),
        texts=values(chosen.get("text")),
        options=tuple(
            text for option in _objects(each.get("options")) for text in values(option.get("value")) if text != "$__all"
        ),
        query=each.get("query") if kind != "adhoc" else each.get("filters"),
        regex=_text(each.get("regex")),
        source=reference(each.get("datasource")),
        refresh=each.get("refresh") not in _NEVER,
    )


def _objects(value: object) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else str(value) if isinstance(value, (int, float)) else ""


def _whole(value: object) -> int:
    return int(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else 0
