"""Label and field selectors, as an API server reads them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

_PART = re.compile(r"\s*(?:(?P<not>!)\s*)?(?P<key>[\w./-]+)\s*(?:(?P<op>==|=|!=)\s*(?P<value>[\w./-]*)|"
                   r"\s(?P<set>in|notin)\s*\((?P<values>[\w./,\s-]*)\))?\s*(?:,|$)")  # fmt: skip
_FIELD = re.compile(r"(?P<path>[\w.]+)(?P<op>==|=|!=)(?P<value>.*)")
_EVERYWHERE = ("metadata.name", "metadata.namespace")
_FIELDS = {
    "pods": ("spec.nodeName", "spec.restartPolicy", "status.phase", "status.podIP", "spec.serviceAccountName"),
    "events": (
        *("involvedObject.kind", "involvedObject.name", "involvedObject.namespace", "involvedObject.uid"),
        *("reason", "type", "source", "reportingComponent"),
    ),
    "nodes": ("spec.unschedulable",),
    "namespaces": ("status.phase",),
    "secrets": ("type",),
}


class BadSelector(ValueError):  # noqa: N818 - becomes a 400
    """A selector that does not parse."""


def by_labels(text: str) -> Callable[[dict[str, Any]], bool]:
    """Return the test that a label selector stands for; an empty one takes everything.

    Raises:
        BadSelector: if it does not parse.
    """
    tests: list[Callable[[dict[str, str]], bool]] = []
    at = 0
    while at < len(text):
        found = _PART.match(text, at)
        if found is None:
            raise BadSelector(f"unable to parse requirement: {text!r}")
        tests.append(_label_test(found))
        at = found.end()
    return lambda item: all(test(item["metadata"].get("labels") or {}) for test in tests)


def _label_test(found: re.Match[str]) -> Callable[[dict[str, str]], bool]:
    key, operator = found["key"], found["op"]
    if found["set"] is not None:
        values = {value.strip() for value in found["values"].split(",")}
        if found["set"] == "in":
            return lambda labels: labels.get(key) in values
        return lambda labels: labels.get(key) not in values
    if operator is None:
        return lambda labels: (key in labels) != bool(found["not"])
    return lambda labels: (labels.get(key) == found["value"]) == (operator != "!=")


def by_fields(text: str, plural: str) -> Callable[[dict[str, Any]], bool]:
    """Return the test that a field selector stands for.

    Raises:
        BadSelector: if it does not parse, or names a field that is not indexed.
    """
    tests: list[tuple[str, str, bool]] = []
    for part in filter(None, text.split(",")):
        found = _FIELD.fullmatch(part)
        if found is None:
            raise BadSelector(f"invalid selector: '{part}'; can't understand '{part}'")
        if found["path"] not in (*_EVERYWHERE, *_FIELDS.get(plural, ())):
            raise BadSelector(f"field label not supported: {found['path']}")
        tests.append((found["path"], found["value"], found["op"] != "!="))
    return lambda item: all((_field(item, path) == value) == same for path, value, same in tests)


def _field(item: dict[str, Any], path: str) -> str:
    value: Any = item
    for key in path.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    return "" if value is None else str(value)
