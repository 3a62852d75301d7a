"""Answers about the chain from scrape to alert: targets, rules, alerts, Alertmanagers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pytest_deploycheck.checks import alerts as alert_checks
from pytest_deploycheck.checks import rules as rule_checks
from pytest_deploycheck.checks import targets as target_checks
from pytest_deploycheck.checks import thresholds
from pytest_deploycheck.checks.alert_history import nothing_fired
from pytest_deploycheck.checks.combining import combine
from pytest_deploycheck.clients.prometheus.history import alert_history
from pytest_deploycheck.errors import AuthorMistake
from pytest_deploycheck.face.judged import Answer, Judged

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    from pytest_deploycheck.checks.alerts import Known
    from pytest_deploycheck.checks.asked import Asked
    from pytest_deploycheck.clients.prometheus.client import PrometheusClient
    from pytest_deploycheck.face.ledger import Ledger
    from pytest_deploycheck.model.finding import Finding
    from pytest_deploycheck.model.prometheus import (
        Alert,
        AlertHistory,
        Alertmanagers,
        Episode,
        InstantVector,
        Rule,
        RuleGroup,
        RuntimeInfo,
        Target,
    )

__tracebackhide__ = True


class TargetsAnswer(Answer):
    """The active scrape targets, of one job or of all.

    Attributes:
        targets: what came.
    """

    def __init__(
        self,
        targets: Sequence[Target],
        ledger: Ledger,
        asked: Asked,
        *,
        now: float,
        samples: Mapping[tuple[str, str], float],
        started: float | None,
    ) -> None:
        """Note that somebody has to look at it."""
        super().__init__(ledger, asked)
        self.targets = tuple(targets)
        self._now = now
        self._samples = samples
        self._started = started

    def up(self, *, count: int | None = None, min_samples: int = 1) -> Judged:
        """Judge that every target is up, scraped lately without error, and brings samples.

        Args:
            count: how many there must be per job, exactly; at least one if it is None.
            min_samples: how many samples each scrape must bring (an empty body with status 200 still gives `up` 1).
        """
        jobs = sorted({target.job for target in self.targets}) or [self._asked.asked]
        return self._judge(combine([self._job(job, count, min_samples) for job in jobs]))

    def _job(self, job: str, count: int | None, min_samples: int) -> Finding:
        samples = {instance: number for (owner, instance), number in self._samples.items() if owner == job}
        return target_checks.targets(
            self.targets,
            self._asked,
            job=job,
            now=self._now,
            count=count,
            samples=samples,
            min_samples=min_samples,
            since=self._started,
        )

    def __iter__(self) -> Iterator[Target]:
        """Yield every target.

        Raises:
            NoData: if there is none: `all(…)` over nothing would be true.
        """
        return self._each(self.targets, "target")

    def __len__(self) -> int:
        """Return the number of targets."""
        self._read()
        return len(self.targets)


class RulesAnswer(Answer):
    """The loaded rules.

    Attributes:
        groups: what came.
    """

    def __init__(
        self,
        groups: Sequence[RuleGroup],
        ledger: Ledger,
        asked: Asked,
        *,
        now: float,
        api: PrometheusClient,
        asking: Callable[..., AbstractContextManager[list[Asked]]],
    ) -> None:
        """Note that somebody has to look at it."""
        super().__init__(ledger, asked)
        self.groups = tuple(groups)
        self._rules = [rule for group in self.groups for rule in group.rules]
        self._now = now
        self._api = api
        self._asking = asking

    def has(self, name: str, *, kind: str = "alerting", group: str | None = None) -> Judged:
        """Judge that a rule is loaded, healthy, and was evaluated lately."""
        return self._judge(
            rule_checks.expected_rule(self.groups, self._asked, name=name, now=self._now, kind=kind, group=group)
        )

    def healthy(self, *, min_groups: int = 1) -> Judged:
        """Judge that every rule is healthy and evaluated in time."""
        return self._judge(rule_checks.all_rules(self.groups, self._asked, now=self._now, min_groups=min_groups))

    def refer_to_series(self, *, window: object = "1d", known_absent: Collection[str] = ()) -> Judged:
        """Judge that every metric that a rule names has had a series within the window.

        A rule about a metric that does not exist is `ok` and `inactive` for ever.

        Args:
            window: how far back to look: seconds, a `timedelta`, or a text such as `1d`.
            known_absent: metric names that may be absent.
        """
        from pytest_deploycheck.face.judged import seconds_of
        from pytest_deploycheck.face.references import missing_metrics

        seconds = seconds_of(window, "the window")
        with self._asking(f"series of every rule's metrics within {seconds:g} s", *self._asked.next_steps) as box:
            missing, unread = missing_metrics(self._api, self._rules, seconds, known_absent)
        return self._judge(rule_checks.references(missing, box[0], known_absent=known_absent, unread=unread))

    def take_long_ranges(self) -> Judged:
        """Judge that every range in a rule is at least twice as long as the interval of what it selects.

        `rate` over less than two samples is empty: such a rule is `ok`, and never fires.
        """
        from pytest_deploycheck.face.ranges import range_uses

        with self._asking(
            "ranges of every rule, and how often what they select is sampled", *self._asked.next_steps
        ) as box:
            uses, unread = range_uses(self._api, self._rules)
        return self._judge(rule_checks.ranges(uses, box[0], unread=unread))

    def __iter__(self) -> Iterator[Rule]:
        """Yield every rule.

        Raises:
            NoData: if there is none: `all(…)` over nothing would be true.
        """
        return self._each(self._rules, "rule")

    def __len__(self) -> int:
        """Return the number of rules."""
        self._read()
        return len(self._rules)


class AlertsAnswer(Answer):
    """Prometheus's alerts.

    Attributes:
        alerts: what came, in the states asked for.
    """

    def __init__(
        self,
        alerts: Sequence[Alert],
        ledger: Ledger,
        asked: Asked,
        *,
        states: Sequence[str],
        rules: int,
        now: float,
        past: Sequence[Alert] = (),
        missing: str = "",
    ) -> None:
        """Note that somebody has to look at it."""
        super().__init__(ledger, asked)
        self.alerts = tuple(alert for alert in alerts if alert.state in states)
        present = {(alert.state, tuple(sorted(alert.labels.items()))) for alert in self.alerts}
        self._past = tuple(it for it in past if (it.state, tuple(sorted(it.labels.items()))) not in present)
        self._missing = missing
        self._states = tuple(states)
        self._rules = rules
        self._now = now

    def none(self, known: Sequence[Known] = ()) -> Judged:
        """Judge that there is none but the known ones, which must not have expired."""
        self._ledger.looked_back = True
        return self._judge(
            alert_checks.unexpected(
                (*self.alerts, *self._past),
                known,
                self._asked,
                today=datetime.fromtimestamp(self._now, tz=UTC).date(),
                states=self._states,
                rules=self._rules,
                missing=self._missing,
            )
        )

    def at_most(self, limit: int) -> Judged:
        """Judge that there are no more than a person can read."""
        self._ledger.sampled = True
        return self._judge(alert_checks.storm(len(self.alerts), limit, self._asked))

    def __iter__(self) -> Iterator[Alert]:
        """Yield every alert."""
        self._ledger.sampled = True
        self._read()
        return iter(self.alerts)

    def __len__(self) -> int:
        """Return the number of alerts."""
        self._ledger.sampled = True
        self._read()
        return len(self.alerts)


class AlertHistoryAnswer(Answer):
    """The alerts of a window that has passed.

    Attributes:
        history: when each was active, and how much of the window was observed.
    """

    def __init__(self, history: AlertHistory, ledger: Ledger, asked: Asked, *, rules: int, coverage: float) -> None:
        """Note that somebody has to look at it."""
        super().__init__(ledger, asked)
        self.history = history
        self._rules = rules
        self._coverage = coverage

    def none(self, known: Sequence[Known] = ()) -> Judged:
        """Judge that nothing was active but the known, which must not have expired, and that somebody was looking."""
        self._ledger.looked_back = True
        return self._judge(
            nothing_fired(
                self.history,
                known,
                self._asked,
                today=datetime.fromtimestamp(self.history.end, tz=UTC).date(),
                rules=self._rules,
                coverage=self._coverage,
            )
        )

    def __iter__(self) -> Iterator[Episode]:
        """Yield every time in which an alert was active."""
        self._read()
        return iter(self.history.episodes)

    def __len__(self) -> int:
        """Return the number of times in which an alert was active."""
        self._read()
        return len(self.history.episodes)


def read_history(api: PrometheusClient, state: str, window: float, now: float) -> tuple[AlertHistory, int]:
    """Return the alerts of a window, and how many alerting rules there are now.

    Raises:
        AuthorMistake: for another state, or no window.
    """
    if state not in ("pending", "firing"):
        raise AuthorMistake(f"Prometheus has no alerts in state {state!r}", next_step="ask for pending or firing")
    if not window >= 1:
        raise AuthorMistake(f"a window of {window:g} s", next_step="give at least a second")
    groups = [group for group in api.rules(kind="alerting") if group.rules]
    intervals = [target.scrape_interval or 0.0 for target in api.targets()]
    longest = max((*intervals, *(group.interval for group in groups)), default=0.0)
    history = alert_history(api, [state], window, now, interval=longest)
    return history, sum(len(group.rules) for group in groups)


class AlertmanagersAnswer(Answer):
    """The Alertmanagers that Prometheus has discovered, and how its notifications fare.

    Attributes:
        found: what was discovered.
    """

    def __init__(
        self,
        found: Alertmanagers,
        ledger: Ledger,
        asked: Asked,
        *,
        now: float,
        runtime: RuntimeInfo | None,
        failures: Callable[[float], list[tuple[InstantVector, Asked]]],
    ) -> None:
        """Note that somebody has to look at it."""
        super().__init__(ledger, asked)
        self.found = found
        self._now = now
        self._runtime = runtime
        self._failures = failures

    def connected(self, expected: int = 1, *, window: object = "10m") -> Judged:
        """Judge that there are enough, and that Prometheus neither dropped a notification nor failed to send one.

        Discovery alone is no health: a dead Alertmanager stays listed. So Prometheus's own counters of errors and
        dropped notifications are judged as well; where it does not scrape itself they are no data.

        Args:
            expected: how many there must be, at least.
            window: in which nothing may be dropped; cut at the deployment's finish.
        """
        from pytest_deploycheck.face.judged import seconds_of

        moments = [] if self._runtime is None else [self._runtime.start_time, self._runtime.last_config_time]
        since = max((moment for moment in moments if moment is not None), default=None)
        discovery = alert_checks.alertmanagers(self.found, self._asked, expected=expected, now=self._now, since=since)
        counters = [
            thresholds.compare(vector, "<=", 0.0, asked, unit="")
            for vector, asked in self._failures(seconds_of(window, "the window"))
        ]
        return self._judge(combine([discovery, *counters]))

    def __iter__(self) -> Iterator[str]:
        """Yield the addresses of the active ones.

        Raises:
            NoData: if there is none: `all(…)` over nothing would be true.
        """
        return self._each(self.found.active, "active Alertmanager")

    def __len__(self) -> int:
        """Return the number of active ones."""
        self._read()
        return len(self.found.active)


def samples_expr(job: str | None) -> str:
    """Return the question how many samples the last scrape of each target brought: of one job, or of all."""
    if job is None:
        return "scrape_samples_scraped"
    escaped = job.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'scrape_samples_scraped{{job="{escaped}"}}'
