"""The one client of Alertmanager's API v2."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, TypeVar

from msgspec.structs import replace

from pytest_deploycheck.clients.alertmanager import answers
from pytest_deploycheck.clients.alertmanager.configuration import parse_configuration
from pytest_deploycheck.clients.alertmanager.counters import notification_counters
from pytest_deploycheck.clients.alertmanager.matchers import format_matcher, parse_matchers
from pytest_deploycheck.clients.alertmanager.posting import require_open, require_sendable
from pytest_deploycheck.clients.decoders import decoder
from pytest_deploycheck.clients.exposition import samples_of
from pytest_deploycheck.clients.readiness import Readiness, ask_readiness
from pytest_deploycheck.clients.refusal import UNREADABLE, refuse
from pytest_deploycheck.errors import Ambiguous, AuthorMistake, NoData, QueryFailed
from pytest_deploycheck.model.alertmanager import Matcher

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_deploycheck.clients.alertmanager.posting import NewAlert
    from pytest_deploycheck.clock import Clock
    from pytest_deploycheck.model.alertmanager import AmAlert, Configuration, NotificationCounters, Silence, Status
    from pytest_deploycheck.transport.reply import Reply
    from pytest_deploycheck.transport.wire import Wire

T = TypeVar("T")

_API = "/api/v2"


class AlertmanagerClient:
    """Asks one Alertmanager. Thread-safe.

    Every method raises `CannotMeasure` (Unreachable, Malformed, QueryFailed, …) if there is no usable answer.

    Args:
        wire: the way to it.
        clock: the runner's.
    """

    def __init__(self, wire: Wire, clock: Clock) -> None:
        self.wire = wire
        self._clock = clock

    def status(self) -> Status:
        """Return version, cluster and the loaded configuration's text."""
        reply, document = self._ask("/status", answers.StatusAnswer)
        return document.to_model(reply.evidence)

    def configuration(self) -> Configuration:
        """Return the loaded configuration, inherited values filled in.

        Raises:
            Malformed: if it cannot be read.
        """
        return self.written_configuration()[1]

    def written_configuration(self) -> tuple[str, Configuration]:
        """Return the loaded configuration, as Alertmanager shows it, and read.

        Raises:
            Malformed: if it cannot be read.
        """
        reply, document = self._ask("/status", answers.StatusAnswer)
        try:
            return document.config.original, parse_configuration(document.config.original)
        except ValueError as error:
            raise reply.malformed(f"its configuration cannot be read: {error}") from None

    def receivers(self) -> tuple[str, ...]:
        """Return the names of the configured receivers."""
        _, document = self._ask("/receivers", list[answers.NamedAnswer])
        return tuple(one.name for one in document)

    def alerts(
        self,
        *,
        active: bool | None = None,
        silenced: bool | None = None,
        inhibited: bool | None = None,
        unprocessed: bool | None = None,
        receiver: str | None = None,
        filters: Sequence[str | Matcher] = (),
    ) -> tuple[AmAlert, ...]:
        """Return the alerts it holds; suppressed ones are among them unless they are left out.

        Args:
            active: False leaves the active ones out; None = Alertmanager's default, all.
            silenced: False leaves the silenced ones out.
            inhibited: False leaves the inhibited ones out.
            unprocessed: False leaves those out that have not been routed yet.
            receiver: only those routed to this receiver (its exact name).
            filters: matchers such as `team="db"`; all must match.

        Raises:
            QueryFailed: if a filter is no matcher, or there is no such receiver: Alertmanager would answer "no alerts".
        """
        params: list[tuple[str, str]] = [
            (name, "true" if value else "false")
            for name, value in (
                ("active", active),
                ("silenced", silenced),
                ("inhibited", inhibited),
                ("unprocessed", unprocessed),
            )
            if value is not None
        ]
        params += [("filter", text) for text in self._filters(filters)]
        if receiver is not None:
            self._require_receiver(receiver)
            # the API takes a regular expression, anchored at both ends
            params.append(("receiver", re.escape(receiver)))
        _, document = self._ask("/alerts", list[answers.AlertAnswer], params=params)
        return tuple(one.to_model() for one in document)

    def silences(self, *, filters: Sequence[str | Matcher] = ()) -> tuple[Silence, ...]:
        """Return the silences, expired ones included until the retention drops them."""
        params = [("filter", text) for text in self._filters(filters)]
        _, document = self._ask("/silences", list[answers.SilenceAnswer], params=params)
        return tuple(one.to_model() for one in document)

    def ready(self) -> Readiness:
        """Return whether it says that it is ready; a cluster that still settles says so too."""
        return ask_readiness(self.wire, "/-/ready")

    def healthy(self) -> Readiness:
        """Return whether it says that it is healthy."""
        return ask_readiness(self.wire, "/-/healthy")

    def notification_counters(self) -> tuple[NotificationCounters, ...]:
        """Return each integration's counters since it started; NaN where this version has no such counter.

        Raises:
            NoData: if its metrics count no notifications at all: it is probably no Alertmanager.
        """
        reply = self.wire.request("GET", "/metrics")
        counters = notification_counters(samples_of(reply))
        if not counters:
            raise self._no_metric(reply, "alertmanager_notifications_total")
        return counters

    def metric(self, name: str) -> float:
        """Return the value of one of its own metrics that has one series, such as
        `alertmanager_config_last_reload_successful`.

        Raises:
            NoData: if there is none, or it is NaN.
            Ambiguous: if it has several series.
        """  # noqa: D205 - the name is long
        reply = self.wire.request("GET", "/metrics")
        found = [sample for sample in samples_of(reply) if sample.name == name]
        if not found or found[0].value != found[0].value:
            raise self._no_metric(reply, name)
        if len(found) > 1:
            raise Ambiguous(
                f"{reply.system}: {name} has {len(found)} series, and one was meant",
                where=reply.url,
                next_step="ask Prometheus for it, with labels",
                evidence=reply.evidence,
            )
        return found[0].value

    def post_alerts(self, alerts: Sequence[NewAlert]) -> None:
        """Send alerts. The answer says nothing of routing or delivery: look for that afterwards.

        Raises:
            AuthorMistake: if one cannot be sent, or is over already.
            WriteNotAllowed: if check and run have not both opted in.
        """
        for alert in alerts:
            require_open(alert, self._clock.now())
        self._post(alerts)

    def resolve_alerts(self, alerts: Sequence[NewAlert]) -> None:
        """Send alerts again with their end set to now. Raises as `post_alerts` does."""
        now = self._clock.now()
        self._post([replace(alert, ends_at=now) for alert in alerts])

    def _post(self, alerts: Sequence[NewAlert]) -> None:
        if not alerts:
            raise AuthorMistake("no alerts to send", where=f"{_API}/alerts", next_step="give at least one alert")
        for alert in alerts:
            require_sendable(alert)
        self.wire.request("POST", f"{_API}/alerts", json=[alert.payload() for alert in alerts], effect="write")

    def _ask(self, path: str, kind: type[T], *, params: Sequence[tuple[str, str]] = ()) -> tuple[Reply, T]:
        reply = self.wire.request("GET", _API + path, params=params or None, expect="json")
        try:
            wanted: Any = kind
            document: T = decoder(wanted).decode(reply.body)
        except UNREADABLE as error:
            raise refuse(reply, "Alertmanager", str(error)) from None
        return reply, document

    def _filters(self, filters: Sequence[str | Matcher]) -> list[str]:
        if isinstance(filters, str):
            filters = (filters,)
        texts = []
        for one in filters:
            try:
                matchers = (one,) if isinstance(one, Matcher) else parse_matchers(one)
            except ValueError as error:
                raise QueryFailed(f"not asked: {error}", where=f"{_API}/alerts", next_step="mend the filter") from None
            texts += [format_matcher(matcher) for matcher in matchers]
        return texts

    def _require_receiver(self, receiver: str) -> None:
        known = self.receivers()
        if receiver not in known:
            raise QueryFailed(
                f"{self.wire.endpoint.name}: there is no receiver {receiver!r}",
                where=f"{self.wire.endpoint.base_url}{_API}/receivers",
                details=[f"configured: {', '.join(known) or 'none'}"],
                next_step="name a receiver of the loaded configuration; was its last reload successful?",
            )

    def _no_metric(self, reply: Reply, name: str) -> NoData:
        return NoData(
            f"{reply.system}: its metrics have no {name}",
            where=reply.url,
            next_step="is it an Alertmanager, and of a version that has this metric?",
            evidence=reply.evidence,
        )
