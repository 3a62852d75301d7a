"""The terminal summary, plain and coloured."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from pytest_deploycheck.report.terminal import render

if TYPE_CHECKING:
    from collections.abc import Callable

GOOD = "suites/post_deploy/test_smoke.py::test_health[mcp]"
REPORTS = "reports/20261121T114500Z-3fa9c1"
RULE = "=" * 80


def test_plain(make_record: Callable[..., dict[str, Any]]) -> None:
    assert render(make_record(), color=False, width=80, reports=REPORTS) == (
        f"{RULE}\n"
        "NO-GO: 1 blocker failed: suites/post_deploy/test_slo.py::test_p95[a|b `c`]\n"
        "  FAILED suites/post_deploy/test_slo.py::test_p95[a|b `c`]\n"
        "    up: 1 | 3 is <b>0</b>; expected every *series* == 1\n"
        "    next: http://x/graph\n"
        "  ERROR suites/post_deploy/test_slo.py::test_refused\n"
        "    connection refused\n"
        "    next: runbook https://runbooks/x\n"
        "blockers: 1 passed, 2 failed, 1 error\n"
        "warnings: 1 inconclusive\n"
        "coverage: 1 of 4 blockers passed, 1 waived\n"
        "warned (1):\n"
        "  W suites/post_deploy/test_slo.py::test_warned inconclusive: no data\n"
        "waived: suites/post_deploy/test_slo.py::test_known is failed and waived until 2026-11-21T12:45:00Z "
        "by db, CHG-7: known\n"
        "recommendation: ROLLBACK\n"
        "  suites/post_deploy/test_slo.py::test_p95[a|b `c`]: its tier is immediate\n"
        f"report: {REPORTS}/signoff.md\n"
        f"record: {REPORTS}/signoff.json\n"
        f"{RULE}\n"
    )


def test_plain_go(make_record: Callable[..., dict[str, Any]]) -> None:
    assert render(make_record(GOOD, scope="smoke"), color=False, width=80) == (
        f"{RULE}\n"
        'GO (scope "smoke"): 1 of 1 blocker passed\n'
        "blockers: 1 passed\n"
        "coverage: 1 of 1 blocker passed\n"
        "recommendation: PROMOTE\n"
        "  every blocker that counts passed or is waived\n"
        f"{RULE}\n"
    )


@pytest.mark.parametrize("width", [0, 40, 80, 200])
def test_plain_is_ascii_and_never_cuts_a_node_id(make_record: Callable[..., dict[str, Any]], width: int) -> None:
    nodeid = "tests/é.py::test_x[" + "long-" * 60 + "\x1b[2J]"
    record = make_record(nodeid)
    text = render(record, color=False, width=width)
    assert text.isascii()
    assert "tests/\\xe9.py::test_x[" + "long-" * 60 + "\\x1b[2J]" in text
    assert "tests/é.py::test_x[" in render(record, color=False, width=width, unicode=True)


def test_many_reasons_are_counted_and_long_ones_cut(make_record: Callable[..., dict[str, Any]]) -> None:
    record = make_record(*(f"t.py::c{number}" for number in range(8)))
    for number, reason in enumerate(record["reasons"]):
        reason["text"] = f"{number}: not run"
    record["reasons"][0]["text"] = "y" * 500
    text = render(record, color=False, width=80)
    assert "  ... and 3 more, all in signoff.md\n" in text
    assert f"    {'y' * 156} ...\n" in text


def test_what_is_alike_is_told_once(make_record: Callable[..., dict[str, Any]]) -> None:
    names = ("t.py::down[a]", "t.py::down[b]", "t.py::other", "t.py::fresh[a]", "t.py::fresh[b]", "t.py::alone")
    record = make_record(*names)
    texts = ["x refuses", "x refuses", "x refuses", "a is old", "b is old", "too slow"]
    record["reasons"] = [
        {"nodeid": name, "outcome": "error", "text": text, "waived": False}
        for name, text in zip(names, texts, strict=True)
    ]
    why = "its tier is after(30m): roll back if it still fails at 12:00"
    record["recommendation"]["reasons"] = [*(f"{name}: {why}" for name in names[:3]), "t.py::alone: immediate", "all"]
    text = render(record, color=False, width=80)
    assert text.splitlines()[2:8] == [
        "  ERROR t.py::down[a] and 2 more",
        "    x refuses",
        "  ERROR t.py::fresh[a] and 1 more",
        "    a is old",
        "  ERROR t.py::alone",
        "    too slow",
    ]
    assert f"  t.py::down[a] and 2 more: {why}\n  t.py::alone: immediate\n  all\n" in text
    assert "signoff.md" not in text


@pytest.mark.parametrize(
    ("nodeids", "colour"), [((GOOD,), "32"), ((), "31"), (("t.py::never",), "33")], ids=["GO", "NO-GO", "HOLD"]
)
def test_colours(make_record: Callable[..., dict[str, Any]], nodeids: tuple[str, ...], colour: str) -> None:
    record = make_record(*nodeids)
    text = render(record, color=True, width=100)
    banner = text.splitlines()[1]
    assert f"\x1b[1;{colour}m{record['verdict']}: " in banner
    plain = re.sub(r"\x1b\[[0-9;]*m", "", text)
    assert plain.splitlines()[0] == "┏" + "━" * 98 + "┓"
    for line in render(record, color=False, width=100).splitlines()[2:-1]:
        assert " ".join(line.split()) in " ".join(plain.split())


def test_long_lines_keep_their_indent_and_links_stay_whole(make_record: Callable[..., dict[str, Any]]) -> None:
    record = make_record()
    record["reasons"][0]["text"] = "targets: 1 of 2 targets is down (127.0.0.1:8080: connection refused); expected 2"
    bad = next(it for it in record["checks"] if it["nodeid"] == record["reasons"][0]["nodeid"])
    bad["result"]["text"] = f"next: graph: http://127.0.0.1:9090/graph?g0.expr={'x' * 60}"
    shown = re.sub(r"\x1b\[[0-9;]*m", "", render(record, color=True, width=60)).splitlines()
    at = shown.index("    targets: 1 of 2 targets is down (127.0.0.1:8080:")
    assert shown[at + 1] == "    connection refused); expected 2"
    assert shown[at + 2] == f"    next: graph: http://127.0.0.1:9090/graph?g0.expr={'x' * 60}"


def test_colours_without_unicode(make_record: Callable[..., dict[str, Any]]) -> None:
    text = render(make_record("t.py::é"), color=True, width=60, unicode=False)
    assert text.isascii()
    assert "\x1b[33m+" + "-" * 58 + "+" in text


def test_nothing_in_an_answer_can_steer_the_terminal(make_record: Callable[..., dict[str, Any]]) -> None:
    record = make_record("t.py::a")
    record["reasons"][0]["text"] = "\x1b]0;owned\x07 [bold]no markup[/bold]\x9b31m"
    text = render(record, color=True, width=80)
    assert "\\x1b]0;owned\\x07 [bold]no markup[/bold]\\x9b31m" in text
    assert "\x07" not in text
