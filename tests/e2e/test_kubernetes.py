"""The shipped suite against a served cluster: GO when it is sound; each fault found by the right check."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from pytest_deploycheck.sandbox.cluster_api import ClusterApi
from pytest_deploycheck.sandbox.cluster_demo import TOKEN, demo_cluster
from pytest_deploycheck.sandbox.cluster_faults import CLUSTER_FAULTS, broken
from pytest_deploycheck.sandbox.cluster_objects import NAMESPACE, moment
from pytest_deploycheck.sandbox.service import Listener
from tests.docs.blocks import blocks
from tests.e2e.shipped_suites import ROOT, Verified
from tests.servers.clusters import kubeconfig

if TYPE_CHECKING:
    from pathlib import Path

CHECKS = """
[environments.demo.kubernetes]
kubeconfig = "kubeconfig"
namespace = "mcp"
timeouts = { connect = "2s", read = "2s", total = "4s" }
retries = { attempts = 1 }

[deployment]
version = "1.4.2"
finished_at = FINISHED

[cluster]
min_version = "1.29"
min_nodes = 3
storage_classes = ["local-fast"]

[[workloads]]
name = "mcp"
deployed = true
replicas = 2
limits = ["cpu", "memory"]
budget = true
autoscaler = true
network_policy = true
max_cpu = 0.9
max_memory = 0.9

[[workloads]]
kind = "statefulset"
name = "mcp-journal"

[[workloads]]
kind = "daemonset"
name = "mcp-agent"
replicas = 3

[[workloads]]
kind = "job"
name = "mcp-migrate"

[[permissions]]
verb = "get"
resource = "pods/log"

[[permissions]]
verb = "delete"
resource = "pods"
allowed = false

[[secrets]]
name = "mcp-database"
keys = ["username", "password"]

[[config_maps]]
name = "mcp-settings"
keys = ["settings.toml"]
"""


def verify(
    directory: Path, *faults: str, suite: str = "suites/post_deploy/test_kubernetes.py", more: str = ""
) -> Verified:
    """Run a suite on a demo cluster with these faults; `more` is of the configuration."""
    listener = Listener(ClusterApi(broken(demo_cluster(), *faults)).answer)
    listener.open()
    try:
        kubeconfig(directory / "kubeconfig", f"http://127.0.0.1:{listener.port}", token=TOKEN)
        config = directory / "deploycheck.toml"
        config.write_text(CHECKS.replace("FINISHED", moment(50)) + more)
        environ = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
        done = subprocess.run(
            [
                sys.executable, "-m", "pytest", suite, "-p", "no:cacheprovider",
                "--deploycheck-signoff", "--deploycheck-reports", str(directory / "reports"),
            ],
            cwd=ROOT,
            env={**environ, "DEPLOYCHECK_CONFIG": str(config)},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )  # fmt: skip
    finally:
        listener.end()
    latest = directory / "reports" / "latest" / "signoff.json"
    assert latest.is_file(), done.stdout + done.stderr
    return Verified(done.returncode, done.stdout + done.stderr, json.loads(latest.read_text()))


def kept(directory: Path) -> bytes:
    """Return everything that a run has written."""
    return b"".join(path.read_bytes() for path in (directory / "reports").rglob("*") if path.is_file())


def test_a_sound_cluster_is_go(tmp_path: Path) -> None:
    verified = verify(tmp_path)
    assert verified.verdict == ("GO", 0), verified.told()
    assert verified.red == [], verified.told()
    assert len(verified.record["checks"]) == 31
    evidence = kept(tmp_path)
    for secret in (TOKEN, "no-real-password", "bm8tcmVhbC", "no-real-username"):
        assert secret.encode() not in evidence


# fault → verdict, exit code, the check that finds it, words of its line, other requirements that may be red
FOUND: dict[str, tuple[str, int, str, str, str]] = {
    "rollout-stuck": ("NO-GO", 1, "KU1", "1 out of 2 new replicas have been updated", "KU2 KU6 SM3"),
    "rolled-back": ("NO-GO", 1, "KU1", "its template does not ask for :1.4.2", "SM3"),
    "tag-moved": ("NO-GO", 1, "KU1", "2 different images run as", ""),
    "old-pod-stuck": ("NO-GO", 1, "KU1", "1 pod of an older revision should be gone by now", "KU2 SM3"),
    "scaled-to-zero": ("HOLD", 6, "KU1", "no data: 0 replicas are desired", "KU2 SM3 KU4 KU6"),
    "crash-loop": ("NO-GO", 1, "KU2", "1 container stuck or killed", "KU1 KU3 KU6"),
    "oom-killed": ("NO-GO", 1, "KU2", "1 restart", ""),
    "image-missing": ("NO-GO", 1, "KU2", "1 container stuck or killed", "KU1 KU6 SM3"),
    "node-down": ("NO-GO", 1, "KU4", "1 of 3 nodes is not ready", ""),
    "node-silent": ("HOLD", 6, "KU1", "on a node that gives no sign of life", ""),
    "right-lost": ("NO-GO", 1, "KU5", "1 of 17 permissions is missing", "KU1 KU2 KU3 KU4 KU6 SM3"),
    "secret-key-missing": ("NO-GO", 1, "KU7", "missing: password", ""),
    "memory-tight": ("GO", 0, "KU6", "1 container above", ""),
    "policy-missing": ("NO-GO", 1, "KU4", "2 pods without one", ""),
    "cluster-throttled": ("HOLD", 6, "KU1", "429, the server has too many requests", "KU2 KU3 KU4 KU5 KU6 KU7 SM3"),
}


def test_every_fault_is_here() -> None:
    assert FOUND.keys() == CLUSTER_FAULTS.keys()


@pytest.mark.parametrize("name", FOUND)
def test_a_fault_is_found_for_the_right_reason(tmp_path: Path, name: str) -> None:
    verdict, code, requirement, says, others = FOUND[name]
    verified = verify(tmp_path, name)
    told = verified.told()
    assert verified.verdict == (verdict, code), told
    by: list[Any] = [check for check in verified.red if check["requirement"] == requirement]
    assert any(says in check["result"]["summary"] for check in by), told
    assert {check["requirement"] for check in verified.red} <= {requirement, *others.split()}, told


def test_the_documents_example_passes(tmp_path: Path) -> None:
    example = tmp_path / "test_example.py"
    example.write_text("".join(block.text for block in blocks("python") if block.document.name == "kubernetes.md"))
    verified = verify(tmp_path, suite=str(example))
    assert verified.verdict == ("GO", 0), verified.told()
    assert len(verified.record["checks"]) == 1


LOGS = """
def test_logs(logs):
    report = logs("pods").since("10m").report()
    assert report.lines >= 6
    assert report.invalid == 0
"""


def test_the_pods_logs_are_judged(tmp_path: Path) -> None:
    example = tmp_path / "test_logs_of_pods.py"
    example.write_text(LOGS)
    verified = verify(tmp_path, suite=str(example), more='[environments.demo.logs.pods]\npods = "app=mcp"\n')
    assert verified.verdict == ("GO", 0), verified.told()


def test_the_namespace_is_the_configured_one() -> None:
    assert f'namespace = "{NAMESPACE}"' in CHECKS
