"""Where a system is and how it is to be asked: frozen data, checked when it is made."""

from __future__ import annotations

import threading
from collections.abc import Callable  # noqa: TC003 - dataclass fields are inspected at run time by documentation tools
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path  # noqa: TC003 - the same
from typing import Literal
from urllib.parse import urlsplit

import msgspec

from pytest_deploycheck.errors import ConfigError, Mistake, SecretUnavailable

MIB = 1024 * 1024

PROMETHEUS_READ_POSTS = (
    "/api/v1/query",
    "/api/v1/query_range",
    "/api/v1/query_exemplars",
    "/api/v1/series",
    "/api/v1/labels",
    "/api/v1/format_query",
)
"""The POST endpoints of Prometheus's HTTP API that only read (its API documentation offers them for long queries)."""


@dataclass(frozen=True, slots=True)
class Secret:
    """A value that is never shown: resolved when it is first needed, then kept.

    Attributes:
        source: where it comes from, for messages, such as `environment variable PROM_TOKEN`.
        resolve: returns the value; a `ConfigError` of its own passes through.
    """

    source: str
    resolve: Callable[[], str] = field(repr=False)
    _known: list[str] = field(default_factory=list, init=False, repr=False, compare=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False, compare=False)

    def reveal(self) -> str:
        """Return the value itself.

        Raises:
            SecretUnavailable: if it cannot be resolved, is empty, or holds a control character (which could smuggle
                a second header into a request).
        """
        with self._lock:
            if not self._known:
                self._known.append(self._checked())
            return self._known[0]

    def _checked(self) -> str:
        """Resolve the value and refuse what no credential can be; the texts never hold any of it."""
        try:
            value = self.resolve()
        except ConfigError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it raises must not end as a traceback, nor be shown
            raise self._unavailable(f"cannot be read ({type(error).__name__})") from None
        if not isinstance(value, str):
            raise self._unavailable(f"is not text but {type(value).__name__}")
        if not value:
            raise self._unavailable("is empty")
        if any(ord(char) < 32 or ord(char) == 127 for char in value):  # noqa: PLR2004 - ASCII control characters
            raise self._unavailable("holds a line break or another control character")
        return value

    def _unavailable(self, problem: str) -> SecretUnavailable:
        return SecretUnavailable(
            [Mistake(where=self.source, key="secret", problem=problem, expected="one line of text")],
            next_step=f"set {self.source} to the secret's value",
        )

    def __str__(self) -> str:
        return f"<secret from {self.source}>"


class BearerAuth(msgspec.Struct, frozen=True):
    """`Authorization: Bearer …`."""

    token: Secret


class BasicAuth(msgspec.Struct, frozen=True):
    """`Authorization: Basic …`, the two parts encoded as UTF-8 (RFC 7617)."""

    username: str
    password: Secret


class HeaderAuth(msgspec.Struct, frozen=True):
    """A credential in a header of its own, such as `X-Api-Key`."""

    name: str
    value: Secret


Auth = BearerAuth | BasicAuth | HeaderAuth


class Tls(msgspec.Struct, frozen=True, kw_only=True):
    """How a server proves who it is, and how we do.

    Attributes:
        verify: False accepts every certificate; the wire then carries a warning.
        ca: PEM file of the only authorities to trust; None = those of the machine.
        cert: PEM file of the client's certificate (chain).
        key: PEM file of its key, if it is not in `cert`.
        server_name: the name to ask for (SNI) and to expect in the certificate; None = the URL's host.
    """

    verify: bool = True
    ca: Path | None = None
    cert: Path | None = None
    key: Path | None = None
    server_name: str | None = None


class Timeouts(msgspec.Struct, frozen=True, kw_only=True):
    """Limits in seconds.

    Attributes:
        connect: for each of looking the name up, connecting, and the TLS handshake.
        read: for the next bytes to come or to be taken.
        total: for everything together: connecting, all attempts, the waits between them, redirects, the last byte.
    """

    connect: float = 5.0
    read: float = 30.0
    total: float = 60.0


class Retries(msgspec.Struct, frozen=True, kw_only=True):
    """How often a question that only reads is asked again.

    Attributes:
        attempts: how many attempts in all; 1 = never again.
        base: seconds before the second attempt; doubled each time.
        cap: the longest such wait in seconds.
        retry_after_cap: the longest wait in seconds that a server may ask for with `Retry-After`.
    """

    attempts: int = 3
    base: float = 0.2
    cap: float = 5.0
    retry_after_cap: float = 40.0  # API servers of Kubernetes ask for up to 32 s


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """One system's address and manners.

    Attributes:
        name: what messages and evidence call it, such as `prometheus`, `service mcp` or `prometheus of eu`.
        base_url: `http(s)://host[:port][/prefix]`; credentials do not belong into it.
        auth: the credential, if any.
        headers: further headers of every request; a value may be a `Secret`.
        tls: see `Tls`; only for https.
        proxy: `http://[user:password@]host:port` or `socks5://…`; the environment's proxies are never used.
        timeouts: in seconds.
        retries: see `Retries`.
        max_body: the largest body in bytes, also after decompression.
        compression: `auto` asks for gzip except of loopback hosts, where packing costs more than it saves.
        read_posts: path suffixes where POST only reads.
        writes_allowed: whether the run may change anything there (the check must opt in as well).
        give_up_after: how many requests in a row may time out without any answer before the system is left alone for a
            while (see `silence`); 0 = however many.

    Raises:
        ConfigError: if the address or a number cannot be used; with all mistakes.
    """

    name: str
    base_url: str
    auth: Auth | None = None
    headers: tuple[tuple[str, str | Secret], ...] = ()
    tls: Tls = msgspec.field(default_factory=Tls)
    proxy: str | None = None
    timeouts: Timeouts = msgspec.field(default_factory=Timeouts)
    retries: Retries = msgspec.field(default_factory=Retries)
    max_body: int = 64 * MIB
    compression: Literal["auto", "gzip", "identity"] = "auto"
    read_posts: tuple[str, ...] = ()
    writes_allowed: bool = False
    give_up_after: int = 2

    def __post_init__(self) -> None:
        """Refuse what can never work, with all mistakes at once."""
        mistakes = [
            *self._mistakes_in_url("base_url", self.base_url, schemes=("http", "https"), bare=True),
            *self._mistakes_in_numbers(),
        ]
        if self.proxy is not None:
            mistakes += self._mistakes_in_url("proxy", self.proxy, schemes=("http", "socks5", "socks5h"), bare=False)
        if mistakes:
            raise ConfigError(mistakes)

    def __repr__(self) -> str:
        """Tell name and place: the headers and the proxy's URL may hold credentials."""
        return f"<Endpoint {self.name} at {self.base_url}>"

    @property
    def short_name(self) -> str:
        """What markers and options call it: `prometheus`, `mcp`; the same in every target."""
        return self.name.removeprefix("service ").partition(" of ")[0]

    @property
    def accept_encoding(self) -> str:
        """The `Accept-Encoding` to send."""
        if self.compression == "auto":
            return "identity" if is_loopback(urlsplit(self.base_url).hostname or "") else "gzip"
        return self.compression

    def mistake(self, key: str, problem: str, expected: str = "") -> Mistake:
        """Return a mistake in this system's settings."""
        return Mistake(where=f"system {self.name}", key=key, problem=problem, expected=expected)

    def _mistakes_in_url(self, key: str, url: str, *, schemes: tuple[str, ...], bare: bool) -> list[Mistake]:
        """Return what is wrong with a URL; the texts never repeat it whole, for it may hold a password.

        Args:
            key: the setting's name.
            url: the URL.
            schemes: the ones that can be used.
            bare: whether it must be without credentials.
        """
        expected = f"{'|'.join(schemes)}://host[:port]" + ("[/prefix]" if bare else "")
        if any(char.isspace() or ord(char) < 32 for char in url):  # noqa: PLR2004 - ASCII control characters
            return [self.mistake(key, "holds white space or a control character", expected)]
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError as error:
            # urlsplit's texts for ports quote only the port, but be safe about what precedes an @
            problem = "is not a URL" if "@" in url else f"is not a URL: {error}"
            return [self.mistake(key, problem, expected)]
        if parts.scheme not in schemes:
            problem = f"has the scheme {parts.scheme!r}" if parts.scheme and "://" in url else "has no scheme"
            return [self.mistake(key, problem, expected)]
        mistakes = []
        if not host:
            mistakes.append(self.mistake(key, "has no host", expected))
        elif not _is_hostname(host):
            mistakes.append(self.mistake(key, f"has the host {host!r}, which is no host name", expected))
        if port == 0:
            mistakes.append(self.mistake(key, "has the port 0", expected))
        if bare and "@" in parts.netloc:
            mistakes.append(self.mistake(key, "holds credentials", "them in `auth`, by reference"))
        if bare and (parts.query or parts.fragment):
            mistakes.append(self.mistake(key, "has a query or a fragment", expected))
        return mistakes

    def _mistakes_in_numbers(self) -> list[Mistake]:
        limits = {
            "timeouts.connect": self.timeouts.connect,
            "timeouts.read": self.timeouts.read,
            "timeouts.total": self.timeouts.total,
            "max_body": self.max_body,
            "retries.attempts": self.retries.attempts,
        }
        waits = {
            "retries.base": self.retries.base,
            "retries.cap": self.retries.cap,
            "retries.retry_after_cap": self.retries.retry_after_cap,
            "give_up_after": self.give_up_after,
        }
        # written as "not (in range)" so that NaN is a mistake too
        return [
            *(self.mistake(key, f"is {value}", "more than 0") for key, value in limits.items() if not value > 0),
            *(self.mistake(key, f"is {value}", "0 or more") for key, value in waits.items() if not value >= 0),
        ]


def is_loopback(host: str) -> bool:
    """Return whether a host is this machine: `localhost`, a name under it (RFC 6761), or a loopback address."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _is_hostname(host: str) -> bool:
    """Return whether a host can be asked for: an address, or a name of sane labels (RFC 1123, IDNA applied)."""
    if ":" in host:
        try:
            ip_address(host.partition("%")[0])
        except ValueError:
            return False
        return True
    try:
        name = host.rstrip(".").encode("idna").decode("ascii")
    except UnicodeError:
        return False
    return bool(name) and all(char.isalnum() or char in "-._" for char in name)
