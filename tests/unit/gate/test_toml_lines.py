"""Lines of tables and keys, whatever strings hold."""

from __future__ import annotations

import tomllib

from hypothesis import given
from hypothesis import strategies as st

from pytest_deploycheck.gate.toml_lines import find_places

VALUES = st.sampled_from(
    ["1", '"[[w]]"', "'#'", '"""\n[[w]]\nkey = 1\n"""', "'''\n[[w]]'''", '"\\""', '"""a""" # """', "2026-01-01"]
)


@given(st.lists(st.lists(VALUES, max_size=4), max_size=4))
def test_every_table_and_key_is_found_in_its_line(tables: list[list[str]]) -> None:
    lines: list[str] = []
    entries: list[int] = []
    keys: list[dict[str, int]] = []
    for values in tables:
        lines.append("[[w]]")
        entries.append(len(lines))
        keys.append({})
        for number, value in enumerate(values):
            keys[-1][f"k{number}"] = len(lines) + 1
            lines += f"k{number} = {value}".split("\n")
    text = "\n".join(lines)
    assert len(tomllib.loads(text).get("w", [])) == len(tables)
    places = find_places(text, "w")
    assert (places.entries, places.keys) == (entries, keys)


def test_unusual_spellings() -> None:
    places = find_places('"a b" = 1\n[[ "w" ]]\n  "k" = 1\n  x.y = 2\n[w.sub]\nz = 1\n[other]\nk = 2\n', "w")
    assert places.tops == {"a b": 1, "w": 2, "other": 7}
    assert (places.entries, places.keys) == ([2], [{"k": 3, "x": 4, "sub": 5}])
    assert (places.entry(3), places.key(3, "k"), places.top("absent")) == (1, 1, 1)
