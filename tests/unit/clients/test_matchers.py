from __future__ import annotations

import pytest

from pytest_deploycheck.clients.alertmanager.matchers import format_matcher, parse_matchers
from pytest_deploycheck.model.alertmanager import Matcher


@pytest.mark.parametrize(
    ("text", "matchers"),
    [
        ('team="db"', [Matcher(name="team", value="db")]),
        ("team=db", [Matcher(name="team", value="db")]),
        (" team = db ", [Matcher(name="team", value="db")]),
        ('team!="db"', [Matcher(name="team", value="db", is_equal=False)]),
        ('team=~"db|web"', [Matcher(name="team", value="db|web", is_regex=True)]),
        ('team!~"db.*"', [Matcher(name="team", value="db.*", is_regex=True, is_equal=False)]),
        ('{a="1",b="2"}', [Matcher(name="a", value="1"), Matcher(name="b", value="2")]),
        ('a="1", b=~"2,3",', [Matcher(name="a", value="1"), Matcher(name="b", value="2,3", is_regex=True)]),
        (r'a="q\"uo\\te\nx"', [Matcher(name="a", value='q"uo\\te\nx')]),
        (r'a="\d+"', [Matcher(name="a", value=r"\d+")]),
        ('a=""', [Matcher(name="a", value="")]),
        ("a=", [Matcher(name="a", value="")]),
        ('a="}"', [Matcher(name="a", value="}")]),
        ('"with dots.x"="1"', [Matcher(name="with dots.x", value="1")]),
        ("café=1", [Matcher(name="café", value="1")]),
        ("{}", []),
        ("", []),
    ],
)
def test_parse(text: str, matchers: list[Matcher]) -> None:
    assert list(parse_matchers(text)) == matchers


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("team", 'not a matcher: \'team\'; write it as in team="db" or severity=~"page|warn"'),
        ("=db", 'not a matcher: \'=db\'; write it as in team="db" or severity=~"page|warn"'),
        ('team="db', "not matchers: 'team=\"db': a quote is not closed"),
        ('{team="db"', "not matchers: '{team=\"db\"': a brace is missing"),
        ('team="d"b"c"', 'not a matcher: \'team="d"b"c"\': a quote inside of the value is not escaped'),
        (",team=db", 'not a matcher: \'\'; write it as in team="db" or severity=~"page|warn"'),
    ],
)
def test_what_is_none(text: str, message: str) -> None:
    with pytest.raises(ValueError, match="not ") as caught:
        parse_matchers(text)
    assert str(caught.value) == message


def test_format_is_read_again_as_the_same() -> None:
    for matcher in (
        Matcher(name="a", value='q"uo\\te\nx,y}'),
        Matcher(name="a", value="b", is_regex=True, is_equal=False),
        Matcher(name="a", value=r"\d+\n", is_regex=True),
    ):
        assert parse_matchers(format_matcher(matcher)) == (matcher,)
