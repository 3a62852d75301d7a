"""Silences: short, explained, and about something in particular."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_deploycheck.checks.asked import Asked, Judgement
from pytest_deploycheck.checks.comparison import require_number
from pytest_deploycheck.checks.patterns import UnsupportedPattern, matches
from pytest_deploycheck.checks.wording import count, head, moment, seconds, share
from pytest_deploycheck.model.outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_deploycheck.model.alertmanager import Matcher, Silence
    from pytest_deploycheck.model.finding import Finding

# Values that no expression about something in particular matches all of.
_PROBES = ("a", "Z9", "0", "-", "x.y/z:1", "no such value, surely", "\u00e9")


def silences(
    found: Sequence[Silence], asked: Asked, *, now: float, max_duration: float, comment_required: bool = True
) -> Finding:
    """Judge every silence that is active or will be.

    FAILED: one that hides everything, lasts longer than allowed, or has no comment. INCONCLUSIVE: an unknown state or
    duration, or an expression that cannot be judged.

    Args:
        found: as listed; expired ones are left out.
        asked: the question.
        now: Alertmanager's time, Unix seconds; a silence listed as active that has ended by then is left out.
        max_duration: the longest that a silence may last, from start to end, in seconds.
        comment_required: whether each needs a comment.

    Raises:
        AuthorMistake: if a duration or the time is no number.
    """
    require_number("the longest duration of a silence", max_duration, finite=True, least=0)
    require_number("Alertmanager's time", now, finite=True)
    judgement = Judgement(
        asked,
        f"no silence hides everything, lasts longer than {seconds(max_duration)}"
        f"{' or has no comment' if comment_required else ''}",
        ("silence", "matchers", "until", "by", "problem"),
    )
    live = [one for one in found if one.state != "expired" and not (one.ends_at is not None and 0 < one.ends_at <= now)]
    by_kind: dict[tuple[int, bool, str], list[tuple[str, ...]]] = {}
    for one in sorted(live, key=lambda silence: silence.id):
        for rank, bad, kind, problem in _problems(one, max_duration, comment_required=comment_required):
            by_kind.setdefault((rank, bad, kind), []).append(_row(one, problem))
    for (_, bad, kind), rows in sorted(by_kind.items()):
        (judgement.bad if bad else judgement.doubtful)(f"{share(len(rows), len(live), 'silence')} {kind}", rows)
    if judgement.outcome is Outcome.PASSED:
        judgement.note(_row(one, "") for one in sorted(live, key=lambda silence: silence.id))
    return judgement.finding(f"{count(len(live), 'silence')}, all short and explained" if live else "no silence")


def _row(silence: Silence, problem: str) -> tuple[str, ...]:
    matchers = ", ".join(map(str, silence.matchers))
    until = "unknown" if silence.ends_at is None else moment(silence.ends_at)
    return (silence.id, f"{{{matchers}}}", until, silence.created_by, problem)


def _problems(silence: Silence, max_duration: float, *, comment_required: bool) -> list[tuple[int, bool, str, str]]:
    """Return (rank, whether it is bad, kind, problem), the worst with the lowest rank."""
    problems: list[tuple[int, bool, str, str]] = []
    try:
        if all(_is_broad(matcher) for matcher in silence.matchers):
            problems.append((0, True, "hiding everything", "hides everything"))
    except UnsupportedPattern as error:
        problems.append((3, False, "not understood", head(str(error))))
    if silence.starts_at is None or silence.ends_at is None:
        problems.append((4, False, "of unknown duration", "start or end is not known"))
    elif not silence.ends_at - silence.starts_at <= max_duration:
        lasts = seconds(silence.ends_at - silence.starts_at, max_duration)
        problems.append((1, True, "too long", f"lasts {lasts}"))
    if comment_required and not silence.comment.strip():
        problems.append((2, True, "without a comment", "no comment"))
    if silence.state not in {"active", "pending"}:
        problems.append((5, False, "in an unknown state", f"state {head(silence.state)!r}"))
    return problems


def _is_broad(matcher: Matcher) -> bool:
    """Return whether a matcher narrows nothing: it matches the missing label, or any value at all."""
    return matches(matcher, "") or all(matches(matcher, probe) for probe in _PROBES)
