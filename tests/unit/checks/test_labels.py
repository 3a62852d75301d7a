from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_deploycheck.checks.labels import labels
from pytest_deploycheck.errors import AuthorMistake
from pytest_deploycheck.model.outcome import Outcome

if TYPE_CHECKING:
    from pytest_deploycheck.checks.asked import Asked


def test_labels_that_are_as_required(asked: Asked) -> None:
    finding = labels([{"v": "1.2", "env": "prod"}], asked, required={"v": "[0-9.]+", "env": "prod|staging"})
    assert finding.outcome is Outcome.PASSED
    assert finding.expected == 'every series with env=~"prod|staging", v=~"[0-9.]+"'
    assert finding.observed == "all 1 series carry 2 required labels"


def test_a_missing_empty_or_odd_label_fails_the_missing_first(asked: Asked) -> None:
    series = [{"i": "a", "v": "x1"}, {"i": "b"}, {"i": "c", "v": ""}, {"i": "d", "v": "1"}, {"i": "e", "v": "1\n"}]
    finding = labels(series, asked, required={"v": "[0-9]+"})
    assert finding.outcome is Outcome.FAILED
    assert finding.observed == "4 of 5 series are without a required label or with another value"
    assert finding.rows == (
        ('{i="b"}', "v", "missing"),
        ('{i="c", v=""}', "v", "missing"),
        ('{i="a", v="x1"}', "v", '"x1"'),
        ('{i="e", v="1\n"}', "v", '"1\n"'),
    )


def test_no_series_is_inconclusive(asked: Asked) -> None:
    finding = labels([], asked, required={"v": ".*"})
    assert (finding.outcome, finding.observed) == (Outcome.INCONCLUSIVE, "no data: there are no series")


def test_requiring_nothing_or_what_cannot_be_read_is_a_mistake(asked: Asked) -> None:
    with pytest.raises(AuthorMistake, match="no label is required"):
        labels([{}], asked, required={})
    with pytest.raises(AuthorMistake, match=r"cannot judge the regular expression '\('"):
        labels([{}], asked, required={"v": "("})
