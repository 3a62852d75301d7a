"""The waiver file: TOML, reviewed like code. Every mistake in it is reported, with its line; none is forgiven."""

from __future__ import annotations

import difflib
import tomllib
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING, Any, Final

from pytest_deploycheck.errors import ConfigError, Mistake
from pytest_deploycheck.gate.toml_lines import Places, find_places, syntax_error
from pytest_deploycheck.model.decision import Waiver, Waivers
from pytest_deploycheck.model.instant import rfc3339

if TYPE_CHECKING:
    from collections.abc import Mapping

DAY: Final = 86_400.0
MAX_DAYS: Final = 90
_TEXTS: Final = ("check", "reason", "owner", "ticket")
_KEYS: Final = (*_TEXTS, "expires", "created")
_NEXT: Final = "mend the waiver file; docs/waivers.md shows a whole one"


def parse_waivers(content: bytes | str, *, source: str, now: float, max_days: int = MAX_DAYS) -> Waivers:
    """Return the waivers of a file, those that have expired included.

    Args:
        content: of the file.
        source: its name for messages, such as `waivers.toml`.
        now: Unix seconds; what "today" and "ahead" mean.
        max_days: how far ahead of `created` (of today, where that is absent) a waiver may expire.

    Raises:
        ConfigError: with every mistake in the file, in file order.
    """
    if isinstance(content, bytes):
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = content[: error.start].count(b"\n") + 1
            found = f"is not UTF-8 at byte {error.start}"
            raise ConfigError(
                [Mistake(where=f"{source}:{line}", key="(file)", problem=found)], next_step=_NEXT
            ) from None
    else:
        text = content
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line, problem = syntax_error(str(error), text)
        mistake = Mistake(where=f"{source}:{line}", key="(file)", problem=f"is not TOML: {problem}")
        raise ConfigError([mistake], next_step=_NEXT) from None
    reader = _Reader(source, find_places(text, "waiver"), now, max_days)
    waivers = reader.document(document)
    if reader.mistakes:
        ordered = sorted(reader.mistakes, key=lambda pair: pair[0])
        raise ConfigError([mistake for _, mistake in ordered], next_step=_NEXT)
    return Waivers(entries=tuple(waivers), source=source)


class _Reader:
    """Turns a parsed document into waivers and collects the mistakes, each with its line."""

    def __init__(self, source: str, places: Places, now: float, max_days: int) -> None:
        self.mistakes: list[tuple[int, Mistake]] = []
        self._source = source
        self._places = places
        self._now = now
        self._max_days = max_days
        self._seen: dict[str, int] = {}

    def document(self, document: Mapping[str, Any]) -> list[Waiver]:
        """Return the waivers of a whole document."""
        for key in document:
            if key != "waiver":
                near = ' (did you mean "waiver"?)' if difflib.get_close_matches(key, ["waiver"]) else ""
                self._mistake(self._places.top(key), key, f"is unknown{near}", "only [[waiver]] tables")
        entries = document.get("waiver", [])
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            self._mistake(
                self._places.top("waiver"), "waiver", "is not a list of tables", "[[waiver]], with two brackets"
            )
            return []
        found = [self._entry(number, entry) for number, entry in enumerate(entries)]
        return [waiver for waiver in found if waiver is not None]

    def _entry(self, number: int, entry: Mapping[str, Any]) -> Waiver | None:
        """Return the waiver of one table, or None if there are mistakes in it."""
        before = len(self.mistakes)
        for key in entry:
            if key not in _KEYS:
                near = difflib.get_close_matches(key, _KEYS, n=1)
                hint = f' (did you mean "{near[0]}"?)' if near else ""
                self._at(number, key, f"is unknown{hint}", f"one of {', '.join(_KEYS)}")
        texts = {key: self._text(number, key, entry) for key in _TEXTS}
        self._node_id(number, texts["check"])
        expires = self._expiry(number, entry)
        if len(self.mistakes) > before or expires is None:
            return None
        line = self._places.entry(number)
        written = entry["expires"]
        return Waiver(**texts, expires=expires, expires_text=written.isoformat(), where=f"{self._source}:{line}")

    def _text(self, number: int, key: str, entry: Mapping[str, Any]) -> str:
        """Return a required text; an empty one is a mistake."""
        if key not in entry:
            self._at(number, key, "is missing", "a text")
        elif not isinstance(entry[key], str):
            self._at(number, key, f"is {_kind(entry[key])}", "a text")
        elif not entry[key].strip():
            self._at(number, key, "is empty", "a text")
        else:
            return str(entry[key])
        return ""

    def _node_id(self, number: int, check: str) -> None:
        """Note a mistake if the check is no node id or has a waiver already."""
        if not check:
            return
        if check != check.strip() or "::" not in check:
            problem = f'"{check}" is not a node id'
            self._at(
                number, "check", problem, "the exact id, such as tests/test_x.py::test_y[z]; there are no patterns"
            )
        elif check in self._seen:
            self._at(number, "check", f'"{check}" is waived already in line {self._seen[check]}', "one waiver a check")
        else:
            self._seen[check] = self._places.entry(number)

    def _expiry(self, number: int, entry: Mapping[str, Any]) -> float | None:
        """Return the first instant at which the waiver no longer applies, or None if that cannot be told."""
        start = self._start(number, entry)
        if "expires" not in entry:
            self._at(number, "expires", "is missing", f"a date at most {self._max_days} days ahead")
            return None
        expires = self._instant(number, "expires", entry["expires"], end_of_day=True)
        if start is None or expires is None:
            return None
        # The last permitted day counts whole, so that a date and a time of that day are bounded alike.
        limit = start - start % DAY + (self._max_days + 1) * DAY
        written = entry["expires"].isoformat()
        if expires > limit:
            since = f"created ({entry['created'].isoformat()})" if "created" in entry else "today"
            problem = f"{written} is more than {self._max_days} days after {since}"
            self._at(number, "expires", problem, f"{rfc3339(limit - DAY)[:10]} or earlier")
        elif "created" in entry and expires <= start:
            self._at(number, "expires", f"{written} is before created", "a later date")
        return expires

    def _start(self, number: int, entry: Mapping[str, Any]) -> float | None:
        """Return when the waiver's time is counted from: `created`, or now where that is absent."""
        if "created" not in entry:
            return self._now
        created = self._instant(number, "created", entry["created"], end_of_day=False)
        if created is not None and created > self._now:
            self._at(number, "created", f"{entry['created'].isoformat()} is in the future", "today or earlier")
            return None
        return created

    def _instant(self, number: int, key: str, value: object, *, end_of_day: bool) -> float | None:
        """Return a date or time as Unix seconds; a date is its start or its end in UTC."""
        if isinstance(value, datetime):
            if value.tzinfo is None:
                self._at(
                    number, key, f"{value.isoformat()} has no offset", "one, such as 2026-12-31T18:00:00Z, or a date"
                )
                return None
            return value.timestamp()
        if isinstance(value, date):
            return datetime.combine(value, time(), tzinfo=UTC).timestamp() + (DAY if end_of_day else 0.0)
        self._at(number, key, f"is {_kind(value)}", "a date without quotes, such as 2026-12-31")
        return None

    def _at(self, number: int, key: str, problem: str, expected: str) -> None:
        """Note a mistake in the table of this number, counted from 0."""
        self._mistake(self._places.key(number, key), f"waiver[{number}].{key}", problem, expected)

    def _mistake(self, line: int, key: str, problem: str, expected: str) -> None:
        """Note a mistake."""
        where = f"{self._source}:{line}"
        self.mistakes.append((line, Mistake(where=where, key=key, problem=problem, expected=expected)))


def _kind(value: object) -> str:
    """Return what a TOML value is, in words."""
    kinds = {bool: "a boolean", int: "a number", float: "a number", str: "a text", list: "a list", dict: "a table"}
    return kinds.get(type(value), "a time" if isinstance(value, time) else "a date")
