"""Reads lines into a tally: whole columns at once where lines are alike, one by one where they are not.

Both ways come to the same counts; the slow one is the meaning, the fast one only takes what it is sure of.
"""

from __future__ import annotations

from collections import Counter
from functools import partial
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import msgspec

from pytest_deploycheck.clients.logs.columns import is_utf8, names_of, reader_of, text_of
from pytest_deploycheck.clients.logs.ids import PROVEN
from pytest_deploycheck.clients.logs.levels import LEVEL_NAMES, normalise
from pytest_deploycheck.clients.logs.single import SingleLines
from pytest_deploycheck.clients.logs.tally import ALARMING, EXCERPT, FIRST, SHORTEST_GAP, SHOWN_LEVELS
from pytest_deploycheck.clients.logs.times import Column, Minutes, column, spelt_alike
from pytest_deploycheck.model.logs import Signature

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_deploycheck.clients.logs.batch import Batch
    from pytest_deploycheck.clients.logs.contract import Contract
    from pytest_deploycheck.clients.logs.roles import Roles
    from pytest_deploycheck.clients.logs.window import Stream, Window

_FEW = 8
"""Lines of which halves are not tried any more."""
_STRAIGHT = 8

_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


class _Span(msgspec.Struct, frozen=True):
    """The times of one writer's lines.

    Attributes:
        stream: where its reading stands.
        low: the earliest.
        high: the latest.
        sorted: whether they stand in order.
    """

    stream: Stream
    low: float
    high: float
    sorted: bool


class Scan(SingleLines):
    """One reading.

    Args:
        contract: what every line must be.
        roles: which key plays which role.
        window: the time that is looked at.
        number: how many lines stand before the first one.
        begun: whether the window has begun before it.

    Attributes:
        tally: what was counted so far.
    """

    def __init__(
        self, contract: Contract, roles: Roles, window: Window, *, number: int = 0, begun: bool = False
    ) -> None:
        """Begin."""
        super().__init__(contract, roles, window, begun=begun)
        self._number = number
        self._minutes = Minutes()
        self._level_of: dict[Any, str] = dict(LEVEL_NAMES)
        self._foreign: set[Any] = {name for name, level in LEVEL_NAMES.items() if name != level}
        self._level_key = roles.keys["level"][0] if len(roles.keys["level"]) == 1 else None
        self._quick = contract.decode if contract.places.get("time") and contract.places.get("level") else None
        self._columns = {role: reader_of(places) for role, places in contract.places.items() if places}
        message = self._columns.pop("message", None)
        self._message_of = message if message is not None else lambda rows, _: [None] * len(rows)
        self._proven = {
            kind
            for kind, patterns in PROVEN.items()
            for places in [contract.places.get(kind, ())]
            if len(places) == 1 and contract.strict.get(places[0].attribute) in patterns
        }
        self._straight = 0  # batches that are not tried as columns, because none of the last one was

    @property
    def number(self) -> int:
        """How many lines stand before the next one."""
        return self._number

    def feed(self, batch: Batch) -> None:
        """Read some lines."""
        first = self._number + 1
        self._number += len(batch.lines)
        if self.ended or not batch.lines:
            return
        if self._quick is None or batch.too_long or self._straight:
            self._straight = max(0, self._straight - 1)
            self.one_by_one(batch, 0, len(batch.lines), first)
        elif not self._tried(batch, 0, len(batch.lines), first):
            self._straight = _STRAIGHT

    def _tried(self, batch: Batch, begin: int, end: int, first: int) -> bool:
        """Read lines as columns where possible, in halves where not; return whether any were."""
        if self._in_columns(batch, begin, end, first + begin):
            return True
        if end - begin <= _FEW:
            self.one_by_one(batch, begin, end, first)
            return False
        middle = (begin + end) // 2
        return self._tried(batch, begin, middle, first) | self._tried(batch, middle, end, first)

    # --- whole columns ------------------------------------------------------------------------------------------------

    def _in_columns(  # noqa: C901, PLR0911 - each is a reason to look more closely
        self, batch: Batch, begin: int, end: int, first: int
    ) -> bool:
        """Read lines as columns; False if they need a closer look: nothing of them was counted then."""
        lines = batch.lines[begin:end]
        if self.ended or self._quick is None or not (batch.ascii or is_utf8(lines)):
            return False
        tally = self.tally
        try:
            rows = list(map(self._quick, lines))
        except _UNREADABLE:
            return False
        taken: dict[str, list[Any]] = {}
        for name, check in self._contract.checks:
            if name not in taken:
                taken[name] = list(map(attrgetter(name), rows))
            if check(taken[name]):
                return False
        if not self._contract.holds(lines, ascii_only=batch.ascii):
            return False
        values = {role: column_of(rows, taken) for role, column_of in self._columns.items()}
        told = batch.times[begin:end] if batch.times is not None else None
        times = self._times(values["time"], told)
        levels = self._levels(values["level"])
        if times is None or levels is None:
            return False
        writers = batch.services[begin:end] if batch.services is not None else None
        entered = self._enter(self._spans(times, writers))
        if entered is None:
            return False
        low, high = times.at(times.ordered[0]), times.at(times.ordered[-1])
        if not entered:
            tally.skipped += len(lines)
            tally.skipped_last = max(high, tally.skipped_last or high)
            return True
        present = self._count(times, levels, low, high)
        services = names_of(values.get("service"), writers)
        if services is not None:
            self._hear(services, times)
        for kind, ids in tally.ids.items():
            if kind in values:
                bit_of = partial(self._bit_at, services)
                ids.column(values[kind], bit_of, first, proven=kind in self._proven)
        self._alarms(levels, present, rows, lines, first)
        return True

    def _levels(self, values: list[Any]) -> list[str] | None:
        """Return the normalised levels; None if one of them is not known."""
        known = self._level_of
        try:
            distinct = set(values)
        except TypeError:  # a list or an object
            return None
        for value in distinct.difference(known):
            # A number's meaning depends on its key, and True is 1 to a dict.
            if not isinstance(value, str) and (self._level_key is None or isinstance(value, bool)):
                return None
            level = normalise(value, self._level_key or "")
            if level is None:
                return None
            known[value] = level
            if value != level:
                self._foreign.add(value)
        if self._foreign.isdisjoint(distinct):
            return values  # all of them are normalised already
        return [known[value] for value in values]

    def _times(self, values: list[Any], told: Sequence[float | bytes | str | None] | None) -> Column | None:
        """Return the times that the lines tell, or if none of them does, those that their wrapping tells."""
        if told is not None and values.count(None) == len(values):
            texts = spelt_alike(told)
            return None if texts is None else column(texts, self._minutes)
        return column(values, self._minutes)

    def _spans(self, times: Column, writers: Sequence[str | None] | None) -> list[_Span]:
        """Return for each writer from when to when its lines are, and whether they are in order."""
        distinct = {None} if writers is None else set(writers)
        if len(distinct) == 1:
            (name,) = distinct
            low, high = times.at(times.ordered[0]), times.at(times.ordered[-1])
            return [_Span(self._stream(name), low, high, times.sorted)]
        assert writers is not None  # noqa: S101 - for the type checker: there are several
        own: dict[str | None, list[Any]] = {name: [] for name in distinct}
        for name, text in zip(writers, times.texts, strict=True):
            own[name].append(text)
        spans = []
        for name, texts in own.items():
            ordered = texts if times.sorted else sorted(texts)
            spans.append(
                _Span(self._stream(name), times.at(ordered[0]), times.at(ordered[-1]), times.sorted or ordered == texts)
            )
        return spans

    def _enter(self, spans: list[_Span]) -> bool | None:
        """Go on in each writer's stream.

        Returns:
            Whether the lines stand in the window; None if they need a closer look: nothing has changed then.
        """
        since = self._window.since
        if not all(self._is_calm(span) for span in spans):
            return None
        early = [not span.stream.started and since is not None and span.high < since for span in spans]
        if any(early):
            return False if all(early) else None
        for span in spans:
            highest = span.stream.highest
            span.stream.started = True
            span.stream.highest = span.high if highest is None else max(highest, span.high)
        return True

    def _is_calm(self, span: _Span) -> bool:
        """Return whether nothing about these times needs a closer look: no disorder, none outside of the window."""
        window, highest, started = self._window, span.stream.highest, span.stream.started
        low, high = span.low, span.high
        if span.stream.ended:
            return False
        if high > window.now + window.tolerance or (window.until is not None and high >= window.until):
            return False
        if started and window.since is not None and low < window.since - window.tolerance:
            return False
        if not started and window.since is not None and low < window.since <= high:
            return False  # the window begins within
        if highest is not None and started and low < highest - window.tolerance:
            return False
        return high - low <= window.tolerance or span.sorted

    def _count(self, times: Column, levels: list[str], low: float, high: float) -> Counter[str]:
        """Count lines by minute and level, and return the latter."""
        tally, amount = self.tally, len(levels)
        tally.lines += amount
        tally.parsed += amount
        tally.naive += amount if times.naive else 0
        whole = Counter(levels)
        for level, count in whole.items():
            tally.level(level, count)
        if len(times.spans) == 1:
            for level, count in whole.items():
                tally.minute(times.spans[0][0], level, count)
        else:
            in_order = levels if times.sorted else [levels[at] for at in times.order]
            for minute, begin, end in times.spans:
                for level, count in Counter(in_order[begin:end]).items():
                    tally.minute(minute, level, count)
        floor = max(tally.gap, SHORTEST_GAP)
        if high - low > floor and (gap := times.longest_gap(floor)) is not None:
            tally.gap, tally.gap_after = gap
        tally.spread(low, high)
        return whole

    def _hear(self, services: Sequence[str | None], times: Column) -> None:
        """Note when each service was last heard of."""
        ordered = services if times.sorted else [services[at] for at in times.order]
        backwards = ordered[::-1]
        for name in set(services):
            if name:
                self.tally.service(name, times.at(times.ordered[-1 - backwards.index(name)]))

    def _bit_at(self, services: Sequence[str | None] | None, at: int) -> int:
        return self.tally.bit(services[at] if services is not None else None)

    def _alarms(
        self, levels: list[str], present: Counter[str], rows: list[Any], lines: list[bytes], first: int
    ) -> None:
        """Count the messages of errors, keep the first lines of unusual levels."""
        tally = self.tally
        for level in SHOWN_LEVELS.intersection(present):
            kept = tally.level_lines.setdefault(level, [])
            if len(kept) < FIRST:
                for at, one in enumerate(levels):
                    if one == level:
                        tally.offend(kept, first + at, level, lines[at])
        if not ALARMING.intersection(present):
            return
        found = [at for at, level in enumerate(levels) if level in ALARMING]
        messages = self._message_of([rows[at] for at in found], {})
        texts = [text_of(message, lines[at]) for message, at in zip(messages, found, strict=True)]
        templates = list(map(tally.templates.of, texts))
        for template, count in Counter(templates).items():
            at = templates.index(template)
            tally.alarm(
                Signature(
                    template=template,
                    level=levels[found[at]],
                    count=count,
                    line=first + found[at],
                    example=texts[at][:EXCERPT],
                )
            )
