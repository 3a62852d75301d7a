"""The sign-off record: everything a pipeline, a change ticket or an auditor needs to know of a run, as plain JSON.

Its shape is `signoff-v1.schema.json`, described in docs/signoff.md. Pure: no clock, no files.
"""

from __future__ import annotations

import hashlib
import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pytest_deploycheck.model.decision import Coverage, Decision, Reason, TargetStanding
from pytest_deploycheck.model.instant import rfc3339
from pytest_deploycheck.model.outcome import Level, Outcome, Recommendation, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pytest_deploycheck.model.decision import WaiverUse
    from pytest_deploycheck.model.declaration import CheckResult, Declaration
    from pytest_deploycheck.model.run import DeploymentRecord, RunFacts, RunnerRecord, RunRecord, SystemRecord

SCHEMA: Final = "deploycheck/signoff/v1"
SCHEMA_FILE: Final = Path(__file__).with_name("signoff-v1.schema.json")
UNFINISHED: Final = "the run has not finished: it is running or was killed"


def build(run: RunRecord, decision: Decision) -> dict[str, Any]:
    """Return the record of a finished run.

    Args:
        run: the facts, with `finished` set.
        decision: what the gate decided on `run.facts`.

    Returns:
        Builtins that `json.dumps` accepts with `allow_nan=False`; `digest` is over all the rest (see `digest`).
    """
    return _record(run, decision, complete=True)


def incomplete(run: RunRecord) -> dict[str, Any]:
    """Return the record to write when a run starts: HOLD, until the finished record takes its place.

    Args:
        run: what is known at the start; `facts` may be empty.
    """
    blockers = {it.nodeid for it in run.facts.expected if it.level is Level.BLOCKER}
    decision = Decision(
        verdict=Verdict.HOLD,
        why=UNFINISHED,
        reasons=(Reason(nodeid="", outcome=Outcome.NOT_RUN, text=UNFINISHED),),
        counts={level.value: {outcome.value: 0 for outcome in Outcome} for level in Level},
        coverage=Coverage(expected=len(blockers)),
        recommendation=Recommendation.HOLD,
        recommendation_reasons=("there is no verdict yet",),
        scope=run.facts.scope,
        only=run.facts.only,
        targets=tuple(
            TargetStanding(name=name, chosen=not run.facts.only or name in run.facts.only, coverage=Coverage())
            for name in run.facts.targets
        ),
    )
    return _record(run, decision, complete=False)


def canonical(record: Mapping[str, Any]) -> bytes:
    """Return the one byte form of a record that its digest is over.

    That is JSON with sorted keys, no spaces, non-ASCII characters as they are, in UTF-8, without the key `digest`;
    numbers as Python's `json` writes them.
    """
    rest = {key: value for key, value in record.items() if key != "digest"}
    text = json.dumps(rest, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode()


def digest(record: Mapping[str, Any]) -> str:
    """Return `sha256:` and the hexadecimal SHA-256 of the canonical form."""
    return f"sha256:{hashlib.sha256(canonical(record)).hexdigest()}"


def _record(run: RunRecord, decision: Decision, *, complete: bool) -> dict[str, Any]:
    """Return the record with its digest."""
    facts = run.facts
    record: dict[str, Any] = {
        "schema": SCHEMA,
        "run_id": run.run_id,
        "complete": complete,
        "started": _moment(run.started),
        "finished": _moment(run.finished),
        "verdict": decision.verdict.value,
        "verdict_line": decision.line,
        "why": decision.why,
        "exit_code": decision.exit_code,
        "scope": decision.declared,
        "strict": facts.strict,
        "recommendation": {
            "action": decision.recommendation.value,
            "reasons": list(decision.recommendation_reasons),
        },
        "reasons": [_entry(reason) for reason in decision.reasons],
        "warned": [_entry(warned) for warned in decision.warned],
        "coverage": _coverage(decision.coverage),
        "counts": {level: dict(outcomes) for level, outcomes in decision.counts.items()},
        "environment": run.environment,
        "targets": [_target(target) for target in decision.targets],
        "deployment": _deployment(run.deployment),
        "runner": _runner(run.runner),
        "systems": [_system(system) for system in run.systems],
        "checks": list(_checks(facts, decision)),
        "waivers": [_waiver(use) for use in decision.waivers],
        "deselected": list(_deselected(facts, decision)),
        "collection": {
            "errors": [{"where": where, "text": text} for where, text in facts.collection_errors],
            "narrowed": list(facts.narrowed),
            "interrupted": facts.interrupted,
            "lost": [{"nodeid": nodeid, "why": why} for nodeid, why in facts.lost],
        },
        "others_failed": facts.others_failed,
        "notes": [*decision.notes, *run.notes],
        "timeline": _timeline(facts.results.values()),
        "checkpoints": run.checkpoints,
        "evidence": {
            "observations": run.observations,
            "files": [{"name": it.name, "sha256": it.sha256, "size": it.size} for it in run.evidence],
        },
    }
    cleaned: dict[str, Any] = _clean(record)
    cleaned["digest"] = digest(cleaned)
    return cleaned


def _entry(entry: Any) -> dict[str, Any]:
    """Return a reason or a warned check."""
    return {"nodeid": entry.nodeid, "outcome": entry.outcome.value, "text": entry.text, "waived": entry.waived}


def _coverage(coverage: Coverage) -> dict[str, Any]:
    """Return how many blockers were covered, in numbers and in words."""
    return {
        "expected": coverage.expected,
        "out_of_scope": coverage.out_of_scope,
        "ran": coverage.ran,
        "passed": coverage.passed,
        "waived": coverage.waived,
        "text": str(coverage),
    }


def _target(target: TargetStanding) -> dict[str, Any]:
    """Return how one cluster or region stands."""
    return {
        "name": target.name,
        "looked_at": target.looked_at,
        "failed": target.failed,
        "coverage": _coverage(target.coverage),
        "text": str(target),
    }


def _deployment(deployment: DeploymentRecord) -> dict[str, Any]:
    """Return the deployment under test."""
    return {
        "version": deployment.version,
        "image_digest": deployment.image_digest,
        "change_ticket": deployment.change_ticket,
        "started": _moment(deployment.started_at),
        "finished": _moment(deployment.finished_at),
    }


def _runner(runner: RunnerRecord) -> dict[str, Any]:
    """Return where and how the checks ran."""
    return {
        "host": runner.host,
        "user": runner.user,
        "python": runner.python,
        "platform": runner.platform,
        "directory": runner.directory,
        "command": list(runner.command),
        "variables": dict(sorted(runner.variables.items())),
        "plugins": dict(sorted(runner.plugins.items())),
        "workers": runner.workers,
    }


def _system(system: SystemRecord) -> dict[str, Any]:
    """Return one system that was asked."""
    return {
        "name": system.name,
        "url": system.url,
        "version": system.version,
        "clock_skew_seconds": system.clock_skew,
        "notes": list(system.notes),
    }


def _checks(facts: RunFacts, decision: Decision) -> Iterable[dict[str, Any]]:
    """Yield every check: in the manifest's order, then those that were reported or lost without being in it."""
    declarations: dict[str, Declaration | None] = {}
    for expected in facts.expected:
        known = declarations.get(expected.nodeid)
        if known is None or known.level is Level.WARNING:
            declarations[expected.nodeid] = expected
    for nodeid in sorted({*facts.results, *(nodeid for nodeid, _ in facts.lost if nodeid)}):
        declarations.setdefault(nodeid, None)
    waived = frozenset(decision.waived)
    for nodeid, declaration in declarations.items():
        result = facts.results.get(nodeid)
        yield {
            "nodeid": nodeid,
            "collected": declaration is not None,
            **_declared(declaration),
            "selected": declaration is None or nodeid in facts.selected,
            "waived": nodeid in waived,
            "result": _result(result) if result is not None else None,
        }


def _declared(declaration: Declaration | None) -> dict[str, Any]:
    """Return what the author declared; without a declaration a check counts as a blocker."""
    if declaration is None:
        return {
            "level": Level.BLOCKER.value,
            "declared": False,
            "categories": [],
            "owner": "",
            "runbook": "",
            "ticket": "",
            "reason": "",
            "tier": None,
            "requirement": "",
            "location": "",
            "targets": [],
            "within_seconds": None,
            "sustained_seconds": None,
        }
    described = declaration.to_dict()
    del described["nodeid"]
    for name in ("within", "sustained"):
        described[f"{name}_seconds"] = described.pop(name)
    described["tier"] = str(declaration.tier) if declaration.tier is not None else None
    return described


def _result(result: CheckResult) -> dict[str, Any]:
    """Return what became of a check."""
    described = result.to_dict()
    del described["nodeid"]
    described["started"] = _moment(result.started or None)
    described["duration_seconds"] = described.pop("duration")
    return described


def _waiver(use: WaiverUse) -> dict[str, Any]:
    """Return a waiver and what became of it."""
    waiver = use.waiver
    return {
        "check": waiver.check,
        "reason": waiver.reason,
        "owner": waiver.owner,
        "ticket": waiver.ticket,
        "expires": _moment(waiver.expires),
        "where": waiver.where,
        "state": use.state,
        "text": use.text,
    }


def _deselected(facts: RunFacts, decision: Decision) -> Iterable[dict[str, Any]]:
    """Yield every expected check that was deselected."""
    out_of_scope = frozenset(decision.out_of_scope)
    for declaration in facts.expected:
        nodeid = declaration.nodeid
        if nodeid not in facts.selected:
            yield {
                "nodeid": nodeid,
                "level": declaration.level.value,
                "by": facts.deselected_by.get(nodeid, ""),
                "out_of_scope": nodeid in out_of_scope,
            }


def _timeline(results: Iterable[CheckResult]) -> list[dict[str, Any]]:
    """Return minute by minute which checks were started and what they came to; checks without a time are left out."""
    timed = sorted((it for it in results if it.started > 0 and math.isfinite(it.started)), key=_when)
    minutes: dict[str, list[dict[str, str]]] = {}
    for result in timed:
        minute = rfc3339(result.started, "minutes")
        minutes.setdefault(minute, []).append({"nodeid": result.nodeid, "outcome": result.outcome.value})
    return [{"minute": minute, "checks": checks} for minute, checks in minutes.items()]


def _when(result: CheckResult) -> tuple[float, str]:
    """Return the key that puts results in order of time, ties by name."""
    return (result.started, result.nodeid)


def _moment(unix: float | None) -> dict[str, Any] | None:
    """Return an instant for people and for programs; None if it is unknown or no instant."""
    if unix is None or not math.isfinite(unix):
        return None
    return {"utc": rfc3339(unix, "milliseconds"), "unix": unix}


def _clean(value: Any) -> Any:
    """Return a value that is sure to be JSON in UTF-8.

    Node ids and command lines can hold undecodable bytes (as lone surrogates), measured numbers NaN: the one is
    written with backslashes, the other as null, because a record that cannot be written would be no record at all.
    """
    if isinstance(value, str):
        return str(value).encode("utf-8", "backslashreplace").decode()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {_clean(key): _clean(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_clean(item) for item in value]
    return value
