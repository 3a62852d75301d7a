from __future__ import annotations

import pytest

from pytest_deploycheck.model.tolerance import tolerated


@pytest.mark.parametrize(
    ("row", "allow", "consecutive", "expected"),
    [
        ("", None, 1, True),
        ("....", None, 1, True),
        ("...x", None, 1, False),
        ("x", None, 1, False),
        (".x.xx.x", None, 3, True),
        (".x.xxx.", None, 3, False),
        ("xx", None, 3, True),
        ("x....x", (1, 5), 1, True),  # the second one is the sixth sample: the first has left the row of five
        ("x...x.", (1, 5), 1, False),
        ("xx........", (2, 10), 1, True),
        ("xx.......x", (2, 10), 1, False),
        ("xxx", (2, 30), 1, False),  # too few samples are no excuse
    ],
)
def test_blips(row: str, allow: tuple[int, int] | None, consecutive: int, *, expected: bool) -> None:
    assert tolerated([sample == "x" for sample in row], allow, consecutive) is expected
