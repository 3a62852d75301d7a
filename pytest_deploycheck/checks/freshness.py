"""Freshness: how old the newest sample is, who carries the series, and whether the thing behind it still works.

All ages are on Prometheus's own clock. A fresh sample does not show a living application (a frozen gauge is scraped
afresh): that is what `heartbeat` and `increase` are for. `combine` and `compare` are re-exported from `combining` and
`thresholds`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pytest_deploycheck.checks.asked import Asked, Judgement
from pytest_deploycheck.checks.combining import combine
from pytest_deploycheck.checks.comparison import require_number
from pytest_deploycheck.checks.instant import Offence, judge_answer, judge_series
from pytest_deploycheck.checks.thresholds import compare
from pytest_deploycheck.checks.wording import count, moment, names, number, seconds, share
from pytest_deploycheck.errors import AuthorMistake
from pytest_deploycheck.model.prometheus import format_labels

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_deploycheck.model.finding import Finding
    from pytest_deploycheck.model.prometheus import InstantVector, Target

__all__ = ["ages", "combine", "compare", "heartbeat", "increase", "per_instance"]

FUTURE_TOLERANCE = 5.0
"""Seconds by which a moment may lie ahead of Prometheus's clock before the two clocks disagree."""
_MILLISECONDS = 1e11
"""A Unix time beyond this lies after the year 5000 in seconds, and after 1973 in milliseconds."""


def ages(
    vector: InstantVector,
    max_age: float,
    asked: Asked,
    *,
    series: int | None = None,
    tolerance: float = FUTURE_TOLERANCE,
) -> Finding:
    """Judge the age of every series' newest sample.

    Args:
        vector: ages in seconds, as `time() - timestamp(selector)` gives them for a bare selector.
        max_age: the greatest age that counts as fresh, in seconds.
        asked: the question.
        series: how many series there must be, exactly; at least one if it is None.
        tolerance: seconds by which a sample may lie in the future; further ahead is FAILED.

    Raises:
        AuthorMistake: if the greatest age is not a positive number.
    """
    _require_age(max_age)
    limit = seconds(max_age)
    noun = "every series" if series is None else f"exactly {count(series, 'series')}, each"
    judgement = Judgement(asked, f"{noun} with a sample at most {limit} old", ("series", "age"))
    hits = [at for at, age in enumerate(vector.values) if not -tolerance <= age <= max_age]
    old = [f"older than {limit}"] if any(vector.values[at] > max_age for at in hits) else []
    ahead = ["from the future"] if any(vector.values[at] < -tolerance for at in hits) else []
    offence = Offence(
        hits=hits,
        # Ahead of the clock is as far off as behind it.
        badness=abs,
        shown=lambda age: f"{seconds(-age)} in the future" if age < 0 else seconds(age, max_age),
        complaint=" or ".join(old + ahead),
    )
    judge_series(judgement, vector, offence)
    judge_answer(judgement, vector, series)
    judgement.measured("oldest sample", vector.values, unit="s")
    known = [age for age in vector.values if math.isfinite(age)]
    newest = min(known, default=None)
    oldest = max(known, default=0.0)
    at = vector.evaluation_time
    return judgement.finding(
        f"{count(len(vector), 'series')}, the oldest sample {seconds(max(0.0, oldest), max_age)} old",
        sample_time=None if newest is None or at is None else at - newest,
        age=newest,
    )


def _require_age(max_age: float) -> None:
    require_number("the greatest age", max_age, finite=True)
    if max_age <= 0:
        raise AuthorMistake(
            f"the greatest age is {max_age:g} s: nothing is that fresh", next_step="give a positive age"
        )


def per_instance(series: Sequence[Mapping[str, str]], targets: Sequence[Target], asked: Asked) -> Finding:
    """Judge whether every target of the jobs that occur among the series carries the metric.

    A target that is up and does not export it is bad; so is one that is down and has no series any more.

    Args:
        series: one label set a series of the metric.
        targets: active targets, of any job.
        asked: the question.
    """
    judgement = Judgement(asked, "a series from every target of its jobs", ("job", "instance", "problem"))
    if not series:
        judgement.doubtful("no data: there are no series")
        return judgement.finding("")
    loose = sorted(format_labels(one) for one in series if not one.get("job") or not one.get("instance"))
    if loose:
        judgement.doubtful(
            f"{share(len(loose), len(series), 'series')} without job and instance, so that no target can be told",
            [("", "", name) for name in loose],
        )
    carried = {(one["job"], one["instance"]) for one in series if one.get("job") and one.get("instance")}
    jobs = {job for job, _ in carried}
    theirs = [target for target in targets if target.job in jobs]
    up = {(target.job, target.instance) for target in theirs if target.health == "up"}
    for job in sorted(jobs - {job for job, _ in up}):
        judgement.doubtful(f"no target of job {job} is up", [(job, "", "no target is up")])
    bare = sorted(up - carried)
    if bare:
        judgement.bad(
            f"{share(len(bare), len(up), 'target')} up without the series",
            [(job, instance, "up, but does not export it") for job, instance in bare],
        )
    gone = sorted({(one.job, one.instance) for one in theirs if one.health == "down"} - up - carried)
    if gone:
        judgement.bad(
            f"{share(len(gone), len(theirs), 'target')} down and without the series",
            [(job, instance, "down") for job, instance in gone],
        )
    unknown = sorted({(one.job, one.instance) for one in theirs if one.health not in {"up", "down"}})
    if unknown:
        judgement.doubtful(
            f"{share(len(unknown), len(theirs), 'target')} not scraped yet",
            [(job, instance, "health is not known yet") for job, instance in unknown],
        )
    return judgement.finding(f"all {count(len(up), 'target')} of {names(jobs)} carry it")


def heartbeat(
    vector: InstantVector,
    max_age: float,
    asked: Asked,
    *,
    now: float | None = None,
    tolerance: float = FUTURE_TOLERANCE,
) -> Finding:
    """Judge a gauge that holds the Unix time at which the application last worked.

    Too old, or in the future, is FAILED; zero or less means that it never worked and is INCONCLUSIVE.

    Args:
        vector: Unix times in seconds.
        max_age: the greatest age in seconds.
        asked: the question.
        now: Prometheus's time, in Unix seconds; the vector's evaluation time if it is None.
        tolerance: seconds by which a heartbeat may lie in the future.

    Raises:
        AuthorMistake: if the greatest age is not a positive number.
    """
    _require_age(max_age)
    limit = seconds(max_age)
    judgement = Judgement(asked, f"every heartbeat at most {limit} old", ("series", "last heartbeat", "age"))
    judge_answer(judgement, vector)
    now = vector.evaluation_time if now is None else now
    if len(vector) and (now is None or not math.isfinite(now)):
        judgement.doubtful("the time of the answer is not known, so that no age can be told")
    if now is None or not math.isfinite(now):
        return judgement.finding("")
    beats = [(value, str(one)) for one, value in zip(vector, vector.values, strict=True)]
    total = len(beats)
    stale = sorted((value, name) for value, name in beats if 0 < value < now - max_age)
    ahead = sorted(((-value, name) for value, name in beats if value > now + tolerance))
    if stale:
        rows = [(name, moment(value), seconds(now - value, max_age)) for value, name in stale]
        judgement.bad(f"{share(len(stale), total, 'heartbeat')} older than {limit}", rows)
    if ahead:
        hint = ", perhaps milliseconds instead of seconds" if -ahead[0][0] > _MILLISECONDS else ""
        judgement.bad(
            f"{share(len(ahead), total, 'heartbeat')} in the future{hint}",
            [(name, moment(-value), f"{seconds(-value - now)} in the future") for value, name in ahead],
        )
    if never := sorted((name, number(value)) for value, name in beats if value <= 0):
        judgement.doubtful(
            f"{share(len(never), total, 'heartbeat')} not set: it never worked, or never said so",
            [(name, f"never ({value})", "") for name, value in never],
        )
    if nan := sorted(name for value, name in beats if math.isnan(value)):
        judgement.doubtful(
            f"{share(len(nan), total, 'heartbeat')} NaN, which is no data", [(name, "NaN", "") for name in nan]
        )
    judgement.measured("oldest heartbeat", (now - value for value, _ in beats if value > 0), unit="s")
    good = [value for value, _ in beats if 0 < value <= now + tolerance]
    newest = max(good, default=None)
    oldest = max(0.0, now - min(good, default=now))
    return judgement.finding(
        f"{count(total, 'heartbeat')}, the oldest {seconds(oldest, max_age)} ago",
        sample_time=newest,
        age=None if newest is None else now - newest,
    )


def increase(vector: InstantVector, at_least: float, asked: Asked) -> Finding:
    """Judge whether every counter has moved far enough, as `increase(selector[window])` gives it.

    Args:
        vector: increases, one a series.
        at_least: the least increase; more than 0, for every counter has increased by 0.
        asked: the question.

    Raises:
        AuthorMistake: if the least increase is not above 0.
    """
    require_number("the least increase", at_least)
    if at_least <= 0:
        raise AuthorMistake(
            f"the least increase is {at_least:g}: a counter that stands still would pass", next_step="give more than 0"
        )
    return compare(vector, ">=", at_least, asked, unit="")
