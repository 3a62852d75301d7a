"""One request and what came of it: the unit of evidence."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

Effect = Literal["read", "write"]


class Exchange(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt at one request; a retry is an exchange of its own. All texts are redacted already.

    Attributes:
        id: twelve hexadecimal digits, the head of a SHA-256 over the other fields; what failure texts call "evidence".
        system: the name of the system that was asked, such as `prometheus` or `service mcp`.
        method: the HTTP method; `RECORD` for a value that a check's author recorded by hand.
        url: the whole URL with its query.
        request_headers: as sent, in order, secrets masked.
        request_body: the body as text, or None.
        effect: whether the request may change anything.
        started: when it was sent, in Unix seconds on the runner's clock.
        elapsed: seconds from sending until the last byte or the failure.
        attempt: 1 for the first try.
        status: the HTTP status, or None if no answer came.
        response_headers: as received, in order, secrets masked.
        body_sha256: the SHA-256 of the stored (redacted) body, or None if there was none.
        body_size: the size of the stored body in bytes.
        error: why there is no whole answer, or None.
        age: seconds from the whole answer to its use by the check; None = asked when it was needed.
        unused: why nobody used what was asked ahead of its check; empty = it was used. An unused answer is kept, and
            counts as observed by nobody.
    """

    id: str
    system: str
    method: str
    url: str
    request_headers: tuple[tuple[str, str], ...] = ()
    request_body: str | None = None
    effect: Effect = "read"
    started: float
    elapsed: float
    attempt: int = 1
    status: int | None = None
    response_headers: tuple[tuple[str, str], ...] = ()
    body_sha256: str | None = None
    body_size: int = 0
    error: str | None = None
    age: float | None = None
    unused: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return the same as builtins (JSON and execnet can carry it)."""
        record = msgspec.structs.asdict(self)
        record["request_headers"] = [list(pair) for pair in self.request_headers]
        record["response_headers"] = [list(pair) for pair in self.response_headers]
        return record

    @classmethod
    def from_dict(cls, record: dict[str, Any]) -> Exchange:
        """Return the exchange that `to_dict` described; keys it does not know are refused.

        Raises:
            ValueError: if a key is unknown or a required one is missing.
        """
        if unknown := sorted(set(record) - set(cls.__struct_fields__)):
            message = f"not an exchange: unknown keys {unknown}"
            raise ValueError(message)
        values = dict(record)
        for name in ("request_headers", "response_headers"):
            values[name] = tuple((str(key), str(value)) for key, value in values.get(name, ()))
        try:
            return cls(**values)
        except TypeError as error:
            message = f"not an exchange: {error}"
            raise ValueError(message) from None
