"""The shipped suite against a served cluster by itself: GO when it is sound, whatever only warns; evidence; logs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from pytest_deploycheck.sandbox.cluster_api import ClusterApi
from pytest_deploycheck.sandbox.cluster_demo import TOKEN, demo_cluster, warning
from pytest_deploycheck.sandbox.cluster_faults import broken
from pytest_deploycheck.sandbox.cluster_objects import NAMESPACE, moment
from pytest_deploycheck.sandbox.service import Listener
from tests.docs.blocks import blocks
from tests.e2e.shipped_suites import ROOT, Verified
from tests.servers.clusters import kubeconfig

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_deploycheck.sandbox.cluster_api import Cluster

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
    directory: Path,
    *faults: str,
    suite: str = "suites/post_deploy/test_kubernetes.py",
    more: str = "",
    without: str = " ",
    found: Cluster | None = None,
) -> Verified:
    """Run a suite on a demo cluster with these faults; `more` is of the configuration, `without` one key of it."""
    listener = Listener(ClusterApi(broken(found or demo_cluster(), *faults)).answer)
    listener.open()
    try:
        kubeconfig(directory / "kubeconfig", f"http://127.0.0.1:{listener.port}", token=TOKEN)
        config = directory / "deploycheck.toml"
        lines = [line for line in CHECKS.splitlines() if not line.startswith(f"{without} =")]
        config.write_text("\n".join(lines).replace("FINISHED", moment(50)) + "\n" + more)
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
    assert len(verified.record["checks"]) == 34
    evidence = kept(tmp_path)
    for secret in (TOKEN, "no-real-password", "bm8tcmVhbC", "no-real-username"):
        assert secret.encode() not in evidence


def test_what_only_warns_does_not_gate(tmp_path: Path) -> None:
    # The demo stack's tests break the cluster in every way, with everything in it a blocker.
    verified = verify(tmp_path, "memory-tight")
    assert verified.verdict == ("GO", 0), verified.told()
    (red,) = verified.red
    assert (red["requirement"], red["result"]["outcome"]) == ("KU6", "failed")
    assert "1 container above" in red["result"]["summary"]


def test_a_rollout_after_the_deployment_and_a_complaint_of_a_pod_that_is_gone(tmp_path: Path) -> None:
    found = demo_cluster()
    for one in found.objects["apps", "replicasets"]:
        if one["metadata"]["name"] == "mcp-new":
            one["metadata"]["creationTimestamp"] = moment(-30)
    warning(found, "mcp-old-x7k2p", "Pod", "FailedScheduling", "0/3 nodes are available")
    verified = verify(tmp_path, found=found)
    assert verified.verdict == ("GO", 0), verified.told()
    told = {red["nodeid"].rpartition("::")[2]: red["result"]["summary"] for red in verified.red}
    assert list(told) == ["test_no_warning_events[deployment:mcp]", "test_no_other_rollout[deployment:mcp]"]
    assert {red["requirement"] for red in verified.red} == {"KU3"}
    assert "1 Warning event: FailedScheduling (1)" in told["test_no_warning_events[deployment:mcp]"]
    assert "1 revision made after the deployment (mcp-new" in told["test_no_other_rollout[deployment:mcp]"]


@pytest.mark.parametrize(
    ("key", "more"),
    [("storage_classes", "cluster.storage_classes"), ("finished_at", "deployment.finished_at")],
)
def test_what_nothing_is_expected_of_is_left_out_and_told(tmp_path: Path, key: str, more: str) -> None:
    verified = verify(tmp_path, without=key)
    assert verified.verdict == ("GO", 0), verified.told()
    assert f"no {more} (" in verified.text


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
