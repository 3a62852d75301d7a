"""What fixtures observed and set off: it counts for every check that uses them, however long ago it was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pytest


class Borrowed:
    """The observations and stimuli of the fixtures that are alive."""

    def __init__(self) -> None:
        """No fixture was made yet."""
        self._observed: dict[str, list[tuple[Any, tuple[str, ...]]]] = {}  # name → (the request it was made by, ids)
        self._stimuli: dict[str, float] = {}

    def made(self, request: pytest.FixtureRequest, name: str, ids: tuple[str, ...], *, stimulus: float | None) -> None:
        """Note what a fixture did while it was made.

        Args:
            request: by which it was made.
            name: of the fixture.
            ids: of the exchanges it made.
            stimulus: when it set something off, on the monotonic clock; None if it did not.
        """
        if ids:
            self._observed.setdefault(name, []).append((request, ids))
        if stimulus is not None:
            self._stimuli[name] = stimulus

    def gone(self, request: pytest.FixtureRequest, name: str) -> None:
        """Forget what a fixture observed once it is torn down."""
        if known := self._observed.get(name):
            self._observed[name] = [pair for pair in known if pair[0] is not request]

    def by(self, item: pytest.Item) -> tuple[str, ...]:
        """Return the ids that a test's live fixtures observed."""
        chain = item.listchain()
        return tuple(
            identity
            for name in getattr(item, "fixturenames", ())
            for request, ids in self._observed.get(name, ())
            if request.node in chain
            for identity in ids
        )

    def stimulus_of(self, item: pytest.Item) -> float:
        """Return when the oldest stimulus that a test depends on was set off; infinite if there is none."""
        names = getattr(item, "fixturenames", ())
        return min((self._stimuli[name] for name in names if name in self._stimuli), default=float("inf"))
