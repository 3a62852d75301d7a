"""The sandbox's Kubernetes API answers what the real one answered to the same question."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import pytest

from pytest_deploycheck.sandbox.cluster_api import EVERYTHING, Cluster, ClusterApi, Rule
from tests.contract.kubernetes_recordings import archive, reply

USERS = ("admin", "viewer", "nobody", "getter")
VIEWER = [
    Rule(
        verbs=frozenset({"get", "list", "watch"}),
        resources=frozenset(
            {("", "pods"), ("", "events"), ("", "configmaps"), ("apps", "deployments"), ("apps", "replicasets")}
        ),
        namespace="shop",
    )
]
GETTER = [
    Rule(verbs=frozenset({"get"}), resources=frozenset({("", "pods"), ("apps", "deployments")}), namespace="shop")
]


def cluster() -> Cluster:
    """Return a cluster with everything that was listed, each object as it was recorded."""
    found = Cluster(
        users={f"{user}-token": user for user in USERS},
        rules={"admin": [EVERYTHING], "viewer": VIEWER, "getter": GETTER},
    )
    for path in ("lists", "pods/list-all-states.json"):
        for name in archive(path.partition("/")[0]):
            if name != path and not (path == "lists" and name.startswith("lists/")):
                continue
            recorded = reply(name)
            group, _, rest = recorded["request"]["path"].removeprefix("/").partition("/")
            parts = rest.split("/")
            key = (parts[0], parts[-1]) if group == "apis" else ("", parts[-1])
            known = {one["metadata"].get("uid") for one in found.objects.get(key, [])}
            found.objects.setdefault(key, []).extend(
                one for one in recorded["response"]["body"]["items"] if one["metadata"].get("uid") not in known
            )
    return found


CLUSTER = cluster()
API = ClusterApi(CLUSTER)


def ask(recorded: dict[str, Any], api: ClusterApi = API) -> tuple[int, Any, str]:
    """Ask the stand-in what the real one was asked."""
    request = recorded["request"]
    user = request["user"]
    headers = {":query": urlencode(request["query"])}
    if user != "anonymous":
        headers["authorization"] = f"Bearer {user}-token"
    if request.get("accept"):
        headers["accept"] = request["accept"]
    body = b"" if request["body"] is None else json.dumps(request["body"]).encode()
    answer = api.answer(request["method"], request["path"], headers, body)
    text = answer.body.decode()
    document = json.loads(text) if answer.content_type == "application/json" else text
    return answer.status, document, answer.content_type


def names(directory: str) -> list[str]:
    return sorted(archive(directory))


def without(document: Any, *keys: str) -> Any:
    return {key: value for key, value in document.items() if key not in keys}


# Other clusters' events were cut; endpoints of the metrics API and of leases by another namespace are not recorded.
@pytest.mark.parametrize("name", [name for name in names("lists") if "leases" not in name])
def test_lists(name: str) -> None:
    recorded = reply(name)
    expected = recorded["response"]["body"]
    status, document, kind = ask(recorded)
    assert (status, kind) == (200, "application/json")
    assert without(document, "metadata", "items") == without(expected, "metadata", "items")
    ours = [
        one
        for one in document["items"]
        if one["metadata"]["name"] in {e["metadata"]["name"] for e in expected["items"]}
    ]
    assert ours == expected["items"]
    assert document["metadata"].keys() == {"resourceVersion"}


GETS = [
    name
    for name in names("gets")
    if reply(name)["request"]["path"].split("/")[-2] in {plural for _, plural in CLUSTER.objects}
    and name != "gets/namespaces-terminating.json"  # it was made after the lists were recorded
]


@pytest.mark.parametrize("name", GETS)
def test_objects(name: str) -> None:
    recorded = reply(name)
    status, document, _ = ask(recorded)
    expected = recorded["response"]["body"]
    assert status == 200
    assert (document["kind"], document["apiVersion"]) == (expected["kind"], expected["apiVersion"])
    assert document["metadata"]["uid"] == expected["metadata"]["uid"]
    assert document.get("spec") == expected.get("spec")


ERRORS = [
    *("errors/401-bad-token.json", "errors/403-anonymous.json", "errors/403-basic-auth.json"),
    *("errors/404-invalid-name.json", "errors/404-object.json", "errors/404-object-in-absent-namespace.json"),
    *("errors/404-unknown-group.json", "errors/404-unknown-path.json", "errors/404-unknown-resource.json"),
    *("errors/404-unknown-subresource.json", "errors/404-unknown-version.json", "errors/404-wrong-group.json"),
    *("errors/405-get-review.json", "errors/404-namespace.json"),
    *("paging/bad-limit.json", "paging/bad-token.json"),
    *("selectors/field-unsupported.json", "events/bad-field-selector.json"),
    *("logs/pod-absent.json", "logs/container-not-named.json", "logs/container-unknown.json"),
    "logs/bad-parameter.json",
    *(f"access/{user}/{what}.json" for user in ("viewer", "nobody", "getter") for what in (
        "get-secret", "list-secrets", "list-nodes", "list-namespaces", "list-pods-all-namespaces", "pod-log",
    )),
    *(f"access/nobody/{what}.json" for what in ("get-deployment", "get-pod", "list-pods", "list-events", "watch-pods")),
    *(f"access/getter/{what}.json" for what in ("list-deployments", "list-pods")),
    "reviews/anonymous/ssar-list-pods.json",
    "reviews/bad-token/ssar-list-pods.json",
]  # fmt: skip


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name: str) -> None:
    recorded = reply(name)
    status, document, kind = ask(recorded)
    assert status == recorded["response"]["status"]
    assert document == recorded["response"]["body"]
    assert kind == recorded["response"]["headers"]["content-type"]


REVIEWS = [
    f"reviews/{user}/ssar-{what}.json"
    for user in ("admin", "viewer", "nobody")
    for what in ("list-pods", "get-secrets", "get-pods-log", "list-deployments-all", "list-deployments-no-group")
]


@pytest.mark.parametrize("name", REVIEWS)
def test_reviews(name: str) -> None:
    recorded = reply(name)
    status, document, _ = ask(recorded)
    expected = recorded["response"]["body"]
    assert status == recorded["response"]["status"]
    assert document["status"]["allowed"] == expected["status"]["allowed"]
    assert document["spec"] == expected["spec"]


@pytest.mark.parametrize("name", [
    "selectors/empty-selector.json", "selectors/field-nothing.json", "selectors/field-phase.json",
    "selectors/label-nothing.json", "selectors/list-in-absent-namespace.json", "selectors/misspelt-parameter.json",
])  # fmt: skip
def test_selectors(name: str) -> None:
    recorded = reply(name)
    status, document, _ = ask(recorded)
    assert status == 200
    expected = [one["metadata"]["name"] for one in recorded["response"]["body"]["items"]]
    assert [one["metadata"]["name"] for one in document["items"]] == expected


def paged() -> ClusterApi:
    pods = [
        one for page in ("first", "middle", "last") for one in reply(f"paging/{page}.json")["response"]["body"]["items"]
    ]
    return ClusterApi(
        Cluster(
            objects={("", "pods"): pods}, users={"admin-token": "admin"}, rules={"admin": [EVERYTHING]}, revision=1441
        )
    )


def test_pages() -> None:
    recorded = reply("paging/first.json")
    expected = recorded["response"]["body"]
    _, document, _ = ask(recorded, paged())
    assert [one["metadata"]["name"] for one in document["items"]] == [
        one["metadata"]["name"] for one in expected["items"]
    ]
    assert document["metadata"].keys() == expected["metadata"].keys()
    # the token of the real one works on the stand-in
    middle = reply("paging/middle.json")
    _, second, _ = ask(middle, paged())
    assert second["metadata"]["resourceVersion"] == middle["response"]["body"]["metadata"]["resourceVersion"]
    assert second["items"][0]["metadata"]["name"] == middle["response"]["body"]["items"][0]["metadata"]["name"]


def test_a_selector_hides_how_many_are_left() -> None:
    recorded = reply("paging/with-selector.json")
    _, document, _ = ask(
        {**recorded, "request": {**recorded["request"], "query": {"limit": "3", "labelSelector": "!no"}}}, paged()
    )
    assert document["metadata"].keys() == {"resourceVersion", "continue"}


def test_a_negative_limit_is_none() -> None:
    _, document, _ = ask(reply("paging/negative-limit.json"), paged())
    assert "continue" not in document["metadata"]


def test_a_page_that_is_too_old() -> None:
    api = paged()
    api.cluster.expire = 1
    recorded = reply("paging/expired-continue.json")
    status, document, _ = ask(recorded, api)
    expected = recorded["response"]["body"]
    assert status == 410
    assert without(document, "metadata") == without(expected, "metadata")
    assert document["metadata"].keys() == expected["metadata"].keys()


def test_what_is_served() -> None:
    def told(path: str, found: Cluster | None = None, token: str = "admin-token") -> tuple[int, Any]:  # noqa: S107
        answer = ClusterApi(found or Cluster()).answer("GET", path, {"authorization": f"Bearer {token}"}, b"")
        return answer.status, json.loads(answer.body) if answer.body[:1] == b"{" else answer.body.decode()

    assert told("/apis/apps") == (200, reply("discovery/apis-apps.json")["response"]["body"])
    for path, name in (("/api/v1", "api-v1"), ("/apis/apps/v1", "apis-apps-v1")):
        status, found = told(path)
        real = reply(f"discovery/{name}.json")["response"]["body"]
        assert (status, found["kind"], found["groupVersion"]) == (200, real["kind"], real["groupVersion"])
        assert {one["name"] for one in found["resources"]} <= {one["name"] for one in real["resources"]}
    real = reply("discovery/metrics-k8s-io-absent.json")["response"]
    assert told("/apis/metrics.k8s.io/v1beta1", Cluster(metrics="absent")) == (real["status"], real["body"])
    real = reply("discovery/apis-anonymous.json")["response"]
    answer = ClusterApi(Cluster()).answer("GET", "/apis", {}, b"")
    assert answer.status == 404  # groups are told one by one
    answer = ClusterApi(Cluster()).answer("GET", "/apis/apps", {}, b"")
    said = real["body"]["message"].replace("/apis", "/apis/apps")
    assert (answer.status, json.loads(answer.body)["message"]) == (real["status"], said)


def test_metrics_api_absent_and_down() -> None:
    api = paged()
    api.cluster.metrics = "absent"
    recorded = reply("discovery/metrics-k8s-io-pods-absent.json")
    assert ask(recorded, api) == (404, recorded["response"]["body"], "text/plain; charset=utf-8")
    api.cluster.metrics = "down"
    recorded = reply("discovery/metrics-k8s-io-backend-down.json")
    assert ask(recorded, api) == (503, recorded["response"]["body"], "text/plain; charset=utf-8")


def test_too_many_requests() -> None:
    api = paged()
    api.cluster.throttle = 1
    recorded = reply("errors/429-priority-and-fairness-version.json")
    assert ask(recorded, api) == (429, recorded["response"]["body"], "text/plain; charset=utf-8")


def test_the_log_of_a_pod_without_a_node() -> None:
    assert ask(reply("logs/unschedulable-resources.json"))[0] == 204
