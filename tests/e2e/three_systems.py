"""One check of each system, all pointed at one server, and what a run of them must leave behind when it misbehaves."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_deploycheck.transport.tape_format import load_observations
from tests.servers.bad_servers import http, json_answer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from tests.e2e.conftest import Ran
    from tests.servers.bad_servers import Answer, Connection

MONITORING = """
    import pytest

    pytestmark = pytest.mark.blocker

    def test_prometheus(prometheus):
        assert prometheus("vector(1)") == 1
        assert prometheus("up") == 1

    def test_alertmanager(alertmanager):
        assert "team" in alertmanager.receivers()
        assert alertmanager.alerts("active").none()
"""

SUITE = (
    MONITORING
    + """
    def test_health(health):
        assert health("mcp").get("/ready").status == 200
        reply = health("mcp").get("/health", expected=(200,))
        assert reply.status == 200
        assert reply.json["status"] == "healthy"
"""
)
"""Each check first asks what is answered, then what is not."""

AT_ONCE = """
    import pytest

    pytestmark = pytest.mark.blocker

    def test_prometheus(prometheus):
        assert prometheus("up") == 1

    def test_alertmanager(alertmanager):
        assert alertmanager.alerts("active").none()

    def test_health(health):
        assert health("mcp").get("/health").status == 200
"""
"""The same, for a server of which nothing is answered."""

NAMES = {"test_prometheus": "prometheus", "test_alertmanager": "alertmanager", "test_health": "service mcp"}
"""Test → what messages call its system."""

ASKED = {
    "prometheus": "/api/v1/query?query=up",
    "alertmanager": "/api/v2/alerts",
    "service mcp": "/health",
}
"""System → the path of the question that goes wrong."""

ONE = json_answer(
    {"status": "success", "data": {"resultType": "vector", "result": [{"metric": {}, "value": [1, "1"]}]}}
)
_GOOD = {
    b"GET /api/v1/query?query=vector": ONE,
    b"GET /api/v2/receivers": json_answer([{"name": "team"}]),
    b"GET /ready": http(200, "yes"),
}

LIMITS = """
timeouts = { connect = "2s", read = "2s", total = "500ms" }
retries = { attempts = 1 }
"""
"""A total deadline of half a second, and no second attempt: what is told is told of the first."""


def good_then(bad: Answer) -> Callable[[Connection], None]:
    """Return a script that answers the first question of each check, and the second one as given."""

    def answer(connection: Connection) -> None:
        good = next((good for start, good in _GOOD.items() if connection.request.startswith(start)), None)
        chosen = bad if good is None else good
        if callable(chosen):
            chosen(connection)
        else:  # the connection is closed after a script; whoever is not told would be cut off in the next question
            connection.send(chosen.replace(b"\r\n", b"\r\nConnection: close\r\n", 1))

    return answer


TABLES = {"prometheus": "prometheus", "alertmanager": "alertmanager", "service mcp": "services.mcp"}
"""System → its table below the environment."""


def configure(
    directory: Path, url: str, extra: str | Mapping[str, str] = "", *, limits: str = LIMITS, head: str = ""
) -> Path:
    """Write a `deploycheck.toml` in which all three systems are at `url`.

    Args:
        directory: of the test.
        url: of the server.
        extra: further lines: the same for all systems, or by system.
        limits: time-outs and attempts.
        head: what stands before the systems.
    """
    file = directory / "deploycheck.toml"
    more = dict.fromkeys(TABLES, extra) if isinstance(extra, str) else extra
    tables = (f'[environments.test.{table}]\nurl = "{url}"\n{limits}{more[name]}' for name, table in TABLES.items())
    file.write_text(head + "\n".join(tables))
    return file


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """The parts of an error's text; `{system}` and `{url}` stand for whom and where."""

    what: str
    details: tuple[str, ...] = ()
    next_step: str

    def lines(self, *, system: str, where: str, evidence: str, url: str) -> list[str]:
        """Return the whole text, as it must stand in the terminal and in the record."""
        parts = [self.what, *self.details, self.next_step]
        what, *details, step = (part.replace("{system}", system).replace("{url}", url) for part in parts)
        return [
            f"{system}: {what}",
            f"  at: {where}",
            *(f"  {line}" for line in details),
            f"  evidence: {evidence}",
            f"  next: {step}",
        ]


def check_of(ran: Ran, name: str) -> dict[str, Any]:
    """Return the record of one check."""
    found: dict[str, Any] = next(check for check in ran.record["checks"] if check["nodeid"].endswith(f"::{name}"))
    return found


def assert_told(ran: Ran, text: Mapping[str, Text] | Text, url: str, *, answered: bool = True) -> None:
    """Assert that every check of the run tells its error as it should, and left what it saw.

    Args:
        ran: a run of `SUITE`, or of a part of it.
        text: the expected text: the same for all systems, or by system.
        url: of the server.
        answered: whether the first question of each check was answered.
    """
    evidence = load_observations(reports(ran) / "evidence")
    assert evidence.problems == ()
    shown = ran.result.stdout.str()
    for check in ran.record["checks"]:
        name = check["nodeid"].rpartition("::")[2]
        system = NAMES[name]
        asked = url + ASKED[system]
        result = check["result"]
        seen = [found for found in evidence.records if found.check == check["nodeid"]]
        assert [found.exchange.id for found in seen] == result["evidence"]
        assert [found.exchange.status for found in seen[:-1]] == ([200] if answered else []), "seen before the error"
        last = seen[-1]
        expected = (text if isinstance(text, Text) else text[system]).lines(
            system=system, where=asked, evidence=last.exchange.id, url=url
        )
        assert (result["outcome"], result["summary"], result["phase"]) == ("error", expected[0], "call")
        assert last.exchange.url == asked
        told = "\n".join(f"E   {line}" for line in expected)
        assert told in result["text"], result["text"]
        assert told in shown, shown
        assert f"next: {expected[-1].strip().removeprefix('next: ')}" in shown.partition("HOLD: ")[2]


def assert_held(ran: Ran, why: str) -> None:
    """Assert that the verdict is HOLD with exactly this summary, and that no frame of ours is in what is shown."""
    assert ran.code == 6, ran.text
    assert (ran.record["verdict"], ran.record["complete"]) == ("HOLD", True)
    assert ran.record["why"] == why
    assert f"HOLD: {why}" in ran.result.stdout.lines
    assert "passed" not in ran.outcomes().values()
    assert_no_frame_of_ours(ran)


def assert_no_frame_of_ours(ran: Ran) -> None:
    """Assert that nothing anywhere quotes the package's source, or Python's words for what went wrong."""
    for text in (ran.text, json.dumps(ran.record)):
        assert "pytest_deploycheck/" not in text, text
        assert "Traceback (most recent call last)" not in text, text
        assert "pytest_deploycheck.errors" not in text, text
        assert "INTERNALERROR" not in text, text


def reports(ran: Ran) -> Path:
    """Return the directory of the run's reports."""
    return ran.directory / "reports" / "latest"
