"""Columns and single lines come to the same counts."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_deploycheck.model.logs import LogSummary
from tests.unit.logs.reading import NOW, plan, summarised

if TYPE_CHECKING:
    from collections.abc import Callable

SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["timestamp", "level", "message"],
    "properties": {
        "timestamp": {"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}T"},
        "level": {"enum": ["INFO", "WARN", "ERROR", "DEBUG"]},
        "message": {"type": "string", "minLength": 1, "maxLength": 40},
        "trace_id": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
        "ms": {"type": "number", "minimum": 0},
        "tries": {"type": "integer", "maximum": 9},
        "tags": {"type": "array"},
        "user": {"type": ["string", "null"]},
    },
}


def iso(at: float, digits: str = "milliseconds") -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec=digits).replace("+00:00", "Z")


def line(at: float = NOW - 60, **fields: Any) -> bytes:
    return json.dumps({"timestamp": iso(at), "level": "INFO", "message": "hello", **fields}).encode()


CHOICE: dict[str, Any] = {
    **SCHEMA,
    "anyOf": [{"required": ["service"]}, {"properties": {"level": {"enum": ["INFO"]}}}],
}


def stamp(at: int) -> str:
    """Return a time as Docker and containerd write it: without the zeros at the end."""
    return iso(NOW - 200 + at / 8, "microseconds").rstrip("Z").rstrip("0").rstrip(".") + "Z"


PODS = ("pod/a-1/app", "pod/a-2/app", "pod/b-7/app")
WRAP: dict[str, Callable[[int, bytes], bytes]] = {
    "compose": lambda at, one: b"%-6s | " % (b"a-1", b"a-2", b"b-10")[at % 3] + one,
    "compose with times": lambda at, one: f"{('a-1', 'a-2')[at // 7 % 2]:6} | {stamp(at)} ".encode() + one,
    "kubectl": lambda at, one: f"[{PODS[at % 3]}] ".encode() + one,
    "kubectl with times": lambda at, one: f"[{PODS[at // 9 % 3]}] {stamp(at % 40)} ".encode() + one,
    "kubectl with times only": lambda at, one: f"{stamp(at)} ".encode() + one,
    "cri": lambda at, one: f"{stamp(at)} std{('out', 'err')[at % 5 == 0]} {'FP'[at % 11 == 9]} ".encode() + one,
    "docker": lambda at, one: json.dumps(
        {"log": one.decode("utf-8", "replace") + ("" if at % 11 == 9 else "\n"), "stream": "stdout", "time": stamp(at)}
    ).encode(),
    "journal": lambda at, one: json.dumps(
        {"MESSAGE": one.decode("utf-8", "replace"), "__REALTIME_TIMESTAMP": str(int((NOW - 200 + at) * 1e6))}
    ).encode(),
}  # fmt: skip
times: st.SearchStrategy[Any] = st.one_of(
    st.floats(NOW - 300, NOW - 1).map(iso),
    st.floats(NOW - 300, NOW - 1).map(lambda at: iso(at, "seconds")),
    st.floats(NOW - 9000, NOW + 9000).map(iso),
    st.sampled_from([None, "", "yesterday", 1, NOW - 3, str(int(NOW * 1000)), "2026-13-01T00:00:00Z", [], True]),
    st.just("2026-11-21T09:05:75.000Z"),
)
documents = st.fixed_dictionaries(
    {},
    optional={
        "timestamp": times,
        "level": st.sampled_from(["INFO", "ERROR", "DEBUG", "info", "Warning", "loud", 30, None, True, {}]),
        "message": st.one_of(st.text(max_size=50), st.sampled_from(["boom 1", "boom 22", "", 5, None, {"a": 1}])),
        "service": st.sampled_from(["a", "b", None, 3, {"name": "c"}]),
        "trace_id": st.sampled_from(
            [
                "0" * 32,
                "a" * 32,
                "b" * 32,
                "A" * 32,
                "c" * 32 + "\n",
                "",
                None,
                7,
                f"0x{'a' * 32}",
                f"0x{'0' * 32}",
                "0x",
            ]
        ),
        "traceparent": st.just(f"00-{'d' * 32}-{'e' * 16}-01"),
        "request_id": st.sampled_from(["req-000001", "unknown", "00000000", "x", None, 12345678]),
        "ms": st.sampled_from([0, 1.5, -1, "2", True, 1e300]),
        "tries": st.sampled_from([1, 1.0, 9.5, 10, True]),
        "tags": st.sampled_from([[], [1], {}, "x"]),
        "user": st.sampled_from(["u", None, 1]),
    },
)
raw = st.one_of(
    documents.map(lambda document: json.dumps(document).encode()),
    documents.map(lambda document: json.dumps(document, ensure_ascii=False).encode("utf-8", "surrogatepass")),
    st.sampled_from(
        [b"", b"  ", b"[1]", b"null", b"{", b'{"a": NaN}', b"Traceback (most recent call last):", b"\xff\xfe", b'"x"']
    ),
    st.binary(max_size=20).map(lambda data: data.replace(b"\n", b"")),
)
spellings: dict[str, Callable[[float], Any]] = {
    "text": iso,
    "seconds": lambda at: at,
    "whole milliseconds": lambda at: int(at * 1000),
    "digits of nanoseconds": lambda at: str(int(at * 1000) * 10**6),
    "none": lambda _: None,
}
ordinary = st.builds(
    lambda steps, spelling, prefix: [
        line(timestamp=spellings[spelling](NOW - 200 + sum(steps[:at]) / 1000), trace_id=f"{prefix}{at:032x}")
        for at in range(len(steps))
    ],
    st.lists(st.integers(-10, 3000), max_size=40),
    st.sampled_from(list(spellings)),
    st.sampled_from(["", "0x"]),
)


def same(fast: LogSummary, slow: LogSummary) -> None:
    """Everything but gaps where lines are out of order: columns are sorted, single lines come as they stand."""
    for name in LogSummary.__struct_fields__:
        left, right = getattr(fast, name), getattr(slow, name)
        if name in {"first", "last"} and left is not None and right is not None:
            assert left == pytest.approx(right, abs=1e-3), name
        elif name in {"longest_gap", "gap_after"}:
            continue
        elif name == "services":
            assert left == pytest.approx(right, abs=1e-3), name
        else:
            assert left == right, name


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(st.one_of(ordinary, st.lists(raw, max_size=5)), max_size=6).map(
        lambda parts: [x for p in parts for x in p]
    ),
    st.sampled_from([None, SCHEMA, {"required": ["level"]}, {**SCHEMA, "additionalProperties": False}, CHOICE]),
    st.sampled_from([None, NOW - 150, NOW - 10]),
    st.sampled_from([None, NOW - 100]),
    st.sampled_from(["none", *WRAP]),
)
def test_columns_and_single_lines_agree(
    lines: list[bytes], schema: dict[str, Any] | None, since: float | None, until: float | None, wrapping: str
) -> None:
    how = plan(schema, since=since, until=until)
    if wrapping != "none":
        lines = [WRAP[wrapping](at, one) for at, one in enumerate(lines)]
    same(summarised(lines, how), summarised(lines, how, slowly=True))


def test_a_thousand_lines_are_counted() -> None:
    lines = [
        line(
            NOW - 120 + at / 10,
            level="ERROR" if at % 10 == 0 else "INFO",
            message=f"try {at} failed",
            service="ab"[at % 2],
            trace_id=f"{at // 2 + 1:032x}",
            request_id=f"req-{at:08}",
        )
        for at in range(1000)
    ]
    found = summarised(lines)
    assert (found.lines, found.parsed, found.invalid) == (1000, 1000, 0)
    assert found.levels == {"INFO": 900, "ERROR": 100}
    assert [(one.template, one.count, one.line) for one in found.signatures] == [("try <number> failed", 100, 1)]
    assert found.ids["trace"].present == 1000
    assert (found.ids["trace"].distinct, found.ids["trace"].shared, found.ids["trace"].exact) == (500, 500, True)
    assert (found.ids["correlation"].distinct, found.ids["correlation"].shared) == (1000, 0)
    assert found.services == {"a": pytest.approx(NOW - 20.2), "b": pytest.approx(NOW - 20.1)}
    assert found.first == pytest.approx(NOW - 120)
    assert found.last == pytest.approx(NOW - 20.1)
    assert sum(sum(levels.values()) for levels in found.minutes.values()) == 1000
    assert found.fields == {
        "time": "timestamp", "level": "level", "message": "message", "service": "service", "trace": "trace_id",
        "correlation": "request_id",
    }  # fmt: skip


def test_one_bad_line_among_many_is_found_with_its_number_and_reason() -> None:
    lines = [line(NOW - 100 + at / 100) for at in range(500)]
    lines[321] = line(NOW - 96.79, message="")
    found = summarised(lines, plan(SCHEMA))
    assert found.invalid == 1
    assert [(one.line, one.reason) for one in found.offenders] == [(322, "message: '' should be non-empty")]
    assert found.offenders[0].excerpt.startswith('{"timestamp": "2026-11-21T09:')


def test_the_window_begins_at_the_first_line_in_it_and_what_follows_stands_in_it() -> None:
    lines = [
        line(NOW - 5000), b"a banner of then", line(NOW - 4000), line(NOW - 300), line(NOW - 290), b"broken",
        line(NOW - 4500, message="a clock stands still"), line(NOW - 1),
    ]  # fmt: skip
    found = summarised(lines, plan(since=NOW - 600))
    assert (found.lines, found.invalid, found.skipped) == (5, 1, 3)
    assert found.skipped_last == NOW - 4000
    assert [(one.line, one.reason) for one in found.outsiders] == [(7, "3900.0 s before the window")]


def test_a_time_in_the_future_does_not_begin_a_window_and_is_an_offender_in_it() -> None:
    found = summarised([line(NOW + 9000), line(NOW - 4000)], plan(since=NOW - 600))
    assert (found.lines, found.skipped) == (0, 2)
    found = summarised([line(NOW - 10), line(NOW + 9000)], plan(since=NOW - 600))
    assert [(one.line, one.reason) for one in found.outsiders] == [(2, "9000.0 s in the future")]
    assert found.last == NOW - 10


def test_a_window_that_ends_ends_the_reading() -> None:
    found = summarised([line(NOW - 300), line(NOW - 200), line(NOW - 100)], plan(since=NOW - 400, until=NOW - 150))
    assert (found.lines, found.outside) == (2, 0)


def test_disorder_beyond_the_tolerance_is_told() -> None:
    lines = [line(NOW - 100), line(NOW - 104), line(NOW - 110), line(NOW - 90)]
    found = summarised(lines)
    assert found.disordered == 1
    assert [(one.line, one.reason) for one in found.disorder] == [(3, "10.0 s older than a line before it")]


def test_the_longest_gap_is_told_with_its_beginning() -> None:
    lines = [line(NOW - 300 + at) for at in range(50)] + [line(NOW - 100 + at) for at in range(50)]
    found = summarised(lines)
    assert found.longest_gap == pytest.approx(151)
    assert found.gap_after == pytest.approx(NOW - 251)


def test_distinct_ids_beyond_what_is_kept_are_estimated_and_those_shared_are_still_seen() -> None:
    lines = [line(NOW - 200 + at / 1000, service="ab"[at % 2], trace_id=f"{at // 2 + 1:032x}") for at in range(60_000)]
    found = summarised(lines).ids["trace"]
    assert found.present == 60_000
    assert not found.exact
    assert found.distinct == pytest.approx(30_000, rel=0.1)
    assert found.shared == found.sampled > 5_000


def test_two_parts_of_a_log_add_up() -> None:
    lines = [
        line(
            NOW - 200 + at / 10,
            level=["INFO", "ERROR", "DEBUG"][at % 3],
            service="abc"[at % 3],
            trace_id=f"{at // 4 + 1:032x}",
        )
        for at in range(900)
    ]
    lines[100] = b"broken"
    whole = summarised(lines)
    import io

    from pytest_deploycheck.clients.logs.batch import Meter, batches
    from pytest_deploycheck.clients.logs.reading import read

    how = plan()
    parts = [
        read(batches(io.BytesIO(b"".join(one + b"\n" for one in part)).read, Meter()), how, number=number).tally
        for number, part in ((0, lines[:400]), (400, lines[400:]))
    ]
    parts[0].merge(parts[1], how.window.tolerance)
    added = parts[0].summary(
        size=whole.size, digest=(), wrapping="none", fields=whole.fields, notes=(), read_at=NOW, since=None, until=None,
        tolerance=5.0,
    )  # fmt: skip
    same(added, whole)
