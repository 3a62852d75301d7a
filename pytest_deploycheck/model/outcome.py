"""The words of a verdict, from one check's outcome to the whole run's decision."""

from __future__ import annotations

from enum import StrEnum


class Outcome(StrEnum):
    """What one check came to; the four ways of not passing are kept apart."""

    PASSED = "passed"
    """Measured, and good."""
    FAILED = "failed"
    """Measured, and bad."""
    INCONCLUSIVE = "inconclusive"
    """Measured, but not enough to tell: no data, stale, NaN, too few samples, nothing observed."""
    ERROR = "error"
    """Could not measure: unreachable, refused, a malformed answer, a bug in the check."""
    NOT_RUN = "not run"
    """Skipped, deselected, expected to fail, or lost with its worker."""


class Level(StrEnum):
    """Whether a check gates the release or only warns."""

    BLOCKER = "blocker"
    WARNING = "warning"


class Verdict(StrEnum):
    """The one answer of a run."""

    GO = "GO"
    NO_GO = "NO-GO"
    HOLD = "HOLD"


class Recommendation(StrEnum):
    """What to do with the release now."""

    PROMOTE = "PROMOTE"
    HOLD = "HOLD"
    ROLLBACK = "ROLLBACK"
