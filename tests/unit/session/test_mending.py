"""What another attempt may mend, and what it cannot: asked of every error that a check may end with."""

from __future__ import annotations

import httpx
import pytest

from pytest_deploycheck import errors
from pytest_deploycheck.session.mending import mends


def every_error(kind: type[errors.DeploycheckError] = errors.DeploycheckError) -> list[type[errors.DeploycheckError]]:
    return [kind, *(below for sub in kind.__subclasses__() for below in every_error(sub))]


FOR_GOOD = {
    "Unauthorized",
    "Forbidden",
    "QueryFailed",
    "Ambiguous",
    "NotSupported",
    "TlsFailed",
    "TooLarge",
    "WriteNotAllowed",
    "AuthorMistake",
    "NeverJudged",
    "MarkerMistake",
    "NothingObserved",
    "ConfigError",
    "SecretUnavailable",
}


@pytest.mark.parametrize("kind", every_error(), ids=lambda kind: kind.__name__)
def test_our_own_errors(kind: type[errors.DeploycheckError]) -> None:
    error = kind([]) if issubclass(kind, errors.ConfigError) else kind("what happened")
    assert mends(error, retry=False) is not any(parent.__name__ in FOR_GOOD for parent in kind.__mro__)
    assert mends(error, retry=True)
    assert mends(error, (kind,))


@pytest.mark.parametrize(
    "error",
    [
        AssertionError("too low"),
        pytest.fail.Exception("too low"),
        ConnectionRefusedError("nobody there"),
        TimeoutError("no answer"),
        httpx.ConnectError("nobody there"),
        httpx.ReadTimeout("no answer"),
    ],
)
def test_what_was_measured_and_connections_may_mend(error: BaseException) -> None:
    assert mends(error, retry=False)


@pytest.mark.parametrize(
    "error",
    [
        KeyError("typo"),
        TypeError("None < 3"),
        NameError("promethues"),
        httpx.InvalidURL("no scheme"),
        pytest.fail.Exception("Timeout (>5.0s) from pytest-timeout."),
    ],
)
def test_bugs_and_the_authors_time_limit_do_not(error: BaseException) -> None:
    assert not mends(error, retry=False)
    assert mends(error, retry=True)
    assert mends(error, (OSError, type(error)))
    assert not mends(error, (ZeroDivisionError,))


def test_what_did_not_raise_and_what_was_skipped_is_never_tried_again() -> None:
    assert not mends(None, retry=True)
    assert not mends(pytest.skip.Exception("not here"), retry=True)
