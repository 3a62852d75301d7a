"""One HTTP answer of a health or functional endpoint, and one scraped exposition."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping


class HttpAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """An answer as it came.

    Attributes:
        method: the request's method.
        url: what was asked, secrets masked.
        status: the HTTP status.
        headers: names in lower case; repeated ones joined by a comma.
        body: the bytes, decompressed.
        elapsed: seconds from sending the request to the last byte of this answer, connecting included.
        evidence: the id of the exchange.
        shown: the beginning of the body with secrets masked; None if nothing in it has to be.
    """

    method: str
    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes
    elapsed: float
    evidence: str = ""
    shown: str | None = None

    def __repr__(self) -> str:
        """Tell neither headers nor body: they are not redacted, and tracebacks show local variables."""
        size = len(self.body)
        return f"<HttpAnswer: {self.status} {self.method} {self.url}, {size} bytes, evidence {self.evidence}>"

    @property
    def text(self) -> str:
        """The body as UTF-8, with undecodable bytes replaced."""
        return self.body.decode("utf-8", "replace")

    @property
    def head(self) -> str:
        """The beginning of the body, for texts: a cut through `text` could leave half a secret that nobody masks."""
        return self.text if self.shown is None else self.shown

    def parsed(self) -> Any:
        """Return the body as JSON.

        Raises:
            ValueError: if it is not JSON.
        """
        return json.loads(self.body)


class MetricFamily(msgspec.Struct, frozen=True, kw_only=True):
    """One family of an exposition: how many samples it has and which label names occur."""

    name: str
    type: str
    samples: int
    label_names: frozenset[str] = msgspec.field(default_factory=frozenset)


class Exposition(msgspec.Struct, frozen=True, kw_only=True):
    """A metrics endpoint's answer, parsed.

    Attributes:
        url: what was scraped.
        content_type: as answered.
        families: by family name (counters without `_total`, as the parser names them).
        sample_names: every sample's name, such as `x_total` or `x_bucket`.
        size: bytes.
        elapsed: seconds.
        evidence: the id of the exchange.
    """

    url: str
    content_type: str
    families: Mapping[str, MetricFamily]
    sample_names: frozenset[str]
    size: int
    elapsed: float
    evidence: str = ""
