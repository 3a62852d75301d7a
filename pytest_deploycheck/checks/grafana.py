"""Grafana itself: ready for whoever asks, its data sources healthy, its own alert rules evaluated."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from pytest_deploycheck.checks.asked import Asked, Judgement
from pytest_deploycheck.checks.wording import count, head, names, seconds, share

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from pytest_deploycheck.model.finding import Finding
    from pytest_deploycheck.model.grafana import Annotation, DataSource, DataSourceHealth, GrafanaRule, Health

STALE_INTERVALS = 2
MARGIN = 10.0
"""Seconds for the way of the answer; Grafana evaluates every 10 s at the most."""
_MESSAGE = 200


def ready(health: Health, asked: Asked, *, signed_in: bool | None, org_id: int = 0, wanted_org: int | None) -> Finding:
    """Judge whether Grafana answers, and answers whoever asks as the one that he is.

    `/api/health` tells of the database only. Where anonymous access is allowed, a credential that is ignored (stripped
    by a proxy, say) is answered like none, with less.

    FAILED: the database, or another organisation than the configured one. INCONCLUSIVE: a credential is configured, and
    Grafana answers as if there were none.

    Args:
        health: as answered.
        asked: the question.
        signed_in: whether Grafana knows who asks; None if no credential is configured.
        org_id: the organisation of whoever asks; 0 if it is not told.
        wanted_org: the configured one.
    """
    judgement = Judgement(asked, "its database answers, and the credential in use is heeded")
    if health.database != "ok":
        judgement.bad(f"its database is {head(health.database, 60)}")
    if signed_in is False:
        judgement.doubtful("the credential is ignored: Grafana answers as to nobody (anonymous access)")
    if wanted_org is not None and org_id and org_id != wanted_org:
        judgement.bad(f"the credential acts in the organisation {org_id}, not in {wanted_org}")
    version = f", version {health.version}" if health.version else ""
    who = "" if signed_in else ", asked without a credential"
    return judgement.finding(f"ready{version}{who}")


def sources(
    found: Sequence[DataSourceHealth],
    asked: Asked,
    *,
    expected: Collection[str] = (),
    listed: Sequence[DataSource] = (),
    unchecked_allowed: bool = False,
) -> Finding:
    """Judge whether data sources are there and healthy, by what their plugins say.

    FAILED: one is unhealthy, or an expected one is not there. INCONCLUSIVE: none at all; a plugin without a health
    check.

    Args:
        found: the health of those that are judged.
        asked: the question.
        expected: names or uids that must be among them.
        listed: all that the asker may see, for the texts.
        unchecked_allowed: whether a plugin without a health check will do; the panels that ask it tell more.
    """
    what = f"the data sources {names(expected)}" if expected else "every data source"
    judgement = Judgement(asked, f"{what} healthy", ("data source", "type", "health", "message"))
    known = {name for one in found for name in (one.source.name, one.source.uid)}
    if missing := sorted(set(expected) - known):
        judgement.bad(f"there is no data source {names(missing)}; there are: {names(one.name for one in listed)}")
    if not found and not expected:
        judgement.doubtful("no data: there is no data source for this credential")
    unhealthy = [one for one in found if one.state == "unhealthy"]
    if unhealthy:
        judgement.bad(f"{share(len(unhealthy), len(found), 'data source')} unhealthy", [_row(one) for one in unhealthy])
    unknown = [one for one in found if one.state == "unknown"]
    if unknown and not unchecked_allowed:
        judgement.doubtful(
            f"{share(len(unknown), len(found), 'data source')} without a health check", [_row(one) for one in unknown]
        )
    good = sum(one.state == "ok" for one in found)
    tail = f", {len(unknown)} without a health check" if unknown else ""
    return judgement.finding(f"{count(good, 'data source')} healthy{tail}")


def rule(rules: Sequence[GrafanaRule], asked: Asked, *, name: str, now: float, folder: str | None = None) -> Finding:
    """Judge whether an alert rule of Grafana's own is there and evaluated, with data; arguments as for `all_rules`.

    FAILED: not there (for whoever asks), or as `all_rules`.
    """
    where = f" in the folder {folder}" if folder is not None else ""
    judgement = Judgement(asked, f"the rule {name}{where} evaluated with data", _RULE_COLUMNS)
    mine = [one for one in rules if one.name == name and folder in (None, one.folder)]
    if not mine:
        close = difflib.get_close_matches(name, sorted({one.name for one in rules}), n=3)
        hint = f"; similar names: {', '.join(close)}" if close else ""
        judgement.bad(f"no such rule among {count(len(rules), 'rule')} for this credential{hint}")
        return judgement.finding("")
    _judge_rules(judgement, mine, now)
    return judgement.finding(_good(mine))


def all_rules(rules: Sequence[GrafanaRule], asked: Asked, *, now: float, at_least: int = 1) -> Finding:
    """Judge whether every alert rule of Grafana's own is evaluated, lately, and with data.

    FAILED: an error; no data; not evaluated for two intervals; paused; fewer rules than expected. INCONCLUSIVE: no rule
    at all; one that was never evaluated.

    Args:
        rules: as listed: those in folders that the asker may not see are left out without a word.
        asked: the question.
        now: the runner's time, Unix seconds.
        at_least: how many there must be.
    """
    judgement = Judgement(asked, f"at least {count(at_least, 'rule')}, every one evaluated with data", _RULE_COLUMNS)
    if not rules:
        judgement.doubtful("no data: there is no rule for this credential")
    elif len(rules) < at_least:
        judgement.bad(f"{count(len(rules), 'rule')}")
    _judge_rules(judgement, rules, now)
    return judgement.finding(_good(rules))


def quiet(rules: Sequence[GrafanaRule], asked: Asked, *, known: Collection[str] = ()) -> Finding:
    """Judge whether none of the rules fires.

    FAILED: one does. INCONCLUSIVE: there is none, or one is paused or not healthy.

    Args:
        rules: as listed.
        asked: the question.
        known: names of rules that may fire.
    """
    judgement = Judgement(asked, "no rule fires", _RULE_COLUMNS)
    alerting = [one for one in rules if one.kind == "alerting"]
    if not alerting:
        judgement.doubtful("no data: there is no alert rule for this credential")
    firing = [one for one in alerting if one.state == "firing" and one.name not in known]
    if firing:
        judgement.bad(
            f"{share(len(firing), len(alerting), 'rule')} firing", [_rule_row(one, "fires") for one in firing]
        )
    blind = [one for one in alerting if one.health != "ok" or one.paused]
    if blind:
        judgement.doubtful(
            f"{share(len(blind), len(alerting), 'rule')} unable to tell",
            [_rule_row(one, "it is paused" if one.paused else one.health) for one in blind],
        )
    return judgement.finding(f"none of {count(len(alerting), 'rule')} fires")


_RULE_COLUMNS = ("rule", "folder / group", "health", "problem")


def _judge_rules(judgement: Judgement, rules: Sequence[GrafanaRule], now: float) -> None:
    bad: list[tuple[str, ...]] = []
    doubtful: list[tuple[str, ...]] = []
    for one in rules:
        if one.paused:
            bad.append(_rule_row(one, "it is paused"))
        elif one.health == "error":
            bad.append(_rule_row(one, one.last_error or "its evaluation fails"))
        elif one.health == "nodata":
            bad.append(_rule_row(one, "its query brings no data: it cannot fire"))
        elif one.health != "ok" or one.last_evaluation is None:
            doubtful.append(_rule_row(one, "it was not evaluated yet"))
        elif (age := now - one.last_evaluation) > STALE_INTERVALS * one.interval + MARGIN:
            bad.append(_rule_row(one, f"evaluated {seconds(age)} ago, every {seconds(one.interval)} wanted"))
    if bad:
        judgement.bad(f"{share(len(bad), len(rules), 'rule')} unfit", bad)
    if doubtful:
        judgement.doubtful(f"{share(len(doubtful), len(rules), 'rule')} not evaluated yet", doubtful)


def _good(rules: Sequence[GrafanaRule]) -> str:
    firing = sum(one.state == "firing" for one in rules)
    return f"{count(len(rules), 'rule')}, all ok{f', {firing} firing' if firing else ''}"


def _row(one: DataSourceHealth) -> tuple[str, str, str, str]:
    return one.source.name, one.source.type, one.state, head(one.message, _MESSAGE)


def _rule_row(one: GrafanaRule, problem: str) -> tuple[str, str, str, str]:
    return one.name, f"{one.folder} / {one.group}", one.health, head(problem, _MESSAGE)


def annotated(found: Sequence[Annotation], written: Annotation, asked: Asked) -> Finding:
    """Judge whether an annotation that was written is found again. FAILED: it is not."""
    judgement = Judgement(asked, "the annotation is there for everybody who looks for its tags")
    if all(one.id != written.id for one in found):
        judgement.bad(f"annotation {written.id} was accepted, and is not among the {len(found)} that are found")
    return judgement.finding(f'annotation {written.id}: "{head(written.text, 80)}"')
