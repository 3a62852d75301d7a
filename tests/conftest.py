from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_deploycheck.sandbox.faults import find_fault
from pytest_deploycheck.sandbox.stack import Sandbox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    """One healthy demo stack for the whole session (one a worker under xdist), started by the first test that asks.

    Whoever breaks it mends it: `broken_sandbox` does both.
    """
    with Sandbox() as stack:
        yield stack


@pytest.fixture
def broken_sandbox(request: pytest.FixtureRequest) -> Iterator[Callable[..., Sandbox]]:
    """Return a factory of stacks in which the given faults show; they are mended or ended after the test.

    Faults that can be switched on a running stack use the shared one, unless `fresh=True` asks for a stack of its own.
    """
    started: list[Sandbox] = []
    shared: list[Sandbox] = []

    def broken(*faults: str, fresh: bool = False) -> Sandbox:
        if fresh or not all(find_fault(name).live for name in faults):
            own = Sandbox(faults)
            own.start()
            started.append(own)
            return own
        stack: Sandbox = request.getfixturevalue("sandbox")
        shared.append(stack)
        for name in faults:
            stack.break_(name)
        return stack

    yield broken
    for stack in started:
        stack.stop()
    for stack in shared:
        stack.mend_all()
