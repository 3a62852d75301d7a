"""Reads lines into a tally: whole columns at once where lines are alike, one by one where they are not.

Both ways come to the same counts; the slow one is the meaning, the fast one only takes what it is sure of.
"""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from pytest_deploycheck.clients.logs.columns import is_utf8, name_of, reader_of, text_of
from pytest_deploycheck.clients.logs.ids import PROVEN
from pytest_deploycheck.clients.logs.json_line import parse
from pytest_deploycheck.clients.logs.levels import LEVEL_NAMES, normalise
from pytest_deploycheck.clients.logs.tally import ALARMING, EXCERPT, FIRST, SHORTEST_GAP, SHOWN_LEVELS, Tally
from pytest_deploycheck.clients.logs.times import Column, Minutes, Moment, column, parse_time
from pytest_deploycheck.clients.logs.unwrap import without_colours
from pytest_deploycheck.clients.logs.window import Stream
from pytest_deploycheck.model.logs import MINUTE, Signature

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_deploycheck.clients.logs.batch import Batch
    from pytest_deploycheck.clients.logs.contract import Contract
    from pytest_deploycheck.clients.logs.roles import Roles
    from pytest_deploycheck.clients.logs.window import Window

_FEW = 8
"""Lines of which halves are not tried any more."""
_STRAIGHT = 8

_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


class Scan:
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
        self.tally = Tally()
        self._contract = contract
        self._roles = roles
        self._window = window
        self._number = number
        self._main = Stream(begun or window.since is None)
        self._streams: dict[str, Stream] = {}  # of logs of several writers, which come one after the other
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
    def ended(self) -> bool:
        """Whether nothing else needs to be read."""
        return self._main.ended

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
        simple = batch.times is None and batch.services is None and not batch.too_long
        if self._quick is None or not simple or self._straight:
            self._straight = max(0, self._straight - 1)
            self._one_by_one(batch, 0, len(batch.lines), first)
        elif not self._tried(batch, 0, len(batch.lines), first):
            self._straight = _STRAIGHT

    def _tried(self, batch: Batch, begin: int, end: int, first: int) -> bool:
        """Read lines as columns where possible, in halves where not; return whether any were."""
        if self._in_columns(batch.lines[begin:end], first + begin, ascii_only=batch.ascii):
            return True
        if end - begin <= _FEW:
            self._one_by_one(batch, begin, end, first)
            return False
        middle = (begin + end) // 2
        return self._tried(batch, begin, middle, first) | self._tried(batch, middle, end, first)

    # --- whole columns ------------------------------------------------------------------------------------------------

    def _in_columns(  # noqa: C901, PLR0911 - each is a reason to look more closely
        self, lines: list[bytes], first: int, *, ascii_only: bool
    ) -> bool:
        """Read lines as columns; False if they need a closer look: nothing of them was counted then."""
        if self.ended or self._quick is None or not (ascii_only or is_utf8(lines)):
            return False
        tally = self.tally
        try:
            rows = list(map(self._quick, lines))
        except _UNREADABLE:
            return False
        taken: dict[str, list[Any]] = {}
        for name, check in self._contract.checks:
            if name not in taken:
                taken[name] = [getattr(row, name) for row in rows]
            if check(taken[name]):
                return False
        values = {role: column_of(rows, taken) for role, column_of in self._columns.items()}
        times = column(values["time"], self._minutes)
        levels = self._levels(values["level"])
        if times is None or levels is None:
            return False
        low, high = times.at(times.ordered[0]), times.at(times.ordered[-1])
        if not self._is_calm(times, low, high):
            return False
        since = self._window.since
        if not self._main.started and since is not None and high < since:
            tally.skipped += len(lines)
            tally.skipped_last = max(high, tally.skipped_last or high)
            return True
        self._main.started = True
        self._main.highest = high if self._main.highest is None else max(self._main.highest, high)
        present = self._count(times, levels, low, high)
        services = values.get("service")
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

    def _is_calm(self, times: Column, low: float, high: float) -> bool:
        """Return whether nothing about these times needs a closer look: no disorder, none outside of the window."""
        window, highest, started = self._window, self._main.highest, self._main.started
        if high > window.now + window.tolerance or (window.until is not None and high >= window.until):
            return False
        if started and window.since is not None and low < window.since - window.tolerance:
            return False
        if not started and window.since is not None and low < window.since <= high:
            return False  # the window begins within
        if highest is not None and started and low < highest - window.tolerance:
            return False
        return high - low <= window.tolerance or times.sorted

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
            in_order = levels if times.sorted else [level for _, level in sorted(zip(times.texts, levels, strict=True))]
            for minute, begin, end in times.spans:
                for level, count in Counter(in_order[begin:end]).items():
                    tally.minute(minute, level, count)
        floor = max(tally.gap, SHORTEST_GAP)
        if high - low > floor and (gap := times.longest_gap(floor)) is not None:
            tally.gap, tally.gap_after = gap
        tally.spread(low, high)
        return whole

    def _hear(self, services: Sequence[Any], times: Column) -> None:
        """Note when each service was last heard of."""
        ordered = services if times.sorted else [name for _, name in sorted(zip(times.texts, services, strict=True))]
        backwards = ordered[::-1]
        for name in set(services):
            if isinstance(name, str) and name:
                self.tally.service(name, times.at(times.ordered[-1 - backwards.index(name)]))

    def _bit_at(self, services: Sequence[Any] | None, at: int) -> int:
        name = services[at] if services is not None else None
        return self.tally.bit(name if isinstance(name, str) else None)

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

    # --- one by one ---------------------------------------------------------------------------------------------------

    def _one_by_one(self, batch: Batch, begin: int, end: int, first: int) -> None:
        for at in range(begin, end):
            if self.ended:
                return
            line = batch.lines[at]
            if not line.strip():
                continue
            told = batch.times[at] if batch.times is not None else None
            wrapped = Moment(told) if told is not None else None
            service = batch.services[at] if batch.services is not None else None
            self._line(line, first + at, batch.too_long.get(at), wrapped, service)

    def _line(self, line: bytes, number: int, length: int | None, wrapped: Moment | None, service: str | None) -> None:
        """Read one line: this is what is meant."""
        tally, stream = self.tally, self._stream(service)
        if b"\x1b" in line:
            line = without_colours(line)
        document, why = (None, f"{length:,} bytes long: too long to be read") if length else parse(line)
        if not isinstance(document, dict):
            if self._admits(stream, wrapped):
                tally.lines += 1
                tally.invalid += 1
                tally.offend(tally.offenders, number, why or self._contract.reason(document), line)
                if wrapped is not None:
                    self._time(stream, wrapped, number, line, "")
            return
        moment = parse_time(self._roles.value(document, "time")) or wrapped
        if not self._admits(stream, moment):
            return
        tally.lines += 1
        tally.parsed += 1
        if not self._contract.accepts(document, line):
            tally.invalid += 1
            if len(tally.offenders) < FIRST:  # explaining costs a hundred times as much as telling
                reason = self._contract.reason(document) or "does not match the schema"
                tally.offend(tally.offenders, number, reason, line)
        self._told(document, moment, stream, number, line, service)

    def _told(
        self,
        document: dict[str, Any],
        moment: Moment | None,
        stream: Stream,
        number: int,
        line: bytes,
        service: str | None,
    ) -> None:
        """Count what a parsed line tells: its level, time, service, ids and message."""
        tally = self.tally
        level = self._level(document, number, line)
        name = service or name_of(self._roles.value(document, "service"))
        if moment is None:
            tally.timeless += 1
        else:
            tally.naive += moment.naive
            self._time(stream, moment, number, line, level)
            if name is not None and not self._is_ahead(moment):
                tally.service(name, moment.at)
        bit = tally.bit(name)
        for kind, ids in tally.ids.items():
            ids.add(self._roles.value(document, kind), bit, number)
        if level in ALARMING:
            text = text_of(self._roles.value(document, "message"), line)
            template = tally.templates.of(text)
            tally.alarm(Signature(template=template, level=level, count=1, line=number, example=text[:EXCERPT]))

    def _stream(self, service: str | None) -> Stream:
        if service is None:
            return self._main
        found = self._streams.get(service)
        if found is None:
            found = self._streams[service] = Stream(self._window.since is None)
            self.tally.several = True
        return found

    def _is_ahead(self, moment: Moment) -> bool:
        return moment.at > self._window.now + self._window.tolerance

    def _admits(self, stream: Stream, moment: Moment | None) -> bool:
        """Return whether a line stands in the window; lines without a time go with those before them."""
        window, tally = self._window, self.tally
        if stream.ended:
            return False
        if moment is not None and window.until is not None and moment.at >= window.until:
            stream.ended = True
            return False
        if stream.started:
            return True
        if moment is not None and window.since is not None and window.since <= moment.at and not self._is_ahead(moment):
            stream.started = True
            return True
        tally.skipped += 1
        if moment is not None and not self._is_ahead(moment):
            tally.skipped_last = max(moment.at, tally.skipped_last or moment.at)
        return False

    def _level(self, document: dict[str, Any], number: int, line: bytes) -> str:
        tally = self.tally
        key, value = self._roles.pair(document, "level")
        if value is None:
            tally.unlevelled += 1
            return ""
        level = normalise(value, key)
        if level is None:
            tally.strange_level(str(value)[:40])
            return ""
        tally.level(level)
        if level in SHOWN_LEVELS:
            tally.offend(tally.level_lines.setdefault(level, []), number, level, line)
        return level

    def _time(self, stream: Stream, moment: Moment, number: int, line: bytes, level: str) -> None:
        """Count a time: in its minute, and whether it is where it should be."""
        tally, window, at = self.tally, self._window, moment.at
        if self._is_ahead(moment):
            tally.outside += 1
            tally.offend(tally.outsiders, number, f"{at - window.now:.1f} s in the future", line)
            return
        if window.since is not None and at < window.since - window.tolerance:
            tally.outside += 1
            tally.offend(tally.outsiders, number, f"{window.since - at:.1f} s before the window", line)
            return
        if stream.highest is not None and at < stream.highest - window.tolerance:
            tally.disordered += 1
            tally.offend(tally.disorder, number, f"{stream.highest - at:.1f} s older than a line before it", line)
        stream.highest = at if stream.highest is None else max(stream.highest, at)
        tally.minute(int(at // MINUTE) * MINUTE, level)
        tally.spread(at, at)
