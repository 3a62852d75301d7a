"""Whether an alert would be heard now: neither silenced nor inhibited, by Alertmanager's own rules.

Source: `Mutes` and `hasEqual` in https://github.com/prometheus/alertmanager/blob/main/inhibit/inhibit.go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_deploycheck.checks.asked import Asked, Judgement
from pytest_deploycheck.checks.patterns import UnsupportedPattern, matches
from pytest_deploycheck.checks.wording import count, head, moment
from pytest_deploycheck.model.prometheus import format_labels

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pytest_deploycheck.model.alertmanager import AmAlert, Configuration, InhibitRule, Matcher, Silence
    from pytest_deploycheck.model.finding import Finding


def heard(
    configuration: Configuration,
    labels: Mapping[str, str],
    silences: Sequence[Silence],
    alerts: Sequence[AmAlert],
    asked: Asked,
) -> Finding:
    """Judge whether an alert with these labels would notify somebody, as far as silences and inhibition go.

    An alert that itself is silenced or inhibited inhibits others all the same. Mute times are not judged.

    Args:
        configuration: as loaded.
        labels: the alert's labels.
        silences: as listed.
        alerts: that Alertmanager holds now, the suppressed ones too.
        asked: the question.
    """
    judgement = Judgement(asked, f"{format_labels(labels)} neither silenced nor inhibited", ("by", "what", "until"))
    try:
        quiet = [one for one in silences if one.state == "active" and _all(one.matchers, labels)]
        soon = [one for one in silences if one.state == "pending" and _all(one.matchers, labels)]
        rows = list(_inhibiting(configuration.inhibit_rules, labels, alerts))
    except UnsupportedPattern as error:
        judgement.doubtful(head(str(error)))
        return judgement.finding("")
    if quiet:
        judgement.bad(f"silenced by {count(len(quiet), 'silence')}", [_row(one) for one in quiet])
    if rows:
        judgement.bad(f"inhibited by {count(len(rows), 'alert')}", rows)
    judgement.note([(f"silence {one.id}, from {moment(one.starts_at)} on", *_row(one)[1:]) for one in soon])
    looked = f"{count(len(silences), 'silence')}, {count(len(configuration.inhibit_rules), 'inhibition rule')}"
    return judgement.finding(f"would be heard: {looked} looked at, {count(len(alerts), 'alert')} there")


def _all(matchers: Sequence[Matcher], labels: Mapping[str, str]) -> bool:
    return all(matches(matcher, labels.get(matcher.name, "")) for matcher in matchers)


def _row(silence: Silence) -> tuple[str, str, str]:
    said = f"{{{', '.join(map(str, silence.matchers))}}}: {head(silence.comment) or 'no comment'}"
    by = f" ({silence.created_by})" if silence.created_by else ""
    return (f"silence {silence.id}", said + by, moment(silence.ends_at))


def _inhibiting(
    rules: Sequence[InhibitRule], labels: Mapping[str, str], alerts: Sequence[AmAlert]
) -> Iterator[tuple[str, str, str]]:
    for rule in rules:
        if not _all(rule.target, labels):
            continue
        # an alert that matches both sides is not inhibited by others that do: they would silence each other
        both = _all(rule.source, labels)
        for alert in alerts:
            if (
                alert.labels == labels
                or not _all(rule.source, alert.labels)
                or (both and _all(rule.target, alert.labels))
            ):
                continue
            if all(alert.labels.get(name, "") == labels.get(name, "") for name in rule.equal):
                name = {("__name__" if key == "alertname" else key): text for key, text in alert.labels.items()}
                yield ("alert", f"{format_labels(name)}, {alert.state}", "it ends")
