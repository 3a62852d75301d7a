"""`deploycheck config` and `deploycheck schema`."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_deploycheck.errors import ConfigError, Mistake

if TYPE_CHECKING:
    import argparse

OK = 0
USAGE_ERROR = 4
"""As pytest's own: the command, or what it was given, is wrong."""


def add_arguments(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add both commands; `run` is their `run` default."""
    config = subparsers.add_parser(
        "config",
        help="print the effective settings, secrets masked, with where each value came from",
        description="Print the effective settings of one environment, secrets masked, with where each value came from. "
        "Exit code 4 and one line per mistake on standard error if they cannot be used.",
    )
    config.add_argument(
        "--config", metavar="FILE", help="configuration file (default: DEPLOYCHECK_CONFIG, or deploycheck.toml upward)"
    )
    config.add_argument("--env", metavar="NAME", help="environment (default: DEPLOYCHECK_ENV, or the file's)")
    config.add_argument(
        "--target", metavar="NAMES", help="targets, such as eu,apac (default: DEPLOYCHECK_TARGET, or all of them)"
    )
    config.add_argument("--json", action="store_true", help="print JSON")
    config.add_argument("--check", action="store_true", help="only say whether the file can be used")
    config.set_defaults(run=run, command="config")
    schema = subparsers.add_parser(
        "schema",
        help="print the JSON Schema of deploycheck.toml",
        description="Print the JSON Schema (draft 2020-12) of deploycheck.toml, for editors.",
    )
    schema.add_argument("--output", metavar="FILE", help="write it there instead")
    schema.set_defaults(run=run, command="schema")


def run(args: argparse.Namespace) -> int:
    """Run one of both commands and return its exit code: 0, or 4 for mistakes."""
    try:
        return _schema(args) if args.command == "schema" else _config(args)
    except ConfigError as error:
        sys.stderr.write(f"{error}\n")
        return USAGE_ERROR


def _config(args: argparse.Namespace) -> int:
    from pytest_deploycheck.settings.load import find_config, load

    cwd = Path.cwd()
    given = args.config if args.config is not None else os.environ.get("DEPLOYCHECK_CONFIG") or None
    path = Path(given) if given is not None else find_config(cwd)
    if path is None:
        mistake = Mistake(
            where=str(cwd),
            key="configuration file",
            problem="there is no deploycheck.toml here or in a directory above",
            expected="a deploycheck.toml, or the option --config FILE",
        )
        raise ConfigError([mistake], next_step="write one; docs/configuration.md begins with an example")
    effective = load(path, environment=args.env, overrides={}, environ=os.environ, cwd=cwd, targets=args.target)
    if args.check:
        sys.stderr.writelines(f"warning: {warning}\n" for warning in effective.warnings)
        sys.stdout.write(f"{effective.source}: no mistakes (environment {effective.environment_name})\n")
        return OK
    from pytest_deploycheck.settings.show import render_config, render_config_json

    sys.stdout.write((render_config_json if args.json else render_config)(effective))
    return OK


def _schema(args: argparse.Namespace) -> int:
    from pytest_deploycheck.settings.schema import schema

    text = json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"
    if args.output is None:
        sys.stdout.write(text)
        return OK
    try:
        Path(args.output).write_text(text, encoding="utf-8")
    except OSError as error:
        mistake = Mistake(where="option --output", key=args.output, problem=f"cannot be written: {error.strerror}")
        raise ConfigError([mistake], next_step="name a file in a directory that exists and may be written to") from None
    return OK
