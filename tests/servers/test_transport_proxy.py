"""Through a proxy, only where one is configured."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest

from pytest_deploycheck.clock import ManualClock
from pytest_deploycheck.errors import ConfigError, Unauthorized, Unreachable
from pytest_deploycheck.transport.endpoint import Endpoint, Tls
from pytest_deploycheck.transport.redaction import Redactor
from pytest_deploycheck.transport.tape import Tape
from pytest_deploycheck.transport.wire import Wire
from tests.servers.bad_servers import answering, forward_proxy, json_answer, refused_port
from tests.servers.test_transport_tls import Authority
from tests.servers.wired import ONCE, wired

if TYPE_CHECKING:
    from pathlib import Path

CREDENTIALS = base64.b64encode(b"bob:pr0xy-pass").decode()


def test_http_through_a_proxy() -> None:
    with answering(json_answer([1])) as server, forward_proxy() as proxy, wired(server.url, proxy=proxy.url) as w:
        assert w.wire.request("GET", "/x", params={"a": "b"}).body == b"[1]"
        assert proxy.targets == [f"GET {server.url}/x?a=b"]
        assert server.targets == ["GET /x?a=b"]


def test_https_through_a_proxy_with_a_server_name(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    tls = Tls(ca=authority.file, server_name="prom.example")
    with (
        answering(json_answer([1]), tls=authority.server("prom.example")) as server,
        forward_proxy() as proxy,
        wired(server.url, proxy=proxy.url, tls=tls) as w,
    ):
        assert w.wire.request("GET", "/x").body == b"[1]"
        assert proxy.targets == [f"CONNECT 127.0.0.1:{server.port}"]


def test_the_proxys_credentials_are_used_and_never_shown() -> None:
    with answering(json_answer([1])) as server, forward_proxy(credentials=CREDENTIALS) as proxy:
        url = proxy.url.replace("http://", "http://bob:pr0xy-pass@")
        with wired(server.url, proxy=url) as w:
            assert w.wire.request("GET", "/x").status == 200
            assert "pr0xy-pass" not in str([exchange.to_dict() for exchange in w.tape.take()])
        with wired(server.url, proxy=proxy.url) as w:
            error = w.refused(Unauthorized, "GET", "/x")
            assert error.what == "prometheus: 407, the proxy wants credentials"


def test_a_proxy_that_does_not_connect(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    with (
        answering(json_answer([1]), tls=authority.server()) as server,
        forward_proxy(credentials=CREDENTIALS) as proxy,
        wired(server.url, proxy=proxy.url) as w,
    ):
        error = w.refused(Unreachable, "GET", "/x")
        assert str(error) == (
            f"prometheus: the proxy {proxy.url} does not connect\n"
            f"  at: {server.url}/x\n"
            "  the proxy says: 407 X\n"
            f"  evidence: {w.last.id}\n"
            "  next: may this machine use the proxy, with which credentials, and may the proxy reach the host?"
        )


def test_a_proxy_that_is_not_there() -> None:
    with (
        refused_port() as port,
        wired("http://127.0.0.1:1", proxy=f"http://bob:pr0xy-pass@127.0.0.1:{port}", retries=ONCE) as w,
    ):
        error = w.refused(Unreachable, "GET", "/x")
        assert str(error) == (
            f"prometheus: the proxy http://127.0.0.1:{port} refuses connections\n"
            "  at: http://127.0.0.1:1/x\n"
            f"  evidence: {w.last.id}\n"
            "  next: does the proxy run, and is its address right?"
        )


def test_the_environments_proxies_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with answering(json_answer([1])) as server, refused_port() as port:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{port}")
        with wired(server.url) as w:
            assert w.wire.request("GET", "/x").status == 200


def test_socks_without_its_package() -> None:
    try:
        import socksio  # type: ignore[import-not-found,unused-ignore]  # noqa: F401 - is it there?
    except ImportError:
        pass
    else:
        pytest.skip("socksio is installed")
    endpoint = Endpoint(name="prometheus", base_url="http://127.0.0.1:1", proxy="socks5://127.0.0.1:1080")
    with pytest.raises(ConfigError) as caught:
        Wire(endpoint, tape=Tape(), redactor=Redactor(), clock=ManualClock())
    assert str(caught.value) == (
        "1 mistake in the configuration\n"
        "  system prometheus: proxy: is a SOCKS proxy, but the package socksio is not installed\n"
        "  next: pip install 'pytest-deploycheck[socks]'"
    )
