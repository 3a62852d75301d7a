"""The tables about the network: ids, and what cannot be meant."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_deploycheck.errors import ConfigError
from pytest_deploycheck.settings.load import load

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_deploycheck.settings.models import Effective


HOST = "expected the name or address of a host, without scheme, port and path"


def loaded(tmp_path: Path, text: str) -> Effective:
    file = tmp_path / "deploycheck.toml"
    file.write_text(text, encoding="utf-8")
    return load(file, environment=None, overrides={}, environ={}, cwd=tmp_path)


def test_ids(tmp_path: Path) -> None:
    effective = loaded(
        tmp_path,
        "[[certificates]]\nhost = 'a.example'\n[[certificates]]\nhost = '2001:db8::7'\nport = 8443\n"
        "[[certificates]]\nservice = 'app'\n[[names]]\nname = 'a.example'\n"
        "[[ports]]\nhost = 'a.example'\nport = 22\nopen = false\n[[ports]]\nhost = 'a.example'\nport = 443\n"
        "[environments.prod.services.app]\nurl = 'https://a.example'\n",
    )
    tables = ("certificates", "names", "ports")
    assert [[entry.derived_id() for entry in effective.entries(table)] for table in tables] == [
        ["a.example:443", "2001:db8::7:8443", "app"], ["a.example"], ["a.example:22:closed", "a.example:443"],
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        ("[[certificates]]\nport = 443", "certificates[0]: has neither host nor service (expected one of them)"),
        (
            "[[certificates]]\nhost = 'a'\nservice = 'b'",
            "certificates[0]: has both host and service (expected one of them)",
        ),
        (
            "[[certificates]]\nport = 443\nservice = 'b'",
            "certificates[0]: has port with service (expected port only with host: a service's is in its URL)",
        ),
        (
            "[[certificates]]\nhost = 'https://a'",
            f'certificates[0].host: is "https://a" ({HOST})',
        ),
        (
            "[[ports]]\nhost = 'a:443'\nport = 1",
            f'ports[0].host: is "a:443" ({HOST})',
        ),
        (
            "[[ports]]\nhost = 'a'\nport = 1\nopen = false\nmax_latency = '1s'",
            "ports[0]: has max_latency with open = false (expected no max_latency: nothing is to connect)",
        ),
        (
            "[[names]]\nname = 'a'\naddresses = ['b']",
            'names[0].addresses[0]: "b" is not an IP address (expected such as 192.0.2.7 or 2001:db8::7)',
        ),
        (
            "[[names]]\nname = 'a'\nnetworks = ['10.1.0.0/8']",
            (
                'names[0].networks[0]: "10.1.0.0/8" is not a network '
                "(expected such as 10.0.0.0/8, without bits behind the prefix)"
            ),
        ),
    ],
)
def test_what_cannot_be_meant(tmp_path: Path, text: str, mistake: str) -> None:
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, text + "\n")
    (found,) = [str(one) for one in caught.value.mistakes]
    assert found.partition(": ")[2] == mistake


def test_a_port_out_of_range(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, "[[ports]]\nhost = 'a'\nport = 65536\n")
    assert "ports[0].port" in str(caught.value)
