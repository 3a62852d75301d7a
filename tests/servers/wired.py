"""A wire to a test's server, with its tape."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

from pytest_deploycheck.clock import ManualClock
from pytest_deploycheck.errors import DeploycheckError
from pytest_deploycheck.transport.endpoint import Endpoint, Retries, Secret, Timeouts
from pytest_deploycheck.transport.redaction import Redactor
from pytest_deploycheck.transport.tape import Tape
from pytest_deploycheck.transport.wire import Wire

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_deploycheck.model.exchange import Exchange

Kind = TypeVar("Kind", bound=DeploycheckError)
ONCE = Retries(attempts=1)
QUICK = Timeouts(connect=5.0, read=5.0, total=0.3)


@dataclass(frozen=True, slots=True)
class Wired:
    """A wire and what it writes to."""

    wire: Wire
    tape: Tape
    clock: ManualClock
    redactor: Redactor

    def refused(self, kind: type[Kind], method: str, path: str, **arguments: Any) -> Kind:
        """Ask, and return the error, which must be of exactly that kind."""
        with pytest.raises(DeploycheckError) as caught:
            self.wire.request(method, path, **arguments)
        assert type(caught.value) is kind, str(caught.value)
        return caught.value

    @property
    def last(self) -> Exchange:
        """The newest exchange; takes the tape's."""
        return self.tape.take()[-1]


@contextmanager
def wired(base_url: str, **fields: Any) -> Iterator[Wired]:
    """Make a wire to `base_url`; `fields` are those of `Endpoint`."""
    tape, redactor, clock = Tape(), Redactor(), ManualClock()
    endpoint = Endpoint(**{"name": "prometheus", "base_url": base_url, **fields})
    with Wire(endpoint, tape=tape, redactor=redactor, clock=clock) as wire:
        yield Wired(wire, tape, clock, redactor)


def secret(value: str, source: str = "environment variable PROM_TOKEN") -> Secret:
    return Secret(source, lambda: value)
