"""Everything that can go wrong, each with what, where and what next, and with the outcome it means for a check."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import msgspec

from pytest_deploycheck.model.outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence


class DeploycheckError(Exception):
    """Base of all errors that the plugin raises on purpose.

    Args:
        what: what went wrong, one line, naming the thing.
        where: its place: a URL, or `file:line`.
        next_step: what the reader should do or look at.
        details: further lines, such as the head of an answer.
        evidence: the id of the exchange that shows it.
    """

    outcome: ClassVar[Outcome] = Outcome.ERROR

    def __init__(
        self, what: str, *, where: str = "", next_step: str = "", details: Sequence[str] = (), evidence: str = ""
    ) -> None:
        """Keep the parts; the text is put together when it is asked for."""
        super().__init__(what)
        self.what = what
        self.where = where
        self.next_step = next_step
        self.details = tuple(details)
        self.evidence = evidence

    @property
    def headline(self) -> str:
        """The one line for summaries."""
        return next(iter(self.what.splitlines()), "")

    def __str__(self) -> str:
        """Return the whole text, one part a line."""
        lines = [self.what]
        if self.where:
            lines.append(f"  at: {self.where}")
        lines += [f"  {line}" for line in self.details]
        if self.evidence:
            lines.append(f"  evidence: {self.evidence}")
        if self.next_step:
            lines.append(f"  next: {self.next_step}")
        return "\n".join(lines)


# --- measured, but not enough to tell -------------------------------------------------------------------------------


class Inconclusive(DeploycheckError):  # noqa: N818 - an outcome, named as the outcome is
    """There was an answer, but it does not tell good from bad."""

    outcome = Outcome.INCONCLUSIVE


class NoData(Inconclusive):
    """An empty vector, only NaN, no samples, nothing listed."""


class NotEnoughData(Inconclusive):
    """Too few samples, too little coverage of a window, a denominator below its floor, a partial answer."""


class NothingObserved(Inconclusive):
    """A check passed without having observed anything."""


class NotSupported(Inconclusive):
    """The system has no such API (VictoriaMetrics without a ruler, say)."""


# --- could not measure ----------------------------------------------------------------------------------------------


class CannotMeasure(DeploycheckError):  # noqa: N818 - an outcome
    """No usable answer came."""


class Unreachable(CannotMeasure):
    """Name not resolved, connection refused or reset, no route, proxy gone."""


class TimedOut(CannotMeasure):
    """A connect or read time-out, or the total deadline (a slow drip)."""


class TlsFailed(CannotMeasure):
    """Certificate not trusted, expired, for another name; handshake failed."""


class Unauthorized(CannotMeasure):
    """401: no credentials, wrong ones, or an expired token."""


class Forbidden(CannotMeasure):
    """403: the credentials do not allow it."""


class NotFound(CannotMeasure):
    """404 where the API should be: the base URL is probably wrong."""


class Throttled(CannotMeasure):
    """429 after all retries."""


class ServerFailed(CannotMeasure):
    """5xx after all retries."""


class NotReady(CannotMeasure):
    """503 while the server is starting (Prometheus replaying its WAL)."""


class Redirected(CannotMeasure):
    """3xx where an answer was asked for: mostly a login page."""


class Malformed(CannotMeasure):
    """Not the format asked for: HTML for JSON, truncated JSON, an unknown shape."""


class TooLarge(CannotMeasure):
    """The answer exceeded the size limit."""


class QueryFailed(CannotMeasure):
    """The server refused the question: invalid PromQL, too many points, many-to-many matching."""


class Ambiguous(CannotMeasure):
    """Several series where exactly one was meant."""


class WriteNotAllowed(CannotMeasure):
    """A request that may change something, without the opt-in of check and run."""


# --- mistakes of the author or in the configuration -----------------------------------------------------------------


class AuthorMistake(DeploycheckError):  # noqa: N818 - a mistake, not an error of ours
    """The check itself is wrong."""


class NeverJudged(AuthorMistake):
    """A result was asked for and never compared: an `assert` was forgotten."""


class MarkerMistake(AuthorMistake):
    """A marker with unknown or wrong arguments."""


class Mistake(msgspec.Struct, frozen=True, kw_only=True):
    """One mistake in the configuration.

    Attributes:
        where: `file:line`, `option --x` or `environment variable X`.
        key: the dotted key, such as `environments.prod.prometheus.url`.
        problem: what is wrong with it (never the value of a secret).
        expected: what was expected.
    """

    where: str
    key: str
    problem: str
    expected: str = ""

    def __str__(self) -> str:
        """Return the one line a person reads."""
        tail = f" (expected {self.expected})" if self.expected else ""
        return f"{self.where}: {self.key}: {self.problem}{tail}"


class ConfigError(DeploycheckError):
    """The configuration cannot be used.

    Args:
        mistakes: all of them, in file order.
    """

    def __init__(self, mistakes: Sequence[Mistake], *, next_step: str = "") -> None:
        """Keep the mistakes."""
        self.mistakes = tuple(mistakes)
        count = len(self.mistakes)
        super().__init__(
            f"{count} mistake{'s' if count != 1 else ''} in the configuration",
            details=[str(mistake) for mistake in self.mistakes],
            next_step=next_step
            or "mend them; `deploycheck config` shows what is read, `deploycheck schema` what is expected",
        )

    @property
    def headline(self) -> str:
        """The first mistake, and how many more there are: "1 mistake" alone helps nobody."""
        if not self.mistakes:
            return self.what
        more = len(self.mistakes) - 1
        return f"{self.mistakes[0]}{f' (and {more} more)' if more else ''}"


class SecretUnavailable(ConfigError):  # noqa: N818 - named after what is the matter
    """A secret reference that cannot be resolved (unset variable, unreadable file, failing command)."""
