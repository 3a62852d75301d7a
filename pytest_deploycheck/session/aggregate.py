"""Puts the phases' payloads together into one result a check: the last attempt counts, a flake is kept as such."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from pytest_deploycheck.model.declaration import CheckResult, Declaration
from pytest_deploycheck.model.measure import Measure
from pytest_deploycheck.model.outcome import Outcome
from pytest_deploycheck.session.outcomes import WORST_FIRST, worst

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(slots=True)
class _Attempt:
    payloads: list[dict[str, Any]] = field(default_factory=list)


class Aggregate:
    """Collects payloads by check. Reports of one check arrive in order, those of different checks interleaved."""

    def __init__(self) -> None:
        """Start empty."""
        self._attempts: dict[str, list[_Attempt]] = {}
        self.declarations: dict[str, Declaration] = {}
        self._settled: dict[str, CheckResult] = {}

    def add(self, nodeid: str, payload: dict[str, Any]) -> None:
        """Take one phase's payload; another setup of the same check begins another attempt.

        Args:
            nodeid: the check.
            payload: of `payload.pack`, without bodies and exchanges, with `ids` of the latter.
        """
        self.declarations.setdefault(nodeid, Declaration.from_dict(payload["declaration"]))
        attempts = self._attempts.setdefault(nodeid, [])
        if not attempts or payload["phase"] == "setup":
            attempts.append(_Attempt())
        attempts[-1].payloads.append(payload)

    def results(self) -> dict[str, CheckResult]:
        """Return one result a check, by node id."""
        return {**self._settled, **{nodeid: self._result(nodeid, it) for nodeid, it in self._attempts.items()}}

    def settle(self, results: Iterable[CheckResult], when: str) -> None:
        """Take what checks came to at one of several times: the worst counts, and of what is as bad the first.

        Args:
            results: of that time.
            when: what the summaries call it.
        """
        for result in results:
            known = self._settled.get(result.nodeid)
            worse = -1 if known is None else WORST_FIRST.index(known.outcome) - WORST_FIRST.index(result.outcome)
            if known is None or worse > 0 or (worse == 0 and result.outcome is Outcome.PASSED):
                summary = f"at {when}: {result.summary}" if result.outcome is not Outcome.PASSED else result.summary
                self._settled[result.nodeid] = msgspec.structs.replace(result, summary=summary)

    def _result(self, nodeid: str, attempts: list[_Attempt]) -> CheckResult:
        last = attempts[-1].payloads
        outcomes = [Outcome(payload["outcome"]) for payload in last]
        outcome = worst(outcomes)
        deciding = next(payload for payload in last if payload["outcome"] == outcome.value)
        summary, phase = deciding["summary"], deciding["phase"]
        phases = {payload["phase"] for payload in last}
        if outcome is Outcome.PASSED and "call" not in phases:
            outcome, summary, phase = (
                Outcome.NOT_RUN,
                "only its fixtures were set up, the check itself did not run",
                "setup",
            )
        elif outcome is Outcome.PASSED and "teardown" not in phases:
            outcome, summary, phase = Outcome.NOT_RUN, "the run ended before the check did", "teardown"
        earlier = [worst(Outcome(p["outcome"]) for p in attempt.payloads) for attempt in attempts[:-1]]
        evidence = [identity for payload in last for identity in (*payload["ids"], *payload["borrowed"])]
        waits = [payload["wait"] for payload in last if "wait" in payload]
        return CheckResult(
            nodeid=nodeid,
            outcome=outcome,
            summary=summary,
            text="\n\n".join(payload["text"] for payload in sorted(last, key=_severity) if payload["text"]),
            phase=phase,
            started=min(payload["started"] for payload in last),
            duration=sum(payload["duration"] for payload in last),
            attempts=waits[-1]["attempts"] if waits else len(attempts),
            wait=tuple(waits[-1]["story"]) if waits else (),
            flaky=outcome is Outcome.PASSED and any(found is not Outcome.PASSED for found in earlier),
            evidence=tuple(dict.fromkeys(evidence)),
            worker=last[-1]["worker"],
            measures=tuple(Measure(**measure) for payload in last for measure in payload.get("measures", ())),
        )


def _severity(payload: dict[str, Any]) -> int:
    return WORST_FIRST.index(Outcome(payload["outcome"]))
