"""How the reports of a test that was set aside find it in xdist: by the index that its worker sends with them."""

from __future__ import annotations

from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Generator

    import pytest


class Speaker:
    """Knows the index of every test, and tells xdist's worker which of them is spoken of.

    Args:
        session: pytest's.
    """

    def __init__(self, session: pytest.Session) -> None:
        """Look for nothing yet."""
        self._session = session

    @contextmanager
    def of(self, item: pytest.Item) -> Generator[None, None, None]:
        """Let an xdist worker know whose reports come: it sends them under the index of the test that it runs."""
        interactor = self._interactor
        if interactor is None:
            yield
            return
        before = getattr(interactor, "item_index", None)
        interactor.item_index = self._indices[item]
        try:
            yield
        finally:
            interactor.item_index = before

    @cached_property
    def _interactor(self) -> Any:
        plugins = self._session.config.pluginmanager.get_plugins()
        return next((it for it in plugins if type(it).__name__ == "WorkerInteractor"), None)

    @cached_property
    def _indices(self) -> dict[pytest.Item, int]:
        return {item: index for index, item in enumerate(self._session.items)}
