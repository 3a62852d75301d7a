"""No secret in anything that anybody reads, whatever a server says and however pytest is asked to show it."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from tests.e2e.three_systems import (
    AT_ONCE,
    SUITE,
    Text,
    assert_held,
    assert_told,
    check_of,
    configure,
    good_then,
    reports,
)
from tests.servers.bad_servers import answering, http, json_answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.conftest import Ran
    from tests.servers.bad_servers import Connection

THREE = "no blocker failed, but 3 blockers could not be measured"
SECRET = "s3cr3t-Tok/en+9f8e7d6c5b4a"  # noqa: S105 - what must not be found
FORMS = (
    SECRET,
    quote(SECRET, safe=""),
    *(base64.b64encode(f"{head}{SECRET}".encode()).decode() for head in ("", "deployer:")),
)
AUTH = {
    "prometheus": 'auth = { bearer = { env = "SYSTEM_TOKEN" } }\n',
    "alertmanager": 'auth = { username = "deployer", password = { env = "SYSTEM_TOKEN" } }\n',
    "service mcp": 'auth = { header = "X-Api-Key", value = { env = "SYSTEM_TOKEN" } }\n',
}
WORDS = {
    "prometheus": "the bearer token from environment variable SYSTEM_TOKEN",
    "alertmanager": "the user 'deployer' with the password from environment variable SYSTEM_TOKEN",
    "service mcp": "the X-Api-Key from environment variable SYSTEM_TOKEN",
}
SHOWN = pytest.mark.parametrize(
    "options",
    [
        ("-vv", "--showlocals", "--junitxml=reports/junit.xml"),
        ("-n", "2", "--tb=short", "--showlocals"),
        ("--tb=native", "-o", "log_cli=true", "--log-cli-level=DEBUG", "--log-file=reports/log.txt"),
        ("--full-trace", "--showlocals", "-vvv", "-rA"),
    ],
    ids=["locals and JUnit", "xdist", "debug log", "full trace"],
)
"""Ways of asking pytest to tell more."""


def sent_with(connection: Connection) -> str:
    """Return the line of the request that holds the credential."""
    lines = connection.request.decode("latin-1").split("\r\n")
    return next(line for line in lines if line.lower().startswith(("authorization:", "x-api-key:")))


def quoting(connection: Connection) -> None:
    """Answer 401 and quote every header of the request, in a header and, behind a page of words, in the body."""
    sent = sent_with(connection)
    # so long a body that a cut at 200 characters goes through the middle of the secret
    room = 200 - len(sent) + len(SECRET) // 2
    body = f"{'x' * room}{sent} {sent}"
    connection.send(
        http(401, body, Content_Type="text/plain", WWW_Authenticate=f'Bearer error="{sent}"', Connection="close")
    )


def expired(connection: Connection) -> None:
    connection.send(http(401, "token expired", Content_Type="text/plain", Connection="close"))


def test_an_expired_credential(
    run: Callable[..., Ran], pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYSTEM_TOKEN", SECRET)
    with answering(good_then(expired)) as server:
        configure(pytester.path, server.url, AUTH)
        # the check does not say which status it expects: with a credential configured, 401 tells of the credential
        ran = run(test_it=SUITE.replace(", expected=(200,)", ""))
        assert_held(ran, THREE)
        text = {
            system: Text(
                what=f"401, {words} was not accepted",
                details=("the server says: token expired",),
                next_step=(
                    "the credential may have expired or been revoked: renew it in environment variable SYSTEM_TOKEN"
                ),
            )
            for system, words in WORDS.items()
        }
        assert_told(ran, text, server.url)
        assert_nowhere(ran)
        for number in range(len(server.requests)):
            sent = server.header("Authorization", number) or server.header("X-Api-Key", number) or ""
            assert any(form in sent for form in FORMS), "the server did get it"


@SHOWN
def test_a_server_that_quotes_the_credential(
    run: Callable[..., Ran], pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...]
) -> None:
    monkeypatch.setenv("SYSTEM_TOKEN", SECRET)
    (pytester.path / "reports").mkdir()
    with answering(quoting) as server:
        configure(pytester.path, server.url, AUTH)
        ran = run(*options, test_it=AT_ONCE)
        assert (ran.code, ran.record["verdict"]) == (6, "HOLD"), ran.text
        assert_nowhere(ran)


JUDGED = """
    import pytest

    @pytest.mark.blocker
    def test_series(prometheus):
        assert prometheus("up") == 1

    @pytest.mark.blocker
    def test_firing(alertmanager):
        assert alertmanager.alerts("active").none()

    @pytest.mark.warning
    def test_page(health):
        reply = health("mcp").get("/health")
        text, body, headers = reply.text, reply.answer.body, reply.headers
        assert text == "fine"

    @pytest.mark.blocker
    def test_pieces(health):
        reply = health("mcp").get("/health")
        body = reply.answer.body
        print(body)
        assert {"page": body} == {"page": b"fine"}

    @pytest.mark.blocker
    def test_a_mistake(health):
        reply = health("mcp").get("/health")
        raise ValueError(reply.text)

    def test_that_is_no_check(health):
        assert health("mcp").get("/health").text.splitlines() == []
"""


def repeating(connection: Connection) -> None:
    """Answer as asked, with the credential in every place that has room for one."""
    sent = sent_with(connection)
    # in the middle, where long representations are cut, and behind an odd number of characters, where they are wrapped
    page = "y" * 113 + sent + "z" * 113
    document: object = {
        "status": "success",
        "data": {"resultType": "vector", "result": [{"metric": {"owner": page}, "value": [1, "2"]}]},
    }
    if b"/api/v2/alerts" in connection.request:
        moment = "2026-11-21T11:45:00.000Z"
        document = [
            {
                "labels": {"alertname": "Hi", "owner": sent},
                "annotations": {"summary": page},
                "startsAt": moment,
                "endsAt": moment,
                "updatedAt": moment,
                "fingerprint": "f00dfeed",
                "generatorURL": f"http://prometheus/?{page}",
                "receivers": [{"name": "team"}],
                "status": {"state": "active", "silencedBy": [], "inhibitedBy": []},
            }
        ]
    if b"/api/" in connection.request:
        connection.send(json_answer(document, Connection="close", X_Echo=sent))
    else:
        connection.send(http(200, page, Content_Type="text/plain", Connection="close", X_Echo=sent))


@SHOWN
def test_an_answer_that_holds_the_credential(
    run: Callable[..., Ran], pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...]
) -> None:
    """What is judged, and what the author's own assertions and variables show, is masked, also where it is cut."""
    monkeypatch.setenv("SYSTEM_TOKEN", SECRET)
    (pytester.path / "reports").mkdir()
    with answering(repeating) as server:
        configure(pytester.path, server.url, AUTH, head='unmarked = "ignore"\n')
        ran = run(*options, test_it=JUDGED)
        assert (ran.code, ran.record["verdict"]) == (1, "NO-GO"), ran.text
        assert ran.outcomes() == {
            "test_series": "failed",
            "test_firing": "failed",
            "test_page": "failed",
            "test_pieces": "failed",
            "test_a_mistake": "error",
        }
        assert "<redacted>" in ran.text
        assert_nowhere(ran)


@pytest.mark.parametrize("value", [None, "", "two\nlines"], ids=["unset", "empty", "two lines"])
def test_a_secret_that_cannot_be_had(
    run: Callable[..., Ran], pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, value: str | None
) -> None:
    if value is None:
        monkeypatch.delenv("SYSTEM_TOKEN", raising=False)
    else:
        monkeypatch.setenv("SYSTEM_TOKEN", value)
    with answering(http(200, "{}")) as server:
        configure(pytester.path, server.url, AUTH["prometheus"])
        ran = run(test_it=AT_ONCE)
        assert server.requests == [], "nobody is asked without the credential"
    assert_held(ran, THREE)
    problem, expected = {
        None: ("environment variable SYSTEM_TOKEN is not set", "the secret"),
        "": ("environment variable SYSTEM_TOKEN is empty", "the secret"),
        "two\nlines": (
            "environment variable SYSTEM_TOKEN holds a line break or control character within its value",
            "one line",
        ),
    }[value]
    for name, table, line in (
        ("test_prometheus", "prometheus", 6),
        ("test_alertmanager", "alertmanager", 13),
        ("test_health", "services.mcp", 20),
    ):
        mistake = f"deploycheck.toml:{line}: environments.test.{table}.auth.bearer: {problem} (expected {expected})"
        assert ran.result_of(check_of(ran, name)) == ("error", mistake)
        told = [
            "E   1 mistake in the configuration",
            f"E     {mistake}",
            "E     next: make the secret available to this run; it is never kept in a file of ours",
        ]
        assert "\n".join(told) in ran.result.stdout.str()
    assert "two\nlines" not in ran.text
    assert "functools" not in ran.text, "the fixture's own frames help nobody"


def assert_nowhere(ran: Ran) -> None:
    """Assert that the secret, or a half of it, is neither shown nor kept, in any spelling."""
    texts = {"the terminal": ran.text}
    directory = reports(ran).parent
    texts |= {str(path): path.read_text(errors="replace") for path in directory.rglob("*") if path.is_file()}
    assert any("observations.jsonl" in name for name in texts)
    for name, text in texts.items():
        for form in FORMS:
            half = len(form) // 2
            for part in (form, form[:half], form[half:]):
                assert part not in text, f"{part} in {name}: {text}"
