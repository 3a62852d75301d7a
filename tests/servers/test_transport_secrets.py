"""Secrets go out where they must, and turn up nowhere else; writing needs permission; odd arguments are refused."""

from __future__ import annotations

import base64
import json
import logging
import signal
import threading
from typing import Any

import pytest

from pytest_deploycheck.clients.http import HttpClient
from pytest_deploycheck.clock import ManualClock
from pytest_deploycheck.errors import (
    AuthorMistake,
    CannotMeasure,
    ConfigError,
    Forbidden,
    SecretUnavailable,
    WriteNotAllowed,
)
from pytest_deploycheck.transport.endpoint import BasicAuth, BearerAuth, Endpoint, HeaderAuth, Secret
from pytest_deploycheck.transport.outgoing import Composer
from pytest_deploycheck.transport.redaction import Redactor
from pytest_deploycheck.transport.tape import Tape
from pytest_deploycheck.transport.wire import Wire
from tests.servers.bad_servers import Connection, answering, http, json_answer
from tests.servers.wired import secret, wired

SECRET = 'tok"en/&<é+ä 9'.replace(" ", "_")


def everything(tape: Tape) -> str:
    """All that a tape holds, as text."""
    bodies = b"".join(tape.take_bodies().values()).decode("utf-8", "replace")
    return json.dumps([exchange.to_dict() for exchange in tape.take()], ensure_ascii=False) + bodies


def echo(connection: Connection) -> None:
    """Answer with the request, the way careless servers do."""
    connection.send(http(403, connection.request, Content_Type="text/plain", X_Echo=connection.server.targets[-1]))


@pytest.mark.parametrize(
    ("auth", "sent"),
    [
        (BearerAuth(secret("s3cr3t-t0ken")), ("Authorization", "Bearer s3cr3t-t0ken")),
        (
            BasicAuth("alice", secret("s3cr3t-pass")),
            ("Authorization", "Basic " + base64.b64encode(b"alice:s3cr3t-pass").decode()),
        ),
        (HeaderAuth("X-Grafana-Thing", secret("s3cr3t-thing")), ("X-Grafana-Thing", "s3cr3t-thing")),
    ],
)
def test_a_credential_is_sent_and_never_kept(auth: Any, sent: tuple[str, str]) -> None:
    with answering(echo) as server, wired(server.url, auth=auth) as w:
        error = w.refused(Forbidden, "GET", "/x")
        assert server.header(sent[0]) == sent[1]
        kept = everything(w.tape) + str(error) + repr(w.wire.endpoint) + repr(error)
        assert "s3cr3t" not in kept
        assert sent[1].split()[-1] not in kept
        assert "<redacted>" in kept


def test_secrets_in_every_place_and_spelling() -> None:
    auth = BasicAuth("bob", secret(SECRET))
    form = {"password": "formpass-word", "query": SECRET}
    with answering(echo) as server, wired(server.url, auth=auth, read_posts=("/x",)) as w:
        error = w.refused(
            Forbidden,
            "POST",
            "/x",
            params={"access_token": "url-t0ken-value", "q": SECRET},
            form=form,
            headers={"X-Vault-Token": "header-t0ken", "X-Scope-OrgID": "team-a"},
        )
        kept = everything(w.tape) + str(error)
        for value in (SECRET, "formpass-word", "url-t0ken-value", "header-t0ken"):
            assert value not in kept
            assert json.dumps(value)[1:-1] not in kept
        assert "tok%22en" not in kept
        assert "team-a" in kept, "the tenant is no secret, and evidence needs it"


def test_logging_shows_no_secret(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG), answering(json_answer({})) as server:
        with wired(server.url, auth=BearerAuth(secret("s3cr3t-t0ken"))) as w:
            w.wire.request("GET", "/x", params={"access_token": "s3cr3t-url"})
        assert "s3cr3t" not in caplog.text


def test_answers_are_redacted_on_the_tape_only() -> None:
    body = {"token": "s3cr3t-t0ken", "pair": base64.b64encode(b"alice:s3cr3t-t0ken").decode()}
    answer = json_answer(body, Set_Cookie="session=1234567", X_Request_Id="7")
    with answering(answer) as server, wired(server.url, auth=BasicAuth("alice", secret("s3cr3t-t0ken"))) as w:
        reply = w.wire.request("GET", "/x")
        assert json.loads(reply.body) == body, "the caller has what came"
        exchange = w.last
        assert w.tape.bodies[exchange.body_sha256 or ""] == b'{"token": "<redacted>", "pair": "<redacted>"}'
        kept = dict(exchange.response_headers)
        assert (kept["Set-Cookie"], kept["X-Request-Id"]) == ("<redacted>", "7")


def test_a_secret_header_of_the_endpoint_and_an_override() -> None:
    headers = (("X-Thing", secret("s3cr3t-h")), ("X-Scope-OrgID", "a"), ("Host", "prom.example"))
    with answering(json_answer({})) as server, wired(server.url, headers=headers) as w:
        w.wire.request("GET", "/x", headers={"x-scope-orgid": "b"})
        assert [server.header(n) for n in ("X-Thing", "X-Scope-OrgID", "Host")] == ["s3cr3t-h", "b", "prom.example"]
        assert dict(w.last.request_headers)["X-Thing"] == "<redacted>"


def test_a_secret_is_resolved_once_and_never_shown() -> None:
    calls = []

    def resolve() -> str:
        calls.append(1)
        return "s3cr3t"

    value = Secret("file /run/x", resolve)
    assert (value.reveal(), value.reveal(), len(calls)) == ("s3cr3t", "s3cr3t", 1)
    assert str(value) == "<secret from file /run/x>"
    assert repr(BearerAuth(value)) == "BearerAuth(token=Secret(source='file /run/x'))"


@pytest.mark.parametrize(
    ("resolve", "problem"),
    [
        (lambda: "", "is empty"),
        (lambda: "abcdef\r\nX-Evil: 1", "holds a line break or another control character"),
        (lambda: dict[str, str]()["PROM_TOKEN"], "cannot be read (KeyError)"),
        (lambda: 5, "is not text but int"),
    ],
)
def test_secrets_that_cannot_be_used(resolve: Any, problem: str) -> None:
    value = Secret("environment variable PROM_TOKEN", resolve)
    endpoint = Endpoint(name="prometheus", base_url="http://127.0.0.1:1", auth=BearerAuth(value))
    with pytest.raises(SecretUnavailable) as caught:
        Wire(endpoint, tape=Tape(), redactor=Redactor(), clock=ManualClock())
    assert str(caught.value) == (
        "1 mistake in the configuration\n"
        f"  environment variable PROM_TOKEN: secret: {problem} (expected one line of text)\n"
        "  next: set environment variable PROM_TOKEN to the secret's value"
    )


@pytest.mark.parametrize(
    ("fields", "mistake"),
    [
        (
            {"headers": (("X-A", "a\r\nX-Evil: 1"),)},
            "headers.X-A: holds a line break or another control character (expected one line of ASCII text)",
        ),
        (
            {"headers": (("X A", "a"),)},
            "headers.X A: has a name that no header can have (expected one line of ASCII text)",
        ),
        (
            {"headers": (("Content-Length", "5"),)},
            "headers.Content-Length: is set by the transport itself (expected one line of ASCII text)",
        ),
        (
            {"auth": BearerAuth(secret("schlüssel"))},
            (
                "auth (environment variable PROM_TOKEN): holds characters that a header cannot carry"
                " (expected one line of ASCII text)"
            ),
        ),
        (
            {"auth": BasicAuth("a:b", secret("pass"))},
            "auth.username: holds a colon (expected a name without one (RFC 7617))",
        ),
    ],
)
def test_headers_that_cannot_be_sent(fields: dict[str, Any], mistake: str) -> None:
    endpoint = Endpoint(name="prometheus", base_url="http://127.0.0.1:1", **fields)
    with pytest.raises(ConfigError) as caught:
        Wire(endpoint, tape=Tape(), redactor=Redactor(), clock=ManualClock())
    assert [str(one) for one in caught.value.mistakes] == [f"system prometheus: {mistake}"]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (
            {"headers": {"X-A": "a\nb"}},
            (
                "the header 'X-A' holds a line break or another control character\n"
                "  at: {url}\n  next: give it a plain name and one line of ASCII text"
            ),
        ),
        (
            {"json": float("nan")},
            (
                "json= cannot be written as JSON: Out of range float values are not JSON compliant\n"
                "  at: {url}\n  next: give it plain values"
            ),
        ),
        (
            {"json": 1, "form": {"a": 1}},
            "a request has one body, not several\n  at: {url}\n  next: give one of form=, json= and content=",
        ),
        ({"method": "GET /x\r\n"}, "'GET /X\\r\\n' is no HTTP method\n  at: {url}\n  next: use GET, POST, …"),
        (
            {"path": "http://user@127.0.0.1:1/x?token=12345678"},
            (
                "refused to ask another host\n  at: http://<redacted>@127.0.0.1:1/x?token=<redacted>\n"
                "  next: ask below {url}, or configure that host as a system of its own"
            ),
        ),
    ],
)
def test_arguments_that_make_no_request(arguments: dict[str, Any], text: str) -> None:
    with wired("http://127.0.0.1:1") as w:
        arguments = {"method": "GET", "path": "/x", **arguments}
        error = w.refused(AuthorMistake, **arguments)
        assert str(error).replace(" (value: nan)", "").replace(": nan", "") == "prometheus: " + text.format(
            url="http://127.0.0.1:1"
        )
        assert w.tape.take() == []


@pytest.mark.parametrize(
    ("path", "params", "sent"),
    [
        ("/a b", None, "/p/a%20b"),
        ("a", {"match[]": ["up", "x{a='b c'}"], "n": 1, "t": True, "none": None}, None),
        ("/a?x=1", [("y", "2"), ("y", "3")], "/p/a?x=1&y=2&y=3"),
        ("", None, "/p/"),
        ("/a\r\nX-Evil: 1", None, "/p/a%0D%0AX-Evil:%201"),
        ("/é", None, "/p/%C3%A9"),
        ("//other/x", None, "/p//other/x"),
        ("@other/x", None, "/p/@other/x"),
    ],
)
def test_paths_and_parameters(path: str, params: Any, sent: str | None) -> None:
    sent = sent or "/p/a?match%5B%5D=up&match%5B%5D=x%7Ba%3D%27b+c%27%7D&n=1&t=true"
    with answering(json_answer({})) as server, wired(server.url + "/p") as w:
        reply = w.wire.request("GET", path, params=params)
        assert server.targets == [f"GET {sent}"]
        assert reply.url == server.url + sent
        absolute = w.wire.request("GET", server.url + "/p/q?z=1")
        assert (absolute.url, server.targets[-1]) == (f"{server.url}/p/q?z=1", "GET /p/q?z=1")


def test_a_question_too_long_for_a_url() -> None:
    with wired("http://127.0.0.1:1") as w:
        error = w.refused(CannotMeasure, "GET", "/x", params={"q": "y" * 70_000})
        assert str(error) == (
            "prometheus: the request cannot be sent\n"
            f"  at: http://127.0.0.1:1/x?q={'y' * 977}…\n"
            "  URL too long\n"
            f"  evidence: {w.last.id}\n"
            "  next: send a question this long as a form, with POST"
        )


def test_writing_needs_the_run_and_the_check() -> None:
    with answering(json_answer({})) as server:
        with wired(server.url, name="alertmanager") as w:
            w.wire.write_guard = lambda *_: None
            error = w.refused(WriteNotAllowed, "POST", "/api/v2/alerts", json=[])
            assert str(error) == (
                "alertmanager: POST may change something; nothing was sent\n"
                f"  at: {server.url}/api/v2/alerts\n"
                "  the run does not allow writing to alertmanager\n"
                "  the check has to say that it writes, too\n"
                '  next: mark the check `@pytest.mark.writes("alertmanager")` and allow it for the run with '
                "`--deploycheck-allow-writes` or `writes = true` on that system in deploycheck.toml"
            )
        with wired(server.url, name="alertmanager", writes_allowed=True) as w:
            error = w.refused(WriteNotAllowed, "DELETE", "/x")
            assert error.details[0] == "the run allows writing to alertmanager"
            asked: list[tuple[str, str, str]] = []
            w.wire.write_guard = lambda endpoint, method, url: asked.append((endpoint.name, method, url))
            assert server.connections == 0, "not one byte left"
            w.wire.request("POST", "/x", json={"password": "hunter22222", "n": 1})
            assert asked == [("alertmanager", "POST", f"{server.url}/x")]
            exchange = w.last
            assert (exchange.effect, exchange.request_body) == ("write", '{"password":"<redacted>","n":1}')


def test_a_get_that_writes_and_a_post_that_reads() -> None:
    with answering(json_answer({})) as server, wired(server.url) as w:
        w.refused(WriteNotAllowed, "GET", "/-/quit", effect="write")
        assert w.wire.request("POST", "/api/ds/query", json={}, effect="read").status == 200


def test_an_interrupted_request_is_on_the_tape() -> None:
    main = threading.main_thread().ident
    assert main is not None

    def interrupt(connection: Connection) -> None:
        connection.send(b"HTTP/1.1 200 OK\r\n")
        signal.pthread_kill(main, signal.SIGINT)
        connection.hold()

    with answering(interrupt) as server, wired(server.url) as w:
        with pytest.raises(KeyboardInterrupt):
            w.wire.request("GET", "/x")
        exchange = w.last
        assert (exchange.status, exchange.error) == (None, "interrupted")


def test_a_listener_that_fails_is_heard() -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with answering(json_answer({})) as server, wired(server.url) as w:
        w.tape.on_record.append(full)
        with pytest.raises(OSError, match="No space left on device"):
            w.wire.request("GET", "/x")


def test_what_is_shown_of_a_local_variable_holds_no_secret() -> None:
    """Tracebacks with local variables show representations, cut and wrapped as no redaction can foresee."""
    auth = BearerAuth(secret("s3cr3t-t0ken"))
    plain = (("X-Scope", "s3cr3t-scope"),)
    with answering(echo) as server, wired(server.url, auth=auth, headers=plain) as w:
        reply = w.wire.request("GET", "/x", params={"token": "s3cr3t-parameter"}, statuses="any")
        assert repr(reply) == (
            f"<Reply of prometheus: 403 {server.url}/x?token=<redacted>, {len(reply.body)} bytes, "
            f"evidence {reply.evidence}>"
        )
        assert repr(w.wire) == f"<Wire to <Endpoint prometheus at {server.url}>>"
        composer = Composer(w.wire.endpoint, w.redactor)
        outgoing = composer.compose(
            "POST", "/y", params=None, form=None, json=None, content=b"s3cr3t-body", headers=None, effect=None
        )
        assert repr(outgoing) == f"<Outgoing POST {server.url}/y, write>"
        answer = HttpClient(w.wire).get("/z", expected=(403,))
        assert repr(answer) == (
            f"<HttpAnswer: 403 GET {server.url}/z, {len(answer.body)} bytes, evidence {answer.evidence}>"
        )
        assert "s3cr3t" not in "".join(map(repr, (reply, w.wire, composer, outgoing, answer, w.tape, w.redactor, auth)))
