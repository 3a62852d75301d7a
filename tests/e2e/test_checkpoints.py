"""Long runs and scheduled runs on a clock that moves only when somebody waits."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from pytest_deploycheck.clock import ManualClock
from pytest_deploycheck.model.measure import Measure
from pytest_deploycheck.session import longrun, observing, waitside
from pytest_deploycheck.session.run import CLOCK
from pytest_deploycheck.session.statefile import StateFile, Subject
from pytest_deploycheck.signoff.record import SCHEMA_FILE, digest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_LOADED = (longrun, observing, waitside)
"""Imported here once: pytester forgets what a run imported."""

FINISH = 1_800_000_000.0
MINUTE = 60.0
HOUR = 3600.0
PLAN = "+15m,+30m,+1h"

SUITE = """
import pytest

pytestmark = pytest.mark.blocker

@pytest.fixture(scope="session")
def whole(request):
    world = next(it for it in request.config.pluginmanager.get_plugins() if type(it).__name__ == "World")
    world.events.append("up")
    yield
    world.events.append("down")

class TestApp:
    def test_level(self, world, whole, deploycheck, record_property):
        assert not hasattr(self, "seen")
        self.seen = True
        record_property("run", len(world.events))
        print("printed", world.minutes)
        deploycheck.record("minutes", world.minutes)
        world.judge(deploycheck)

    def test_other(self, deploycheck):
        deploycheck.record("seen", 1)
"""


@dataclass(eq=False)
class World:
    """A plugin of the inner run: its clock, and what is measured at which minute after the finish."""

    clock: ManualClock
    values: Callable[[float], float] = lambda _: 1.0
    events: list[str] = field(default_factory=list)
    interrupt: Callable[[float], bool] = lambda _: False

    def pytest_configure(self, config: pytest.Config) -> None:
        config.stash[CLOCK] = self.clock

    @pytest.fixture
    def world(self) -> World:
        return self

    @property
    def minutes(self) -> float:
        return round((self.clock.now() - FINISH) / MINUTE, 2)

    def judge(self, run: Any) -> None:
        """Compare the value of this minute with 10."""
        value = self.values(self.minutes)
        self.events.append(f"{self.minutes:g}: {value:g}")
        if self.interrupt(self.minutes):
            raise KeyboardInterrupt
        run.ledger.measures.append(Measure(name="highest value", value=value, of="x"))
        assert value < 10


@dataclass(frozen=True)
class Ran:
    code: int
    text: str
    record: dict[str, Any]
    world: World
    path: Path

    def part(self, label: str) -> dict[str, Any]:
        """The record of one checkpoint of a long run."""
        return read(self.path / "reports" / "latest" / "checkpoints" / label)

    @property
    def states(self) -> dict[str, str]:
        return {it["label"]: f"{it['verdict']} {it['state']}" for it in self.record["checkpoints"]["all"]}


def read(folder: Path) -> dict[str, Any]:
    record: dict[str, Any] = json.loads((folder / "signoff.json").read_text())
    jsonschema.validate(record, json.loads(SCHEMA_FILE.read_text()))
    assert record["digest"] == digest(record)
    return record


@pytest.fixture
def observe(pytester: pytest.Pytester) -> Callable[..., Ran]:
    """Return a function that runs the suite in this process, so many seconds after the deployment's finish."""
    pytester.makepyfile(test_app=SUITE)
    pytester.makefile(".toml", deploycheck="[environments.prod]\n")

    def observe(elapsed: float, *arguments: str, version: str = "1.4.2", **world: Any) -> Ran:
        inner = World(**{"clock": ManualClock(FINISH + elapsed), **world})
        result = pytester.runpytest_inprocess(
            "-pno:cacheprovider",
            f"--deployment-finished-at={FINISH:.0f}",
            f"--deployment-version={version}",
            *arguments,
            plugins=[inner],
            no_reraise_ctrlc=True,
        )
        latest = pytester.path / "reports" / "latest"
        record = read(latest) if latest.exists() else {}
        return Ran(int(result.ret), result.stdout.str() + result.stderr.str(), record, inner, pytester.path)

    return observe


# --- one long run -----------------------------------------------------------------------------------------------------


def test_a_long_run_makes_each_checkpoint_when_it_is_due_and_compares_them(observe: Callable[..., Ran]) -> None:
    ran = observe(0, "--deploycheck-checkpoint", PLAN, values=lambda minutes: minutes / 15)
    assert (ran.code, ran.record["verdict"], ran.record["complete"]) == (0, "GO", True)
    assert ran.states == {"+15m": "GO done", "+30m": "GO done", "+1h": "GO done"}
    # everything is set up anew each time
    assert ran.world.events == ["up", "15: 1", "down", "up", "30: 2", "down", "up", "60: 4", "down"]
    last = ran.part("+1h")
    assert (last["verdict"], last["checkpoints"]["current"], last["checkpoints"]["next"]) == ("GO", "+1h", None)
    assert last["checkpoints"]["trend"][0] == {
        "nodeid": "test_app.py::TestApp::test_level",
        "level": "blocker",
        "measure": {"name": "highest value", "unit": "", "of": "x"},
        "cells": [
            {"checkpoint": "+15m", "outcome": "passed", "value": 1.0},
            {"checkpoint": "+30m", "outcome": "passed", "value": 2.0},
            {"checkpoint": "+1h", "outcome": "passed", "value": 4.0},
        ],
        "change": {"since_first": 3.0, "since_previous": 2.0},
    }
    markdown = (ran.path / "reports" / "latest" / "checkpoints" / "latest" / "signoff.md").read_text()
    assert (
        "| `test_app.py::TestApp::test_level` | highest value | P 1 | P 2 | P 4 | +3 (+300 %) | +2 (+100 %) |"
    ) in markdown
    # an earlier checkpoint's record knows nothing of later ones
    assert [it["label"] for it in ran.part("+15m")["checkpoints"]["all"]] == ["+15m"]
    assert ran.part("+15m")["checkpoints"]["next"]["label"] == "+30m"


def test_the_whole_runs_record_lists_the_parts_with_their_digests(observe: Callable[..., Ran]) -> None:
    ran = observe(0, "--deploycheck-checkpoint", "+15m,+30m")
    names = [it["name"] for it in ran.record["evidence"]["files"]]
    assert [name for name in names if name.endswith("signoff.json")] == [
        "checkpoints/+15m/signoff.json",
        "checkpoints/+30m/signoff.json",
    ]
    assert all((ran.path / "reports" / "latest" / name).is_file() for name in names)
    assert ran.part("+15m")["evidence"]["observations"] == 2


def test_each_go_begins_without_what_the_one_before_printed_and_recorded(observe: Callable[..., Ran]) -> None:
    ran = observe(0, "--deploycheck-checkpoint", PLAN, "--junit-xml=junit.xml", "-ojunit_family=xunit1", "-rP")
    junit = (ran.path / "junit.xml").read_text()
    assert junit.count('<property name="run"') == 3
    assert ran.text.count("printed 15.0") == ran.text.count("printed 60.0") == 1


def test_what_failed_once_is_not_mended_and_ends_the_observation(observe: Callable[..., Ran]) -> None:
    ran = observe(0, "--deploycheck-checkpoint", PLAN, values=lambda minutes: 12.0 if minutes == 30 else 1.0)
    assert (ran.code, ran.record["verdict"]) == (1, "NO-GO")
    assert ran.states == {"+15m": "GO done", "+30m": "NO-GO done", "+1h": "HOLD not reached"}
    assert ran.world.minutes == 30
    texts = [reason["text"] for reason in ran.record["reasons"]]
    assert texts == [
        "at +30m: assert 12.0 < 10",
        "checkpoint +1h not reached: the observation ended with the NO-GO at +30m",
    ]
    assert (
        "deploycheck: the observation ended with the NO-GO at +30m; --deploycheck-checkpoint-continue would go on"
        in ran.text
    )


def test_it_goes_on_where_it_is_told_to_and_the_verdict_stays(observe: Callable[..., Ran]) -> None:
    ran = observe(
        0,
        "--deploycheck-checkpoint",
        PLAN,
        "--deploycheck-checkpoint-continue",
        values=lambda minutes: 12.0 if minutes == 30 else 1.0,
    )
    assert (ran.code, ran.record["verdict"]) == (1, "NO-GO")
    assert ran.states == {"+15m": "GO done", "+30m": "NO-GO done", "+1h": "GO done"}
    assert ran.part("+1h")["verdict"] == "GO"
    assert ran.part("+1h")["checkpoints"]["verdict"] == "NO-GO"
    assert [reason["text"] for reason in ran.record["reasons"]] == ["at +30m: assert 12.0 < 10"]


def test_a_late_start_runs_the_latest_one_at_once_and_tells_of_those_it_missed(observe: Callable[..., Ran]) -> None:
    ran = observe(40 * MINUTE, "--deploycheck-checkpoint", PLAN)
    assert ran.code == 6
    assert ran.states == {"+15m": "HOLD missed", "+30m": "GO done", "+1h": "GO done"}
    assert ran.world.events == ["up", "40: 1", "down", "up", "60: 1", "down"]
    assert [reason["text"] for reason in ran.record["reasons"]] == [
        "checkpoint +15m missed: nothing was measured at +15m: the first run after it came at +40m"
    ]
    assert "deploycheck: checkpoint +30m, 10m later than planned" in ran.text
    assert (
        "deploycheck: checkpoint +15m: missed: nothing was measured at +15m: the first run after it came at +40m; "
        "with it the verdict is HOLD at best"
    ) in ran.text


def test_after_the_last_one_a_start_makes_only_that(observe: Callable[..., Ran]) -> None:
    ran = observe(50 * HOUR, "--deploycheck-checkpoint", "+1h")
    assert (ran.code, ran.states) == (0, {"+1h": "GO done"})


def test_ctrl_c_between_and_within_checkpoints_leaves_what_was_written_and_a_hold(observe: Callable[..., Ran]) -> None:
    ran = observe(0, "--deploycheck-checkpoint", PLAN, interrupt=lambda minutes: minutes == 30)
    assert (ran.code, ran.record["verdict"]) == (2, "HOLD")
    assert ran.states == {"+15m": "GO done", "+30m": "HOLD unfinished", "+1h": "HOLD not reached"}
    assert ran.part("+15m")["verdict"] == "GO"
    part = ran.part("+30m")
    assert (part["verdict"], part["complete"]) == ("HOLD", True)
    assert part["collection"]["interrupted"] == "the checkpoint was not made to its end"
    assert "checkpoint +1h not reached: the run ended before it" in [it["text"] for it in ran.record["reasons"]]


class InterruptedClock(ManualClock):
    """A clock on which nobody sleeps beyond 20 minutes after the finish: Ctrl-C comes."""

    def sleep(self, seconds: float) -> None:
        if self.now() >= FINISH + 20 * MINUTE:
            raise KeyboardInterrupt
        super().sleep(seconds)


def test_ctrl_c_while_waiting(observe: Callable[..., Ran]) -> None:
    ran = observe(0, "--deploycheck-checkpoint", PLAN, clock=InterruptedClock(FINISH))
    assert (ran.code, ran.record["verdict"]) == (2, "HOLD")
    assert ran.states == {"+15m": "GO done", "+30m": "HOLD not reached", "+1h": "HOLD not reached"}


def test_a_run_that_is_killed_leaves_a_hold_that_tells_of_the_checkpoints_so_far(
    observe: Callable[..., Ran], pytester: pytest.Pytester
) -> None:
    seen: list[dict[str, Any]] = []

    def look(minutes: float) -> float:
        if minutes == 60:
            seen.append(read(pytester.path / "reports" / "latest"))
        return 1.0

    observe(0, "--deploycheck-checkpoint", PLAN, values=look)
    found = seen[0]
    assert (found["verdict"], found["complete"]) == ("HOLD", False)
    assert [(it["label"], it["verdict"], it["state"]) for it in found["checkpoints"]["all"]] == [
        ("+15m", "GO", "done"),
        ("+30m", "GO", "done"),
    ]


def test_x_ends_the_long_run_at_the_first_failure(observe: Callable[..., Ran]) -> None:
    ran = observe(0, "--deploycheck-checkpoint", PLAN, "-x", values=lambda minutes: 12.0 if minutes == 30 else 1.0)
    assert (ran.code, ran.record["verdict"]) == (1, "NO-GO")
    assert ran.part("+30m")["verdict"] == "NO-GO"
    assert ran.world.minutes == 30


def test_an_inconclusive_checkpoint_goes_on_and_holds_in_the_end(
    observe: Callable[..., Ran], pytester: pytest.Pytester
) -> None:
    pytester.makepyfile(
        test_app="""
        import pytest

        @pytest.mark.blocker
        def test_it(deploycheck, world):
            if world.minutes != 30:
                deploycheck.record("minutes", world.minutes)
        """
    )
    ran = observe(0, "--deploycheck-checkpoint", PLAN)
    assert (ran.code, ran.record["verdict"]) == (6, "HOLD")
    assert ran.states == {"+15m": "GO done", "+30m": "HOLD done", "+1h": "GO done"}
    assert [reason["text"] for reason in ran.record["reasons"]] == [
        "at +30m: passed without having observed anything",
        "HOLD at +30m: no blocker failed, but 1 blocker inconclusive",
    ]


def test_checks_that_wait_do_so_at_each_checkpoint(observe: Callable[..., Ran], pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        test_app="""
        import pytest

        @pytest.mark.within("5m", since="start")
        def test_it(deploycheck, world):
            deploycheck.record("minutes", world.minutes)
            assert world.minutes % 15 > 2
        """
    )
    ran = observe(0, "--deploycheck-checkpoint", "+15m,+30m")
    assert ran.code == 0
    waits = [ran.part(label)["checks"][0]["result"] for label in ("+15m", "+30m")]
    assert all(it["attempts"] > 2 and "converged at T+" in it["wait"][0] for it in waits)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["--deploycheck-checkpoint=+15m", "-n2"],
            (
                "--deploycheck-checkpoint makes all checkpoints in one process: run it with -n 0, or let each be a run "
                "of its own with --deploycheck-at now, which may use -n"
            ),
        ),
        (
            ["--deploycheck-checkpoint=soon"],
            "'soon' is no checkpoint: write it as +15m, +1h or +1h30m, counted from the",
        ),
        (["--deploycheck-at=1h"], "--deploycheck-at: '1h' is no checkpoint: write it as +15m, +1h or +1h30m, counted"),
        (
            ["--deploycheck-at=+1h", "--deploycheck-checkpoint=+2h,+3h"],
            "--deploycheck-at +1h: it is not one of the planned checkpoints +2h, +3h",
        ),
        (
            ["--deploycheck-at=+1h", "--deploycheck-checkpoint-tolerance=soon"],
            "--deploycheck-checkpoint-tolerance 'soon' is no duration: write it as 30m or 1h",
        ),
        (
            ["--deploycheck-state=x.json"],
            (
                "--deploycheck-state is about checkpoints, and none is asked for: add --deploycheck-checkpoint or "
                "--deploycheck-at"
            ),
        ),
        (
            ["--deploycheck-at=+1h"],
            "checkpoint +1h is due at 2027-01-15T09:00:00Z, in 59m: what is measured now would tell of another time",
        ),
        (
            ["--deploycheck-at=now", "--deployment-finished-at="],
            "checkpoints are counted from the deployment's finish, which is not known: give --deployment-finished-at",
        ),
    ],
)
def test_mistakes_are_usage_errors(observe: Callable[..., Ran], arguments: list[str], message: str) -> None:
    ran = observe(MINUTE, *arguments)
    assert ran.code == 4
    if "--deployment-finished-at=" not in arguments:
        assert f"deploycheck: {message}" in ran.text
    assert ran.record == {}


# --- scheduled runs ---------------------------------------------------------------------------------------------------

NOW = ("--deploycheck-checkpoint", PLAN, "--deploycheck-at", "now")


def test_scheduled_runs_one_after_the_other_come_to_what_one_long_run_does(observe: Callable[..., Ran]) -> None:
    first = observe(15 * MINUTE + 20, *NOW, values=lambda _: 1.0)
    assert (first.code, first.states) == (0, {"+15m": "GO done"})
    again = observe(20 * MINUTE, *NOW)
    assert (again.code, again.world.events) == (0, [])
    assert (
        "deploycheck: no checkpoint is due: the next one is +30m at 2027-01-15T08:30:00Z; so far: GO at +15m"
        in again.text
    )
    second = observe(43 * MINUTE, *NOW, values=lambda _: 1.5)
    assert (second.code, second.states) == (0, {"+15m": "GO done", "+30m": "GO done"})
    assert "checkpoint +30m: GO, 13m later than planned: 2 of 2 blockers passed" in second.text
    third = observe(61 * MINUTE, *NOW, values=lambda _: 3.0)
    assert third.code == 0
    assert third.record["checkpoints"]["trend"][0]["change"] == {"since_first": 2.0, "since_previous": 1.5}
    assert third.record["checkpoints"]["current"] == "+1h"
    over = observe(70 * MINUTE, *NOW)
    assert (over.code, over.world.events) == (0, [])
    assert "no checkpoint is due: all of them have been made or missed; so far: GO at +15m, +30m, +1h" in over.text


def test_a_tick_without_a_due_checkpoint_leaves_no_folder(observe: Callable[..., Ran]) -> None:
    ran = observe(5 * MINUTE, *NOW)
    assert (ran.code, ran.record) == (6, {})
    assert "so far: no checkpoint has been made yet" in ran.text
    assert [it.name for it in (ran.path / "reports").iterdir()] == ["checkpoints"]


def test_what_was_missed_is_told_and_the_exit_code_is_the_worst(observe: Callable[..., Ran]) -> None:
    observe(15 * MINUTE, *NOW)
    ran = observe(62 * MINUTE, *NOW)
    assert ran.states == {"+15m": "GO done", "+30m": "HOLD missed", "+1h": "GO done"}
    # its own record says what it measured; the exit code says what all of them come to
    assert (ran.record["verdict"], ran.record["exit_code"], ran.code) == ("GO", 0, 6)
    assert ran.record["notes"] == [
        (
            "the process exits with 6 instead of 0: the checkpoints so far are HOLD at +30m (missed): nothing was "
            "measured at +30m: the first run after it came at +1h2m"
        )
    ]


def test_the_first_no_go_ends_it_for_scheduled_runs_too(observe: Callable[..., Ran]) -> None:
    assert observe(15 * MINUTE, *NOW, values=lambda _: 11.0).code == 1
    ran = observe(30 * MINUTE, *NOW)
    assert (ran.code, ran.world.events) == (1, [])
    assert (
        "no checkpoint is due: the observation ended with the NO-GO at +15m; --deploycheck-checkpoint-continue goes on"
        in ran.text
    )
    on = observe(30 * MINUTE, *NOW, "--deploycheck-checkpoint-continue")
    assert (on.code, on.record["verdict"], on.states) == (1, "GO", {"+15m": "NO-GO done", "+30m": "GO done"})


def test_a_run_that_is_too_late_has_missed_it(observe: Callable[..., Ran]) -> None:
    ran = observe(22 * MINUTE, *NOW, "--deploycheck-checkpoint-tolerance=5m")
    assert (ran.code, ran.world.events, ran.record) == (6, [], {})
    assert (
        "so far: HOLD at +15m (missed): nothing was measured at +15m: the first run after it came at +22m" in ran.text
    )


def test_without_a_plan_each_run_is_a_checkpoint_of_its_own(observe: Callable[..., Ran]) -> None:
    observe(15 * MINUTE + 30, "--deploycheck-at=now")
    ran = observe(62 * MINUTE, "--deploycheck-at=now")
    assert ran.states == {"+15m": "GO done", "+1h2m": "GO done"}
    named = observe(2 * HOUR, "--deploycheck-at=+2h")
    assert named.states == {"+15m": "GO done", "+1h2m": "GO done", "+2h": "GO done"}


def test_a_killed_run_and_a_hold_may_be_made_again_while_it_is_time(observe: Callable[..., Ran]) -> None:
    cut = observe(15 * MINUTE, *NOW, interrupt=lambda _: True)
    assert (cut.code, cut.states) == (2, {"+15m": "HOLD unfinished"})
    again = observe(16 * MINUTE, *NOW)
    assert (again.code, again.states) == (0, {"+15m": "GO done"})


def test_a_hold_may_be_measured_again_by_name_while_it_is_time(
    observe: Callable[..., Ran], pytester: pytest.Pytester
) -> None:
    named = ("--deploycheck-checkpoint", PLAN, "--deploycheck-at", "+15m")
    pytester.makepyfile(
        test_app="""
        import pytest

        @pytest.mark.blocker
        def test_it(deploycheck, world):
            if world.values(0):
                deploycheck.record("seen", 1)
        """
    )
    assert observe(15 * MINUTE, *NOW, values=lambda _: 0.0).states == {"+15m": "HOLD done"}
    assert "no checkpoint is due" in observe(16 * MINUTE, *NOW).text
    again = observe(17 * MINUTE, *named)
    assert (again.code, again.states) == (0, {"+15m": "GO done"})
    stands = observe(18 * MINUTE, *named, values=lambda _: 0.0)
    assert (stands.code, stands.states) == (0, {"+15m": "GO done"})
    assert "no checkpoint is due: the next one is +30m at 2027-01-15T08:30:00Z; so far: GO at +15m" in stands.text


def test_a_hold_whose_time_has_gone_by_stands(observe: Callable[..., Ran], pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_app="def test_it(deploycheck, world):\n    pass\n")
    first = observe(15 * MINUTE, *NOW)
    ran = observe(31 * MINUTE, "--deploycheck-checkpoint", PLAN, "--deploycheck-at", "+15m")
    assert ran.code == 6
    assert "no checkpoint is due: the next one is +1h at 2027-01-15T09:00:00Z; so far: HOLD at +15m: " in ran.text
    later = observe(32 * MINUTE, *NOW)
    assert later.states == {"+15m": "HOLD done", "+30m": "HOLD done"}
    assert later.record["checkpoints"]["all"][0]["run_id"] == first.record["run_id"]


def test_another_deployment_starts_anew_in_a_shared_file_and_the_first_one_stays(observe: Callable[..., Ran]) -> None:
    observe(15 * MINUTE, *NOW, "--deploycheck-state=state.json", values=lambda _: 11.0)
    other = observe(15 * MINUTE, *NOW, "--deploycheck-state=state.json", version="1.4.3")
    assert (other.code, other.states) == (0, {"+15m": "GO done"})
    first = observe(16 * MINUTE, *NOW, "--deploycheck-state=state.json")
    assert first.code == 1
    assert "the observation ended with the NO-GO at +15m" in first.text


@pytest.mark.parametrize("content", ["{", "[]", '{"schema": "other", "observations": []}', "\udcff"])
def test_a_state_that_cannot_be_read_is_an_error_that_names_the_file(observe: Callable[..., Ran], content: str) -> None:
    ran = observe(0, *NOW)
    state = ran.path / "state.json"
    state.write_bytes(content.encode("utf-8", "surrogateescape"))
    ran = observe(15 * MINUTE, *NOW, "--deploycheck-state=state.json")
    assert (ran.code, ran.world.events) == (4, [])
    assert f"{state} is not the state of checkpoints that this version writes: " in ran.text
    assert state.read_bytes() == content.encode("utf-8", "surrogateescape")


def test_two_runs_at_once_are_refused(observe: Callable[..., Ran], pytester: pytest.Pytester) -> None:
    path = pytester.path / "state.json"
    other = StateFile(path, Subject(environment="prod", version="1.4.2", image_digest="", finished=FINISH))
    other.open()
    try:
        ran = observe(15 * MINUTE, *NOW, "--deploycheck-state=state.json")
        assert (ran.code, ran.world.events) == (4, [])
        assert f"{path} is in use by another run (process " in ran.text
    finally:
        other.close()
    assert observe(15 * MINUTE, *NOW, "--deploycheck-state=state.json").code == 0


def test_a_long_run_with_a_state_goes_on_where_the_one_before_was_killed(observe: Callable[..., Ran]) -> None:
    state = ("--deploycheck-checkpoint", PLAN, "--deploycheck-state", "state.json")
    observe(0, *state, interrupt=lambda minutes: minutes == 30, values=lambda _: 1.0)
    ran = observe(32 * MINUTE, *state, values=lambda _: 4.0)
    assert (ran.code, ran.record["verdict"]) == (0, "GO")
    assert ran.states == {"+15m": "GO done", "+30m": "GO done", "+1h": "GO done"}
    assert ran.world.events == ["up", "32: 4", "down", "up", "60: 4", "down"]
    assert ran.record["checkpoints"]["trend"][0]["change"] == {"since_first": 3.0, "since_previous": 0.0}


def test_scheduled_runs_with_workers(observe: Callable[..., Ran], pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_app="def test_it(deploycheck):\n    deploycheck.record('seen', 1)\n")
    result = pytester.runpytest_subprocess(
        "-pno:cacheprovider", "-n2", "--deploycheck-at=now", "--deployment-finished-at=2026-01-21T14:00:00Z"
    )
    assert result.ret == 0
    record = read(pytester.path / "reports" / "latest")
    assert [it["state"] for it in record["checkpoints"]["all"]] == ["done"]
    assert record["runner"]["workers"] == 2
    del observe
