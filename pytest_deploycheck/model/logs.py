"""What a log was found to hold: counts, first offenders and times, never the log itself."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - msgspec reads the annotations of its structs

import msgspec

LEVELS = ("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL")
"""Normalised levels, the least severe first (those of OpenTelemetry's data model)."""

MINUTE = 60


def at_least(level: str) -> frozenset[str]:
    """Return a normalised level and those above it.

    Raises:
        ValueError: if it is none of `LEVELS`.
    """
    return frozenset(LEVELS[LEVELS.index(level) :])


class Offender(msgspec.Struct, frozen=True, kw_only=True):
    """A line that is not what it should be.

    Attributes:
        line: its number, counted from 1 at the beginning of what was read (of a file: of the file).
        reason: what is wrong with it.
        excerpt: its beginning.
    """

    line: int
    reason: str
    excerpt: str = ""


class Ids(msgspec.Struct, frozen=True, kw_only=True):
    """The ids of one kind.

    Attributes:
        present: how many valid lines carry one.
        malformed: how many of these are not well formed.
        offenders: the first malformed ones.
        distinct: how many different ones there are; an estimate unless `exact`.
        exact: whether all of them were kept; beyond some 65,000 a sample by hash is.
        sampled: how many different ones are in the sample that `shared` speaks of.
        shared: how many of those were logged by more than one service.
    """

    present: int
    malformed: int
    offenders: tuple[Offender, ...] = ()
    distinct: int = 0
    exact: bool = True
    sampled: int = 0
    shared: int = 0


class Signature(msgspec.Struct, frozen=True, kw_only=True):
    """Messages of errors that differ in their numbers, ids and quoted values only.

    Attributes:
        template: the message with these parts replaced.
        level: of the first line.
        count: how many lines.
        line: number of the first one.
        example: its message.
    """

    template: str
    level: str
    count: int
    line: int
    example: str


class LogSummary(msgspec.Struct, frozen=True, kw_only=True):
    """One reading of one log.

    Attributes:
        lines: within the window, blank ones not counted.
        parsed: lines that are a JSON object.
        invalid: lines that are none, or do not match the schema.
        offenders: the first of the invalid ones.
        levels: normalised level → lines.
        strange_levels: level as it was written → lines, for those that nobody knows.
        unlevelled: parsed lines without any level.
        level_lines: normalised level → the first lines of it, below INFO or above WARN.
        minutes: Unix time of the minute → level (empty for none) → lines.
        first: Unix time of the earliest line.
        last: Unix time of the latest line that is not in the future.
        timeless: parsed lines without a time that can be read.
        naive: times without an offset; they are taken as UTC.
        longest_gap: seconds between two lines that follow each other in time; 0 with fewer than two.
        gap_after: Unix time at which that gap begins.
        disordered: lines more than the tolerance older than one before them.
        disorder: the first of them.
        outside: lines whose time lies outside of the window although they stand within it.
        outsiders: the first of them.
        tolerance: seconds that clocks and writers may differ.
        ids: kind (`trace`, `correlation`) → what was found.
        signatures: of lines at ERROR or above, the most frequent first.
        unsigned: such lines beyond the number of signatures that is kept.
        services: name → Unix time of its latest line.
        skipped: lines before the window.
        skipped_last: Unix time of the latest of them.
        size: bytes that were read.
        digest: SHA-256 of these bytes; several where parts were read side by side.
        wrapping: what stood around the JSON: `none`, `compose`, `kubectl`, `cri`, …
        fields: role (`time`, `level`, …) → the key that plays it.
        notes: what a reader must know, such as an unfinished last line.
        read_at: Unix time of the reading, on the runner's clock.
        since: Unix time at which the window begins, if it does.
        until: Unix time at which it ends, if not now.
    """

    lines: int
    parsed: int
    invalid: int
    offenders: tuple[Offender, ...]
    levels: Mapping[str, int]
    strange_levels: Mapping[str, int]
    unlevelled: int
    level_lines: Mapping[str, tuple[Offender, ...]]
    minutes: Mapping[int, Mapping[str, int]]
    first: float | None
    last: float | None
    timeless: int
    naive: int
    longest_gap: float
    gap_after: float | None
    disordered: int
    disorder: tuple[Offender, ...]
    outside: int
    outsiders: tuple[Offender, ...]
    tolerance: float
    ids: Mapping[str, Ids]
    signatures: tuple[Signature, ...]
    unsigned: int
    services: Mapping[str, float]
    skipped: int
    skipped_last: float | None
    size: int
    digest: tuple[str, ...]
    wrapping: str
    fields: Mapping[str, str]
    notes: tuple[str, ...]
    read_at: float
    since: float | None
    until: float | None

    @property
    def levelled(self) -> int:
        """Lines with a level that is known."""
        return sum(self.levels.values())

    @property
    def timed(self) -> int:
        """Lines with a time."""
        return self.parsed - self.timeless

    def at_or_above(self, level: str) -> int:
        """Return the number of lines at a level or above it."""
        return sum(self.levels.get(one, 0) for one in at_least(level))
