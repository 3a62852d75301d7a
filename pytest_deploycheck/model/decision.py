"""What was decided about a run, and the waivers that took part in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

import msgspec

from pytest_deploycheck.model.outcome import Outcome, Recommendation, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

EXIT_CODES: Final[Mapping[Verdict, int]] = {Verdict.GO: 0, Verdict.NO_GO: 1, Verdict.HOLD: 6}
"""The exit code of each verdict; 6 because pytest itself uses 0 to 5."""

WaiverState = Literal["applied", "expired", "unused", "refused"]


class Waiver(msgspec.Struct, frozen=True, kw_only=True):
    """A reviewed decision to release although one check does not pass.

    Attributes:
        check: the exact node id.
        reason: why it is acceptable.
        owner: who answers for it.
        ticket: where it is tracked.
        expires: the first instant at which it no longer applies, in Unix seconds.
        expires_text: as written in the file, such as `2026-12-31`.
        where: `file:line`.
    """

    check: str
    reason: str
    owner: str
    ticket: str
    expires: float
    expires_text: str
    where: str = ""


class Waivers(msgspec.Struct, frozen=True, kw_only=True):
    """All waivers of a file, at most one a check, in file order.

    Attributes:
        entries: the waivers.
        source: the file's name; empty if there is none.
    """

    entries: tuple[Waiver, ...] = ()
    source: str = ""


class WaiverUse(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one waiver.

    Attributes:
        waiver: the waiver.
        state: `applied`; `expired`; `unused` (nothing to waive); `refused` (the check was deselected, lost or never
            reported: there is no result that somebody could have accepted).
        text: one sentence a person reads.
    """

    waiver: Waiver
    state: WaiverState
    text: str


class Reason(msgspec.Struct, frozen=True, kw_only=True):
    """Why a run is not GO, or would not be without a waiver.

    Attributes:
        nodeid: the check; empty if the reason concerns the whole run.
        outcome: what the check came to, or the nearest outcome for a reason of the whole run.
        text: one line.
        waived: whether a waiver takes its weight away.
    """

    nodeid: str
    outcome: Outcome
    text: str
    waived: bool = False


class Warned(msgspec.Struct, frozen=True, kw_only=True):
    """A `warning` check that did not pass and does not gate."""

    nodeid: str
    outcome: Outcome
    text: str
    waived: bool = False


class Coverage(msgspec.Struct, frozen=True, kw_only=True):
    """How many of the expected blockers were covered. Lost and undeclared checks count as blockers.

    Attributes:
        expected: collected before anything was deselected.
        out_of_scope: deselected under a declared scope.
        ran: reported a result.
        passed: of those that ran.
        waived: did not pass, and are waived.
    """

    expected: int = 0
    out_of_scope: int = 0
    ran: int = 0
    passed: int = 0
    waived: int = 0

    def __str__(self) -> str:
        """Return it in words, such as `11 of 12 blockers passed, 1 waived`."""
        in_scope = self.expected - self.out_of_scope
        text = f"{self.passed} of {in_scope} blocker{'' if in_scope == 1 else 's'}"
        text += " in scope passed" if self.out_of_scope else " passed"
        if self.waived:
            text += f", {self.waived} waived"
        if self.out_of_scope:
            text += f"; {self.out_of_scope} out of scope"
        return text


class TargetStanding(msgspec.Struct, frozen=True, kw_only=True):
    """How one cluster or region stands.

    Attributes:
        name: in the configuration.
        chosen: False if the run was narrowed to others.
        coverage: of the blockers that are about it.
        failed: how many of these failed, and are not waived.
    """

    name: str
    chosen: bool
    coverage: Coverage
    failed: int = 0

    @property
    def looked_at(self) -> bool:
        """Whether any blocker was about it and in scope."""
        return self.chosen and self.coverage.expected > self.coverage.out_of_scope

    def __str__(self) -> str:
        """Return it in words, such as `eu: 11 of 12 blockers passed, 1 failed`."""
        if self.looked_at:
            return f"{self.name}: {self.coverage}{f', {self.failed} failed' if self.failed else ''}"
        count = self.coverage.expected
        blockers = f"{count} blocker{'' if count == 1 else 's'}" if count else "no blocker is about it"
        return f"{self.name}: not looked at ({blockers})"


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """The verdict of a run with everything that led to it.

    Attributes:
        verdict: the answer.
        why: the answer's reason in one sentence.
        reasons: worst first (FAILED, ERROR, INCONCLUSIVE, NOT_RUN), the waived ones after all others.
        warned: `warning` checks that did not pass, worst first; under strict they are among the reasons instead.
        waivers: what became of each waiver, in file order.
        out_of_scope: node ids of blockers that the declared scope leaves out.
        counts: by level (`blocker`, `warning`), then by outcome; every level and outcome is present.
        coverage: of the expected blockers.
        recommendation: what to do with the release now.
        recommendation_reasons: one sentence each.
        notes: what a reader should know beside the reasons.
        scope: the declared scope, or None.
        only: the targets that the run was narrowed to; empty if it was not.
        targets: how each target of the environment stands.
    """

    verdict: Verdict
    why: str
    reasons: tuple[Reason, ...] = ()
    warned: tuple[Warned, ...] = ()
    waivers: tuple[WaiverUse, ...] = ()
    out_of_scope: tuple[str, ...] = ()
    counts: Mapping[str, Mapping[str, int]] = msgspec.field(default_factory=dict)
    coverage: Coverage = msgspec.field(default_factory=Coverage)
    recommendation: Recommendation = Recommendation.HOLD
    recommendation_reasons: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    scope: str | None = None
    only: tuple[str, ...] = ()
    targets: tuple[TargetStanding, ...] = ()

    @property
    def exit_code(self) -> int:
        """The exit code that the verdict means."""
        return EXIT_CODES[self.verdict]

    @property
    def declared(self) -> str | None:
        """All that the verdict is limited to by declaration, such as `target eu; smoke only`; None if nothing."""
        return "; ".join(filter(None, [_targets(self.only), self.scope])) or None

    @property
    def line(self) -> str:
        """The verdict as it must be quoted: what it does not speak of belongs to it."""
        limits = [f'scope "{self.scope}"'] if self.scope else []
        if unseen := [_unseen(it) for it in self.targets if not it.looked_at]:
            limits.append(f"not looked at: {', '.join(unseen)}")
        only = f" for {_targets(self.only)}" if self.only else ""
        return f"{self.verdict.value}{only}" + (f" ({'; '.join(limits)})" if limits else "")

    @property
    def waived(self) -> tuple[str, ...]:
        """Node ids of the checks that did not pass and are waived, worst first; blockers before warnings."""
        blockers = tuple(reason.nodeid for reason in self.reasons if reason.waived)
        return blockers + tuple(warned.nodeid for warned in self.warned if warned.waived)


def _targets(names: tuple[str, ...]) -> str:
    return f"target{'' if len(names) == 1 else 's'} {', '.join(names)}" if names else ""


def _unseen(target: TargetStanding) -> str:
    count = target.coverage.expected
    return f"{target.name} with {count} blocker{'' if count == 1 else 's'}" if count else target.name
