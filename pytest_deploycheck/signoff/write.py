"""Writing the sign-off and its evidence, so that a run killed at any moment leaves no sign-off or one that says HOLD.

The order is what makes it so: `latest` leaves the older run first, the HOLD record stands from the start, evidence is
appended as it comes, and the finished record takes the place of the HOLD record in one rename, last of all. Only one
process may write a run: under xdist that is the controller.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import re
import secrets
import tempfile
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pytest_deploycheck.errors import DeploycheckError
from pytest_deploycheck.model.run import EvidenceFile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

FILE_MODE: Final = 0o644
DIRECTORY_MODE: Final = 0o755
OBSERVATIONS: Final = "evidence/observations.jsonl"
BODIES: Final = "evidence/bodies"
_RUN_ID: Final = re.compile(r"[0-9]{8}T[0-9]{6}Z-[0-9a-f]{6}")
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_NO_SPACE: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class CannotWrite(DeploycheckError):  # noqa: N818 - named as its siblings in `errors` are
    """The sign-off or its evidence could not be written."""


def new_run_id(now: float) -> str:
    """Return an id such as `20261121T114500Z-3fa9c1`: it sorts by time, and two runs of one second differ.

    Args:
        now: Unix seconds.
    """
    return f"{datetime.fromtimestamp(now, tz=UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"


class Writer:
    """Writes one run's directory. Nothing is created before the first write.

    Args:
        directory: of all reports; created if absent.
        run_id: of this run, as `new_run_id` makes them.
        name: of its directory where that is not the run id: a checkpoint's within its long run.
        symlink: makes a symbolic link; replaceable because not every file system has them.

    Raises:
        ValueError: if the run id is none (it becomes a directory's name).
    """

    def __init__(
        self, directory: Path, run_id: str, *, name: str = "", symlink: Callable[[str, Path], None] = os.symlink
    ) -> None:
        """Remember the places."""
        if not _RUN_ID.fullmatch(run_id):
            message = f"not a run id: {run_id!r}"
            raise ValueError(message)
        self.run_id = run_id
        self.directory = directory
        self.path = directory / (name or run_id)
        self._symlink = symlink
        self._lock = threading.Lock()
        self._observations: int | None = None
        self._closed = False
        self._appended = 0
        self._count = 0
        self._hash = hashlib.sha256()
        self._bodies: dict[str, int] = {}
        self._adopted: list[EvidenceFile] = []

    @property
    def signoff(self) -> Path:
        """Where the record is."""
        return self.path / "signoff.json"

    @property
    def report(self) -> Path:
        """Where the report for people is."""
        return self.path / "signoff.md"

    @property
    def observations(self) -> int:
        """How many exchanges were appended."""
        return self._count

    def write_incomplete(self, record: Mapping[str, Any], markdown: str) -> None:
        """Create the run's directory, point `latest` at it, and write the HOLD record. Call it before the first check.

        Args:
            record: of `signoff.record.incomplete`.
            markdown: the same for people.

        Raises:
            CannotWrite: if that is impossible; then no run should begin.
        """
        with self._lock:
            self._open()
            self._replace_both(record, markdown)

    def append(self, nodeid: str, exchange: Mapping[str, Any], *, phase: str, worker: str) -> None:
        """Append one exchange to `evidence/observations.jsonl`; it is out of this process when this returns.

        Args:
            nodeid: of the check that observed it; empty for one that belongs to no check.
            exchange: of `Exchange.to_dict`, redacted.
            phase: `setup`, `call` or `teardown`.
            worker: the xdist worker, or `main`.

        Raises:
            CannotWrite: if it cannot be kept. What was appended of the line is taken back.
        """
        line = json.dumps({"check": nodeid, "phase": phase, "worker": worker, **exchange}).encode() + b"\n"
        path = self.path / OBSERVATIONS
        with self._lock, _explained("append to", path):
            descriptor = self._open()
            try:
                _write_all(descriptor, line)
            except OSError:
                with contextlib.suppress(OSError):
                    os.ftruncate(descriptor, self._appended)
                raise
            self._appended += len(line)
            self._count += 1
            self._hash.update(line)

    def body(self, sha256: str, content: bytes) -> None:
        """Keep a body under its hash, once.

        Args:
            sha256: of the content, in hexadecimal.
            content: the redacted body.

        Raises:
            CannotWrite: if it cannot be kept, or the name is no hash (it may come from another process).
        """
        if not _SHA256.fullmatch(sha256):
            raise CannotWrite(f"not a SHA-256: {sha256!r}", where=str(self.path / BODIES))
        with self._lock:
            if sha256 in self._bodies:
                return
            self._open()
            path = self.path / BODIES / sha256
            with _explained("write", path), _staged(path, content, durable=False) as staged:
                staged.replace(path)
            self._bodies[sha256] = len(content)

    def evidence(self) -> tuple[EvidenceFile, ...]:
        """Return the index of what was kept: the observations, then the bodies by name, then what was adopted."""
        observations = EvidenceFile(name=OBSERVATIONS, sha256=self._hash.hexdigest(), size=self._appended)
        bodies = (
            EvidenceFile(name=f"{BODIES}/{sha256}", sha256=sha256, size=size)
            for sha256, size in sorted(self._bodies.items())
        )
        return (observations, *bodies, *self._adopted)

    def adopt(self, part: Writer) -> None:
        """List the record and the evidence of a part of this run, which lie in a directory within this one's.

        Args:
            part: closed, after its record was written.

        Raises:
            CannotWrite: if its record cannot be read.
        """
        prefix = part.path.relative_to(self.path).as_posix()
        with _explained("read", part.signoff):
            content = part.signoff.read_bytes()
        record = EvidenceFile(
            name=f"{prefix}/{part.signoff.name}", sha256=hashlib.sha256(content).hexdigest(), size=len(content)
        )
        theirs = (EvidenceFile(name=f"{prefix}/{it.name}", sha256=it.sha256, size=it.size) for it in part.evidence())
        self._adopted += [record, *theirs]

    def write(self, record: Mapping[str, Any], markdown: str) -> None:
        """Put the finished record and report in the place of the HOLD ones.

        Args:
            record: of `signoff.record.build`.
            markdown: the same for people.

        Raises:
            CannotWrite: if that is impossible; then the HOLD record still stands.
        """
        with self._lock:
            descriptor = self._open()
            with _explained("sync", self.path / OBSERVATIONS):
                os.fsync(descriptor)
            self._replace_both(record, markdown)

    def close(self) -> None:
        """Close the evidence file; more may not be appended."""
        with self._lock:
            self._closed = True
            if self._observations is not None:
                os.close(self._observations)
                self._observations = None

    def _open(self) -> int:
        """Create the directories and `latest` at the first call; return the descriptor of the observations."""
        if self._closed:
            raise CannotWrite(f"cannot write to {self.path}: this run was closed", where=str(self.path))
        if self._observations is None:
            with _explained("create", self.directory):
                if not self.directory.is_dir():
                    self.directory.mkdir(parents=True, mode=DIRECTORY_MODE)
            with _explained("create", self.path):
                for path in (self.path, self.path / "evidence", self.path / BODIES):
                    path.mkdir()
                    path.chmod(DIRECTORY_MODE)
            self._point_latest()
            path = self.path / OBSERVATIONS
            with _explained("create", path):
                flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
                self._observations = os.open(path, flags, FILE_MODE)
                os.fchmod(self._observations, FILE_MODE)
        return self._observations

    def _point_latest(self) -> None:
        """Let `latest` name this run, as a link where links are possible and as a text file where they are not.

        A text file that is there already is kept up to date beside the link: it must not go on naming an older run.
        """
        latest, text = self.directory / "latest", self.directory / "latest.txt"
        linked = False
        with _explained("point", latest):
            temporary = self.directory / f".latest.{self.run_id}"
            try:
                self._symlink(self.path.name, temporary)
            except (OSError, NotImplementedError):
                latest.unlink(missing_ok=True)
            else:
                try:
                    temporary.replace(latest)
                    linked = True
                finally:
                    temporary.unlink(missing_ok=True)
        if not linked or text.exists():
            content = f"{self.path.name}\n".encode()
            with _explained("write", text), _staged(text, content) as staged:
                staged.replace(text)

    def _replace_both(self, record: Mapping[str, Any], markdown: str) -> None:
        """Stage both files whole, then rename them one after the other, the record last.

        With both on the disk before the first rename, a full disk can no longer leave the one without the other.
        """
        encoded = json.dumps(record, indent=2, ensure_ascii=False, allow_nan=False).encode() + b"\n"
        text = markdown.encode("utf-8", "backslashreplace")
        with (
            _explained("write", self.signoff),
            _staged(self.report, text) as report,
            _staged(self.signoff, encoded) as signoff,
        ):
            report.replace(self.report)
            signoff.replace(self.signoff)
            descriptor = os.open(self.path, os.O_RDONLY)
            try:
                # Some file systems cannot sync a directory; the renames themselves have succeeded by now.
                with contextlib.suppress(OSError):
                    os.fsync(descriptor)
            finally:
                os.close(descriptor)


def withdraw_latest(directory: Path) -> bool:
    """Remove `latest`, the link or the text file; return whether there was one. The runs themselves are kept.

    Raises:
        CannotWrite: if it is there and cannot be removed.
    """
    found = False
    for path in (directory / "latest", directory / "latest.txt"):
        if path.is_symlink() or (path.suffix and path.is_file()):
            with _explained("remove", path):
                path.unlink(missing_ok=True)
            found = True
    return found


@contextlib.contextmanager
def _staged(path: Path, content: bytes, *, durable: bool = True) -> Iterator[Path]:
    """Yield a temporary file beside `path` with the content; it is gone afterwards if it was not renamed.

    Args:
        path: where it shall go.
        content: what is in it.
        durable: whether it is on the disk before it is yielded. Bodies are not: there may be thousands, and their name
            tells whether they are whole.
    """
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name[:40]}.", dir=path.parent)
    try:
        try:
            os.fchmod(descriptor, FILE_MODE)
            _write_all(descriptor, content)
            if durable:
                os.fsync(descriptor)
        finally:
            os.close(descriptor)
        yield Path(name)
    finally:
        with contextlib.suppress(FileNotFoundError):
            Path(name).unlink()


def _write_all(descriptor: int, content: bytes) -> None:
    """Write all of it: a single `write` may take less than it is given."""
    view = memoryview(content)
    while view:
        view = view[os.write(descriptor, view) :]


@contextlib.contextmanager
def _explained(action: str, path: Path) -> Iterator[None]:
    """Turn an OSError into a message with the path, what happened and what to do."""
    try:
        yield
    except OSError as error:
        if error.errno in _NO_SPACE:
            next_step = "make room there, or choose another place with --deploycheck-reports"
        elif error.errno == errno.EISDIR or (error.errno == errno.EEXIST and path.name == "latest"):
            next_step = f"{path} must be a link or absent: move that directory away"
        elif error.errno == errno.EEXIST:
            next_step = "a run of this id was written already: start a new run"
        else:
            next_step = "check that it is a directory that may be written, or choose another with --deploycheck-reports"
        reason = error.strerror or str(error)
        raise CannotWrite(f"cannot {action} {path}: {reason}", where=str(path), next_step=next_step) from error
