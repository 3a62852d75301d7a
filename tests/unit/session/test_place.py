from __future__ import annotations

import pytest

from pytest_deploycheck.session.place import without_group

KNOWN = {"test_a.py::test_it", "test_a.py::test_mail[a@b]"}


@pytest.mark.parametrize(
    ("nodeid", "name"),
    [
        ("test_a.py::test_it", "test_a.py::test_it"),
        ("test_a.py::test_it@group", "test_a.py::test_it"),
        ("test_a.py::test_mail[a@b]", "test_a.py::test_mail[a@b]"),
        ("test_a.py::test_mail[a@b]@group", "test_a.py::test_mail[a@b]"),
        ("test_a.py::test_gone@group", "test_a.py::test_gone@group"),
        ("", ""),
    ],
)
def test_a_group_is_no_part_of_a_checks_name(nodeid: str, name: str) -> None:
    assert without_group(nodeid, KNOWN) == name
