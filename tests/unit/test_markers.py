"""What a marker's arguments may say."""

from __future__ import annotations

import pytest

from pytest_deploycheck.markers import after, parse_tier
from pytest_deploycheck.model.declaration import Tier


@pytest.mark.parametrize(
    ("text", "tier"),
    [
        ("immediate", Tier(kind="immediate")),
        ("investigate", Tier(kind="investigate")),
        ("after(30m)", Tier(kind="after", seconds=1800.0)),
        ('after("1h30m")', Tier(kind="after", seconds=5400.0)),
        ("after( '1.5h' )", Tier(kind="after", seconds=5400.0)),
        (after("2d"), Tier(kind="after", seconds=172800.0)),
    ],
)
def test_tiers(text: str, tier: Tier) -> None:
    assert parse_tier(text) == tier


@pytest.mark.parametrize(
    "text", ["later", "after()", "after(30)", "after(30m", "after(30 m)", "after(1y)", "", None, 5]
)
def test_what_is_no_tier(text: object) -> None:
    with pytest.raises(ValueError, match="is none of") as caught:
        parse_tier(text)
    assert str(caught.value) == f'tier={text!r} is none of "immediate", "investigate", after("30m")'
