"""Alerts of Prometheus and the way to their readers: nothing unexpected, nothing lost, nothing hidden.

`silences` is re-exported from `silences`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Protocol

from pytest_deploycheck.checks.asked import Asked, Judgement
from pytest_deploycheck.checks.comparison import require_number
from pytest_deploycheck.checks.silences import silences
from pytest_deploycheck.checks.wording import count, moment, names, number, seconds, share
from pytest_deploycheck.errors import AuthorMistake
from pytest_deploycheck.model.prometheus import format_labels

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import date

    from pytest_deploycheck.model.alertmanager import NotificationCounters
    from pytest_deploycheck.model.finding import Finding
    from pytest_deploycheck.model.prometheus import Alert, Alertmanagers

__all__ = ["Known", "alert_name", "alertmanagers", "covers", "notifications", "silences", "storm", "unexpected"]

SETTLING = 30.0
"""Seconds after a start or reload within which Prometheus may not have found its Alertmanagers again."""


class Known(Protocol):
    """An alert that may fire, with somebody who answers for it, until the end of a day (UTC)."""

    @property
    def alertname(self) -> str:
        """The alert's name."""

    @property
    def labels(self) -> Mapping[str, str]:
        """Labels it must carry."""

    @property
    def owner(self) -> str:
        """Who answers for it."""

    @property
    def reason(self) -> str:
        """Why it may fire."""

    @property
    def expires(self) -> date:
        """The last day on which it is accepted."""


class Labelled(Protocol):
    """An alert, now or in the past."""

    @property
    def labels(self) -> Mapping[str, str]:
        """`alertname` among them."""


def unexpected(
    alerts: Sequence[Alert],
    known: Sequence[Known],
    asked: Asked,
    *,
    today: date,
    states: Collection[str] = ("firing",),
    rules: int | None = None,
    missing: str = "",
) -> Finding:
    """Judge whether only known alerts are in the given states; the known ones are listed whatever the outcome is.

    Args:
        alerts: of Prometheus, in any state.
        known: what is accepted; an expired entry accepts nothing, and the finding says so.
        asked: the question.
        today: the date in UTC.
        states: the states that count, of `pending` and `firing`.
        rules: how many alerting rules are loaded; with 0 nothing can fire, which is INCONCLUSIVE. None: not known.
        missing: why nobody can know of some alerts, which is INCONCLUSIVE too; empty if nothing is missing.

    Raises:
        AuthorMistake: if there are no states, or others than these two.
    """
    if not states or set(states) - {"pending", "firing"}:
        raise AuthorMistake(f"alert states {names(states)}", next_step="use pending, firing or both")
    words = " or ".join(sorted(states))
    judgement = Judgement(asked, f"no unexpected alert {words}", ("alert", "state", "since", "note"))
    if rules == 0:
        judgement.doubtful("no alerting rule is loaded, so that nothing can fire")
    if missing:
        judgement.doubtful(missing)
    offenders: list[tuple[tuple[bool, float, str], tuple[str, str, str, str]]] = []
    accepted: dict[int, list[Alert]] = {}
    strange: list[tuple[str, str, str, str]] = []
    for alert in alerts:
        name = alert_name(alert)
        if alert.state not in {"pending", "firing"}:
            strange.append((name, alert.state, moment(alert.active_at), "a state that Prometheus does not have"))
        if alert.state not in states:
            continue
        entries = [at for at, one in enumerate(known) if covers(one, alert)]
        valid = [at for at in entries if known[at].expires >= today]
        if valid:
            accepted.setdefault(valid[0], []).append(alert)
            continue
        note = "; ".join(f"known until {known[at].expires}, which has passed ({known[at].owner})" for at in entries)
        # Firing before pending, the longest first.
        order = (alert.state != "firing", alert.active_at if alert.active_at is not None else math.inf, name)
        offenders.append((order, (name, alert.state, moment(alert.active_at), note or "not known")))
    if offenders:
        total = sum(alert.state in states for alert in alerts)
        judgement.bad(
            f"{share(len(offenders), total, f'{words} alert')} unexpected", [row for _, row in sorted(offenders)]
        )
    if strange:
        judgement.doubtful(f"{share(len(strange), len(alerts), 'alert')} in an unknown state", sorted(strange))
    judgement.measured(f"unexpected alerts {words}", [len(offenders)])
    judgement.note(_known_row(known[at], found) for at, found in sorted(accepted.items()))
    total = sum(map(len, accepted.values()))
    return judgement.finding(f"{count(total, 'known alert')} {words}" if total else f"no alert {words}")


def alert_name(alert: Labelled) -> str:
    """Return an alert's name and labels as PromQL writes them."""
    return format_labels({("__name__" if key == "alertname" else key): text for key, text in alert.labels.items()})


def covers(known: Known, alert: Labelled) -> bool:
    """Return whether an entry is about an alert, whatever its date is."""
    return known.alertname == alert.labels.get("alertname", "") and all(
        alert.labels.get(key) == text for key, text in known.labels.items()
    )


def _known_row(known: Known, found: Sequence[Alert]) -> tuple[str, str, str, str]:
    name = format_labels({"__name__": known.alertname, **known.labels})
    earliest = min((alert.active_at for alert in found if alert.active_at is not None), default=None)
    states = ", ".join(sorted({alert.state for alert in found}))
    amount = f"{states}, {count(len(found), 'alert')}" if len(found) > 1 else states
    return (name, amount, moment(earliest), f"known until {known.expires}: {known.reason} ({known.owner})")


def storm(firing: float, limit: int, asked: Asked) -> Finding:
    """Judge whether fewer alerts fire than would be a storm.

    Args:
        firing: how many alerts fire.
        limit: more than this is a storm.
        asked: the question.

    Raises:
        AuthorMistake: if the limit is less than 0.
    """
    require_number("the limit of firing alerts", limit, least=0)
    judgement = Judgement(asked, f"at most {count(limit, 'alert')} firing")
    judgement.measured("alerts firing", [firing])
    if math.isnan(firing) or firing < 0:
        judgement.doubtful(f"the number of firing alerts is {number(firing)}")
    elif firing > limit:
        judgement.bad(f"an alert storm: {number(firing)} alerts firing")
    return judgement.finding(f"{number(firing)} alerts firing" if firing != 1 else "1 alert firing")


def alertmanagers(
    found: Alertmanagers, asked: Asked, *, expected: int = 1, now: float | None = None, since: float | None = None
) -> Finding:
    """Judge whether Prometheus has discovered enough Alertmanagers. It is discovery only: a dead one stays listed.

    Args:
        found: as Prometheus lists them.
        asked: the question.
        expected: how many there must be, at least.
        now: the server's time, Unix seconds; None if it is not known.
        since: the later of the server's start and its last reload, Unix seconds; too few within 30 s of it is
            INCONCLUSIVE instead of FAILED.

    Raises:
        AuthorMistake: if none is expected.
    """
    require_number("the number of Alertmanagers", expected, least=1)
    judgement = Judgement(asked, f"at least {count(expected, 'Alertmanager')} connected", ("Alertmanager", "state"))
    active, dropped = sorted(set(found.active)), sorted(set(found.dropped))
    tail = f", {len(dropped):,} dropped by relabelling" if dropped else ""
    said = f"{count(len(active), 'Alertmanager')} connected{tail}"
    if len(active) < expected:
        rows = [*((url, "connected") for url in active), *((url, "dropped by relabelling") for url in dropped)]
        if now is not None and since is not None and now - since < SETTLING:
            judgement.doubtful(f"{said}, {seconds(max(0.0, now - since))} after Prometheus started or reloaded", rows)
        else:
            judgement.bad(said, rows)
    return judgement.finding(f"{said}: {names(active)}")


def notifications(
    before: Sequence[NotificationCounters], after: Sequence[NotificationCounters], asked: Asked, *, at_least: int = 0
) -> Finding:
    """Judge whether Alertmanager failed to notify anybody between two readings of its counters.

    A failed request counts as well as a notification given up: the latter counter moves only after some 10 s of
    retries. A counter that fell was reset by a restart: all it shows has happened since.

    Args:
        before: the earlier reading; empty = since Alertmanager's start.
        after: the later reading.
        asked: the question.
        at_least: how many notifications must have been attempted; below it is INCONCLUSIVE.
    """
    judgement = Judgement(
        asked, "no notification failed", ("integration", "attempted", "failed", "requests failed", "problem")
    )
    if not after:
        judgement.doubtful("no data: Alertmanager shows no notification counters")
        return judgement.finding("")
    earlier = {one.integration: one for one in before}
    later = {one.integration: one for one in after}
    attempted = 0.0
    failing: list[tuple[float, tuple[str, ...]]] = []
    unclear: list[tuple[str, ...]] = []
    for name, one in sorted(later.items()):
        sent, given_up, refused, restarted = _moved(earlier.get(name), one)
        if any(map(math.isnan, (sent, given_up, refused))):
            unclear.append((name, number(sent), number(given_up), number(refused), "not a number"))
        attempted += 0.0 if math.isnan(sent) else sent
        if given_up > 0 or refused > 0:
            problem = "failed" if given_up > 0 else "requests fail, still retried"
            problem += ", counted since a restart" if restarted else ""
            bad = max(value for value in (given_up, refused) if value > 0)
            failing.append((-bad, (name, number(sent), number(given_up), number(refused), problem)))
    if failing:
        judgement.bad(f"{share(len(failing), len(later), 'integration')} failing", [row for _, row in sorted(failing)])
    if unclear:
        judgement.doubtful(f"{share(len(unclear), len(later), 'integration')} without numbers", unclear)
    if gone := sorted(set(earlier) - set(later)):
        judgement.doubtful(
            f"{share(len(gone), len(earlier), 'integration')} no longer shown",
            [(name, "", "", "", "was shown before") for name in gone],
        )
    judgement.measured("integrations failing", [len(failing)])
    if attempted < at_least:
        judgement.doubtful(f"{number(attempted)} of at least {count(at_least, 'notification')} attempted")
    noun = "notification" if attempted == 1 else "notifications"
    return judgement.finding(
        f"{number(attempted)} {noun} attempted by {count(len(later), 'integration')}, none failed"
        if attempted
        else f"no notification was attempted by {count(len(later), 'integration')}"
    )


def _moved(before: NotificationCounters | None, after: NotificationCounters) -> tuple[float, float, float, bool]:
    """Return how far (notifications, failed ones, failed requests) have moved, and whether there was a reset."""
    if before is None:
        return after.notifications, after.notifications_failed, after.requests_failed, False
    pairs = (
        (before.notifications, after.notifications),
        (before.notifications_failed, after.notifications_failed),
        (before.requests_failed, after.requests_failed),
        (before.requests, after.requests),
    )
    reset = any(now < then for then, now in pairs)
    sent, given_up, refused, _ = (now if reset else now - then for then, now in pairs)
    return sent, given_up, refused, reset
