"""The environment's Grafana with what it needs of this run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_deploycheck.face.grafana import Grafana

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_deploycheck.session.run import Run
    from pytest_deploycheck.settings import systems


def grafana_of(run: Run, system: systems.Grafana, *, base: Path) -> Grafana:
    """Return the Grafana of a run's environment.

    Args:
        run: whose clock, tape and settings it uses.
        system: its settings.
        base: the directory of the configuration.
    """

    def keep(name: str, body: bytes, kind: str) -> None:
        run.tape.record(
            system="grafana",
            method="RECORD",
            url=run.redactor.text(f"record:{name}"),
            response_headers=(("content-type", kind),),
            body=run.redactor.body(body),
            started=run.clock.now(),
            elapsed=0.0,
        )

    return Grafana(
        run.wire("grafana", system),
        clock=run.clock,
        ledger=run.ledger,
        observed=run.observed,
        deployment=run.settings.deployment,
        external_url=system.external_url or system.url,
        org_id=system.org_id,
        base=base,
        keep=keep,
    )
