"""`signoff.md`: the record for people who approve, sign and audit."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from pytest_deploycheck.model.duration import format_duration
from pytest_deploycheck.report import reproduce
from pytest_deploycheck.report.text import next_step, printable
from pytest_deploycheck.report.trend import checkpoint_rows, trend_rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

ROLES: Final = ("Deployment engineer", "QA", "On-call")
_IDS: Final = 6
_SPECIAL: Final = re.compile(r"([\\`*_\[\]|~#])")
_BACKTICKS: Final = re.compile(r"`+")
_LINK: Final = re.compile(r"https?://[^\s<>|\\`]+", re.IGNORECASE)


def render(record: Mapping[str, Any]) -> str:
    """Return the record as GitHub-flavoured Markdown, the verdict first.

    Args:
        record: as `signoff.record.build` or `incomplete` made it.
    """
    parts = [
        *_verdict(record),
        *_reasons("What keeps it from GO", [it for it in record["reasons"] if not it["waived"]], record),
        *_reasons("Warned", record["warned"], record),
        *_targets(record),
        *_checkpoints(record),
        *_waivers(record),
        *_notes(record),
        *_deployment(record),
        *_systems(record),
        *_passed(record),
        *_deselected(record),
        *_timeline(record),
        *_evidence(record),
        *_reproduce(record),
        *_signatures(record),
    ]
    return "\n".join(parts).rstrip("\n") + "\n"


def escape(text: str) -> str:
    """Return a text that Markdown shows as it is, also within a table's cell."""
    plain = _SPECIAL.sub(r"\\\1", printable(text))
    return plain.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def code(text: str) -> str:
    """Return a text as a code span within a table's cell, whatever backticks and bars it holds."""
    plain = printable(text)
    if not plain.strip():
        return ""
    fence = "`" * (max((len(run) for run in _BACKTICKS.findall(plain)), default=0) + 1)
    pad = " " if plain[0] in "` " or plain[-1] in "` " else ""
    # In a table a bar ends the cell even within a code span, unless it is escaped; GitHub drops the backslash.
    return fence + pad + plain.replace("|", "\\|") + pad + fence


def link(text: str) -> str:
    """Return a web address as a link, anything else as text."""
    return f"<{text}>" if _LINK.fullmatch(text) else escape(text)


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Yield a table and an empty line; the cells are Markdown already."""
    yield "| " + " | ".join(heads) + " |"
    yield "|" + " --- |" * len(heads)
    for row in rows:
        yield "| " + " | ".join(row) + " |"
    yield ""


def _verdict(record: Mapping[str, Any]) -> Iterator[str]:
    """Yield the verdict, its reason, the recommendation and the counts."""
    yield f"# {escape(record['verdict_line'])}"
    yield ""
    yield f"**{escape(record['why'])}**"
    yield ""
    recommendation = record["recommendation"]
    yield f"Recommendation: **{recommendation['action']}**"
    yield ""
    if recommendation["reasons"]:
        yield from (f"- {escape(reason)}" for reason in recommendation["reasons"])
        yield ""
    counts = record["counts"]
    outcomes = list(counts["blocker"])
    rows = [[level, *(str(counts[level][outcome]) for outcome in outcomes)] for level in counts]
    yield from _table(["level", *outcomes], rows)
    started, finished = _utc(record["started"]), _utc(record["finished"]) or "not finished"
    yield f"Run {code(record['run_id'])}, {started} to {finished}, exit code {record['exit_code']}."
    yield ""


def _reasons(title: str, entries: Sequence[Mapping[str, Any]], record: Mapping[str, Any]) -> Iterator[str]:
    """Yield the checks that did not pass, with what helps to mend them."""
    if not entries:
        return
    checks = {check["nodeid"]: check for check in record["checks"]}
    yield f"## {title}"
    yield ""
    rows = []
    for entry in entries:
        check = checks.get(entry["nodeid"]) or {}
        result = check.get("result") or {}
        step = next_step(result.get("text", ""))
        lines = [
            code(entry["nodeid"]) or "the whole run",
            escape(entry["text"]),
            escape("; ".join(_bounds(check))),
            f"next: {_step(step)}" if step else "",
            f"evidence: {_ids(result['evidence'])}" if result.get("evidence") else "",
        ]
        rows.append(
            [
                entry["outcome"] + (" (waived)" if entry["waived"] else ""),
                "<br>".join(filter(None, lines)),
                link(check.get("runbook", "")) if check.get("runbook") else "",
                escape(check.get("owner", "")),
            ]
        )
    # One cell for all that is long: side by side, these would push each other off the page.
    yield from _table(["outcome", "check", "runbook", "owner"], rows)


def _targets(record: Mapping[str, Any]) -> Iterator[str]:
    """Yield how each cluster or region stands."""
    if not record["targets"]:
        return
    yield "## Targets"
    yield ""
    rows = []
    for target in record["targets"]:
        coverage = target["coverage"]
        counts = [str(coverage[name]) for name in ("expected", "passed", "waived", "out_of_scope")]
        seen = "yes" if target["looked_at"] else "**no**"
        rows.append([escape(target["name"]), seen, *counts, str(target["failed"])])
    yield from _table(["target", "looked at", "blockers", "passed", "waived", "out of scope", "failed"], rows)


def _checkpoints(record: Mapping[str, Any]) -> Iterator[str]:
    """Yield the observation that the run is a part of, and how its numbers moved."""
    found = record.get("checkpoints")
    if found is None:
        return
    yield "## Checkpoints"
    yield ""
    yield f"All so far: **{found['verdict']}**. {escape(found['why'])}"
    yield ""
    if found["all"]:
        heads, rows = checkpoint_rows(found)
        yield from _table(heads, [[escape(cell) for cell in row] for row in rows])
    if found["next"] is not None:
        yield f"Next: {escape(found['next']['label'])} at {_utc(found['next']['planned'])}."
        yield ""
    if found["trend"]:
        heads, rows = trend_rows(found)
        yield "### Trend"
        yield ""
        yield from _table(
            [escape(head) for head in heads], [[code(row[0]), *(escape(cell) for cell in row[1:])] for row in rows]
        )


def _step(text: str) -> str:
    """Return `graph: https://…` as a link of that name, other steps as text with their addresses as links.

    An address in plain text would not do: what looks like emphasis in it is escaped, and the backslashes become part of
    the address.
    """
    label, _, address = text.partition(": ")
    if _LINK.fullmatch(address):
        return f"[{escape(label)}](<{address}>)"
    parts: list[str] = []
    end = 0
    for match in _LINK.finditer(text):
        parts += escape(text[end : match.start()]), f"<{match[0]}>"
        end = match.end()
    return "".join([*parts, escape(text[end:])])


def _bounds(check: Mapping[str, Any]) -> list[str]:
    """Return what a check declares about time, such as `within 10m`."""
    found = {"within": check.get("within_seconds"), "sustained for": check.get("sustained_seconds")}
    return [f"{word} {format_duration(seconds)}" for word, seconds in found.items() if seconds is not None]


def _waivers(record: Mapping[str, Any]) -> Iterator[str]:
    """Yield every waiver with what became of it, and of its check: a waiver hides nothing."""
    if not record["waivers"]:
        return
    results = {check["nodeid"]: check["result"] or {"outcome": "not run", "summary": ""} for check in record["checks"]}
    yield "## Waivers"
    yield ""
    rows = [
        [
            code(it["check"]),
            it["state"],
            escape(": ".join(filter(None, map(results.get(it["check"], {}).get, ("outcome", "summary"))))),
            escape(it["reason"]),
            escape(it["owner"]),
            escape(it["ticket"]),
            _utc(it["expires"]),
        ]
        for it in record["waivers"]
    ]
    yield from _table(["check", "waiver", "came to", "reason", "owner", "ticket", "expires"], rows)


def _notes(record: Mapping[str, Any]) -> Iterator[str]:
    """Yield the notes as a list."""
    if record["notes"]:
        yield "## Notes"
        yield ""
        yield from (f"- {escape(note)}" for note in record["notes"])
        yield ""


def _deployment(record: Mapping[str, Any]) -> Iterator[str]:
    """Yield what was deployed and where the checks ran."""
    deployment, runner = record["deployment"], record["runner"]
    facts = {
        "environment": record["environment"],
        "version": deployment["version"],
        "image digest": deployment["image_digest"],
        "change ticket": deployment["change_ticket"],
        "deployment started": _utc(deployment["started"]),
        "deployment finished": _utc(deployment["finished"]),
        "runner": " ".join(filter(None, [f"{runner['user']}@{runner['host']}".strip("@"), runner["platform"]])),
        "Python": runner["python"],
        "plugins": ", ".join(f"{name} {version}" for name, version in runner["plugins"].items()),
        "xdist workers": str(runner["workers"]),
    }
    yield "## Deployment"
    yield ""
    yield from _table(["what", "value"], [[name, escape(value) or "unknown"] for name, value in facts.items()])


def _systems(record: Mapping[str, Any]) -> Iterator[str]:
    """Yield the systems that were asked."""
    yield "## Systems asked"
    yield ""
    if not record["systems"]:
        yield "None."
        yield ""
        return
    rows = []
    for system in record["systems"]:
        skew = system["clock_skew_seconds"]
        rows.append(
            [
                escape(system["name"]),
                link(system["url"]),
                escape(system["version"]) or "unknown",
                "not measured" if skew is None else f"{skew:+.3f} s",
                escape("; ".join(system["notes"])),
            ]
        )
    yield from _table(["system", "address", "version", "clock skew", "notes"], rows)


def _passed(record: Mapping[str, Any]) -> Iterator[str]:
    """Yield the checks that passed, grouped by level and category."""
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for check in record["checks"]:
        result = check["result"]
        if result is not None and result["outcome"] == "passed":
            categories = ", ".join(check["categories"]) or "no category"
            groups.setdefault(f"{check['level']}: {categories}", []).append(check)
    yield "## Passed"
    yield ""
    if not groups:
        yield "None."
        yield ""
    for name in sorted(groups):
        yield f"### {escape(name)} ({len(groups[name])})"
        yield ""
        rows = [
            [
                code(check["nodeid"]),
                ", ".join([took(check["result"]["duration_seconds"]), *_bounds(check)]),
                _ids(check["result"]["evidence"]),
                escape(check["requirement"]),
            ]
            for check in groups[name]
        ]
        yield from _table(["check", "took", "evidence", "requirement"], rows)


def took(seconds: float | None) -> str:
    """Return how long a check took, to the millisecond below a second."""
    if seconds is None:
        return ""
    if seconds >= 1:
        return f"{seconds:.2f} s"
    thousandths = round(seconds * 1000)
    return f"{thousandths} ms" if thousandths else "< 1 ms"


def _deselected(record: Mapping[str, Any]) -> Iterator[str]:
    """Yield what was expected and deselected."""
    if record["deselected"]:
        yield "## Deselected"
        yield ""
        rows = [
            [code(it["nodeid"]), it["level"], escape(it["by"]), "out of scope" if it["out_of_scope"] else ""]
            for it in record["deselected"]
        ]
        yield from _table(["check", "level", "by", "scope"], rows)


def _timeline(record: Mapping[str, Any]) -> Iterator[str]:
    """Yield, minute by minute, how many checks were started and which did not pass."""
    if not record["timeline"]:
        return
    yield "## Timeline"
    yield ""
    rows = []
    for minute in record["timeline"]:
        bad = [code(it["nodeid"]) for it in minute["checks"] if it["outcome"] != "passed"]
        rows.append([minute["minute"], str(len(minute["checks"])), "<br>".join(bad)])
    yield from _table(["minute", "checks", "of them not passed"], rows)


def _ids(evidence: Sequence[str]) -> str:
    """Return the ids of exchanges; of many the first ones, as the record has them all."""
    shown = " ".join(code(it) for it in evidence[:_IDS])
    return f"{shown} and {len(evidence) - _IDS} more" if len(evidence) > _IDS else shown


def _evidence(record: Mapping[str, Any]) -> Iterator[str]:
    """Yield where the evidence is; the bodies are only counted, their names are their hashes."""
    evidence = record["evidence"]
    yield "## Evidence"
    yield ""
    yield f"{evidence['observations']} recorded exchanges in {len(evidence['files'])} files; the ids are in the first."
    yield ""
    rows = [
        [code(it["name"]), str(it["size"]), code(it["sha256"])]
        for it in evidence["files"]
        if not it["name"].endswith(it["sha256"])
    ]
    if rows:
        yield from _table(["file", "bytes", "SHA-256"], rows)
    yield f"Digest of the record: {code(record['digest'])}"
    yield ""


def _reproduce(record: Mapping[str, Any]) -> Iterator[str]:
    """Yield the command that was run, and the one that repeats only what did not pass."""
    runner = record["runner"]
    if not runner["command"]:
        return
    yield "## How to reproduce"
    yield ""
    yield from _block(*reproduce.whole(runner))
    again = list(dict.fromkeys(it["nodeid"] for it in record["reasons"] if it["nodeid"]))
    if again:
        yield "Only what did not pass (its verdict cannot be GO: a part of a suite is not the suite):"
        yield ""
        yield from _block(reproduce.part(runner, again))


def _block(*commands: str) -> Iterator[str]:
    """Yield commands as a code block and an empty line."""
    shown = [printable(command) for command in commands]
    longest = max(len(run) for command in shown for run in [*_BACKTICKS.findall(command), "``"])
    yield "`" * (longest + 1) + "sh"
    yield from shown
    yield "`" * (longest + 1)
    yield ""


def _signatures(record: Mapping[str, Any]) -> Iterator[str]:
    """Yield the table to sign; an unfinished run has nothing to sign."""
    if not record["complete"]:
        return
    yield "## Sign-off"
    yield ""
    yield from _table(["role", "name", "date", "signature"], [[role, "", "", ""] for role in ROLES])


def _utc(moment: Mapping[str, Any] | None) -> str:
    """Return a moment's text, or an empty one."""
    return str(moment["utc"]) if moment else ""
