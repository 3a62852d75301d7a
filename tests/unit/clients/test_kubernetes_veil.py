"""What is kept of an answer holds no value of a Secret, and no literal value of a telling environment variable."""

from __future__ import annotations

import json

import pytest

from pytest_deploycheck.clients.kubernetes.veil import veil

SECRET = {"kind": "Secret", "metadata": {"name": "web"}, "data": {"key": "c2VjcmV0"}, "stringData": {"other": "secret"}}
MASKED = {
    **SECRET,
    "data": {"key": "<redacted>"},
    "stringData": {"other": "<redacted>"},
}


def compact(document: object) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()


@pytest.mark.parametrize(
    ("document", "masked"),
    [
        (SECRET, MASKED),
        (
            {"kind": "SecretList", "items": [{**SECRET, "kind": None}]},
            {"kind": "SecretList", "items": [{**MASKED, "kind": None}]},
        ),
        ({"type": "ADDED", "object": SECRET}, {"type": "ADDED", "object": MASKED}),
        ({"kind": "List", "items": [SECRET, {"kind": "Pod"}]}, {"kind": "List", "items": [MASKED, {"kind": "Pod"}]}),
        ({"kind": "Secret", "data": "odd"}, {"kind": "Secret", "data": "<redacted>"}),
    ],
)
def test_values_of_secrets(document: object, masked: object) -> None:
    assert veil(compact(document)) == compact(masked)
    assert json.loads(veil(json.dumps(document, indent=1).encode())) == masked


def test_the_annotation_of_the_last_applied_configuration() -> None:
    key = "kubectl.kubernetes.io/last-applied-configuration"
    document = {**SECRET, "metadata": {"annotations": {key: '{"stringData":{"key":"secret"}}', "other": "1"}}}
    found = json.loads(veil(compact(document)))
    assert found["metadata"]["annotations"] == {key: "<redacted>", "other": "1"}


@pytest.mark.parametrize(
    "body",
    [
        b'{"kind":"Secret","data":{"key":"c2Vj',
        b"apiVersion: v1\nkind: Secret\ndata:\n  key: c2VjcmV0\n",
        b"k8s\x00\n\x0c\n\x02v1\x12\x06Secret\x12\x30c2VjcmV0",
    ],
)
def test_what_cannot_be_read_is_masked_whole(body: bytes) -> None:
    assert veil(body) == b"<redacted: a Secret that is no JSON>"


def test_a_watch_of_secrets() -> None:
    lines = [compact({"type": kind, "object": SECRET}) for kind in ("ADDED", "MODIFIED")]
    masked = [compact({"type": kind, "object": MASKED}) for kind in ("ADDED", "MODIFIED")]
    assert veil(b"\n".join(lines) + b"\n") == b"\n".join(masked)


@pytest.mark.parametrize("value", ["hunter2", 'with "quotes"', "ends in a backslash\\", "", "ünï"])
def test_environment_values(value: str) -> None:
    def document(shown: str, password: str) -> dict[str, object]:
        variables = [
            {"name": "LEVEL", "value": shown},
            {"name": "DB_PASSWORD", "value": password},
            {"name": "A", "value": "b"},
        ]
        return {"kind": "Pod", "spec": {"containers": [{"env": variables}]}}

    def applied(inner: bytes) -> dict[str, object]:
        return {"metadata": {"annotations": {"last-applied": inner.decode()}}}

    plain, masked = document(value, value), document(value, "<redacted>")
    assert veil(compact(plain)) == compact(masked)
    assert json.loads(veil(json.dumps(plain, indent=2).encode())) == masked
    # as the annotation of the last applied configuration holds it
    assert veil(compact(applied(compact(plain)))) == compact(applied(compact(masked)))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        compact({"kind": "PodList", "items": [{"spec": {"volumes": [{"secretName": "x"}]}}]}),
        compact({"kind": "EventList", "items": [{"involvedObject": {"kind": "Pod"}, "message": "Secret not found"}]}),
        compact({"env": [{"name": "LEVEL", "value": "info"}]}),
    ],
)
def test_everything_else_is_kept_as_it_is(body: bytes) -> None:
    assert veil(body) is body
