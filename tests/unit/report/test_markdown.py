"""signoff.md: what it says, and that nothing in a record can break its tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from msgspec.structs import replace

from pytest_deploycheck.model.run import RunRecord
from pytest_deploycheck.report.markdown import code, escape, link, render, took
from pytest_deploycheck.report.text import printable
from pytest_deploycheck.signoff.record import incomplete

if TYPE_CHECKING:
    from collections.abc import Callable

GOOD = "suites/post_deploy/test_smoke.py::test_health[mcp]"
WAIVED = "suites/post_deploy/test_slo.py::test_known"


def section(text: str, title: str) -> str:
    return text.partition(f"## {title}\n\n")[2].partition("\n\n## ")[0]


def cells(markdown: str) -> list[list[str]]:
    """Return the texts of the only table's body, as a Markdown parser reads them."""
    parser = MarkdownIt("commonmark").enable("table")
    rows: list[list[str]] = []
    for token in parser.parse(markdown):
        if token.type == "tr_open":
            rows.append([])
        elif token.type == "inline":
            rows[-1].append("".join(child.content for child in token.children or ()))
    return rows[1:]


def test_the_verdict_comes_first(make_record: Callable[..., dict[str, Any]]) -> None:
    assert render(make_record()).startswith(
        "# NO-GO\n"
        "\n"
        r"**1 blocker failed: suites/post\_deploy/test\_slo.py::test\_p95\[a\|b \`c\`\]**"
        "\n\n"
        "Recommendation: **ROLLBACK**\n"
        "\n"
        r"- suites/post\_deploy/test\_slo.py::test\_p95\[a\|b \`c\`\]: its tier is immediate"
        "\n\n"
        "| level | passed | failed | inconclusive | error | not run |\n"
        "| --- | --- | --- | --- | --- | --- |\n"
        "| blocker | 1 | 2 | 0 | 1 | 0 |\n"
        "| warning | 0 | 0 | 1 | 0 | 0 |\n"
        "\n"
        "Run `20261121T114500Z-3fa9c1`, 2026-11-21T11:45:00.000Z to 2026-11-21T11:45:12.000Z, exit code 1.\n"
        "\n"
        "## What keeps it from GO\n"
    )


def test_what_did_not_pass_comes_with_what_helps(make_record: Callable[..., dict[str, Any]]) -> None:
    text = render(make_record())
    assert section(text, "What keeps it from GO") == (
        "| outcome | check | runbook | owner |\n"
        "| --- | --- | --- | --- |\n"
        r"| failed | ``suites/post_deploy/test_slo.py::test_p95[a\|b `c`]``"
        r"<br>up: 1 \| 3 is &lt;b&gt;0&lt;/b&gt;; expected every \*series\* == 1<br>next: <http://x/graph>"
        r"<br>evidence: `aaaaaaaaaaaa` |  | team\|sre |"
        "\n"
        r"| error | `suites/post_deploy/test_slo.py::test_refused`<br>connection refused"
        r"<br>evidence: `aaaaaaaaaaaa` | <https://runbooks/x> | team\|sre |"
    )
    assert section(text, "Waivers").splitlines()[2] == (
        "| `suites/post_deploy/test_slo.py::test_known` | applied | failed: slow | known | db | CHG-7 "
        "| 2026-11-21T12:45:00.000Z |"
    )
    assert section(text, "Warned").splitlines()[2] == (
        r"| inconclusive | `suites/post_deploy/test_slo.py::test_warned`<br>no data<br>evidence: `aaaaaaaaaaaa` |  "
        r"| team\|sre |"
    )


@pytest.mark.parametrize(
    ("step", "shown"),
    [
        ("graph: http://x/graph?g0.expr=a_b_c&g0.tab=1", "[graph](<http://x/graph?g0.expr=a_b_c&g0.tab=1>)"),
        ("try: curl -i http://x/a_b", "try: curl -i <http://x/a_b>"),
        ("wait for a_b_c", r"wait for a\_b\_c"),
    ],
)
def test_the_next_step_leads_there(make_record: Callable[..., dict[str, Any]], step: str, shown: str) -> None:
    record = make_record()
    for check in record["checks"]:
        if check["result"]:
            check["result"]["text"] = f"E   next: {step}"
    assert f"<br>next: {shown}<br>" in section(render(record), "What keeps it from GO")


def test_how_to_reproduce_and_sign(make_record: Callable[..., dict[str, Any]]) -> None:
    text = render(make_record())
    assert section(text, "How to reproduce") == (
        "```sh\n"
        "cd '/srv/my app'\n"
        "pytest suites/post_deploy -m 'blocker or warning'\n"
        "```\n"
        "\n"
        "Only what did not pass (its verdict cannot be GO: a part of a suite is not the suite):\n"
        "\n"
        "```sh\n"
        "pytest 'suites/post_deploy/test_slo.py::test_p95[a|b `c`]' suites/post_deploy/test_slo.py::test_refused "
        "suites/post_deploy/test_slo.py::test_known\n"
        "```"
    )
    assert text.endswith(
        "## Sign-off\n"
        "\n"
        "| role | name | date | signature |\n"
        "| --- | --- | --- | --- |\n"
        "| Deployment engineer |  |  |  |\n"
        "| QA |  |  |  |\n"
        "| On-call |  |  |  |\n"
    )


def test_systems_and_deployment(make_record: Callable[..., dict[str, Any]]) -> None:
    text = render(make_record(GOOD))
    assert section(text, "Systems asked").splitlines()[2] == (
        "| prometheus | <http://127.0.0.1:9090> | 2.42.0 | +0.012 s |  |"
    )
    assert "| image digest | unknown |\n| change ticket | CHG-9 |\n" in text


def test_a_go_under_a_scope_says_so(make_record: Callable[..., dict[str, Any]]) -> None:
    text = render(make_record(GOOD, scope="smoke"))
    assert text.startswith('# GO (scope "smoke")\n\n**1 of 1 blocker passed**\n')
    assert "## What keeps it from GO" not in text


def test_a_run_wide_reason(make_record: Callable[..., dict[str, Any]]) -> None:
    text = render(make_record(GOOD, interrupted="Ctrl-C"))
    assert "| not run | the whole run<br>the run ended early: Ctrl-C |  |  |\n" in text


def test_an_unfinished_run_has_nothing_to_sign() -> None:
    run = RunRecord(run_id="20261121T114500Z-3fa9c1", started=1_795_261_500.0)
    text = render(incomplete(run))
    assert text.startswith("# HOLD\n\n**the run has not finished: it is running or was killed**\n")
    assert "2026-11-21T11:45:00.000Z to not finished" in text
    assert "## Sign-off" not in text
    assert "None." in section(render(incomplete(replace(run, environment="x"))), "Systems asked")


@given(st.text(min_size=1))
def test_any_text_stays_one_cell(text: str) -> None:
    table = f"| a | b |\n| --- | --- |\n| {escape(text)} | end |\n"
    ((first, second),) = cells(table)
    assert (first, second) == (printable(text).strip(), "end")


@given(st.text(min_size=1) | st.text(alphabet="`|\\ a", min_size=1))
def test_any_node_id_stays_one_code_span(text: str) -> None:
    table = f"| a | b |\n| --- | --- |\n| {code(text)} | end |\n"
    ((first, second),) = cells(table)
    assert second == "end"
    assert first.strip() == printable(text).strip()


@pytest.mark.parametrize("text", ["javascript:alert(1)", "http://x/<script>", "http://a b", "http://x/|y", "runbook"])
def test_only_plain_web_addresses_become_links(text: str) -> None:
    assert link(text) == escape(text)
    assert link("https://x/y?z=1&a=(b)") == "<https://x/y?z=1&a=(b)>"


@pytest.mark.parametrize(
    ("seconds", "text"), [(None, ""), (0.0004, "< 1 ms"), (0.0126, "13 ms"), (0.9994, "999 ms"), (61.5, "61.50 s")]
)
def test_a_time_is_told_as_exactly_as_it_matters(seconds: float | None, text: str) -> None:
    assert took(seconds) == text
