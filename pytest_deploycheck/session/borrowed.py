"""What fixtures observed and set off: it counts for every check that uses them, however long ago it was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_deploycheck.session.targeting import PARAMETER, target_of

if TYPE_CHECKING:
    import pytest

Place = tuple[str, str]
"""A fixture's name, and the target of the instance; empty for one that depends on no target."""


class Borrowed:
    """The observations and stimuli of the fixtures that are alive.

    A fixture that speaks to a target's systems has an instance for each, and several may be alive while checks wait:
    what one of them observed counts for the checks of its own target only.
    """

    def __init__(self) -> None:
        """No fixture was made yet."""
        self._observed: dict[Place, list[tuple[Any, tuple[str, ...]]]] = {}  # (the request it was made by, ids)
        self._stimuli: dict[Place, float] = {}
        self._by_target: set[Any] = set()  # definitions of fixtures that depend on a target

    def made(
        self,
        fixturedef: pytest.FixtureDef[Any],
        request: pytest.FixtureRequest,
        ids: tuple[str, ...],
        *,
        stimulus: float | None,
    ) -> None:
        """Note what a fixture did while it was made.

        Args:
            fixturedef: the fixture.
            request: by which it was made.
            ids: of the exchanges it made.
            stimulus: when it set something off, on the monotonic clock; None if it did not.
        """
        place = self._place(fixturedef, request)
        if ids:
            self._observed.setdefault(place, []).append((request, ids))
        if stimulus is not None:
            self._stimuli[place] = stimulus

    def gone(self, request: pytest.FixtureRequest, name: str) -> None:
        """Forget what a fixture observed once it is torn down."""
        for place, known in self._observed.items():
            if place[0] == name:
                self._observed[place] = [pair for pair in known if pair[0] is not request]

    def by(self, item: pytest.Item) -> tuple[str, ...]:
        """Return the ids that a test's live fixtures observed."""
        chain = item.listchain()
        return tuple(
            identity
            for place in _places(item)
            for request, ids in self._observed.get(place, ())
            if request.node in chain
            for identity in ids
        )

    def stimulus_of(self, item: pytest.Item) -> float:
        """Return when the oldest stimulus that a test depends on was set off; infinite if there is none."""
        return min((self._stimuli[place] for place in _places(item) if place in self._stimuli), default=float("inf"))

    def _place(self, fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest) -> Place:
        used = [request._get_active_fixturedef(name) for name in fixturedef.argnames if name != "request"]  # noqa: SLF001 - pytest tells of it nowhere else
        if fixturedef.argname == PARAMETER or any(one in self._by_target for one in used):
            self._by_target.add(fixturedef)
            return fixturedef.argname, target_of(request._pyfuncitem)  # noqa: SLF001 - the same
        return fixturedef.argname, ""


def _places(item: pytest.Item) -> list[Place]:
    """Return where a test's fixtures may be noted: with its target, and without."""
    targets = dict.fromkeys((target_of(item), ""))
    return [(name, target) for name in getattr(item, "fixturenames", ()) for target in targets]
