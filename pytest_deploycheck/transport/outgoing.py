"""What is about to be sent: its URL, headers and body, and the redacted copies that evidence keeps of them."""

from __future__ import annotations

import base64
import hashlib
import json as jsonlib
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_plus, urljoin, urlsplit

import msgspec
from msgspec.structs import replace

from pytest_deploycheck.errors import AuthorMistake, ConfigError, SecretUnavailable
from pytest_deploycheck.transport.endpoint import BasicAuth, BearerAuth, Secret
from pytest_deploycheck.transport.library import httpx
from pytest_deploycheck.transport.pool import split_proxy
from pytest_deploycheck.transport.reply import place

if TYPE_CHECKING:
    from pytest_deploycheck.model.exchange import Effect
    from pytest_deploycheck.transport.endpoint import Endpoint
    from pytest_deploycheck.transport.redaction import Redactor

Params = Mapping[str, Any] | Sequence[tuple[str, Any]]
Pairs = tuple[tuple[str, str], ...]

USER_AGENT = "pytest-deploycheck"
_READING = frozenset({"GET", "HEAD", "OPTIONS"})
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, 5.6.2
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_FRAMING = frozenset({"content-length", "transfer-encoding", "connection"})
_BODY_TEXT_LIMIT = 1024 * 1024
# what may stand in a path or query as it is; a percent sign is taken as the start of an escape
_PATH_SAFE = "/%:@!$&'()*+,;=~-._"
_QUERY_SAFE = _PATH_SAFE + "?"


class Outgoing(msgspec.Struct, frozen=True, kw_only=True):
    """One request, ready to be sent as often as needed.

    Attributes:
        method: in capitals.
        url: with its query, as sent.
        headers: as sent, in order.
        body: as sent, or None.
        effect: whether it may change anything.
        shown_url: the redacted copy, as are the next two.
        shown_headers: for evidence.
        shown_body: for evidence.
    """

    method: str
    url: str
    headers: Pairs
    body: bytes | None
    effect: Effect
    shown_url: str
    shown_headers: Pairs
    shown_body: str | None

    def __repr__(self) -> str:
        """Tell nothing that is not redacted."""
        return f"<Outgoing {self.method} {place(self.shown_url)}, {self.effect}>"


class Composer:
    """Makes the requests of one endpoint; what is the same in all of them is made once.

    Args:
        endpoint: whom they go to.
        redactor: learns the endpoint's secrets.

    Raises:
        ConfigError: if a header or a secret cannot be used.
    """

    def __init__(self, endpoint: Endpoint, redactor: Redactor) -> None:
        """Resolve the secrets and prepare the headers."""
        self._endpoint = endpoint
        self._redactor = redactor
        self._base = endpoint.base_url.rstrip("/")
        self._origin = _origin(self._base)
        host = httpx.URL(self._base).netloc.decode("ascii")  # an international name in its ASCII form
        self._headers: Pairs = (
            ("Host", host),
            ("User-Agent", USER_AGENT),
            ("Accept", "*/*"),
            ("Accept-Encoding", endpoint.accept_encoding),
        )
        self._headers = _overridden(self._headers, self._own_headers())
        self._shown = redactor.headers(self._headers)
        if endpoint.proxy is not None and (user := split_proxy(endpoint.proxy)[1]) is not None:
            redactor.add_basic(user[0].decode(), user[1].decode())

    def compose(
        self,
        method: str,
        path: str,
        *,
        params: Params | None,
        form: Params | None,
        json: Any,
        content: bytes | str | None,
        headers: Params | None,
        effect: Effect | None,
    ) -> Outgoing:
        """Return the request.

        Args:
            method: any HTTP method.
            path: appended to the base URL, or an absolute URL with the same scheme, host and port.
            params: for the query; a sequence as a value repeats the parameter, None leaves it out.
            form: for a form-encoded body, in the same way.
            json: for a JSON body.
            content: a body as it is.
            headers: further headers; they replace those of the endpoint.
            effect: what is known of the effect; None = judged by the method.

        Raises:
            AuthorMistake: if the parts cannot make a request.
        """
        method = method.upper()
        if not _TOKEN.fullmatch(method):
            raise self._mistake(f"{method!r} is no HTTP method", "use GET, POST, …")
        url = self._url(path)
        if params:
            query = _encoded(params)
            if query:
                url += ("&" if "?" in url else "?") + query
        if effect is None:
            effect = "read" if self._only_reads(method, url) else "write"
        redactor = self._redactor
        if "=" in url:
            redactor.learn(url)
        sent, shown = self._headers, self._shown
        body, kind, shown_body = self._body(form, json, content)
        if body is None and method not in _READING and method != "DELETE":
            body = b""  # announced as empty: some servers refuse a POST without a length
        if headers or body is not None:
            more = [] if kind is None else [("Content-Type", kind)]
            more += self._checked_headers(_pairs(headers))
            if body is not None:
                more.append(("Content-Length", str(len(body))))
            sent = _overridden(sent, tuple(more))
            shown = redactor.headers(sent)
        return Outgoing(
            method=method,
            url=url,
            headers=sent,
            body=body,
            effect=effect,
            shown_url=redactor.url(url),
            shown_headers=shown,
            shown_body=shown_body,
        )

    def redirected(self, outgoing: Outgoing, status: int, location: str) -> Outgoing | None:
        """Return the request that follows a redirect, or None if it leads to another origin (RFC 9110, 15.4)."""
        try:
            url = urljoin(outgoing.url, location).partition("#")[0]
            if _origin(url) != self._origin:
                return None
        except ValueError:
            return None
        url = self._origin_text() + _quoted(_target(url))
        self._redactor.learn(url)
        changed = replace(outgoing, url=url, shown_url=self._redactor.url(url))
        if status in (307, 308) or outgoing.method in ("GET", "HEAD"):
            return changed
        dropped = {"content-type", "content-length"}
        return replace(
            changed,
            method="GET",
            body=None,
            shown_body=None,
            headers=tuple(pair for pair in changed.headers if pair[0].lower() not in dropped),
            shown_headers=tuple(pair for pair in changed.shown_headers if pair[0].lower() not in dropped),
        )

    def _origin_text(self) -> str:
        parts = urlsplit(self._base)
        return f"{parts.scheme}://{parts.netloc}"

    def _url(self, path: str) -> str:
        """Return the whole URL, without a query beyond the path's own."""
        if re.match(r"[a-zA-Z][a-zA-Z0-9+.-]*://", path):
            try:
                same = _origin(path) == self._origin and "@" not in urlsplit(path).netloc
            except ValueError:
                same = False
            if not same:
                raise AuthorMistake(
                    f"{self._endpoint.name}: refused to ask another host",
                    where=self._redactor.url(path),
                    next_step=f"ask below {self._endpoint.base_url}, or configure that host as a system of its own",
                )
            return self._origin_text() + _quoted(_target(path))
        if not path:
            return self._base + "/"
        return self._base + ("" if path[0] in "/?" else "/") + _quoted(path)

    def _only_reads(self, method: str, url: str) -> bool:
        if method in _READING:
            return True
        return method == "POST" and url.partition("?")[0].endswith(self._endpoint.read_posts)

    def _body(
        self, form: Params | None, json: Any, content: bytes | str | None
    ) -> tuple[bytes | None, str | None, str | None]:
        """Return the body as sent, its content type and its redacted text."""
        if sum(part is not None for part in (form, json, content)) > 1:
            raise self._mistake("a request has one body, not several", "give one of form=, json= and content=")
        redactor = self._redactor
        if form is not None:
            text = _encoded(form)
            redactor.learn(text)
            return text.encode(), "application/x-www-form-urlencoded", _bounded(redactor.form(text), text.encode())
        if json is not None:
            try:
                text = jsonlib.dumps(json, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
                body = text.encode()
            except (TypeError, ValueError) as error:
                raise self._mistake(f"json= cannot be written as JSON: {error}", "give it plain values") from None
            redactor.learn(text)
            return body, "application/json", _bounded(redactor.json(text), body)
        if content is not None:
            body = content.encode() if isinstance(content, str) else bytes(content)
            return body, None, self._shown_content(body)
        return None, None, None

    def _shown_content(self, body: bytes) -> str:
        if len(body) > _BODY_TEXT_LIMIT:
            return _summary(body)
        try:
            text = body.decode()
        except UnicodeDecodeError:
            return _summary(body)
        self._redactor.learn(text)
        looks_like_json = text.lstrip()[:1] in ("{", "[")
        return _bounded(self._redactor.json(text) if looks_like_json else self._redactor.form(text), body)

    def _checked_headers(self, pairs: list[tuple[str, str]]) -> list[tuple[str, str]]:
        for name, value in pairs:
            problem = _header_problem(name, value)
            if problem:
                raise self._mistake(f"the header {name!r} {problem}", "give it a plain name and one line of ASCII text")
            if self._redactor.hides_header(name):
                # the scheme's name (Bearer, Basic) is no part of the credential
                self._redactor.add(value.rpartition(" ")[2])
        return pairs

    def _mistake(self, what: str, next_step: str) -> AuthorMistake:
        return AuthorMistake(f"{self._endpoint.name}: {what}", where=self._base, next_step=next_step)

    def _own_headers(self) -> Pairs:
        """Return the endpoint's headers and its credential, checked; the redactor learns every secret in them."""
        endpoint, redactor = self._endpoint, self._redactor
        mistakes = []
        pairs: list[tuple[str, str]] = []
        for name, value in endpoint.headers:
            if isinstance(value, Secret):
                redactor.add_header(name)
                redactor.add(value.reveal())
            text = value.reveal() if isinstance(value, Secret) else value
            problem = _header_problem(name, text)
            if problem:
                mistakes.append(endpoint.mistake(f"headers.{_printable(name)}", problem, "one line of ASCII text"))
            pairs.append((name, text))
        if mistakes:
            raise ConfigError(mistakes)
        return (*pairs, *self._credential())

    def _credential(self) -> Pairs:
        endpoint, redactor = self._endpoint, self._redactor
        auth = endpoint.auth
        if auth is None:
            return ()
        if isinstance(auth, BasicAuth):
            if ":" in auth.username:
                raise ConfigError([endpoint.mistake("auth.username", "holds a colon", "a name without one (RFC 7617)")])
            password = auth.password.reveal()
            redactor.add_basic(auth.username, password)
            pair = base64.b64encode(f"{auth.username}:{password}".encode("utf-8", "surrogateescape"))
            return (("Authorization", f"Basic {pair.decode()}"),)
        secret = auth.token if isinstance(auth, BearerAuth) else auth.value
        name = "Authorization" if isinstance(auth, BearerAuth) else auth.name
        value = secret.reveal()
        redactor.add(value)
        redactor.add_header(name)
        problem = _header_problem(name, value)
        if problem:
            mistake = endpoint.mistake(f"auth ({secret.source})", problem, "one line of ASCII text")
            raise SecretUnavailable([mistake])
        return ((name, f"Bearer {value}" if isinstance(auth, BearerAuth) else value),)


def _origin(url: str) -> tuple[str, str, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port or {"http": 80, "https": 443}.get(parts.scheme)


def _target(url: str) -> str:
    """Return an absolute URL's path with its query."""
    parts = urlsplit(url)
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def _quoted(path: str) -> str:
    """Return a path with its query, every character escaped that may not stand there."""
    path, mark, query = path.partition("?")
    return quote(path, safe=_PATH_SAFE) + mark + quote(query, safe=_QUERY_SAFE)


def _pairs(params: Params | None) -> list[tuple[str, Any]]:
    if not params:
        return []
    return list(params.items() if isinstance(params, Mapping) else params)


def _encoded(params: Params) -> str:
    """Return parameters form-encoded."""
    parts = []
    for name, value in _pairs(params):
        for one in value if isinstance(value, (list, tuple, set, frozenset)) else (value,):
            if one is not None:
                text = (
                    one if isinstance(one, str) else ("true" if one else "false") if isinstance(one, bool) else str(one)
                )
                parts.append(f"{quote_plus(name)}={quote_plus(text, errors='surrogatepass')}")
    return "&".join(parts)


def _overridden(headers: Pairs, more: Pairs) -> Pairs:
    """Return headers in which the later ones replace earlier ones of the same name."""
    names = {name.lower() for name, _ in more}
    return (*(pair for pair in headers if pair[0].lower() not in names), *more)


def _header_problem(name: object, value: object) -> str:
    """Return what is wrong with a header, without its value; empty if nothing is."""
    if not isinstance(name, str) or not _TOKEN.fullmatch(name):
        return "has a name that no header can have"
    if name.lower() in _FRAMING:
        return "is set by the transport itself"
    return _value_problem(value)


def _value_problem(value: object) -> str:
    if not isinstance(value, str):
        return f"is not text but {type(value).__name__}"
    if _CONTROL.search(value):
        return "holds a line break or another control character"
    if not value.isascii():
        return "holds characters that a header cannot carry"
    return "begins or ends with white space" if value != value.strip() else ""


def _printable(name: object) -> str:
    return ascii(name)[1:-1] if isinstance(name, str) else repr(name)


def _bounded(shown: str, body: bytes) -> str:
    return shown if len(shown) <= _BODY_TEXT_LIMIT else _summary(body)


def _summary(body: bytes) -> str:
    return f"<{len(body)} bytes, sha256 {hashlib.sha256(body).hexdigest()}>"
