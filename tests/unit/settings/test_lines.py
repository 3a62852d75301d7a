"""Line numbers: the pass over the text agrees with a writer that knows them, and with tomllib about what there is."""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_deploycheck.settings.lines import KeyPath, locate

KEYS = st.one_of(
    st.text("abz09_-", min_size=1, max_size=5),
    st.sampled_from(["a b", "x.y", "[k]", "#", "=", 'q"u', "é", "", "\\", "'"]),
)
SCALARS = st.one_of(
    st.integers(-5, 5).map(str),
    st.booleans().map(lambda value: str(value).lower()),
    st.sampled_from(["1.5", "inf", "0x1F", "2026-01-21T14:00:00Z", "2026-01-21 14:00:00", "14:00:00", "1e3"]),
    st.sampled_from(['"a = 1 # [x]"', "'[[t]] ]}'", '"\\"]"', "''", '""', "'\\'"]),
    st.sampled_from(
        ['"""\nx = 1\n[t]\n"""', "'''\n# '' \n]'''", '"""a""""', "''''q'''''", '"""\\""" """', '"""\\\n  b"""']
    ),
)


@dataclass
class Writer:
    """Writes TOML and keeps account of lines by counting its own line breaks."""

    text: str = ""
    lines: dict[KeyPath, int] = field(default_factory=dict)

    def put(self, text: str) -> None:
        self.text += text

    def note(self, path: KeyPath) -> None:
        self.lines.setdefault(path, self.text.count("\n") + 1)


def _key(key: str) -> str:
    return key if key and all(char in "abz09_-" for char in key) else json.dumps(key, ensure_ascii=False)


@st.composite
def documents(draw: st.DrawFn) -> Writer:
    writer = Writer()
    for _ in range(draw(st.integers(0, 2))):
        writer.put(draw(st.sampled_from(["\n", "# [c]\n", "  # x = 1\n", "\r\n"])))
    _assignments(draw, writer, ())
    arrays: dict[str, int] = {}
    for name in draw(st.lists(KEYS.map(lambda key: "T" + key), max_size=4)):
        writer.put(draw(st.sampled_from(["", "\n", "  ", "# y\n"])))
        if name not in arrays and (name,) in writer.lines:
            continue
        path: KeyPath = (name, arrays.get(name, 0))
        arrays[name] = path[1] + 1  # type: ignore[operator]
        for each in ((name,), path):
            writer.note(each)
        writer.put(f"[[ {_key(name)} ]] # e\n")
        _assignments(draw, writer, path)
        if draw(st.booleans()):
            for each in ((name,), path, (*path, "sub")):
                writer.note(each)
            writer.put(f"[{_key(name)}.sub]\n")
            _assignments(draw, writer, (*path, "sub"))
    if draw(st.booleans()):
        writer.text = writer.text.rstrip("\n\r ")
    return writer


def _assignments(draw: st.DrawFn, writer: Writer, table: KeyPath) -> None:
    for key in draw(st.lists(KEYS, unique=True, max_size=4)):
        if key == "sub":
            continue
        writer.put(draw(st.sampled_from(["", "", "\n", " \t"])))
        keys = [key, *draw(st.lists(KEYS, max_size=2))]
        path = table
        for each in keys:
            path = (*path, each)
            writer.note(path)
        writer.put(
            draw(st.sampled_from([".", " . "])).join(_key(each) for each in keys) + draw(st.sampled_from(["=", " = "]))
        )
        _value(draw, writer, path, 2)
        writer.put(draw(st.sampled_from(["\n", " # c ]\n", "\t\n", "\r\n"])))


def _value(draw: st.DrawFn, writer: Writer, path: KeyPath, depth: int) -> None:
    kind = draw(st.sampled_from(["scalar", "scalar", "list", "table"])) if depth else "scalar"
    if kind == "list":
        writer.put("[")
        for index in range(draw(st.integers(0, 3))):
            writer.put(draw(st.sampled_from(["", " ", "\n", " # ],\n "])))
            writer.note((*path, index))
            _value(draw, writer, (*path, index), depth - 1)
            writer.put(draw(st.sampled_from([",", " ,", "\n,"])))
        writer.put(draw(st.sampled_from(["]", "\n]", "# x\n ]"])))
    elif kind == "table":
        writer.put("{")
        for index, key in enumerate(draw(st.lists(KEYS, unique=True, max_size=3))):
            writer.put(", " if index else " ")
            writer.note((*path, key))
            writer.put(f"{_key(key)} = ")
            _value(draw, writer, (*path, key), depth - 1)
        writer.put(" }")
    else:
        writer.put(draw(SCALARS))


def _paths(data: Any, path: KeyPath = ()) -> set[KeyPath]:
    children = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    found = {path} if path else set()
    for key, child in children:
        found |= _paths(child, (*path, key))
    return found


@settings(max_examples=150, deadline=None)
@given(documents())
def test_lines_are_those_on_which_they_were_written(writer: Writer) -> None:
    data = tomllib.loads(writer.text)
    found = locate(writer.text)
    assert set(found) == _paths(data)
    assert found == writer.lines


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("", {}),
        ("a = 1", {("a",): 1}),
        ("\n\na.b = 1\na.c = 2\n", {("a",): 3, ("a", "b"): 3, ("a", "c"): 4}),
        ("[a.b]\nc = '''\n[x]\n'''\nd = 1", {("a",): 1, ("a", "b"): 1, ("a", "b", "c"): 2, ("a", "b", "d"): 5}),
        ("[[a]]\n[a.b]\n[[a]]\n[a.b]\n", {("a",): 1, ("a", 0): 1, ("a", 0, "b"): 2, ("a", 1): 3, ("a", 1, "b"): 4}),
        ("a = [ # x\n 1,\n {b = 2},\n]", {("a",): 1, ("a", 0): 2, ("a", 1): 3, ("a", 1, "b"): 3}),
        (
            "[[a.b]]\n[[a.b.c]]\nx=1\n[[a.b.c]]\nx=2",
            {
                ("a",): 1,
                ("a", "b"): 1,
                ("a", "b", 0): 1,
                ("a", "b", 0, "c"): 2,
                ("a", "b", 0, "c", 0): 2,
                ("a", "b", 0, "c", 0, "x"): 3,
                ("a", "b", 0, "c", 1): 4,
                ("a", "b", 0, "c", 1, "x"): 5,
            },
        ),
    ],
)
def test_lines_of_each_shape(text: str, lines: dict[KeyPath, int]) -> None:
    tomllib.loads(text)
    assert locate(text) == lines
