"""The one way an instant vector is judged: every series, and doubt wherever there is no number."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from pytest_deploycheck.checks.asked import SHOWN, Judgement
from pytest_deploycheck.checks.wording import count, head, share
from pytest_deploycheck.model.prometheus import InstantVector, RangeVector, format_labels

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


class Offence(msgspec.Struct, frozen=True, kw_only=True):
    """What makes a series of an instant vector an offender.

    Attributes:
        hits: the places of the series that do not satisfy; those of NaN are among them.
        badness: orders the offending values: the greater, the worse.
        shown: how a value reads.
        complaint: what the offenders are, after "2 of 3 series are".
    """

    hits: Sequence[int]
    badness: Callable[[float], float]
    shown: Callable[[float], str]
    complaint: str


def series_name(vector: InstantVector, at: int) -> str:
    """Return the series at a place as PromQL writes it."""
    return "scalar" if vector.scalar else format_labels(vector.labels(at))


def _order(vector: InstantVector, at: int) -> bytes:
    raw = vector.raw_labels[at]
    # Undecoded on purpose: it only has to be an order that does not depend on the order of the answer.
    return raw if isinstance(raw, bytes) else format_labels(raw).encode("utf-8", "surrogatepass")


def judge_series(judgement: Judgement, vector: InstantVector, offence: Offence) -> None:
    """Note offenders and series without a number; only what is shown is decoded.

    Args:
        judgement: where to note it; its columns are series and value.
        vector: the answer.
        offence: what makes an offender.
    """
    values = vector.values
    without = [at for at in offence.hits if values[at] != values[at]]
    absent = set(without)
    bad = [at for at in offence.hits if at not in absent] if without else offence.hits
    if bad:
        worst = heapq.nsmallest(SHOWN, bad, key=lambda at: (-offence.badness(values[at]), _order(vector, at)))
        judgement.bad(
            f"{share(len(bad), len(vector), 'series')} {offence.complaint}",
            [(series_name(vector, at), offence.shown(values[at])) for at in worst],
            omitted=len(bad) - len(worst),
        )
    histograms = vector.histograms
    not_a_number = max(0, len(without) - histograms)
    if not_a_number:
        judgement.doubtful(f"{share(not_a_number, len(vector), 'series')} NaN, which is no data")
    if histograms:
        word = "a native histogram" if histograms == 1 else "native histograms"
        judgement.doubtful(
            f"{share(histograms, len(vector), 'series')} {word}, which has no single value: ask for a quantile"
        )
    if without:
        text = "native histogram" if not not_a_number else "NaN or native histogram" if histograms else "NaN"
        shown = heapq.nsmallest(SHOWN, without, key=lambda at: _order(vector, at))
        judgement.add_doubtful_rows(((series_name(vector, at), text) for at in shown), len(without) - len(shown))


def judge_answer(judgement: Judgement, vector: InstantVector | RangeVector, series: int | None = None) -> None:
    """Note what is doubtful about an answer as a whole: emptiness, warnings, the wrong number of series.

    Args:
        judgement: where to note it.
        vector: the answer.
        series: how many series there must be; any number but none if it is None.
    """
    if not len(vector):
        judgement.doubtful("no data: the answer has no series")
    elif series is not None and len(vector) != series:
        judgement.doubtful(f"{count(len(vector), 'series')} where exactly {series:,} {_were(series)} expected")
    judge_warnings(judgement, vector.warnings)


def measure_values(judgement: Judgement, values: Iterable[float], op: str, unit: str, *, when: str = "") -> None:
    """Note the value that comes nearest to a bound, or lies the farthest beyond it.

    Args:
        judgement: where to note it.
        values: of every series.
        op: the comparison; `==` and `!=` have no such end, so that both are noted.
        unit: of the values.
        when: behind the name, where the values are not of one moment.
    """
    known = values if isinstance(values, Sequence) else list(values)
    if op not in (">", ">="):
        judgement.measured(f"highest value{when}", known, unit=unit)
    if op not in ("<", "<="):
        judgement.measured(f"lowest value{when}", known, greatest=False, unit=unit)


def judge_warnings(judgement: Judgement, warnings: Iterable[str]) -> None:
    """Note that an answer with warnings may be partial."""
    texts = [head(text) for text in warnings]
    if texts:
        judgement.doubtful(
            f"the answer may be partial, it came with {count(len(texts), 'warning')}: {'; '.join(texts)}"
        )


def _were(amount: int) -> str:
    return "was" if amount == 1 else "were"
