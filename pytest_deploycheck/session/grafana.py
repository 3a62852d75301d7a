"""The environment's Grafana with what it needs of this run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_deploycheck.face.grafana import Grafana

if TYPE_CHECKING:
    from pytest_deploycheck.session.run import Run
    from pytest_deploycheck.session.target import Target
    from pytest_deploycheck.settings import systems


def grafana_of(run: Run, target: Target, system: systems.Grafana) -> Grafana:
    """Return the Grafana of a target, or of the environment.

    Args:
        run: whose clock, tape and settings it uses.
        target: whose it is.
        system: its settings.
    """
    wire = target.wire("grafana", system)

    def keep(name: str, body: bytes, kind: str) -> None:
        run.tape.record(
            system=wire.endpoint.name,
            method="RECORD",
            url=run.redactor.text(f"record:{name}"),
            response_headers=(("content-type", kind),),
            body=run.redactor.body(body),
            started=run.clock.now(),
            elapsed=0.0,
        )

    return Grafana(
        wire,
        clock=run.clock,
        ledger=run.ledger,
        observed=run.observed,
        deployment=run.settings.deployment,
        external_url=system.external_url or system.url,
        org_id=system.org_id,
        base=target.base(),
        keep=keep,
    )
