"""One process's view of the run: settings, tape, redactor, what checks may change, and the targets they speak to."""

from __future__ import annotations

import json
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pytest

from pytest_deploycheck.clock import SystemClock
from pytest_deploycheck.errors import AuthorMistake, ConfigError, Mistake, NotEnoughData, WriteNotAllowed
from pytest_deploycheck.session.configured import settings_of
from pytest_deploycheck.session.target import Target
from pytest_deploycheck.settings.mistakes import did_you_mean
from pytest_deploycheck.settings.places import looked_at, places

if TYPE_CHECKING:
    from pytest_deploycheck.clock import Clock
    from pytest_deploycheck.face.alertmanager import Alertmanager
    from pytest_deploycheck.face.grafana import Grafana
    from pytest_deploycheck.face.health import Health
    from pytest_deploycheck.face.kubernetes import Kubernetes
    from pytest_deploycheck.face.ledger import Ledger
    from pytest_deploycheck.face.logs import Logs
    from pytest_deploycheck.face.network import Network
    from pytest_deploycheck.face.prometheus import Prometheus
    from pytest_deploycheck.model.exchange import Exchange
    from pytest_deploycheck.session.logs import StandardInput
    from pytest_deploycheck.settings.models import Effective
    from pytest_deploycheck.settings.places import Place
    from pytest_deploycheck.transport.endpoint import Endpoint
    from pytest_deploycheck.transport.prefetch import Prefetch
    from pytest_deploycheck.transport.redaction import Redactor
    from pytest_deploycheck.transport.tape import Tape
    from pytest_deploycheck.transport.wire import Wire

__tracebackhide__ = True

_RUN = pytest.StashKey["Run"]()
CLOCK = pytest.StashKey["Clock"]()
"""Where a test of ours puts a clock of its own, in `config.stash`."""


def run_of(config: pytest.Config) -> Run:
    """Return the process's run, made at first use.

    Raises:
        ConfigError: if the settings cannot be used.
    """
    known = config.stash.get(_RUN, None)
    if known is None:
        known = Run(
            settings_of(config),
            allow_writes=tuple(config.option.deploycheck_allow_writes),
            clock=config.stash.get(CLOCK, None),
        )
        config.stash[_RUN] = known
        config.add_cleanup(known.close)
    return known


def known_run(config: pytest.Config) -> Run | None:
    """Return the process's run if it was used already."""
    return config.stash.get(_RUN, None)


class Run:
    """The run as checks see it (fixture `deploycheck`).

    Args:
        settings: what is effective.
        allow_writes: systems that the command line lets checks change; `all` for every one.
        clock: the clock.

    Attributes:
        settings: what is effective.
        observed: ids of all exchanges so far, in order.
    """

    def __init__(self, settings: Effective, *, allow_writes: tuple[str, ...] = (), clock: Clock | None = None) -> None:
        """Make nothing yet that is not used."""
        self.settings = settings
        self.clock: Clock = clock or SystemClock()
        self.observed: list[str] = []
        self._allow_writes = frozenset(allow_writes)
        self._opted_in: frozenset[str] | None = frozenset()
        self._targets: dict[str, Target] = {}
        self._prefetch: Prefetch | None = None

    @cached_property
    def redactor(self) -> Redactor:
        """Knows every secret that was resolved, and masks it."""
        from pytest_deploycheck.transport.redaction import Redactor

        return Redactor()

    @cached_property
    def tape(self) -> Tape:
        """Everything that was asked and answered."""
        from pytest_deploycheck.transport.tape import Tape

        tape = Tape()
        tape.on_record.append(self._note)
        return tape

    @cached_property
    def stdin(self) -> StandardInput:
        """What came on standard input, whichever target's log it is."""
        from pytest_deploycheck.session.logs import StandardInput

        return StandardInput()

    @cached_property
    def ledger(self) -> Ledger:
        """What the check that runs has asked and not judged."""
        from pytest_deploycheck.face.ledger import Ledger

        return Ledger()

    # --- whom checks speak to -----------------------------------------------------------------------------------------

    @cached_property
    def places(self) -> dict[str, Place]:
        """What is configured for each target, and last, under the empty name, for the environment itself."""
        return places(self.settings.environment)

    def at(self, name: str | None) -> Target:
        """Return the systems of a target; of the environment itself for None or an empty name.

        Raises:
            AuthorMistake: if there is no such target.
        """
        name = name or ""
        if name not in self.places:
            known = [one for one in self.places if one]
            raise AuthorMistake(
                f"there is no target {name!r}{did_you_mean(name, known)}",
                next_step=f"one of {', '.join(known)}" if known else "this environment has no targets",
            )
        if name not in self._targets:
            self._targets[name] = Target(self, self.places[name], self.at("") if name else None)
        return self._targets[name]

    @property
    def targets(self) -> tuple[Target, ...]:
        """The targets that the run looks at, in the file's order."""
        return tuple(self.at(name) for name in looked_at(self.settings))

    @property
    def prometheus(self) -> Prometheus:
        """The environment's own Prometheus."""
        return self.at("").prometheus

    @property
    def alertmanager(self) -> Alertmanager:
        """The environment's own Alertmanager."""
        return self.at("").alertmanager

    @property
    def grafana(self) -> Grafana:
        """The environment's own Grafana."""
        return self.at("").grafana

    @property
    def health(self) -> Health:
        """The environment's own services."""
        return self.at("").health

    @property
    def kubernetes(self) -> Kubernetes:
        """The environment's own cluster."""
        return self.at("").kubernetes

    @property
    def logs(self) -> Logs:
        """The environment's own logs."""
        return self.at("").logs

    @property
    def network(self) -> Network:
        """Names, ports and certificates, with the environment's own services."""
        return self.at("").network

    def record(self, name: str, value: object) -> None:
        """Keep something that a check saw by means of its own, as evidence.

        Args:
            name: what it is.
            value: anything that JSON can hold; other things are kept as their text.
        """
        body = json.dumps(value, default=str, ensure_ascii=False).encode()
        self.tape.record(
            body=self.redactor.body(body),
            system="author",
            method="RECORD",
            url=self.redactor.text(f"record:{name}"),
            started=self.clock.now(),
            elapsed=0.0,
        )

    def wire_of(self, endpoint: Endpoint) -> Wire:
        """Return a new way to a system, on this run's tape and under its rules."""
        from pytest_deploycheck.transport.wire import Wire

        wire = Wire(endpoint, tape=self.tape, redactor=self.redactor, clock=self.clock)
        wire.write_guard = self._guard
        wire.prefetch = self._prefetch
        return wire

    def may_write(self, system: Any, name: str) -> bool:
        """Return whether this run may change something in a system.

        Args:
            system: its settings.
            name: what options call it: the same in every target.
        """
        return bool(system.writes or self._allow_writes & {name, "all"})

    def ask_ahead(self) -> Prefetch:
        """Let answers be asked ahead from now on, and return what holds them."""
        if self._prefetch is None:
            from pytest_deploycheck.transport.prefetch import Prefetch

            self._prefetch = Prefetch(self.clock)
            self.ledger.on_stimulus.append(self._prefetch.changed)
            for target in self._targets.values():
                for wire in target.wires.values():
                    wire.prefetch = self._prefetch
        return self._prefetch

    def allow_writes_of(self, item: pytest.Item | None) -> None:
        """Note which systems the check that runs declares it may change (`writes` without arguments: any)."""
        marks = list(item.iter_markers("writes")) if item is not None else []
        if any(not mark.args for mark in marks):
            self._opted_in = None
        else:
            self._opted_in = frozenset(str(name) for mark in marks for name in mark.args)

    def since_deployment(self, *, settle: object = 0.0, at_most: object | None = None) -> float:
        """Return how many seconds of the deployed version's own history there are to look back on.

        Args:
            settle: how long after the deployment's finish nothing counts yet.
            at_most: no more than this, up to now.

        Raises:
            ConfigError: if the deployment's finish is not known.
            NotEnoughData: if it has not settled yet.
        """
        from pytest_deploycheck.face.judged import seconds_of

        finished = self.settings.deployment.finished_at
        if finished is None:
            problem = "a check looks back to it and it is not known"
            where = str(self.settings.source or "no deploycheck.toml found")
            raise ConfigError([Mistake(where=where, key="deployment.finished_at", problem=problem)])
        elapsed = self.clock.now() - finished.timestamp() - seconds_of(settle, "settle")
        if elapsed <= 0:
            raise NotEnoughData(f"the deployment has not settled: that takes another {-elapsed:.0f} s")
        return elapsed if at_most is None else min(elapsed, seconds_of(at_most, "at_most"))

    def systems_seen(self) -> list[dict[str, Any]]:
        """Return what is known of every system that was asked, as builtins."""
        return [system for target in self._targets.values() for system in target.systems_seen()]

    def start_over(self) -> None:
        """Forget what is known of every system: hours may have passed, and servers may have been replaced."""
        if self._prefetch is not None:
            self._prefetch.changed()
        for target in self._targets.values():
            target.forget()

    def close(self) -> None:
        """Close all connections."""
        if self._prefetch is not None:
            self._prefetch.close()
        for target in self._targets.values():
            for wire in target.wires.values():
                wire.close()

    # --- parts --------------------------------------------------------------------------------------------------------

    def _note(self, exchange: Exchange, body: bytes) -> None:
        del body
        if not exchange.unused:
            self.observed.append(exchange.id)
            self.ledger.asked()

    def _guard(self, endpoint: Endpoint, method: str, path: str) -> None:
        """Refuse a write that the check did not declare; the wire has already asked for the run's consent."""
        name = endpoint.short_name
        if self._opted_in is None or name in self._opted_in:
            self.ledger.stimulated = True
            return
        raise WriteNotAllowed(
            f"{method} {path} may change something in {endpoint.name}, and the check does not declare it",
            where=endpoint.base_url,
            next_step=f'mark the check @pytest.mark.writes("{name}")',
        )
