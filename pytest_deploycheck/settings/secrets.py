"""Secrets, fetched when they are sent: from the environment, a file or a program; never kept, never shown."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
from typing import TYPE_CHECKING

from pytest_deploycheck.errors import Mistake, SecretUnavailable
from pytest_deploycheck.settings.masking import MASK

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pytest_deploycheck.settings.values import SecretRef

TIMEOUT = 10.0
"""How long a program may take to print a secret, in seconds."""

_LARGEST = 64 * 1024
_STDERR_LINES, _STDERR_WIDTH = 5, 200


def resolve(
    ref: SecretRef,
    *,
    base: Path,
    environ: Mapping[str, str],
    warnings: list[str] | None = None,
    timeout: float = TIMEOUT,
) -> str:
    """Return the secret that a reference stands for, without the white space at its end.

    Args:
        ref: the reference.
        base: the directory that relative files are relative to, and in which a program runs.
        environ: the environment variables, for `env` and for the program.
        warnings: where to put what is unwise but works, such as a file that everybody may read.
        timeout: seconds that a program may take.

    Raises:
        SecretUnavailable: if there is no such variable, file or program, or if it gives nothing, or something that no
            header could carry (a line break or another control character within). The value is never in the message.
    """
    if ref.env is not None:
        value = _from_variable(ref, environ)
    elif ref.file is not None:
        value = _from_file(ref, base / ref.file, warnings if warnings is not None else [])
    else:
        value = _from_program(ref, base, environ, timeout)
    value = value.rstrip()
    if not value:
        raise _unavailable(ref, f"{ref.source} is empty", "the secret")
    if not value.isprintable():
        raise _unavailable(ref, f"{ref.source} holds a line break or control character within its value", "one line")
    return value


def _from_variable(ref: SecretRef, environ: Mapping[str, str]) -> str:
    value = environ.get(ref.env or "")
    if value is None:
        raise _unavailable(ref, f"{ref.source} is not set", "the secret")
    return value


def _from_file(ref: SecretRef, path: Path, warnings: list[str]) -> str:
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise _unavailable(ref, f"{ref.source} is not a regular file", "a file that holds the secret")
        with path.open("rb") as file:
            raw = file.read(_LARGEST + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a usable path"
        raise _unavailable(ref, f"{ref.source} cannot be read: {reason}", "a file that holds the secret") from None
    if status.st_mode & stat.S_IROTH:
        warnings.append(
            f"{ref.source} may be read by every user of this machine (mode {stat.S_IMODE(status.st_mode):04o})"
        )
    return _decoded(ref, raw)


def _from_program(ref: SecretRef, base: Path, environ: Mapping[str, str], timeout: float) -> str:
    try:
        process = subprocess.Popen(  # noqa: S603 - a list of arguments, of a reviewed file, without a shell
            list(ref.command or ()),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=base,
            env=dict(environ),
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "an argument holds a NUL character"
        raise _unavailable(
            ref, f"{ref.source} cannot be started: {reason}", "a program that prints the secret"
        ) from None
    try:
        out, err = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        _end(process)
        raise _unavailable(
            ref, f"{ref.source} did not end within {timeout:g} s", "a program that prints the secret"
        ) from None
    except BaseException:
        _end(process)
        raise
    if process.returncode != 0:
        ended = f"exit code {process.returncode}" if process.returncode > 0 else f"signal {-process.returncode}"
        shown = _shown(err, out)
        tail = f"; it says: {shown}" if shown else ""
        raise _unavailable(ref, f"{ref.source} failed with {ended}{tail}", "exit code 0 and the secret on its output")
    return _decoded(ref, out)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a program with everything it has started, which may hold its pipes open."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        process.kill()
    for pipe in (process.stdout, process.stderr):
        if pipe is not None:
            pipe.close()
    process.wait()


def _shown(err: bytes, out: bytes) -> str:
    """Return the last lines of a program's errors on one line, without anything of its output."""
    text = err.decode("utf-8", "replace")
    for part in {out.decode("utf-8", "replace").strip(), *out.decode("utf-8", "replace").split()} - {""}:
        text = text.replace(part, MASK)
    lines = ["".join(char for char in line if char.isprintable()).strip() for line in text.splitlines()]
    return " / ".join(line[:_STDERR_WIDTH] for line in lines[-_STDERR_LINES:] if line)


def _decoded(ref: SecretRef, raw: bytes) -> str:
    if len(raw) > _LARGEST:
        raise _unavailable(ref, f"{ref.source} gives more than 64 KiB", "one line")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        raise _unavailable(ref, f"{ref.source} gives bytes that are not UTF-8", "text") from None


def _unavailable(ref: SecretRef, problem: str, expected: str) -> SecretUnavailable:
    mistake = Mistake(where=ref.where or "configuration", key=ref.key or "secret", problem=problem, expected=expected)
    return SecretUnavailable(
        [mistake], next_step="make the secret available to this run; it is never kept in a file of ours"
    )
