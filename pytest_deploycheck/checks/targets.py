"""Scrape targets: all of them, the expected number, up, scraped lately, and with something in the scrape."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pytest_deploycheck.checks.asked import Asked, Judgement
from pytest_deploycheck.checks.comparison import require_number
from pytest_deploycheck.checks.wording import count as counted
from pytest_deploycheck.checks.wording import head, names, number, seconds, share

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_deploycheck.model.finding import Finding
    from pytest_deploycheck.model.prometheus import Target

STALE_INTERVALS = 2
"""A scrape may be missed by jitter once, not twice."""
MARGIN = 1.0
"""Seconds for the way of the answer, and for clocks that tick in different steps."""


def targets(  # noqa: PLR0913 - what is expected, and the three things to hold it against
    found: Sequence[Target],
    asked: Asked,
    *,
    job: str,
    now: float,
    count: int | None = None,
    samples: Mapping[str, float] | None = None,
    min_samples: int = 1,
    since: float | None = None,
    interval: float | None = None,
) -> Finding:
    """Judge the scrape targets of one job.

    FAILED: down; more or fewer than expected; last scraped more than two intervals ago; a scrape that brought too few
    samples (an empty body with status 200 still gives `up` 1). INCONCLUSIVE: no target at all; health not known yet;
    last scraped within two intervals of the server's start, when old state still shows; time or interval not known.

    Args:
        found: active targets, of any job.
        asked: the question.
        job: the job.
        now: the server's time, Unix seconds.
        count: how many targets there must be, exactly; at least one if it is None.
        samples: instance → `scrape_samples_scraped`; None if it was not asked.
        min_samples: how many samples each scrape must bring.
        since: when the server started, Unix seconds; None if that is not known.
        interval: the scrape interval in seconds, for servers that do not tell it.

    Raises:
        AuthorMistake: if the number of samples is not positive, or the server's time is not a number.
    """
    require_number("the least number of samples", min_samples, least=1)
    require_number("the server's time", now, finite=True)
    wanted = "at least 1 target" if count is None else f"exactly {counted(count, 'target')}"
    judgement = Judgement(
        asked,
        f"{wanted} of job {job}, each up, scraped lately, with at least {counted(min_samples, 'sample')}",
        ("instance", "health", "last scrape", "problem"),
    )
    mine = [target for target in found if target.job == job]
    if not mine:
        others = names(target.job for target in found)
        judgement.doubtful(f"no target of job {job}; jobs with targets: {others}")
        return judgement.finding("")
    if count is not None and len(mine) != count:
        word = "fewer" if len(mine) < count else "more"
        judgement.bad(f"{counted(len(mine), 'target')}, {word} than expected")
    judgement.measured("targets up", [sum(target.health == "up" for target in mine)], greatest=False)
    # What a person must look at first: a target that is down explains the rest of what is wrong with it.
    by_kind: dict[tuple[bool, str], list[tuple[str, str, str, str]]] = {}
    for target in sorted(mine, key=lambda target: (target.instance, target.scrape_url)):
        for bad, kind, problem in _problems(target, now, samples, min_samples, since, interval):
            age = "never" if not _known(target.last_scrape) else f"{seconds(now - (target.last_scrape or now))} ago"
            by_kind.setdefault((bad, kind), []).append((target.instance, target.health, age, problem))
    for (bad, kind), rows in by_kind.items():
        (judgement.bad if bad else judgement.doubtful)(f"{share(len(rows), len(mine), 'target')} {kind}", rows)
    newest = max(
        (target.last_scrape for target in mine if target.last_scrape and _known(target.last_scrape)), default=None
    )
    return judgement.finding(
        f"all {counted(len(mine), 'target')} up: {names(target.instance for target in mine)}",
        sample_time=newest,
        age=None if newest is None else now - newest,
    )


def _known(moment: float | None) -> bool:
    # Go's zero time and Unix's both mean "never".
    return moment is not None and math.isfinite(moment) and moment > 0


def _problems(
    target: Target,
    now: float,
    samples: Mapping[str, float] | None,
    min_samples: int,
    since: float | None,
    interval: float | None,
) -> list[tuple[bool, str, str]]:
    """Return (whether it is bad, kind, problem) for one target; kinds in the order of what explains most."""
    if target.health == "down":
        return [(True, "down", head(target.last_error) or "down, without an error text")]
    if target.health != "up":
        return [(False, "of unknown health", "not scraped yet" if target.health == "unknown" else "unknown health")]
    found = _scrape_time(target, now, since, interval)
    if samples is not None:
        brought = samples.get(target.instance, math.nan)
        if math.isnan(brought):
            found.append((False, "without a sample count", "scrape_samples_scraped is missing"))
        elif brought <= 0:
            found.append((True, "empty", "the scrape brought 0 samples: 200 with an empty body"))
        elif brought < min_samples:
            text = f"the scrape brought {number(brought)} of at least {counted(min_samples, 'sample')}"
            found.append((True, "short of samples", text))
    return found


def _scrape_time(
    target: Target, now: float, since: float | None, interval: float | None
) -> list[tuple[bool, str, str]]:
    every = target.scrape_interval if target.scrape_interval is not None else interval
    last = target.last_scrape
    if last is None or not _known(last):
        return [(False, "without a scrape time", "up, but never scraped")]
    if every is None or not math.isfinite(every) or every <= 0:
        return [(False, "of unknown scrape interval", "the scrape interval is not known, so neither is staleness")]
    if last > now + MARGIN:
        return [(False, "ahead of the server's clock", f"scraped {seconds(last - now)} in the future")]
    allowed = STALE_INTERVALS * every + MARGIN
    found: list[tuple[bool, str, str]] = []
    if now - last > allowed:
        text = f"not scraped for more than {seconds(allowed)} (2 intervals of {seconds(every)} + 1 s)"
        found.append((True, "stale", text))
    if since is not None and last < since + STALE_INTERVALS * every:
        text = "scraped less than 2 intervals after the server's start: this may be old state"
        found.append((False, "too close to the server's start", text))
    return found
