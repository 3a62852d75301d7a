"""What a system answered, and errors that quote it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from pytest_deploycheck.errors import Malformed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_deploycheck.transport.redaction import Redactor

HEAD_LENGTH = 200
_PLACE_LENGTH = 1000
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_LOGIN_PLACE = re.compile(
    r"(?i)(?:^|[/.:@?&=-])(?:log[_-]?in|sign[_-]?in|log[_-]?on|sign[_-]?on|sso|oauth2?|openid(?:-connect)?|saml2?|adfs|idp|auth|authorize|authelia)"
    r"(?=$|[/.:?&#=-])"
)
_PASSWORD_FIELD = re.compile(rb"(?i)<input[^>]{0,400}\btype\s*=\s*[\"']?password")
_LOGIN_TITLE = re.compile(
    rb"(?i)<title[^>]{0,200}>[^<]{0,200}\b(?:log\s?-?in|sign\s?-?in|log\s?-?on|sign\s?-?on|sso)\b"
)
_SNIFFED = 64 * 1024


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """One whole answer.

    Attributes:
        system: who answered.
        status: the HTTP status.
        headers: names in lower case; repeated ones joined by a comma. Not redacted: not for texts.
        body: the bytes, decompressed. Not redacted: not for texts.
        elapsed: seconds from sending this attempt until its last byte, connecting included.
        started: when this attempt was sent, in Unix seconds.
        url: what was asked, redacted.
        evidence: the id of the exchange.
        redactor: keeps secrets out of errors that quote the body.
    """

    system: str
    status: int
    headers: Mapping[str, str]
    body: bytes
    elapsed: float
    started: float
    url: str
    evidence: str
    redactor: Redactor

    def __repr__(self) -> str:
        """Tell neither headers nor body: they are not redacted, and tracebacks show local variables."""
        return f"<Reply of {self.system}: {self.status} {place(self.url)}, {self._size}, evidence {self.evidence}>"

    @property
    def _size(self) -> str:
        return f"{len(self.body)} byte{'' if len(self.body) == 1 else 's'}"

    @property
    def content_type(self) -> str:
        """The media type without parameters, in lower case; empty if there is none."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def is_html(self) -> bool:
        """Whether it is a page, by its type or by how it begins."""
        return "html" in self.content_type or self.body[:200].lstrip().lower().startswith((b"<!doctype html", b"<html"))

    @property
    def is_login_page(self) -> bool:
        """Whether it is a page that asks for a password or says that it is for logging in."""
        start = self.body[:_SNIFFED]
        return self.is_html and bool(_PASSWORD_FIELD.search(start) or _LOGIN_TITLE.search(start))

    def head(self) -> str:
        """Return the first characters of the body, redacted, on one line."""
        # redact first: a cut could leave half a secret behind; a margin is enough for the longest sensible secret
        text = self.redactor.text(self.body[: HEAD_LENGTH * 4 + 8192].decode("utf-8", "replace"))
        return one_line(text)

    def malformed(self, reason: str) -> Malformed:
        """Return the error for an answer that is not what was asked for.

        Args:
            reason: what is wrong with it, such as `truncated JSON at byte 17`; it is redacted as well.
        """
        kind = one_line(self.headers.get("content-type", "")) or "(none)"
        details = [f"HTTP {self.status}, content type {kind}, {self._size}"]
        if self.body:
            details.append(f"it begins: {self.head()}")
        return Malformed(
            f"{self.system}: {self.redactor.text(reason)}",
            where=place(self.url),
            details=details,
            evidence=self.evidence,
            next_step=self._what_next(),
        )

    def _what_next(self) -> str:
        if self.is_login_page:
            return "give the system credentials, or a base URL that does not lead through a login"
        if self.is_html:
            return "is this the base URL of the API, and not of a web page or a proxy's error page?"
        return "look at the stored answer; does the base URL lead to the right system and version?"

    def require_json(self) -> None:
        """Raise unless the body may be JSON: a look at its beginning, for the caller parses it whole, once.

        Raises:
            Malformed: if it is empty, a page, or begins like nothing in JSON.
        """
        if self.is_login_page:
            raise self.malformed("expected JSON, got an HTML login page")
        if self.is_html:
            raise self.malformed("expected JSON, got an HTML page")
        start = self.body[:64].lstrip(b" \t\r\n")
        if not start and not self.body.strip(b" \t\r\n"):
            raise self.malformed("expected JSON, got an empty body")
        if start[:1] not in b'{["-0123456789' and self.body.strip(b" \t\r\n") not in (b"true", b"false", b"null"):
            raise self.malformed("expected JSON, got something else")


def one_line(text: str, limit: int = HEAD_LENGTH) -> str:
    """Return a text cut to a length, with control characters (and those that turn writing around) escaped."""
    cut = text[:limit] + ("…" if len(text) > limit else "")
    return _CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode(), cut)


def place(url: str) -> str:
    """Return a URL for an error's text: a question of many thousand characters is cut (the tape has it whole)."""
    return one_line(url, _PLACE_LENGTH)


def looks_like_login(location: str) -> bool:
    """Return whether a redirect's target is named like a login page."""
    return bool(_LOGIN_PLACE.search(location.partition("?")[0]))
