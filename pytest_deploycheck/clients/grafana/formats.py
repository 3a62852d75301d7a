"""How a variable's values are written into a query: by the format that is asked for, or the data source's own.

Rules: `formatRegistry.ts` of grafana/scenes (and https://grafana.com/docs/grafana/latest/dashboards/variables/), and
the data sources' `interpolateVariable`. Where no format is given, Prometheus and Loki escape for a regular expression
inside a string if several values could be chosen, and only for the string otherwise.
"""

from __future__ import annotations

import html
import json
import re
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Callable

_SQL = frozenset({"mysql", "postgres", "grafana-postgresql-datasource", "mssql"})
_PROMQL = frozenset({"prometheus", "loki"})
_LUCENE = frozenset({"elasticsearch", "grafana-opensearch-datasource"})

_REGEX_SIGNS = re.compile(r"[\\^$*+?.()|\[\]{}/]")
_PROMQL_SIGNS = re.compile(r"[$^*{}\[\]'+?.()|]")
_LUCENE_SIGNS = re.compile(r"[!*+\-=<>\s&|()\[\]{}^~?:\\/\"]")
_URI_SAFE = ";,/?:@&=+$#-_.~"

Values = tuple[str, ...]


def regex(values: Values) -> str:
    """Escape for a regular expression; several become `(a|b)`."""
    escaped = [_REGEX_SIGNS.sub(lambda found: "\\" + found[0], value) for value in values]
    return escaped[0] if len(escaped) == 1 else f"({'|'.join(escaped)})"


def _glob(values: Values) -> str:
    return values[0] if len(values) == 1 else "{" + ",".join(values) + "}"


def _quoted(values: Values, sign: str, escaped: str) -> str:
    return ",".join(f"{sign}{value.replace(sign, escaped)}{sign}" for value in values)


def _sql_string(values: Values) -> str:
    return ",".join("'" + value.replace("'", "''").replace('"', '\\"') + "'" for value in values)


def _lucene_escape(value: str) -> str:
    try:
        float(value)
    except ValueError:
        return _LUCENE_SIGNS.sub(lambda found: "\\" + found[0], value)
    return value


def _lucene(values: Values, *, several: bool = False) -> str:
    if len(values) == 1 and not several:
        return _lucene_escape(values[0])
    return "(" + " OR ".join(f'"{_lucene_escape(value)}"' for value in values) + ")"


def _promql(values: Values) -> str:
    """Escape for a regular expression that itself stands in a string, where a backslash is written twice."""
    escaped = [_PROMQL_SIGNS.sub(lambda found: "\\\\" + found[0], value.replace("\\", "\\\\\\\\")) for value in values]
    return escaped[0] if len(escaped) == 1 else f"({'|'.join(escaped)})"


def _in_promql(values: Values, *, several: bool) -> str:
    if several or len(values) > 1:
        return _promql(values)
    return values[0].replace("\\", "\\\\").replace("'", "\\'")


def _in_sql(values: Values, *, several: bool) -> str:
    if several or len(values) > 1:
        return ",".join("'" + value.replace("'", "''") + "'" for value in values)
    return values[0]


def _in_influx(values: Values, *, several: bool) -> str:
    return regex(values) if several or len(values) > 1 else values[0]


_NAMED: dict[str, Callable[[Values], str]] = {
    "raw": ",".join,
    "csv": ",".join,
    "pipe": "|".join,
    "glob": _glob,
    "regex": regex,
    "lucene": _lucene,
    "json": lambda values: values[0] if len(values) == 1 else json.dumps(list(values), separators=(",", ":")),
    "html": lambda values: html.escape(", ".join(values)),
    "singlequote": lambda values: _quoted(values, "'", "\\'"),
    "doublequote": lambda values: _quoted(values, '"', '\\"'),
    "sqlstring": _sql_string,
    "percentencode": lambda values: quote(_glob(values), safe="-_.~"),
    "uriencode": lambda values: quote(_glob(values), safe=_URI_SAFE),
}


def formatted(name: str, values: Values, texts: Values, *, variable: str) -> str | None:
    """Write values in a named format.

    Args:
        name: such as `regex`, `csv`, `join:;`.
        values: at least one.
        texts: how they are shown, for the format `text`.
        variable: the variable's name, for the formats that write it too.

    Returns:
        The text; None if this format is not known here (`date` and formats of plugins).
    """
    kind, _, argument = name.partition(":")
    if kind == "text":
        return " + ".join(texts or values)
    if kind == "join":
        return (argument or ",").join(values)
    if kind == "distributed":
        return ",".join(value if at == 0 else f"{variable}={value}" for at, value in enumerate(values))
    if kind == "queryparam":
        return "&".join(f"var-{variable}={quote(value, safe='-_.~')}" for value in values)
    write = _NAMED.get(kind)
    return write(values) if write is not None else None


def default_format(source_type: str) -> Callable[[Values, bool], str]:
    """Return how a data source writes values where no format is given.

    Args:
        source_type: the plugin, such as `prometheus`.

    Returns:
        A function of the values and whether several can be chosen.
    """
    if source_type in _PROMQL:
        return lambda values, several: _in_promql(values, several=several)
    if source_type in _SQL:
        return lambda values, several: _in_sql(values, several=several)
    if source_type in _LUCENE:
        return lambda values, several: _lucene(values, several=several and len(values) > 1)
    if source_type == "influxdb":
        return lambda values, several: _in_influx(values, several=several)
    return lambda values, _: _glob(values)


def is_promql(source_type: str) -> bool:
    """Return whether a data source asks PromQL or LogQL, where a `$` is nothing but a variable or part of a pattern."""
    return source_type in _PROMQL
