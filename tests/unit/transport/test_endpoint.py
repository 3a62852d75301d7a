"""Endpoints are checked when they are made."""

from __future__ import annotations

import math
from typing import Any

import pytest

from pytest_deploycheck.errors import ConfigError
from pytest_deploycheck.transport.endpoint import Endpoint, Retries, Timeouts, is_loopback

URL = "http|https://host[:port][/prefix]"


@pytest.mark.parametrize(
    ("url", "mistake"),
    [
        ("", f"has no scheme (expected {URL})"),
        ("localhost:9090", f"has no scheme (expected {URL})"),
        ("prometheus", f"has no scheme (expected {URL})"),
        ("ftp://h/", f"has the scheme 'ftp' (expected {URL})"),
        ("http://", f"has no host (expected {URL})"),
        ("http://:9090", f"has no host (expected {URL})"),
        ("http://h:99999", f"is not a URL: Port out of range 0-65535 (expected {URL})"),
        ("http://h:x", f"is not a URL: Port could not be cast to integer value as 'x' (expected {URL})"),
        ("http://h:0", f"has the port 0 (expected {URL})"),
        ("http://[::1", f"is not a URL: Invalid IPv6 URL (expected {URL})"),
        ("http://a b/", f"holds white space or a control character (expected {URL})"),
        ("http://h/\nX: 1", f"holds white space or a control character (expected {URL})"),
        ("http://ho,st/", f"has the host 'ho,st', which is no host name (expected {URL})"),
        ("http://h/?a=b", f"has a query or a fragment (expected {URL})"),
        ("http://h/#a", f"has a query or a fragment (expected {URL})"),
        ("http://u:s3cr3t@h/", "holds credentials (expected them in `auth`, by reference)"),
        ("http://u:s3cr3t@h:x/", f"is not a URL (expected {URL})"),
    ],
)
def test_addresses_that_cannot_be_asked(url: str, mistake: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Endpoint(name="prometheus", base_url=url)
    assert str(caught.value) == (
        "1 mistake in the configuration\n"
        f"  system prometheus: base_url: {mistake}\n"
        "  next: mend them; `deploycheck config` shows what is read, `deploycheck schema` what is expected"
    )


@pytest.mark.parametrize(
    "url",
    [
        "http://h",
        "HTTPS://H:1/prom/",
        "http://[::1]:9090",
        "http://bücher.example/",
        "http://a_b.c",
        "http://127.0.0.1",
    ],
)
def test_addresses_that_can(url: str) -> None:
    assert Endpoint(name="p", base_url=url).base_url == url


def test_all_mistakes_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        Endpoint(
            name="p",
            base_url="x",
            proxy="https://u:s3cr3t@proxy",
            timeouts=Timeouts(total=0, read=math.nan),
            retries=Retries(attempts=0, base=-1),
            max_body=0,
        )
    assert [str(mistake) for mistake in caught.value.mistakes] == [
        f"system p: base_url: has no scheme (expected {URL})",
        "system p: timeouts.read: is nan (expected more than 0)",
        "system p: timeouts.total: is 0 (expected more than 0)",
        "system p: max_body: is 0 (expected more than 0)",
        "system p: retries.attempts: is 0 (expected more than 0)",
        "system p: retries.base: is -1 (expected 0 or more)",
        "system p: proxy: has the scheme 'https' (expected http|socks5|socks5h://host[:port])",
    ]


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost", True),
        ("a.localhost", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("10.0.0.1", False),
        ("localhost.example", False),
        ("", False),
    ],
)
def test_loopback(host: str, expected: Any) -> None:
    assert is_loopback(host) is expected


@pytest.mark.parametrize(
    ("url", "compression", "expected"),
    [
        ("http://127.0.0.1:9090", "auto", "identity"),
        ("http://[::1]:9090", "auto", "identity"),
        ("http://prometheus:9090", "auto", "gzip"),
        ("http://127.0.0.1", "gzip", "gzip"),
        ("http://prometheus", "identity", "identity"),
    ],
)
def test_packing(url: str, compression: Any, expected: str) -> None:
    assert Endpoint(name="p", base_url=url, compression=compression).accept_encoding == expected
