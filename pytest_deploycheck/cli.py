"""The `deploycheck` command: `sandbox`, `config`, `schema`, `rbac`."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from pytest_deploycheck import __version__
from pytest_deploycheck.errors import DeploycheckError

if TYPE_CHECKING:
    from collections.abc import Sequence

USAGE_ERROR = 4
"""As pytest's own."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: without the program's name; those of the process if None.

    Returns:
        The exit code; 4 for mistakes in options or configuration.
    """
    parser = argparse.ArgumentParser(
        prog="deploycheck",
        description="Post-deployment verification with pytest: tools around the plugin.",
        epilog="The verification itself is a pytest run: pytest suites/post_deploy -m blocker",
    )
    parser.add_argument("--version", action="version", version=f"deploycheck {__version__}")
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    from pytest_deploycheck.clients.kubernetes import command as kubernetes
    from pytest_deploycheck.clients.logs import command as logs
    from pytest_deploycheck.sandbox import command as sandbox
    from pytest_deploycheck.settings import command as settings

    sandbox.add_arguments(subparsers).set_defaults(run=sandbox.run)
    settings.add_arguments(subparsers)
    logs.add_arguments(subparsers)
    kubernetes.add_arguments(subparsers)
    try:
        parsed = parser.parse_args(arguments)
    except SystemExit as leaving:  # argparse says 2 for a usage error; pytest's 2 means interrupted
        return USAGE_ERROR if leaving.code not in (0, None) else 0
    try:
        code: int = parsed.run(parsed)
    except DeploycheckError as error:
        print(f"deploycheck: {error}", file=sys.stderr)  # noqa: T201 - a command-line program prints
        return USAGE_ERROR
    except KeyboardInterrupt:
        return 130
    return code


if __name__ == "__main__":
    sys.exit(main())
