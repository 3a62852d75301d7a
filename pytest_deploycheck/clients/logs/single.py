"""Reads lines one by one: slow, and what is meant."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_deploycheck.clients.logs.columns import name_of, text_of
from pytest_deploycheck.clients.logs.json_line import parse
from pytest_deploycheck.clients.logs.levels import normalise
from pytest_deploycheck.clients.logs.tally import ALARMING, EXCERPT, FIRST, SHOWN_LEVELS, Tally
from pytest_deploycheck.clients.logs.times import Moment, moment_of, parse_time
from pytest_deploycheck.clients.logs.unwrap import without_colours
from pytest_deploycheck.clients.logs.window import Stream
from pytest_deploycheck.model.logs import MINUTE, Signature

if TYPE_CHECKING:
    from pytest_deploycheck.clients.logs.batch import Batch
    from pytest_deploycheck.clients.logs.contract import Contract
    from pytest_deploycheck.clients.logs.roles import Roles
    from pytest_deploycheck.clients.logs.window import Window


class SingleLines:
    """One reading, line by line.

    Args:
        contract: what every line must be.
        roles: which key plays which role.
        window: the time that is looked at.
        begun: whether the window has begun before the first line.

    Attributes:
        tally: what was counted so far.
    """

    def __init__(self, contract: Contract, roles: Roles, window: Window, *, begun: bool = False) -> None:
        """Begin."""
        self.tally = Tally()
        self._contract = contract
        self._roles = roles
        self._window = window
        self._main = Stream(begun or window.since is None)
        self._streams: dict[str, Stream] = {}  # of logs of several writers, which come one after the other

    @property
    def ended(self) -> bool:
        """Whether nothing else needs to be read."""
        return self._main.ended

    def one_by_one(self, batch: Batch, begin: int, end: int, first: int) -> None:
        """Read some lines of a batch.

        Args:
            batch: of lines.
            begin: index of the first that is read.
            end: index of the first that is not read any more.
            first: number of the batch's first line.
        """
        for at in range(begin, end):
            if self.ended:
                return
            line = batch.lines[at]
            if not line.strip():
                continue
            told = batch.times[at] if batch.times is not None else None
            wrapped = moment_of(told)
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
