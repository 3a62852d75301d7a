"""Variables in texts: `$name`, `${name}`, `${name.field:format}`, the old `[[name:format]]` are filled or refused."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec

from pytest_deploycheck.clients.grafana.formats import default_format, formatted, is_promql

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# As the front end finds them (`VARIABLE_REGEX` of grafana/scenes). What begins with a digit is the group of a regular
# expression (`label_replace(…, "$1", …)`), and a bare `$` the end of one.
_VARIABLE = re.compile(
    r"\$(?P<plain>[A-Za-z_][A-Za-z0-9_]*)"
    r"|\[\[(?P<old>[A-Za-z_][A-Za-z0-9_]*)(?::(?P<old_format>[A-Za-z0-9_]+))?\]\]"
    r"|\$\{(?P<braced>[A-Za-z_][A-Za-z0-9_]*)(?:\.(?P<field>[^:}]+))?(?::(?P<format>[^}]+))?\}"
)

_SERVERS = frozenset(
    {
        *("__interval", "__interval_ms", "__rate_interval", "__rate_interval_ms"),
        *("__range", "__range_s", "__range_ms", "__auto"),
    }
)
"""What the data sources' own back ends fill: those of Prometheus and Loki (pkg/promlib/models, pkg/tsdb/loki)."""

_SHOWN_ONLY = frozenset({"legendFormat", "alias", "refId"})
"""Parts of a query that name what is drawn; what is not filled there asks nothing wrong."""

_MOST_NESTED = 3


class Value(msgspec.Struct, frozen=True, kw_only=True):
    """What a variable stands for.

    Attributes:
        values: at least one.
        texts: how they are shown; empty = as they are.
        several: whether several could be chosen, for then data sources write one value like several.
        ready: whether the one value is written as it is: what "All" is configured to stand for.
        pattern: whether it matches any value in PromQL and LogQL, and means nothing elsewhere.
    """

    values: tuple[str, ...]
    texts: tuple[str, ...] = ()
    several: bool = False
    ready: bool = False
    pattern: bool = False


Scope = dict[str, Value]
"""Variable → what it stands for. One without a value is not in it."""


class Filled(msgspec.Struct, frozen=True):
    """A text or document with its variables filled.

    Attributes:
        result: of the kind that was given.
        unresolved: the names of variables that have no value, or are asked for in a format that is not known.
    """

    result: Any
    unresolved: tuple[str, ...]


def fill(text: str, scope: Mapping[str, Value], source_type: str = "") -> Filled:
    """Fill the variables of a text.

    Args:
        text: any.
        scope: what is known.
        source_type: the data source's plugin, which decides how values are written where no format is given.
    """
    unresolved: dict[str, None] = {}
    return Filled(_filled(text, scope, source_type, unresolved, _MOST_NESTED), tuple(unresolved))


def _filled(text: str, scope: Mapping[str, Value], source_type: str, unresolved: dict[str, None], depth: int) -> str:
    def replaced(match: re.Match[str]) -> str:
        name = match["plain"] or match["old"] or match["braced"]
        wanted = match["old_format"] or match["format"]
        value = scope.get(name)
        if value is None or (value.pattern and not is_promql(source_type)):
            if not _is_servers(name, source_type, wanted, match):
                unresolved[name] = None
            return match[0]
        if value.ready and wanted is None and depth:
            # what "All" is configured to stand for may name other variables, and is written as it is
            return _filled(value.values[0], scope, source_type, unresolved, depth - 1)
        if match["field"]:
            unresolved[f"{name}.{match['field']}"] = None
            return match[0]
        if wanted is None:
            return default_format(source_type)(value.values, value.several)
        found = formatted(wanted, value.values, value.texts, variable=name)
        if found is None:
            unresolved[f"{name}:{wanted}"] = None
            return match[0]
        return found

    return _VARIABLE.sub(replaced, text)


def _is_servers(name: str, source_type: str, wanted: str | None, match: re.Match[str]) -> bool:
    """Return whether the data source's back end fills it."""
    if name in _SERVERS:
        return wanted is None
    if is_promql(source_type):
        return False
    # macros of SQL and other data sources: `$__timeFilter(time)`, `$__timeFrom()`; InfluxQL's `$timeFilter`
    macro = name.startswith("__") and match.string[match.end() : match.end() + 1] == "("
    return macro or (source_type == "influxdb" and name in {"timeFilter", "interval"})


def fill_query(model: Mapping[str, Any], scope: Mapping[str, Value], source_type: str) -> Filled:
    """Fill the variables in every text of a query; what is only shown may keep its own."""
    unresolved: dict[str, None] = {}

    def filled(value: Any) -> Any:
        if isinstance(value, str):
            if "$" not in value and "[[" not in value:
                return value
            found = fill(value, scope, source_type)
            unresolved.update(dict.fromkeys(found.unresolved))
            return found.result
        if isinstance(value, dict):
            return {key: filled(child) for key, child in value.items()}
        if isinstance(value, list):
            return [filled(child) for child in value]
        return value

    document = {
        key: fill(child, scope, source_type).result if key in _SHOWN_ONLY and isinstance(child, str) else filled(child)
        for key, child in model.items()
    }
    return Filled(document, tuple(unresolved))


def names_in(text: str) -> Iterator[str]:
    """Yield the names of the variables in a text."""
    for match in _VARIABLE.finditer(text):
        yield match["plain"] or match["old"] or match["braced"]
