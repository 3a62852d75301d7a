"""What `within` and `sustained` may say, and how a mistake in them is told: what, where, how it is said rightly."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_deploycheck.waits.terms import Sustained, Terms, Within, read_sustained, read_within


def test_within_says_what_is_left_out_by_its_defaults() -> None:
    assert read_within(["10m"], {}) == Within(seconds=600.0, since="deployment", every=None, retry=False)


def test_within_says_everything() -> None:
    found = read_within(["90s"], {"since": "start", "every": "15s", "retry": KeyError})
    assert found == Within(seconds=90.0, since="start", every=15.0, retry=(KeyError,))
    assert read_within(["90s"], {"retry": [KeyError, OSError]}).retry == (KeyError, OSError)
    assert read_within(["90s"], {"retry": True}).retry is True


def test_sustained_says_everything() -> None:
    found = read_sustained(["1h"], {"since": "start", "every": "1m", "allow": "2 of 30", "coverage": 1})
    assert found == Sustained(seconds=3600.0, since="start", every=60.0, allow=(2, 30), consecutive=1, coverage=1.0)
    assert read_sustained(["30m"], {"consecutive": 3}) == Sustained(seconds=1800.0, consecutive=3)


def test_both_are_said_in_order() -> None:
    assert str(Terms(within=Within(seconds=600.0))) == "within 10m"
    assert str(Terms(sustained=Sustained(seconds=1800.0))) == "sustained for 30m"
    assert (
        str(Terms(within=Within(seconds=600.0), sustained=Sustained(seconds=1800.0)))
        == "within 10m, then sustained for 30m"
    )


@pytest.mark.parametrize(
    ("args", "kwargs", "text"),
    [
        ([], {}, 'within() takes one duration, such as within("10m"), got none'),
        ([600], {}, 'within() takes one duration, such as within("10m"), got 600'),
        (["1m", "2m"], {}, "within() takes one duration, such as within(\"10m\"), got '1m', '2m'"),
        (["0s"], {}, "within(): '0s' is no time at all"),
        (["10m"], {"sinc": "start"}, "within() does not know the argument 'sinc': did you mean 'since'?"),
        (["10m"], {"allow": "1 of 3"}, "within() does not know the argument 'allow': it takes since, every, retry"),
        (["10m"], {"since": "boot"}, 'within(): since=\'boot\' is neither "deployment" nor "start"'),
        (["10m"], {"every": 15}, 'within(): every=15 is no duration, such as "15s"'),
        (["10m"], {"every": "0s"}, "within(): every: '0s' is no time at all"),
        (["10m"], {"retry": "yes"}, "within(): retry='yes' is neither True nor exception types"),
        (["10m"], {"retry": int}, "within(): retry=(<class 'int'>,) is neither True nor exception types"),
        (["10m"], {"retry": None}, "within(): retry=None is neither True nor exception types"),
    ],
)
def test_what_within_does_not_mean(args: list[Any], kwargs: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match="within") as caught:
        read_within(args, kwargs)
    assert str(caught.value) == text


@pytest.mark.parametrize("length", ["soon", "", "10", "-5m", "10 m", "1y"])
def test_what_is_no_duration(length: str) -> None:
    with pytest.raises(ValueError, match="no duration") as caught:
        read_within([length], {})
    assert str(caught.value) == f'within(): {length!r} is no duration, such as "90s", "10m" or "1h30m"'
    with pytest.raises(ValueError, match="no duration") as caught:
        read_sustained([length], {})
    assert str(caught.value) == f'sustained(): {length!r} is no duration, such as "90s", "10m" or "1h30m"'


@pytest.mark.parametrize(
    ("kwargs", "text"),
    [
        ({"timeout": "1h"}, "sustained() does not know the argument 'timeout': it takes since, every, allow, consecutive, coverage"),  # noqa: E501
        ({"alow": "2 of 30"}, "sustained() does not know the argument 'alow': did you mean 'allow'?"),
        ({"consecutive": 0}, "sustained(): consecutive=0 is no number of violations in a row, 1 or more"),
        ({"consecutive": True}, "sustained(): consecutive=True is no number of violations in a row, 1 or more"),
        ({"consecutive": "3"}, "sustained(): consecutive='3' is no number of violations in a row, 1 or more"),
        ({"coverage": 0}, "sustained(): coverage=0 is no share of the window, above 0 and at most 1"),
        ({"coverage": 90}, "sustained(): coverage=90 is no share of the window, above 0 and at most 1"),
        ({"coverage": True}, "sustained(): coverage=True is no share of the window, above 0 and at most 1"),
        ({"coverage": float("nan")}, "sustained(): coverage=nan is no share of the window, above 0 and at most 1"),
        ({"allow": "2 in 30"}, "sustained(): allow='2 in 30' is no \"2 of 30\""),
        ({"allow": "0 of 30"}, "sustained(): allow='0 of 30' is no \"2 of 30\""),
        ({"allow": "30 of 30"}, "sustained(): allow='30 of 30' is no \"2 of 30\""),
        ({"allow": 2}, 'sustained(): allow=2 is no "2 of 30"'),
        ({"allow": "2 of 30", "consecutive": 3}, "sustained(): allow= and consecutive= are two rules for the same thing: keep one"),  # noqa: E501
        ({"since": "now"}, "sustained(): since='now' is neither \"deployment\" nor \"start\""),
        ({"every": "often"}, "sustained(): every: 'often' is no duration, such as \"90s\", \"10m\" or \"1h30m\""),
    ],
)  # fmt: skip
def test_what_sustained_does_not_mean(kwargs: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match="sustained") as caught:
        read_sustained(["30m"], kwargs)
    assert str(caught.value) == text


def test_a_window_that_is_shorter_than_its_samples_lie_apart() -> None:
    with pytest.raises(ValueError, match="is longer than the window") as error:
        read_sustained(("45s",), {"every": "1m"})
    assert str(error.value) == "sustained(): every='1m' is longer than the window, which would be seen once at most"
    assert read_sustained(("45s",), {"every": "45s"}).every == 45.0
