"""What the demo stack's `deploycheck.toml` says of Grafana, with its token and the dashboard of the "repository"."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from pytest_deploycheck.sandbox.grafana_demo import CAPACITY, FOLDER, JOURNAL, OVERVIEW, TOKEN, VECTORS, demo_grafana

if TYPE_CHECKING:
    from pathlib import Path

TOKEN_FILE = "grafana-token"  # noqa: S105 - a file's name
DASHBOARD_FILE = f"{OVERVIEW}.json"


def system(url: str, directory: Path, limits: dict[str, Any]) -> dict[str, Any]:
    """Write the token, and return the table of Grafana as a system.

    Args:
        url: Grafana's base URL.
        directory: of the stack.
        limits: of every system.
    """
    token = directory / TOKEN_FILE
    token.unlink(missing_ok=True)
    with os.fdopen(os.open(token, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(TOKEN + "\n")
    return {"url": url, "auth": {"bearer": {"file": str(token)}}, "org_id": 1, **limits}


def checks(directory: Path) -> dict[str, Any]:
    """Write the dashboard as the repository has it, and return the tables of what is expected.

    Args:
        directory: of the stack.
    """
    demo = demo_grafana("")
    (spec,) = (one.spec for one in demo.dashboards if one.uid == OVERVIEW)
    (directory / DASHBOARD_FILE).write_text(json.dumps(spec, indent=2) + "\n", encoding="utf-8")
    return {
        "datasources": [{"name": source.name, "type": source.type} for source in demo.datasources],
        "dashboards": [
            {
                "uid": OVERVIEW, "title": "MCP overview", "folder": "MCP", "min_panels": 10, "provisioned": True,
                "file": str(directory / DASHBOARD_FILE),
            },
            {"uid": JOURNAL, "folder": "MCP", "min_panels": 3},
            {"uid": VECTORS, "folder": FOLDER, "min_panels": 3},
            {"uid": CAPACITY, "folder": "Platform", "min_panels": 2, "export": True, "level": "blocker"},
        ],
        "grafana_rules": [{"name": rule.title, "folder": "MCP"} for rule in demo.rules],
    }  # fmt: skip
