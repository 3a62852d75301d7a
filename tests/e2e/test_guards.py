"""Guards on the author's own mistakes, against a real server."""

from __future__ import annotations

import http.server
import json
import threading
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.e2e.conftest import Ran


class _Answers(http.server.BaseHTTPRequestHandler):
    """A service, and as much of Prometheus's query API as a vector of two series needs."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path.startswith("/api/v1/query"):
            series = [
                {"metric": {"__name__": "x", "route": route}, "value": [1795264075.123, value]}
                for route, value in (("/a", "0.5"), ("/b", "0.001"))
            ]
            body = {"status": "success", "data": {"resultType": "vector", "result": series}}
        else:
            body = {"status": "healthy", "version": "1.2.3"}
        content = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_POST = do_GET  # noqa: N815 - named by http.server

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


@pytest.fixture
def configured(pytester: pytest.Pytester) -> Iterator[str]:
    """A server, and a configuration that names it as everything."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Answers)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    url = f"http://127.0.0.1:{server.server_port}"
    (pytester.path / "deploycheck.toml").write_text(
        f'[environments.test.prometheus]\nurl = "{url}"\n[environments.test.services.app]\nurl = "{url}"\n'
    )
    yield url
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ('prometheus("x")', "never judged: x"),
        ('prometheus("x") < 1', "never judged: x: 2 series, the nearest to the bound at 0.5"),
        ('prometheus("x"); prometheus("y")', "never judged: x (and 1 more)"),
        ('health("app").get("/health")', "never judged: GET /health"),
    ],
)
@pytest.mark.usefixtures("configured")
def test_a_forgotten_assert_is_an_error_that_names_its_line(run: Callable[..., Ran], body: str, message: str) -> None:
    ran = run(test_check=f"def test_a(prometheus, health):\n    {body}\n")
    assert (ran.code, ran.record["verdict"]) == (6, "HOLD"), ran.text
    assert ran.result_of(ran.record["checks"][0]) == ("error", message)
    assert "test_check.py:2" in ran.text


def test_without_a_configuration_nobody_says_that_it_lacks_something(run: Callable[..., Ran]) -> None:
    ran = run(
        "--deploycheck-signoff",
        test_check="""
            import pytest

            @pytest.mark.needs("prometheus")
            def test_a(prometheus):
                assert prometheus("x") < 1
        """,
    )
    assert (ran.code, ran.record["verdict"]) == (6, "HOLD"), ran.text
    assert f"1 test left out, because there is no deploycheck.toml in {ran.directory} or above" in ran.text


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("promtheus", "did you mean 'prometheus'?"),
        ("cluster.storage_class", "it takes systems and tables of an environment"),
        ("prometheus.url.more", "did you mean 'prometheus'?"),
    ],
)
@pytest.mark.usefixtures("configured")
def test_a_need_that_nobody_can_meet_is_a_usage_error(run: Callable[..., Ran], name: str, hint: str) -> None:
    ran = run(
        test_check=f"""
            import pytest

            @pytest.mark.needs("{name}")
            @pytest.mark.blocker
            def test_a(prometheus):
                assert prometheus("x") < 1

            @pytest.mark.blocker
            def test_b(prometheus):
                assert prometheus("x") < 1
        """
    )
    assert ran.code == 4, ran.text
    assert f"test_check.py::test_a: needs() does not know '{name}': {hint}" in ran.text


@pytest.mark.usefixtures("configured")
def test_an_answer_by_itself_is_neither_true_nor_false(run: Callable[..., Ran]) -> None:
    ran = run(test_check='def test_a(prometheus):\n    assert prometheus("x")\n')
    outcome, summary = ran.result_of(ran.record["checks"][0])
    assert (outcome, summary) == ("error", "x: an answer is neither true nor false by itself")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ('assert prometheus("x") < 1', 0),
        ('assert 0 < prometheus("x") <= 0.5', 0),
        ('assert all(one.last.value < 1 for one in prometheus("x"))', 0),
        ('assert prometheus("x")[{"route": "/a"}] == 0.5', 0),
        ('assert len(prometheus("x")) == 2', 0),
        ('assert prometheus("x").between(0, 1)', 0),
        ('assert prometheus("x") < 0.4', 1),
        ('assert not prometheus("x") > 0.1', 0),
        ('reply = health("app").get("/health"); assert reply.status == 200 and reply.version == "1.2.3"', 0),
        ('assert prometheus("x").value() < 1', 6),
    ],
)
@pytest.mark.usefixtures("configured")
def test_every_way_to_judge_counts(run: Callable[..., Ran], body: str, code: int) -> None:
    ran = run(test_check=f"def test_a(prometheus, health):\n    {body}\n")
    assert ran.code == code, ran.text


@pytest.mark.usefixtures("configured")
def test_the_failure_text_says_what_of_whom_expected_observed_evidence_next(run: Callable[..., Ran]) -> None:
    ran = run(test_check='def test_a(prometheus):\n    assert prometheus("x") < 0.4\n')
    ran.result.stdout.fnmatch_lines(
        [
            '>       assert prometheus("x") < 0.4',
            'E   x: 1 of 2 series is not < 0.4 (x{route="/a"}: 0.5); expected every series < 0.4',
            "E   asked:    x",
            "E   of:       prometheus http://127.0.0.1:*",
            "E   expected: every series < 0.4",
            "E   observed: 1 of 2 series is not < 0.4",
            "E             series         value",
            'E             x{route="/a"}    0.5',
            "E   evidence: ????????????",
            "E   next:     graph: http://127.0.0.1:*/graph?g0.expr=x&g0.tab=1",
        ]
    )
    assert "pytest_deploycheck/" not in ran.text
    evidence = ran.record["checks"][0]["result"]["evidence"]
    assert evidence[0] in ran.text


@pytest.mark.usefixtures("configured")
def test_what_a_session_fixture_observed_counts_for_every_check_that_uses_it(run: Callable[..., Ran]) -> None:
    ran = run(
        test_check="""
        import pytest

        @pytest.fixture(scope="session")
        def status(health):
            return health("app").get("/health").status

        def test_a(status): assert status == 200
        def test_b(status): assert status == 200
        def test_c(deploycheck): pass
        """,
    )
    assert ran.outcomes() == {"test_a": "passed", "test_b": "passed", "test_c": "inconclusive"}
    evidence = [check["result"]["evidence"] for check in ran.record["checks"]]
    assert evidence[0] == evidence[1] != []
    assert evidence[2] == []


@pytest.mark.usefixtures("configured")
def test_a_users_conftest_overrides_a_fixture(run: Callable[..., Ran]) -> None:
    ran = run(
        conftest="""
        import pytest

        @pytest.fixture(scope="session")
        def health(health):
            return health("app")
        """,
        test_check='def test_a(health):\n    assert health.get("/health").status == 200\n',
    )
    assert (ran.code, ran.outcomes()) == (0, {"test_a": "passed"})


@pytest.mark.usefixtures("configured")
def test_prometheus_api_client_goes_onto_the_same_tape(run: Callable[..., Ran]) -> None:
    ran = run(
        test_check="""
        def test_a(prometheus):
            found = prometheus.client.custom_query("x")
            assert [one["metric"]["route"] for one in found] == ["/a", "/b"]
        """,
    )
    assert (ran.code, ran.record["verdict"]) == (0, "GO"), ran.text
    assert len(ran.record["checks"][0]["result"]["evidence"]) == 1


@pytest.mark.parametrize(
    ("marker", "option", "code", "message"),
    [
        ("", (), 6, "app"),
        ("", ("--deploycheck-allow-writes", "app"), 6, 'mark the check @pytest.mark.writes("app")'),
        ('@pytest.mark.writes("app")', (), 6, "--deploycheck-allow-writes"),
        ('@pytest.mark.writes("app")', ("--deploycheck-allow-writes", "other"), 6, "--deploycheck-allow-writes"),
        ('@pytest.mark.writes("app")', ("--deploycheck-allow-writes", "app"), 0, ""),
        ("@pytest.mark.writes", ("--deploycheck-allow-writes", "all"), 0, ""),
    ],
)
@pytest.mark.usefixtures("configured")
def test_a_write_needs_the_opt_in_of_check_and_run(
    run: Callable[..., Ran], marker: str, option: tuple[str, ...], code: int, message: str
) -> None:
    ran = run(
        *option,
        test_check=f"""
        import pytest
        {marker}
        def test_a(health):
            assert health("app").post("/sessions", json={{}}).status == 200
        """,
    )
    assert ran.code == code, ran.text
    assert message in ran.text
    if code:
        assert ran.outcomes() == {"test_a": "error"}
        assert ran.record["checks"][0]["result"]["evidence"] == []


def test_a_fixture_of_a_system_that_is_not_configured_says_what_to_write(run: Callable[..., Ran]) -> None:
    ran = run(test_check='def test_a(prometheus):\n    assert prometheus("x") < 1\n')
    assert (ran.code, ran.record["verdict"]) == (6, "HOLD")
    assert "no deploycheck.toml found: prometheus: a check needs it and it is not configured" in ran.text
    assert 'expected a deploycheck.toml with [environments.prod.prometheus] and url = "http://…"' in ran.text
    assert "Traceback" not in ran.text


@pytest.mark.usefixtures("configured")
def test_a_service_that_is_not_configured_names_those_that_are(run: Callable[..., Ran]) -> None:
    ran = run(test_check='def test_a(health):\n    health("ap").get("/x")\n')
    assert "environments.test.services.ap: a check needs it and it is not configured (expected one of app)" in ran.text


def test_a_check_without_observation_can_record_what_it_saw(run: Callable[..., Ran], pytester: pytest.Pytester) -> None:
    ran = run(test_check="def test_a(deploycheck):\n    deploycheck.record('queue', {'depth': 3})\n")
    assert ran.code == 0
    lines = (pytester.path / "reports/latest/evidence/observations.jsonl").read_text().splitlines()
    (line,) = (json.loads(line) for line in lines)
    assert (line["check"], line["method"], line["url"]) == ("test_check.py::test_a", "RECORD", "record:queue")
    assert (pytester.path / "reports/latest/evidence/bodies" / line["body_sha256"]).read_text() == '{"depth": 3}'


def test_a_fixture_that_does_not_exist_is_told_in_words(run: Callable[..., Ran]) -> None:
    ran = run(
        test_check="""
        import pytest

        @pytest.mark.within("10m")
        def test_a(deploycheck, promtheus): pass
        """
    )
    assert ran.code == 6
    assert ran.result_of(ran.record["checks"][0]) == ("error", "there is no fixture 'promtheus'")
