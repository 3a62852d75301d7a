"""The systems that checks speak to: of one target, or of the environment itself; each is made when it is first used.

A new kind of system takes besides its own room: a field of `settings.models.Systems`, a property here and one of `Run`,
a fixture that takes `deploycheck_target`, and its line in `targeting.KINDS`. Parametrisation, narrowing, evidence,
reports and what is asked ahead follow from these.
"""

from __future__ import annotations

import os
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from pytest_deploycheck.errors import ConfigError, Mistake
from pytest_deploycheck.settings.places import NAMED
from pytest_deploycheck.settings.source import dotted

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pytest_deploycheck.face.alertmanager import Alertmanager
    from pytest_deploycheck.face.grafana import Grafana
    from pytest_deploycheck.face.health import Health
    from pytest_deploycheck.face.kubernetes import Kubernetes
    from pytest_deploycheck.face.logs import Logs
    from pytest_deploycheck.face.network import Network
    from pytest_deploycheck.face.prometheus import Prometheus
    from pytest_deploycheck.session.run import Run
    from pytest_deploycheck.settings.places import Place
    from pytest_deploycheck.settings.systems import System
    from pytest_deploycheck.transport.listening import Listener
    from pytest_deploycheck.transport.wire import Wire

__tracebackhide__ = True

T = TypeVar("T")


class Target:
    """The systems of one target (fixture `target`), or of the environment itself where there are no targets.

    Args:
        run: the process's.
        place: what is configured there.
        above: the environment itself, whose systems a target uses where it has none of its own; None for that.

    Attributes:
        name: the target's; empty for the environment itself.
        wires: the ways to its own systems, by the name that evidence calls them; each has connections of its own.
    """

    def __init__(self, run: Run, place: Place, above: Target | None = None) -> None:
        """Make nothing yet that is not used."""
        self.name = place.name
        self.place = place
        self.wires: dict[str, Wire] = {}
        self._run = run
        self._above = above

    def __repr__(self) -> str:
        return f"<target {self.name}>" if self.name else f"<environment {self._run.settings.environment_name}>"

    def __str__(self) -> str:
        return self.name or self._run.settings.environment_name

    # --- systems: one property each -----------------------------------------------------------------------------------

    @cached_property
    def prometheus(self) -> Prometheus:
        """Its Prometheus."""
        from pytest_deploycheck.face.prometheus import Prometheus

        return self._one(
            "prometheus",
            lambda system: Prometheus(
                self.wire("prometheus", system),
                clock=self._run.clock,
                ledger=self._run.ledger,
                observed=self._run.observed,
                deployment=self._run.settings.deployment,
                external_url=system.external_url or system.url,
            ),
        )

    @cached_property
    def alertmanager(self) -> Alertmanager:
        """Its Alertmanager."""
        from pytest_deploycheck.face.alertmanager import Alertmanager

        return self._one(
            "alertmanager",
            lambda system: Alertmanager(
                self.wire("alertmanager", system),
                clock=self._run.clock,
                ledger=self._run.ledger,
                observed=self._run.observed,
                external_url=system.external_url or system.url,
                listen=self._listen,
                service=lambda name: self.health(name),  # noqa: PLW0108 - made when it is asked for
            ),
        )

    def _listen(self, host: str, port: int) -> Listener:
        from pytest_deploycheck.transport.listening import Listener

        run = self._run
        return Listener(host, port, tape=run.tape, redactor=run.redactor, clock=run.clock)

    @cached_property
    def grafana(self) -> Grafana:
        """Its Grafana."""
        from pytest_deploycheck.session.grafana import grafana_of

        return self._one("grafana", lambda system: grafana_of(self._run, self, system))

    @cached_property
    def health(self) -> Health:
        """Its services."""
        from pytest_deploycheck.face.health import Health

        return Health(
            self.place.all("services"),
            wire=lambda name: self.wire_to(f"service {name}"),
            ledger=self._run.ledger,
            observed=self._run.observed,
            missing=lambda name: self.missing("services", name),
        )

    @cached_property
    def kubernetes(self) -> Kubernetes:
        """Its cluster."""
        from pytest_deploycheck.face.kubernetes import Kubernetes
        from pytest_deploycheck.session.endpoints import cluster_access

        def make(system: Any) -> Kubernetes:
            run, name = self._run, self.called("kubernetes")
            writes = run.may_write(system, "kubernetes")
            access = cluster_access(name, system, base=self.base(), environ=os.environ, writes=writes)
            wire = self.wires[name] = run.wire_of(access.endpoint)
            return Kubernetes(
                wire,
                access,
                redactor=run.redactor,
                clock=run.clock,
                ledger=run.ledger,
                observed=run.observed,
                namespace=system.namespace,
            )

        return self._one("kubernetes", make)

    @cached_property
    def logs(self) -> Logs:
        """Its logs."""
        from pytest_deploycheck.session.logs import logs_of

        return logs_of(self._run, self)

    @cached_property
    def network(self) -> Network:
        """Names, ports and certificates, with its services."""
        from pytest_deploycheck.session.network import network_of

        return network_of(self._run, self)

    # --- ways to them -------------------------------------------------------------------------------------------------

    def called(self, name: str) -> str:
        """Return what messages and evidence call a system of its own, such as `prometheus of eu`."""
        return f"{name} of {self.name}" if self.name else name

    def wire(self, name: str, system: System) -> Wire:
        """Return the one connection pool of a system of its own.

        Args:
            name: without the target, such as `prometheus` or `service mcp`.
            system: its settings.
        """
        called = self.called(name)
        if called not in self.wires:
            from pytest_deploycheck.session.endpoints import endpoint_for

            writes = self._run.may_write(system, name.removeprefix("service "))
            endpoint = endpoint_for(called, system, base=self.base(), environ=os.environ, writes=writes)
            self.wires[called] = self._run.wire_of(endpoint)
        return self.wires[called]

    def wire_to(self, name: str) -> Wire:
        """Return the way to a system that is asked here, such as `prometheus` or `service mcp`.

        Raises:
            ConfigError: if it is not configured, or cannot be used.
        """
        short = name.removeprefix("service ")
        kind, service = ("services", short) if short != name else (name, None)
        if self._above is not None and not self.place.owns(kind, service) and self._above.place.owns(kind, service):
            return self._above.wire_to(name)
        if not self.place.owns(kind, service):
            raise self.missing(kind, service or "")
        own = self.place.owned(kind)
        return self.wire(name, own[service] if service is not None else own)

    def owner_of(self, kind: str, name: str) -> Target:
        """Return whose service or log source of this name is asked here: its own, or the environment's."""
        return self if self._above is None or self.place.owns(kind, name) else self._above

    def base(self) -> Path:
        """Return the directory that relative paths of the configuration start from."""
        from pathlib import Path

        source = self._run.settings.source
        return source.parent if source is not None else Path.cwd()

    # --- what is known of them ----------------------------------------------------------------------------------------

    def rhythm(self) -> float | None:
        """Return the seconds between the steps of its systems, as far as they are known."""
        return self.prometheus.rhythm() if "prometheus" in self.__dict__ else None

    def systems_seen(self) -> list[dict[str, Any]]:
        """Return what is known of every system of its own that was asked, as builtins."""
        found = []
        for name, wire in self.wires.items():
            made = next((it for it in self.__dict__.values() if getattr(it, "wire", None) is wire), None)
            found.append(
                {
                    "name": name,
                    "url": self._run.redactor.url(wire.endpoint.base_url),
                    "version": getattr(made, "known_version", ""),
                    "clock_skew": getattr(made, "clock_skew", None),
                    "notes": list(wire.warnings),
                }
            )
        return found

    def forget(self) -> None:
        """Close all connections, and make every system anew when it is used again."""
        for wire in self.wires.values():
            wire.close()
        self.wires.clear()
        for name, part in vars(type(self)).items():
            if isinstance(part, cached_property):
                self.__dict__.pop(name, None)

    # --- parts --------------------------------------------------------------------------------------------------------

    def _one(self, kind: str, make: Callable[[Any], T]) -> T:
        """Return the one system of a kind: its own, or the very same that the environment has."""
        if self.place.owns(kind):
            return make(self.place.owned(kind))
        if self._above is not None and self._above.place.owns(kind):
            shared: T = getattr(self._above, kind)
            return shared
        raise self.missing(kind)

    def missing(self, kind: str, name: str = "") -> ConfigError:
        """Return the error for a system that is not configured."""
        settings = self._run.settings
        target = ("targets", self.name) if self.name else ()
        environment = settings.environment_name if settings.source is not None else "prod"
        key = dotted(("environments", environment, *target, kind, *([name] if name else [])))
        known = sorted(self.place.all(kind)) if kind in NAMED else []
        having = [it.name for it in self._run.places.values() if it.name and it.owns(kind, name or None)]
        problem = "a check needs it and it is not configured"
        file = "" if settings.source is not None else "a deploycheck.toml with "
        needed = 'file = "…"' if kind == "logs" else 'url = "http://…"'
        expected = f"{file}[{key}] and {needed}"
        if known:
            expected = f"one of {', '.join(known)}"
        if having and not self.name:
            fixture = {"services": "health"}.get(kind, kind)
            problem = f"the environment itself has none, only targets do: {', '.join(having)}"
            expected = f'the fixture `{fixture}` among the arguments of the test, or deploycheck.at("{having[0]}")'
        return ConfigError(
            [
                Mistake(
                    where=str(settings.source or "no deploycheck.toml found"),
                    key=key if settings.source is not None else name or kind,
                    problem=problem,
                    expected=expected,
                )
            ]
        )
