"""httpx is imported without the half that is a command-line program, and that half stays importable."""

from __future__ import annotations

import subprocess
import sys


def _run(program: str) -> str:
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return done.stdout + done.stderr


def test_the_way_out_does_not_import_the_program() -> None:
    program = (
        "import sys, pytest_deploycheck.transport.wire\n"
        "print('httpx' in sys.modules, [name for name in ('httpx._main', 'click', 'rich') if name in sys.modules])"
    )
    assert _run(program) == "True []\n"


def test_the_program_can_be_imported_afterwards() -> None:
    program = "import pytest_deploycheck.transport.library, httpx._main; print(httpx._main.main.name)"
    assert _run(program) == "main\n"


def test_an_httpx_that_is_there_already_stays_as_it_is() -> None:
    program = (
        "import httpx; before = httpx.main\n"
        "from pytest_deploycheck.transport import library\n"
        "print(library.httpx is httpx, httpx.main is before)"
    )
    assert _run(program) == "True True\n"
