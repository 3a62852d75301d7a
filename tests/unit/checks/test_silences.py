from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pytest_deploycheck.checks.alerts import silences
from pytest_deploycheck.model.alertmanager import Matcher, Silence
from pytest_deploycheck.model.outcome import Outcome

if TYPE_CHECKING:
    from pytest_deploycheck.checks.asked import Asked

NOW = 1_800_000_000.0


def matcher(name: str, value: str, *, regex: bool = False, equal: bool = True) -> Matcher:
    return Matcher(name=name, value=value, is_regex=regex, is_equal=equal)


def silence(*matchers: Matcher, **changed: Any) -> Silence:
    values: dict[str, Any] = {
        "id": "s1",
        "state": "active",
        "comment": "CHG-1",
        "created_by": "ann",
        "starts_at": NOW - 600,
        "ends_at": NOW + 600,
    }
    return Silence(matchers=matchers or (matcher("alertname", "Down"),), **(values | changed))


def judged(asked: Asked, *found: Silence) -> tuple[Outcome, str]:
    finding = silences(found, asked, now=NOW, max_duration=3600)
    return finding.outcome, finding.observed


def test_a_short_explained_silence_passes_and_is_listed(asked: Asked) -> None:
    finding = silences([silence()], asked, now=NOW, max_duration=3600)
    assert finding.outcome is Outcome.PASSED
    assert finding.expected == "no silence hides everything, lasts longer than 60 min or has no comment"
    assert finding.observed == "1 silence, all short and explained"
    assert finding.rows == (("s1", '{alertname="Down"}', "2027-01-15T08:10:00Z", "ann", ""),)
    assert judged(asked) == (Outcome.PASSED, "no silence")


def test_expired_and_ended_silences_hide_nothing(asked: Asked) -> None:
    everything = matcher("alertname", ".*", regex=True)
    assert judged(asked, silence(everything, state="expired"), silence(everything, ends_at=NOW - 1)) == (
        Outcome.PASSED,
        "no silence",
    )


@pytest.mark.parametrize(
    "matchers",
    [
        (matcher("alertname", ".*", regex=True),),
        (matcher("alertname", ".+", regex=True),),
        (matcher("alertname", "(.|\\n)+", regex=True),),
        (matcher("alertname", "", equal=False),),
        (matcher("alertname", ".+", regex=True), matcher("no_such_label", "")),
        (matcher("alertname", ".+", regex=True), matcher("severity", "none", equal=False)),
        (matcher("alertname", "", regex=True, equal=False),),
    ],
)
def test_a_silence_that_hides_everything_fails(asked: Asked, matchers: tuple[Matcher, ...]) -> None:
    finding = silences([silence(*matchers)], asked, now=NOW, max_duration=3600)
    assert finding.outcome is Outcome.FAILED
    assert finding.observed == "1 of 1 silence is hiding everything"
    assert finding.rows[0][4] == "hides everything"


def test_without_matchers_it_hides_everything(asked: Asked) -> None:
    bare = Silence(id="s", state="active", matchers=(), comment="c", starts_at=NOW, ends_at=NOW + 1)
    assert judged(asked, bare) == (Outcome.FAILED, "1 of 1 silence is hiding everything")


@pytest.mark.parametrize(
    "matchers",
    [
        (matcher("alertname", ".+", regex=True), matcher("job", "app")),
        (matcher("alertname", "App.*", regex=True),),
        (matcher("alertname", "[[:alpha:]]+", regex=True),),
    ],
)
def test_a_silence_about_something_in_particular_passes(asked: Asked, matchers: tuple[Matcher, ...]) -> None:
    assert judged(asked, silence(*matchers))[0] is Outcome.PASSED


def test_too_long_or_unexplained_silences_fail(asked: Asked) -> None:
    assert judged(asked, silence(ends_at=NOW + 3001)) == (Outcome.FAILED, "1 of 1 silence is too long")
    finding = silences(
        [silence(comment=" ", id="a"), silence(state="pending", comment="")], asked, now=NOW, max_duration=3600
    )
    assert (finding.outcome, finding.observed) == (Outcome.FAILED, "2 of 2 silences are without a comment")
    accepted = silences([silence(comment="")], asked, now=NOW, max_duration=3600, comment_required=False)
    assert (accepted.outcome, accepted.expected) == (
        Outcome.PASSED,
        "no silence hides everything, lasts longer than 60 min",
    )


def test_what_cannot_be_told_of_a_silence_is_inconclusive(asked: Asked) -> None:
    assert judged(asked, silence(ends_at=None)) == (Outcome.INCONCLUSIVE, "1 of 1 silence is of unknown duration")
    assert judged(asked, silence(state="odd")) == (Outcome.INCONCLUSIVE, "1 of 1 silence is in an unknown state")
    strange = silence(matcher("a", r"\p{Greek}", regex=True))
    assert judged(asked, strange) == (Outcome.INCONCLUSIVE, "1 of 1 silence is not understood")
