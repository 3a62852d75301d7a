"""Permissions by name, and the shipped manifest."""

from __future__ import annotations

import pytest
import yaml

from pytest_deploycheck.cli import main
from pytest_deploycheck.clients.kubernetes.permissions import manifest, needed, permission
from pytest_deploycheck.errors import AuthorMistake


@pytest.mark.parametrize(
    ("resource", "group", "path"),
    [
        ("pods", None, "/api/v1/namespaces/shop/pods"),
        ("pods/log", None, "/api/v1/namespaces/shop/pods/log"),
        ("deployments", None, "/apis/apps/v1/namespaces/shop/deployments"),
        ("nodes", None, "/api/v1/nodes"),
        ("widgets.example.com", None, "/apis/example.com/v1/namespaces/shop/widgets"),
        ("widgets", "example.com", "/apis/example.com/v1/namespaces/shop/widgets"),
        ("pods", "metrics.k8s.io", "/apis/metrics.k8s.io/v1/namespaces/shop/pods"),
    ],
)
def test_resources(resource: str, group: str | None, path: str) -> None:
    assert permission("get", resource, namespace="shop", group=group).path == path


@pytest.mark.parametrize(("verb", "resource"), [("get", "widgets"), ("", "pods"), ("get", "")])
def test_what_is_no_permission(verb: str, resource: str) -> None:
    with pytest.raises(AuthorMistake):
        permission(verb, resource)


def test_the_manifest_only_reads() -> None:
    found = needed("shop")
    assert {one.verb for one in found} == {"get", "list"}
    assert not {"secrets", "configmaps"} & {one.name for one in found}
    assert {one.namespace for one in found} == {"shop", "kube-node-lease", ""}
    assert [str(one.permission) for one in found][:2] == [
        'get deployments.apps in the namespace "shop"',
        'get statefulsets.apps in the namespace "shop"',
    ]


def test_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rbac", "--namespace", "shop"]) == 0
    printed = capsys.readouterr().out
    assert printed == manifest("shop")
    assert "my-namespace" not in printed
    kinds = [document["kind"] for document in yaml.safe_load_all(printed)]
    assert kinds == [
        "ServiceAccount",
        "Role",
        "RoleBinding",
        "Role",
        "RoleBinding",
        "ClusterRole",
        "ClusterRoleBinding",
    ]


def test_a_namespace_that_cannot_be_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rbac", "--namespace", "Not OK"]) == 4
    assert "option --namespace: namespace: 'Not OK' cannot be one (expected such as shop)" in capsys.readouterr().err
