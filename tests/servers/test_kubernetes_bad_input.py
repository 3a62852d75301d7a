"""What is no usable answer of Kubernetes: each with its message, and its outcome for a check."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from pytest_deploycheck.errors import DeploycheckError
from pytest_deploycheck.model.outcome import Outcome
from tests.servers.bad_servers import Connection, answering, http, json_answer
from tests.servers.clusters import TOKEN, Served, cluster

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers.bad_servers import Answer

POD: dict[str, Any] = {
    "metadata": {"name": "a", "creationTimestamp": "2026-11-21T10:00:00Z"},
    "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]},
}


def page(items: Any, **metadata: str) -> dict[str, Any]:
    return {"kind": "PodList", "apiVersion": "v1", "metadata": {"resourceVersion": "1", **metadata}, "items": items}


def typed(body: bytes, **headers: str) -> bytes:
    return http(200, body, Content_Type="application/json", **headers)


def status(code: int, message: str) -> bytes:
    return json_answer({"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message}, code)


def reset(connection: Connection) -> None:
    connection.reset()


TEXT = json.dumps(page([POD])).encode()
FIRST = json_answer(page([POD], **{"continue": "abc"}))
ASK = "{url}/api/v1/namespaces/shop/pods?limit=500"
STORED = "  next: look at the stored answer; does the base URL lead to the right system and version?"
NO_ANSWERS: dict[str, tuple[tuple[Answer, ...], str]] = {
    "unauthorised": (
        (status(401, "Unauthorized"),),
        f"""\
kubernetes: 401, the credential of the current context of {{config}} was not accepted
  at: {ASK}
  the server says: Unauthorized
  next: renew it: the current context of {{config}}""",
    ),
    "forbidden": (
        (
            status(
                403, 'pods is forbidden: User "ci" cannot list resource "pods" in API group "" in the namespace "shop"'
            ),
        ),
        f"""\
kubernetes: 403, the user ci may not list pods in the namespace "shop"
  at: {ASK}
  the server says: pods is forbidden: User "ci" cannot list resource "pods" in API group "" in the namespace "shop"
  next: grant it with a Role in "shop": {{{{apiGroups: [""], resources: ["pods"], verbs: ["list"]}}}}; \
`deploycheck rbac` prints all that checks need""",
    ),
    "cut off": (
        (typed(TEXT[:60]),),
        f"""\
kubernetes: not complete JSON: Input data was truncated
  at: {ASK}
  HTTP 200, content type application/json, 60 bytes
  it begins: {{{{"kind": "PodList", "apiVersion": "v1", "metadata": {{{{"resour
{STORED}""",
    ),
    "the connection breaks": (
        (reset,),
        f"""\
kubernetes: the connection broke before the answer came
  at: {ASK}
  Connection reset by peer
  next: look at the logs of kubernetes; did it restart or crash?""",
    ),
    "invalid UTF-8": (
        (typed(TEXT.replace(b'"a"', b'"\xff"')),),
        f"""\
kubernetes: not UTF-8 (byte 111)
  at: {ASK}
  HTTP 200, content type application/json, 247 bytes
  it begins: {{{{"kind": "PodList", "apiVersion": "v1", "metadata": {{{{"resourceVersion": "1"}}}}, "items": \
[{{{{"metadata": {{{{"name": "\ufffd", "creationTimestamp": "2026-11-21T10:00:00Z"}}}}, "status": \
{{{{"phase": "Running", "conditi…
{STORED}""",
    ),
    "protobuf": (
        (http(200, b"k8s\x00\n\x0c\n\x02v1", Content_Type="application/vnd.kubernetes.protobuf"),),
        f"""\
kubernetes: expected JSON, got something else
  at: {ASK}
  HTTP 200, content type application/vnd.kubernetes.protobuf, 10 bytes
  it begins: k8s\\x00\\n\\x0c\\n\\x02v1
{STORED}""",
    ),
    "nothing": (
        (typed(b""),),
        f"""\
kubernetes: expected JSON, got an empty body
  at: {ASK}
  HTTP 200, content type application/json, 0 bytes
{STORED}""",
    ),
    "a second page that is cut off": (
        (FIRST, typed(TEXT[:50])),
        f"""\
kubernetes: not complete JSON: Input data was truncated
  at: {ASK}&continue=abc
  HTTP 200, content type application/json, 50 bytes
  it begins: {{{{"kind": "PodList", "apiVersion": "v1", "metadata"
{STORED}""",
    ),
    "a second page that fails": (
        (FIRST, http(500, "etcdserver: request timed out", Content_Type="text/plain")),
        f"""\
kubernetes: 500, the server failed
  at: {ASK}&continue=abc
  the server says: etcdserver: request timed out
  next: look at the API server and its etcd""",
    ),
    "a refusal with status 200": (
        (status(200, "x"),),
        f"""\
kubernetes: not the answer that Kubernetes gives: Object missing required field `metadata`
  at: {ASK}
  HTTP 200, content type application/json, 75 bytes
  it begins: {{{{"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": "x"}}}}
{STORED}""",
    ),
    "a time that is none": (
        (json_answer(page([{**POD, "metadata": {"name": "a", "creationTimestamp": "soon"}}])),),
        f"""\
kubernetes: not the answer that Kubernetes gives: Invalid RFC3339 encoded datetime \
- at `$.items[0].metadata.creationTimestamp`
  at: {ASK}
  HTTP 200, content type application/json, 231 bytes
  it begins: {{{{"kind": "PodList", "apiVersion": "v1", "metadata": {{{{"resourceVersion": "1"}}}}, "items": \
[{{{{"metadata": {{{{"name": "a", "creationTimestamp": "soon"}}}}, "status": {{{{"phase": "Running", \
"conditions": [{{{{"type": …
{STORED}""",
    ),
    "Prometheus": (
        (json_answer({"status": "success", "data": []}),),
        f"""\
kubernetes: not the answer that Kubernetes gives: Object missing required field `kind`; \
it looks like an answer of Prometheus's API to another question
  at: {ASK}
  HTTP 200, content type application/json, 33 bytes
  it begins: {{{{"status": "success", "data": []}}}}
{STORED}""",
    ),
    "a login page": (
        (http(302, "", Location="/login"),),
        f"""\
kubernetes: 302, redirected to what looks like a login page: /login
  at: {ASK}
  redirects are not followed: the answer would be another page's
  next: give the system credentials, or a base URL that does not lead through a login""",
    ),
    "another server": (
        (json_answer({"message": "Not found"}, 404),),
        f"""\
kubernetes: 404, there is no Kubernetes API
  at: {ASK}
  the server says: {{{{"message": "Not found"}}}}
  next: is the server's URL right? It is {{url}} by the current context of {{config}}""",
    ),
}


def told(error: DeploycheckError) -> str:
    return "\n".join(line for line in str(error).splitlines() if not line.startswith("  evidence: "))


@pytest.mark.parametrize(("answers", "message"), NO_ANSWERS.values(), ids=NO_ANSWERS)
def test_what_is_no_answer_is_an_error(tmp_path: Path, answers: tuple[Answer, ...], message: str) -> None:
    with answering(*answers) as server:
        served = Served(cluster(), server.url, tmp_path, token=TOKEN, namespace="shop")
        with pytest.raises(DeploycheckError) as caught:
            served.kubernetes.pods()
        served.wire.close()
    assert told(caught.value) == message.format(url=server.url, config=tmp_path / "kubeconfig")
    assert caught.value.outcome is Outcome.ERROR
    assert caught.value.evidence == served.tape.take()[-1].id


def test_nobody_listens(tmp_path: Path) -> None:
    with answering(b"") as server:
        url = server.url
    served = Served(cluster(), url, tmp_path, token=TOKEN, namespace="shop")
    with pytest.raises(DeploycheckError) as caught:
        served.kubernetes.pods()
    served.wire.close()
    assert (
        told(caught.value)
        == f"""\
kubernetes: {url.removeprefix("http://")} refuses connections
  at: {url}/api/v1/namespaces/shop/pods?limit=500
  next: does kubernetes run there, and is the port right?"""
    )
    assert caught.value.outcome is Outcome.ERROR


@pytest.mark.parametrize("items", [[], None], ids=["empty", "null"])
def test_no_pod_is_no_data(tmp_path: Path, items: list[Any] | None) -> None:
    with answering(json_answer(page(items))) as server:
        served = Served(cluster(), server.url, tmp_path, token=TOKEN, namespace="shop")
        with pytest.raises(DeploycheckError) as caught:
            served.kubernetes.pods().ready()
        served.wire.close()
    assert caught.value.outcome is Outcome.INCONCLUSIVE
    assert caught.value.headline == "pods -n shop: no data: no pod matches; expected at least 1 pod, every one ready"


def test_a_pod_of_the_future_that_tells_nothing_is_not_ready(tmp_path: Path) -> None:
    future = {"metadata": {"name": "a", "creationTimestamp": "2126-11-21T10:00:00Z"}}
    with answering(json_answer(page([future]))) as server:
        served = Served(cluster(), server.url, tmp_path, token=TOKEN, namespace="shop")
        judged = served.kubernetes.pods().ready()
        assert not judged
        served.wire.close()
    assert judged.finding.rows == (("a", "unknown", "0 s", "no scheduler has looked at it"),)


VERSIONS: dict[str, tuple[dict[str, str], str]] = {
    "old": ({"major": "1", "minor": "18", "gitVersion": "v1.18.0"}, "failed: Kubernetes 1.18 (v1.18.0)"),
    "a provider's": (
        {"major": "1", "minor": "31+", "gitVersion": "v1.31.4-eks-2d5f260"},
        "passed: Kubernetes 1.31+ (v1.31.4-eks-2d5f260)",
    ),
    "new": (
        {"major": "2", "minor": "3", "gitVersion": "v2.3.0", "emulationMajor": "1"}, "passed: Kubernetes 2.3 (v2.3.0)",
    ),
    "of one's own": (
        {"major": "", "minor": "", "gitVersion": "v0.0.0-master"},
        """\
inconclusive: version: no data: the version . (v0.0.0-master) is no number; \
expected Kubernetes of at least 1.29""",
    ),
    "none": (
        {"gitCommit": "x"},
        "error: kubernetes: not the answer that Kubernetes gives: Object missing required field `major`",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("answer", "outcome"), VERSIONS.values(), ids=VERSIONS)
def test_versions_old_and_new(tmp_path: Path, answer: dict[str, str], outcome: str) -> None:
    with answering(json_answer(answer)) as server:
        served = Served(cluster(), server.url, tmp_path, token=TOKEN, namespace="shop")
        try:
            judged = served.kubernetes.version.at_least("1.29")
            found = f"{'passed' if judged else 'failed'}: {judged.finding.observed}"
        except DeploycheckError as error:
            found = f"{error.outcome}: {error.headline}"
        served.wire.close()
    assert found == outcome


def test_an_old_server_without_an_api_says_so(tmp_path: Path) -> None:
    with answering(http(404, "404 page not found", Content_Type="text/plain")) as server:
        served = Served(cluster(), server.url, tmp_path, token=TOKEN, namespace="shop")
        with pytest.raises(DeploycheckError) as caught:
            served.kubernetes.disruption_budgets("shop")
        served.wire.close()
    assert caught.value.outcome is Outcome.INCONCLUSIVE
    assert (
        told(caught.value)
        == f"""\
kubernetes: the cluster has no API policy/v1
  at: {server.url}/apis/policy/v1/namespaces/shop/poddisruptionbudgets?limit=500
  the server says: 404 page not found
  next: leave this check out where the cluster lacks the API, or install what serves it"""
    )
