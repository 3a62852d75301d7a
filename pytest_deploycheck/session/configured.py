"""The run's effective settings, read once, and the mistakes that collection finds."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from pytest_deploycheck.errors import ConfigError
from pytest_deploycheck.settings.load import find_config, load

if TYPE_CHECKING:
    from pytest_deploycheck.settings.models import Effective

DEPLOYMENT_OPTIONS = {
    "deployment.version": "deployment_version",
    "deployment.image_digest": "deployment_image_digest",
    "deployment.started_at": "deployment_started_at",
    "deployment.finished_at": "deployment_finished_at",
    "deployment.change_ticket": "deployment_change_ticket",
}
"""Dotted settings key → option destination."""

_SETTINGS = pytest.StashKey["Effective | ConfigError"]()
_MISTAKES = pytest.StashKey[list[str]]()


def settings_of(config: pytest.Config) -> Effective:
    """Return the run's effective settings, read once.

    Raises:
        ConfigError: if they cannot be used; the same one each time.
    """
    known = config.stash.get(_SETTINGS, None)
    if known is None:
        option = config.option
        overrides = {
            key: value
            for key, destination in DEPLOYMENT_OPTIONS.items()
            if (value := getattr(option, destination, None)) is not None
        }
        given = option.deploycheck_config or os.environ.get("DEPLOYCHECK_CONFIG")
        try:
            path = config.invocation_params.dir / given if given else find_config(config.rootpath)
            known = load(
                path,
                environment=option.deploycheck_env,
                overrides=overrides,
                environ=os.environ,
                cwd=config.rootpath,
                targets=option.deploycheck_target,
            )
            if option.deploycheck_strict:
                known = known.model_copy(update={"strict": True})
        except ConfigError as error:
            known = error
        config.stash[_SETTINGS] = known
    if isinstance(known, ConfigError):
        raise known
    return known


def mistakes_of(config: pytest.Config) -> list[str]:
    """Return the list in which mistakes of collection are gathered, to be told all at once."""
    return config.stash.setdefault(_MISTAKES, [])
