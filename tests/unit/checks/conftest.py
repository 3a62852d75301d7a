from __future__ import annotations

import pytest

from pytest_deploycheck.checks.asked import Asked


@pytest.fixture
def asked() -> Asked:
    return Asked("the question", "prometheus http://p", ("e1",), ("look there",))
