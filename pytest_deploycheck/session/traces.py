"""Keeps our own frames out of the failures of errors that we raise on purpose: such an error says itself what to do."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pluggy
import pytest

from pytest_deploycheck.errors import DeploycheckError

if TYPE_CHECKING:
    from types import TracebackType

_OWN = f"{Path(__file__).parent.parent}{os.sep}"
_PYTEST_HOME = Path(pytest.__file__).parent
_RUNNERS = tuple(
    f"{place}{os.sep}" for place in (_PYTEST_HOME, _PYTEST_HOME.with_name("_pytest"), Path(pluggy.__file__).parent)
)


def hide_own_frames(excinfo: pytest.ExceptionInfo[BaseException]) -> None:
    """Take our frames out of the traceback of one of our errors; what the author of the check wrote stays.

    Any other exception keeps its whole traceback: it is a bug, in the check or in ours, and the frames tell where.

    Args:
        excinfo: of the phase that failed, before pytest makes its text.
    """
    if not isinstance(excinfo.value, DeploycheckError):
        return
    excinfo.traceback = excinfo.traceback.filter(lambda entry: not str(entry.path).startswith(_OWN))
    _relink(excinfo.value)  # for those who read the raw traceback: `--tb=native`, other plugins


def tell(report: pytest.TestReport, error: DeploycheckError) -> None:
    """Let the report of a failed phase show the error's own lines, and no Python names before them.

    Args:
        report: as pytest made it.
        error: what the phase ended with.
    """
    text = str(error)
    crash = getattr(report.longrepr, "reprcrash", None)
    traceback = getattr(report.longrepr, "reprtraceback", None)
    entries = getattr(traceback, "reprentries", None)
    if not _has_authors_frame(error) or crash is None:
        report.longrepr = text  # nobody wrote the line that failed: a fixture of ours, or a guard
        return
    crash.message = text
    lines = getattr(entries[-1], "lines", None) if entries else None
    if isinstance(lines, list):
        kept = [line for line in lines if not line.startswith("E ")]
        # other forms, such as `--tb=native`, keep Python's own wording
        if len(kept) < len(lines):
            lines[:] = kept + [f"E   {line}" for line in text.splitlines()]


def _relink(error: BaseException) -> None:
    """Close the gaps that our frames leave in the raw traceback."""
    kept = [frame for frame in _frames(error) if not frame.tb_frame.f_code.co_filename.startswith(_OWN)]
    for frame, following in zip(kept, [*kept[1:], None], strict=False):
        frame.tb_next = following
    error.__traceback__ = kept[0] if kept else None


def _has_authors_frame(error: BaseException) -> bool:
    return any(not frame.tb_frame.f_code.co_filename.startswith((_OWN, *_RUNNERS)) for frame in _frames(error))


def _frames(error: BaseException) -> list[TracebackType]:
    found = []
    frame = error.__traceback__
    while frame is not None:
        found.append(frame)
        frame = frame.tb_next
    return found
