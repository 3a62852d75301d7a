"""How finely windows are read."""

from __future__ import annotations

import pytest

from pytest_deploycheck.face.steps import step_over

DAY = 86_400.0


@pytest.mark.parametrize(
    ("length", "wanted", "series", "step"),
    [
        pytest.param(1800.0, 15.0, 4, 15.0, id="as fine as scrapes"),
        pytest.param(DAY, 15.0, 100, 15.0, id="a day of a hundred series"),
        pytest.param(2 * DAY, 15.0, 1, 17.28, id="no more than ten thousand points"),
        pytest.param(DAY, 15.0, 1000, 86.4, id="no more than a million samples"),
        pytest.param(DAY, 15.0, 100_000, 432.0, id="two hundred points are always read"),
        pytest.param(DAY, 15.0, 0, 15.0, id="of nothing"),
        pytest.param(10.0, 0.2, 1, 1.0, id="no finer than a second"),
    ],
)
def test_a_window_is_read_as_finely_as_can_be_afforded(length: float, wanted: float, series: int, step: float) -> None:
    assert step_over(length, wanted, series=series) == pytest.approx(step)
