from __future__ import annotations

import pytest

from pytest_deploycheck.report.progress import Outlook, combined, live_line, log_line

WAITING = Outlook(waiting=38, running=1, due=2.2, deadline=579.5, earliest=30, latest=580)
COUNTS = {"passed": 2, "warned": 1, "failed": 1, "error": 0, "inconclusive": 3}


def text(outlook: Outlook, counts: dict[str, int], width: int, *, unicode: bool = True) -> str:
    return "".join(piece for piece, _ in live_line(outlook, counts, width=width, unicode=unicode))


def test_wide_enough_the_line_tells_everything() -> None:
    assert text(WAITING, COUNTS, 140) == (
        "38 waiting (next in 3s, latest deadline in 9m40s) · 1 running · 2 passed · 1 warned · 1 failed · "
        "3 inconclusive · end in 30s to 9m40s"
    )


def test_each_piece_has_the_name_of_what_it_tells() -> None:
    assert live_line(
        Outlook(waiting=1, due=0, deadline=5, earliest=5, latest=5), {"failed": 2}, width=80, unicode=False
    ) == [
        ("1 waiting (next now, latest deadline in 5s)", "waiting"),
        (" | ", ""),
        ("2 failed", "failed"),
        (" | ", ""),
        ("end in 5s", "end"),
    ]


@pytest.mark.parametrize(
    ("width", "expected"),
    [
        (
            119,
            (
                "38 waiting, next 3s, deadline 9m40s · 1 running · 2 passed · 1 warned · 1 failed · 3 inconclusive · "
                "end 30s to 9m40s"
            ),
        ),
        (
            105,
            "38 waiting, next 3s, deadline 9m40s · 2 passed · 1 warned · 1 failed · 3 inconclusive · end 30s to 9m40s",
        ),
        (93, "38 waiting, next 3s, deadline 9m40s · 1 warned · 1 failed · 3 inconclusive · end 30s to 9m40s"),
        (82, "38 waiting, next 3s, deadline 9m40s · 1 failed · 3 inconclusive · end 30s to 9m40s"),
        (60, "38 waiting"),
        (4, "38 w"),
    ],
)
def test_a_narrow_line_drops_what_is_good_first(width: int, expected: str) -> None:
    line = text(WAITING, COUNTS, width)
    assert line == expected
    assert len(line) <= width


def test_without_unicode_the_line_is_ascii() -> None:
    assert text(WAITING, {"passed": 2}, 100, unicode=False) == (
        "38 waiting (next in 3s, latest deadline in 9m40s) | 1 running | 2 passed | end in 30s to 9m40s"
    )


def test_an_end_that_is_known_is_told_once() -> None:
    assert text(Outlook(waiting=1, due=1, deadline=30, earliest=29.6, latest=30), {}, 80) == (
        "1 waiting (next in 1s, latest deadline in 30s) · end in 30s"
    )


def test_a_log_tells_zeros_of_what_everybody_looks_for_and_the_rest_if_there_is_any() -> None:
    assert log_line(Outlook(waiting=2, due=4, deadline=60, earliest=4, latest=60), {"error": 1}, elapsed=90.9) == (
        "deploycheck: after 1m30s: 2 waiting (next in 4s, latest deadline in 1m), 0 passed, 0 warned, 0 failed, "
        "1 error, end in 4s to 1m"
    )


def test_a_log_says_that_nothing_waits() -> None:
    assert log_line(Outlook(running=2), {"passed": 7}, elapsed=30) == (
        "deploycheck: after 30s: 0 waiting, 2 running, 7 passed, 0 warned, 0 failed"
    )


def test_processes_together_are_due_with_the_first_and_done_with_the_last() -> None:
    assert combined(
        [
            Outlook(waiting=2, running=1, due=4, deadline=60, earliest=4, latest=60),
            Outlook(),
            Outlook(waiting=1, due=9, deadline=20, earliest=9, latest=90),
        ]
    ) == Outlook(waiting=3, running=1, due=4, deadline=60, earliest=9, latest=90)
    assert combined([]) == Outlook()
