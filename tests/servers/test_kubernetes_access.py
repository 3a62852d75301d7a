"""The way into a cluster: kubeconfigs, credential plugins, certificates, a pod's own; and every way it can be wrong."""

from __future__ import annotations

import json
import stat
import sys
from typing import TYPE_CHECKING, Any

import pytest

from pytest_deploycheck.clients.kubernetes import access as module
from pytest_deploycheck.clients.kubernetes.access import find_access
from pytest_deploycheck.errors import ConfigError, TimedOut
from tests.servers.clusters import TOKEN, cluster, kubeconfig, serving

if TYPE_CHECKING:
    from pathlib import Path

OTHER = "from-a-plugin"
URL = "https://k8s.example.com:6443"


def plugin(path: Path, body: str) -> Path:
    path.write_text(f"#!{sys.executable}\n{body}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def exec_user(command: object) -> dict[str, Any]:
    return {
        "exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": str(command), "interactiveMode": "Never"}
    }


def credential(**status: str) -> str:
    document = {"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": status}
    return f"print({json.dumps(document)!r})"


def problem_of(tmp_path: Path, **user: Any) -> str:
    path = kubeconfig(tmp_path / "config", URL, **user)
    with pytest.raises(ConfigError) as caught:
        find_access(kubeconfig=path)
    return str(caught.value).replace(str(tmp_path), "DIR")


def test_a_token(tmp_path: Path) -> None:
    access = find_access(kubeconfig=kubeconfig(tmp_path / "config", URL, token=TOKEN))
    assert access.endpoint.base_url == URL
    assert access.headers() == [("authorization", f"Bearer {TOKEN}")]
    assert access.source == f"the current context of {tmp_path}/config"
    assert access.endpoint.proxy is None
    assert TOKEN not in repr(access)


def test_a_plugin_is_run_again_when_its_token_has_expired(tmp_path: Path) -> None:
    counter = tmp_path / "runs"
    body = f"open({str(counter)!r}, 'a').write('x')\n" + credential(
        token=OTHER, expirationTimestamp="2020-01-01T00:00:00Z"
    )
    access = find_access(kubeconfig=kubeconfig(tmp_path / "config", URL, **exec_user(plugin(tmp_path / "login", body))))
    before = len(counter.read_text())
    assert access.headers() == [("authorization", "Bearer from-a-plugin")]
    assert len(counter.read_text()) > before


def test_a_missing_plugin_is_not_nobody(tmp_path: Path) -> None:
    assert problem_of(tmp_path, **exec_user("no-such-login")) == (
        "1 mistake in the configuration\n"
        "  the current context of DIR/config: kubernetes.credential: gives none: [Errno 2] No such file or directory: "
        "'no-such-login': every question would be asked as nobody (expected a token, a client certificate, or a plugin "
        "that is installed and succeeds)\n"
        "  next: `kubectl config view --minify` and `kubectl version` show what is configured"
    )


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("import sys; sys.exit('please log in')", "exec: process returned 1. please log in"),
        ("print('hello')", "exec: failed to decode process output"),
        (credential(), "exec: missing token or clientCertificateData field in plugin output"),
    ],
)
def test_a_plugin_that_fails(tmp_path: Path, body: str, text: str) -> None:
    assert text in problem_of(tmp_path, **exec_user(plugin(tmp_path / "login", body)))


def test_a_plugin_that_waits_for_somebody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PLUGIN_SECONDS", 0.2)
    path = kubeconfig(tmp_path / "config", URL, **exec_user(plugin(tmp_path / "login", "import time; time.sleep(2)")))
    with pytest.raises(TimedOut) as caught:
        find_access(kubeconfig=path)
    assert caught.value.what == "kubernetes: its credential plugin did not end within 0.2 s"


def test_no_credential(tmp_path: Path) -> None:
    assert "kubernetes.credential: gives none: every question would be asked as nobody" in problem_of(tmp_path)


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        find_access(environ={"KUBECONFIG": str(tmp_path / "absent")})
    assert "Invalid kube-config file. No configuration found." in str(caught.value)


def test_no_such_context(tmp_path: Path) -> None:
    path = kubeconfig(tmp_path / "config", URL, token=TOKEN)
    with pytest.raises(ConfigError) as caught:
        find_access(kubeconfig=path, context="prod")
    assert f"context prod of {path}: kubernetes.kubeconfig: cannot be used" in str(caught.value)


def test_not_in_a_cluster() -> None:
    with pytest.raises(ConfigError) as caught:
        find_access(in_cluster=True)
    assert "the pod's service account: kubernetes.in_cluster: cannot be used: Service host/port is not set." in str(
        caught.value
    )


def test_a_client_certificate(tmp_path: Path) -> None:
    (tmp_path / "c.pem").write_text("certificate")
    (tmp_path / "k.pem").write_text("key")
    user = {"client-certificate": str(tmp_path / "c.pem"), "client-key": str(tmp_path / "k.pem")}
    access = find_access(kubeconfig=kubeconfig(tmp_path / "config", URL, **user))
    assert access.by_certificate
    assert access.headers() == []
    assert access.endpoint.tls.cert == tmp_path / "c.pem"


def test_the_environments_proxies_are_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example.com:3128")
    access = find_access(kubeconfig=kubeconfig(tmp_path / "config", URL, token=TOKEN))
    assert access.endpoint.proxy is None


def test_a_whole_run_by_a_plugin(tmp_path: Path) -> None:
    with serving(cluster("ds-complete"), tmp_path) as served:
        path = kubeconfig(
            tmp_path / "other", served.url, **exec_user(plugin(tmp_path / "login", credential(token=TOKEN)))
        )
        served.kubernetes.api.access = find_access(kubeconfig=path)
        assert served.kubernetes.daemonset("ds-complete").complete
        assert TOKEN.encode() not in served.recorded
