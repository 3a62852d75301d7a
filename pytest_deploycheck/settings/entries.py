"""What every entry of a table of expectations has."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field

from pytest_deploycheck.settings.texts import EntryId, Key, Tier
from pytest_deploycheck.settings.values import Frozen, Whole

Count = Annotated[Whole, Field(ge=1)]
"""A number of things that must be there."""


class Entry(Frozen):
    """What every entry has: a readable id, and who answers for it."""

    id: EntryId = ""
    """The test's id; made from the entry's content where it is not given. Unique in its table."""
    level: Literal["blocker", "warning"] | None = None
    """Whether it gates; the suite's own level if it is not given."""
    owner: str = ""
    """Who answers for it."""
    runbook: str = ""
    """A URL that helps at 2 a.m."""
    ticket: str = ""
    """A ticket."""
    reason: str = ""
    """Why it has this level."""
    tier: Tier | None = None
    """What a failure means for the release: `immediate`, `after(30m)` or `investigate`."""
    targets: Annotated[tuple[Key, ...], Field(min_length=1)] = ()
    """The targets it is about, where an environment has some; every one that has the system if none is named."""

    def wait(self) -> timedelta | None:
        """Return how long its test is tried again, from its first attempt; None = it is tried once."""
        return None

    def derived_id(self) -> str:
        """Return the id, or one made from what the entry is about."""
        return self.id or self._natural_id()

    def _natural_id(self) -> str:
        raise NotImplementedError
