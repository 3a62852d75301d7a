"""What a check that waited tells: its reports carry how it went, and the evidence of earlier attempts is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_deploycheck.model.outcome import Outcome
from pytest_deploycheck.session.outcomes import Classified

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pytest

    from pytest_deploycheck.session.attempt import Aside
    from pytest_deploycheck.waits.waiting import Done

SECTION = "deploycheck: waiting"
PROPERTY = "deploycheck_wait"
"""The name under which JUnit XML shows how a check waited."""

_MOST = 8_000_000
"""Characters of bodies that an xdist worker holds back; a report takes them along sooner in all but idle runs."""


class Backlog:
    """Evidence of attempts whose reports are never sent: in an xdist worker it travels with the next report.

    Attributes:
        dropped: how many bodies could not be held back; the exchanges and the bodies' digests are still told.
    """

    def __init__(self) -> None:
        """Start empty."""
        self._entries: list[dict[str, Any]] = []
        self._size = 0
        self.dropped = 0

    def add(self, nodeid: str, payload: dict[str, Any]) -> None:
        """Hold back what one phase observed."""
        bodies = payload["bodies"]
        size = sum(len(str(body)) for body in bodies.values())
        if self._size + size > _MOST:
            self.dropped += len(bodies)
            bodies, size = {}, 0
        self._size += size
        self._entries.append({**evidence_of(payload), "nodeid": nodeid, "bodies": bodies})

    def take(self) -> list[dict[str, Any]]:
        """Return everything, as builtins, and forget it."""
        entries, self._entries, self._size = self._entries, [], 0
        return entries


def evidence_of(payload: dict[str, Any]) -> dict[str, Any]:
    """Return the part of a payload that is evidence."""
    return {key: payload[key] for key in ("phase", "worker", "exchanges", "bodies")}


def strip(payload: dict[str, Any]) -> None:
    """Take the evidence out of a payload that has been kept elsewhere; its ids stay."""
    payload["exchanges"], payload["bodies"] = [], {}


def ids_of(reports: Sequence[pytest.TestReport]) -> list[str]:
    """Return the ids of what an attempt observed."""
    return [identity for it in reports for identity in getattr(it, "deploycheck", {"ids": ()})["ids"]]


def tell(
    reports: Sequence[pytest.TestReport],
    aside: Aside,
    done: Done,
    describe: Callable[[pytest.TestReport, Classified], None],
) -> None:
    """Make the reports of the attempt that counts say how the check waited, and what it came to because of that.

    Args:
        reports: of setup, call (if it came to that) and teardown, stamped.
        aside: the check that waited.
        done: what it came to.
        describe: masks a report, and turns a warning's failure into one that does not gate.
    """
    stamped = [report for report in reports if hasattr(report, "deploycheck")]
    if not stamped:
        return
    waiting = aside.waiting
    story = waiting.story()
    first: dict[str, Any] = stamped[0].deploycheck
    first["ids"] = list(dict.fromkeys([*aside.seen, *first["ids"]]))
    deciding = next((report for report in reversed(stamped) if report.when == "call"), stamped[0])
    if done.outcome is not None:
        for report in stamped:  # of a check with subtests each one that did not pass
            if report is deciding or (report.when == "call" and not _fine(report)):
                _override(report, done)
    for report in stamped:
        payload: dict[str, Any] = report.deploycheck
        payload["wait"] = {"attempts": waiting.attempts, "story": story}
        report.user_properties.append((PROPERTY, story[0]))
    deciding = next((report for report in stamped if not _fine(report)), deciding)
    payload = deciding.deploycheck
    outcome = Outcome(payload["outcome"])
    if outcome in (Outcome.PASSED, Outcome.NOT_RUN):
        return
    deciding.sections.append((SECTION, "\n".join(story)))
    payload["text"] = f"{payload['text']}\n\n" + "\n".join(story)
    if done.outcome is None and waiting.attempts > 1:
        when = "at attempt {}" if waiting.sustaining else "still so after {} attempts"
        payload["summary"] = f"{payload['summary']} ({when.format(waiting.attempts)}, {waiting.terms})"
    describe(deciding, Classified(outcome, payload["summary"]))


def _fine(report: pytest.TestReport) -> bool:
    return report.deploycheck["outcome"] in (Outcome.PASSED.value, Outcome.NOT_RUN.value)


def _override(report: pytest.TestReport, done: Done) -> None:
    if done.outcome is None:
        return
    payload: dict[str, Any] = report.deploycheck
    payload["outcome"], payload["summary"] = done.outcome.value, done.summary
    if hasattr(report, "wasxfail"):
        del report.wasxfail
    if done.outcome is Outcome.PASSED:
        report.outcome, report.longrepr = "passed", None
        payload["text"] = ""
        return
    if report.passed:
        report.longrepr = done.summary
    report.outcome = "failed"
