"""PromQL read locally: which series does an expression look at, and how is one of them asked alone?

On `promql-parser`, which follows Prometheus 2.45; MetricsQL's extensions are refused, not guessed at.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec

from pytest_deploycheck.errors import QueryFailed
from pytest_deploycheck.model.duration import parse_go_duration, promql_duration
from pytest_deploycheck.transport.reply import one_line

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta

# `$name`, `${name}`, `${name:regex}` and the old `[[name]]` of Grafana. A `$` that only ends a regex, as in "a$|b$",
# is none of them; nor is the `$1` of label_replace, which is no part of a selector.
_TEMPLATE_VARIABLE = re.compile(r"\$[A-Za-z_]\w*|\$\{[^}]*\}|\[\[\w+\]\]", re.ASCII)
_PLAIN_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*", re.ASCII)
_PLAIN_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*", re.ASCII)
# promql-parser 0.12: 150 operators take up to a second, 2,000 overflow the stack and end the process.
_LONGEST = 20_000
_MOST_PARTS = 150
_QUIET = re.compile(
    r""" "(?:[^"\\]|\\.)*" | '(?:[^'\\]|\\.)*' | `[^`]*` | \{[^{}"'`]*\} | \#[^\n]* """, re.VERBOSE | re.DOTALL
)
_NESTING = re.compile(r"[-+*/%^(]|[<>=!]=?|\[|\b(?:and|or|unless|atan2)\b", re.IGNORECASE)
_ABSENT = frozenset({"absent", "absent_over_time"})
_OPERATORS = {"Equal": "=", "NotEqual": "!=", "Re": "=~", "NotRe": "!~"}


class LabelMatcher(msgspec.Struct, frozen=True):
    """One matcher of a selector: `op` is `=`, `!=`, `=~` or `!~`; the value is unescaped."""

    name: str
    op: str
    value: str

    def __str__(self) -> str:
        """Return it as PromQL writes it."""
        name = self.name if _PLAIN_LABEL.fullmatch(self.name) else _quoted(self.name)
        return f"{name}{self.op}{_quoted(self.value)}"


class Selector(msgspec.Struct, frozen=True, kw_only=True):
    """One selector of an expression.

    Attributes:
        metric: the metric's name, or empty if it is not given by an equality (`{__name__=~"a|b"}`).
        matchers: all others, in order.
        range: seconds, if it selects a range; else None.
        offset: seconds into the past; negative for the future.
        at: Unix seconds, `start()`, `end()`, or None.
    """

    metric: str
    matchers: tuple[LabelMatcher, ...] = ()
    range: float | None = None
    offset: float = 0.0
    at: float | str | None = None

    @property
    def series(self) -> str:
        """The selector as an instant one, without range, offset and `@`: which series, at any time."""
        plain = _PLAIN_NAME.fullmatch(self.metric) is not None
        inner = [str(matcher) for matcher in self.matchers]
        if self.metric and not plain:
            inner.insert(0, f"__name__={_quoted(self.metric)}")
        braces = f"{{{', '.join(inner)}}}" if inner else ""
        return f"{self.metric}{braces}" if plain else braces

    @property
    def text(self) -> str:
        """The whole selector, so that it can be asked alone and sees what it sees in its expression."""
        return self._rendered(self.range)

    def over(self, seconds: float) -> str:
        """Return it as a range selector over the given window, offset and `@` kept.

        Raises:
            ValueError: if the window is not at least a millisecond.
        """
        return self._rendered(seconds)

    def _rendered(self, window: float | None) -> str:
        text = self.series
        if window is not None:
            text += f"[{promql_duration(window)}]"
        if self.at is not None:
            text += f" @ {self.at}" if isinstance(self.at, str) else f" @ {self.at:.3f}"
        if self.offset:
            sign = "-" if self.offset < 0 else ""
            text += f" offset {sign}{promql_duration(abs(self.offset))}"
        return text

    def __str__(self) -> str:
        return self.text


def selectors(expr: str, *, absent: bool = True) -> tuple[Selector, ...]:
    """Return every selector of an expression, in the order in which they are written; repeated ones once.

    Args:
        expr: the expression.
        absent: whether those inside of `absent()` and `absent_over_time()` are among them, which ask for series that
            are not there.

    Raises:
        QueryFailed: if it is no PromQL, or holds a template variable that nobody filled in.
    """
    import promql_parser

    found: dict[Selector, None] = {}
    ranges: list[float] = []
    within: list[Any] = []

    def visit(node: Any) -> None:
        if isinstance(node, promql_parser.MatrixSelector):
            # the walk goes on to the vector selector inside of it
            ranges.append(_seconds(node.range))
        elif isinstance(node, promql_parser.Call) and not absent and node.func.name in _ABSENT:
            for argument in node.args:
                promql_parser.walk(argument, _noting(within))
        elif isinstance(node, promql_parser.VectorSelector):
            window = ranges.pop() if ranges else None
            if within:
                within.pop()
            else:
                found[_selector(expr, node, window)] = None

    promql_parser.walk(_parse(expr), visit)
    return tuple(found)


def _noting(found: list[Any]) -> Callable[[Any], None]:
    """Return a visitor that notes the vector selectors: the walk comes to them next, for it goes from outside in."""
    import promql_parser

    def visit(node: Any) -> None:
        if isinstance(node, promql_parser.VectorSelector):
            found.append(node)

    return visit


def is_bare_selector(expr: str) -> bool:
    """Return whether an expression is nothing but an instant selector: the only one with true sample timestamps.

    An offset or `@` is no longer bare, and parentheses around it do not matter.

    Raises:
        QueryFailed: if it is no PromQL.
    """
    return _bare(expr) is not None


def bare_selector(expr: str) -> Selector:
    """Return the instant selector that an expression is.

    Raises:
        QueryFailed: if it is anything else.
    """
    selector = _bare(expr)
    if selector is None:
        raise QueryFailed(
            "only a bare selector has samples with timestamps of their own",
            where=expr,
            details=["a function, an operator, a range, an offset or `@` gives evaluation times instead"],
            next_step='ask for the series itself, such as `requests_total{job="api"}`',
        )
    return selector


def metric_names(expr: str) -> tuple[str, ...]:
    """Return the names of the metrics an expression looks at, in order, each once.

    A selector that does not name its metric by an equality adds nothing; `selectors` tells of it.

    Raises:
        QueryFailed: if it is no PromQL.
    """
    return tuple(dict.fromkeys(selector.metric for selector in selectors(expr) if selector.metric))


def with_range(selector: str | Selector, window: str | float) -> str:
    """Return a selector with a range: `up{job="api"}` and `5m` give `up{job="api"}[300s]`.

    Args:
        selector: an instant selector; an offset and `@` are kept.
        window: as PromQL writes it, or in seconds.

    Raises:
        QueryFailed: if it is no selector or has a range already, or the window is not at least a millisecond.
    """
    one = _only_selector(selector) if isinstance(selector, str) else selector
    if one.range is not None:
        raise QueryFailed("the selector has a range already", where=str(selector), next_step="leave the `[…]` out")
    try:
        return one.over(parse_go_duration(window) if isinstance(window, str) else window)
    except ValueError as error:
        raise QueryFailed(
            f"not a window: {error}", where=one.text, next_step='write it as PromQL does, such as "5m" or "1m30s"'
        ) from None


def _bare(expr: str) -> Selector | None:
    try:
        selector = _only_selector(expr)
    except _NotASelector:
        return None
    return selector if selector.range is None and not selector.offset and selector.at is None else None


class _NotASelector(QueryFailed):
    """PromQL, but not one selector."""


def _only_selector(expr: str) -> Selector:
    """Return the one selector that an expression is, parentheses taken off.

    Raises:
        _NotASelector: if it is another kind of expression.
    """
    import promql_parser

    node = _parse(expr)
    while isinstance(node, promql_parser.ParenExpr):
        node = node.expr
    if not isinstance(node, (promql_parser.VectorSelector, promql_parser.MatrixSelector)):
        raise _NotASelector(
            "a selector was expected, and this is an expression over selectors",
            where=expr,
            next_step='write only a metric with its labels, such as `up{job="api"}`',
        )
    return selectors(expr)[0]


def _parse(expr: str) -> Any:
    import promql_parser

    _require_modest(expr)
    try:
        return promql_parser.parse(expr)
    except ValueError as error:
        variable = _TEMPLATE_VARIABLE.search(expr)
        if variable:
            raise _unfilled(expr, variable[0]) from None
        reason = " ".join(str(error).split()) or "no reason given"
        raise QueryFailed(
            f"not PromQL: {reason}",
            where=expr,
            next_step="try it on the server's own page; MetricsQL's extensions cannot be analysed here",
        ) from None


def _require_modest(expr: str) -> None:
    """Refuse what the parser cannot bear: its time grows with the cube of the nesting, and its native stack is finite.

    Raises:
        QueryFailed: if it is too long, or has too many operators and parentheses.
    """
    parts = len(_NESTING.findall(_QUIET.sub("", expr)))
    if len(expr) > _LONGEST or parts > _MOST_PARTS:
        raise QueryFailed(
            f"too big to be analysed here: {len(expr):,} characters, {parts:,} operators and parentheses",
            where=one_line(expr, 100),
            details=[f"at most {_LONGEST:,} and {_MOST_PARTS}"],
            next_step="record parts of it by rules, and ask for these",
        )


def _unfilled(expr: str, variable: str) -> QueryFailed:
    return QueryFailed(
        f"the template variable {variable} has no value",
        where=expr,
        details=["a server takes it literally: it matches nothing, and no error is given"],
        next_step="put the value in its place (a dashboard's variables have one each; $__interval and $__range a time)",
    )


def _selector(expr: str, node: Any, window: float | None) -> Selector:
    """Return the parser's node as our own data.

    Raises:
        QueryFailed: on template variables in values, and on MetricsQL's `or` between matchers.
    """
    if node.matchers.or_matchers:
        raise QueryFailed(
            "`or` between the matchers of one selector is MetricsQL, not PromQL",
            where=expr,
            next_step="write two selectors with `or` between them",
        )
    metric = node.name or ""
    matchers = []
    for matcher in node.matchers.matchers:
        variable = _TEMPLATE_VARIABLE.search(matcher.value)
        if variable:
            raise _unfilled(expr, variable[0])
        operator = _OPERATORS[str(matcher.op).rpartition(".")[2]]
        if matcher.name == "__name__" and operator == "=" and not metric:
            metric = matcher.value
        else:
            matchers.append(LabelMatcher(matcher.name, operator, matcher.value))
    return Selector(
        metric=metric,
        matchers=tuple(matchers),
        range=window,
        offset=0.0 if node.offset is None else _seconds(node.offset),
        at=_at(node.at),
    )


def _at(modifier: Any) -> float | str | None:
    if modifier is None:
        return None
    if modifier.at is not None:
        return float(modifier.at.timestamp())
    return "start()" if str(modifier.type).endswith("Start") else "end()"


def _seconds(delta: timedelta) -> float:
    return delta.total_seconds()


def _quoted(text: str) -> str:
    r"""Return a text as a PromQL string: `\`, `"` and line breaks escaped."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
