from __future__ import annotations

import math

from pytest_deploycheck.waits.agenda import Agenda


def test_an_empty_agenda() -> None:
    agenda: Agenda[str] = Agenda()
    assert (len(agenda), agenda.take(9.0), agenda.take_pressing(9.0)) == (0, None, None)
    assert (agenda.next_due(), agenda.following()) == (None, None)
    assert (agenda.latest_deadline(), agenda.clear(), list(agenda)) == (None, [], [])


def test_nothing_is_taken_before_it_is_due() -> None:
    agenda: Agenda[str] = Agenda()
    agenda.put("a", due=5.0, order=0, deadline=60.0)
    assert (agenda.take(4.999), agenda.next_due(), agenda.following(), len(agenda)) == (None, 5.0, "a", 1)
    agenda.put("b", due=5.0, order=1, deadline=60.0)
    assert (agenda.take(5.0), agenda.next_due(), len(agenda)) == ("a", -math.inf, 1)
    assert (agenda.take(5.0), agenda.take(5.0), len(agenda)) == ("b", None, 0)


def test_of_what_is_due_the_oldest_stimulus_goes_first_then_the_nearest_deadline_then_the_suites_order() -> None:
    agenda: Agenda[str] = Agenda()
    agenda.put("late order", due=1.0, order=9, deadline=60.0)
    agenda.put("early order", due=3.0, order=1, deadline=60.0)
    agenda.put("near deadline", due=2.0, order=8, deadline=30.0)
    agenda.put("young stimulus", due=2.0, order=7, stimulus=5.0, deadline=90.0)
    agenda.put("old stimulus", due=2.0, order=6, stimulus=4.0, deadline=99.0)
    agenda.put("not due", due=11.0, order=0, stimulus=0.0, deadline=11.0)
    assert agenda.latest_deadline() == 99.0
    taken = [agenda.take(10.0) for _ in range(6)]
    assert taken == ["old stimulus", "young stimulus", "near deadline", "early order", "late order", None]
    assert agenda.following() == "not due"


def test_clearing_gives_everything_in_the_suites_order_due_or_not() -> None:
    agenda: Agenda[str] = Agenda()
    for name, due, order in (("c", 1.0, 2), ("a", 9.0, 0), ("b", 2.0, 1)):
        agenda.put(name, due=due, order=order, deadline=60.0)
    assert list(agenda) == ["c", "a", "b"]
    assert agenda.clear() == ["a", "b", "c"]
    assert (len(agenda), agenda.next_due()) == (0, None)


def test_what_presses_goes_before_all_else_that_is_due_and_is_taken_once() -> None:
    agenda: Agenda[str] = Agenda()
    agenda.put("old stimulus", due=1.0, order=0, stimulus=0.0, deadline=600.0, presses=31.0)
    agenda.put("near its end", due=1.0, order=1, deadline=10.0, presses=8.0)
    agenda.put("pressing, not due", due=9.0, order=2, deadline=9.5, presses=7.0)
    assert agenda.take_pressing(7.9) is None
    assert (agenda.take_pressing(8.0), agenda.take_pressing(8.0)) == ("near its end", None)
    assert agenda.take(9.0) == "pressing, not due"
    assert (agenda.next_due(), agenda.following(), agenda.take(9.0)) == (1.0, "old stimulus", "old stimulus")
    assert (agenda.take(99.0), agenda.take_pressing(99.0), agenda.next_due(), agenda.following()) == (None,) * 4


def test_what_was_taken_before_it_pressed_is_not_kept_for_ever() -> None:
    agenda: Agenda[int] = Agenda()
    for number in range(1000):
        agenda.put(number, due=0.0, order=0, deadline=9e9, presses=9e8)
        assert agenda.take(1.0) == number
    assert len(agenda._pressing) < 100
