"""What the variables of a dashboard stand for when it is opened: by what is saved, or by asking as Grafana does."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec

from pytest_deploycheck.clients.grafana.interpolation import Scope, Value, fill
from pytest_deploycheck.errors import AuthorMistake, Forbidden
from pytest_deploycheck.model.grafana import Reference

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pytest_deploycheck.clients.grafana.sources import Sources
    from pytest_deploycheck.model.grafana import DataSource, Variable

ALL = "$__all"
_AUTO = ("$__auto", "$__auto_interval")
_LABEL_VALUES = re.compile(
    r"\s*label_values\(\s*(?:(?P<selector>.+?)\s*,\s*)?(?P<label>[A-Za-z_][A-Za-z0-9_]*)\s*\)\s*", re.DOTALL
)
_DELIMITED = re.compile(r"/(?P<pattern>.*)/[a-z]*", re.DOTALL)
_NEEDS_NO_VALUE = frozenset({"adhoc", "groupby", "system", "snapshot"})


class LabelQuestion(msgspec.Struct, frozen=True, kw_only=True):
    """The values of a label, of the series that a selector matches (all of them if it is empty)."""

    label: str
    selector: str = ""


class Chosen(msgspec.Struct, frozen=True):
    """What the variables stand for.

    Attributes:
        scope: those that have a value.
        without: the others → why they have none.
        notes: what a reader should know, one line each.
    """

    scope: Scope
    without: dict[str, str]
    notes: tuple[str, ...]


def resolve(
    variables: Sequence[Variable],
    given: Mapping[str, str | Sequence[str]],
    sources: Sources,
    ask: Callable[[DataSource, LabelQuestion], Sequence[str] | None],
) -> Chosen:
    """Return what every variable stands for.

    Args:
        variables: of the dashboard, in order: a later one may depend on an earlier one.
        given: values that the caller chooses; they win.
        sources: the data sources.
        ask: for the values of labels.

    Raises:
        AuthorMistake: if a value is given for a variable that is not there.
    """
    known = {variable.name for variable in variables}
    if unknown := sorted(set(given) - known):
        raise AuthorMistake(
            f"a value is given for the variable {unknown[0]!r}, and the dashboard has none of that name",
            details=[f"it has: {', '.join(sorted(known)) or 'no variable at all'}"],
            next_step="mend the name in `variables`",
        )
    scope: Scope = {}
    without: dict[str, str] = {}
    notes: list[str] = []
    for variable in variables:
        if variable.kind in _NEEDS_NO_VALUE:
            if variable.kind == "adhoc" and variable.query:
                notes.append(f"the ad hoc filters of {variable.name} are not applied")
            continue
        chosen = given.get(variable.name)
        if chosen is not None:
            values = (chosen,) if isinstance(chosen, str) else tuple(chosen)
            found: Value | str = _of(variable, values, scope, sources, ask)
        else:
            found = _of(variable, variable.current, scope, sources, ask)
        if isinstance(found, str):
            without[variable.name] = found
        else:
            scope[variable.name] = found
    return Chosen(scope, without, tuple(notes))


def _of(  # noqa: PLR0911 - one a kind of variable
    variable: Variable,
    current: tuple[str, ...],
    scope: Scope,
    sources: Sources,
    ask: Callable[[DataSource, LabelQuestion], Sequence[str] | None],
) -> Value | str:
    """Return what a variable stands for, or why that is not known."""
    match variable.kind:
        case "textbox":
            return _plain(variable, current or (variable.query if isinstance(variable.query, str) else "",))
        case "constant":
            return _plain(variable, current or ((variable.query,) if isinstance(variable.query, str) else ()))
        case "switch":
            return _plain(variable, current)
        case "datasource":
            return _data_source(variable, current, sources)
        case "interval":
            options = variable.options or _listed(variable.query)
            value = (current or options[:1] or ("",))[0]
            return Value(values=("$__interval",), ready=True) if value.startswith(_AUTO) else _plain(variable, (value,))
        case "custom":
            return _chosen(variable, current, variable.options or _listed(variable.query))
    asked, source_type = _asked(variable, scope, sources, ask)
    return _chosen(variable, current, asked, source_type=source_type)


def _plain(variable: Variable, values: tuple[str, ...]) -> Value | str:
    if not values:
        return "it has no value"
    return Value(values=values, texts=variable.texts)


def _data_source(variable: Variable, current: tuple[str, ...], sources: Sources) -> Value | str:
    """Return uids of data sources; older dashboards save their names, and `default`."""
    kind = variable.query if isinstance(variable.query, str) else ""
    wanted = [value for value in current if value not in ("", "default", ALL)]
    try:
        found = [source for value in wanted if (source := sources.find(Reference(uid=value))) is not None]
    except Forbidden as error:
        # who may not list them may query them all the same, by the uid that is saved
        return Value(values=tuple(wanted), texts=variable.texts) if wanted else error.headline
    if wanted and len(found) == len(wanted):
        return Value(values=tuple(one.uid for one in found), texts=tuple(one.name for one in found))
    # as Grafana does with a choice that is not there: the first of its type that the filter lets through
    offered = [one for one in sources.of_type(kind) if not variable.regex or _cut(one.name, variable.regex)]
    if not offered:
        return f"there is no data source of the type {kind or '?'}"
    taken = offered if ALL in current and variable.multi else offered[:1]
    return Value(values=tuple(one.uid for one in taken), texts=tuple(one.name for one in taken))


def _chosen(
    variable: Variable, current: tuple[str, ...], options: Sequence[str] | None, *, source_type: str = ""
) -> Value | str:
    """Return the choice among the options, as Grafana makes it when the dashboard is opened.

    Args:
        variable: whose.
        current: what is chosen.
        options: what can be chosen; None if that is not known.
        source_type: of the data source that was asked for the options.
    """
    several = variable.multi or variable.include_all
    wanted = tuple(value for value in current if value)
    if ALL in wanted or (not wanted and variable.include_all):
        return _all(variable, options, source_type)
    if options is not None and variable.refresh:
        if not options:
            return "its query brings no value"
        kept = tuple(value for value in wanted if value in options)
        return Value(values=kept or (options[0],), several=several)
    if wanted:
        return Value(values=wanted, texts=variable.texts if wanted == variable.current else (), several=several)
    if options:
        return Value(values=(options[0],), several=several)
    return "no value is saved, and its query could not be asked"


def _all(variable: Variable, options: Sequence[str] | None, source_type: str) -> Value | str:
    if variable.all_value:
        return Value(values=(variable.all_value,), texts=("All",), several=True, ready=True)
    if options:
        return Value(values=tuple(options), texts=("All",), several=True)
    if options is not None and variable.refresh:
        return "its query brings no value"
    if source_type in ("", "prometheus", "loki"):
        return Value(values=(".*",), texts=("All",), several=True, ready=True, pattern=True)
    return "all values are chosen, and they are not known"


def _asked(
    variable: Variable,
    scope: Scope,
    sources: Sources,
    ask: Callable[[DataSource, LabelQuestion], Sequence[str] | None],
) -> tuple[Sequence[str] | None, str]:
    """Return the options of a query variable, and the type of who gives them.

    Grafana asks when the dashboard is opened, unless its author said "never"; then what is saved counts.
    """
    reference = variable.source
    if reference is not None:
        reference = Reference(uid=fill(reference.uid, scope).result, type=reference.type)
    saved = variable.options or None
    try:
        source = sources.find(reference)
    except Forbidden:  # whom to ask is in a list that the asker may not read; what is saved is still there
        return saved, ""
    kind = source.type if source is not None else "?"
    if source is None or kind != "prometheus":
        return saved, kind
    question = _question(variable.query, scope)
    if question is None or (saved and not variable.refresh):
        return saved, kind
    answered = ask(source, question)
    if answered is None:
        return saved, kind
    cut = [part for value in answered if (part := _cut(value, variable.regex))]
    return tuple(dict.fromkeys(cut)), kind


def _question(query: Any, scope: Scope) -> LabelQuestion | None:
    """Return what a `label_values(…)` asks; None for other queries, and for those whose own variables have no value."""
    text = query.get("query") if isinstance(query, dict) else query
    match = _LABEL_VALUES.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        return None
    selector = fill(match["selector"] or "", scope, "prometheus")
    return None if selector.unresolved else LabelQuestion(label=match["label"], selector=selector.result)


def _cut(value: str, regex: str) -> str:
    """Return what a variable's regular expression leaves of a value: its first group, or the value; empty if nothing.

    An expression that Python does not know filters nothing.
    """
    if not regex:
        return value
    match = _DELIMITED.fullmatch(regex)
    try:
        found = re.search(match["pattern"] if match else f"^{regex}$", value)
    except re.error:
        return value
    if found is None:
        return ""
    named = found.groupdict().get("value")
    return named or (found[1] if found.groups() and found[1] else value)


def _listed(query: Any) -> tuple[str, ...]:
    """Return the values of a comma-separated list; `text : value` has both."""
    if not isinstance(query, str):
        return ()
    parts = [part.replace("\\,", ",").strip() for part in re.split(r"(?<!\\),", query)]
    return tuple(part.partition(" : ")[2].strip() or part for part in parts if part)
