"""The network as this run sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_deploycheck.face.network import Network
from pytest_deploycheck.transport.dialing import Dialer

if TYPE_CHECKING:
    from pytest_deploycheck.session.run import Run
    from pytest_deploycheck.session.target import Target


def network_of(run: Run, target: Target) -> Network:
    """Return names, ports and certificates, as the machine of a run sees them.

    Args:
        run: whose clock and tape are used.
        target: whose services can be named.
    """
    return Network(
        Dialer(tape=run.tape, redactor=run.redactor, clock=run.clock),
        services=target.place.all("services"),
        base=target.base(),
        clock=run.clock,
        ledger=run.ledger,
        observed=run.observed,
        missing=lambda name: target.missing("services", name),
    )
