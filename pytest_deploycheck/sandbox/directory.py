"""The stack's directory: temporary ones are removed when their owner ends, at the latest by the next owner."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import time
from pathlib import Path

from pytest_deploycheck.sandbox.process import SandboxError

PREFIX = "deploycheck-sandbox-"
LOCK = "owner.lock"
# Between making a directory and locking it, it looks ownerless; nobody takes that long.
GRACE_SECONDS = 30.0


class WorkingDirectory:
    """A directory with an owner: the process that holds the lock in it.

    The kernel gives the lock back however the owner ends, so "ownerless" needs no process ids, which are used again.

    Args:
        given: a directory to use and to keep; None for a temporary one.
    """

    def __init__(self, given: Path | None = None) -> None:
        """Make the directory and take its lock.

        Raises:
            SandboxError: if the given one is no directory, is in use, or holds something that is not a sandbox's.
        """
        self.temporary = given is None
        if given is None:
            remove_stale()
            self.path = Path(tempfile.mkdtemp(prefix=PREFIX))
        else:
            self.path = given.absolute()
            _prepare_given(self.path)
        self._lock = _take(self.path)
        if self._lock is None:
            raise SandboxError(
                "the directory is in use by another sandbox",
                where=str(self.path),
                next_step="end that one, or choose another --directory",
            )

    def release(self) -> None:
        """Remove a temporary directory; give the lock back."""
        if self._lock is None:
            return
        if self.temporary:
            shutil.rmtree(self.path, ignore_errors=True)
        os.close(self._lock)
        self._lock = None


def remove_stale(parent: Path | None = None, *, grace: float = GRACE_SECONDS) -> list[Path]:
    """Remove the temporary directories of owners that are gone.

    Args:
        parent: where to look; the usual place for temporary files if it is not given.
        grace: how many seconds after its last change a directory is left alone.

    Returns:
        What was removed.
    """
    removed = []
    for path in (parent or Path(tempfile.gettempdir())).glob(f"{PREFIX}*"):
        try:
            state = path.lstat()
        except OSError:
            continue
        # Someone else's, or a link somebody put there: not ours to follow, let alone to remove.
        if state.st_uid != os.getuid() or path.is_symlink() or not path.is_dir():
            continue
        if time.time() - state.st_ctime < grace:
            continue
        lock = _take(path)
        if lock is None:
            continue
        shutil.rmtree(path, ignore_errors=True)
        os.close(lock)
        removed.append(path)
    return removed


def _prepare_given(path: Path) -> None:
    if path.exists() and not path.is_dir():
        raise SandboxError("not a directory", where=str(path), next_step="give a new or an empty directory")
    try:
        path.mkdir(parents=True, exist_ok=True)
        content = list(path.iterdir())
    except OSError as error:
        raise SandboxError(
            f"the directory cannot be used: {error.strerror}",
            where=str(path),
            next_step="give a directory you may write to",
        ) from None
    if content and not (path / LOCK).exists():
        raise SandboxError(
            "the directory is not empty, and no sandbox made what is in it",
            where=str(path),
            next_step="give a new or an empty directory",
        )


def _take(path: Path) -> int | None:
    """Return a descriptor that holds the directory's lock, None if somebody else has it."""
    try:
        descriptor = os.open(path / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor
