from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.session.virtual import Happened, run_in

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def virtual(pytester: pytest.Pytester) -> Callable[..., Happened]:
    """Return a function that runs files in this process on a virtual clock."""

    def run(*arguments: str, **files: str) -> Happened:
        if files:
            pytester.makepyfile(**files)
        return run_in(pytester, pytester.path, *arguments)

    return run
