"""Text of any origin, made safe to show."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_deploycheck.report.text import is_number, next_step, printable, shorten


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m"),
        ("a\nb\r\tc", "a\\nb\\r c"),
        ("é → ✓", "é → ✓"),
        ("\u202egnitsrever", "\\u202egnitsrever"),
        ("\udcff", "\\udcff"),
        ("\u2028", "\\u2028"),
    ],
)
def test_printable(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_ascii_only() -> None:
    assert printable("é → \x07", ascii_only=True) == "\\xe9 \\u2192 \\x07"


@given(st.text())
def test_whatever_is_shown_is_one_printable_line(text: str) -> None:
    assert all(character.isprintable() or character.isspace() for character in printable(text))
    assert "\n" not in printable(text)
    assert "\x1b" not in printable(text)
    assert printable(text, ascii_only=True).isascii()


@given(st.text(alphabet="abc", max_size=50), st.integers(1, 50))
def test_shortening_keeps_head_and_tail(text: str, width: int) -> None:
    short = shorten(text, width)
    assert len(short) == min(len(text), width)
    if short != text:
        head, _, tail = short.partition("…")
        assert text.startswith(head)
        assert text.endswith(tail)


@pytest.mark.parametrize(
    "text", ["1", "-0.5", "1e-07", "1,234.5", "12.3 s", "45%", "NaN", "+Inf", "< 0.01", "≥ 3", ".5", "3 req/s", "10m"]
)
def test_numbers(text: str) -> None:
    assert is_number(text)


@pytest.mark.parametrize("text", ["", "x", "1 of 3", "up", "10.0.0.1:9090", "v1.2", "2026-11-21", "info panel"])
def test_no_numbers(text: str) -> None:
    assert not is_number(text)


@pytest.mark.parametrize(
    ("text", "step"),
    [
        ("asked: x\n  next: look there\n  next: or there", "look there"),
        ("E   next: http://x", "http://x"),
        ("the next: is not a label", ""),
        ("", ""),
    ],
)
def test_next_step(text: str, step: str) -> None:
    assert next_step(text) == step
