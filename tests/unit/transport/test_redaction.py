"""Redaction: by name, by value, in every spelling; and nothing else is touched."""

from __future__ import annotations

import base64
import json
import pprint
import reprlib
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_deploycheck.transport.redaction import MASK, Redactor

SECRET = 'p@ss "word"/<&>é\\x'  # noqa: S105 - made up


def spellings(secret: str) -> list[str]:
    return [
        secret,
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        json.dumps(secret)[1:-1].replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"),
        quote(secret, safe=""),
        quote(secret),
        quote_plus(secret),
        quote(secret, safe="").lower().replace("%5cx", "%5cx"),
        base64.b64encode(secret.encode()).decode(),
        base64.urlsafe_b64encode(secret.encode()).decode(),
    ]


@pytest.mark.parametrize("spelling", spellings(SECRET))
def test_a_known_secret_in_every_spelling(spelling: str) -> None:
    redactor = Redactor()
    redactor.add(SECRET)
    assert redactor.text(f"a {spelling} b") == f"a {MASK} b"
    assert redactor.body(f'{{"a":"{spelling}"}}'.encode()) == f'{{"a":"{MASK}"}}'.encode()


def test_the_base64_of_user_and_password() -> None:
    redactor = Redactor()
    redactor.add_basic("alice", "secret-word")
    pair = base64.b64encode(b"alice:secret-word").decode()
    assert redactor.text(f"Basic {pair} secret-word") == f"Basic {MASK} {MASK}"


def test_a_secret_within_a_secret_goes_in_one_piece() -> None:
    redactor = Redactor()
    redactor.add("abcd")
    redactor.add("abcdefgh")
    assert redactor.text("abcdefgh abcd") == f"{MASK} {MASK}"


def test_short_secrets_are_not_searched_for() -> None:
    redactor = Redactor()
    redactor.add("abc")
    assert redactor.text("abc in every alphabet: abc") == "abc in every alphabet: abc"
    assert redactor.headers([("Authorization", "Bearer abc")]) == (("Authorization", MASK),)


def test_a_body_without_secrets_is_the_same_object() -> None:
    redactor = Redactor()
    redactor.add("secret-word")
    body = b"x" * 100
    assert redactor.body(body) is body


def test_headers() -> None:
    redactor = Redactor()
    redactor.add("secret-word")
    redactor.add_header("X-Grafana-Thing")
    pairs = [
        ("authorization", "Bearer x"),
        ("Cookie", "a=b"),
        ("SET-COOKIE", "a=b"),
        ("Proxy-Authorization", "Basic x"),
        ("X-Api-Key", "x"),
        ("X-Vault-Token", "x"),
        ("X-Grafana-Thing", "x"),
        ("X-Scope-OrgID", "team-a"),
        ("Content-Type", "application/json"),
        ("X-Echo", "so secret-word it is"),
        ("Location", "https://u:p@h/?code=abc&a=1"),
    ]
    assert [value for _, value in redactor.headers(pairs)] == [
        *[MASK] * 7,
        "team-a",
        "application/json",
        f"so {MASK} it is",
        f"https://{MASK}@h/?code={MASK}&a=1",
    ]


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://h/x", "http://h/x"),
        ("http://u:p@h/x", f"http://{MASK}@h/x"),
        ("http://h/a@b?q=c@d", "http://h/a@b?q=c@d"),
        ("http://h/?token=a&x=1&ACCESS_TOKEN=b", f"http://h/?token={MASK}&x=1&ACCESS_TOKEN={MASK}"),
        ("http://h/?api_key=a;password=b#c", f"http://h/?api_key={MASK};password={MASK}#c"),
        ("http://h/?X-Amz-Signature=a&key=b&secret=c", f"http://h/?X-Amz-Signature={MASK}&key={MASK}&secret={MASK}"),
        ("http://h/?monkey=a&query=token%3Dx&keys=1", "http://h/?monkey=a&query=token%3Dx&keys=1"),
        ("http://h/?id_token=&client_secret=x", f"http://h/?id_token={MASK}&client_secret={MASK}"),
        ('http://h/?query=up{a="b"}', 'http://h/?query=up{a="b"}'),
    ],
)
def test_urls(url: str, shown: str) -> None:
    assert Redactor().url(url) == shown


def test_forms_and_json() -> None:
    redactor = Redactor()
    assert redactor.form("a=1&password=x%20y&query=up") == f"a=1&password={MASK}&query=up"
    document = '{"password": "a\\"b", "n": 1, "apiKey":"x", "labels": {"token": 5}}'
    assert redactor.json(document) == f'{{"password": "{MASK}", "n": 1, "apiKey":"{MASK}", "labels": {{"token": 5}}}}'


def test_what_is_sent_is_known_when_it_comes_back() -> None:
    redactor = Redactor()
    redactor.learn("http://h/?access_token=from%20the+url&key=production&token=true")
    redactor.learn('{"password": "from \\"json\\""}')
    redactor.learn("password=from-form")
    text = 'from the url, from "json", from-form, production, true'
    assert redactor.text(text) == f"{MASK}, {MASK}, {MASK}, production, true"


def test_long_texts_are_searched_for_known_secrets() -> None:
    redactor = Redactor()
    redactor.add("secret-word")
    long = "x" * 300_000
    assert redactor.form(f"{long}secret-word") == f"{long}{MASK}"
    assert redactor.json(f'{{"a":"{long}secret-word"}}') == f'{{"a":"{long}{MASK}"}}'


@given(st.text(min_size=4), st.text(), st.text())
def test_no_known_secret_survives(secret: str, before: str, after: str) -> None:
    redactor = Redactor()
    redactor.add(secret)
    shown = redactor.text(before + secret + after)
    assert secret not in shown.replace(MASK, "\0") or secret in MASK
    redactor.body((before + secret + after).encode("utf-8", "surrogatepass"))
    redactor.url("http://h/?a=" + secret)


@pytest.mark.parametrize(
    ("shown", "masked"),
    [
        ("x = b'yyysecret-wo'\n    b'rd-1234 zzz'", f"x = b'yyy{MASK} zzz'"),
        ("E    -  ('yyysecret-wo'\nE    -   'rd-1234 zzz')", f"E    -  ('yyy{MASK} zzz')"),
        ("observed: secret-wo\n          rd-1234 zzz", f"observed: {MASK} zzz"),
        ("yyysecret-word-1...zzz", f"yyy{MASK}...zzz"),
        ("yyysecr…1234zzz", f"yyy{MASK}…{MASK}zzz"),
        ("yyysecret-word-123\n...Full output truncated", "yyysecret-word-123\n...Full output truncated"),
        ("yyysec...234zzz", "yyysec...234zzz"),
        ("secret-word-1234... secret-word-1234", f"{MASK}... {MASK}"),
        ("a secret\nword-1234", "a secret\nword-1234"),
        ("nothing of it...\nanywhere", "nothing of it...\nanywhere"),
    ],
)
def test_a_secret_that_was_wrapped_or_cut_for_reading(shown: str, masked: str) -> None:
    redactor = Redactor()
    redactor.add("secret-word-1234")
    assert redactor.rendered(shown) == masked


@given(
    before=st.text("xyz ", max_size=200),
    behind=st.text("xyz ", max_size=200),
    width=st.integers(20, 90),
    cut=st.booleans(),
)
def test_no_piece_of_a_secret_is_left_however_it_is_shown(before: str, behind: str, width: int, cut: bool) -> None:
    """As `pprint` wraps bytes, and as `reprlib` cuts texts."""
    secret = "0123-4567/89AB+CDEF"  # noqa: S105 - made up
    page = f"{before}{secret}{behind}"
    cutting = reprlib.Repr()
    cutting.maxstring = width
    shown = cutting.repr(page) if cut else pprint.pformat(page.encode(), width=width)
    redactor = Redactor()
    redactor.add(secret)
    left = redactor.rendered(shown)
    assert not [secret[at : at + 4] for at in range(len(secret) - 3) if secret[at : at + 4] in left]
