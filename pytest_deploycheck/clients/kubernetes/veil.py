"""Takes the values of Secrets, and literal environment values under telling names, out of what is kept as evidence."""

from __future__ import annotations

import json
import re
from typing import Any

MASK = "<redacted>"
_WHOLE = b"<redacted: a Secret that is no JSON>"
_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_KINDS = ("Secret", "SecretList")
_JSON_KIND = re.compile(rb'"kind"\s*:\s*"Secret(?:List)?"')
_YAML_KIND = re.compile(rb"(?m)^\s*kind:\s*[\"']?Secret(?:List)?[\"']?\s*$")
_PLAIN_LIST = re.compile(rb'\{"kind":"(?!Secret)[A-Z][A-Za-z]+List",')
"""A list of one kind that is not Secret holds no Secret, and need not be searched for one."""
_PROTOBUF = b"k8s\x00"
_PROTOBUF_HEAD = 64
_PRETTY_HEAD = 256
_TELLING = re.compile(rb"(?i)pass(?:word|wd|phrase)|secret|token|api[_-]?key|credential|private[_-]?key|_dsn\b")
_NAME_LIMIT = 256
_SPACED_VALUE = re.compile(rb'("name":\s+"([^"\\]{0,256})",\s+"value":\s+")(?:[^"\\]|\\.)*"')
# as the API writes an environment variable, and as the annotation of the last applied configuration holds it
_VALUES = ((b'"name":"', b'","value":"', b'"'), (b'\\"name\\":\\"', b'\\",\\"value\\":\\"', b'\\"'))


def veil(body: bytes) -> bytes:
    """Return a body in which no value of a Secret is left: the very same object if there was none.

    Keys stay, for checks are about them. What names itself a Secret and cannot be read is masked as a whole. Every pass
    over a list of many megabytes counts, hence the order of questions.
    """
    if body[:1] not in (b"{", b"["):
        if body.startswith(_PROTOBUF):
            return _WHOLE if b"Secret" in body[:_PROTOBUF_HEAD] else body
        return _WHOLE if b"Secret" in body and _YAML_KIND.search(body) else body
    if not _PLAIN_LIST.match(body) and b'"Secret' in body and _JSON_KIND.search(body):
        body = _without_secrets(body)
    if b'": ' in body[:_PRETTY_HEAD]:  # asked for with `pretty`
        body = _SPACED_VALUE.sub(
            lambda found: found[1] + MASK.encode() + b'"' if _TELLING.search(found[2]) else found[0], body
        )
    for name, value, end in _VALUES:
        if value[:1] in body:  # a single byte is found ten times as fast as several: most bodies escape nothing
            body = _without_values(body, name, value, end)
    return body


def _without_secrets(body: bytes) -> bytes:
    lines = body.splitlines() if body.count(b"\n{") else [body]  # a watch answers one document a line
    masked = []
    for line in lines:
        if not line.strip():
            continue
        try:
            document = json.loads(line)
        except (ValueError, RecursionError):
            return _WHOLE
        _mask(document, is_secret=False)
        masked.append(json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass"))
    return b"\n".join(masked)


def _mask(node: Any, *, is_secret: bool) -> None:
    if isinstance(node, list):
        for each in node:
            _mask(each, is_secret=is_secret)
        return
    if not isinstance(node, dict):
        return
    is_secret = is_secret or node.get("kind") in _KINDS
    if is_secret:
        _mask_secret(node)
    for key, child in node.items():
        if isinstance(child, (dict, list)):
            _mask(child, is_secret=is_secret and key == "items")


def _mask_secret(node: dict[str, Any]) -> None:
    for part in ("data", "stringData"):
        if isinstance(node.get(part), dict):
            node[part] = dict.fromkeys(node[part], MASK)
        elif part in node:
            node[part] = MASK
    metadata = node.get("metadata")
    annotations = metadata.get("annotations") if isinstance(metadata, dict) else None
    if isinstance(annotations, dict) and _LAST_APPLIED in annotations:
        annotations[_LAST_APPLIED] = MASK


def _without_values(body: bytes, name: bytes, value: bytes, end: bytes) -> bytes:
    """Mask `"value"` where it follows a `"name"` that tells of a credential, as in a container's environment."""
    parts: list[bytes] = []
    known: dict[bytes, bool] = {}  # the same few names come again and again
    done, at = 0, body.find(value)
    while at >= 0:
        start = at + len(value)
        begins = body.rfind(name, max(0, at - _NAME_LIMIT), at)
        if begins >= 0:
            called = body[begins + len(name) : at]
            if called not in known:
                known[called] = _TELLING.search(called) is not None
            if known[called]:
                stop = _end_of(body, start, end)
                parts += [body[done:start], MASK.encode()]
                done = start = stop
        at = body.find(value, start)
    return b"".join([*parts, body[done:]]) if parts else body


def _end_of(body: bytes, start: int, end: bytes) -> int:
    """Return where a JSON string ends: at a quote that is not escaped (once more within an escaped document)."""
    escape = end[:-1] + b"\\"
    at = body.find(end, start)
    while at >= 0:
        before = at
        while body[before - 1 : before] == b"\\" and before > start:
            before -= 1
        if (at - before) % (2 * len(escape)) == 0:
            return at
        at = body.find(end, at + 1)
    return len(body)
