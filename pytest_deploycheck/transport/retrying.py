"""When to ask again, and how long to wait before: pure."""

from __future__ import annotations

from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_deploycheck.transport.endpoint import Retries

RETRIED_STATUSES = frozenset({429, 502, 503, 504})


def backoff(retries: Retries, attempt: int) -> float:
    """Return the seconds to wait after the given attempt (1 = the first): doubled each time, up to the cap.

    Without jitter: a run asks one system from one machine, and its waits shall be predictable.
    """
    return min(retries.cap, retries.base * 2.0 ** min(attempt - 1, 32))


def wait_after_status(retries: Retries, attempt: int, headers: Mapping[str, str], *, now: float) -> float:
    """Return the seconds to wait after an answer with one of `RETRIED_STATUSES`.

    Args:
        retries: the endpoint's rules.
        attempt: the attempt that got the answer.
        headers: the answer's, names in lower case.
        now: Unix seconds on our clock, for a date where the answer does not say what time it is there.

    Returns:
        What `Retry-After` asks for (never less than the back-off, never more than its cap), else the back-off.
    """
    ordinary = backoff(retries, attempt)
    asked = retry_after(headers, now=now)
    return ordinary if asked is None else min(max(asked, ordinary), max(retries.retry_after_cap, ordinary))


def retry_after(headers: Mapping[str, str], *, now: float) -> float | None:
    """Return the seconds that `Retry-After` asks for (RFC 9110, 10.2.3), or None if it is absent or makes no sense."""
    value = headers.get("retry-after", "").strip()
    if value.isascii() and value.isdecimal():
        # longer numbers than this exceed every cap anyway; int() refuses absurdly long ones
        return float(int(value[:9]) if len(value) <= 9 else 10**9)  # noqa: PLR2004 - see above
    at = _unix_seconds(value)
    if at is None:
        return None
    server_now = _unix_seconds(headers.get("date", ""))
    return max(0.0, at - (now if server_now is None else server_now))


def _unix_seconds(date: str) -> float | None:
    if not date:
        return None
    try:
        moment = parsedate_to_datetime(date)
    except (ValueError, IndexError, TypeError, OverflowError):
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
