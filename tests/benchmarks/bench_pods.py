"""Readiness of 5,000 pods over loopback: ours, evidence included, beside httpx with structs and the typed client.

Each side runs in processes of its own, so that its peak memory is its own.
"""

from __future__ import annotations

import copy
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_deploycheck.sandbox.cluster_api import Cluster, ClusterApi
from pytest_deploycheck.sandbox.cluster_demo import TOKEN, demo_cluster
from pytest_deploycheck.sandbox.service import Listener
from tests.benchmarks.side_by_side import ROOT
from tests.contract.kubernetes_recordings import reply
from tests.servers.clusters import kubeconfig

if TYPE_CHECKING:
    from collections.abc import Callable

PODS = 5000
LEAST_BYTES = 4000
ROUNDS = 5
NAMESPACE = "mcp"


class Filed:
    """Answers from prepared bytes: what is measured is the client, not the server's JSON."""

    def __init__(self, cluster: Cluster) -> None:
        self._api = ClusterApi(cluster)
        self._known: dict[str, Any] = {}

    def answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Any:
        """Answer a question again as it was answered the first time."""
        key = f"{path}?{headers.get(':query', '')}"
        if key not in self._known:
            self._known[key] = self._api.answer(method, path, headers, body)
        return self._known[key]


def many() -> Cluster:
    """Return a cluster with 5,000 pods like the recorded one, all of them ready."""
    cluster = demo_cluster()
    text = json.dumps(reply("gets/pods.json")["response"]["body"], separators=(",", ":"))
    recorded = json.loads(text)
    name, uid = recorded["metadata"]["name"], recorded["metadata"]["uid"]
    for part in ("kind", "apiVersion"):
        del recorded[part]
    del recorded["metadata"]["managedFields"][1:]
    pods = []
    for number in range(PODS):
        pod = copy.deepcopy(recorded)
        if number % 2:  # 7.2 kB on average
            del pod["metadata"]["managedFields"]
        pod["metadata"].update(name=f"{name[:-5]}{number:05}", uid=f"{uid[:-5]}{number:05}", namespace=NAMESPACE)
        pods.append(pod)
    cluster.objects["", "pods"] = pods
    return cluster


def ours(directory: Path, url: str) -> tuple[float, int]:
    """Judge with the fixture's own object: through the wire, onto the tape."""
    from tests.servers.clusters import Served

    served = Served(Cluster(), url, directory, token=TOKEN, namespace=NAMESPACE)
    served.kubernetes.version  # noqa: B018 - connect first, as the other sides do
    start = time.perf_counter()
    answer = served.kubernetes.pods()  # kept, as the other sides keep theirs: freeing is measured of none
    assert answer.ready(at_least=PODS)
    taken = time.perf_counter() - start
    kept = sum(len(body) for body in served.tape.take_bodies().values())
    assert kept > PODS * LEAST_BYTES, "the evidence is incomplete"
    return taken, PODS


def structs(directory: Path, url: str) -> tuple[float, int]:
    """Httpx and msgspec structs with the fields that readiness needs, nothing kept."""
    del directory
    import httpx
    import msgspec

    class Condition(msgspec.Struct):
        type: str
        status: str

    class Status(msgspec.Struct):
        conditions: list[Condition]

    class Pod(msgspec.Struct):
        status: Status

    class Pods(msgspec.Struct):
        items: list[Pod]

    globals().update(Condition=Condition, Status=Status, Pod=Pod)
    decoder = msgspec.json.Decoder(Pods)
    with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {TOKEN}"}) as client:
        client.get("/version")
        start = time.perf_counter()
        pods = decoder.decode(client.get(f"/api/v1/namespaces/{NAMESPACE}/pods").content).items
        ready = sum(any(c.type == "Ready" and c.status == "True" for c in pod.status.conditions) for pod in pods)
        return time.perf_counter() - start, ready


def typed(directory: Path, url: str) -> tuple[float, int]:
    """The official client with its own connections and typed objects."""
    from kubernetes import client, config

    path = kubeconfig(directory / "config", url, token=TOKEN)
    load: Any = config.new_client_from_config
    api = client.CoreV1Api(load(str(path)))
    start = time.perf_counter()
    pods: list[Any] = list(api.list_namespaced_pod(NAMESPACE).items)
    ready = sum(any(c.type == "Ready" and c.status == "True" for c in pod.status.conditions) for pod in pods)
    return time.perf_counter() - start, ready


SIDES: dict[str, Callable[[Path, str], tuple[float, int]]] = {"ours": ours, "structs": structs, "typed": typed}


def one(name: str, url: str) -> None:
    """Run one side in this process, and print what it took."""
    with tempfile.TemporaryDirectory() as directory:
        taken, ready = SIDES[name](Path(directory), url)
    assert ready == PODS, ready
    # not getrusage: that counts what the process was before it became this program
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    peak = int(line.split()[1]) / 1024
    print(json.dumps([taken, peak]))


def main() -> None:
    """Print the table."""
    import statistics
    import subprocess

    cluster = many()
    size = len(json.dumps(cluster.objects["", "pods"], separators=(",", ":")))
    listener = Listener(Filed(cluster).answer)
    listener.open()
    url = f"http://127.0.0.1:{listener.port}"
    found: dict[str, list[list[float]]] = {name: [] for name in SIDES}
    try:
        for number in range(ROUNDS + 1):
            for name in SIDES:
                if name == "typed" and number > 2:  # it takes long, and varies little
                    continue
                command = [sys.executable, "-m", "tests.benchmarks.bench_pods", name, url]
                done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
                if number:
                    found[name].append(json.loads(done.stdout))
    finally:
        listener.end()
    medians = {name: [statistics.median(column) for column in zip(*runs, strict=True)] for name, runs in found.items()}
    print(f"\nReadiness of {PODS:,} pods ({size / 1e6:.0f} MB of JSON over loopback)")
    for name, text in (
        ("ours", "the kubernetes fixture, evidence included"),
        ("structs", "httpx and msgspec structs, one page, nothing kept"),
        ("typed", "the official client, typed"),
    ):
        seconds, peak = medians[name]
        print(f"  {text:52} {seconds:7.3f} s  {peak:5.0f} MB")
    print(f"  ours / structs: {medians['ours'][0] / medians['structs'][0]:.2f} (target: at most 1.5)")
    print(f"  typed / ours: {medians['typed'][0] / medians['ours'][0]:.0f} (target: at least 25)")


if __name__ == "__main__":
    one(*sys.argv[1:]) if len(sys.argv) > 1 else main()
