"""One process's view of the run: settings, tape, redactor, and the systems, each made when it is first used."""

from __future__ import annotations

import json
import os
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pytest

from pytest_deploycheck.clock import SystemClock
from pytest_deploycheck.errors import ConfigError, Mistake, NotEnoughData, WriteNotAllowed
from pytest_deploycheck.settings.load import find_config, load

if TYPE_CHECKING:
    from pathlib import Path

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
    from pytest_deploycheck.settings.models import Effective
    from pytest_deploycheck.settings.systems import System
    from pytest_deploycheck.transport.endpoint import Endpoint
    from pytest_deploycheck.transport.prefetch import Prefetch
    from pytest_deploycheck.transport.redaction import Redactor
    from pytest_deploycheck.transport.tape import Tape
    from pytest_deploycheck.transport.wire import Wire

__tracebackhide__ = True

DEPLOYMENT_OPTIONS = {
    "deployment.version": "deployment_version",
    "deployment.image_digest": "deployment_image_digest",
    "deployment.started_at": "deployment_started_at",
    "deployment.finished_at": "deployment_finished_at",
    "deployment.change_ticket": "deployment_change_ticket",
}
"""Dotted settings key → option destination."""

_SETTINGS = pytest.StashKey["Effective | ConfigError"]()
_MISTAKES = pytest.StashKey[list[str]]()
_RUN = pytest.StashKey["Run"]()
CLOCK = pytest.StashKey["Clock"]()
"""Where a test of ours puts a clock of its own, in `config.stash`."""


def settings_of(config: pytest.Config) -> Effective:
    """Return the run's effective settings, read once.

    Raises:
        ConfigError: if they cannot be used; the same one each time.
    """
    known = config.stash.get(_SETTINGS, None)
    if known is None:
        option = config.option
        overrides = {
            key: value
            for key, destination in DEPLOYMENT_OPTIONS.items()
            if (value := getattr(option, destination, None)) is not None
        }
        given = option.deploycheck_config or os.environ.get("DEPLOYCHECK_CONFIG")
        try:
            path = config.invocation_params.dir / given if given else find_config(config.rootpath)
            known = load(
                path,
                environment=option.deploycheck_env,
                overrides=overrides,
                environ=os.environ,
                cwd=config.rootpath,
            )
            if option.deploycheck_strict:
                known = known.model_copy(update={"strict": True})
        except ConfigError as error:
            known = error
        config.stash[_SETTINGS] = known
    if isinstance(known, ConfigError):
        raise known
    return known


def mistakes_of(config: pytest.Config) -> list[str]:
    """Return the list in which mistakes of collection are gathered, to be told all at once."""
    return config.stash.setdefault(_MISTAKES, [])


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
        self._wires: dict[str, Wire] = {}
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
    def ledger(self) -> Ledger:
        """What the check that runs has asked and not judged."""
        from pytest_deploycheck.face.ledger import Ledger

        return Ledger()

    @cached_property
    def prometheus(self) -> Prometheus:
        """The environment's Prometheus."""
        from pytest_deploycheck.face.prometheus import Prometheus

        system = self._configured("prometheus")
        return Prometheus(
            self.wire("prometheus", system),
            clock=self.clock,
            ledger=self.ledger,
            observed=self.observed,
            deployment=self.settings.deployment,
            external_url=system.external_url or system.url,
        )

    @cached_property
    def alertmanager(self) -> Alertmanager:
        """The environment's Alertmanager."""
        from pytest_deploycheck.face.alertmanager import Alertmanager

        system = self._configured("alertmanager")
        return Alertmanager(
            self.wire("alertmanager", system),
            clock=self.clock,
            ledger=self.ledger,
            observed=self.observed,
            external_url=system.external_url or system.url,
        )

    @cached_property
    def grafana(self) -> Grafana:
        """The environment's Grafana."""
        from pytest_deploycheck.session.grafana import grafana_of

        return grafana_of(self, self._configured("grafana"), base=self._base())

    @cached_property
    def health(self) -> Health:
        """The environment's services."""
        from pytest_deploycheck.face.health import Health

        services = self.settings.environment.services
        return Health(
            services,
            wire=lambda name: self.wire(f"service {name}", services[name]),
            ledger=self.ledger,
            observed=self.observed,
            missing=lambda name: self._missing("services", name),
        )

    @cached_property
    def kubernetes(self) -> Kubernetes:
        """The environment's cluster."""
        from pytest_deploycheck.face.kubernetes import Kubernetes
        from pytest_deploycheck.session.endpoints import cluster_access

        system = self._configured("kubernetes")
        writes = system.writes or bool(self._allow_writes & {"kubernetes", "all"})
        access = cluster_access(system, base=self._base(), environ=os.environ, writes=writes)
        self._wires["kubernetes"] = self._wire_of(access.endpoint)
        return Kubernetes(
            self._wires["kubernetes"],
            access,
            redactor=self.redactor,
            clock=self.clock,
            ledger=self.ledger,
            observed=self.observed,
            namespace=system.namespace,
        )

    @cached_property
    def logs(self) -> Logs:
        """The environment's logs."""
        from pytest_deploycheck.session.logs import logs_of

        return logs_of(self, base=self._base(), wires=self._wires, missing=lambda name: self._missing("logs", name))

    @cached_property
    def network(self) -> Network:
        """Names, ports and certificates, as this machine sees them."""
        from pytest_deploycheck.session.network import network_of

        return network_of(self, base=self._base(), missing=lambda name: self._missing("services", name))

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

    def wire(self, name: str, system: System) -> Wire:
        """Return the one connection pool of a system."""
        if name not in self._wires:
            from pytest_deploycheck.session.endpoints import endpoint_for

            short = name.removeprefix("service ")
            endpoint = endpoint_for(
                name,
                system,
                base=self._base(),
                environ=os.environ,
                writes=system.writes or bool(self._allow_writes & {short, "all"}),
            )
            self._wires[name] = self._wire_of(endpoint)
        return self._wires[name]

    def _wire_of(self, endpoint: Endpoint) -> Wire:
        from pytest_deploycheck.transport.wire import Wire

        wire = Wire(endpoint, tape=self.tape, redactor=self.redactor, clock=self.clock)
        wire.write_guard = self._guard
        wire.prefetch = self._prefetch
        return wire

    def wire_to(self, name: str) -> Wire:
        """Return the way to a system by the name that evidence calls it, such as `prometheus` or `service mcp`.

        Raises:
            ConfigError: if it is not configured, or cannot be used.
        """
        short = name.removeprefix("service ")
        if short == name:
            return self.wire(name, self._configured(name))
        services = self.settings.environment.services
        if short not in services:
            raise self._missing("services", short)
        return self.wire(name, services[short])

    def ask_ahead(self) -> Prefetch:
        """Let answers be asked ahead from now on, and return what holds them."""
        if self._prefetch is None:
            from pytest_deploycheck.transport.prefetch import Prefetch

            self._prefetch = Prefetch(self.clock)
            self.ledger.on_stimulus.append(self._prefetch.changed)
            for wire in self._wires.values():
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

    def rhythm(self) -> float | None:
        """Return the seconds between the observed systems' own steps, as far as they are known."""
        return self.prometheus.rhythm() if "prometheus" in self.__dict__ else None

    def systems_seen(self) -> list[dict[str, Any]]:
        """Return what is known of every system that was asked, as builtins."""
        found = []
        for name, wire in self._wires.items():
            version, skew = "", None
            if name == "prometheus" and "prometheus" in self.__dict__:
                version, skew = self.prometheus.known_version, self.prometheus.clock_skew
            if name == "alertmanager" and "alertmanager" in self.__dict__:
                version = self.alertmanager.known_version
            if name == "grafana" and "grafana" in self.__dict__:
                version = self.grafana.known_version
            if name == "kubernetes" and "kubernetes" in self.__dict__:
                version, skew = self.kubernetes.known_version, self.kubernetes.api.skew
            found.append(
                {
                    "name": name,
                    "url": self.redactor.url(wire.endpoint.base_url),
                    "version": version,
                    "clock_skew": skew,
                    "notes": list(wire.warnings),
                }
            )
        return found

    def start_over(self) -> None:
        """Forget what is known of every system: hours may have passed, and servers may have been replaced."""
        if self._prefetch is not None:
            self._prefetch.changed()
        for wire in self._wires.values():
            wire.close()
        self._wires.clear()
        for name in ("prometheus", "alertmanager", "grafana", "health", "kubernetes", "logs"):
            self.__dict__.pop(name, None)

    def close(self) -> None:
        """Close all connections."""
        if self._prefetch is not None:
            self._prefetch.close()
        for wire in self._wires.values():
            wire.close()

    # --- parts --------------------------------------------------------------------------------------------------------

    def _note(self, exchange: Exchange, body: bytes) -> None:
        del body
        if not exchange.unused:
            self.observed.append(exchange.id)
            self.ledger.asked()

    def _base(self) -> Path:
        from pathlib import Path

        return self.settings.source.parent if self.settings.source is not None else Path.cwd()

    def _configured(self, name: str) -> Any:
        system = getattr(self.settings.environment, name)
        if system is None:
            raise self._missing(name)
        return system

    def _missing(self, table: str, name: str = "") -> ConfigError:
        source = self.settings.source
        environment = self.settings.environment_name if source is not None else "prod"
        key = f"environments.{environment}.{table}{'.' + name if name else ''}"
        file = "" if source is not None else "a deploycheck.toml with "
        known = sorted(getattr(self.settings.environment, table)) if table in {"services", "logs"} else []
        needed = 'file = "…"' if table == "logs" else 'url = "http://…"'
        return ConfigError(
            [
                Mistake(
                    where=str(source or "no deploycheck.toml found"),
                    key=key if source is not None else name or table,
                    problem="a check needs it and it is not configured",
                    expected=f"one of {', '.join(known)}" if known else f"{file}[{key}] and {needed}",
                )
            ]
        )

    def _guard(self, endpoint: Endpoint, method: str, path: str) -> None:
        """Refuse a write that the check did not declare; the wire has already asked for the run's consent."""
        name = endpoint.name.removeprefix("service ")
        if self._opted_in is None or name in self._opted_in:
            self.ledger.stimulated = True
            return
        raise WriteNotAllowed(
            f"{method} {path} may change something in {endpoint.name}, and the check does not declare it",
            where=endpoint.base_url,
            next_step=f'mark the check @pytest.mark.writes("{name}")',
        )
