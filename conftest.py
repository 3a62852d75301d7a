"""The repository's own tests run pytest inside pytest."""

from __future__ import annotations

import os

import pytest

pytest_plugins = ["pytester"]

OTHERS = "-p no:asyncio -p no:pytest-bdd -p no:pytest_order -p no:randomly -p no:timeout"
"""Plugins that are installed to be tested beside ours: only the tests that name them load them."""

os.environ["PYTEST_ADDOPTS"] = f"{os.environ.get('PYTEST_ADDOPTS', '')} {OTHERS}".strip()


@pytest.fixture
def pytester(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """Keep those plugins out of inner runs as well; pytest's own fixture forgets the variable."""
    monkeypatch.setenv("PYTEST_ADDOPTS", OTHERS)
    return pytester
