"""A metrics endpoint asked directly: enough families, the required ones by their whole names, fast enough."""

from __future__ import annotations

import difflib
import math
from typing import TYPE_CHECKING

from pytest_deploycheck.checks.asked import Asked, Judgement
from pytest_deploycheck.checks.comparison import require_number
from pytest_deploycheck.checks.wording import count, seconds

if TYPE_CHECKING:
    from collections.abc import Collection

    from pytest_deploycheck.model.finding import Finding
    from pytest_deploycheck.model.http import Exposition

_SIMILAR = 3


def exposition(
    found: Exposition,
    asked: Asked,
    *,
    prefix: str = "",
    min_families: int = 1,
    required: Collection[str] = (),
    max_latency_s: float | None = None,
) -> Finding:
    """Judge a scraped exposition. Families without samples (only their HELP and TYPE) do not count.

    Args:
        found: the parsed exposition.
        asked: the question.
        prefix: only families whose name begins with it are counted.
        min_families: how many there must be, at least 1.
        required: names of families or of samples that must be there, whole: the beginning of another's name is not.
        max_latency_s: the longest it may take, in seconds.

    Raises:
        AuthorMistake: if no family is expected, or the latency bound is not a number.
    """
    require_number("the least number of families", min_families, least=1)
    what = f"families named {prefix}…" if prefix else "families"
    parts = [f"at least {min_families:,} {what}"]
    if required:
        parts.append(f"{', '.join(sorted(set(required)))} among the names")
    if max_latency_s is not None:
        require_number("the latency bound", max_latency_s, finite=True, least=0)
        parts.append(f"within {seconds(max_latency_s)}")
    judgement = Judgement(asked, ", ".join(parts), ("name", "problem"))
    filled = {name for name, family in found.families.items() if family.samples > 0}
    counted = sorted(name for name in filled if name.startswith(prefix))
    if len(counted) < min_families:
        others = f" among {count(len(filled), 'family', 'families')}" if prefix else ""
        judgement.bad(
            f"{count(len(counted), 'family', 'families')} with samples{f' named {prefix}…' if prefix else ''}{others}"
        )
    there = filled | found.sample_names
    if missing := sorted(set(required) - there):
        judgement.bad(
            f"{count(len(missing), 'required name')} missing",
            [(name, _absence(name, found, there)) for name in missing],
        )
    if max_latency_s is not None:
        if not math.isfinite(found.elapsed) or found.elapsed < 0:
            judgement.doubtful("its latency was not measured")
        elif found.elapsed > max_latency_s:
            judgement.bad(f"took {seconds(found.elapsed, max_latency_s)}")
    judgement.measured("latency", [found.elapsed], unit="s")
    judgement.measured("families", [len(counted)], greatest=False)
    return judgement.finding(f"{count(len(counted), 'family', 'families')} with samples in {seconds(found.elapsed)}")


def _absence(name: str, found: Exposition, there: Collection[str]) -> str:
    if name in found.families:
        return "declared, but without samples"
    longer = sorted(one for one in there if one.startswith(name))[:_SIMILAR]
    if longer:
        return f"not there; only the beginning of {', '.join(longer)}"
    close = difflib.get_close_matches(name, sorted(there), n=_SIMILAR)
    return f"not there; similar: {', '.join(close)}" if close else "not there"
