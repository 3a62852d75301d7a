"""Where logs are read, and what is expected of them."""

import re
import warnings
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from pytest_deploycheck.settings.entries import Count, Entry
from pytest_deploycheck.settings.systems import Auth, Retries, System, Timeouts, Tls
from pytest_deploycheck.settings.texts import Headers, HttpUrl, ProxyUrl
from pytest_deploycheck.settings.values import (
    Day,
    Duration,
    FilePath,
    Flag,
    Frozen,
    Name,
    Number,
    PositiveDuration,
    Size,
    Whole,
    Wrong,
    parse_duration,
)

SOURCES = ("file", "command", "pods", "stdin", "loki", "elasticsearch")
"""The kinds of sources; each has exactly one."""
_STORES = ("loki", "elasticsearch")
_ONLY_STORES = ("url", "auth", "headers", "tls", "proxy", "timeouts", "retries")

Level = Literal["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"]
"""A normalised level."""

Ratio = Annotated[Number, Field(ge=0, le=1)]
"""A share."""

IdShare = Annotated[Number, Field(gt=0, le=1)]
"""A share above zero: of an id that no line has to carry, nothing can be said."""


def _found_in(value: str) -> str:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            re.compile(value)
    except (re.error, OverflowError, RecursionError) as error:
        raise Wrong(f"is not a valid regular expression: {error}", "one that is found in the message") from None
    return value


class LogFields(Frozen):
    """Which key of a line tells what; dots are part of a key, or lead into objects."""

    time: Name | None = None
    """When it was written."""
    level: Name | None = None
    """Its level."""
    message: Name | None = None
    """Its text."""
    service: Name | None = None
    """Who wrote it: a service, or an instance of one."""
    trace: Name | None = None
    """The trace id, or a traceparent."""
    correlation: Name | None = None
    """The correlation or request id."""

    def given(self) -> dict[str, str]:
        """Return what is told → key, where one is given."""
        return {name: key for name in type(self).model_fields if (key := getattr(self, name)) is not None}


class LogIds(Frozen):
    """LO3: the share of lines that must carry a well-formed id of each kind."""

    trace: IdShare | None = None
    """W3C's trace id: 32 lower-case hexadecimal digits, or a traceparent."""
    correlation: IdShare | None = None
    """A correlation or request id."""

    def given(self) -> dict[str, float]:
        """Return kind → share, where one is given."""
        return {name: share for name in type(self).model_fields if (share := getattr(self, name)) is not None}


class LogSource(Frozen):
    """Where a service's logs are read: exactly one of `file`, `command`, `pods`, `stdin`, `loki`, `elasticsearch`."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": [name]} for name in SOURCES]})

    file: FilePath | None = None
    """A file; those it was rotated from are read as well, packed or not."""
    command: tuple[Name, ...] | None = Field(default=None, min_length=1)
    """A program and its arguments that print the lines and end; no shell is involved."""
    pods: Name | None = None
    """A Kubernetes label selector."""
    namespace: Name | None = None
    """The namespace of the pods."""
    stdin: Flag = False
    """Standard input (pytest needs `-s` or `--capture=sys` to leave it alone)."""
    loki: Name | None = None
    """A LogQL selector; needs `url`."""
    elasticsearch: Name | None = None
    """An index, alias or pattern of Elasticsearch or OpenSearch; needs `url`."""
    query: str = ""
    """A query string in Lucene's syntax that narrows the documents of `elasticsearch`."""
    url: HttpUrl | None = None
    """The base URL of the log store."""
    auth: Auth | None = None
    """Credentials for the log store."""
    headers: Headers = Field(default_factory=dict)
    """Further headers for the log store, such as `X-Scope-OrgID`. Nothing secret: use `auth`."""
    tls: Tls | None = None
    """TLS options for the log store."""
    proxy: ProxyUrl | None = None
    """A proxy to the log store."""
    timeouts: Timeouts | None = None
    """Time limits for the log store."""
    retries: Retries | None = None
    """Repetition of reads from the log store."""
    fields: LogFields = Field(default_factory=LogFields.model_construct)
    """Which key tells what, where it is not to be guessed."""
    wrapping: Literal["auto", "none", "compose", "kubectl", "cri", "docker", "journal"] = "auto"
    """What stands around the JSON of a line; `auto` looks at the first lines."""
    tolerance: Duration = parse_duration("5s")
    """How far the clocks of writers and runner may differ, and lines may be out of order."""
    timeout: PositiveDuration = parse_duration("60s")
    """How long `command` may take."""
    max_bytes: Size = 2**30
    """How much is read of `command`, `stdin`, `loki` or `elasticsearch`."""

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        given = [name for name in SOURCES if getattr(self, name)]
        if len(given) != 1:
            raise Wrong(
                f"has {' and '.join(given)}" if given else "has no source", f"exactly one of {', '.join(SOURCES)}"
            )
        kind = given[0]
        if kind in _STORES and self.url is None:
            raise Wrong(f"has {kind} without url", "the base URL of the log store")
        if kind not in _STORES and (extra := [name for name in _ONLY_STORES if getattr(self, name)]):
            raise Wrong(f"has {extra[0]} with {kind}", f"{extra[0]} only with {' or '.join(_STORES)}")
        if self.namespace is not None and self.pods is None:
            raise Wrong(f"has namespace with {kind}", "namespace only with pods")
        if self.query and self.elasticsearch is None:
            raise Wrong(f"has query with {kind}", "query only with elasticsearch")
        return self

    def store(self) -> System:
        """Return how the log store is reached; only for sources that have one."""
        given = {name: value for name in _ONLY_STORES if (value := getattr(self, name))}
        return System.model_construct(**given, max_body=self.max_bytes)


class KnownError(Frozen):
    """LO2: an error that may be logged, with somebody who answers for it, until a date."""

    message: Annotated[Name, AfterValidator(_found_in)]
    """A regular expression that is found in its message, or in its signature."""
    owner: Name
    """Who answers for it."""
    reason: Name
    """Why it may be logged."""
    expires: Day
    """The last day on which it is accepted (UTC)."""


class LogCheck(Entry):
    """LO1, LO2, LO3, LO5: what is expected of one log."""

    source: Name
    """The name of a log source of the environment."""
    since: PositiveDuration = parse_duration("10m")
    """How far back it is read; no further than the deployment's finish."""
    schema_file: FilePath | None = Field(default=None, alias="schema")
    """A JSON Schema that every line must match."""
    preset: Literal["ecs", "opentelemetry", "gcp", "structlog", "python-json-logger"] | None = None
    """A schema that comes with the plugin, instead."""
    min_lines: Count = 1
    """How many lines there must be."""
    max_invalid: Ratio = 0.0
    """The greatest share of lines that are no JSON object or do not match."""
    levels: Annotated[tuple[Level, ...], Field(min_length=1)] = ("INFO", "WARN", "ERROR", "FATAL")
    """The levels that may be logged."""
    max_error_rate: Ratio | None = 0.01
    """The greatest share of lines at ERROR or above that are not known."""
    max_warn_rate: Ratio | None = None
    """The greatest share of lines at WARN or above."""
    max_errors_per_minute: Annotated[Whole, Field(ge=0)] | None = None
    """The most lines at ERROR or above in any minute."""
    known: tuple[KnownError, ...] = ()
    """Errors that may be logged."""
    max_age: PositiveDuration | None = parse_duration("1m")
    """How old the newest line of each service may be."""
    max_gap: PositiveDuration | None = None
    """The longest time without a line."""
    services: tuple[Name, ...] = ()
    """The services that must be heard of."""
    min_services: Count | None = None
    """How many services must be heard of, whatever their names are."""
    ids: LogIds = Field(default_factory=LogIds.model_construct)
    """Ids that lines must carry."""
    shared: tuple[Literal["trace", "correlation"], ...] = ()
    """Kinds of ids that must turn up in the lines of several services."""
    new_errors: PositiveDuration | None = None
    """How long before the deployment the log is looked at for errors that are not new; none without it."""

    @model_validator(mode="after")
    def _one_schema(self) -> Self:
        if self.schema_file is not None and self.preset is not None:
            raise Wrong("has schema and preset", "one of them, or none")
        return self

    def bounds_errors(self) -> bool:
        """Return whether it says anything of how many errors or warnings there may be."""
        return (self.max_error_rate, self.max_warn_rate, self.max_errors_per_minute) != (None, None, None)

    def _natural_id(self) -> str:
        return self.source


class LogChecks(Frozen):
    """The table of expectations of logs."""

    log_checks: tuple[LogCheck, ...] = ()
    """LO1, LO2, LO3, LO5."""
