"""Whether waiting may mend what an attempt ended with."""

from __future__ import annotations

import pytest

from pytest_deploycheck import errors

_NEVER = (
    errors.Unauthorized,
    errors.Forbidden,
    errors.QueryFailed,
    errors.Ambiguous,
    errors.NotSupported,
    errors.TlsFailed,
    errors.TooLarge,
    errors.WriteNotAllowed,
    errors.AuthorMistake,
    errors.NothingObserved,
    errors.ConfigError,
)
"""Credentials, questions, certificates and checks do not mend by themselves."""


def mends(error: BaseException | None, retry: tuple[type[BaseException], ...] | bool) -> bool:
    """Return whether another attempt may end differently.

    Measured failures, missing data, servers that are down or starting, and connections of the author's own client may
    mend. What is refused for good, and a bug in the check, do not.

    Args:
        error: what the attempt ended with; None if it did not raise.
        retry: what the author wants tried again in spite of that; `True` = everything.
    """
    if error is None or isinstance(error, pytest.skip.Exception):
        return False
    if retry is True or (retry and isinstance(error, retry)):
        return True
    if isinstance(error, _NEVER):
        return False
    if isinstance(error, errors.DeploycheckError | AssertionError | OSError):
        return True
    if isinstance(error, pytest.fail.Exception):
        return not str(error).startswith("Timeout")  # pytest-timeout: it would take as long again
    return any(
        kind.__module__.split(".")[0] == "httpx" and kind.__name__ == "TransportError" for kind in type(error).__mro__
    )
