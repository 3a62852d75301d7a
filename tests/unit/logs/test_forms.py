"""Times, levels, ids, signatures and wrappings, one by one."""

from __future__ import annotations

import re
from typing import Any

import pytest

from pytest_deploycheck.clients.logs.batch import Batch
from pytest_deploycheck.clients.logs.ids import identity
from pytest_deploycheck.clients.logs.levels import normalise
from pytest_deploycheck.clients.logs.patterns import DIGITS, HEX, cannot_tell_apart, is_common, misses
from pytest_deploycheck.clients.logs.signature import signature
from pytest_deploycheck.clients.logs.times import Minutes, column, moment_of, parse_time
from pytest_deploycheck.clients.logs.unwrap import Unwrapping, recognise, unwrapped
from pytest_deploycheck.clients.logs.wholesale import Wholesale

AT = 1_795_252_000.0  # 2026-11-21T09:06:40Z


@pytest.mark.parametrize(
    ("value", "at", "naive"),
    [
        ("2026-11-21T09:06:40Z", AT, False),
        ("2026-11-21t09:06:40.5z", AT + 0.5, False),
        ("2026-11-21T09:06:40.123456789Z", AT + 0.123456789, False),
        ("2026-11-21T10:06:40+01:00", AT, False),
        ("2026-11-21T10:06:40+0100", AT, False),
        ("2026-11-21 09:06:40,745", AT + 0.745, True),
        ("2026-11-21 09:06:40 UTC", AT, False),
        (AT, AT, False),
        (AT * 1e3, AT, False),
        (int(AT * 1e6), AT, False),
        (str(int(AT) * 10**9), AT, False),
        ("1795252000.25", AT + 0.25, False),
    ],
)
def test_times(value: object, at: float, naive: bool) -> None:
    found = parse_time(value)
    assert found is not None
    assert found.at == pytest.approx(at, abs=1e-6)
    assert found.naive == naive


@pytest.mark.parametrize(
    "value",
    ["", "now", "2026-11-21", "2026-13-21T09:06:40Z", "2026-11-21T25:06:40Z", "09:06:40", 12, True, None, [], 10**400,
     "٢٠٢٦-11-21T09:06:40Z", float("nan"), "99999999999999999999"],
)  # fmt: skip
def test_what_is_no_time(value: object) -> None:
    assert parse_time(value) is None


def test_a_column_of_one_spelling_is_read_at_once() -> None:
    found = column(["2026-11-21T09:06:59.900Z", "2026-11-21T09:07:00.100Z"], Minutes())
    assert found is not None
    assert found.spans == [(int(AT) - 40, 0, 1), (int(AT) + 20, 1, 2)]
    assert found.epochs(found.texts) == [pytest.approx(AT + 19.9), pytest.approx(AT + 20.1)]


@pytest.mark.parametrize(
    "texts",
    [
        ["2026-11-21T09:06:40Z", "2026-11-21T09:06:40.1Z"],
        ["2026-11-21T09:06:40Z", None],
        ["2026-11-21T09:06:60Z"],
        ["2026-11-21T09:60:00Z"],
        ["2026-02-30T09:00:00Z"],
        ["2026-11-21T09:06:40Z", "2026-11-21T09:06:4xZ"],
        ["2026-11-21T09:06:40+01:00"],
        [5],
    ],
)
def test_what_is_no_such_column(texts: list[object]) -> None:
    assert column(texts, Minutes()) is None


@pytest.mark.parametrize(
    ("value", "key", "level"),
    [
        ("info", "level", "INFO"), ("Warning", "level", "WARN"), (" ERR ", "level", "ERROR"), ("notice", "x", "INFO"),
        ("CRITICAL", "severity", "FATAL"), ("EMERGENCY", "severity", "FATAL"), ("DEFAULT", "severity", None),
        (30, "level", "INFO"), (50, "level", "ERROR"), (30, "levelno", "WARN"), (17, "SeverityNumber", "ERROR"),
        (24, "severity_number", "FATAL"), (0, "severityNumber", None), ("3", "PRIORITY", "ERROR"),
        (6, "PRIORITY", "INFO"),
        (9, "PRIORITY", None), (True, "level", None), ("loud", "level", None), (None, "level", None),
        ("", "level", None),
        ("WARN2", "SeverityText", "WARN"), ("debug4", "severity_text", "DEBUG"), ("INFO5", "level", None),
        (40.0, "level", "WARN"), ("٣٠", "level", None), ("9" * 5000, "level", None),
    ],
)  # fmt: skip
def test_levels(value: object, key: str, level: str | None) -> None:
    assert normalise(value, key) == level


@pytest.mark.parametrize(
    ("kind", "value", "good"),
    [
        ("trace", "4bf92f3577b34da6a3ce929d0e0e4736", True),
        ("trace", "0x4bf92f3577b34da6a3ce929d0e0e4736", True),
        ("trace", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", True),
        ("trace", "projects/shop/traces/4bf92f3577b34da6a3ce929d0e0e4736", True),
        ("trace", "0" * 32, False),
        ("trace", f"00-{'0' * 32}-00f067aa0ba902b7-01", False),
        ("trace", "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", False),
        ("trace", f"00-4bf92f3577b34da6a3ce929d0e0e4736-{'0' * 16}-01", False),
        ("trace", "4BF92F3577B34DA6A3CE929D0E0E4736", False),
        ("trace", "4bf92f3577b34da6a3ce929d0e0e4736\n", False),
        ("trace", 5, False),
        ("correlation", "req-000123", True),
        ("correlation", "0b7d6f2e-57a3-4d1c-9f55-0f2f6f0c9a11", True),
        ("correlation", "00000000-0000-0000-0000-000000000000", False),
        ("correlation", "undefined", False),
        ("correlation", "Unknown", False),
        ("correlation", "000000", False),
        ("correlation", "x", False),
        ("correlation", "a b c d e f", False),
        ("correlation", "ä" * 10, False),
        ("correlation", "x" * 129, False),
    ],
)
def test_ids(kind: str, value: object, good: bool) -> None:
    assert (identity(kind, value) is not None) == good


def test_a_trace_is_known_by_its_id_in_every_spelling() -> None:
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    for spelling in (trace, f"0x{trace}", f"00-{trace}-00f067aa0ba902b7-01", f"projects/shop/traces/{trace}"):
        assert identity("trace", spelling) == trace


@pytest.mark.parametrize(
    ("message", "template"),
    [
        ("timeout after 312 ms calling payments", "timeout after <number> ms calling payments"),
        ("user 'bob' not found\nTraceback …", "user <quoted> not found"),
        ("dial tcp 10.2.3.4:5432: refused", "dial tcp <address>: refused"),
        ("order 0b7d6f2e-57a3-4d1c-9f55-0f2f6f0c9a11 lost", "order <uuid> lost"),
        ("GET https://api.example.com/v1?x=1 gave 503", "GET <url> gave <number>"),
        ("object 0xdeadbeef at deadbeef12345678", "object <hex> at <hex>"),
        ("since 2026-11-21T09:06:40Z", "since <time>"),
        ("[Sun Dec  4 04:47:44 2005] child failed", "[<time>] child failed"),
        ("Jun 14 15:16:01 host sshd[19939]: failure", "<time> host sshd[<number>]: failure"),
        ("blk_-1608999687919862906 lost", "blk_<number> lost"),
        ("blk_1608999687919862906 lost", "blk_<number> lost"),
        ("orders-1 on 9F86D081884C", "orders-<number> on <hex>"),
        ("decade facade", "decade facade"),
    ],
)
def test_signatures(message: str, template: str) -> None:
    assert signature(message) == template


WRAPPED: dict[str, list[tuple[bytes, bytes, float | None, str | None]]] = {
    "compose": [
        (b'orders-1  | {"a":"x | y"}', b'{"a":"x | y"}', None, "orders-1"),
        (b'\x1b[36morders-1  | \x1b[0m{"a":1}', b'{"a":1}', None, "orders-1"),
        (b'orders-1  | 2026-11-21T09:06:40.000000001Z {"a":1}', b'{"a":1}', AT, "orders-1"),
        (b"orders-api-1 exited with code 1", b"orders-api-1 exited with code 1", None, None),
    ],
    "kubectl": [
        (b'[pod/orders-7d4/app] {"a":1}', b'{"a":1}', None, "pod/orders-7d4/app"),
        (b'[pod/orders-7d4/app] 2026-11-21T09:06:40Z {"a":1}', b'{"a":1}', AT, "pod/orders-7d4/app"),
        (b'2026-11-21T09:06:40Z {"a":1}', b'{"a":1}', AT, None),
        (b"[warn] no prefix", b"[warn] no prefix", None, None),
    ],
    "docker": [
        (b'{"log":"{\\"a\\":1}\\n","stream":"stdout","time":"2026-11-21T09:06:40Z"}', b'{"a":1}', AT, None),
        (b'{"log":"plain\\n","stream":"stderr","time":"2026-11-21T09:06:40Z"}', b"plain", AT, None),
    ],
    "journal": [
        (
            b'{"MESSAGE":"{\\"a\\":1}","__REALTIME_TIMESTAMP":"1795252000000000","_SYSTEMD_UNIT":"mcp.service"}',
            b'{"a":1}', AT, "mcp.service",
        ),
        (b'{"MESSAGE":[123,125],"__REALTIME_TIMESTAMP":"1795252000000000"}', b"{}", AT, None),
    ],
    "none": [(b'{"a":1}', b'{"a":1}', None, None), (b"plain", b"plain", None, None)],
}  # fmt: skip


@pytest.mark.parametrize("wrapping", WRAPPED)
def test_wrappings(wrapping: str) -> None:
    lines = [raw for raw, *_ in WRAPPED[wrapping]]
    assert recognise(lines) == wrapping
    (batch,) = unwrapped([Batch(list(lines))], wrapping)
    assert batch.lines == [line for _, line, _, _ in WRAPPED[wrapping]]
    if wrapping != "none":
        assert batch.times is not None
        moments = [moment_of(told) for told in batch.times]
        assert [moment and moment.at for moment in moments] == [
            pytest.approx(at) if at else None for _, _, at, _ in WRAPPED[wrapping]
        ]
        assert batch.services == [service for *_, service in WRAPPED[wrapping]]


PLAIN: dict[str, list[bytes]] = {
    "compose": [b'orders-1  | {"a":"} | {"}', b'orders-2  | {"a":2}', b'pay-1     | {"a":3}'],
    "compose with times": [
        b'orders-1  | 2026-11-21T09:06:40.1Z {"a":1}', b'pay-1     | 2026-11-21T09:06:40.12Z {"a":2}',
    ],
    "kubectl": [b'[pod/a-1/app] {"a":1}', b'[pod/a-2/app] {"a":2}'],
    "kubectl with times": [
        b'[pod/a-1/app] 2026-11-21T09:06:40Z {"a":1}', b'[pod/a-2/app] 2026-11-21T09:06:41+01:00 {"a":2}',
    ],
    "kubectl with times only": [b'2026-11-21T09:06:40Z {"a":1}', b'2026-11-21T09:06:40.5Z {"a":2}'],
    "cri": [b'2026-11-21T09:06:40.123Z stdout F {"a":1}', b'2026-11-21T09:06:41Z stderr F {"a":2}'],
    "docker": [
        WRAPPED["docker"][0][0],
        b'{"log":"{\\"a\\":\\"\\u00e9\\"}\\n","stream":"stderr","time":"2026-11-21T09:06:40Z","attrs":{}}',
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", PLAIN)
def test_lines_in_the_plainest_wrapping_are_unwrapped_together(name: str) -> None:
    wrapping = name.partition(" ")[0]
    together = Wholesale(wrapping).unwrap(Batch(list(PLAIN[name])))
    assert together is not None
    closely = Unwrapping(wrapping).closely(Batch(list(PLAIN[name])))
    for part in ("lines", "times", "services"):
        assert list(getattr(together, part)) == list(getattr(closely, part))


ODD: dict[str, bytes] = {
    "compose": b"orders-1  | Traceback (most recent call last):",
    "kubectl": b'[warn] {"a":1}',
    "kubectl with times": b'[pod/a-1/app] yesterday {"a":1}',
    "kubectl with times only": b'2026-11-21 09:06:40 {"a":1}',
    "cri": b'2026-11-21T09:06:41Z stdout P {"a":',
    "docker": b'{"log":"{\\"a\\":","stream":"stdout","time":"2026-11-21T09:06:40Z"}',
}


@pytest.mark.parametrize("name", ODD)
def test_one_line_that_looks_different_has_all_of_them_looked_at(name: str) -> None:
    assert Wholesale(name.partition(" ")[0]).unwrap(Batch([*PLAIN[name], ODD[name]])) is None


def test_parts_of_a_cri_line_are_joined_per_stream() -> None:
    lines = [
        b'2026-11-21T09:06:40Z stdout P {"message":"one ',
        b"2026-11-21T09:06:40Z stderr F plain stderr line",
        b'2026-11-21T09:06:41Z stdout F line"}',
        b"2026-11-21T09:06:42Z stdout P never finished",
    ]
    assert recognise(lines) == "cri"
    found = list(unwrapped([Batch(lines[:2]), Batch(lines[2:])], "cri"))
    assert [line for batch in found for line in batch.lines] == [
        b"plain stderr line", b'{"message":"one line"}', b"never finished",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("pattern", "digits", "hexadecimal"),
    [
        ("^[0-9]{4}-[0-9]{2}$", True, False),
        (r"^\d{4}$", True, False),
        ("^[0-9a-f]{8}-[0-9a-f]{4}$", True, True),
        ("^1[0-9]$", False, False),
        ("^[0-8]$", False, False),
        ("^[a-z]+$", True, False),
        (r"^\w+$", True, True),
        ("(?i)abc", False, False),
        ("^x{2,3}$", True, True),
    ],
)
def test_which_characters_a_pattern_cannot_tell_apart(pattern: str, digits: bool, hexadecimal: bool) -> None:
    assert cannot_tell_apart(pattern, DIGITS) == digits
    assert cannot_tell_apart(pattern, HEX) == hexadecimal


@pytest.mark.parametrize(
    ("pattern", "common"),
    [("^[0-9a-f]{32}$", True), (r"\A[0-9]+\Z", False), ("[[:alpha:]]", False), ("[a&&b]", False),
     (r"(?P<x>a)\1", False), ("a*+", False), ("(?i)a", False),
     (r"^\S+$", False), ("^(?:a|b)*$", True), ("a{,3}", False), (r"\<a", False)],
)  # fmt: skip
def test_which_patterns_engines_read_alike(pattern: str, common: bool) -> None:
    assert is_common(pattern) == common


def test_a_column_is_searched_as_each_of_its_texts_is() -> None:
    texts: list[Any] = ["12", "1", "x", None, "12\n", "", "ab", 1.5]
    for pattern in ("^[0-9]{2}$", "^[0-9]+$", "^[a-c]{1,3}$", "b"):
        wanted = [at for at, text in enumerate(texts) if isinstance(text, str) and not re.search(pattern, text)]
        assert [at for at in misses(pattern)(texts) if at in wanted] == wanted
        assert misses(pattern)(["12", "ab"]) == [at for at, t in enumerate(["12", "ab"]) if not re.search(pattern, t)]
