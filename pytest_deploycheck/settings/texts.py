"""The texts of the settings that have a grammar of their own: URLs, headers, labels, regular expressions, names."""

import re
import warnings
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from pytest_deploycheck.model import duration
from pytest_deploycheck.settings.values import Wrong, kind_of, quoted, text_like

_URL = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<authority>[^/?#]*)(?P<path>[^?#]*)(?P<rest>.*)", re.DOTALL
)
_HOST = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^\s:\[\]@]+)(?::(?P<port>[0-9]{1,6}))?")
_HIGHEST_PORT = 65535
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", re.ASCII)
_SECRET_HEADER = re.compile(
    r"authorization|proxy-authorization|(?:set-)?cookie2?|.*(?:token|api-?key|secret|password)", re.IGNORECASE
)
_TIER = rf"immediate|investigate|after\({duration.pattern()}\)"


def _url(value: Any, schemes: tuple[str, ...], *, with_path: bool) -> str:
    """Check a URL; nothing of it is ever shown, for it may hold a password."""
    words = f'an address such as "{schemes[-1]}://{"prometheus" if with_path else "proxy"}.example.com"'
    if not isinstance(value, str):
        raise Wrong(f"is {kind_of(value)}", words)
    if not value.strip():
        raise Wrong("is empty", words)
    if any(char.isspace() or not char.isprintable() for char in value):
        raise Wrong("holds white space or a control character", words)
    match = _URL.fullmatch(value)
    if match is None or match["scheme"].lower() not in schemes:
        raise Wrong(f"does not begin with {' or '.join(f'{scheme}://' for scheme in schemes)}", words)
    if "@" in match["authority"] or "@" in match["path"]:  # a password may hold a slash, and then looks like a path
        raise Wrong(
            "holds a user or password, which is a secret by value", "the address alone, and the credentials in auth"
        )
    if match["rest"]:
        raise Wrong("has a query or fragment", words)
    host = _HOST.fullmatch(match["authority"])
    if host is None:
        raise Wrong("has no usable host", words)
    if host["port"] is not None and not 0 < int(host["port"]) <= _HIGHEST_PORT:
        raise Wrong("has a port outside 1 to 65535", words)
    if not with_path and match["path"] not in ("", "/"):
        raise Wrong("has a path", words)
    return value


def _http_url(value: Any) -> str:
    return _url(value, ("http", "https"), with_path=True)


def _proxy_url(value: Any) -> str:
    return _url(value, ("socks5", "socks5h", "http"), with_path=False)


def _headers(value: dict[str, str]) -> dict[str, str]:
    for name, text in value.items():
        if not _HEADER_NAME.fullmatch(name):
            raise Wrong(f"{quoted(name)} is not the name of a header", "letters, digits and hyphens")
        if _SECRET_HEADER.fullmatch(name):
            raise Wrong(
                f"{name} carries a secret by value",
                f'auth = {{ header = "{name}", value = {{ env = "NAME" }} }}, or bearer, or username and password',
            )
        if any(ord(char) < 0x20 or ord(char) > 0x7E for char in text):  # noqa: PLR2004 - printable ASCII
            raise Wrong(f"the value of {name} holds a character that a header cannot carry", "printable ASCII")
    return value


def _regex(value: str) -> str:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of future changes in Python's own syntax
            re.compile(value)
    except (re.error, OverflowError, RecursionError) as error:
        raise Wrong(f"is not a valid regular expression: {error}", "one that matches the label's whole value") from None
    return value


_URL_SCHEMA = WithJsonSchema({"type": "string", "pattern": r"^https?://[^\s/?#@]+(/[^\s?#]*)?$", "format": "uri"})

HttpUrl = Annotated[str, BeforeValidator(_http_url), _URL_SCHEMA]
"""An `http` or `https` URL without user, password, query or fragment; a path prefix is kept."""

ProxyUrl = Annotated[
    str,
    BeforeValidator(_proxy_url),
    WithJsonSchema({"type": "string", "pattern": r"^(http|socks5h?)://[^\s/?#@]+/?$", "format": "uri"}),
]
"""The address of a proxy, without credentials; proxies that are themselves reached by https are not supported."""

Headers = Annotated[dict[str, str], AfterValidator(_headers)]
"""Header name → value; nothing secret."""

Regex = Annotated[str, AfterValidator(_regex), Field(json_schema_extra={"format": "regex"})]
"""A regular expression that must match a whole value."""

LabelName = Annotated[str, *text_like(r"[A-Za-z_][A-Za-z0-9_]*", "a label name: letters, digits and underscores")]
"""The name of a Prometheus label."""

HeaderName = Annotated[str, *text_like(r"[A-Za-z0-9-]+", "the name of a header, such as X-Api-Key")]
"""The name of an HTTP header."""

RequestPath = Annotated[str, *text_like(r"/[^\s#]*", "a path that begins with /, without white space or #")]
"""The path of a request, a query included."""

Host = Annotated[
    str,
    *text_like(
        r"[^\s/?#@\[\]:]+|[0-9A-Fa-f.]*:[0-9A-Fa-f.]*:[0-9A-Fa-f:.%\w]*",
        "the name or address of a host, without scheme, port and path",
    ),
]
"""A host: a DNS name, an IPv4 address, or an IPv6 address without brackets."""

EntryId = Annotated[str, *text_like(r"[A-Za-z0-9_.:/-]*", "letters, digits and any of _ . : / -")]
"""The id of an entry."""

Tier = Annotated[str, *text_like(_TIER, "immediate, investigate, or after(30m)")]
"""What a failure means for the release."""

Key = Annotated[str, *text_like(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", "letters, digits, and - _ . after the first")]
"""The name of an environment, service or log source."""

Digest = Annotated[str, *text_like(r"sha256:[0-9a-f]{64}", "sha256: and 64 lower-case hexadecimal digits")]
"""The digest of an image."""
