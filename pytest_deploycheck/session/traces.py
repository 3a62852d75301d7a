"""Keeps our own frames out of the failures of errors that we raise on purpose: such an error says itself what to do."""

from __future__ import annotations

import os
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING

import pluggy
import pytest

from pytest_deploycheck.errors import DeploycheckError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType

_PYTEST_HOME = Path(pytest.__file__).parent


def _under(*places: Path | str) -> tuple[str, ...]:
    return tuple(f"{place}{os.sep}" for place in places)


_OWN = _under(Path(__file__).parent.parent)
_RUNNERS = _under(_PYTEST_HOME, _PYTEST_HOME.with_name("_pytest"), Path(pluggy.__file__).parent)
_LIBRARIES = _under(*{sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib")})


def hide_own_frames(excinfo: pytest.ExceptionInfo[BaseException]) -> None:
    """Take our frames, and those of libraries that we called, out of the traceback of one of our errors.

    What the author of the check wrote stays. Any other exception keeps its whole traceback: it is a bug, in the check
    or in ours, and the frames tell where.

    Args:
        excinfo: of the phase that failed, before pytest makes its text.
    """
    if not isinstance(excinfo.value, DeploycheckError):
        return
    keep_authors_frames(excinfo)
    _relink(excinfo.value)  # for those who read the raw traceback: `--tb=native`, other plugins


def keep_authors_frames(excinfo: pytest.ExceptionInfo[BaseException]) -> None:
    """Take our frames, and those of libraries that we called, out of what pytest shows, whatever the exception is."""
    told = iter(_told([str(entry.path) for entry in excinfo.traceback]))
    excinfo.traceback = excinfo.traceback.filter(lambda _: next(told))


def hide_own_values(report: pytest.TestReport) -> None:
    """Take arguments and local variables out of our frames, where `--full-trace` or a bug of ours makes them appear.

    They hold headers and bodies as they were sent and received, credentials included, and pytest shows them cut and
    wrapped. With them go those of all library frames: some of these work for us, and no check is helped by the others.

    Args:
        report: as pytest made it.
    """
    chain = getattr(report.longrepr, "chain", None)
    if not chain:
        return
    entries = [entry for traceback, _, _ in chain for entry in traceback.reprentries if hasattr(entry, "reprlocals")]
    paths = [str(Path.cwd() / getattr(entry.reprfileloc, "path", "")) for entry in entries]
    if not any(path.startswith(_OWN) for path in paths):
        return
    for entry, path in zip(entries, paths, strict=True):
        if path.startswith((*_OWN, *_LIBRARIES)):
            entry.reprlocals = entry.reprfuncargs = None


def tell(report: pytest.TestReport, error: DeploycheckError) -> None:
    """Let the report of a failed phase show the error's own lines, and no Python names before them.

    Args:
        report: as pytest made it.
        error: what the phase ended with.
    """
    crash = getattr(report.longrepr, "reprcrash", None)
    entries = getattr(getattr(report.longrepr, "reprtraceback", None), "reprentries", None)
    last = entries[-1] if entries else None
    lines = getattr(last, "lines", None)
    if crash is None or not isinstance(entries, list) or not isinstance(lines, list):
        return
    crash.message = error.headline
    text = [f"E   {line}" for line in str(error).splitlines()]
    if not _has_authors_frame(error):
        # nobody wrote the line that failed (a fixture of ours, a guard): the text says it all
        path, line, _ = report.location
        crash.path, crash.lineno = path, (line or 0) + 1
        lines[:] = text
        for part in ("reprfuncargs", "reprlocals", "reprfileloc"):
            if hasattr(last, part):
                setattr(last, part, None)
        entries[:] = [last]
        return
    kept = [line for line in lines if not line.startswith("E ")]
    if len(kept) < len(lines):  # other forms, such as `--tb=native`, keep Python's own wording
        lines[:] = kept + text


def _told(paths: Iterable[str]) -> list[bool]:
    """Return for each frame's file whether the frame is shown: not ours, and no library's that was called by ours."""
    shown = []
    within = False
    for path in paths:
        ours = path.startswith(_OWN)
        within = ours or (within and path.startswith(_LIBRARIES))
        shown.append(not within)
    return shown


def _relink(error: BaseException) -> None:
    """Close the gaps that our frames leave in the raw traceback."""
    frames = _frames(error)
    shown = _told(frame.tb_frame.f_code.co_filename for frame in frames)
    kept = [frame for frame, told in zip(frames, shown, strict=True) if told]
    for frame, following in zip(kept, [*kept[1:], None], strict=False):
        frame.tb_next = following
    error.__traceback__ = kept[0] if kept else None


def _has_authors_frame(error: BaseException) -> bool:
    return any(not frame.tb_frame.f_code.co_filename.startswith((*_OWN, *_RUNNERS)) for frame in _frames(error))


def _frames(error: BaseException) -> list[TracebackType]:
    found = []
    frame = error.__traceback__
    while frame is not None:
        found.append(frame)
        frame = frame.tb_next
    return found
