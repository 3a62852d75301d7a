"""Answers of health and functional endpoints: status, body, latency, dependencies.

`exposition` and `version` (with `answered` and `labelled`) are re-exported from `expositions` and `versions`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pytest_deploycheck.checks.asked import Asked, Judgement
from pytest_deploycheck.checks.comparison import require_number
from pytest_deploycheck.checks.dependencies import DependencyReport, dependency_problems
from pytest_deploycheck.checks.documents import NotJson, NotThere, lookup, parsed, same, shown
from pytest_deploycheck.checks.expositions import exposition
from pytest_deploycheck.checks.versions import Told, answered, labelled, version
from pytest_deploycheck.checks.wording import count, head, seconds
from pytest_deploycheck.errors import AuthorMistake

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from pytest_deploycheck.checks.dependencies import Problem
    from pytest_deploycheck.model.finding import Finding
    from pytest_deploycheck.model.http import HttpAnswer

__all__ = ["DependencyReport", "Told", "answered", "endpoint", "exposition", "labelled", "version"]

_REDIRECTS = range(300, 400)


def endpoint(
    answer: HttpAnswer,
    asked: Asked,
    *,
    statuses: Collection[int] = (200,),
    json_values: Mapping[str, str | float | bool | None] | None = None,
    contains: str | None = None,
    content_type: str | None = None,
    max_latency_s: float | None = None,
    dependencies: DependencyReport | None = None,
) -> Finding:
    """Judge one answer; everything that is wrong with it is shown at once.

    FAILED: any expectation that is not met; HTML where JSON was expected is one. INCONCLUSIVE: an empty report of
    dependencies, one without a status, a latency that was not measured.

    Args:
        answer: the answer.
        asked: the question.
        statuses: accepted statuses.
        json_values: dotted path → the value it must have; `documents.same` tells when values are the same.
        contains: text the body must contain.
        content_type: the media type it must have; parameters such as the charset are not compared.
        max_latency_s: the longest it may take, in seconds.
        dependencies: where it reports its dependencies, and what counts as healthy.

    Raises:
        AuthorMistake: if no status is accepted, the text to contain is empty, or the latency bound is not positive.
    """
    _require_expectation(statuses, contains, max_latency_s)
    problems: list[Problem] = []
    if answer.status not in statuses:
        wanted = " or ".join(map(str, sorted(statuses)))
        problems.append((True, "status", wanted, _status(answer)))
    if content_type is not None and (found := _media_type(answer)) != content_type.strip().lower():
        problems.append((True, "content type", content_type, found or "none"))
    reported = _judge_json(answer, json_values or {}, dependencies, problems)
    if contains is not None and contains not in answer.text:
        problems.append((True, "body", f"contains {contains!r}", head(answer.head) or "empty"))
    if max_latency_s is not None:
        if not math.isfinite(answer.elapsed) or answer.elapsed < 0:
            problems.append((False, "latency", f"at most {seconds(max_latency_s)}", "not measured"))
        elif answer.elapsed > max_latency_s:
            took = seconds(answer.elapsed, max_latency_s)
            problems.append((True, "latency", f"at most {seconds(max_latency_s)}", took))
    judgement = Judgement(
        asked,
        _expected(statuses, json_values, contains, content_type, max_latency_s, dependencies),
        ("what", "expected", "observed"),
    )
    for bad, what, wanted, observed in problems:
        (judgement.bad if bad else judgement.doubtful)(f"{what}: {observed}", [(what, wanted, observed)])
    judgement.measured("latency", [answer.elapsed], unit="s")
    tail = f", {count(reported, 'healthy dependency', 'healthy dependencies')}" if dependencies is not None else ""
    return judgement.finding(f"{answer.status} in {seconds(answer.elapsed)}{tail}")


def _require_expectation(statuses: Collection[int], contains: str | None, max_latency_s: float | None) -> None:
    if not statuses:
        raise AuthorMistake("no status is accepted", next_step="name at least one, such as 200")
    if contains == "":
        raise AuthorMistake("every body contains the empty text", next_step="name a text, or leave it out")
    if max_latency_s is not None:
        require_number("the latency bound", max_latency_s, finite=True)
        if max_latency_s <= 0:
            raise AuthorMistake(
                f"the latency bound is {max_latency_s:g} s: nothing is that fast", next_step="give a positive bound"
            )


def _expected(
    statuses: Collection[int],
    json_values: Mapping[str, str | float | bool | None] | None,
    contains: str | None,
    content_type: str | None,
    max_latency_s: float | None,
    dependencies: DependencyReport | None,
) -> str:
    parts = [f"status {' or '.join(map(str, sorted(statuses)))}"]
    if content_type is not None:
        parts.append(f"content type {content_type}")
    parts += [f"{path} = {shown(value)}" for path, value in (json_values or {}).items()]
    if contains is not None:
        parts.append(f"a body that contains {contains!r}")
    if max_latency_s is not None:
        parts.append(f"within {seconds(max_latency_s)}")
    if dependencies is not None:
        named = f" ({', '.join(dependencies.expected)} among them)" if dependencies.expected else ""
        parts.append(f"healthy dependencies{named}")
    return ", ".join(parts)


def _status(answer: HttpAnswer) -> str:
    if answer.status in _REDIRECTS:
        return f"{answer.status}, a redirect to {head(answer.headers.get('location', '')) or 'nowhere'}"
    body = head(answer.head)
    return f"{answer.status}, {body}" if body else f"{answer.status}, with an empty body"


def _media_type(answer: HttpAnswer) -> str:
    return answer.headers.get("content-type", "").partition(";")[0].strip().lower()


def _judge_json(
    answer: HttpAnswer,
    json_values: Mapping[str, str | float | bool | None],
    dependencies: DependencyReport | None,
    problems: list[Problem],
) -> int:
    """Add what is wrong with the JSON body, if one is expected; return how many dependencies it reports."""
    if not json_values and dependencies is None:
        return 0
    try:
        document = parsed(answer)
    except NotJson as error:
        problems.append((True, "body", "JSON", str(error)))
        return 0
    for path, expected in json_values.items():
        try:
            value = lookup(document, path)
        except NotThere as error:
            problems.append((True, path, shown(expected), str(error)))
            continue
        if not same(value, expected):
            problems.append((True, path, shown(expected), shown(value)))
    if dependencies is None:
        return 0
    reported, found = dependency_problems(document, dependencies)
    # Bad ones first: that is what the reader came for.
    problems += sorted(found, key=lambda problem: not problem[0])
    return reported
