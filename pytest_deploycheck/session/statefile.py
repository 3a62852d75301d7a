"""What scheduled checkpoints leave for the next one: a file, written whole or not at all, used by one run at a time."""

from __future__ import annotations

import contextlib
import os
import platform
import re
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import msgspec

from pytest_deploycheck.errors import DeploycheckError
from pytest_deploycheck.model.checkpoint import Checkpoint  # noqa: TC001 - the file is read by these annotations

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SCHEMA: Final = "deploycheck/checkpoints/v1"
_KEPT: Final = 10
"""Deployments that one file remembers: it may be shared by all of a pipeline's."""

_MODE: Final = 0o644
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9._+-]+")


class StateError(DeploycheckError):
    """The state of earlier checkpoints cannot be used."""


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """What is observed: another deployment, or another environment, is another observation.

    Attributes:
        environment: its name.
        version: of the deployment; empty if unknown.
        image_digest: of the deployment; empty if unknown.
        finished: the deployment's finish, Unix seconds.
        targets: the clusters or regions that the run is narrowed to; empty if it is not.
    """

    environment: str
    version: str
    image_digest: str
    finished: float
    targets: tuple[str, ...] = ()

    def file_name(self) -> str:
        """Return the name of its own state file."""
        name = "-".join([self.environment, str(self.version or int(self.finished)), *self.targets])
        return f"{_UNSAFE.sub('_', name)[:100]}.json"


class _Observed(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    subject: Subject
    checkpoints: list[Checkpoint]


class _State(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    schema: Literal["deploycheck/checkpoints/v1"]
    observations: list[_Observed]


class StateFile:
    """The file, locked from `open` to `close`.

    Args:
        path: of the file; beside it a `.lock` is made, which stays.
        subject: what is observed.
    """

    def __init__(self, path: Path, subject: Subject) -> None:
        """Nothing is read or locked yet."""
        self.path = path
        self._subject = subject
        self._lock: int | None = None
        self._others: list[_Observed] = []

    def open(self) -> list[Checkpoint]:
        """Lock the file, and return what earlier runs left of this deployment's checkpoints.

        Raises:
            StateError: if another run uses it, or it cannot be read, or it is not what this version writes.
        """
        with _explained("lock", self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._take_lock()
        try:
            with _explained("read", self.path):
                content = self.path.read_bytes()
        except FileNotFoundError:
            return []
        try:
            state = msgspec.json.decode(content, type=_State)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise StateError(
                f"{self.path} is not the state of checkpoints that this version writes: {error}",
                where=str(self.path),
                next_step="bring it back from a copy; or move it away, and what earlier checkpoints saw is lost",
            ) from None
        mine = next((it for it in state.observations if it.subject == self._subject), None)
        self._others = [it for it in state.observations if it is not mine]
        return mine.checkpoints if mine is not None else []

    def write(self, checkpoints: Sequence[Checkpoint]) -> None:
        """Put the checkpoints in the place of what the file held of this deployment.

        Raises:
            StateError: if it cannot be written; then the file is as it was.
        """
        mine = _Observed(subject=self._subject, checkpoints=list(checkpoints))
        state = _State(schema=SCHEMA, observations=[*self._others[-(_KEPT - 1) :], mine])
        content = msgspec.json.format(msgspec.json.encode(state), indent=1) + b"\n"
        with _explained("write", self.path):
            descriptor, name = tempfile.mkstemp(prefix=f".{self.path.name[:40]}.", dir=self.path.parent)
            try:
                with os.fdopen(descriptor, "wb") as file:
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())
                Path(name).chmod(_MODE)
                Path(name).replace(self.path)
            except BaseException:
                Path(name).unlink(missing_ok=True)
                raise

    def close(self) -> None:
        """Let other runs use the file."""
        if self._lock is not None:
            os.close(self._lock)  # which ends the lock
            self._lock = None

    def _take_lock(self) -> None:
        path = self.path.with_name(f"{self.path.name}.lock")
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _MODE)
        try:
            _lock(descriptor)
        except BlockingIOError:
            holder = os.read(descriptor, 200).decode(errors="replace").strip()
            os.close(descriptor)
            raise StateError(
                f"{self.path} is in use by another run{f' ({holder})' if holder else ''}",
                where=str(path),
                next_step="let it end, and let the scheduler start no two at once (concurrencyPolicy: Forbid)",
            ) from None
        except BaseException:
            os.close(descriptor)
            raise
        self._lock = descriptor
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"process {os.getpid()} on {platform.node()}\n".encode(), 0)


def _lock(descriptor: int) -> None:
    """Lock a file for this process alone; the lock ends with the process, however it ends.

    Raises:
        BlockingIOError: if another process has it.
    """
    if sys.platform == "win32":
        import msvcrt

        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError as error:
            raise BlockingIOError(*error.args) from None
    else:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


@contextlib.contextmanager
def _explained(action: str, path: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        if action == "read":
            raise
        raise StateError(f"cannot {action} {path}: its folder is gone", where=str(path)) from None
    except OSError as error:
        raise StateError(
            f"cannot {action} the state of checkpoints {path}: {error.strerror or error}",
            where=str(path),
            next_step="check that the folder may be written, or choose another file with --deploycheck-state",
        ) from None


def subject_of(environment: str, deployment: Any, targets: tuple[str, ...] = ()) -> Subject:
    """Return what is observed.

    Args:
        environment: its name.
        deployment: settings with a known finish.
        targets: those that the run is narrowed to.
    """
    return Subject(
        environment=environment,
        version=deployment.version or "",
        image_digest=deployment.image_digest or "",
        finished=deployment.finished_at.timestamp(),
        targets=targets,
    )
