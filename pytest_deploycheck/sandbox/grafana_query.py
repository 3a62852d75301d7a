"""Queries of panels, really executed against the Prometheus behind a data source."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_deploycheck.sandbox import grafana_errors as errors
from pytest_deploycheck.sandbox.endpoints import Reply
from pytest_deploycheck.sandbox.grafana_frames import empty_frame, frames
from pytest_deploycheck.sandbox.grafana_intervals import Span, Steps, fill_in, go_duration, parse_span, steps
from pytest_deploycheck.sandbox.grafana_sources import HTTP_OK, Unreachable, ask, problem_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_deploycheck.sandbox.grafana_state import DataSource, Grafana

BAD_GATEWAY = 502


@dataclass(frozen=True, slots=True)
class Asked:
    """One query of a request, ready to be sent."""

    ref_id: str
    source: DataSource
    expression: str
    span: Span
    found: Steps
    instant: bool
    ranged: bool
    legend: str

    @property
    def executed(self) -> str:
        """What the answer tells of it."""
        return f"Expr: {self.expression}\nStep: {go_duration(self.found.step)}"


def query(grafana: Grafana, body: bytes) -> Reply:
    """Return the answer to `POST /api/ds/query`."""
    try:
        document = json.loads(body)
        queries = document.get("queries") or []
        span = parse_span(str(document.get("from", "")), str(document.get("to", "")))
        queries = [dict(one) for one in queries]
    except (ValueError, AttributeError, TypeError):
        return errors.bad_request()
    if not queries:
        return errors.public(400, "No queries found", "query.noQueries")
    results: dict[str, Any] = {}
    sources = []
    for one in queries:
        source = _source(grafana, one)
        if isinstance(source, Reply):
            return source
        sources.append(source)
    for one, source in zip(queries, sources, strict=True):
        ref_id = str(one.get("refId") or "A")
        results[ref_id] = _answer(one, ref_id, source, span)
    failed = any("error" in result for result in results.values())
    return errors.answer({"results": results}, (207 if grafana.multi_status else 400) if failed else HTTP_OK)


def _source(grafana: Grafana, one: Mapping[str, Any]) -> DataSource | Reply:
    given = one.get("datasource")
    uid = given.get("uid", "") if isinstance(given, dict) else str(given or "")
    if not uid:
        ref_id = str(one.get("refId") or "A")
        message = f"Query {ref_id} is missing datasource information"
        return errors.public(400, message, "query.missingDataSourceInfo", {"RefId": ref_id})
    source = grafana.datasource(uid)
    return source if source is not None else errors.error(404, "Data source not found", traced=True)


def _answer(one: Mapping[str, Any], ref_id: str, source: DataSource, span: Span) -> dict[str, Any]:
    try:
        asked = _asked(one, ref_id, source, span)
    except (ValueError, TypeError) as error:
        return {"error": str(error), "errorSource": "plugin", "status": 500, "frames": []}
    found: list[dict[str, Any]] = []
    problems: list[tuple[str, int]] = []
    for path, parameters in _requests(asked):
        try:
            status, _, document = ask(source, path, parameters)
        except Unreachable as error:
            problems.append((str(error), BAD_GATEWAY))
            continue
        if problem := problem_of(document):
            problems.append((problem, status))
            found.append(empty_frame(ref_id, asked.executed))
        else:
            found += frames(
                document, ref_id=ref_id, expression=asked.expression, executed=asked.executed,
                step=asked.found.step, legend=asked.legend,
            )  # fmt: skip
    if problems:
        text = " ".join(problem for problem, _ in problems)
        return {"error": text, "errorSource": "downstream", "status": problems[-1][1], "frames": found}
    return {"status": HTTP_OK, "frames": found}


def _asked(one: Mapping[str, Any], ref_id: str, source: DataSource, span: Span) -> Asked:
    instant, ranged = bool(one.get("instant")), bool(one.get("range"))
    found = steps(
        span,
        interval=str(one.get("interval") or ""),
        interval_ms=int(one.get("intervalMs") or 0),
        points=int(one.get("maxDataPoints") or 0),
        factor=int(one.get("intervalFactor") or 0),
        scrape=source.interval,
    )
    return Asked(
        ref_id=ref_id,
        source=source,
        expression=fill_in(str(one.get("expr") or ""), span, found),
        span=span,
        found=found,
        instant=instant,
        # Old dashboards say neither, and mean a range.
        ranged=ranged or not instant,
        legend=str(one.get("legendFormat") or ""),
    )


def _requests(asked: Asked) -> list[tuple[str, dict[str, str]]]:
    found: list[tuple[str, dict[str, str]]] = []
    if asked.instant:
        found.append(("query", {"query": asked.expression, "time": f"{asked.span.end / 1000:.3f}"}))
    if asked.ranged:
        step = asked.found.step
        # The ends are moved down to multiples of the step, so that a cache can be hit.
        start, end = (moment // step * step / 1000 for moment in (asked.span.start, asked.span.end))
        found.append(
            (
                "query_range",
                {
                    "query": asked.expression,
                    "start": f"{start:.3f}",
                    "end": f"{end:.3f}",
                    "step": f"{step / 1000:g}",
                },
            )
        )
    return found
