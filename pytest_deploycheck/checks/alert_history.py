"""What fired in a time that has passed, and whether anybody was there to see it: no history is not "nothing fired"."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_deploycheck.checks.alerts import alert_name, covers
from pytest_deploycheck.checks.asked import Asked, Judgement
from pytest_deploycheck.checks.comparison import require_number
from pytest_deploycheck.checks.wording import count, moment, seconds, share

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from pytest_deploycheck.checks.alerts import Known
    from pytest_deploycheck.model.finding import Finding
    from pytest_deploycheck.model.prometheus import AlertHistory, Episode


def nothing_fired(
    history: AlertHistory, known: Sequence[Known], asked: Asked, *, today: date, rules: int, coverage: float = 0.9
) -> Finding:
    """Judge whether only known alerts were active within a window, and whether the window was observed.

    Args:
        history: of the window.
        known: what is accepted; an expired entry accepts nothing.
        asked: the question.
        today: the date in UTC.
        rules: how many alerting rules are loaded; with 0 nothing can fire.
        coverage: the least share of the window in which Prometheus must have scraped something.

    Raises:
        AuthorMistake: if the coverage is no share.
    """
    require_number("the coverage", coverage, finite=True, least=0)
    length = history.end - history.start
    words = " or ".join(sorted(history.states))
    judgement = Judgement(
        asked,
        f"no unexpected alert {words} within {seconds(length)}, {coverage:.0%} of which were observed",
        ("alert", "state", "from", "to", "lasted", "note"),
    )
    if rules == 0:
        judgement.doubtful("no alerting rule is loaded, so that nothing can fire")
    rows, accepted = [], []
    for one in sorted(history.episodes, key=lambda one: (one.state != "firing", one.begins)):
        entries = [entry for entry in known if covers(entry, one)]
        valid = next((entry for entry in entries if entry.expires >= today), None)
        if valid is not None:
            accepted.append(_row(one, history, f"known until {valid.expires}: {valid.reason} ({valid.owner})"))
            continue
        expired = "; ".join(f"known until {entry.expires}, which has passed ({entry.owner})" for entry in entries)
        rows.append(_row(one, history, expired or "not known"))
    if rows:
        total = len(history.episodes)
        judgement.bad(
            f"{share(len(rows), total, f'time of an alert {words}', f'times of alerts {words}')} unexpected", rows
        )
    if history.coverage < coverage:
        gaps = [("", "nothing was scraped", moment(a), moment(b), seconds(b - a), "") for a, b in history.gaps]
        judgement.doubtful(
            f"no data: nothing was scraped within {seconds(length)}"
            if not history.coverage
            else f"only {history.coverage:.0%} of {seconds(length)} were observed",
            sorted(gaps, key=lambda row: row[2]),
        )
    judgement.measured(f"unexpected alerts {words}", [len(rows)])
    judgement.measured("share of the window that was observed", [history.coverage], greatest=False)
    judgement.note(accepted)
    known_ones = f", {count(len(accepted), 'time of a known alert', 'times of known alerts')}" if accepted else ""
    return judgement.finding(
        f"no unexpected alert {words} within {seconds(length)}, {history.coverage:.0%} observed{known_ones}"
    )


def _row(one: Episode, history: AlertHistory, note: str) -> tuple[str, str, str, str, str, str]:
    lasting = one.ends >= history.end - history.resolution
    begins = one.since if one.since is not None and one.since < one.begins else one.begins
    earlier = f"active since {moment(one.since)}" if begins < one.begins else ""
    return (
        alert_name(one),
        one.state,
        moment(one.begins),
        "still" if lasting else moment(one.ends),
        seconds((history.end if lasting else one.ends) - one.begins),
        "; ".join(filter(None, (note, earlier))),
    )
