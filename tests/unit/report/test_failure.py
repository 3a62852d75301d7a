"""The text of one finding."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from pytest_deploycheck.model.finding import Finding
from pytest_deploycheck.model.outcome import Outcome
from pytest_deploycheck.report.failure import WIDTH, headline, lines
from pytest_deploycheck.report.text import is_number

FINDING = Finding(
    outcome=Outcome.FAILED,
    asked="sum by (route) (rate(errors_total[5m]) / rate(requests_total[5m]))",
    system="prometheus http://127.0.0.1:9090",
    expected="every series < 0.01",
    observed="2 of 14 series are not, worst 0.5",
    columns=("series", "value"),
    rows=(('{route="/a"}', "0.5"), ('{route="/very/long"}', "0.0123")),
    omitted=37,
    sample_time=1_795_261_500.25,
    age=12.345,
    evidence=("3fa9c1d2e4b5", "aaaaaaaaaaaa"),
    next_steps=("http://127.0.0.1:9090/graph?g0.expr=x", "promtool query instant http://127.0.0.1:9090 x"),
)


def test_the_whole_text() -> None:
    assert "\n".join(lines(FINDING)) == (
        "asked:    sum by (route) (rate(errors_total[5m]) / rate(requests_total[5m]))\n"
        "of:       prometheus http://127.0.0.1:9090\n"
        "expected: every series < 0.01\n"
        "observed: 2 of 14 series are not, worst 0.5\n"
        "          series                 value\n"
        '          {route="/a"}             0.5\n'
        '          {route="/very/long"}  0.0123\n'
        "          … and 37 more\n"
        "sample:   2026-11-21T11:45:00.250Z, 12.3 s old\n"
        "evidence: 3fa9c1d2e4b5, aaaaaaaaaaaa\n"
        "next:     http://127.0.0.1:9090/graph?g0.expr=x\n"
        "next:     promtool query instant http://127.0.0.1:9090 x"
    )


def test_a_finding_with_nothing_but_its_four_lines() -> None:
    bare = Finding(outcome=Outcome.INCONCLUSIVE, asked="up", system="p http://x", expected="1 series", observed="none")
    assert lines(bare) == ["asked:    up", "of:       p http://x", "expected: 1 series", "observed: none"]


def test_the_limit_counts_the_rest() -> None:
    assert lines(FINDING, limit=1)[4:7] == [
        "          series        value",
        '          {route="/a"}    0.5',
        "          … and 38 more",
    ]
    assert lines(FINDING, limit=0)[4] == "          39 not shown"


def test_headline() -> None:
    assert headline(FINDING) == (
        "sum by (route) (rate(errors_to…) / rate(requests_total[5m])): "
        '2 of 14 series are not, worst 0.5 (worst: {route="/a"}); expected every series < 0.01'
    )
    assert headline(replace(FINDING, asked="up\n  == 1", outcome=Outcome.PASSED)) == (
        "up == 1: 2 of 14 series are not, worst 0.5"
    )


@pytest.mark.parametrize(
    ("observed", "rows", "shown"),
    [
        ("1 of 2 targets is down", (("10.0.0.7:80", "down", "refused"),), " (10.0.0.7:80: refused)"),
        ("1 target is down", (("10.0.0.7:80", "", ""),), " (10.0.0.7:80)"),
        ("2 of 2 are bad", (("db-1", "x", "late"), ("db-2", "x", "")), " (worst: db-1: late)"),
        ("1 of 2 is of another version: 1.4.1", (("a:80", "x", "1.4.1"),), " (a:80)"),
        ("status: 503", (("status", "200", "503"),), ""),
        ("0 groups loaded", (), ""),
        ("1 of 2 is bad", (("", "", ""),), ""),
        ("1 of 1 is bad", (("n" * 90, "", "p" * 80),), f" ({'n' * 40}…{'n' * 39}: {'p' * 30}…{'p' * 29})"),
    ],
)
def test_the_headline_names_the_worst_where_it_only_counts(
    observed: str, rows: tuple[tuple[str, ...], ...], shown: str
) -> None:
    finding = replace(FINDING, asked="up", observed=observed, columns=("who", "x", "problem"), rows=rows, omitted=0)
    assert headline(finding) == f"up: {observed}{shown}; expected every series < 0.01"


def test_the_headline_of_combined_findings_leaves_out_what_was_expected() -> None:
    finding = replace(
        FINDING, asked="up", observed="1 of 2 is old", columns=("expected", "series", "age"),
        rows=(("every series < 0.01", "up{}", "2 min"),), omitted=0,
    )  # fmt: skip
    assert headline(finding) == "up: 1 of 2 is old (up{}: 2 min); expected every series < 0.01"


def test_long_texts_are_wrapped_and_long_cells_shortened_in_the_middle() -> None:
    series = "{" + ", ".join(f'label_{number}="value_{number}"' for number in range(12)) + "}"
    text = lines(replace(FINDING, asked=series, rows=((series, "123456789.123456789"),), next_steps=()))
    assert max(map(len, text)) <= WIDTH
    assert "".join(line[10:] + " " for line in text[:3]).strip() == series
    row = next(line for line in text if line.endswith("123456789.123456789"))
    assert row.startswith('          {label_0="value_0", ')
    assert "…" in row
    assert 'label_11="value_11"}  123456789.123456789' in row
    assert len(row) == WIDTH


def test_a_link_is_never_broken() -> None:
    link = "http://127.0.0.1:9090/graph?g0.expr=" + "x" * 200
    assert lines(replace(FINDING, next_steps=(link,)))[-1] == f"next:     {link}"


def test_too_many_columns_become_blocks() -> None:
    columns = tuple(f"column{number}" for number in range(20))
    row = tuple(str(10**9 + number) for number in range(20))
    text = lines(replace(FINDING, columns=columns, rows=(row,), omitted=0))
    assert text[4:7] == [
        "          - column0: 1000000000",
        "            column1: 1000000001",
        "            column2: 1000000002",
    ]


def test_ragged_rows_and_escapes_do_not_break_the_table() -> None:
    rows = (("\x1b[31mred\nline", "1", "extra"), ("b",))
    assert lines(replace(FINDING, rows=rows, omitted=0))[4:7] == [
        "          series             value",
        "          \\x1b[31mred\\nline      1  extra",
        "          b",
    ]


def test_an_impossible_sample_time_is_shown_as_a_number() -> None:
    text = lines(replace(FINDING, sample_time=1e20, age=1e6))
    assert "sample:   unix 1e+20, 1000000 s old" in text


CELLS = st.one_of(
    st.text(max_size=300),
    st.floats().map(str),
    st.integers(-(10**12), 10**12).map(str),
    st.text(alphabet="abc{}=,", min_size=100, max_size=200),
)


@given(
    st.integers(1, 8).flatmap(lambda n: st.lists(st.tuples(*[CELLS] * n), min_size=1, max_size=5)),
    st.text(max_size=400),
)
def test_no_line_is_too_wide_and_no_number_is_cut(rows: list[tuple[str, ...]], asked: str) -> None:
    columns = tuple(f"column {number}" for number in range(len(rows[0])))
    text = lines(replace(FINDING, asked=asked, columns=columns, rows=tuple(rows)))
    assert max(map(len, text)) <= WIDTH
    joined = "\n".join(text)
    for row in rows:
        for cell in row:
            if is_number(cell):
                assert cell.strip() in joined
