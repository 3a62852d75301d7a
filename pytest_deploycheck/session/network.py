"""The network as this run sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_deploycheck.face.network import Network
from pytest_deploycheck.transport.dialing import Dialer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pytest_deploycheck.session.run import Run


def network_of(run: Run, *, base: Path, missing: Callable[[str], Exception]) -> Network:
    """Return names, ports and certificates, as the machine of a run sees them.

    Args:
        run: whose clock, tape and settings are used.
        base: the directory of the configuration.
        missing: gives the error for a service that is not configured.
    """
    return Network(
        Dialer(tape=run.tape, redactor=run.redactor, clock=run.clock),
        services=run.settings.environment.services,
        base=base,
        clock=run.clock,
        ledger=run.ledger,
        observed=run.observed,
        missing=missing,
    )
