"""`deploycheck rbac`: print the manifest with the permissions that Kubernetes checks need."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

from pytest_deploycheck.errors import ConfigError, Mistake

if TYPE_CHECKING:
    import argparse

_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")  # RFC 1123 label, as namespaces are named


def add_arguments(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command; `run` is its `run` default."""
    parser = subparsers.add_parser(
        "rbac",
        help="print the least-privilege RBAC manifest for Kubernetes checks",
        description="Print the manifest with the permissions that Kubernetes checks need, and nothing more; for "
        "`kubectl apply -f -`.",
    )
    parser.add_argument("--namespace", metavar="NAME", help="the namespace of the workloads (default: a placeholder)")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print it.

    Raises:
        ConfigError: if the namespace cannot be one.
    """
    from pytest_deploycheck.clients.kubernetes.permissions import PLACEHOLDER, manifest

    namespace = PLACEHOLDER if args.namespace is None else args.namespace
    if not _NAME.fullmatch(namespace):
        mistake = Mistake(
            where="option --namespace", key="namespace", problem=f"{namespace!r} cannot be one", expected="such as shop"
        )
        raise ConfigError([mistake], next_step="give the name of a namespace: lower-case letters, digits and hyphens")
    sys.stdout.write(manifest(namespace))
    return 0
