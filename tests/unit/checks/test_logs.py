"""Judgements of logs: each fails for its reason, and says no data where there is none."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import pytest

from pytest_deploycheck.checks import log_ids, log_times, logs
from pytest_deploycheck.checks.asked import Asked
from pytest_deploycheck.errors import AuthorMistake
from pytest_deploycheck.model.outcome import Outcome
from tests.unit.logs.reading import NOW, plan, summarised

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_deploycheck.model.finding import Finding
    from pytest_deploycheck.model.logs import LogSummary

ASKED = Asked("the log", "logs mcp file:///mcp.jsonl")
TODAY = date(2026, 11, 21)


@dataclass(frozen=True)
class Known:
    message: str
    expires: date
    owner: str = "sre"
    reason: str = "CHG-1"


def line(age: float = 10, **fields: Any) -> bytes:
    at = datetime.fromtimestamp(NOW - age, UTC).isoformat()
    return json.dumps({"timestamp": at, "level": "INFO", "message": "hello", **fields}).encode()


def log(*lines: bytes, since: float | None = NOW - 600) -> LogSummary:
    return summarised(lines, plan(since=since))


GOOD = log(*(line(100 - at, service="ab"[at % 2], trace_id=f"{at // 2 + 1:032x}") for at in range(100)))
EMPTY = log(line(5000))
BARE = log(*(b'{"message": "x"}' for _ in range(10)), since=None)

JUDGEMENTS: dict[str, Callable[[LogSummary], Finding]] = {
    "lines": lambda found: logs.lines(found, ">=", 1, ASKED),
    "parsed": lambda found: logs.lines(found, ">=", 1, ASKED, parsed=True),
    "invalid": lambda found: logs.invalid(found, "==", 0, ASKED),
    "invalid ratio": lambda found: logs.invalid(found, "<", 0.01, ASKED, ratio=True),
    "levels": lambda found: logs.levels(found, ["INFO"], ASKED),
    "rate": lambda found: logs.rate(found, "ERROR", "<", 0.01, ASKED),
    "per minute": lambda found: logs.per_minute(found, "ERROR", "<", 1, ASKED),
    "errors": lambda found: logs.errors(found, ASKED, today=TODAY),
    "age": lambda found: log_times.age(found, "<", 60, ASKED),
    "alive": lambda found: log_times.alive(found, 60, ASKED),
    "gap": lambda found: log_times.gap(found, "<", 60, ASKED),
    "ordered": lambda found: log_times.ordered(found, ASKED),
    "in window": lambda found: log_times.in_window(found, ASKED),
    "carries": lambda found: log_ids.carries(found, "trace", 1.0, ASKED),
    "shared": lambda found: log_ids.shared(found, "trace", 1, ASKED),
}


@pytest.mark.parametrize("name", JUDGEMENTS)
def test_a_good_log_passes(name: str) -> None:
    finding = JUDGEMENTS[name](GOOD)
    assert finding.outcome is Outcome.PASSED, finding.observed


@pytest.mark.parametrize("name", JUDGEMENTS)
def test_no_line_is_no_data_whatever_is_asked(name: str) -> None:
    finding = JUDGEMENTS[name](EMPTY)
    assert finding.outcome is Outcome.INCONCLUSIVE
    assert finding.observed == (
        "no data: no line within the window; 1 line before it, the newest of 2026-11-21T07:43:20Z"
    )


@pytest.mark.parametrize(
    "name", ["levels", "rate", "errors", "per minute", "age", "alive", "gap", "ordered", "in window"]
)
def test_lines_without_levels_or_times_are_no_data_for_either(name: str) -> None:
    finding = JUDGEMENTS[name](BARE)
    assert finding.outcome is Outcome.INCONCLUSIVE
    assert finding.observed.startswith("no data: none of 10 lines has a ")


@pytest.mark.parametrize(
    ("name", "lines", "observed", "row"),
    [
        ("invalid", [line(), b"boom"], "1 of 2 lines is invalid", ("line 2", "boom", "not JSON")),
        ("invalid ratio", [line(), b"boom"], "1 of 2 lines is invalid", ("line 2", "boom", "not JSON")),
        ("levels", [line(), line(level="debug")], "1 of 2 lines is at DEBUG", None),
        ("levels", [*[line()] * 20, line(level="loud")], "1 of 21 lines is at a level that nobody knows (loud)",
         None),
        ("rate", [line(), line(level="fatal")], "1 of 2 lines is at ERROR or above: 0.5 (50 %)",
         ("hello", "FATAL", "1")),
        ("per minute", [line(), line(level="error")], "1 of 1 minute is not < 1", ("2026-11-21T09:06:00Z", "1")),
        ("errors", [line(level="error")], "1 of 1 error signature is unexpected",
         ("hello", "ERROR", "1", "1", "not known")),
        ("age", [line(90)], "the newest line is 90 s old (2026-11-21T09:05:10Z)", None),
        ("alive", [line(90, service="a"), line(5, service="b")], "1 of 2 services is silent for more than 60 s",
         ("a", "2026-11-21T09:05:10Z", "90 s")),
        ("gap", [line(200), line(10)], "no line for 3 min 10 s", ("2026-11-21T09:03:20Z", "3 min 10 s")),
        ("gap", [line(200), line(199)], "no line for 3 min 19 s", ("2026-11-21T09:03:21Z", "3 min 19 s")),
        ("ordered", [line(10), line(30)], "1 of 2 lines is out of order", None),
        ("in window", [line(10), line(9000)], "1 of 2 lines is outside of the window", None),
        ("in window", [line(10), line(-900)], "1 of 2 lines is outside of the window", None),
        ("carries", [line(trace_id="1" * 32), line()], "1 of 2 lines is without a trace id", None),
        ("carries", [line(trace_id="0" * 32)], "1 of 1 trace id is malformed", None),
        ("shared", [line(service="a", trace_id="1" * 32), line(service="b", trace_id="2" * 32)],
         "0 of 2 trace ids shared, by 2 services", None),
        ("shared", [line(service="a"), line(service="b")], "no well-formed trace id in 2 lines", None),
    ],
)  # fmt: skip
def test_what_is_bad_is_found(name: str, lines: list[bytes], observed: str, row: tuple[str, ...] | None) -> None:
    finding = JUDGEMENTS[name](log(*lines))
    assert (finding.outcome, finding.observed) == (Outcome.FAILED, observed)
    if row is not None:
        assert finding.rows[0] == row


@pytest.mark.parametrize(
    ("name", "lines", "observed"),
    [
        ("rate", [*[line()] * 8, *[line(level=None)] * 2], "2 of 10 parsed lines have no recognised level"),
        ("ordered", [*[line()] * 8, *[b'{"level": "INFO"}'] * 2], "2 of 10 parsed lines have no time that can be read"),
        ("shared", [line(service="a", trace_id="1" * 32)], "1 service in the log: nothing can be shared"),
    ],
)
def test_what_does_not_tell_is_inconclusive(name: str, lines: list[bytes], observed: str) -> None:
    finding = JUDGEMENTS[name](log(*lines))
    assert finding.outcome is Outcome.INCONCLUSIVE
    assert finding.observed.replace("to be read", "that can be read") == observed


def test_lines_of_which_none_is_json_are_no_parsed_lines() -> None:
    finding = JUDGEMENTS["parsed"](log(b"x", b"y", since=None))
    assert (finding.outcome, finding.observed) == (Outcome.FAILED, "0 parsed lines")


def test_a_known_error_is_accepted_until_it_expires_and_shown() -> None:
    found = log(line(level="error", message="cache 7 was reset"), *[line()] * 9)
    valid, expired = Known("cache [0-9] was", TODAY), Known("cache", date(2026, 11, 20))
    finding = logs.errors(found, ASKED, known=[valid], today=TODAY)
    assert finding.outcome is Outcome.PASSED
    assert finding.rows == (("cache <number> was reset", "ERROR", "1", "1", "known until 2026-11-21: CHG-1 (sre)"),)
    assert logs.rate(found, "ERROR", "<", 0.01, ASKED, known=[valid], today=TODAY).passed
    finding = logs.errors(found, ASKED, known=[expired], today=TODAY)
    assert finding.outcome is Outcome.FAILED
    assert finding.rows[0][-1] == "known until 2026-11-20, which has passed (sre)"
    assert logs.rate(found, "ERROR", "<", 0.01, ASKED, known=[expired], today=TODAY).outcome is Outcome.FAILED


def test_an_error_is_new_if_its_signature_was_not_there_before() -> None:
    before = log(line(400, level="error", message="cache 1 was reset"))
    after = log(line(level="error", message="cache 22 was reset"), line(level="error", message="no column user_tier"))
    finding = logs.errors(after, ASKED, today=TODAY, before=before)
    assert (finding.outcome, finding.observed) == (Outcome.FAILED, "1 of 2 error signatures is new")
    assert [row[0] for row in finding.rows] == ["no column user_tier"]
    assert logs.errors(before, ASKED, today=TODAY, before=before).passed
    finding = logs.errors(GOOD, ASKED, today=TODAY, before=EMPTY)
    assert finding.observed == "no data: there are no lines from before to compare with"


def test_services_that_must_be_heard_of() -> None:
    finding = log_times.alive(GOOD, 60, ASKED, services=["a", "c"])
    assert finding.observed == "1 of 2 expected services is not heard of at all"
    finding = log_times.alive(GOOD, 60, ASKED, at_least=3)
    assert finding.observed == "2 services, fewer than the 3 expected"


@pytest.mark.parametrize(
    "judge",
    [
        lambda: logs.levels(GOOD, [], ASKED),
        lambda: logs.rate(GOOD, "error", "<", 1, ASKED),
        lambda: logs.lines(GOOD, ">", float("nan"), ASKED),
        lambda: log_times.alive(GOOD, 0, ASKED),
        lambda: log_ids.carries(GOOD, "span", 1, ASKED),
        lambda: log_ids.carries(GOOD, "trace", 0, ASKED),
        lambda: log_ids.shared(GOOD, "trace", 0, ASKED),
    ],
)
def test_questions_that_mean_nothing_are_refused(judge: Callable[[], Finding]) -> None:
    with pytest.raises(AuthorMistake):
        judge()
