"""Panels: whether what they show is data, by the results of their own queries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_deploycheck.checks.asked import Asked, Judgement
from pytest_deploycheck.checks.comparison import require_number
from pytest_deploycheck.checks.wording import count, head, seconds, share

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from pytest_deploycheck.model.finding import Finding
    from pytest_deploycheck.model.grafana import PanelResult, RefResult

COLUMNS = ("panel", "query", "executed", "problem")
_PROBLEM = 200
_EXECUTED = 160
_PLACE = 80

Row = tuple[str, str, str, str]


def show_data(
    results: Sequence[PanelResult],
    asked: Asked,
    *,
    now: float,
    may_be_empty: Collection[str | int] = (),
    max_age: float | None = None,
    notes: Iterable[str] = (),
) -> Finding:
    """Judge whether the queries of every panel run and bring data.

    A frame is no data, nor is null (or NaN, which comes as null); a query counts by the non-null values of its number
    fields. FAILED: a query with an error; a panel none of whose queries brings a value; one that refers to a data
    source, library panel or panel that is not there; values older than they may be; no panel at all. INCONCLUSIVE: a
    panel some of whose queries bring nothing; one that could not be asked, for a variable has no value; one that was
    executed with a variable in it; one that could not be measured; data with a warning of its source; panels, but none
    that asks anything.

    Args:
        results: of all panels.
        asked: the question.
        now: the runner's time, Unix seconds.
        may_be_empty: panels that may show nothing, such as those of errors, by title or id, or one query of a panel, as
            `Errors:B`; their queries must run.
        max_age: how old a panel's newest value may be, in seconds.
        notes: what a reader should know besides.

    Raises:
        AuthorMistake: if the greatest age is no number.
    """
    if max_age is not None:
        require_number("the greatest age", max_age, least=0)
    fresh = f", none older than {seconds(max_age)}" if max_age is not None else ""
    judgement = Judgement(asked, f"every panel shows data{fresh}", COLUMNS)
    names = {str(name) for name in may_be_empty}
    queried = [one for one in results if one.asked]
    answered = [one for one in queried if one.results]
    if not results:
        judgement.bad("the dashboard has no panel")
    elif not queried:
        judgement.doubtful(f"no data: none of {count(len(results), 'panel')} asks anything")
    if missing := [one for one in queried if one.missing]:
        rows = [_row(one, "", one.refused or one.failure, "") for one in missing]
        judgement.bad(f"{share(len(missing), len(queried), 'panel')} broken", rows)
    _judge_errors(judgement, answered)
    _judge_emptiness(judgement, answered, names)
    if max_age is not None:
        _judge_age(judgement, answered, now, max_age)
    _judge_doubts(judgement, answered)
    _judge_unasked(judgement, queried)
    for name in sorted(names - {known for one in results for known in _names(one)}):
        if results:
            judgement.bad(f"{name} may be empty, and there is no such panel")
    judgement.note(("", "", "", note) for note in notes)
    times = [newest for one in answered if (newest := _newest(one)) is not None]
    judgement.measured("oldest panel", [now - time for time in times], unit="s")
    judgement.measured("panels that show data", [sum(map(_has_values, answered))], greatest=False)
    newest_time = max(times, default=None)
    age = None if newest_time is None else max(0.0, now - newest_time)
    return judgement.finding(_told(results, queried), sample_time=newest_time, age=age)


def _told(results: Sequence[PanelResult], queried: Sequence[PanelResult]) -> str:
    full = sum(map(_has_values, queried))
    told = f"{count(full, 'panel')} with data"
    if full < len(queried):
        told += f", {len(queried) - full} empty as they may be"
    if len(queried) < len(results):
        told += f", {len(results) - len(queried)} that ask nothing"
    return told


def _judge_errors(judgement: Judgement, answered: Sequence[PanelResult]) -> None:
    broken = [one for one in answered if _has_error(one)]
    if broken:
        rows = [_row(one, ref.ref_id, ref.error, ref.executed) for one in broken for ref in one.results if ref.error]
        judgement.bad(f"{share(len(broken), len(answered), 'panel')} in error", rows)


def _judge_emptiness(judgement: Judgement, answered: Sequence[PanelResult], allowed: set[str]) -> None:
    whole: list[Row] = []
    part: list[Row] = []
    panels = 0
    for one in answered:
        if _has_error(one) or allowed & set(_panel_names(one)):
            continue
        empty = [
            ref
            for ref in one.results
            if not ref.values and not allowed & {f"{name}:{ref.ref_id}" for name in _panel_names(one)}
        ]
        rows = [_row(one, ref.ref_id, _emptiness(ref), ref.executed) for ref in empty]
        if empty and not _has_values(one):
            panels += 1
            whole += rows
        else:
            part += rows
    if whole:
        judgement.bad(f"{share(panels, len(answered), 'panel')} empty", whole)
    if part:
        noun = "query of a panel that shows data brings none"
        judgement.doubtful(noun if len(part) == 1 else f"{len(part)} {noun.replace('query', 'queries', 1)}", part)


def _judge_age(judgement: Judgement, answered: Sequence[PanelResult], now: float, max_age: float) -> None:
    old = [
        _row(one, "", f"its newest value is {seconds(now - newest)} old", "")
        for one in answered
        if (newest := _newest(one)) is not None and now - newest > max_age
    ]
    if old:
        judgement.bad(f"{share(len(old), len(answered), 'panel')} out of date", old)


def _judge_doubts(judgement: Judgement, answered: Sequence[PanelResult]) -> None:
    """Note queries whose data may not be what was asked for."""
    queries = [(one, ref) for one in answered for ref in one.results if not ref.error]
    unfilled = [
        _row(one, ref.ref_id, f"${ref.unfilled[0]} was not filled", ref.executed)
        for one, ref in queries
        if ref.unfilled
    ]
    if unfilled:
        judgement.doubtful(f"{count(len(unfilled), 'query', 'queries')} executed with a variable in it", unfilled)
    warned = [_row(one, ref.ref_id, ref.notices[0], ref.executed) for one, ref in queries if ref.notices]
    if warned:
        judgement.doubtful(f"{count(len(warned), 'query', 'queries')} with a warning of the data source", warned)


def _judge_unasked(judgement: Judgement, queried: Sequence[PanelResult]) -> None:
    """Note panels that could not be asked, and those that could not be measured."""
    for what, texts in (
        ("not asked", [(one, one.refused) for one in queried]),
        ("not measured", [(one, one.failure) for one in queried]),
    ):
        rows = [_row(one, "", text, "") for one, text in texts if text and not one.missing]
        if rows:
            judgement.doubtful(f"{share(len(rows), len(queried), 'panel')} {what}", rows)


def _panel_names(one: PanelResult) -> tuple[str, ...]:
    """Return what a panel may be called: its id, its title as saved, and as filled."""
    return str(one.panel.id), one.panel.title, one.title


def _names(one: PanelResult) -> Iterator[str]:
    for name in _panel_names(one):
        yield name
        for query in one.panel.queries:
            yield f"{name}:{query.ref_id}"


def _emptiness(ref: RefResult) -> str:
    return "no data" if not ref.points else f"no number among {count(ref.points, 'value')}"


def _has_values(one: PanelResult) -> bool:
    return any(ref.values for ref in one.results)


def _has_error(one: PanelResult) -> bool:
    return any(ref.error for ref in one.results)


def _newest(one: PanelResult) -> float | None:
    return max((ref.newest for ref in one.results if ref.newest is not None), default=None)


def _row(one: PanelResult, query: str, problem: str, executed: str) -> Row:
    place = f"{one.panel.row} / {one.title}" if one.panel.row else one.title
    return head(place or f"panel {one.panel.id}", _PLACE), query, head(executed, _EXECUTED), head(problem, _PROBLEM)
