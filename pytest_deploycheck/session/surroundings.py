"""Where a run takes place: machine, account, versions, command line."""

from __future__ import annotations

import getpass
import os
import platform
import shlex
from importlib import metadata
from typing import TYPE_CHECKING

from pytest_deploycheck.model.run import DeploymentRecord, RunnerRecord
from pytest_deploycheck.settings.masking import masked_arguments
from pytest_deploycheck.settings.models import Deployment
from pytest_deploycheck.settings.places import VARIABLE

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pytest

    from pytest_deploycheck.transport.redaction import Redactor

_OWN = "pytest-deploycheck"
_VARIABLES = (
    *("DEPLOYCHECK_CONFIG", "DEPLOYCHECK_ENV", VARIABLE),
    *(f"DEPLOYMENT_{field.upper()}" for field in Deployment.model_fields),
)
"""The environment variables that say what is verified."""


def runner_record(config: pytest.Config, redactor: Redactor, *, workers: int) -> RunnerRecord:
    """Return where and how this run takes place, the command line masked."""
    try:
        user = getpass.getuser()
    except (OSError, KeyError):  # no passwd entry: usual in containers
        user = ""
    plugins = {dist.project_name: dist.version for _, dist in config.pluginmanager.list_plugin_distinfo()}
    for name in ("pytest", _OWN):
        try:
            plugins[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            plugins[name] = "unknown"
    return RunnerRecord(
        host=platform.node(),
        user=user,
        python=platform.python_version(),
        platform=platform.platform(),
        directory=str(config.invocation_params.dir),
        command=tuple(redactor.text(str(part)) for part in ("pytest", *config.invocation_params.args)),
        variables=_variables(os.environ, redactor),
        plugins=dict(sorted(plugins.items())),
        workers=workers,
    )


def _variables(environ: Mapping[str, str], redactor: Redactor) -> dict[str, str]:
    """Return the variables that said what was verified, and pytest's own further options; set to nothing is not set."""
    found = {name: redactor.text(value) for name in _VARIABLES if (value := environ.get(name, "").strip())}
    try:
        options = shlex.split(environ.get("PYTEST_ADDOPTS", ""))
    except ValueError:  # pytest itself has refused it
        options = []
    if options:
        found["PYTEST_ADDOPTS"] = redactor.text(shlex.join(masked_arguments(tuple(options))))
    return found


def deployment_record(deployment: Deployment) -> DeploymentRecord:
    """Return the deployment with its times as Unix seconds."""
    return DeploymentRecord(
        version=deployment.version or "",
        image_digest=deployment.image_digest or "",
        change_ticket=deployment.change_ticket or "",
        started_at=deployment.started_at.timestamp() if deployment.started_at else None,
        finished_at=deployment.finished_at.timestamp() if deployment.finished_at else None,
    )
