"""Takes secrets out of texts, headers, URLs and bodies before anybody keeps or shows them.

Two nets: *names* (a header or parameter that by its name carries a credential is masked whatever it holds) and *values*
(every secret that is known is masked wherever it turns up, also JSON-escaped, URL-encoded, HTML-escaped or in base64).
"""

from __future__ import annotations

import base64
import html
import json
import re
import threading
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus, unquote_plus

from pytest_deploycheck.transport import rendered

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

MASK = "<redacted>"
MINIMUM = 4
"""Shorter secrets are not searched for: masking every `ab` would make all evidence unreadable, and hide nothing. They
are still masked by name, in headers and parameters."""
LEARNED_MINIMUM = 8
"""Values that are only *guessed* to be secrets, by their parameter's name, must be this long: `token=true` is none."""

_HEADERS = frozenset(
    {"authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key", "x-vault-token", "x-auth-key"}
)
_HEADER_PARTS = ("token", "secret", "password", "passwd", "api-key", "apikey", "signature", "credential")
_URL_HEADERS = frozenset({"location", "content-location", "referer", "refresh", "link"})

_STRONG = (
    r"(?:[\w.-]{0,60}(?:token|secret|password|passwd|signature|api[_-]?key|credential)"
    r"|sig|sas|auth|assertion|client_assertion)"
)
_PARAMETER = re.compile(rf"(?P<head>(?:^|[?&;#])(?P<name>{_STRONG}|key|code)=)(?P<value>[^&;#]*)", re.IGNORECASE)
_STRONG_NAME = re.compile(_STRONG, re.IGNORECASE)
_JSON_FIELD = re.compile(rf'(?P<head>"{_STRONG}"\s*:\s*")(?P<value>(?:[^"\\]|\\.)*)"', re.IGNORECASE)
_USERINFO = re.compile(r"(?P<head>[a-z][a-z0-9+.-]*://|^//)[^/?#\s]*@", re.IGNORECASE)
_SEARCHED = 256 * 1024
"""Longer texts are searched for the known secrets only: regular expressions over megabytes cost more than they find."""


class Redactor:
    """Knows the secrets of a run. Safe to use from several threads."""

    def __init__(self) -> None:
        """Start with no secret known."""
        self._lock = threading.Lock()
        self._secrets: set[str] = set()
        self._names: set[str] = set()
        # replaced as a whole, never changed in place: readers need no lock; longest first, so that a secret
        # that contains another one goes in one piece
        self._texts: tuple[str, ...] = ()
        self._bytes: tuple[bytes, ...] = ()
        self._veils: tuple[Callable[[bytes], bytes], ...] = ()

    def add_veil(self, veil: Callable[[bytes], bytes]) -> None:
        """Let every body pass through a function that masks what its system keeps secret, whoever is asked.

        Args:
            veil: returns a body without such values: the very same object if it holds none.
        """
        with self._lock:
            if veil not in self._veils:
                self._veils = (*self._veils, veil)

    def add(self, secret_value: str) -> None:
        """Mask a value from now on, in all the forms in which it may turn up; shorter than `MINIMUM` is left out."""
        if len(secret_value) < MINIMUM or secret_value in self._secrets or secret_value == MASK:
            return
        plain = secret_value.encode("utf-8", "surrogatepass")
        packed = {base64.b64encode(plain).decode(), base64.urlsafe_b64encode(plain).decode()}
        self._add(secret_value, {*_spellings(secret_value), *packed})

    def add_basic(self, username: str, password: str) -> None:
        """Mask a password, and the base64 of `user:password` in which basic authentication sends it."""
        self.add(password)
        if len(password) >= MINIMUM:
            pair = base64.b64encode(f"{username}:{password}".encode("utf-8", "surrogatepass")).decode()
            self._add(pair, set(_spellings(pair)))

    def _add(self, secret: str, forms: set[str]) -> None:
        with self._lock:
            self._secrets.add(secret)
            self._texts = tuple(sorted({*self._texts, *forms}, key=lambda form: (-len(form), form)))
            self._bytes = tuple(form.encode("utf-8", "surrogatepass") for form in self._texts)

    def add_header(self, name: str) -> None:
        """Mask every header of this name from now on."""
        with self._lock:
            self._names = {*self._names, name.lower()}

    def hides_header(self, name: str) -> bool:
        """Return whether a header's value is masked by its name."""
        lower = name.lower()
        return lower in _HEADERS or lower in self._names or any(part in lower for part in _HEADER_PARTS)

    def text(self, text: str) -> str:
        """Return a text without the known secrets."""
        for form in self._texts:
            if form in text:
                text = text.replace(form, MASK)
        return text

    def rendered(self, text: str) -> str:
        """Return a text without the known secrets, also where it was wrapped or cut for reading (see `rendered`)."""
        return rendered.mask(self.text(text), self._texts, MASK)

    def body(self, body: bytes) -> bytes:
        """Return a body without the known secrets: the very same object if it holds none."""
        for veil in self._veils:
            body = veil(body)
        for form in self._bytes:
            if form in body:
                body = body.replace(form, MASK.encode())
        return body

    def headers(self, pairs: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
        """Return headers with the values of sensitive ones masked, in the same order."""
        return tuple((name, self._header(name, value)) for name, value in pairs)

    def _header(self, name: str, value: str) -> str:
        if self.hides_header(name):
            return MASK
        return self.url(value) if name.lower() in _URL_HEADERS else self.text(value)

    def url(self, url: str) -> str:
        """Return a URL without user information, sensitive parameters and known secrets."""
        # cut by structure first: a known secret such as "https" must not break the URL's shape before that
        if "@" in url:
            url = _USERINFO.sub(rf"\g<head>{MASK}@", url)
        if "=" in url:
            url = _PARAMETER.sub(rf"\g<head>{MASK}", url)
        return self.text(url)

    def form(self, form: str) -> str:
        """Return a form-encoded body without sensitive parameters and known secrets."""
        if len(form) <= _SEARCHED:
            form = _PARAMETER.sub(rf"\g<head>{MASK}", form)
        return self.text(form)

    def json(self, document: str) -> str:
        """Return a JSON document without the strings under sensitive names and without known secrets."""
        for veil in self._veils:
            document = veil(document.encode("utf-8", "surrogatepass")).decode("utf-8", "surrogatepass")
        if len(document) <= _SEARCHED:
            document = _JSON_FIELD.sub(rf'\g<head>{MASK}"', document)
        return self.text(document)

    def learn(self, sent: str) -> None:
        """Note the credentials in something that is about to be sent, for the answer may repeat them.

        Args:
            sent: a URL, a form-encoded body or a JSON document.
        """
        for value in _guessed(sent):
            if len(value) >= LEARNED_MINIMUM:
                self.add(value)


def _guessed(sent: str) -> Iterator[str]:
    """Yield the values under names that can only be those of credentials (not `key` or `code`: too common)."""
    if len(sent) > _SEARCHED:
        return
    if "=" in sent:
        for found in _PARAMETER.finditer(sent):
            if _STRONG_NAME.fullmatch(found["name"]):
                yield unquote_plus(found["value"])
    if sent.lstrip()[:1] in ("{", "["):
        for found in _JSON_FIELD.finditer(sent):
            try:
                yield json.loads(f'"{found["value"]}"')
            except ValueError:
                yield found["value"]


def _spellings(secret: str) -> Iterator[str]:
    """Yield the spellings in which a secret may turn up."""
    yield secret
    yield json.dumps(secret)[1:-1]
    yield json.dumps(secret, ensure_ascii=False)[1:-1]
    # Go's encoding/json, which Prometheus and its kin use, escapes these three as well
    yield json.dumps(secret)[1:-1].replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")
    for encode in (quote, partial(quote, safe=""), quote_plus):
        encoded = encode(secret, errors="surrogatepass")
        yield encoded
        yield re.sub(r"%[0-9A-F]{2}", lambda found: found[0].lower(), encoded)
    # as Python shows text and bytes, in a failed assertion for one
    yield repr(secret)[1:-1]
    yield ascii(secret)[1:-1]
    yield repr(secret.encode("utf-8", "surrogatepass"))[2:-1]
    yield html.escape(secret)
    yield html.escape(secret, quote=False)
