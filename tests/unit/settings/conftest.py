"""A directory with a `deploycheck.toml`, and what loading it says."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from pytest_deploycheck.errors import ConfigError
from pytest_deploycheck.settings.load import load
from pytest_deploycheck.settings.models import Effective

if TYPE_CHECKING:
    from pathlib import Path

Loader = Callable[..., Effective]
Complaint = Callable[..., list[str]]


@pytest.fixture
def loaded(tmp_path: Path) -> Loader:
    """Write a text to `deploycheck.toml` and load it."""

    def loader(
        text: str | None,
        environment: str | None = None,
        overrides: dict[str, str] | None = None,
        environ: dict[str, str] | None = None,
        targets: str | None = None,
    ) -> Effective:
        path = tmp_path / "deploycheck.toml" if text is not None else None
        if path is not None and text is not None:
            path.write_text(text, encoding="utf-8")
        return load(
            path,
            environment=environment,
            overrides=overrides or {},
            environ=environ or {},
            cwd=tmp_path,
            targets=targets,
        )

    return loader


@pytest.fixture
def mistakes(loaded: Loader) -> Complaint:
    """Do the same with a wrong text, and return its mistakes."""

    def complaint(text: str | None, **layers: object) -> list[str]:
        with pytest.raises(ConfigError) as caught:
            loaded(text, **layers)
        return [str(mistake) for mistake in caught.value.mistakes]

    return complaint
