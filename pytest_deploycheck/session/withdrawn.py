"""What a run that cannot begin does about the sign-off of the run before it.

A pipeline reads `reports/latest`. Where the configuration cannot be used there is no run for it to name, and left alone
it would go on naming an older one, perhaps a GO.
"""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_deploycheck.errors import ConfigError
from pytest_deploycheck.settings.load import find_config
from pytest_deploycheck.signoff.write import withdraw_latest

if TYPE_CHECKING:
    import pytest


def withdraw(config: pytest.Config) -> str:
    """Take `latest` away from where this run would have put it; return what to say of it, empty if there was none.

    Raises:
        CannotWrite: if it is there and cannot be removed.
    """
    directory = _reports(config)
    if not withdraw_latest(directory):
        return ""
    return f"\n  {directory / 'latest'} named an older run and was removed: this run has no verdict"


def _reports(config: pytest.Config) -> Path:
    """Return where reports would have gone, as far as a configuration that cannot be used tells it."""
    option, started = config.option, config.invocation_params.dir
    if option.deploycheck_reports:
        return Path(started / option.deploycheck_reports)
    given = option.deploycheck_config or os.environ.get("DEPLOYCHECK_CONFIG")
    path: Path | None = None
    try:
        path = started / given if given else find_config(config.rootpath)
        if path is None:
            return config.rootpath / "reports"
        told = tomllib.loads(path.read_text(encoding="utf-8")).get("reports")
    except (ConfigError, OSError, ValueError):  # what is wrong with the file is being told already
        told = None
    base = path.parent if path is not None else config.rootpath
    return base / (told if isinstance(told, str) and told else "reports")
