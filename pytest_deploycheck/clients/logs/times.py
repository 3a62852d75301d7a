"""Times of log lines: one at a time in any usual spelling, or a whole column at once if all are spelt alike."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from datetime import UTC, datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import msgspec

from pytest_deploycheck.model.logs import MINUTE

if TYPE_CHECKING:
    from collections.abc import Sequence

_EARLIEST, _LATEST = 946_684_800.0, 4_102_444_800.0  # the years 2000 and 2100
_SCALES = (1.0, 1e3, 1e6, 1e9)
_NUMBER = re.compile(r"[0-9]{9,19}(?:\.[0-9]+)?", re.ASCII)
_ISO = re.compile(
    r"(?P<date>[0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ](?P<time>[0-9]{2}:[0-9]{2}:[0-9]{2})(?:[.,](?P<fraction>[0-9]{1,9}))?"
    r"\s?(?P<zone>[Zz]|UTC|[+-][0-9]{2}:?[0-9]{2})?",
    re.ASCII,
)
_UNIFORM = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:[.,][0-9]{1,9})?(Z|\+00:00)?", re.ASCII
)
_DIGITS = bytes.maketrans(b"123456789", b"000000000")
_STRIDE = 64
_SHORTEST, _LONGEST = 9, 19  # digits of a Unix time, as in `_NUMBER`
_MINUTE_LENGTH, _SECOND_LENGTH = 16, 19


class Moment(msgspec.Struct, frozen=True):
    """A time that was read.

    Attributes:
        at: Unix seconds.
        naive: whether it has no offset, and was taken as UTC.
    """

    at: float
    naive: bool = False


def parse_time(value: Any) -> Moment | None:
    """Return the moment that a value of a log line means; None if it means none.

    ISO 8601 in its usual forms (a comma before the fraction too), and Unix time in seconds, milliseconds,
    microseconds or nanoseconds, told apart by their size, as a number or as digits.
    """
    if isinstance(value, str):
        if (match := _ISO.fullmatch(value.strip())) is not None:
            return _iso(match)
        if not _NUMBER.fullmatch(value.strip()):
            return None
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    for scale in _SCALES:
        if _EARLIEST <= number / scale < _LATEST:
            return Moment(number / scale)
    return None


def moment_of(told: float | bytes | str | None) -> Moment | None:
    """Return the moment that the wrapping of a line tells; None if it tells none."""
    if told is None or isinstance(told, float):
        return Moment(told) if told is not None else None
    found = parse_time(told.decode("ascii", "replace") if isinstance(told, bytes) else told)
    return Moment(found.at) if found is not None else None


def spelt_alike(told: Sequence[float | bytes | str | None]) -> list[str] | None:
    """Return the texts of times that wrappings tell, in UTC, all with nine digits if their digits differ in number.

    Docker and containerd leave zeros at the end of a fraction out. None if there is anything else among them.
    """
    try:
        texts = (
            b"\n".join(told).decode("ascii").split("\n") if isinstance(told[0], bytes) else "\n".join(told).split("\n")  # type: ignore[arg-type]
        )
    except (TypeError, UnicodeDecodeError):
        return None
    if len(set(map(len, texts))) == 1:
        return texts
    if not all(text.endswith("Z") for text in texts):
        return None
    return [f"{text[:_SECOND_LENGTH]}.{text[_SECOND_LENGTH + 1 : -1]:0<9}Z" for text in texts]


def _iso(match: re.Match[str]) -> Moment | None:
    zone = match["zone"]
    offset = "+00:00" if zone in (None, "Z", "z", "UTC") else zone
    try:
        at = datetime.fromisoformat(f"{match['date']}T{match['time']}{offset}").timestamp()
    except (ValueError, OverflowError):
        return None
    if match["fraction"]:
        at += float(f"0.{match['fraction']}")
    return Moment(at, naive=zone is None)


class Column(msgspec.Struct):
    """A column of times that are all spelt alike: texts in UTC, which sort as the times do, or numbers of one unit.

    Attributes:
        texts: as they stand.
        ordered: the same, sorted.
        naive: whether they have no offset.
        spans: (Unix time of a minute, from, to) into `ordered`, in order.
        sorted: whether they stand in order already.
        scale: how many of their unit are a second; 0 = they are texts.
    """

    texts: Sequence[Any]
    ordered: list[Any]
    naive: bool
    spans: list[tuple[int, int, int]]
    sorted: bool
    scale: float = 0.0

    @property
    def order(self) -> list[int]:
        """The indexes of `texts` in the order of time."""
        return sorted(range(len(self.texts)), key=self.texts.__getitem__)

    def at(self, text: Any) -> float:
        """Return one of the texts as Unix seconds."""
        return text / self.scale if self.scale else _seconds(text)

    def epochs(self, texts: Sequence[Any]) -> list[float]:
        """Return texts of the column as Unix seconds."""
        return [self.at(text) for text in texts]

    def longest_gap(self, floor: float) -> tuple[float, float] | None:
        """Return the longest time between two that follow each other, and the Unix time at which it begins.

        Args:
            floor: shorter ones are not looked for: None is returned if there is no longer one.
        """
        found = None
        for begin in range(0, len(self.ordered) - 1, _STRIDE):
            stride = self.ordered[begin : begin + _STRIDE + 1]
            if self.at(stride[-1]) - self.at(stride[0]) <= floor:
                continue
            moments = self.epochs(stride)
            for earlier, later in pairwise(moments):
                if later - earlier > floor:
                    floor = later - earlier
                    found = floor, earlier
        return found


class Minutes:
    """Remembers the Unix times of minutes, which many lines share."""

    def __init__(self) -> None:
        """Know none."""
        self._known: dict[str, int] = {}

    def at(self, text: str) -> int | None:
        """Return the Unix time of `2026-11-21T09:00`; None if there is no such minute."""
        found = self._known.get(text)
        if found is None:
            try:
                moment = datetime.fromisoformat(text).replace(tzinfo=UTC)
            except ValueError:
                return None
            if len(self._known) > 100_000:  # noqa: PLR2004 - two months; more need not be remembered
                self._known.clear()
            found = self._known[text] = int(moment.timestamp())
        return found


def column(texts: Sequence[Any], minutes: Minutes) -> Column | None:
    """Return the column of these values if all are texts of one spelling in UTC that name real moments, else None.

    Unix times are a column too: numbers, or digits.
    """
    first = texts[0]
    if not isinstance(first, str) or first.isdecimal():
        return _numbers(texts)
    if (match := _UNIFORM.fullmatch(first)) is None:
        return None
    shape = first.encode().translate(_DIGITS) + b"\n"
    try:
        joined = "\n".join(texts).encode()
    except TypeError:  # one of them is no text
        return None
    if joined.translate(_DIGITS) != (shape * len(texts))[:-1]:
        return None
    ordered = sorted(texts)
    spans = []
    at, last = 0, ""
    # Beyond the last second of a minute nothing may follow in it: a second 75 would.
    after = ":59\x7f"
    while at < len(ordered):
        head = ordered[at][:_MINUTE_LENGTH]
        minute = minutes.at(head)
        if minute is None or head == last:
            return None
        end = bisect_right(ordered, head + after, at)
        spans.append((minute, at, end))
        at, last = end, head
    return Column(texts, ordered, match[1] is None, spans, ordered == texts)


def _numbers(values: Sequence[Any]) -> Column | None:
    """Return the column of numbers, or texts of digits, that are Unix times of one unit, else None."""
    kinds = set(map(type, values))
    if kinds == {str}:
        lengths = set(map(len, values))
        if min(lengths) < _SHORTEST or max(lengths) > _LONGEST or not "".join(values).encode().isdigit():
            return None
        values = list(map(float, values))
    elif not kinds <= {int, float}:
        return None
    ordered = sorted(values)
    try:
        scale = next((one for one in _SCALES if ordered[0] / one >= _EARLIEST and ordered[-1] / one < _LATEST), None)
    except OverflowError:
        return None
    if scale is None:
        return None
    spans = []
    at = 0
    while at < len(ordered):
        minute = int(ordered[at] / scale // MINUTE) * MINUTE
        end = bisect_left(ordered, float(minute + MINUTE), at, key=scale.__rtruediv__)
        spans.append((minute, at, end))
        at = end
    return Column(values, ordered, naive=False, spans=spans, sorted=ordered == values, scale=scale)


_SECONDS: dict[str, float] = {}


def _seconds(text: str) -> float:
    """Return a text of a `Column` as Unix seconds."""
    head = text[:_SECOND_LENGTH]
    whole = _SECONDS.get(head)
    if whole is None:
        if len(_SECONDS) > 10_000:  # noqa: PLR2004 - lines of one second stand together
            _SECONDS.clear()
        whole = _SECONDS[head] = datetime.fromisoformat(head).replace(tzinfo=UTC).timestamp()
    rest = text[_SECOND_LENGTH:].rstrip("Z").partition("+")[0]
    return whole + float(f"0.{rest[1:]}") if len(rest) > 1 else whole
