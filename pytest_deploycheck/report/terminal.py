"""The summary at the end of the terminal: what a tired person understands in five seconds."""

from __future__ import annotations

import textwrap
from collections import Counter
from io import StringIO
from typing import TYPE_CHECKING, Any, Final

from pytest_deploycheck.report.text import next_step, printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rich.text import Text

_SHOWN: Final = 5
_COLOURS: Final = {"GO": "green", "NO-GO": "red", "HOLD": "yellow"}
_NARROWEST: Final = 40


def render(
    record: Mapping[str, Any], *, color: bool, width: int, unicode: bool | None = None, reports: str = ""
) -> str:
    """Return the summary, ending in a line break.

    Args:
        record: as `signoff.record.build` made it.
        color: whether colours and boxes may be used (a terminal) or only plain lines (CI).
        width: of the terminal in columns; plain node ids, links and commands are never cut, whatever the width.
        unicode: whether characters beyond ASCII can be shown; where this is not known, only with colours.
        reports: the run's directory; empty if nothing was written.
    """
    beyond_ascii = color if unicode is None else unicode
    width = max(width, _NARROWEST)
    lines = list(_lines(record, width, reports))
    if not color:
        shown = [printable(line, ascii_only=not beyond_ascii) for _, line in lines]
        rule = "=" * width
        return "\n".join([rule, *shown, rule]) + "\n"
    return _coloured(record["verdict"], lines, width, beyond_ascii=beyond_ascii)


def _lines(record: Mapping[str, Any], width: int, reports: str) -> Iterator[tuple[str, str]]:
    """Yield (style, line): the verdict, why, counts, warned, recommendation, paths."""
    yield "verdict", f"{record['verdict_line']}: {record['why']}"
    reasons = [it for it in record["reasons"] if not it["waived"]]
    groups = _alike(reasons, {it["nodeid"]: tuple(it["targets"]) for it in record["checks"]})
    for group in groups[:_SHOWN]:
        yield from _reason(group, record, width)
    if hidden := sum(len(group) for group in groups[_SHOWN:]):
        yield "dim", f"  ... and {hidden} more, all in signoff.md"
    yield from _counts(record)
    yield from _accepted(record, width)
    for note in record["notes"]:
        yield "dim", f"note: {note}"
    recommendation = record["recommendation"]
    yield "strong", f"recommendation: {recommendation['action']}"
    for text in _merged(recommendation["reasons"], [it["nodeid"] for it in record["checks"]])[:_SHOWN]:
        yield "", f"  {text}"
    if reports:
        yield "dim", f"report: {reports}/signoff.md"
        yield "dim", f"record: {reports}/signoff.json"


def _counts(record: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the number of checks by level and outcome, zeros left out, and the coverage."""
    for level, outcomes in record["counts"].items():
        present = [f"{count} {outcome}" for outcome, count in outcomes.items() if count]
        if present:
            yield "", f"{level}s: {', '.join(present)}"
    yield "", f"coverage: {record['coverage']['text']}"
    for target in record["targets"]:
        yield "failed" if target["failed"] else "" if target["looked_at"] else "warned", f"  target {target['text']}"


def _accepted(record: Mapping[str, Any], width: int) -> Iterator[tuple[str, str]]:
    """Yield what did not pass and does not count: warned, then waived."""
    warned = record["warned"]
    if warned:
        yield "warned", f"warned ({len(warned)}):"
    for entry in warned[:_SHOWN]:
        yield "warned", f"  W {entry['nodeid']} {entry['outcome']}: {_short(entry['text'], width)}"
    if len(warned) > _SHOWN:
        yield "dim", f"  ... and {len(warned) - _SHOWN} more"
    for waiver in record["waivers"]:
        if waiver["state"] == "applied":
            yield "warned", f"waived: {waiver['text']}"


def _alike(reasons: list[Mapping[str, Any]], targets: Mapping[str, tuple[str, ...]]) -> list[list[Mapping[str, Any]]]:
    """Return the reasons in groups, so that one broken thing does not crowd out the others.

    Together are those with the very same text (a system that cannot be reached, say), then those of one test function
    about the same targets.
    """
    texts = Counter((it["outcome"], it["text"]) for it in reasons if it["nodeid"])
    groups: dict[tuple[object, ...], list[Mapping[str, Any]]] = {}
    for it in reasons:
        shared = texts[it["outcome"], it["text"]] > 1
        test = ("test", it["nodeid"].partition("[")[0] or it["text"], targets.get(it["nodeid"], ()))
        key: tuple[object, ...] = ("text", it["text"]) if shared else test
        groups.setdefault((it["outcome"], *key), []).append(it)
    return list(groups.values())


def _merged(texts: list[str], nodeids: list[str]) -> list[str]:
    """Return `check: why` once for each why, with the number of the other checks it holds for."""
    names: dict[str, list[str]] = {}
    for text in texts:
        name = max((it for it in nodeids if text.startswith(f"{it}: ")), key=len, default="")
        names.setdefault(text.removeprefix(f"{name}: ") if name else text, []).append(name)
    return [
        f"{found[0]}{f' and {len(found) - 1} more' if len(found) > 1 else ''}: {why}" if found[0] else why
        for why, found in names.items()
    ]


def _reason(group: list[Mapping[str, Any]], record: Mapping[str, Any], width: int) -> Iterator[tuple[str, str]]:
    """Yield a reason: the check and how many others are like it, why in one line, and the next step."""
    reason = group[0]
    style = "failed" if reason["outcome"] == "failed" else "held"
    name = reason["nodeid"] or "the run"
    more = f" and {len(group) - 1} more" if len(group) > 1 else ""
    yield style, f"  {reason['outcome'].upper()} {name}{more}"
    yield "", f"    {_short(reason['text'], width)}"
    check = next((it for it in record["checks"] if it["nodeid"] == reason["nodeid"]), None)
    if check is None:
        return
    result = check["result"] or {}
    step = next_step(result.get("text", "")) or (f"runbook {check['runbook']}" if check["runbook"] else "")
    if step:
        yield "", f"    next: {step}"


def _short(text: str, width: int) -> str:
    """Return a reason's text cut at about two terminal lines; the whole is in the report."""
    room = 2 * width - 4
    return text if len(text) <= 2 * width else f"{text[:room].rstrip()} ..."


def _coloured(verdict: str, lines: list[tuple[str, str]], width: int, *, beyond_ascii: bool) -> str:
    """Return the lines with colours, the verdict in a box."""
    from rich import box
    from rich.console import Console, Group
    from rich.panel import Panel
    from rich.text import Text

    colour = _COLOURS[verdict]
    styles = {
        "failed": "bold red",
        "held": "bold yellow",
        "warned": "yellow",
        "strong": f"bold {colour}",
        "dim": "dim",
        "": "",
    }

    def text(style: str, line: str) -> Text:
        return Text(printable(line, ascii_only=not beyond_ascii), style=style, overflow="fold", no_wrap=False)

    stream = StringIO()
    console = Console(
        file=stream, force_terminal=True, color_system="standard", width=width, highlight=False, legacy_windows=False
    )
    banner = Panel(
        Group(text(f"bold {colour}", lines[0][1])), box=box.HEAVY if beyond_ascii else box.ASCII, border_style=colour
    )
    console.print(banner)
    for style, line in lines[1:]:
        for part in _wrapped(line, width):
            console.print(text(styles[style], part), soft_wrap=True)
    return stream.getvalue()


def _wrapped(line: str, width: int) -> list[str]:
    """Return a line as lines that keep its indent; links, commands and node ids stay whole, to be copied."""
    if len(line) <= width or line.lstrip().startswith("next: "):
        return [line]
    indent = line[: len(line) - len(line.lstrip())]
    return textwrap.wrap(
        line, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False, replace_whitespace=False
    )
