"""Labels that every series must carry; `value_range`, for values, is re-exported from `thresholds`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_deploycheck.checks.asked import Asked, Judgement
from pytest_deploycheck.checks.patterns import UnsupportedPattern, compile_go
from pytest_deploycheck.checks.thresholds import value_range
from pytest_deploycheck.checks.wording import count, share
from pytest_deploycheck.errors import AuthorMistake
from pytest_deploycheck.model.prometheus import format_labels

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_deploycheck.model.finding import Finding

__all__ = ["labels", "value_range"]


def labels(series: Sequence[Mapping[str, str]], asked: Asked, *, required: Mapping[str, str]) -> Finding:
    """Judge whether every series carries the required labels with well-formed values.

    Args:
        series: one label set a series.
        asked: the question.
        required: label name → regular expression (Prometheus's syntax) that its whole value must match. As in
            Prometheus an empty value is the same as no label, and never satisfies.

    Raises:
        AuthorMistake: if nothing is required, or an expression cannot be read.
    """
    if not required:
        raise AuthorMistake("no label is required", next_step='name at least one, such as {"version": "v[0-9.]+"}')
    try:
        patterns = {name: compile_go(pattern) for name, pattern in required.items()}
    except UnsupportedPattern as error:
        raise AuthorMistake(str(error), next_step="mend the expression") from None
    wanted = ", ".join(f'{name}=~"{pattern}"' for name, pattern in sorted(required.items()))
    judgement = Judgement(asked, f"every series with {wanted}", ("series", "label", "value"))
    if not series:
        judgement.doubtful("no data: there are no series")
    rows: list[tuple[str, str, str]] = []
    offenders = 0
    for one in series:
        found = [
            (format_labels(one), name, f'"{one[name]}"' if one.get(name) else "missing")
            for name, pattern in sorted(patterns.items())
            if not one.get(name) or pattern.fullmatch(one[name]) is None
        ]
        offenders += bool(found)
        rows += found
    if rows:
        # A label that is missing altogether is worse than one with an odd value.
        rows.sort(key=lambda row: (row[2] != "missing", row))
        judgement.bad(f"{share(offenders, len(series), 'series')} without a required label or with another value", rows)
    return judgement.finding(f"all {count(len(series), 'series')} carry {count(len(required), 'required label')}")
