"""The `kubernetes` fixture against a served cluster: what it asks, what it judges, and what never reaches the tape."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest

from pytest_deploycheck.clients.kubernetes.client import KubernetesClient
from pytest_deploycheck.errors import (
    AuthorMistake,
    DeploycheckError,
    Forbidden,
    Malformed,
    NoData,
    NotEnoughData,
    NotSupported,
    ServerFailed,
    Throttled,
    Unauthorized,
)
from pytest_deploycheck.sandbox.cluster_api import Rule
from tests.servers.clusters import TOKEN, cluster, serving

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_deploycheck.face.judged import Judged

NOBODY, WRONG = "nobody-token", "a-wrong-token"


def test_a_complete_rollout(tmp_path: Path) -> None:
    with serving(cluster("ds-complete"), tmp_path) as served:
        assert served.kubernetes.daemonset("ds-complete").complete
        assert served.cluster.asked == [
            "GET /apis/apps/v1/namespaces/rollouts/daemonsets/ds-complete",
            "GET /api/v1/namespaces/rollouts/pods?labelSelector=app%3Dds-complete&limit=500",
            "GET /apis/apps/v1/namespaces/rollouts/controllerrevisions?labelSelector=app%3Dds-complete&limit=500",
            "GET /apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases?limit=500",
        ]
        assert TOKEN.encode() not in served.recorded


def finding(judged: Judged) -> tuple[str, str]:
    bool(judged)
    return judged.finding.outcome, judged.finding.observed


def test_old_pods_that_hang(tmp_path: Path) -> None:
    with serving(cluster("old-stuck-terminating"), tmp_path) as served:
        judged = served.kubernetes.deployment("old-stuck-terminating").complete
        assert finding(judged) == ("failed", "3 pods of an older revision should be gone by now")
        assert judged.finding.asked == "deployment rollouts/old-stuck-terminating"
        assert judged.finding.system == f"kubernetes {served.url}"
        assert judged.finding.next_steps == (
            "kubectl -n rollouts rollout status deployment/old-stuck-terminating",
            "kubectl -n rollouts describe deployment old-stuck-terminating",
        )
        assert len(judged.finding.evidence) == 4


def test_an_absent_deployment_is_a_failure(tmp_path: Path) -> None:
    with serving(cluster(), tmp_path) as served:
        judged = served.kubernetes.deployment("web").complete
        assert finding(judged) == ("failed", "there is no deployment rollouts/web")
        assert judged.finding.next_steps == ("kubectl -n rollouts get deployments,statefulsets,daemonsets",)
        with pytest.raises(NoData) as caught:
            served.kubernetes.deployment("web").pods  # noqa: B018 - reading it raises
        assert caught.value.what == "no data: there is no deployment rollouts/web"


def test_nothing_observed_yet_is_inconclusive(tmp_path: Path) -> None:
    with serving(cluster("no-status"), tmp_path) as served:
        with pytest.raises(NotEnoughData) as caught:
            served.kubernetes.deployment("no-status").complete  # noqa: B018 - judging raises
        assert "its controller has not seen the newest spec" in caught.value.what


def test_get_alone_suffices_for_what_kubectl_says(tmp_path: Path) -> None:
    found = cluster("partial")
    found.rules["nobody"] = [Rule(verbs=frozenset({"get"}), resources=frozenset({("apps", "deployments")}))]
    with serving(found, tmp_path, token=NOBODY) as served:
        rollout = served.kubernetes.deployment("partial")
        assert rollout.kubectl.message == (
            'Waiting for deployment "partial" rollout to finish: 1 out of 3 new replicas have been updated...'
        )
        with pytest.raises(Forbidden) as caught:
            rollout.complete  # noqa: B018 - judging raises
    error = caught.value
    assert error.what == 'kubernetes: 403, the user nobody may not list pods in the namespace "rollouts"'
    said = 'pods is forbidden: User "nobody" cannot list resource "pods" in API group "" in the namespace "rollouts"'
    assert error.details == (f"the server says: {said}",)
    assert error.next_step == (
        'grant it with a Role in "rollouts": {apiGroups: [""], resources: ["pods"], verbs: ["list"]}; '
        "`deploycheck rbac` prints all that checks need"
    )


def test_without_the_right_to_leases_it_says_so(tmp_path: Path) -> None:
    found = cluster("ds-complete")
    found.rules["admin"] = [
        Rule(
            verbs=frozenset({"get", "list"}),
            resources=frozenset({("", "pods"), ("apps", "daemonsets"), ("apps", "controllerrevisions")}),
        )
    ]
    with serving(found, tmp_path) as served:
        judged = served.kubernetes.daemonset("ds-complete").complete
        assert finding(judged) == (
            "passed",
            "3 of 3 pods of revision ds-complete-84cfd9bf55 ready; whether its nodes are alive was not asked",
        )


def test_a_wrong_token(tmp_path: Path) -> None:
    with serving(cluster(), tmp_path, token=WRONG) as served, pytest.raises(Unauthorized) as caught:
        served.kubernetes.nodes  # noqa: B018 - asking raises
    assert caught.value.what == (
        f"kubernetes: 401, the credential of the current context of {tmp_path}/kubeconfig was not accepted"
    )


def test_pages_are_followed(tmp_path: Path) -> None:
    found = cluster("ds-complete")
    with serving(found, tmp_path) as served:
        from pytest_deploycheck.clients.kubernetes import lists

        assert lists.PAGE == 500
        pod = found.objects["", "pods"][0]
        found.objects["", "pods"] = [
            {**pod, "metadata": {**pod["metadata"], "name": f"p{number:04}", "uid": str(number)}}
            for number in range(1200)
        ]
        assert len(served.kubernetes.pods("app=ds-complete")) == 1200
        assert len(found.asked) == 3
        assert found.asked[0] == "GET /api/v1/namespaces/rollouts/pods?labelSelector=app%3Dds-complete&limit=500"
        # a page that comes too late starts the list anew
        found.asked.clear()
        found.expire = 1
        assert len(served.kubernetes.pods()) == 1200
        assert [("continue" in one, "limit" in one) for one in found.asked] == [
            (False, True), (True, True), (False, True), (True, True), (True, True),
        ]  # fmt: skip
        # and when that happens again and again, everything is asked for at once
        found.asked.clear()
        found.expire = 2
        assert len(served.kubernetes.pods()) == 1200
        assert found.asked[-1] == "GET /api/v1/namespaces/rollouts/pods"


def test_restarts(tmp_path: Path) -> None:
    with serving(cluster("crash-after-success"), tmp_path) as served:
        pods = served.kubernetes.deployment("crash-after-success").pods
        judged = pods.restarts() == 0
        assert finding(judged) == ("failed", "3 restarts")
        assert judged.finding.expected == "at most 0 restarts of its containers"
        before = pods.counters
        assert len(before) == 3
        assert pods.restarts(since=before) == 0
        assert pods.restarts() <= 3
        assert pods.restarts() < 4
        with pytest.raises(AuthorMistake):
            pods.restarts() > 0  # noqa: B015 - comparing raises
        assert finding(pods.ready())[0] == "failed"
        stuck = pods.unstuck()
        assert finding(stuck) == ("failed", "3 containers stuck or killed")
        assert stuck.finding.rows[0][3].startswith("container app: CrashLoopBackOff (1 restart")


def test_pods_that_are_all_ready_are_read_no_further_than_that(tmp_path: Path) -> None:
    served_cluster = cluster("ds-complete")
    for pod in served_cluster.objects["", "pods"]:
        pod["status"]["containerStatuses"] = "none of the check's business"
    with serving(served_cluster, tmp_path) as served:
        pods = served.kubernetes.pods("app=ds-complete")
        assert finding(pods.ready()) == ("passed", f"all {len(pods)} pods ready")
        with pytest.raises(Malformed) as caught:
            pods.restarts()
        assert caught.value.what == (
            "kubernetes: not the answer that Kubernetes gives: "
            "Expected `array | null`, got `str` - at `$.items[0].status.containerStatuses`"
        )
        assert caught.value.evidence in {one.id for one in served.tape.take()}
        assert len(served.cluster.asked) == 1, "nothing is asked twice"


def test_one_pod_that_is_not_ready_is_told_with_its_reason(tmp_path: Path) -> None:
    with serving(cluster("ds-complete", "crash-after-success"), tmp_path) as served:
        judged = served.kubernetes.pods().ready()
        assert finding(judged)[0] == "failed"
        assert judged.finding.rows[0][3].startswith("container app: CrashLoopBackOff (1 restart")
        assert len(served.cluster.asked) == 1, "nothing is asked twice"


def test_what_is_kept_has_the_digest_it_is_filed_under(tmp_path: Path) -> None:
    with serving(cluster("ds-complete", lists=True), tmp_path, namespace="shop") as served:
        assert served.kubernetes.pods(namespace="rollouts").ready()
        assert served.kubernetes.secret_keys("web-secret").has("EXAMPLE_KEY")  # masked: not as it came
        kept = served.tape.take_bodies()
        assert len(kept) == 2
        assert [hashlib.sha256(body).hexdigest() for body in kept.values()] == list(kept)


def test_secrets_stay_secret(tmp_path: Path) -> None:
    value = base64.b64encode(b"not-a-secret").decode()
    with serving(cluster(lists=True), tmp_path, namespace="shop") as served:
        keys = served.kubernetes.secret_keys("web-secret")
        assert keys.has("EXAMPLE_KEY")
        missing = keys.has("EXAMPLE_KEY", "OTHER")
        assert finding(missing) == ("failed", "missing: OTHER; it has EXAMPLE_KEY")
        assert finding(served.kubernetes.secret_keys("other").has()) == ("failed", "there is no secret shop/other")
        # the official client's answers are masked on the tape, and whole for whoever asked
        official = served.kubernetes.client.CoreV1Api()
        assert official.read_namespaced_secret("web-secret", "shop").data == {"EXAMPLE_KEY": value}
        assert official.list_namespaced_secret("shop").items[0].data == {"EXAMPLE_KEY": value}
        tape = served.recorded
    assert value.encode() not in tape
    assert b"not-a-secret" not in tape
    assert b'"EXAMPLE_KEY":"<redacted>"' in tape


def test_the_official_client_goes_through_the_wire(tmp_path: Path) -> None:
    from kubernetes.client.exceptions import ApiException

    with serving(cluster("ds-complete"), tmp_path) as served:
        client = served.kubernetes.client
        found = client.AppsV1Api().read_namespaced_daemon_set("ds-complete", "rollouts")
        assert found.status.number_ready == 3
        assert found.__class__ is client.V1DaemonSet
        with pytest.raises(ApiException) as caught:
            client.CoreV1Api().read_namespaced_pod("no-such", "rollouts")
        assert caught.value.status == 404
        with pytest.raises(DeploycheckError) as refused:
            client.CoreV1Api().delete_namespaced_pod("ds", "rollouts")
        assert "DELETE may change something; nothing was sent" in str(refused.value)
        exchanges = served.tape.take()
    assert [(one.method, one.status) for one in exchanges] == [("GET", 200), ("GET", 404)]
    assert dict(exchanges[0].request_headers)["authorization"] == "<redacted>"


def test_permissions(tmp_path: Path) -> None:
    found = cluster()
    found.rules["nobody"] = [Rule(verbs=frozenset({"get", "list"}), resources=frozenset({("", "pods")}))]
    with serving(found, tmp_path, token=NOBODY, namespace="shop") as served:
        kubernetes = served.kubernetes
        assert kubernetes.can("get", "pods")
        assert kubernetes.cannot("delete", "pods")
        assert finding(kubernetes.cannot("get", "pods")) == ("failed", "1 of 1 permission is granted")
        log = kubernetes.can("get", "pods", "log")
        assert finding(log) == ("failed", "1 of 1 permission is missing")
        assert log.finding.rows == (
            ('get pods/log in the namespace "shop"', '{apiGroups: [""], resources: ["pods/log"], verbs: ["get"]}', ""),
        )
        assert log.finding.next_steps == ("kubectl auth can-i get pods --subresource=log -n shop",)
        with pytest.raises(AuthorMistake) as caught:
            kubernetes.can("get", "widgets")
        assert caught.value.what == "the API group of the resource 'widgets' is not known"
        preflight = kubernetes.preflight()
        assert finding(preflight)[1] == "16 of 17 permissions are missing"
        assert preflight.finding.next_steps == (
            "deploycheck rbac --namespace shop | kubectl apply -f -",
            "kubectl auth can-i get deployments.apps -n shop",
        )
        exchanges = served.tape.take()
    assert {one.effect for one in exchanges} == {"read"}


def test_what_does_not_exist_is_denied_to_everybody(tmp_path: Path) -> None:
    with serving(cluster(lists=True), tmp_path, namespace="shop", token=NOBODY) as served:
        for arguments, doubt in (
            (("delete", "podz.apps"), "the cluster has no resource podz.apps: nobody has a permission on it"),
            (("get", "pods", "lgo"), "the cluster has no resource pods/lgo: nobody has a permission on it"),
            (("get", "widgets.example.com"), "the cluster has no resource widgets.example.com: nobody has"),
        ):
            with pytest.raises(NotEnoughData) as caught:
                served.kubernetes.cannot(*arguments)
            assert doubt in caught.value.what
        assert served.kubernetes.cannot("get", "deployments", "scale")
        with pytest.raises(AuthorMistake) as mistake:
            served.kubernetes.cannot("gett", "pods")
        assert mistake.value.what == "Kubernetes has no verb 'gett'"
    absent = "there is no namespace nope: what is said of permissions in it tells nothing"
    found = cluster(lists=True)
    found.rules["nobody"] = [Rule(verbs=frozenset({"get"}), resources=frozenset({("", "namespaces")}))]
    with serving(found, tmp_path, namespace="nope", token=NOBODY) as served:
        with pytest.raises(NotEnoughData) as caught:
            served.kubernetes.cannot("delete", "pods")
        assert absent in caught.value.what
        assert served.kubernetes.cannot("delete", "pods", namespace="shop")
        assert served.kubernetes.cannot("delete", "pods", namespace="")
    with serving(found, tmp_path, namespace="nope") as served:  # whoever may do everything may do it there as well
        with pytest.raises(NotEnoughData) as caught:
            served.kubernetes.can("get", "pods")
        assert absent in caught.value.what
        with pytest.raises(NotEnoughData) as caught:
            served.kubernetes.preflight()
        assert absent in caught.value.what


def test_a_cluster_that_tells_nobody_what_it_serves(tmp_path: Path) -> None:
    from tests.servers.bad_servers import answering, http
    from tests.servers.clusters import Served

    refused = '{"kind":"Status","code":403,"message":"forbidden: User \\"x\\" cannot get path \\"/apis\\""}'
    with answering(http(403, refused, Content_Type="application/json")) as server:
        served = Served(cluster(), server.url, tmp_path, token=TOKEN, namespace="shop")
        from pytest_deploycheck.clients.kubernetes.permissions import permission
        from pytest_deploycheck.face.rights import _is_served

        assert _is_served(served.kubernetes.api, permission("get", "pods"))
        with pytest.raises(Forbidden):
            _is_served(served.kubernetes.api, permission("get", "widgets.example.com"))
        served.wire.close()


def test_metrics_api(tmp_path: Path) -> None:
    found = cluster("ds-complete")
    with serving(found, tmp_path) as served:
        pods = served.kubernetes.daemonset("ds-complete").pods
        found.metrics = "absent"
        with pytest.raises(NotSupported) as caught:
            pods.within_limits(memory=0.9)
        assert caught.value.what == "kubernetes: the cluster has no API metrics.k8s.io/v1beta1"
        found.metrics = "down"
        with pytest.raises(ServerFailed) as down:
            pods.within_limits(memory=0.9)
        assert down.value.what == "kubernetes: 503, the metrics API is registered and nobody serves it"


def test_too_many_requests(tmp_path: Path) -> None:
    found = cluster()
    found.throttle = 1
    with serving(found, tmp_path) as served, pytest.raises(Throttled) as caught:
        served.kubernetes.version  # noqa: B018 - asking raises
    assert caught.value.details == (
        "the server says: Too many requests, please try again later.",
        "Retry-After: 1",
    )


def test_the_cluster(tmp_path: Path) -> None:
    with serving(cluster(lists=True), tmp_path, namespace="shop") as served:
        kubernetes = served.kubernetes
        assert kubernetes.version.at_least("1.29")
        assert finding(kubernetes.version.at_least("1.99")) == ("failed", "Kubernetes 1.36 (v1.36.0)")
        with pytest.raises(NotEnoughData) as dead:  # it was recorded long ago
            kubernetes.nodes.ready(at_least=3)
        assert "3 of 3 nodes are without a sign of life" in dead.value.what
        assert kubernetes.has_namespace("shop")
        assert finding(kubernetes.has_namespace("nope")) == ("failed", "there is no namespace nope")
        assert kubernetes.has_storage_classes("local-fast")
        web = kubernetes.deployment("web")
        assert web.protected()
        assert finding(web.autoscaled())[0] == "failed"
        assert web.pods.isolated()
        assert finding(web.pods.limited("cpu", "memory"))[0] in ("passed", "failed")
        skew = kubernetes.api.skew
        assert skew is not None
        assert -0.5 < skew <= 0, "the whole second that the server tells is no difference"


def test_wrong_api_behind_the_url(tmp_path: Path) -> None:
    from tests.servers.bad_servers import answering, http, json_answer
    from tests.servers.clusters import Served

    answers: list[tuple[bytes, str]] = [
        (json_answer({"status": "success", "data": []}), "not the answer that Kubernetes gives"),
        (
            http(200, "<html><title>Log in</title></html>", Content_Type="text/html"),
            "expected JSON, got an HTML login page",
        ),
        (http(404, "404 page not found"), "404, there is no Kubernetes API"),
        (json_answer({"kind": "Pod", "metadata": {}, "items": []}), "a Pod where a list of nodes was asked for"),
    ]
    for answer, text in answers:
        with answering(answer) as server:
            served = Served(cluster(), server.url, tmp_path, token=TOKEN, namespace="shop")
            with pytest.raises(DeploycheckError) as caught:
                served.kubernetes.nodes  # noqa: B018 - asking raises
            assert text in caught.value.what
            served.wire.close()


def test_a_secret_that_cannot_be_read_is_not_quoted(tmp_path: Path) -> None:
    from tests.servers.bad_servers import answering, http
    from tests.servers.clusters import Served

    body = '{"kind":"Secret","data":{"password":"aHVudGVyMg=='
    with answering(http(200, body, Content_Type="application/json")) as server:
        served = Served(cluster(), server.url, tmp_path, token=TOKEN, namespace="shop")
        with pytest.raises(DeploycheckError) as caught:
            served.kubernetes.secret_keys("web")
        assert "aHVudGVyMg" not in str(caught.value)
        assert b"aHVudGVyMg" not in served.recorded
        served.wire.close()


def test_events(tmp_path: Path) -> None:
    found = cluster("deadline-exceeded")
    with serving(found, tmp_path) as served:
        assert found.objects["", "events"]
        assert served.kubernetes.events().no_warnings()
        event: Any = dict(found.objects["", "events"][0])
        found.objects["", "events"].append(
            {
                **event,
                "type": "Warning",
                "reason": "BackOff",
                "count": 4,
                "metadata": {**event["metadata"], "name": "x"},
            }
        )
        judged = served.kubernetes.events().no_warnings()
        assert finding(judged) == ("failed", "1 Warning event: BackOff (4)")
        assert served.kubernetes.events().no_warnings(allowed=["BackOff"])
        assert served.kubernetes.events().no_warnings(names=["other"])
        with pytest.raises(NotEnoughData):
            served.kubernetes.events().no_warnings(since="3h", allowed=["BackOff"])


def test_the_client_is_the_only_one_who_speaks(tmp_path: Path) -> None:
    with serving(cluster(), tmp_path) as served:
        assert isinstance(served.kubernetes.api, KubernetesClient)
        assert repr(served.kubernetes) == f"<kubernetes {served.url}>"
        assert TOKEN not in repr(served.access)
        assert json.dumps(served.access.source)


def test_logs_are_read_piece_by_piece(tmp_path: Path) -> None:
    found = cluster("crash-after-success")
    pod = found.objects["", "pods"][0]["metadata"]["name"]
    line = "2026-11-21T10:44:0{}Z " + "x" * 99 + "\n"
    found.logs["rollouts", pod, "app"] = "".join(line.format(number % 10) for number in range(5000))
    found.logs["rollouts", pod, "previous/app"] = "2026-11-21T10:43:00Z it ended\n"
    with serving(found, tmp_path) as served:
        kubernetes = served.kubernetes
        with kubernetes.logs(pod, "app") as stream:
            assert stream.read(10) == b"x" * 10
            size = 10 + sum(len(piece) for piece in iter(lambda: stream.read(4096), b""))
        assert size == 5000 * 100
        with kubernetes.logs(pod, previous=True, timestamps=True) as stream:
            assert stream.read(1000) == b"2026-11-21T10:43:00Z it ended\n"
        with kubernetes.logs(pod, since=1_795_257_849.0, timestamps=True) as stream:  # 10:44:09
            assert stream.read(1 << 20)[:20] == b"2026-11-21T10:44:09Z"
        assert (pod, "app", True) in kubernetes.containers("app=crash-after-success")
        with pytest.raises(DeploycheckError) as caught:
            kubernetes.logs("no-such")
        assert caught.value.what == 'kubernetes: 404, not found: get pods/log in the namespace "rollouts"'
        first, *_ = served.tape.take()
        body = served.tape.take_bodies()[first.body_sha256 or ""]
    told = dict(first.response_headers)["x-deploycheck-streamed"]
    assert told.startswith("500000 bytes, sha256 ")
    assert told.endswith("; the first 65536 are kept")
    assert len(body) == 65536


def test_a_log_that_nobody_may_read(tmp_path: Path) -> None:
    found = cluster("ds-complete")
    pod = found.objects["", "pods"][0]["metadata"]["name"]
    with serving(found, tmp_path, token=NOBODY) as served, pytest.raises(Forbidden) as caught:
        served.kubernetes.logs(pod)
    assert caught.value.what == 'kubernetes: 403, the user nobody may not get pods/log in the namespace "rollouts"'


def test_the_logs_of_every_container(tmp_path: Path) -> None:
    from pytest_deploycheck.session.podlogs import ClusterLogs

    found = cluster("crash-after-success")
    for pod in found.objects["", "pods"]:
        name = pod["metadata"]["name"]
        found.logs["rollouts", name, "app"] = f"2026-11-21T10:44:01Z {name} now\n"
        found.logs["rollouts", name, "previous/app"] = f"2026-11-21T10:43:01Z {name} before\n"
    with serving(found, tmp_path) as served:
        found_logs = []
        for log in ClusterLogs(served.kubernetes).container_logs("app=crash-after-success", namespace=None, since=None):
            found_logs.append((log.previous, log.read(1 << 16).decode().split()[2]))
            assert log.read(1 << 16) == b""
    assert sorted(found_logs) == [
        *[(True, "before")] * 3,
    ]
