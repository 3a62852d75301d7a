"""Secrets from variables, files and programs; each way of not having one, with its whole message."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_deploycheck.errors import SecretUnavailable
from pytest_deploycheck.model.outcome import Outcome
from pytest_deploycheck.settings.secrets import resolve
from pytest_deploycheck.settings.values import SecretRef

if TYPE_CHECKING:
    from collections.abc import Callable

PYTHON = sys.executable
NEXT = "  next: make the secret available to this run; it is never kept in a file of ours"


@pytest.fixture
def message(tmp_path: Path) -> Callable[..., str]:
    def refused(ref: SecretRef, environ: dict[str, str] | None = None, timeout: float = 10.0) -> str:
        ref.stands_at("deploycheck.toml:4", "environments.prod.prometheus.auth.bearer")
        with pytest.raises(SecretUnavailable) as caught:
            resolve(ref, base=tmp_path, environ=environ or {}, timeout=timeout)
        assert caught.value.__cause__ is None
        (mistake,) = caught.value.mistakes
        head = "deploycheck.toml:4: environments.prod.prometheus.auth.bearer: "
        assert str(mistake).startswith(head)
        return str(mistake).removeprefix(head)

    return refused


def _program(code: str) -> SecretRef:
    return SecretRef(command=(PYTHON, "-c", code))


def test_variable(tmp_path: Path) -> None:
    assert resolve(SecretRef(env="TOKEN"), base=tmp_path, environ={"TOKEN": "a b\n"}) == "a b"


def test_file_relative_to_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("ab\r\n", encoding="utf-8")
    (tmp_path / "token").chmod(0o600)
    warnings: list[str] = []
    assert resolve(SecretRef(file=Path("token")), base=tmp_path, environ={}, warnings=warnings) == "ab"
    assert warnings == []


def test_file_that_everybody_may_read_is_a_warning(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("ab", encoding="utf-8")
    (tmp_path / "token").chmod(0o644)
    warnings: list[str] = []
    assert resolve(SecretRef(file=Path("token")), base=tmp_path, environ={}, warnings=warnings) == "ab"
    assert warnings == ["file token may be read by every user of this machine (mode 0644)"]


def test_program_has_no_shell_no_input_and_the_environment_it_is_given(tmp_path: Path) -> None:
    code = "import os, sys; print(sys.stdin.read() + os.environ['A'] + os.getcwd() + sys.argv[1])"
    ref = SecretRef(command=(PYTHON, "-c", code, "$A `id`; *"))
    assert resolve(ref, base=tmp_path, environ={"A": "x:"}) == f"x:{tmp_path}$A `id`; *"


def test_whole_message(tmp_path: Path) -> None:
    ref = SecretRef(env="PROM_TOKEN")
    ref.stands_at("deploycheck.toml:4", "environments.prod.prometheus.auth.bearer")
    with pytest.raises(SecretUnavailable) as caught:
        resolve(ref, base=tmp_path, environ={})
    assert caught.value.outcome is Outcome.ERROR
    assert str(caught.value) == (
        "1 mistake in the configuration\n"
        "  deploycheck.toml:4: environments.prod.prometheus.auth.bearer: environment variable PROM_TOKEN is not set "
        f"(expected the secret)\n{NEXT}"
    )


def test_without_a_place(tmp_path: Path) -> None:
    with pytest.raises(SecretUnavailable) as caught:
        resolve(SecretRef(env="X"), base=tmp_path, environ={})
    assert (
        str(caught.value.mistakes[0])
        == "configuration: secret: environment variable X is not set (expected the secret)"
    )


@pytest.mark.parametrize("value", ["", " ", "\n"])
def test_empty_variable(message: Callable[..., str], value: str) -> None:
    assert message(SecretRef(env="T"), {"T": value}) == "environment variable T is empty (expected the secret)"


@pytest.mark.parametrize(
    "value", ["hunter\n2", "hunter\t2", "hunter\x002", "\x1bhunter", "hunter\u20282", "hunter\r\n2"]
)
def test_control_characters(message: Callable[..., str], value: str) -> None:
    assert message(SecretRef(env="T"), {"T": value}) == (
        "environment variable T holds a line break or control character within its value (expected one line)"
    )


def test_files_that_give_none(message: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "empty").write_text("\n", encoding="utf-8")
    (tmp_path / "binary").write_bytes(b"hunter\xff")
    (tmp_path / "large").write_bytes(b"h" * 65_537)
    os.mkfifo(tmp_path / "fifo")
    file = "(expected a file that holds the secret)"
    expected = {
        "gone": f"file gone cannot be read: No such file or directory {file}",
        "d": f"file d is not a regular file {file}",
        "fifo": f"file fifo is not a regular file {file}",
        "/proc/self/mem": f"file /proc/self/mem cannot be read: Input/output error {file}",
        "empty": "file empty is empty (expected the secret)",
        "binary": "file binary gives bytes that are not UTF-8 (expected text)",
        "large": "file large gives more than 64 KiB (expected one line)",
    }
    assert {name: message(SecretRef(file=Path(name))) for name in expected} == expected


def test_programs_that_give_none(message: Callable[..., str]) -> None:
    name = f"command {PYTHON}"
    ended = "(expected exit code 0 and the secret on its output)"
    assert message(SecretRef(command=("/no/such/program",))) == (
        "command /no/such/program cannot be started: No such file or directory "
        "(expected a program that prints the secret)"
    )
    assert message(_program("pass")) == f"{name} is empty (expected the secret)"
    assert message(_program("import sys; sys.exit(3)")) == f"{name} failed with exit code 3 {ended}"
    assert message(_program("import os; os.kill(os.getpid(), 9)")) == f"{name} failed with signal 9 {ended}"


def test_of_a_failed_program_the_errors_are_shown_and_the_output_is_not(message: Callable[..., str]) -> None:
    code = "import sys; print('hunter2'); print('login: \\x1b[1mhunter2 denied', file=sys.stderr); sys.exit(1)"
    assert message(_program(code)) == (
        f"command {PYTHON} failed with exit code 1; it says: login: [1m*** denied "
        "(expected exit code 0 and the secret on its output)"
    )


def test_a_program_that_hangs_is_ended_with_its_children(message: Callable[..., str], tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    program = SecretRef(command=("/bin/sh", "-c", 'exec 3>"$0"; echo up >&3; sleep 60 & echo hunter2; wait', str(fifo)))
    started = time.monotonic()
    assert message(program, timeout=2.0) == (
        "command /bin/sh did not end within 2 s (expected a program that prints the secret)"
    )
    os.set_blocking(reader, True)
    with os.fdopen(reader, "rb") as pipe:
        assert pipe.read() == b"up\n"  # the end comes when the last process that holds it is gone
    assert time.monotonic() - started < 30


def test_a_reference_says_nothing_of_its_value(tmp_path: Path) -> None:
    ref = SecretRef(env="TOKEN")
    assert resolve(ref, base=tmp_path, environ={"TOKEN": "hunter2"}) == "hunter2"
    assert "hunter2" not in f"{ref!r} {ref} {ref.model_dump()} {vars(ref)} {ref.source}"
    assert [each.source for each in (ref, SecretRef(file=Path("a")), SecretRef(command=("b", "c")))] == [
        "environment variable TOKEN",
        "file a",
        "command b",
    ]
