from __future__ import annotations

import pytest

from pytest_deploycheck.checks.patterns import UnsupportedPattern, compile_go, matches
from pytest_deploycheck.model.alertmanager import Matcher


@pytest.mark.parametrize(
    ("pattern", "matching", "other"),
    [
        ("a|b", "b", "ab"),
        ("a.*", "abc", "ba"),
        ("^(?i)abc$", "ABC", "abcd"),
        ("(?i:a)b", "Ab", "aB"),
        ("[[:alpha:]_]+", "a_b", "a1"),
        ("[^[:digit:]]", "a", "1"),
        (r"\Qa.b\E+", "a.b", "axb"),
        (r"\Qa.b", "a.b", "axb"),
        (r"a\z", "a", "b"),
        (r"\x{41}", "A", "x"),
        (r"(?<n>a)(?P<m>b)", "ab", "a"),
        ("a{,2}", "a{,2}", "aa"),
        ("[]a]", "]", "b"),
        ("[[a]", "[", "]"),
        ("[a&&b]+", "&", "c"),
        (r"[\]\-]", "-", "a"),
        (r"\d+", "12", "\u0661"),
        ("(?s).", "\n", ""),
        (".", "a", "\n"),
        ("", "", "a"),
    ],
)
def test_go_syntax_is_read_as_go_reads_it(pattern: str, matching: str, other: str) -> None:
    compiled = compile_go(pattern)
    assert compiled.fullmatch(matching)
    assert not compiled.fullmatch(other)


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        (r"\p{Greek}", r"\p is not supported"),
        (r"[\pL]", r"\p is not supported"),
        (r"(a)\1", r"\1 is not supported"),
        ("(?=a)", "'(?=a' is not supported"),
        ("(?<!a)b", "'(?<!' is not supported"),
        ("(?U)a", "'(?U)' is not supported"),
        ("[[:nope:]]", "the class '[:nope:]' is not supported"),
        ("[a--b]", "'--' in a set is not supported"),
        ("[a", "a set without its end is not supported"),
        (r"\x{zz}", r"this \x{…} is not supported"),
        ("(a", "missing ), unterminated subpattern at position 0"),
        ("a(?i)b", "global flags not at the start of the expression at position 1"),
        ("a\\", "bad escape (end of pattern) at position 1"),
    ],
)
def test_what_may_mean_something_else_is_refused(pattern: str, why: str) -> None:
    with pytest.raises(UnsupportedPattern) as caught:
        compile_go(pattern)
    assert str(caught.value) == f"cannot judge the regular expression {pattern!r}: {why}"


@pytest.mark.parametrize(
    ("matcher", "value", "expected"),
    [
        (Matcher(name="a", value="x"), "x", True),
        (Matcher(name="a", value="x"), "", False),
        (Matcher(name="a", value="x", is_equal=False), "", True),
        (Matcher(name="a", value="x|y", is_regex=True), "y", True),
        (Matcher(name="a", value="x|y", is_regex=True), "xy", False),
        (Matcher(name="a", value="x|y", is_regex=True, is_equal=False), "xy", True),
    ],
)
def test_matchers(matcher: Matcher, value: str, *, expected: bool) -> None:
    assert matches(matcher, value) is expected
