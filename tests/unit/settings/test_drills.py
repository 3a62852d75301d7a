"""Fire drills in the configuration: ids, how long they are waited for, and what cannot be meant."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from pytest_deploycheck.errors import ConfigError
from pytest_deploycheck.settings.drills import FireDrillCheck
from pytest_deploycheck.settings.load import load

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_deploycheck.settings.models import Effective


def loaded(tmp_path: Path, text: str) -> Effective:
    file = tmp_path / "deploycheck.toml"
    file.write_text(text, encoding="utf-8")
    return load(file, environment=None, overrides={}, environ={}, cwd=tmp_path)


HEAD = "[[fire_drills]]\nlabels = { severity = 'page', team = 'mcp' }\nreceiver = 'pager'\n"


def test_an_entry(tmp_path: Path) -> None:
    (entry,) = loaded(tmp_path, HEAD + "listen = '[::1]:9099'\nend_within = '2m'\n").entries("fire_drills")
    assert isinstance(entry, FireDrillCheck)
    assert entry.derived_id() == "severity=page,team=mcp"
    assert entry.wait() == timedelta(minutes=3, seconds=5)


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        ("", "fire_drills[0]: has no observer (expected exactly one of listen, service, integration)"),
        (
            "listen = '127.0.0.1:1'\nintegration = 'slack'",
            "fire_drills[0]: has listen and integration (expected exactly one of listen, service, integration)",
        ),
        (
            "integration = 'slack'\nend_within = '1m'",
            (
                "fire_drills[0]: has end_within with integration "
                "(expected no end_within: counters do not tell ends from beginnings)"
            ),
        ),
        (
            "listen = '127.0.0.1:1'\npath = '/x'",
            "fire_drills[0]: has path with listen (expected path only with service)",
        ),
        (
            "listen = '127.0.0.1'",
            'fire_drills[0].listen: is "127.0.0.1" (expected host and port, such as 127.0.0.1:9099)',
        ),
        (
            "service = 'nobody'",
            (
                'fire_drills[0].service: there is no environment, so no service "nobody" '
                "(expected a table [environments.NAME])"
            ),
        ),
    ],
)
def test_what_cannot_be_meant(tmp_path: Path, text: str, mistake: str) -> None:
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, f"{HEAD}{text}\n")
    (found,) = [str(one) for one in caught.value.mistakes]
    assert found.partition(": ")[2] == mistake
