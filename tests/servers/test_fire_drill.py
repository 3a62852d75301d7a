"""Fire drills through a real Alertmanager, seen by a listener, in a receiver's log, and by counters."""

from __future__ import annotations

import re
import socket
from contextlib import closing, contextmanager, suppress
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import yaml

from pytest_deploycheck.clock import SystemClock
from pytest_deploycheck.errors import CannotMeasure, NoData, NotEnoughData, WriteNotAllowed
from pytest_deploycheck.sandbox.process import Child, SandboxError, free_port
from pytest_deploycheck.sandbox.readiness import wait_until
from pytest_deploycheck.session.run import Run
from pytest_deploycheck.settings.drills import FireDrillCheck
from pytest_deploycheck.settings.load import load
from pytest_deploycheck.transport.listening import Listener
from pytest_deploycheck.transport.redaction import Redactor
from pytest_deploycheck.transport.tape import Tape

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pytest_deploycheck.face.fire_drill import DrillAnswer
    from pytest_deploycheck.model.finding import Finding
    from pytest_deploycheck.sandbox.stack import Sandbox

PATIENCE = 30.0


@pytest.fixture
def run(sandbox: Sandbox, tmp_path: Path) -> Iterator[Run]:
    """A run whose check may write, with the receiver of the demo stack among its services."""
    config = tmp_path / "deploycheck.toml"
    config.write_text(
        sandbox.config_path.read_text() + f'\n[environments.sandbox.services.hooks]\nurl = "{sandbox.urls.receiver}"\n'
    )
    settings = load(config, environment=None, overrides={}, environ={}, cwd=tmp_path)
    made = Run(settings, allow_writes=("alertmanager",))
    made._opted_in = frozenset({"alertmanager"})
    yield made
    made.close()


def entry(**changed: Any) -> FireDrillCheck:
    values: dict[str, Any] = {
        "labels": {"severity": "page", "team": "mcp"},
        "receiver": "pager",
        "service": "hooks",
        "path": "/hook",
        "max_latency": "10s",
    }
    return FireDrillCheck.model_validate({key: value for key, value in (values | changed).items() if value is not None})


def last(ask: Callable[[], DrillAnswer], until: Callable[[Finding], bool]) -> Finding:
    """Ask again and again, as `within` does, until the finding is what is waited for."""
    found: list[Finding] = []

    def not_yet() -> str:
        found.append(ask().delivered().finding)
        return "" if until(found[-1]) else found[-1].observed

    with suppress(SandboxError):  # the caller's assertion tells more
        wait_until(not_yet, what="the finding did not come", seconds=PATIENCE, clock=SystemClock())
    return found[-1]


def unready(port: int) -> str:
    try:
        status = httpx.get(f"http://127.0.0.1:{port}/-/ready").status_code
    except httpx.TransportError as error:
        return str(error)
    return "" if status == 200 else f"it answers {status}"


def active(sandbox: Sandbox) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = httpx.get(f"{sandbox.urls.alertmanager}/api/v2/alerts").json()
    return [one for one in found if "deploycheck_probe" in one["labels"]]


def probes(sandbox: Sandbox) -> set[str]:
    """What tells the drills apart whose alerts the pager has received."""
    return set(re.findall(r"deploycheck_probe': '(\w+)'", str(sandbox.received().get("pager", []))))


def test_seen_in_what_the_receiver_tells(run: Run, sandbox: Sandbox) -> None:
    before = probes(sandbox)
    with run.alertmanager.fire_drills() as drills:
        drill = entry(end_within="10s")
        finding = last(lambda: drills.of(drill), lambda finding: finding.passed)
        assert finding.passed, finding.observed
        assert finding.observed.startswith("delivered to pager after ")
        assert finding.observed.endswith("; seen in what hooks tells at /hook")
        assert len(finding.evidence) > 5
    (measure,) = finding.measures
    assert 0 < measure.value < 10
    assert active(sandbox) == []
    assert len(probes(sandbox) - before) == 1


def test_sent_once_however_often_it_is_looked_for(run: Run) -> None:
    with run.alertmanager.fire_drills() as drills:
        for _ in range(3):
            drills.of(entry(max_latency="1h")).delivered()
        posts = [one for one in run.tape.take() if one.method == "POST"]
        assert len(posts) == 1


def test_ended_at_the_end_whatever_became_of_it(run: Run, sandbox: Sandbox) -> None:
    with run.alertmanager.fire_drills() as drills:
        finding = drills.of(entry(labels={"severity": "info"}, receiver="pager")).delivered().finding
        assert finding.observed.startswith("routed to default, not to pager; not delivered ")
        assert len(active(sandbox)) == 1
        run._opted_in = frozenset()  # another check runs by then
    assert active(sandbox) == []


def test_a_drill_that_is_silenced_says_so(run: Run, broken_sandbox: Callable[..., Sandbox]) -> None:
    broken_sandbox("silence-pages")
    with run.alertmanager.fire_drills() as drills:
        finding = last(lambda: drills.of(entry()), lambda finding: "silenced by" in finding.observed)
        assert "silenced by " in finding.observed
        assert "not delivered" in finding.observed


def test_a_drill_that_is_inhibited_says_so(run: Run, broken_sandbox: Callable[..., Sandbox]) -> None:
    broken_sandbox("alert-inhibited")
    with run.alertmanager.fire_drills() as drills:
        drill = entry(labels={"severity": "warning", "team": "mcp"}, receiver="chat")
        finding = last(lambda: drills.of(drill), lambda finding: "inhibited by" in finding.observed)
        assert "inhibited by the alerts " in finding.observed


def test_seen_by_counters(run: Run) -> None:
    with run.alertmanager.fire_drills() as drills:
        drill = entry(service=None, path=None, integration="webhook")
        finding = last(lambda: drills.of(drill), lambda finding: finding.passed)
        assert finding.passed, finding.observed
        assert finding.observed.endswith("; seen by the requests of webhook that Alertmanager counts, of all alerts")
        with pytest.raises(NoData) as caught:
            drills.of(entry(service=None, path=None, integration="carrier-pigeon", id="other"))
        assert caught.value.what == "alertmanager counts no notifications of 'carrier-pigeon'"


def test_counters_that_tell_of_failures(broken_sandbox: Callable[..., Sandbox]) -> None:
    sandbox = broken_sandbox("receiver-dead", fresh=True)
    settings = load(sandbox.config_path, environment=None, overrides={}, environ={}, cwd=sandbox.directory)
    own = Run(settings, allow_writes=("all",))
    own._opted_in = None
    with own.alertmanager.fire_drills() as drills:
        drill = entry(service=None, path=None, integration="webhook")
        finding = last(lambda: drills.of(drill), lambda finding: "fail" in finding.observed)
        assert "requests of webhook fail: " in finding.observed
    own.close()


def test_nothing_is_sent_without_the_checks_consent(run: Run, sandbox: Sandbox) -> None:
    run._opted_in = frozenset()
    with run.alertmanager.fire_drills() as drills, pytest.raises(WriteNotAllowed):
        drills.of(entry())
    assert active(sandbox) == []


def test_a_receivers_log_that_refuses(run: Run) -> None:
    with run.alertmanager.fire_drills() as drills, pytest.raises(CannotMeasure) as caught:
        drills.of(entry(path="/nothing"))
    assert "/nothing answers 404 instead of what it received" in caught.value.what


# --- the listener -----------------------------------------------------------------------------------------------------


@contextmanager
def alertmanager_posting_to(port: int, tmp_path: Path) -> Iterator[str]:
    own = free_port()
    configuration = {
        "route": {"receiver": "hook", "group_wait": "200ms", "group_interval": "1s", "group_by": ["alertname"]},
        "receivers": [{"name": "hook", "webhook_configs": [{"url": f"http://127.0.0.1:{port}/deploycheck"}]}],
    }
    (tmp_path / "am.yml").write_text(yaml.safe_dump(configuration))
    child = Child(
        "alertmanager",
        [
            "prometheus-alertmanager", f"--config.file={tmp_path / 'am.yml'}", f"--storage.path={tmp_path / 'data'}",
            f"--web.listen-address=127.0.0.1:{own}", "--cluster.listen-address=",
        ],
        tmp_path / "am.log",
    )  # fmt: skip
    child.start()
    try:
        wait_until(lambda: unready(own), what="Alertmanager was not ready", seconds=PATIENCE, clock=SystemClock())
        yield f"http://127.0.0.1:{own}"
    finally:
        child.stop()


def test_seen_by_a_listener_with_the_exact_time(tmp_path: Path) -> None:
    port = free_port()
    with alertmanager_posting_to(port, tmp_path) as url:
        config = tmp_path / "deploycheck.toml"
        config.write_text(f'[environments.x.alertmanager]\nurl = "{url}"\nwrites = true\n')
        run = Run(load(config, environment=None, overrides={}, environ={}, cwd=tmp_path))
        run._opted_in = frozenset({"alertmanager"})
        drill = FireDrillCheck.model_validate(
            {"labels": {"severity": "page"}, "receiver": "hook", "listen": f"127.0.0.1:{port}", "end_within": "20s"}
        )
        with run.alertmanager.fire_drills() as drills:
            finding = last(lambda: drills.of(drill), lambda finding: finding.passed)
            assert finding.passed, finding.observed
            assert finding.observed.endswith(f"; seen by a listener on 127.0.0.1:{port}")
            with pytest.raises(CannotMeasure) as caught:
                drills.of(drill.model_copy(update={"id": "again"}))
            assert caught.value.what == f"nothing can listen on 127.0.0.1:{port}: Address already in use"
        received = [one for one in run.tape.take() if one.method == "RECEIVE"]
        assert {one.url for one in received} == {f"http://127.0.0.1:{port}/deploycheck"}
        assert {one.id for one in received} <= set(run.observed)
        run.close()
    with closing(socket.create_server(("127.0.0.1", port))):
        pass  # the listener has let go of the port


@contextmanager
def counting(url: str, tmp_path: Path) -> Iterator[Run]:
    config = tmp_path / "deploycheck.toml"
    config.write_text(f'[environments.x.alertmanager]\nurl = "{url}"\nwrites = true\n')
    run = Run(load(config, environment=None, overrides={}, environ={}, cwd=tmp_path))
    run._opted_in = frozenset({"alertmanager"})
    try:
        yield run
    finally:
        run.close()


def by_counters(**changed: Any) -> FireDrillCheck:
    values = {"labels": {"severity": "page"}, "receiver": "hook", "integration": "webhook", **changed}
    return FireDrillCheck.model_validate(values)


def test_counters_do_not_take_an_attempt_for_a_delivery(tmp_path: Path) -> None:
    with (
        closing(socket.create_server(("127.0.0.1", 0))) as silent,  # takes connections, and answers nothing
        alertmanager_posting_to(silent.getsockname()[1], tmp_path) as url,
        counting(url, tmp_path) as run,
        run.alertmanager.fire_drills() as drills,
    ):
        drill = by_counters()
        drills.of(drill)

        def unattempted() -> str:
            text = httpx.get(f"{url}/metrics").text
            done = 'alertmanager_notifications_total{integration="webhook"} 1' in text
            return "" if done else "the counter stands at 0"

        wait_until(unattempted, what="there was no attempt", seconds=PATIENCE, clock=SystemClock())
        finding = drills.of(drill).delivered().finding
        assert finding.outcome == "failed"
        assert finding.observed.startswith("not delivered ")


def test_counters_moved_by_other_alerts_are_no_evidence(tmp_path: Path) -> None:
    port = free_port()
    tape = Tape()
    with (
        closing(Listener("127.0.0.1", port, tape=tape, redactor=Redactor(), clock=SystemClock())),
        alertmanager_posting_to(port, tmp_path) as url,
        counting(url, tmp_path) as run,
        run.alertmanager.fire_drills() as drills,
    ):
        httpx.post(f"{url}/api/v2/alerts", json=[{"labels": {"alertname": "Watchdog"}}]).raise_for_status()
        drill = by_counters()
        with pytest.raises(NotEnoughData) as caught:
            last(lambda: drills.of(drill), lambda finding: "not delivered" not in finding.observed)
        assert (
            "1 other alert notifies by webhook as well (Watchdog): whose notification was counted, nobody can tell"
        ) in caught.value.what


def test_counters_of_an_integration_that_the_receiver_does_not_have(tmp_path: Path) -> None:
    with (
        alertmanager_posting_to(free_port(), tmp_path) as url,
        counting(url, tmp_path) as run,
        run.alertmanager.fire_drills() as drills,
    ):
        for changed, problem in (
            ({"integration": "email"}, "hook has no integration email, only webhook"),
            ({"receiver": "pager"}, "there is no receiver pager, only hook"),
        ):
            finding = drills.of(by_counters(id="-".join(changed.values()), **changed)).delivered().finding
            assert finding.outcome == "failed"
            assert problem in finding.observed


def test_the_listener_takes_posts_alone() -> None:
    port = free_port()
    tape = Tape()
    listener = Listener("127.0.0.1", port, tape=tape, redactor=Redactor(), clock=SystemClock())
    try:
        url = f"http://127.0.0.1:{port}/x?token=abcdefgh"
        assert httpx.get(url).status_code == 405
        assert httpx.post(url, content=b"one", headers={"Authorization": "Bearer secret"}).status_code == 200
        assert httpx.post(url, content=b"x" * (2**20 + 1)).status_code == 413
        (came,) = listener.deliveries()
        assert (came.body, len(listener.deliveries())) == (b"one", 1)
    finally:
        listener.close()
    (exchange,) = tape.take()
    assert exchange.url == f"http://127.0.0.1:{port}/x?token=<redacted>"
    assert ("Authorization", "<redacted>") in exchange.request_headers
