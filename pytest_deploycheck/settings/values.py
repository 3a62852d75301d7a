"""The value types of the settings: durations, sizes, instants, paths, numbers, and references to secrets.

A wrong value raises `Wrong`, which keeps what is wrong and what was expected apart; `mistakes.py` turns it into one
line with file, line and key. Annotations are evaluated at once here (no `from __future__`): pydantic would have to
compile each of them again from its text.
"""

import math
import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    PrivateAttr,
    Strict,
    ValidationInfo,
    WithJsonSchema,
    model_validator,
)

from pytest_deploycheck.model import duration

_BYTES = {"B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "KB": 10**3, "MB": 10**6, "GB": 10**9}
_SIZE = re.compile(r"([0-9]{1,15})\s*(B|KiB|MiB|GiB|KB|MB|GB)", re.ASCII)
_UNIX = re.compile(r"[0-9]{1,15}(?:\.[0-9]{1,9})?", re.ASCII)
_RFC3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?(?:[Zz]|[+-][0-9]{2}:[0-9]{2})", re.ASCII
)
_ENV_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_LONGEST = timedelta(weeks=52 * 10)
_EARLIEST, _LATEST = 946_684_800.0, 4_102_444_800.0  # the years 2000 and 2100
_SHOWN = 60

DURATION_WORDS = 'text with a unit, such as "500ms", "60s", "10m" or "1h30m"'
INSTANT_WORDS = "a time with its offset, such as 2026-01-21T14:00:00Z, or Unix seconds"


class Wrong(ValueError):  # noqa: N818 - it says what a value is
    """A value that cannot be used.

    Args:
        problem: what is wrong with it; never the value of a secret.
        expected: what was expected instead.
    """

    def __init__(self, problem: str, expected: str = "") -> None:
        """Keep both parts."""
        super().__init__(f"{problem} (expected {expected})" if expected else problem)
        self.problem = problem
        self.expected = expected


def kind_of(value: object) -> str:
    """Return what TOML calls a value, in plain words and with an article where there is one."""
    kinds: tuple[tuple[type | tuple[type, ...], str], ...] = (
        (str, "text"),
        (bool, "a boolean"),
        (int, "a whole number"),
        (float, "a number"),
        (datetime, "a time"),
        (date, "a date"),
        ((list, tuple), "a list"),
        (dict, "a table"),
    )
    return next((words for kind, words in kinds if isinstance(value, kind)), "a time of day")


def quoted(text: str) -> str:
    """Return a text in quotes, on one line, cut at 60 characters."""
    shown = text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
    return '"' + "".join(char if char.isprintable() else repr(char)[1:-1] for char in shown) + '"'


def parse_duration(text: str) -> timedelta:
    """Read a duration as Prometheus writes it: `500ms`, `60s`, `10m`, `1h30m`, `2d`, `1w`.

    Raises:
        Wrong: (a ValueError) if it is written in any other way (a bare number has no unit and is refused), or is
            longer than ten years.
    """
    try:
        seconds = duration.parse_duration(text)
    except ValueError:
        raise Wrong(f"{quoted(text)} is not a duration", DURATION_WORDS) from None
    if seconds > _LONGEST.total_seconds():
        raise Wrong(f"{quoted(text)} is longer than ten years", DURATION_WORDS)
    return timedelta(seconds=seconds)


def format_duration(value: timedelta) -> str:
    """Return a duration as `parse_duration` reads it, in the largest units that fit."""
    return duration.format_duration(value.total_seconds())


def parse_instant(value: object) -> datetime:
    """Read a moment: a datetime with its offset, RFC 3339 text, or Unix seconds (a number, or digits).

    Raises:
        Wrong: if it has no offset, is no time at all, or lies outside the years 2000 to 2099 (Unix milliseconds do).
    """
    moment: datetime | None = None
    seconds: float | None = None
    if isinstance(value, datetime):
        moment = value
    elif _is_unix_time(value):
        seconds = float(str(value))
    elif isinstance(value, str):
        text = value.strip()
        try:
            moment = datetime.fromisoformat(text.upper().replace(" ", "T"))
        except ValueError:
            raise Wrong(f"{quoted(text)} is not a time", INSTANT_WORDS) from None
        if moment.tzinfo is not None and not _RFC3339.fullmatch(text):
            raise Wrong(f"{quoted(text)} is not a time as RFC 3339 writes it", INSTANT_WORDS)
    else:
        raise Wrong(f"is {kind_of(value)}", INSTANT_WORDS)
    if moment is not None:
        if moment.tzinfo is None:
            raise Wrong("has no offset from UTC", INSTANT_WORDS)
        seconds = moment.timestamp()
    if seconds is None or not _EARLIEST <= seconds < _LATEST:
        hint = "; it looks like milliseconds" if seconds and _EARLIEST <= seconds / 1000 < _LATEST else ""
        raise Wrong(f"lies outside the years 2000 to 2099{hint}", INSTANT_WORDS)
    return moment if moment is not None else datetime.fromtimestamp(seconds, UTC)


def _is_unix_time(value: object) -> bool:
    if isinstance(value, str):
        return bool(_UNIX.fullmatch(value.strip()))
    return isinstance(value, int | float) and not isinstance(value, bool)


def _duration(value: Any) -> Any:
    if isinstance(value, str):
        return parse_duration(value)
    if isinstance(value, timedelta):
        return value
    raise Wrong(
        f"is {kind_of(value)} without a unit" if isinstance(value, int | float) else f"is {kind_of(value)}",
        DURATION_WORDS,
    )


def _positive(value: timedelta) -> timedelta:
    if value <= timedelta(0):
        raise Wrong("is zero", "a duration above zero")
    return value


def _size(value: Any) -> Any:
    words = 'a whole number of bytes above zero, or text such as "64MiB"'
    if isinstance(value, str):
        if not (match := _SIZE.fullmatch(value)):
            raise Wrong(f"{quoted(value)} is not a size", words)
        value = int(match[1]) * _BYTES[match[2]]
    if isinstance(value, bool) or not isinstance(value, int):
        raise Wrong(f"is {kind_of(value)}", words)
    if value <= 0:
        raise Wrong(f"is {value}", words)
    return value


def _scalar(value: Any) -> Any:
    words = "text, a finite number, or true/false"
    if not isinstance(value, str | int | float):
        raise Wrong(f"is {kind_of(value)}", words)
    if isinstance(value, float) and not math.isfinite(value):
        raise Wrong(f"is {value}", words)
    return value


def _day(value: Any) -> Any:
    words = "a date, such as 2026-12-31"
    if isinstance(value, str):
        try:
            return date.fromisoformat(value)
        except ValueError:
            raise Wrong(f"{quoted(value)} is not a date", words) from None
    if isinstance(value, datetime) or not isinstance(value, date):
        raise Wrong(f"is {kind_of(value)}", words)
    return value


def _path(value: Any, info: ValidationInfo) -> Any:
    """Make a path absolute against the directory of the file it stands in, where that is known."""
    if not isinstance(value, str | Path):
        raise Wrong(f"is {kind_of(value)}", "a path, as text")
    if not str(value).strip() or "\0" in str(value):
        raise Wrong("is empty" if not str(value).strip() else "holds a NUL character", "a path, as text")
    base = (info.context or {}).get("base")
    try:
        path = Path(value).expanduser()
    except RuntimeError:
        raise Wrong("begins with the home directory of an unknown user", "a path, as text") from None
    return Path(base, path) if base is not None else path


def text_like(pattern: str, words: str) -> tuple[AfterValidator, Any]:
    """Return what is put into `Annotated[str, *text_like(…)]` for a text that must match as a whole.

    Args:
        pattern: a regular expression, without anchors.
        words: what is expected, in plain words.
    """
    compiled = re.compile(pattern, re.ASCII)

    def check(value: str) -> str:
        if not compiled.fullmatch(value):
            raise Wrong(f"is {quoted(value)}" if value else "is empty", words)
        return value

    return AfterValidator(check), Field(json_schema_extra={"pattern": f"^(?:{pattern})$"})


_DURATION_SCHEMA = {"type": "string", "pattern": f"^{duration.pattern()}$", "examples": ["60s", "10m"]}

Duration = Annotated[
    timedelta,
    BeforeValidator(_duration),
    PlainSerializer(format_duration, return_type=str),
    WithJsonSchema(_DURATION_SCHEMA),
]
"""A length of time; in the file a string with units."""

PositiveDuration = Annotated[Duration, AfterValidator(_positive)]
"""A length of time above zero: a window or limit of zero would say nothing, or never hold."""

Size = Annotated[
    int,
    BeforeValidator(_size),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "exclusiveMinimum": 0},
                {"type": "string", "pattern": "^[0-9]+\\s*([KMG]i?)?B$"},
            ]
        }
    ),
]
"""A number of bytes; in the file a whole number, or a string such as `64MiB`."""

Instant = Annotated[
    datetime,
    BeforeValidator(parse_instant),
    WithJsonSchema({"anyOf": [{"type": "string", "format": "date-time"}, {"type": "number"}]}),
]
"""A moment with its offset from UTC."""

Day = Annotated[date, BeforeValidator(_day)]
"""A calendar day."""

Scalar = Annotated[str | int | float | bool, BeforeValidator(_scalar)]
"""A value that can be compared with one of a JSON body."""

Whole = Annotated[int, Strict()]
"""A whole number; TOML has types, so text and booleans are not taken for one."""

Number = Annotated[float, Strict(), Field(allow_inf_nan=False)]
"""A finite number: TOML knows nan and inf, and a bound of either would hold always or never."""

Flag = Annotated[bool, Strict()]
"""True or false."""

Name = Annotated[str, Field(min_length=1)]
"""Text that is not empty."""

FilePath = Annotated[Path, BeforeValidator(_path)]
"""A path; relative ones are taken from the directory of the configuration file."""


class Frozen(BaseModel):
    """Base of all settings: frozen, unknown keys are mistakes, and nothing is built before it is used.

    A model that only ever gets its defaults is made by `model_construct`: making it the usual way would build its
    validator a second time, beside the one inside of the model around it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, defer_build=True)


class SecretRef(Frozen):
    """Where a secret is found: exactly one of `env`, `file`, `command`. The value itself never stands in the file."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1, "maxProperties": 1})

    env: str | None = None
    """Name of an environment variable."""
    file: FilePath | None = None
    """A file that holds the secret; white space at its end is dropped. Relative to the configuration file."""
    command: tuple[Name, ...] | None = Field(default=None, min_length=1)
    """A program and its arguments that print the secret; no shell is involved, 10 s are allowed."""

    _where: str = PrivateAttr(default="")
    _key: str = PrivateAttr(default="")

    @model_validator(mode="before")
    @classmethod
    def _never_a_value(cls, value: Any) -> Any:
        if not isinstance(value, dict | cls):
            raise Wrong(
                "a secret is given by reference, never by value",
                '{ env = "NAME" }, { file = "path" } or { command = ["program", "argument"] }',
            )
        return value

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        given = [name for name in ("env", "file", "command") if getattr(self, name) is not None]
        if len(given) != 1:
            raise Wrong(f"has {' and '.join(given)}" if given else "is empty", "exactly one of env, file, command")
        # The name is not shown: somebody may have written the secret itself here.
        if self.env is not None and not _ENV_NAME.fullmatch(self.env):
            raise Wrong("env is not the name of an environment variable", "letters, digits and underscores")
        return self

    def stands_at(self, where: str, key: str) -> None:
        """Remember where in the configuration it was read, for messages; says nothing about its value.

        Args:
            where: `file:line`.
            key: the dotted key.
        """
        self._where, self._key = where, key

    @property
    def where(self) -> str:
        """`file:line` of the reference; empty if it was not read from a file."""
        return self._where

    @property
    def key(self) -> str:
        """The dotted key of the reference; empty if it was not read from a file."""
        return self._key

    @property
    def source(self) -> str:
        """What messages call it, such as `environment variable PROM_TOKEN`."""
        if self.env is not None:
            return f"environment variable {self.env}"
        if self.file is not None:
            return f"file {self.file}"
        return f"command {(self.command or ('?',))[0]}"
