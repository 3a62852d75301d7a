"""`deploycheck logs infer`: drafts a schema from a sample of a log."""

from __future__ import annotations

import json
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_deploycheck.errors import AuthorMistake

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable
    from contextlib import AbstractContextManager


def add_arguments(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command; `run` is its `run` default."""
    logs = subparsers.add_parser("logs", help="tools for logs: draft a schema from a sample")
    commands = logs.add_subparsers(title="commands", metavar="COMMAND", required=True)
    infer = commands.add_parser(
        "infer",
        help="draft a JSON Schema from a sample of a log",
        description="Draft a JSON Schema from a sample of a log, and print it. It is a draft: read it before a check "
        "depends on it.",
    )
    infer.add_argument("file", metavar="FILE", help="a log file, packed or not; - for standard input")
    infer.add_argument("--output", metavar="FILE", help="write it there instead")
    infer.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Draft the schema; return 0.

    Raises:
        DeploycheckError: if the log cannot be read, holds no JSON, or the output cannot be written.
    """
    from pytest_deploycheck.clients.logs.batch import Meter, batches
    from pytest_deploycheck.clients.logs.infer import draft
    from pytest_deploycheck.clients.logs.sources import file as files

    source: AbstractContextManager[Callable[[int], bytes]] = nullcontext(sys.stdin.buffer.read)
    if args.file != "-":
        source = files.opened(files.finished(files.parts(Path(args.file), None)[0]))
    with source as read:
        found = draft(batches(read, Meter()))
    text = json.dumps(found.schema, indent=2, ensure_ascii=False) + "\n"
    wrapping = "" if found.wrapping == "none" else f", wrapped by {found.wrapping}"
    sys.stderr.write(f"drafted from {found.parsed:,} of {found.lines:,} lines{wrapping}\n")
    if args.output is None:
        sys.stdout.write(text)
        return 0
    try:
        Path(args.output).write_text(text, encoding="utf-8")
    except OSError as error:
        raise AuthorMistake(
            f"{args.output} cannot be written: {error.strerror}", next_step="name a file in a directory that exists"
        ) from None
    return 0
