"""What is counted while lines stream by; two tallies of neighbouring parts of a log add up."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from msgspec.structs import replace

from pytest_deploycheck.clients.logs.ids import KINDS, IdTally
from pytest_deploycheck.clients.logs.signature import Signatures
from pytest_deploycheck.model.logs import LEVELS, MINUTE, Ids, LogSummary, Offender, Signature, at_least

if TYPE_CHECKING:
    from collections.abc import Mapping

FIRST = 10
"""Offenders that are kept of each kind."""
SIGNATURES = 500
STRANGE = 50
SERVICES = 1000
MINUTES = 100_000
"""Minutes that are kept apart; a log of more than two months is judged as a whole only."""
EXCERPT = 300
SHORTEST_GAP = 1.0
"""Seconds; shorter gaps between lines are not told."""
ALARMING = at_least("ERROR")
SHOWN_LEVELS = frozenset({"TRACE", "DEBUG", *ALARMING})


class Tally:
    """Counts of one reading, or of one part of it."""

    def __init__(self) -> None:
        """Have counted nothing."""
        self.lines = self.parsed = self.invalid = 0
        self.offenders: list[Offender] = []
        self.levels: dict[str, int] = {}
        self.strange: dict[str, int] = {}
        self.unlevelled = 0
        self.level_lines: dict[str, list[Offender]] = {}
        self.minutes: dict[int, dict[str, int]] = {}
        self.minutes_lost = False
        self.first: float | None = None
        self.last: float | None = None
        self.several = False  # whether the lines of several writers come one after the other
        self.timeless = self.naive = 0
        self.gap = 0.0
        self.gap_after: float | None = None
        self.disordered = self.outside = 0
        self.disorder: list[Offender] = []
        self.outsiders: list[Offender] = []
        self.ids = {kind: IdTally(kind) for kind in KINDS}
        self.signatures: dict[str, Signature] = {}
        self.unsigned = 0
        self.services: dict[str, float] = {}
        self.bits: dict[str, int] = {}
        self.skipped = 0
        self.skipped_last: float | None = None
        self.templates = Signatures()

    # --- adding -------------------------------------------------------------------------------------------------------

    def offend(self, kept: list[Offender], number: int, reason: str, line: bytes) -> None:
        """Keep an offender if it is among the first."""
        if len(kept) < FIRST:
            kept.append(Offender(line=number, reason=reason, excerpt=line[:EXCERPT].decode("utf-8", "replace")))

    def level(self, level: str, amount: int = 1) -> None:
        """Count lines of a normalised level."""
        self.levels[level] = self.levels.get(level, 0) + amount

    def strange_level(self, text: str, amount: int = 1) -> None:
        """Count lines of a level that nobody knows."""
        if text not in self.strange and len(self.strange) >= STRANGE:
            text = "…"
        self.strange[text] = self.strange.get(text, 0) + amount

    def minute(self, minute: int, level: str, amount: int = 1) -> None:
        """Count lines of a minute."""
        found = self.minutes.get(minute)
        if found is None:
            if len(self.minutes) >= MINUTES:
                self.minutes_lost = True
                return
            found = self.minutes[minute] = {}
        found[level] = found.get(level, 0) + amount

    def spread(self, first: float, last: float) -> None:
        """Note the earliest and latest time of some lines, and the gap before them."""
        if self.last is not None and first - self.last > max(self.gap, SHORTEST_GAP):
            self.gap, self.gap_after = first - self.last, self.last
        self.first = first if self.first is None else min(self.first, first)
        self.last = last if self.last is None else max(self.last, last)

    def longest_gap(self) -> tuple[float, float | None]:
        """Return the longest time without a line, and the Unix time at which it begins.

        Of lines that come writer by writer, only their minutes tell; the gap is then told no longer than it was.
        """
        if not self.several:
            return self.gap, self.gap_after
        longest, after = 0.0, None
        for earlier, later in pairwise(sorted(self.minutes)):
            if later - earlier - MINUTE > longest:
                longest, after = float(later - earlier - MINUTE), float(earlier + MINUTE)
        return longest, after

    def bit(self, service: str | None) -> int:
        """Return the bit that stands for a service in the ids' tallies; 0 for none."""
        if not service:
            return 0
        found = self.bits.get(service)
        if found is None:
            # Beyond so many services, the others share a bit: fewer ids then look shared, never more.
            found = self.bits[service] = 1 << min(len(self.bits), SERVICES)
        return found

    def service(self, name: str, at: float) -> None:
        """Note when a service was last heard of."""
        if name in self.services:
            self.services[name] = max(self.services[name], at)
        elif len(self.services) < SERVICES:
            self.services[name] = at

    def alarm(self, one: Signature) -> None:
        """Count messages at ERROR or above under their template."""
        known = self.signatures.get(one.template)
        if known is not None:
            self.signatures[one.template] = replace(known, count=known.count + one.count)
        elif len(self.signatures) < SIGNATURES:
            self.signatures[one.template] = one
        else:
            self.unsigned += one.count

    # --- adding up ----------------------------------------------------------------------------------------------------

    def move(self, lines: int) -> None:
        """Let the lines that were counted stand behind so many others."""
        if lines == 0:
            return
        kept = (self.offenders, self.disorder, self.outsiders, *self.level_lines.values())
        for offenders in (*kept, *(ids.offenders for ids in self.ids.values())):
            offenders[:] = [replace(one, line=one.line + lines) for one in offenders]
        self.signatures = {name: replace(one, line=one.line + lines) for name, one in self.signatures.items()}

    def merge(self, later: Tally, tolerance: float) -> None:
        """Add the tally of the lines that follow.

        Args:
            later: theirs.
            tolerance: seconds that times may go back.
        """
        if self.last is not None and later.first is not None and later.first < self.last - tolerance:
            self.disordered += 1  # at least; within each part they were counted
        for name in (
            "lines",
            "parsed",
            "invalid",
            "unlevelled",
            "timeless",
            "naive",
            "disordered",
            "outside",
            "unsigned",
        ):
            setattr(self, name, getattr(self, name) + getattr(later, name))
        self.skipped += later.skipped
        self.skipped_last = max((at for at in (self.skipped_last, later.skipped_last) if at is not None), default=None)
        _extend(self.offenders, later.offenders)
        _extend(self.disorder, later.disorder)
        _extend(self.outsiders, later.outsiders)
        for level, lines in later.level_lines.items():
            _extend(self.level_lines.setdefault(level, []), lines)
        self._merge_counts(later)
        if later.gap > self.gap:
            self.gap, self.gap_after = later.gap, later.gap_after
        if later.first is not None and later.last is not None:
            self.spread(later.first, later.last)
        renamed = [self.bit(name) for name in later.bits]
        for kind, ids in self.ids.items():
            ids.merge(later.ids[kind], renamed)
        for name, at in later.services.items():
            self.service(name, at)
        for one in later.signatures.values():
            self.alarm(one)

    def _merge_counts(self, later: Tally) -> None:
        for level, amount in later.levels.items():
            self.level(level, amount)
        for text, amount in later.strange.items():
            self.strange_level(text, amount)
        for minute, levels in later.minutes.items():
            for level, amount in levels.items():
                self.minute(minute, level, amount)
        self.minutes_lost |= later.minutes_lost
        self.several |= later.several

    def summary(  # noqa: PLR0913 - what only the reader knows, all by keyword
        self,
        *,
        size: int,
        digest: tuple[str, ...],
        wrapping: str,
        fields: Mapping[str, str],
        notes: tuple[str, ...],
        read_at: float,
        since: float | None,
        until: float | None,
        tolerance: float,
    ) -> LogSummary:
        """Return the result."""
        if self.minutes_lost:
            notes = (*notes, f"only the first {MINUTES:,} minutes are counted one by one")
        if self.naive:
            notes = (*notes, "times without an offset are taken as UTC")
        gap, gap_after = self.longest_gap()
        ids: dict[str, Ids] = {kind: tally.found() for kind, tally in self.ids.items()}
        return LogSummary(
            lines=self.lines,
            parsed=self.parsed,
            invalid=self.invalid,
            offenders=tuple(self.offenders),
            levels={level: self.levels[level] for level in LEVELS if level in self.levels},
            strange_levels=dict(self.strange),
            unlevelled=self.unlevelled,
            level_lines={level: tuple(lines) for level, lines in self.level_lines.items()},
            minutes={minute: self.minutes[minute] for minute in sorted(self.minutes)},
            first=self.first,
            last=self.last,
            timeless=self.timeless,
            naive=self.naive,
            longest_gap=gap,
            gap_after=gap_after,
            disordered=self.disordered,
            disorder=tuple(self.disorder),
            outside=self.outside,
            outsiders=tuple(self.outsiders),
            tolerance=tolerance,
            ids=ids,
            signatures=tuple(sorted(self.signatures.values(), key=lambda one: (-one.count, one.template))),
            unsigned=self.unsigned,
            services=dict(self.services),
            skipped=self.skipped,
            skipped_last=self.skipped_last,
            size=size,
            digest=digest,
            wrapping=wrapping,
            fields=fields,
            notes=notes,
            read_at=read_at,
            since=since,
            until=until,
        )


def _extend(mine: list[Offender], theirs: list[Offender]) -> None:
    mine += theirs[: FIRST - len(mine)]
