"""`deploycheck sandbox`: run the demo stack, alone or around a command."""

from __future__ import annotations

import math
import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_deploycheck.sandbox.process import SandboxError, launch

if TYPE_CHECKING:
    import argparse
    from types import FrameType

    from pytest_deploycheck.sandbox.stack import Sandbox

USAGE_CODE = 4
"""As pytest says "usage error"."""
NOT_STARTED_CODE = 3
"""The stack could not be started: no verdict was reached."""
CONFIG_VARIABLE = "DEPLOYCHECK_CONFIG"
END_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def add_arguments(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    """Add the sub-command.

    Args:
        subparsers: what `ArgumentParser.add_subparsers` returned.

    Returns:
        The sub-command's parser; `run` takes what it parses.
    """
    parser = subparsers.add_parser(
        "sandbox",
        help="run the demo stack: Prometheus, Alertmanager, a demo service, its Grafana and its cluster",
        description=(
            "Start Debian's Prometheus and Alertmanager, a demo service and stand-ins for its Grafana and its cluster "
            "on free loopback ports, wait until they are ready, and write a deploycheck.toml for them. Without a "
            "COMMAND it runs until Ctrl-C; with one it ends with it, and with its exit code."
        ),
    )
    parser.add_argument(
        "--fault", action="append", default=[], metavar="NAME", help="break something; can be given several times"
    )
    parser.add_argument("--list-faults", action="store_true", help="list what can be broken, and end")
    parser.add_argument("--directory", type=Path, metavar="DIR", help="keep files and logs here")
    parser.add_argument("--config-out", type=Path, metavar="FILE", help="also write the deploycheck.toml to this file")
    parser.add_argument(
        "--for", dest="seconds", type=_positive, metavar="SECONDS", help="end by itself so long after it became ready"
    )
    parser.add_argument("program", nargs="*", metavar="COMMAND", help="after `--`: what to run, DEPLOYCHECK_CONFIG set")
    return parser


def run(arguments: argparse.Namespace) -> int:
    """Run the sub-command.

    Args:
        arguments: what the parser of `add_arguments` returned.

    Returns:
        The COMMAND's exit code (128 + n if signal n ended it), 0 without one, 3 if the stack did not start, 4 for wrong
        arguments.
    """
    if arguments.list_faults:
        sys.stdout.write(f"{list_faults()}\n")
        return 0
    # The other commands pass by here as well, and need none of it.
    from pytest_deploycheck.sandbox.faults import find_fault

    try:
        for name in arguments.fault:
            find_fault(name)
        _check_command(arguments.program)
        if arguments.program and arguments.seconds is not None:
            raise SandboxError("--for and a COMMAND exclude each other", next_step="the stack ends with the command")  # noqa: TRY301
    except SandboxError as error:
        sys.stderr.write(f"deploycheck sandbox: {error}\n")
        return USAGE_CODE
    try:
        return _run_stack(arguments)
    except SandboxError as error:
        sys.stderr.write(f"deploycheck sandbox: {error}\n")
        return NOT_STARTED_CODE


def list_faults() -> str:
    """Return the table of all faults."""
    from pytest_deploycheck.sandbox.faults import FAULTS

    width = max(len(name) for name in FAULTS)
    lines = [f"{'fault':<{width}}  {'verdict':<7}  check  what is broken"]
    lines += [f"{f.name:<{width}}  {f.verdict.value:<7}  {f.check:<5}  {f.summary}" for f in FAULTS.values()]
    return "\n".join(lines)


class _Ended(BaseException):
    """A signal asked us to end; raised in the main thread wherever it is, so that every `finally` runs."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def _run_stack(arguments: argparse.Namespace) -> int:
    from pytest_deploycheck.sandbox.stack import Sandbox

    def end(number: int, _frame: FrameType | None) -> None:
        for each in END_SIGNALS:  # a second one must not interrupt the tidying up
            signal.signal(each, signal.SIG_IGN)
        raise _Ended(number)

    before = {number: signal.signal(number, end) for number in END_SIGNALS}
    try:
        _say("starting Prometheus, Alertmanager, the demo service, its Grafana and its cluster …")
        # The stack's own directory goes when it ends; the reports are what the run was for.
        reports = Path.cwd() / "reports"
        with Sandbox(arguments.fault, directory=arguments.directory, reports=reports) as sandbox:
            config = _copy_config(sandbox, arguments.config_out)
            _describe(sandbox, config)
            if arguments.program:
                return _run_command(arguments.program, config)
            threading.Event().wait(arguments.seconds)
            return 0
    except _Ended as ended:
        # Ending it is how it is meant to end; only a command that was cut short makes it a failure.
        return 128 + ended.number if arguments.program else 0
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _run_command(command: list[str], config: Path) -> int:
    process = subprocess.Popen(launch(command, own_group=False), env={**os.environ, CONFIG_VARIABLE: str(config)})
    try:
        code = process.wait()
    except _Ended as ended:
        # Ctrl-C has reached the command as well, a SIGTERM has not; it gets time to end in order, then none.
        if ended.number != signal.SIGINT:
            process.send_signal(ended.number)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        raise
    return code if code >= 0 else 128 - code


def _copy_config(sandbox: Sandbox, out: Path | None) -> Path:
    if out is None:
        return sandbox.config_path
    try:
        shutil.copyfile(sandbox.config_path, out)
    except OSError as error:
        raise SandboxError(
            f"the configuration cannot be written: {error.strerror}",
            where=str(out),
            next_step="give another --config-out",
        ) from None
    return out.absolute()


def _describe(sandbox: Sandbox, config: Path) -> None:
    from pytest_deploycheck.sandbox.faults import FAULTS
    from pytest_deploycheck.sandbox.project_cluster import NEEDS_EXTRA, has_client

    urls = sandbox.urls
    _say(f"Prometheus    {urls.prometheus}")
    _say(f"Alertmanager  {urls.alertmanager}")
    _say(f"demo service  {urls.service} (replica a)  {urls.service_b} (replica b)")
    _say(f"notifications {urls.receiver}/hook")
    _say(f"Grafana       {urls.grafana}")
    _say(f"Kubernetes    {urls.cluster}" if has_client() else f"Kubernetes    left out: it {NEEDS_EXTRA}")
    _say(f"log           {sandbox.log_path}")
    _say(f"configuration {config}")
    _say(f"reports       {Path.cwd() / 'reports'}")
    for name in sandbox.active_faults:
        _say(f"broken        {name}: {FAULTS[name].summary} (expect {FAULTS[name].verdict.value})")
    _say(f"run           {CONFIG_VARIABLE}={config} pytest suites/post_deploy -m blocker")


def _say(line: str) -> None:
    # stderr: what the COMMAND prints on stdout stays its own.
    sys.stderr.write(f"sandbox: {line}\n")


def _check_command(command: list[str]) -> None:
    if command and shutil.which(command[0]) is None:
        raise SandboxError(f"there is no program {command[0]!r} to run", next_step="give its path, or put it on PATH")


def _positive(text: str) -> float:
    import argparse

    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (value > 0 and math.isfinite(value)):
        message = f"expected a positive number of seconds, not {text!r}"
        raise argparse.ArgumentTypeError(message)
    return value
